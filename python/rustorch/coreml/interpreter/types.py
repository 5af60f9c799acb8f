"""How MIL's data types lie in our tensors."""

from __future__ import annotations

from typing import Literal, TypeAlias

import rustorch as rt
from rustorch.coreml.mil.types import DataType, TensorType, ValueType
from rustorch.errors import DTypeError

__all__ = ["Precision", "is_half", "is_half_dtype", "storage_dtype"]

Precision: TypeAlias = Literal["float16", "float32"]

_STORAGE = {
    DataType.BOOL: rt.bool,
    DataType.FLOAT16: rt.float16,
    DataType.FLOAT32: rt.float32,
    DataType.FLOAT64: rt.float64,
    DataType.BFLOAT16: rt.bfloat16,
    DataType.INT4: rt.int8,
    DataType.INT8: rt.int8,
    DataType.INT16: rt.int16,
    DataType.INT32: rt.int32,
    DataType.INT64: rt.int64,
    DataType.UINT1: rt.uint8,
    DataType.UINT2: rt.uint8,
    DataType.UINT3: rt.uint8,
    DataType.UINT4: rt.uint8,
    DataType.UINT6: rt.uint8,
    DataType.UINT8: rt.uint8,
    # We have no wider unsigned integers: they lie in the next wider signed type.
    DataType.UINT16: rt.int32,
    DataType.UINT32: rt.int64,
    DataType.UINT64: rt.int64,
}


def storage_dtype(dtype: DataType, precision: Precision) -> rt.dtype:
    """The dtype of the tensor that holds values of `dtype`."""
    if dtype not in _STORAGE:
        raise DTypeError.of("interpreter", "tensors of this type are not supported", dtype.value)
    if precision == "float32" and is_half_dtype(dtype):
        return rt.float32
    return _STORAGE[dtype]


def is_half_dtype(dtype: DataType) -> bool:
    """Whether the type is a float of 16 bits."""
    return dtype in (DataType.FLOAT16, DataType.BFLOAT16)


def is_half(value_type: ValueType, precision: Precision) -> bool:
    """Whether values of the type are held in 16-bit floats."""
    return precision == "float16" and isinstance(value_type, TensorType) and is_half_dtype(value_type.dtype)
