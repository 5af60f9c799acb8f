"""Pooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._padding import pad_spatial, window_padding
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import OpError
from rustorch.nn import functional as F

_MAX: dict[int, Callable[..., Tensor]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE: dict[int, Callable[..., Tensor]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def _ceil_padding(
    size: Sequence[int], kernel: Sequence[int], strides: Sequence[int], pad: list[int]
) -> list[int]:
    """`pad` with as much more after as a last window needs that starts inside of the input."""
    padding = list(pad)
    for dim, (length, taps, stride) in enumerate(zip(size, kernel, strides)):
        rest = length + pad[2 * dim] + pad[2 * dim + 1] - taps
        last = -(-rest // stride)
        if last * stride >= length + pad[2 * dim]:
            last -= 1
        padding[2 * dim + 1] += max(0, last * stride - rest)
    return padding


def _windows(
    op: str,
    x: Tensor,
    kernel: list[int],
    strides: list[int] | None,
    pad_type: str,
    pad: list[int] | None,
) -> tuple[list[int], list[int]]:
    rank = len(kernel)
    if rank not in _MAX or x.dim() != rank + 2:
        raise OpError.of(op, "x needs two dims more than the kernel, which has 1 to 3", str(list(x.shape)))
    strides = strides or [1] * rank
    return strides, window_padding(op, pad_type, pad, x.shape[2:], kernel, strides, [1] * rank)


def _is_plain(kernel: list[int], padding: list[int]) -> bool:
    """Whether our ops take this padding: the same on both sides, and no more than half a window."""
    before = padding[::2]
    return before == padding[1::2] and all(2 * p <= k for p, k in zip(before, kernel))


@mil_op("max_pool", half=True)
def max_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int] | None,
    pad_type: str,
    pad: list[int] | None,
    ceil_mode: bool,
) -> Tensor:
    strides, padding = _windows("max_pool", x, kernel_sizes, strides, pad_type, pad)
    pool = _MAX[len(kernel_sizes)]
    if _is_plain(kernel_sizes, padding):
        return pool(x, kernel_sizes, strides, padding[::2], 1, ceil_mode)
    if ceil_mode:
        padding = _ceil_padding(x.shape[2:], kernel_sizes, strides, padding)
    return pool(pad_spatial(x, padding, -math.inf), kernel_sizes, strides)


@mil_op("avg_pool")
def avg_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int] | None,
    pad_type: str,
    pad: list[int] | None,
    ceil_mode: bool,
    exclude_padding_from_average: bool,
) -> Tensor:
    strides, padding = _windows("avg_pool", x, kernel_sizes, strides, pad_type, pad)
    pool = _AVERAGE[len(kernel_sizes)]
    if _is_plain(kernel_sizes, padding):
        return pool(x, kernel_sizes, strides, padding[::2], ceil_mode, not exclude_padding_from_average)
    wide = _ceil_padding(x.shape[2:], kernel_sizes, strides, padding) if ceil_mode else padding
    total = pool(pad_spatial(x, wide), kernel_sizes, strides)
    # The share of each window that counts: never what ceil_mode added, and padding only where it should.
    counted = rt.ones((1, 1, *x.shape[2:]), dtype=x.dtype, device=x.device)
    if exclude_padding_from_average:
        counted = pad_spatial(counted, wide)
    else:
        counted = pad_spatial(pad_spatial(counted, padding, 1.0), [w - p for w, p in zip(wide, padding)])
    return total / pool(counted, kernel_sizes, strides)


@mil_op("l2_pool")
def l2_pool(
    x: Tensor,
    kernel_sizes: list[int],
    strides: list[int] | None,
    pad_type: str,
    pad: list[int] | None,
    ceil_mode: bool,
) -> Tensor:
    """The root of the sum of squares of each window."""
    strides, padding = _windows("l2_pool", x, kernel_sizes, strides, pad_type, pad)
    if ceil_mode:
        padding = _ceil_padding(x.shape[2:], kernel_sizes, strides, padding)
    mean = _AVERAGE[len(kernel_sizes)](pad_spatial(x * x, padding), kernel_sizes, strides)
    return rt.sqrt(mean * math.prod(kernel_sizes))
