"""Convolutions, pooling, resizing: ops over images, lines and volumes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import Call, Unsupported, lowers
from rustorch.coreml._lower.sizes import ceil_div, is_size
from rustorch.coreml.mil.program import DataType


def _each(value: Any, n: int) -> list[int]:
    """One number for each spatial dim."""
    if isinstance(value, int):
        return [value] * n
    found = list(value)
    return found * n if len(found) == 1 else found


def _batched(c: Call, x: Var, spatial: int, f: Callable[[Var], Var]) -> Var:
    """f of x with a batch dim, which is taken off again where x had none."""
    if x.rank == spatial + 2:
        return f(x)
    found = f(c.b.reshape(x, (1, *x.shape)))
    return c.b.reshape(found, found.shape[1:])


# ---- Convolutions ----


@lowers("conv1d", "conv2d", "conv3d", "conv1d.padding", "conv2d.padding", "conv3d.padding")
def _conv(
    c: Call,
    input: Var,
    weight: Var,
    bias: Var | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Var:
    n = weight.rank - 2
    stride, dilation, kernel = _each(stride, n), _each(dilation, n), weight.shape[2:]
    if isinstance(padding, str):
        total = [d * (k - 1) if padding == "same" else 0 for d, k in zip(dilation, kernel)]
        pad = [p for t in total for p in (t // 2, t - t // 2)]
    else:
        pad = [p for one in _each(padding, n) for p in (one, one)]

    def run(x: Var) -> Var:
        size = [
            (x.shape[2 + i] + pad[2 * i] + pad[2 * i + 1] - dilation[i] * (kernel[i] - 1) - 1) // stride[i]
            + 1
            for i in range(n)
        ]
        arguments: dict[str, Any] = {} if bias is None else {"bias": bias}
        return c.b.op(
            "conv",
            (x.shape[0], weight.shape[0], *size),
            x=x,
            weight=weight,
            **arguments,
            strides=stride,
            pad_type="custom",
            pad=pad,
            dilations=dilation,
            groups=groups,
        )

    return _batched(c, input, n, run)


@lowers("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def _conv_transpose(
    c: Call,
    input: Var,
    weight: Var,
    bias: Var | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Var:
    n = weight.rank - 2
    stride, dilation, kernel = _each(stride, n), _each(dilation, n), weight.shape[2:]
    pad: list[int] = []
    for before, more in zip(_each(padding, n), _each(output_padding, n)):
        if more > before:
            raise Unsupported("output_padding larger than padding")
        pad += [before, before - more]  # padding of a transposed convolution cuts off

    def run(x: Var) -> Var:
        size = [
            (x.shape[2 + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 - pad[2 * i] - pad[2 * i + 1]
            for i in range(n)
        ]
        arguments: dict[str, Any] = {} if bias is None else {"bias": bias}
        return c.b.op(
            "conv_transpose",
            (x.shape[0], weight.shape[1] * groups, *size),
            x=x,
            weight=weight,
            **arguments,
            pad=pad,
            pad_type="custom",
            strides=stride,
            dilations=dilation,
            groups=groups,
        )

    return _batched(c, input, n, run)


# ---- Pooling ----


def _windows(
    x: Var, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], ceil_mode: bool
) -> tuple[list[int], list[int]]:
    """Sizes of the result, and padding before and after each dim that gives just those."""
    sizes, pad = [], []
    for n, k, s, p in zip(x.shape[2:], kernel, stride, padding):
        room = n + 2 * p - k
        count = (ceil_div(room, s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= n + p:  # a last window that begins in the padding is left out
            count -= 1
        sizes.append(count)
        pad += [p, p + (max((count - 1) * s - room, 0) if ceil_mode else 0)]
    return sizes, pad


@lowers("max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(
    c: Call,
    input: Var,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Var:
    n = int(c.op[8])
    if return_indices:
        raise Unsupported("return_indices")
    if any(d != 1 for d in _each(dilation, n)):
        raise Unsupported("dilation")
    kernel = _each(kernel_size, n)
    stride = _each(stride, n) if stride is not None and stride != () else kernel

    def run(x: Var) -> Var:
        sizes, pad = _windows(x, kernel, stride, _each(padding, n), ceil_mode)
        return c.b.op(
            "max_pool",
            (*x.shape[:2], *sizes),
            x=x,
            kernel_sizes=kernel,
            strides=stride,
            pad_type="custom",
            pad=pad,
            ceil_mode=False,
        )

    return _batched(c, input, n, run)


@lowers("avg_pool1d", "avg_pool2d", "avg_pool3d")
def _avg_pool(
    c: Call,
    input: Var,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Var:
    n = int(c.op[8])
    if divisor_override is not None:
        raise Unsupported("divisor_override")
    kernel = _each(kernel_size, n)
    stride = _each(stride, n) if stride is not None and stride != () else kernel
    padding = _each(padding, n)

    def run(x: Var) -> Var:
        sizes, pad = _windows(x, kernel, stride, padding, ceil_mode)
        if count_include_pad and pad != [p for one in padding for p in (one, one)]:
            raise Unsupported("ceil_mode with count_include_pad")
        return c.b.op(
            "avg_pool",
            (*x.shape[:2], *sizes),
            x=x,
            kernel_sizes=kernel,
            strides=stride,
            pad_type="custom",
            pad=pad,
            exclude_padding_from_average=not count_include_pad,
            ceil_mode=False,
        )

    return _batched(c, input, n, run)


def _shares(n: int, parts: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The matrix [parts, n] that averages each of the overlapping parts of n values."""
    matrix = np.zeros((parts, n))
    for i in range(parts):
        begin, end = i * n // parts, -(-(i + 1) * n // parts)
        matrix[i, begin:end] = 1 / (end - begin)
    return matrix


