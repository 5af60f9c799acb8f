"""From the messages of a specification to a program: every type, value and count is checked on the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from rustorch.coreml.bits import from_bytes, packed_size
from rustorch.coreml.description import MAX_RANK, MAX_SIZE
from rustorch.coreml.mil.program import (
    Binding,
    BlobFileValue,
    Block,
    DataType,
    DictionaryType,
    DictionaryValue,
    Function,
    ListType,
    ListValue,
    NamedType,
    Operation,
    Program,
    StateType,
    TensorType,
    TensorValue,
    TupleType,
    TupleValue,
    Value,
    ValueType,
)
from rustorch.coreml.mil.types import Array
from rustorch.coreml.protobuf import decode
from rustorch.coreml.spec import DATA_TYPES, MESSAGES, one_of
from rustorch.errors import FormatError

__all__ = ["ProgramReader", "Weights"]

_LISTS = {
    "floats": (DataType.FLOAT32, DataType.FLOAT16, DataType.BFLOAT16),
    "doubles": (DataType.FLOAT64,),
    "bools": (DataType.BOOL,),
    "longInts": (DataType.INT64, DataType.UINT64),
    "ints": tuple(dtype for dtype in DataType if dtype.is_integer and dtype.bits <= 32) + (DataType.INT64,),
}


class Weights(Protocol):
    """Files that values of a program may lie in."""

    def check(self, value: BlobFileValue) -> None:
        """Raises ValueError (`FormatError`) unless the tensor is there."""

    def load(self, value: BlobFileValue) -> Array:
        """The tensor."""


def _fail(what: str, got: object = "") -> FormatError:
    return FormatError.of("coreml", what, str(got)[:200])


class ProgramReader:
    """Makes programs of decoded messages.

    Args:
        weights: where tensors lie that are not in the program itself; None refuses such.
    """

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights
        self._types: dict[bytes, ValueType] = {}
        # The number of elements by type, for those that a value can be of. Types live in the dict above.
        self._counts: dict[int, int] = {}

    def program(self, spec: dict[str, Any]) -> Program:
        """The program of a Program message. Raises ValueError (`FormatError`)."""
        version = spec.get("version", 0)
        if version != 1:
            raise _fail("programs must be of version 1", version)
        functions = {name: self._function(name, item) for name, item in spec.get("functions", {}).items()}
        return Program(functions, version, self._values(spec))

    def _function(self, name: str, spec: dict[str, Any]) -> Function:
        opset = spec.get("opset", "")
        blocks = {key: self._block(item) for key, item in spec.get("block_specializations", {}).items()}
        if opset not in blocks:
            raise _fail(f"function {name!r} has no block for its opset", repr(opset))
        return Function(self._named(spec, "inputs"), opset, blocks, self._values(spec))

    def _block(self, spec: dict[str, Any]) -> Block:
        return Block(
            inputs=self._named(spec, "inputs"),
            outputs=spec.get("outputs", []),
            operations=[self._operation(item) for item in spec.get("operations", [])],
            attributes=self._values(spec),
        )

    def _operation(self, spec: dict[str, Any]) -> Operation:
        if not spec.get("type"):
            raise _fail("an operation has no type")
        return Operation(
            type=spec.get("type", ""),
            inputs={
                name: [self._binding(item) for item in argument.get("arguments", [])]
                for name, argument in spec.get("inputs", {}).items()
            },
            outputs=self._named(spec, "outputs"),
            blocks=[self._block(item) for item in spec.get("blocks", [])],
            attributes=self._values(spec),
        )

    def _binding(self, spec: dict[str, Any]) -> Binding:
        kind = one_of(spec, "name", "value")
        if kind is None:
            raise _fail("an input is bound to nothing")
        return spec["name"] if kind == "name" else self.value(spec["value"])

    def _named(self, spec: dict[str, Any], key: str) -> list[NamedType]:
        return [NamedType(item.get("name", ""), self._typed(item)) for item in spec.get(key, [])]

    def _values(self, spec: dict[str, Any]) -> dict[str, Value]:
        return {name: self.value(item) for name, item in spec.get("attributes", {}).items()}

    # ---- Types ----

    def _typed(self, spec: dict[str, Any]) -> ValueType:
        raw = spec.get("type")
        if raw is None:
            raise _fail("a value has no type", spec.get("name", ""))
        found = self._types.get(raw)
        if found is None:
            found = self._types[raw] = self._type(decode(MESSAGES["ValueType"], raw))
        return found

    def _type(self, spec: dict[str, Any]) -> ValueType:
        kind = one_of(spec, "tensorType", "listType", "tupleType", "dictionaryType", "stateType")
        inner = spec[kind] if kind else {}
        match kind:
            case "tensorType":
                return _tensor_type(inner)
            case "listType":
                length = _size(inner.get("length", {}))
                return ListType(
                    self._type(inner.get("type", {})), length if isinstance(length, int) else None
                )
            case "tupleType":
                return TupleType(tuple(self._type(item) for item in inner.get("types", [])))
            case "dictionaryType":
                return DictionaryType(
                    self._type(inner.get("keyType", {})), self._type(inner.get("valueType", {}))
                )
            case "stateType":
                return StateType(self._type(inner.get("wrappedType", {})))
            case _:
                raise _fail("a type is empty")

    # ---- Values ----

    def value(self, spec: dict[str, Any]) -> Value:
        """The value of a Value message. Raises ValueError (`FormatError`)."""
        type = self._typed(spec)
        if one_of(spec, "immediateValue", "blobFileValue") == "blobFileValue":
            return self._in_file(spec["blobFileValue"], type)
        inner = spec.get("immediateValue", {})
        kind = one_of(inner, "tensor", "tuple", "list", "dictionary")
        match type:
            case TensorType() if kind == "tensor":
                return TensorValue(type, _tensor(inner["tensor"], type, self._count(type)))
            case ListType() if kind == "list":
                items = self._items(inner["list"], [type.type] * len(inner["list"].get("values", [])))
                if type.length is not None and type.length != len(items):
                    raise _fail(f"a value of {type} has another length", len(items))
                return ListValue(type, items)
            case TupleType() if kind == "tuple":
                return TupleValue(type, self._items(inner["tuple"], type.types))
            case DictionaryType() if kind == "dictionary":
                pairs = [
                    (self.value(item.get("key", {})), self.value(item.get("value", {})))
                    for item in inner["dictionary"].get("values", [])
                ]
                if any((key.type, item.type) != (type.key, type.value) for key, item in pairs):
                    raise _fail(f"a value of {type} has entries of other types")
                return DictionaryValue(type, tuple(pairs))
            case _:
                raise _fail(f"a value of {type} is given as something else", kind or "nothing")

    def _count(self, type: TensorType) -> int:
        """The elements of a value of a type whose sizes are known, and no more than an array can have."""
        count = self._counts.get(id(type))
        if count is None:
            if not type.is_static:
                raise _fail("a value needs a type whose sizes are known", type)
            if math.prod(max(size, 1) for size in type.static_shape) > MAX_SIZE:
                raise _fail("a value is larger than any memory", type)
            count = self._counts[id(type)] = type.count
        return count

    def _items(self, spec: dict[str, Any], types: Sequence[ValueType]) -> tuple[Value, ...]:
        items = tuple(self.value(item) for item in spec.get("values", []))
        if tuple(item.type for item in items) != tuple(types):
            raise _fail("the items of a value are not of the types that it states", len(items))
        return items

    def _in_file(self, spec: dict[str, Any], type: ValueType) -> BlobFileValue:
        if not isinstance(type, TensorType):
            raise _fail("only tensors can lie in a file", type)
        if self._weights is None:
            raise _fail("this model has no files of weights", spec.get("fileName", ""))
        name, offset = spec.get("fileName", ""), spec.get("offset", 0)
        self._count(type)
        value = BlobFileValue(type, name, offset, self._weights.load)
        self._weights.check(value)
        return value


def _size(spec: dict[str, Any]) -> int | str | None:
    """A size, None if it is unknown, or "any" for any number of dimensions."""
    kind = one_of(spec, "constant", "unknown")
    if kind != "constant":
        return "any" if spec.get("unknown", {}).get("variadic") else None
    size: int = spec["constant"].get("size", 0)
    if size > MAX_SIZE:
        raise _fail("a dimension is larger than any memory", size)
    return size


def _tensor_type(spec: dict[str, Any]) -> TensorType:
    number = spec.get("dataType", 0)
    if number not in DATA_TYPES:
        raise _fail("a tensor has an unknown data type", number)
    sizes = [_size(item) for item in spec.get("dimensions", [])]
    rank = spec.get("rank", 0)
    if rank == -1 or sizes == ["any"]:
        return TensorType(DATA_TYPES[number], None)
    if rank != len(sizes) or rank > MAX_RANK or "any" in sizes:
        raise _fail("the rank of a tensor is not the number of its sizes", f"rank {rank}, {len(sizes)} sizes")
    return TensorType(DATA_TYPES[number], tuple(None if isinstance(size, str) else size for size in sizes))


def _tensor(spec: dict[str, Any], type: TensorType, count: int) -> Array:
    dtype, shape = type.dtype, type.static_shape
    kind = one_of(spec, "floats", "ints", "bools", "strings", "longInts", "doubles", "bytes")
    values: Any = spec[kind].get("values", b"") if kind else b""
    if kind == "bytes":
        if dtype in (DataType.STRING, DataType.BOOL):
            raise _fail(f"{type} cannot be given as bytes")
        if len(values) != packed_size(count, dtype):
            raise _fail(f"{type} takes {packed_size(count, dtype)} bytes", f"{len(values)} bytes")
        return from_bytes(np.frombuffer(values, np.uint8), dtype, count).reshape(shape)
    if len(values) != count:
        raise _fail(f"{type} has {count} elements", f"{len(values)} values")
    if kind == "strings" or (dtype is DataType.STRING and not count):
        if dtype is not DataType.STRING:
            raise _fail(f"{type} cannot be given as strings")
        texts = np.empty(count, dtype=object)
        texts[:] = values
        return texts.reshape(shape)
    if kind is None or not count:
        return np.zeros(shape, dtype.numpy_dtype)
    if dtype not in _LISTS[kind]:
        raise _fail(f"{type} cannot be given as {kind}")
    return _numbers(values, type, kind).reshape(shape)


def _numbers(values: Array, type: TensorType, kind: str) -> Array:
    dtype = type.dtype
    if kind == "longInts":
        return values.view(dtype.numpy_dtype)
    if kind == "ints" and dtype is not DataType.INT32:
        low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
        high = (1 << (dtype.bits - dtype.is_signed)) - 1
        if values.min() < low or values.max() > high:
            raise _fail(f"{dtype.value} holds {low} to {high}", f"{values.min()} to {values.max()}")
    if dtype is DataType.BFLOAT16 and (values.view(np.uint32) & 0xFFFF).any():
        raise _fail(f"{type} has numbers that are no bfloat16")
    if values.dtype == dtype.numpy_dtype:
        return values
    with np.errstate(over="ignore"):
        return values.astype(dtype.numpy_dtype)
