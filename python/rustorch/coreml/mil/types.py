"""Types of values in an ML Program, by Core ML's own names for them.

>>> from rustorch.coreml.mil.types import DataType, StateType, TensorType
>>> print(TensorType(DataType.FLOAT16, (1, None, 8)))
tensor<fp16, [1, ?, 8]>
>>> print(StateType(TensorType(DataType.FLOAT16, (4,))))
state<tensor<fp16, [4]>>
>>> print(TensorType(DataType.INT32))
int32
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = [
    "DataType",
    "TensorType",
    "ListType",
    "TupleType",
    "DictionaryType",
    "StateType",
    "ValueType",
]

Array: TypeAlias = npt.NDArray[Any]


class DataType(enum.Enum):
    """The type of the elements of a tensor; its value is the name in MIL's text.

    NumPy has no bfloat16, no 8-bit floats and no integers of less than 8 bits: an array of bfloat16 is one
    of float32 (which holds every bfloat16), one of 8-bit floats is their bits in uint8, and narrow integers
    lie in int8 or uint8, one element a byte.
    """

    BOOL = "bool"
    STRING = "string"
    FLOAT16 = "fp16"
    FLOAT32 = "fp32"
    FLOAT64 = "fp64"
    BFLOAT16 = "bf16"
    FLOAT8E4M3FN = "fp8e4m3fn"
    FLOAT8E5M2 = "fp8e5m2"
    INT4 = "int4"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT1 = "uint1"
    UINT2 = "uint2"
    UINT3 = "uint3"
    UINT4 = "uint4"
    UINT6 = "uint6"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"

    @property
    def bits(self) -> int:
        """Bits of one element where elements are packed (8 for bool, 0 for strings)."""
        return _BITS[self._value_]

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """The dtype of the array that holds such elements."""
        return _ARRAYS[self._value_]

    @property
    def is_float(self) -> bool:
        """Whether elements are floating-point numbers of any width."""
        return self.value.startswith(("fp", "bf"))

    @property
    def is_integer(self) -> bool:
        """Whether elements are integers of any width; bools are not."""
        return self.value.startswith(("int", "uint"))

    @property
    def is_signed(self) -> bool:
        """Whether elements can be negative."""
        return self.is_float or self.value.startswith("int")

    @property
    def is_sub_byte(self) -> bool:
        """Whether several elements lie in a byte."""
        return 0 < self.bits < 8

    @classmethod
    def of_numpy(cls, dtype: npt.DTypeLike) -> DataType:
        """The data type of a NumPy array. Raises KeyError for arrays that MIL has no type for."""
        dtype = np.dtype(dtype)
        return cls.STRING if dtype.kind in "UO" else _OF_NUMPY[dtype]


def _bits(dtype: DataType) -> int:
    if dtype is DataType.STRING:
        return 0
    if dtype is DataType.BOOL or dtype.value.startswith("fp8"):
        return 8
    return int(dtype.value.lstrip("bfpuint"))


_OF_NUMPY: dict[np.dtype[Any], DataType] = {
    np.dtype(name): dtype
    for name, dtype in [("bool", DataType.BOOL), *((f"float{n}", DataType(f"fp{n}")) for n in (16, 32, 64))]
    + [(f"{kind}{n}", DataType(f"{kind}{n}")) for kind in ("int", "uint") for n in (8, 16, 32, 64)]
}
_NUMPY: dict[DataType, np.dtype[Any]] = {dtype: array for array, dtype in _OF_NUMPY.items()} | {
    DataType.STRING: np.dtype(object),
    DataType.BFLOAT16: np.dtype(np.float32),
    DataType.FLOAT8E4M3FN: np.dtype(np.uint8),
    DataType.FLOAT8E5M2: np.dtype(np.uint8),
    DataType.INT4: np.dtype(np.int8),
    **{DataType(f"uint{n}"): np.dtype(np.uint8) for n in (1, 2, 3, 4, 6)},
}
# By the members' values: those hash faster than members.
_BITS = {dtype.value: _bits(dtype) for dtype in DataType}
_ARRAYS = {dtype.value: array for dtype, array in _NUMPY.items()}


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor; rank 0 is a scalar.

    Attributes:
        dtype: of the elements.
        shape: sizes, None where a size is known at run time only; None as a whole for an unknown rank.
    """

    dtype: DataType
    shape: tuple[int | None, ...] | None = ()

    @property
    def rank(self) -> int | None:
        """The number of dimensions; None where it is unknown."""
        return None if self.shape is None else len(self.shape)

    @property
    def is_static(self) -> bool:
        """Whether all sizes are known."""
        return self.shape is not None and None not in self.shape

    @property
    def static_shape(self) -> tuple[int, ...]:
        """The shape, all sizes known. Raises ValueError where some are not."""
        if self.shape is None or None in self.shape:
            raise ValueError(f"{self} has sizes that are known at run time only")
        return tuple(size for size in self.shape if size is not None)

    @property
    def count(self) -> int:
        """The number of elements. Raises ValueError where it is not known."""
        return math.prod(self.static_shape)

    def __str__(self) -> str:
        if self.shape == ():
            return self.dtype.value
        sizes = "?..." if self.shape is None else ", ".join("?" if s is None else str(s) for s in self.shape)
        return f"tensor<{self.dtype.value}, [{sizes}]>"


@dataclass(frozen=True, slots=True)
class ListType:
    """A list of values of one type; its length is None where it is known at run time only."""

    type: ValueType
    length: int | None = None

    def __str__(self) -> str:
        return f"list<{self.type}, {'?' if self.length is None else self.length}>"


@dataclass(frozen=True, slots=True)
class TupleType:
    """A fixed number of values, each of its own type."""

    types: tuple[ValueType, ...] = ()

    def __str__(self) -> str:
        return f"tuple<{', '.join(map(str, self.types))}>"


@dataclass(frozen=True, slots=True)
class DictionaryType:
    """Values of one type by keys of another."""

    key: ValueType
    value: ValueType

    def __str__(self) -> str:
        return f"dict<{self.key}, {self.value}>"


@dataclass(frozen=True, slots=True)
class StateType:
    """A tensor that keeps its value from one prediction to the next."""

    wrapped: ValueType

    def __str__(self) -> str:
        return f"state<{self.wrapped}>"


ValueType: TypeAlias = "TensorType | ListType | TupleType | DictionaryType | StateType"
