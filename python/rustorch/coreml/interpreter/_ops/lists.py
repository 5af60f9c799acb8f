"""Lists of tensors. They are values: writing makes a new list."""

from __future__ import annotations

from dataclasses import dataclass

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError, OutOfRangeError

__all__ = ["TensorList"]

# A list is written by index: an absurd one must not fill the memory.
_MAX_LENGTH = 10_000_000


@dataclass(frozen=True)
class TensorList:
    """Tensors of one shape; None where nothing has been written. A list grows only if it is dynamic."""

    items: tuple[Tensor | None, ...]
    dynamic: bool = True


@mil_op("make_list", half=True)
def make_list(
    init_length: int, dynamic_length: bool, elem_shape: list[int | str] | None, dtype: str
) -> TensorList:
    if not 0 <= init_length <= _MAX_LENGTH:
        raise ArgumentError.of("make_list", f"init_length must be from 0 to {_MAX_LENGTH}", str(init_length))
    return TensorList((None,) * init_length, dynamic_length)


@mil_op("list_length", half=True, wants=("device",))
def list_length(ls: TensorList, device: str) -> Tensor:
    return rt.tensor(len(ls.items), dtype=rt.int32, device=device)


def _read(ls: TensorList, index: int, op: str) -> Tensor:
    if not -len(ls.items) <= index < len(ls.items):
        raise OutOfRangeError.of(op, f"the list has {len(ls.items)} elements", f"index {index}")
    item = ls.items[index]
    if item is None:
        raise OpError.of(op, "nothing was written there", f"index {index}")
    return item


def _write(ls: TensorList, places: list[int], values: list[Tensor], op: str) -> TensorList:
    items = list(ls.items)
    for index, value in zip(places, values):
        most = _MAX_LENGTH if ls.dynamic else len(items)
        if not -len(items) <= index < most:
            raise OutOfRangeError.of(op, f"the list takes indices below {most}", f"index {index}")
        if index >= len(items):
            items += [None] * (index + 1 - len(items))
        items[index] = value
    return TensorList(tuple(items), ls.dynamic)


@mil_op("list_read", half=True, view=True)
def list_read(ls: TensorList, index: int) -> Tensor:
    return _read(ls, index, "list_read")


@mil_op("list_write", half=True)
def list_write(ls: TensorList, index: int, value: Tensor) -> TensorList:
    return _write(ls, [index], [value], "list_write")


@mil_op("list_gather", half=True)
def list_gather(ls: TensorList, indices: list[int]) -> Tensor:
    return rt.stack([_read(ls, index, "list_gather") for index in indices])


@mil_op("list_scatter", half=True)
def list_scatter(ls: TensorList, indices: list[int], value: Tensor) -> TensorList:
    """The i-th slice of `value` goes to place ``indices[i]``."""
    if value.dim() == 0 or value.shape[0] != len(indices):
        raise OpError.of("list_scatter", f"value needs {len(indices)} slices", str(list(value.shape)))
    return _write(ls, indices, list(rt.unbind(value)), "list_scatter")
