"""Power pooling, unpooling, response normalisation."""

from __future__ import annotations

import math
import warnings
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """``x / (k + alpha * mean of x^2 over size neighbouring channels)^beta`` (Krizhevsky et al., 2012).

    >>> nn.functional.local_response_norm(rt.zeros(1, 2, 3), 2).sum()
    tensor(0.)
    """
    if input.dim() < 3:
        raise ValueError(f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)")
    if input.numel() == 0:
        return input
    n, c = input.shape[:2]
    square = (input * input).reshape(n, 1, c, -1)
    square = ops.pad(square, (0, 0, size // 2, (size - 1) // 2))
    mean = ops.avg_pool2d(square, (size, 1), stride=1).reshape(input.shape)
    return input / (mean * alpha + k) ** beta


def _lp_pool(input: Tensor, norm_type: float, kernel: tuple[int, ...], pooled: Tensor) -> Tensor:
    # avg_pool gives the mean of x^p; times the window's size it is the sum.
    inner = rt.sign(pooled) * ops.relu(rt.abs(pooled))
    return (inner * math.prod(kernel)) ** (1.0 / norm_type)


def _n(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum of x^p)^(1/p)`` over windows of an (N, C, L) or (C, L) input.

    >>> nn.functional.lp_pool1d(rt.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    pooled = ops.avg_pool1d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _lp_pool(input, norm_type, _n(kernel_size, 1), pooled)


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum of x^p)^(1/p)`` over windows of an (N, C, H, W) or (C, H, W) input.

    >>> nn.functional.lp_pool2d(rt.tensor([[[3.0, 4.0]]]), 2, (1, 2))
    tensor([[[5.]]])
    """
    pooled = ops.avg_pool2d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _lp_pool(input, norm_type, _n(kernel_size, 2), pooled)


def lp_pool3d(
    input: Tensor, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
) -> Tensor:
    """``(sum of x^p)^(1/p)`` over windows of an (N, C, D, H, W) or (C, D, H, W) input.

    >>> nn.functional.lp_pool3d(rt.tensor([[[[3.0, 4.0]]]]), 2, (1, 1, 2))
    tensor([[[[5.]]]])
    """
    pooled = ops.avg_pool3d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return _lp_pool(input, norm_type, _n(kernel_size, 3), pooled)


def _max_unpool(
    name: str,
    n: int,
    input: Tensor,
    indices: Tensor,
    kernel: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Tensor:
    if tuple(input.shape) != tuple(indices.shape):
        raise RuntimeError(
            f"{name}: Expected shape of indices to be same as that of the input tensor "
            f"({tuple(input.shape)}) but got indices tensor with shape: {tuple(indices.shape)}"
        )
    if indices.dtype != rt.int64:
        raise RuntimeError(f"{name}: elements in indices should be type int64 but got: {indices.dtype}")
    kernel = _n(kernel, n)
    stride = kernel if stride is None else _n(stride, n)
    padding = _n(padding, n)
    lead, spatial = tuple(input.shape[:-n]), tuple(input.shape[-n:])
    usual = tuple((s - 1) * st + k - 2 * p for s, st, k, p in zip(spatial, stride, kernel, padding))
    if output_size is None:
        size = usual
    else:
        size = tuple(output_size)[-n:]
        if len(tuple(output_size)) not in (n, n + 2, input.dim()):
            raise ValueError(
                f"{name}: output_size should be a sequence containing {n} or {n + 2} elements, but it has a "
                f"length of '{len(tuple(output_size))}'"
            )
        for want, default, st in zip(size, usual, stride):
            if not default - st < want < default + st:
                raise ValueError(
                    f"{name}: invalid output_size {size}; each size must be within the stride {stride} of "
                    f"{usual}"
                )
    flat = indices.reshape(*lead, -1)
    room = math.prod(size)
    if flat.numel() and (int(flat.max()) >= room or int(flat.min()) < 0):
        raise RuntimeError(f"{name}: Found an invalid max index: {int(flat.max())}; output has {room} places")
    out = rt.zeros((*lead, room), dtype=input.dtype, device=input.device)
    return out.scatter(-1, flat, input.reshape(*lead, -1)).reshape(*lead, *size)


def max_unpool1d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back at the places ``max_pool1d(return_indices=True)`` took them from, zeros elsewhere.

    >>> nn.functional.max_unpool1d(rt.tensor([[5.0]]), rt.tensor([[1]]), 2)
    tensor([[0., 5.]])
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back at the places ``max_pool2d(return_indices=True)`` took them from, zeros elsewhere.

    >>> nn.functional.max_unpool2d(rt.tensor([[[5.0]]]), rt.tensor([[[3]]]), 2)
    tensor([[[0., 0.],
             [0., 5.]]])
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Tensor,
    indices: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    output_size: Any = None,
) -> Tensor:
    """Put maxima back at the places ``max_pool3d(return_indices=True)`` took them from, zeros elsewhere.

    >>> nn.functional.max_unpool3d(rt.tensor([[[[5.0]]]]), rt.tensor([[[[0]]]]), (1, 1, 2))
    tensor([[[[5., 0.]]]])
    """
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
) -> Tensor:
    """The older name of ``interpolate``.

    >>> nn.functional.upsample(rt.ones(1, 1, 2), scale_factor=2).shape == (1, 1, 4)
    True
    """
    warnings.warn(
        "`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2
    )
    return ops.interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """``interpolate`` with mode 'nearest'."""
    return upsample(input, size, scale_factor, mode="nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """``interpolate`` with mode 'bilinear' and aligned corners."""
    return upsample(input, size, scale_factor, mode="bilinear", align_corners=True)
