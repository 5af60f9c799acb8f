"""Constants of a program, decoded when they are first needed, once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.types import Precision, storage_dtype
from rustorch.coreml.mil.types import ValueType
from rustorch.coreml.mil.values import (
    BlobFileValue,
    DictionaryValue,
    ListValue,
    TensorValue,
    TupleValue,
    Value,
)
from rustorch.errors import ArgumentError, DTypeError

__all__ = ["Constant", "ConstantPart", "ValueConstant", "check_count", "convert"]


class Constant:
    """A value that is known before the program runs, as tensors or as Python's values."""

    type: ValueType

    def python(self) -> Any:
        """The value as numbers, bools, strings, and lists of them."""
        raise AssertionError

    def tensor(self, dtype: rt.dtype, device: str) -> Tensor:
        """The value as a tensor, the same one at each call."""
        raise AssertionError

    def forget(self) -> None:
        """Lets go of tensors; `tensor` makes them anew."""


class ValueConstant(Constant):
    """A value that stands in the program or in its file of weights."""

    def __init__(self, value: Value, precision: Precision) -> None:
        self.type = value.type
        self._value = value
        self._precision = precision
        self._tensors: dict[rt.dtype, Tensor] = {}

    def python(self) -> Any:
        return _python(self._value)

    def tensor(self, dtype: rt.dtype, device: str) -> Tensor:
        if dtype not in self._tensors:
            self._tensors[dtype] = _load(self._value).to(device=device, dtype=dtype)
        return self._tensors[dtype]

    def forget(self) -> None:
        self._tensors.clear()


class ConstantPart(Constant):
    """One result of an operation on constants: of a compressed weight."""

    def __init__(self, type: ValueType, compute: Callable[[], tuple[Tensor, ...]], index: int) -> None:
        self.type = type
        self._compute = compute
        self._index = index
        self._tensors: dict[rt.dtype, Tensor] = {}

    def python(self) -> Any:
        return self._compute()[self._index].tolist()

    def tensor(self, dtype: rt.dtype, device: str) -> Tensor:
        if dtype not in self._tensors:
            self._tensors[dtype] = self._compute()[self._index].to(device=device, dtype=dtype)
        return self._tensors[dtype]

    def forget(self) -> None:
        self._tensors.clear()


def _python(value: Value) -> Any:
    if isinstance(value, (TensorValue, BlobFileValue)):
        return value.numpy().tolist()
    if isinstance(value, (ListValue, TupleValue)):
        return [_python(item) for item in value.values]
    if isinstance(value, DictionaryValue):
        return {_python(key): _python(item) for key, item in value.items}
    raise AssertionError(value)


def _load(value: Value) -> Tensor:
    """A tensor of our own: the file may change or go away later."""
    assert isinstance(value, (TensorValue, BlobFileValue))  # who asks has seen the type
    array = value.numpy()
    held = storage_dtype(value.type.dtype, "float16")
    if array.dtype.name in ("uint16", "uint32", "uint64"):
        array = array.astype("int64" if held is rt.int64 else "int32")
    return rt.from_numpy(array.copy(order="C"))


def _scalar(value: Any) -> Any:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        raise ArgumentError.of("interpreter", "one value is needed", f"{len(value)} values")
    return value


def _flat(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    return [item for part in value for item in _flat(part)]


def _string(value: Any) -> str:
    value = _scalar(value)
    if not isinstance(value, str):
        raise DTypeError.of("interpreter", "a string is needed", type(value).__name__)
    return value


def _number(value: Any) -> int | float:
    value = _scalar(value)
    if not isinstance(value, (bool, int, float)):
        raise DTypeError.of("interpreter", "a number is needed", type(value).__name__)
    return value


def _integer(value: Any) -> int:
    number = _number(value)
    if int(number) != number:
        raise ArgumentError.of("interpreter", "an integer is needed", str(number))
    return int(number)


# A list of Python's numbers takes ten times the memory of a tensor: hostile programs could have a blob read
# as one.
_MAX_PYTHON = 1 << 20


def check_count(name: str, count: int) -> None:
    """Raises for tensors that are too large to be a list of numbers."""
    if count > _MAX_PYTHON:
        raise ArgumentError.of("interpreter", f"{name} takes {_MAX_PYTHON} numbers at most", str(count))


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "i": _integer,
    "f": lambda value: float(_number(value)),
    "e": lambda value: float(_number(value)),
    "n": _number,
    "b": lambda value: bool(_number(value)),
    "s": _string,
    "I": lambda value: [_integer(item) for item in _flat(value)],
    "B": lambda value: [bool(_number(item)) for item in _flat(value)],
    "P": lambda value: value,
}


def convert(kind: str, value: Any) -> Any:
    """Python's value for a parameter of that kind (see `opset`)."""
    return _CONVERT[kind](value)
