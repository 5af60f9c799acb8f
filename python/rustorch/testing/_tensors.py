"""make_tensor."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import rustorch as rt
from rustorch import Tensor


def _bounds(dtype: rt.dtype, low: float | None, high: float | None) -> tuple[float, float]:
    if dtype is rt.bool:
        least, most, usual = 0.0, 2.0, (0.0, 2.0)
    elif dtype.is_floating_point or dtype.is_complex:
        part = dtype.to_real() if dtype.is_complex else dtype
        least, most, usual = rt.finfo(part).min, rt.finfo(part).max, (-9.0, 9.0)
    else:
        least, most = rt.iinfo(dtype).min, rt.iinfo(dtype).max + 1
        usual = (0.0, 10.0) if dtype is rt.uint8 else (-9.0, 10.0)
    low, high = usual[0] if low is None else low, usual[1] if high is None else high
    if low != low or high != high:
        raise ValueError(
            f"make_tensor: `low` and `high` cannot be NaN, but got low={low!r} and high={high!r}"
        )
    one = low == high
    low, high = max(low, least), min(high, most)
    if one and low == high and (dtype.is_floating_point or dtype.is_complex):
        warnings.warn(
            "Passing `low==high` to `make_tensor` for floating or complex types is deprecated; try `full`",
            FutureWarning,
            stacklevel=3,
        )
    elif not low < high:
        raise ValueError(f"make_tensor: `low` must be less than `high` within {dtype}; got {low} and {high}")
    return low, high


def make_tensor(
    *shape: int | Sequence[int],
    dtype: rt.dtype,
    device: Any = None,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: rt.memory_format | None = None,
) -> Tensor:
    """A tensor of numbers that are uniformly distributed in ``[low, high)``.

    Args:
        shape: as numbers or as one sequence.
        dtype: of the tensor.
        device: the default one by default.
        low: the least number; by default 0 for bool and uint8, -9 for all else.
        high: what all numbers are below; by default 2 for bool, 10 for integers, 9 for all else. Both are
            brought into the dtype's range.
        requires_grad: whether autograd records what is done with it.
        noncontiguous: whether only every second element of the memory is the tensor's.
        exclude_zero: puts the smallest number above zero in the place of zeros: 1 for integers.
        memory_format: of the result; not together with `noncontiguous`.

    Raises:
        ValueError: for an empty range, or both a memory format and `noncontiguous`.

    Follows `torch.testing.make_tensor`.

    >>> t = rt.testing.make_tensor(2, 3, dtype=rt.int64, low=1, high=3)
    >>> t.shape, bool(((t == 1) | (t == 2)).all())
    (rustorch.Size([2, 3]), True)
    """
    if noncontiguous and memory_format is not None:
        raise ValueError("make_tensor: noncontiguous and memory_format exclude each other; try one of them")
    sizes: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    low, high = _bounds(dtype, low, high)
    if dtype.is_complex:
        real = dtype.to_real()
        parts = rt.empty((*sizes, 2), dtype=real, device=device).uniform_(low, high)
        result = rt.view_as_complex(parts)
    elif dtype.is_floating_point:
        result = rt.empty(tuple(sizes), dtype=dtype, device=device).uniform_(low, high)
    else:
        result = rt.randint(int(low), int(high), tuple(sizes), dtype=dtype, device=device)
    if exclude_zero:
        tiny = 1 if not (dtype.is_floating_point or dtype.is_complex) else rt.finfo(dtype).tiny
        result = result.masked_fill(result == 0, tiny)
    if noncontiguous and result.numel() > 1:
        result = rt.repeat_interleave(result, 2, dim=-1)[..., ::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    return result.requires_grad_(requires_grad) if requires_grad else result
