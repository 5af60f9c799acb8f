"""Sliding windows as columns, and back: ``unfold`` (im2col) and ``fold`` (col2im)."""

from __future__ import annotations

from collections.abc import Sequence

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops

_Pair = int | Sequence[int]


def _pair(value: _Pair, what: str, low: int) -> tuple[int, int]:
    first, second = (value, value) if isinstance(value, int) else (tuple(value) * 2)[:2]
    if first < low or second < low:
        raise RuntimeError(
            f"unfold: {what} should be {'greater than zero' if low else 'non-negative'}, but got "
            f"{what}={value}"
        )
    return int(first), int(second)


def _starts(size: int, kernel: int, dilation: int, padding: int, stride: int) -> Tensor:
    """(kernel, windows): the padded position of each element of each window along one axis."""
    count = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    return rt.arange(kernel).unsqueeze(1) * dilation + rt.arange(max(count, 0)).unsqueeze(0) * stride


def _indices(
    height: int,
    width: int,
    kernel: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int],
    stride: tuple[int, int],
) -> tuple[Tensor, int, int]:
    """Flat padded positions (kh * kw, windows), and the padded height and width."""
    rows = _starts(height, kernel[0], dilation[0], padding[0], stride[0])
    columns = _starts(width, kernel[1], dilation[1], padding[1], stride[1])
    padded = width + 2 * padding[1]
    flat = rows[:, None, :, None] * padded + columns[None, :, None, :]
    return flat.reshape(kernel[0] * kernel[1], -1), height + 2 * padding[0], padded


def unfold(
    input: Tensor, kernel_size: _Pair, dilation: _Pair = 1, padding: _Pair = 0, stride: _Pair = 1
) -> Tensor:
    """The windows of (N, C, H, W) or (C, H, W) as columns: (N, C * KH * KW, windows).

    Follows ``torch.nn.functional.unfold``.

    >>> nn.functional.unfold(rt.arange(4.0).reshape(1, 1, 2, 2), 2).flatten()
    tensor([0., 1., 2., 3.])
    """
    kernel, dil = _pair(kernel_size, "kernel_size", 1), _pair(dilation, "dilation", 1)
    pad, step = _pair(padding, "padding", 0), _pair(stride, "stride", 1)
    if input.dim() not in (3, 4):
        raise RuntimeError(
            "unfold: Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    x = input if input.dim() == 4 else input.unsqueeze(0)
    n, c, h, w = x.shape
    index, ph, pw = _indices(h, w, kernel, dil, pad, step)
    if index.shape[1] == 0:
        raise RuntimeError(
            f"unfold: Given input with spatial size ({h}, {w}), kernel_size={kernel}, dilation={dil}, "
            f"padding={pad}, calculated shape of the array of sliding blocks is too small (non-positive)"
        )
    if any(pad):
        x = ops.pad(x, (pad[1], pad[1], pad[0], pad[0]))
    columns = x.reshape(n, c, ph * pw).index_select(2, index.flatten()).reshape(n, c * index.shape[0], -1)
    return columns if input.dim() == 4 else columns.squeeze(0)


def fold(
    input: Tensor,
    output_size: _Pair,
    kernel_size: _Pair,
    dilation: _Pair = 1,
    padding: _Pair = 0,
    stride: _Pair = 1,
) -> Tensor:
    """Columns (N, C * KH * KW, windows) added into an image (N, C, H, W): the transpose of ``unfold``.

    Follows ``torch.nn.functional.fold``.

    >>> nn.functional.fold(rt.ones(1, 4, 1), 2, 2)
    tensor([[[[1., 1.],
              [1., 1.]]]])
    """
    h, w = _pair(output_size, "output_size", 1)
    kernel, dil = _pair(kernel_size, "kernel_size", 1), _pair(dilation, "dilation", 1)
    pad, step = _pair(padding, "padding", 0), _pair(stride, "stride", 1)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            "fold: Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero "
            f"dimensions for input, but got: {list(input.shape)}"
        )
    x = input if input.dim() == 3 else input.unsqueeze(0)
    taps = kernel[0] * kernel[1]
    if x.shape[1] % taps:
        raise RuntimeError(
            "fold: Expected size of input's dimension 1 to be divisible by the product of kernel_size, but "
            f"got input.size(1)={x.shape[1]} and kernel_size={kernel}"
        )
    index, ph, pw = _indices(h, w, kernel, dil, pad, step)
    if index.shape[1] != x.shape[2]:
        raise RuntimeError(
            f"fold: Given output_size=({h}, {w}), kernel_size={kernel}, dilation={dil}, padding={pad}, "
            f"stride={step}, expected size of input's dimension 2 to match the calculated number of "
            f"sliding blocks {index.shape[1]}, but got input.size(2)={x.shape[2]}"
        )
    n, c = x.shape[0], x.shape[1] // taps
    flat = x.reshape(n, c, taps * index.shape[1])
    image = rt.zeros(n, c, ph * pw, dtype=x.dtype).index_add(2, index.flatten(), flat)
    image = image.reshape(n, c, ph, pw)[:, :, pad[0] : pad[0] + h, pad[1] : pad[1] + w]
    return image if input.dim() == 3 else image.squeeze(0)