@lowers("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d")
def _adaptive_avg_pool(c: Call, input: Var, output_size: Any) -> Var:
    n = int(c.op[17])
    sizes = c.shape[-n:]

    def run(x: Var) -> Var:
        if all(s == 1 for s in sizes):
            return c.b.reduce("reduce_mean", x, range(2, 2 + n), True)
        if all(m % s == 0 for m, s in zip(x.shape[2:], sizes)):
            kernel = [m // s for m, s in zip(x.shape[2:], sizes)]
            return c.b.op(
                "avg_pool",
                (*x.shape[:2], *sizes),
                x=x,
                kernel_sizes=kernel,
                strides=kernel,
                pad_type="valid",
                pad=[0] * (2 * n),
                exclude_padding_from_average=False,
                ceil_mode=False,
            )
        # Along each dim a product with a matrix of shares.
        for i, size in enumerate(sizes):
            if x.shape[2 + i] == size:
                continue
            shares = c.b.constant(_shares(x.shape[2 + i], size).T.astype(np.float32), x.dtype)
            order = [d for d in range(x.rank) if d != 2 + i] + [2 + i]
            moved = c.b.transpose(x, order)
            shape = (*moved.shape[:-1], size)
            averaged = c.b.op("matmul", shape, x=moved, y=shares, transpose_x=False, transpose_y=False)
            x = c.b.transpose(averaged, [order.index(d) for d in range(x.rank)])
        return x

    return _batched(c, input, n, run)


@lowers("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d")
def _adaptive_max_pool(c: Call, input: Var, output_size: Any, return_indices: bool = False) -> Var:
    n = int(c.op[17])
    sizes = c.shape[-n:]
    if return_indices:
        raise Unsupported("return_indices")

    def run(x: Var) -> Var:
        if all(s == 1 for s in sizes):
            return c.b.reduce("reduce_max", x, range(2, 2 + n), True)
        if any(m % s for m, s in zip(x.shape[2:], sizes)):
            raise Unsupported("sizes that do not divide the input's")
        kernel = [m // s for m, s in zip(x.shape[2:], sizes)]
        return c.b.op(
            "max_pool",
            (*x.shape[:2], *sizes),
            x=x,
            kernel_sizes=kernel,
            strides=kernel,
            pad_type="valid",
            pad=[0] * (2 * n),
            ceil_mode=False,
        )

    return _batched(c, input, n, run)


# ---- Resizing ----


@lowers("interpolate")
def _interpolate(
    c: Call,
    input: Var,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Var:
    if input.rank != 4:
        raise Unsupported(f"{input.rank - 2} spatial dims")
    if antialias:
        raise Unsupported("antialias")
    height, width = c.shape[-2:]
    if mode == "nearest":
        if height % input.shape[2] or width % input.shape[3]:
            raise Unsupported("nearest to sizes that are no multiples of the input's")
        return c.b.op(
            "upsample_nearest_neighbor",
            c.shape,
            x=input,
            scale_factor_height=c.b.constant(float(height // input.shape[2]), DataType.FLOAT32),
            scale_factor_width=c.b.constant(float(width // input.shape[3]), DataType.FLOAT32),
        )
    if mode == "bilinear":
        if scale_factor is not None and not recompute_scale_factor and not align_corners:
            factors = [scale_factor] * 2 if isinstance(scale_factor, (int, float)) else list(scale_factor) * 2
            for have, found, factor in zip(input.shape[2:], (height, width), factors):
                if have * (int(factor) if float(factor).is_integer() else factor) != found:
                    raise Unsupported("a scale_factor that does not give whole sizes")
        if is_size(height) or is_size(width):
            factors = [n // m for n, m in zip((height, width), input.shape[2:])]
            if any(is_size(f) or f * m != n for f, n, m in zip(factors, (height, width), input.shape[2:])):
                raise Unsupported("sizes that vary and are no multiples of the input's")
            return c.b.op(
                "upsample_bilinear",
                c.shape,
                x=input,
                scale_factor_height=c.b.constant(float(factors[0]), DataType.FLOAT32),
                scale_factor_width=c.b.constant(float(factors[1]), DataType.FLOAT32),
                align_corners=bool(align_corners),
            )
        sampling = "STRICT_ALIGN_CORNERS" if align_corners else "UNALIGN_CORNERS"
        return c.b.op(
            "resize_bilinear",
            c.shape,
            x=input,
            target_size_height=height,
            target_size_width=width,
            sampling_mode=sampling,
        )
    raise Unsupported(f"mode '{mode}'")


@lowers("pixel_shuffle")
def _pixel_shuffle(c: Call, input: Var, upscale_factor: int) -> Var:
    if input.rank != 4:
        raise Unsupported(f"{input.rank} dims")
    return c.b.op("pixel_shuffle", c.shape, x=input, upscale_factor=upscale_factor)


@lowers("pixel_unshuffle")
def _pixel_unshuffle(c: Call, input: Var, downscale_factor: int) -> Var:
    *outer, channels, height, width = input.shape
    r = downscale_factor
    if len(outer) > 1:
        raise Unsupported(f"{input.rank} dims")
    n = outer[0] if outer else 1
    # Six dims are one too many: rows first, then columns.
    x = c.b.reshape(input, (n * channels, height // r, r, width))
    x = c.b.reshape(c.b.transpose(x, [0, 2, 1, 3]), (n * channels * r, height // r, width // r, r))
    return c.b.reshape(c.b.transpose(x, [0, 3, 1, 2]), c.shape)
