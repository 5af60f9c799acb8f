"""Every way a tensor may lie in memory.

A layout takes the values an argument should show and says how to store them: a flat storage, strides and an
offset, exactly what `as_strided` takes. Two of them (expanded, overlapping) can only show values that repeat;
they change the values first, and the oracle is then asked about the changed values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

FILL = 77  # what lies between the elements; a kernel that reads or writes it is wrong


@dataclass(frozen=True, eq=False)
class Placed:
    """Values as they lie in memory: values[i, j, ...] = storage[offset + i*strides[0] + j*strides[1] ...]."""

    values: np.ndarray
    storage: np.ndarray
    strides: tuple[int, ...]
    offset: int

    def used(self) -> np.ndarray:
        """A mask over the storage: which elements the tensor shows."""
        mask = np.zeros(self.storage.shape, dtype=bool)
        index = np.full(self.values.shape, self.offset)
        for axis, (size, stride) in enumerate(zip(self.values.shape, self.strides, strict=True)):
            shape = [1] * self.values.ndim
            shape[axis] = size
            index = index + (np.arange(size) * stride).reshape(shape)
        mask[index.reshape(-1)] = True
        return mask


@dataclass(frozen=True)
class Layout:
    name: str
    place: Callable[[np.ndarray], Placed | None]  # None: this layout does not apply to these values
    keeps_values: bool = True
    overlaps: bool = False


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def _spread(values: np.ndarray, strides: tuple[int, ...], offset: int = 0, tail: int = 0) -> Placed:
    """Store `values` at the given strides, with FILL everywhere else."""
    reach = sum((n - 1) * s for n, s in zip(values.shape, strides, strict=True)) + 1 if values.size else 0
    storage = np.full(offset + reach + tail, FILL).astype(values.dtype)
    if values.size:
        place = np.lib.stride_tricks.as_strided(
            storage[offset:], values.shape, tuple(s * storage.itemsize for s in strides)
        )
        place[...] = values
    return Placed(values, storage, strides, offset)


def _contiguous(values: np.ndarray) -> Placed:
    return _spread(values, contiguous_strides(values.shape))


def _transposed(values: np.ndarray) -> Placed | None:
    if values.ndim < 2:
        return None
    return _spread(values, contiguous_strides(values.shape[::-1])[::-1])


def _channels_last(values: np.ndarray) -> Placed | None:
    if values.ndim < 3:
        return None
    order = (0, *range(2, values.ndim), 1)
    inner = contiguous_strides([values.shape[i] for i in order])
    strides = [0] * values.ndim
    for axis, stride in zip(order, inner, strict=True):
        strides[axis] = stride
    return _spread(values, tuple(strides))


def _stepped(values: np.ndarray) -> Placed | None:
    """Every second element of a tensor twice as long in each dim, starting at its second row."""
    if values.ndim == 0:
        return None
    doubled = contiguous_strides([2 * n for n in values.shape])
    return _spread(values, tuple(2 * s for s in doubled), offset=doubled[0], tail=1)


def _offset(values: np.ndarray) -> Placed:
    return _spread(values, contiguous_strides(values.shape), offset=3, tail=2)


def _unit_strides(values: np.ndarray) -> Placed | None:
    """Dims of size one may carry any stride at all."""
    if 1 not in values.shape:
        return None
    dense = contiguous_strides(values.shape)
    return _spread(values, tuple(7 if n == 1 else s for n, s in zip(values.shape, dense, strict=True)))


def _expanded(values: np.ndarray) -> Placed | None:
    """Stride 0 along the first dim longer than one."""
    wide_dims = [i for i, n in enumerate(values.shape) if n > 1]
    if not wide_dims:
        return None
    axis = wide_dims[0]
    row = np.take(values, [0], axis)
    strides = list(contiguous_strides(row.shape))
    strides[axis] = 0
    return Placed(np.repeat(row, values.shape[axis], axis), row.reshape(-1).copy(), tuple(strides), 0)


def _overlapping(values: np.ndarray) -> Placed | None:
    """Rows that share elements with their neighbours: a step of one in the last two dims."""
    if values.ndim < 2 or min(values.shape) == 0 or min(values.shape[-2:]) < 2:
        return None
    rows, cols = values.shape[-2:]
    band = np.concatenate([values[..., 0, :], values[..., 1:, -1]], axis=-1)
    shown = np.stack([band[..., i : i + cols] for i in range(rows)], axis=-2)
    strides = (*contiguous_strides(band.shape)[:-1], 1, 1)
    return Placed(shown, band.reshape(-1).copy(), strides, 0)


CONTIGUOUS = Layout("contiguous", _contiguous)
TRANSPOSED = Layout("transposed", _transposed)
CHANNELS_LAST = Layout("channels_last", _channels_last)
STEPPED = Layout("stepped", _stepped)
OFFSET = Layout("offset", _offset)
UNIT_STRIDES = Layout("unit_strides", _unit_strides)
EXPANDED = Layout("expanded", _expanded, keeps_values=False, overlaps=True)
OVERLAPPING = Layout("overlapping", _overlapping, keeps_values=False, overlaps=True)

LAYOUTS = (CONTIGUOUS, TRANSPOSED, CHANNELS_LAST, STEPPED, OFFSET, UNIT_STRIDES, EXPANDED, OVERLAPPING)
NONCONTIGUOUS = LAYOUTS[1:]
WRITABLE = tuple(layout for layout in LAYOUTS if not layout.overlaps)
