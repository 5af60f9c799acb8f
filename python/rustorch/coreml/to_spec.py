"""From a program to the messages of a specification; large tensors go to a file of weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rustorch.coreml.bits import to_bytes
from rustorch.coreml.blob import NUMBERS, BlobWriter
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
from rustorch.coreml.protobuf import encode
from rustorch.coreml.spec import DATA_TYPES, MESSAGES
from rustorch.errors import OpError

__all__ = ["WEIGHTS", "ProgramWriter"]

WEIGHTS = "@model_path/weights/weight.bin"
# Smaller tensors stand in the program, as in packages of other tools.
MIN_ELEMENTS = 10
# Before specification 9, weights in files were of these types alone.
_EARLY = (DataType.FLOAT16, DataType.FLOAT32, DataType.UINT8, DataType.INT8)
_NUMBERS = {dtype: number for number, dtype in DATA_TYPES.items()}
_LISTS = {
    DataType.FLOAT32: "floats",
    DataType.FLOAT64: "doubles",
    DataType.BOOL: "bools",
    DataType.INT16: "ints",
    DataType.UINT16: "ints",
    DataType.INT32: "ints",
    DataType.INT64: "longInts",
    DataType.UINT64: "longInts",
}


class ProgramWriter:
    """Makes messages of programs.

    Args:
        weights: takes tensors of `MIN_ELEMENTS` or more, each array once; None leaves all in the program.
        spec_version: which types such a file may hold.
    """

    def __init__(self, weights: BlobWriter | None, spec_version: int) -> None:
        self._weights = weights
        self._in_files = tuple(NUMBERS) if spec_version >= 9 else _EARLY
        self._types: dict[ValueType, bytes] = {}
        self._written: dict[object, int] = {}
        # Keeps arrays alive whose identity is a key above.
        self._kept: list[object] = []

    def program(self, program: Program) -> dict[str, Any]:
        """The Program message."""
        return {
            "version": program.version,
            "functions": {name: self._function(item) for name, item in program.functions.items()},
            "attributes": self._values(program.attributes),
        }

    def _function(self, function: Function) -> dict[str, Any]:
        return {
            "inputs": self._named(function.inputs),
            "opset": function.opset,
            "block_specializations": {key: self._block(item) for key, item in function.blocks.items()},
            "attributes": self._values(function.attributes),
        }

    def _block(self, block: Block) -> dict[str, Any]:
        return {
            "inputs": self._named(block.inputs),
            "outputs": block.outputs,
            "operations": [self._operation(item) for item in block.operations],
            "attributes": self._values(block.attributes),
        }

    def _operation(self, operation: Operation) -> dict[str, Any]:
        return {
            "type": operation.type,
            "inputs": {
                name: {"arguments": [self._binding(item) for item in bindings]}
                for name, bindings in operation.inputs.items()
            },
            "outputs": self._named(operation.outputs),
            "blocks": [self._block(item) for item in operation.blocks],
            "attributes": self._values(operation.attributes),
        }

    def _binding(self, binding: Binding) -> dict[str, Any]:
        return {"name": binding} if isinstance(binding, str) else {"value": self.value(binding)}

    def _named(self, types: Sequence[NamedType]) -> list[dict[str, Any]]:
        return [{"name": item.name, "type": self._typed(item.type)} for item in types]

    def _values(self, values: Mapping[str, Value]) -> dict[str, Any]:
        return {name: self.value(item) for name, item in values.items()}

    def _typed(self, type: ValueType) -> bytes:
        found = self._types.get(type)
        if found is None:
            found = self._types[type] = encode(MESSAGES["ValueType"], _type(type))
        return found

    def value(self, value: Value) -> dict[str, Any]:
        """The Value message."""
        if isinstance(value, (TensorValue, BlobFileValue)):
            return self._tensor(value)
        inner: dict[str, Any]
        match value:
            case ListValue():
                inner = {"list": {"values": [self.value(item) for item in value.values]}}
            case TupleValue():
                inner = {"tuple": {"values": [self.value(item) for item in value.values]}}
            case DictionaryValue():
                pairs = [{"key": self.value(key), "value": self.value(item)} for key, item in value.items]
                inner = {"dictionary": {"values": pairs}}
        return {"type": self._typed(value.type), "immediateValue": inner}

    def _tensor(self, value: TensorValue | BlobFileValue) -> dict[str, Any]:
        type, dtype = value.type, value.type.dtype
        spec: dict[str, Any] = {"type": self._typed(type)}
        if self._weights is not None and type.count >= MIN_ELEMENTS and dtype in self._in_files:
            spec["blobFileValue"] = {"fileName": WEIGHTS, "offset": self._offset(value, self._weights)}
            return spec
        array = value.numpy()
        tensor: dict[str, Any]
        if dtype is DataType.STRING:
            tensor = {"strings": {"values": array.ravel().tolist()}}
        elif dtype in _LISTS:
            tensor = {_LISTS[dtype]: {"values": array if array.size else None}}
        else:
            tensor = {"bytes": {"values": to_bytes(array, dtype) if array.size else None}}
        spec["immediateValue"] = {"tensor": tensor}
        return spec

    def _offset(self, value: TensorValue | BlobFileValue, weights: BlobWriter) -> int:
        """Where the tensor's record starts; tensors that share an array, or a record, share it again."""
        if isinstance(value, TensorValue):
            array = value.data
            place = array.__array_interface__["data"][0]
            key: object = (place, array.shape, array.strides, value.type.dtype)
            self._kept.append(array)
        else:
            key = (value.load, value.file_name, value.offset, value.type)
        if key not in self._written:
            self._written[key] = weights.add(value.numpy(), value.type.dtype)
        return self._written[key]


def _type(type: ValueType) -> dict[str, Any]:
    match type:
        case TensorType():
            if type.shape is None:
                return {"tensorType": {"dataType": _NUMBERS[type.dtype], "rank": -1}}
            sizes = [_size(size) for size in type.shape]
            return {
                "tensorType": {
                    "dataType": _NUMBERS[type.dtype],
                    "rank": len(sizes) or None,
                    "dimensions": sizes,
                }
            }
        case ListType():
            return {"listType": {"type": _type(type.type), "length": _size(type.length)}}
        case TupleType():
            return {"tupleType": {"types": [_type(item) for item in type.types]}}
        case DictionaryType():
            return {"dictionaryType": {"keyType": _type(type.key), "valueType": _type(type.value)}}
        case StateType():
            return {"stateType": {"wrappedType": _type(type.wrapped)}}
    raise OpError.of("coreml", "this is no type of a value", repr(type))


def _size(size: int | None) -> dict[str, Any]:
    return {"unknown": {}} if size is None else {"constant": {"size": size or None}}
