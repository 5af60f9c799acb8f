"""What becomes of an operation's results and errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.types import Precision, storage_dtype
from rustorch.coreml.mil.types import TensorType, ValueType
from rustorch.errors import OpError, RustorchError

__all__ = ["dtype_of", "labelled", "to_declared"]


def dtype_of(type: ValueType, precision: Precision) -> rt.dtype | None:
    """The dtype that a value of the type is held in; None for what is no tensor."""
    if not isinstance(type, TensorType) or type.dtype.value == "string":
        return None
    return storage_dtype(type.dtype, precision)


def to_declared(result: Any, type: ValueType, dtype: rt.dtype | None) -> Any:
    """The result in its declared type. Scalars and vectors of one element stand for each other."""
    if dtype is None or not isinstance(type, TensorType) or not isinstance(result, Tensor):
        return result
    if result.dtype is not dtype:
        result = result.to(dtype)
    if type.shape is not None and not _fits(result.shape, type.shape):
        if result.numel() == 1 and type.is_static and type.count == 1:
            return result.reshape(type.static_shape)
        raise OpError.of("result", f"declared as {type}", f"shape {list(result.shape)}")
    return result


def _fits(shape: Sequence[int], declared: tuple[int | None, ...]) -> bool:
    return len(shape) == len(declared) and all(d is None or d == n for n, d in zip(shape, declared))


def labelled(label: str, error: Exception) -> RustorchError:
    """The error with the operation in front of its message."""
    if isinstance(error, RustorchError):
        if error.op.startswith("in "):
            return error
        return type(error)(f"in {label}: {error}", op=f"in {label}", got=error.got, hint=error.hint)
    return OpError(f"in {label}: {type(error).__name__}: {error}", op=f"in {label}")
