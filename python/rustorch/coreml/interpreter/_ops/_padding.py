"""What convolutions and pooling share: how much padding `pad_type` means."""

from __future__ import annotations

from collections.abc import Sequence

from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_size
from rustorch.errors import ArgumentError
from rustorch.nn import functional as F

__all__ = ["pad_spatial", "window_padding"]


def window_padding(
    op: str,
    pad_type: str,
    pad: list[int] | None,
    size: Sequence[int],
    kernel: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[int]:
    """The padding before and after each spatial dim: ``[before0, after0, before1, ...]``.

    "same" gives ceil(size / stride) results; an odd amount has one more after, with "same_lower" before.
    """
    steps = [*kernel, *strides, *dilations]
    if len(strides) != len(kernel) or len(dilations) != len(kernel) or min(steps) < 1:
        raise ArgumentError.of(
            op,
            "kernel, strides and dilations need a positive number for each dim",
            f"{list(kernel)}, {list(strides)} and {list(dilations)}",
        )
    if pad_type == "custom":
        if pad is None or len(pad) != 2 * len(kernel) or min(pad) < 0:
            raise ArgumentError.of(op, f"pad needs {2 * len(kernel)} numbers from 0 on", str(pad))
        return pad
    if pad_type == "valid":
        return [0] * (2 * len(kernel))
    if pad_type not in ("same", "same_lower"):
        raise ArgumentError.of(op, "unknown pad_type", pad_type, "valid, same, same_lower or custom")
    result = []
    for length, taps, stride, dilation in zip(size, kernel, strides, dilations):
        total = max(0, (-(-length // stride) - 1) * stride + (taps - 1) * dilation + 1 - length)
        less = total // 2
        result += [less, total - less] if pad_type == "same" else [total - less, less]
    return result


def pad_spatial(x: Tensor, pad: Sequence[int], value: float = 0.0) -> Tensor:
    """Pads the last dims, given as by `window_padding`."""
    if not any(pad):
        return x
    first = x.dim() - len(pad) // 2
    sizes = [size + sum(pad[2 * i : 2 * i + 2]) for i, size in enumerate(x.shape[first:])]
    check_size("pad", [*x.shape[:first], *sizes])
    reversed_pairs = [n for i in range(len(pad) - 2, -1, -2) for n in pad[i : i + 2]]
    return F.pad(x, reversed_pairs, value=value)
