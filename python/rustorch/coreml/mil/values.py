"""Values of an ML Program: tensors, lists, tuples, dictionaries, and tensors in a file of weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from rustorch.coreml.mil.types import (
    Array,
    DataType,
    DictionaryType,
    ListType,
    TensorType,
    TupleType,
)
from rustorch.errors import ArgumentError, DTypeError

__all__ = [
    "TensorValue",
    "BlobFileValue",
    "ListValue",
    "TupleValue",
    "DictionaryValue",
    "Value",
    "immediate",
    "strings",
]


class _TensorLike:
    """What a tensor in the program and one in a file have in common: they are equal by type and bits."""

    __slots__ = ()
    type: TensorType

    def numpy(self) -> Array:
        """The elements, of `type`'s shape and NumPy dtype (`DataType` says which)."""
        raise AssertionError

    def item(self) -> Any:
        """The only element, as a Python number, bool or string. Raises ValueError if there are others."""
        return self.numpy().item()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _TensorLike):
            return NotImplemented
        return self.type == other.type and _same_bits(self.numpy(), other.numpy())

    __hash__ = None  # type: ignore[assignment]


def _same_bits(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype == object:
        return a.tolist() == b.tolist()  # type: ignore[no-any-return]
    # NaN equals itself here, and 0 differs from -0.
    bits = np.dtype(f"u{a.dtype.itemsize}")
    return bool(
        np.array_equal(
            np.ascontiguousarray(a).reshape(-1).view(bits), np.ascontiguousarray(b).reshape(-1).view(bits)
        )
    )


@dataclass(slots=True, eq=False)
class TensorValue(_TensorLike):
    """A tensor, or with rank 0 a scalar, that stands in the program itself; all sizes of its type are known.

    Attributes:
        data: its elements as an array of `type.dtype.numpy_dtype` (for strings, of Python strings).
    """

    type: TensorType
    data: Array

    def __post_init__(self) -> None:
        expected = self.type.dtype.numpy_dtype
        if self.data.shape != self.type.shape or self.data.dtype != expected:
            raise ArgumentError.of(
                "TensorValue",
                f"{self.type} needs an array of {expected} of that shape",
                f"{self.data.dtype} of shape {list(self.data.shape)}",
            )

    def numpy(self) -> Array:
        return self.data


@dataclass(slots=True, eq=False)
class BlobFileValue(_TensorLike):
    """A tensor in a file of the package, read when it is asked for; all sizes of its type are known.

    Attributes:
        file_name: as the program names it, such as `@model_path/weights/weight.bin`.
        offset: of its record in that file.
        load: reads it.
    """

    type: TensorType
    file_name: str
    offset: int
    load: Callable[[BlobFileValue], Array] = field(repr=False)

    def numpy(self) -> Array:
        """The elements; read anew at each call, so that the value itself takes no memory for them."""
        return self.load(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> BlobFileValue:
        # A copy reads from the same file.
        return BlobFileValue(self.type, self.file_name, self.offset, self.load)


@dataclass(slots=True)
class ListValue:
    """A list of values of one type."""

    type: ListType
    values: tuple[Value, ...]
    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class TupleValue:
    """A fixed number of values."""

    type: TupleType
    values: tuple[Value, ...]
    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class DictionaryValue:
    """Pairs of keys and values, in the order of the file."""

    type: DictionaryType
    items: tuple[tuple[Value, Value], ...]
    __hash__ = None  # type: ignore[assignment]


Value: TypeAlias = "TensorValue | BlobFileValue | ListValue | TupleValue | DictionaryValue"


def immediate(data: Any, dtype: DataType | None = None) -> TensorValue:
    """A value that stands in the program.

    Args:
        data: a bool, an int (int32), a float (float32), a string, an array, or a nesting of lists of those.
        dtype: another data type; numbers that it cannot hold are refused.

    Raises:
        TypeError: for data that MIL has no type for.
        ValueError: for integers outside of the range of `dtype`.

    >>> from rustorch.coreml.mil.values import immediate
    >>> immediate(3).type, immediate([1.5, 2]).type, immediate("valid").item()
    (TensorType(dtype=<DataType.INT32: 'int32'>, shape=()), TensorType(dtype=<DataType.FLOAT32: 'fp32'>, \
shape=(2,)), 'valid')
    """
    array = np.asarray(data)
    if dtype is None and not isinstance(data, (np.ndarray, np.generic)):
        # Python's numbers are 64 bits wide; programs use 32.
        dtype = {"i": DataType.INT32, "f": DataType.FLOAT32}.get(array.dtype.kind)
    if array.dtype.kind in "UO":
        if not all(isinstance(text, str) for text in array.ravel().tolist()):
            raise DTypeError.of("immediate", "MIL has no type for this", type(data).__name__)
        array = array.astype(object)
    if dtype is None:
        try:
            dtype = DataType.of_numpy(array.dtype)
        except KeyError:
            raise DTypeError.of("immediate", "MIL has no type for this", str(array.dtype)) from None
    if dtype.is_integer:
        _check_range(array, dtype)
    return TensorValue(TensorType(dtype, array.shape), array.astype(dtype.numpy_dtype, copy=False))


def _check_range(array: Array, dtype: DataType) -> None:
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    high = (1 << (dtype.bits - dtype.is_signed)) - 1
    if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
        raise ArgumentError.of(
            "immediate", f"{dtype.value} holds {low} to {high}", f"{array.min()} to {array.max()}"
        )


def strings(texts: Iterable[str]) -> TensorValue:
    """A vector of strings."""
    items = list(texts)
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return TensorValue(TensorType(DataType.STRING, (len(items),)), array)
