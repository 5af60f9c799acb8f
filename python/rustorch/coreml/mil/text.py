"""The text form of MIL, as it stands in the `model.mil` of a compiled model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

from rustorch.coreml.mil.program import Binding, Block, NamedType, Operation, Program
from rustorch.coreml.mil.types import DataType
from rustorch.coreml.mil.values import (
    BlobFileValue,
    DictionaryValue,
    ListValue,
    TensorValue,
    TupleValue,
    Value,
)

__all__ = ["operation_text", "program_text", "value_text"]

_INDENT = "    "


def program_text(program: Program, max_elements: int | None = None) -> str:
    """The whole program.

    Args:
        program: to print.
        max_elements: tensors with more elements are cut short with `...`, which no reader takes; None
            prints all of them.
    """
    lines = [f"program({program.version}.0)"]
    if program.attributes:
        lines.append(_attributes(program.attributes, max_elements))
    lines.append("{")
    for name, function in program.functions.items():
        for opset, block in function.blocks.items():
            inputs = ", ".join(map(str, function.inputs))
            tail = f"{_attributes(function.attributes, max_elements)} " if function.attributes else ""
            lines.append(f"{_INDENT}func {name}<{opset}>({inputs}) {tail}{'{'}")
            _block_lines(lines, block, 2, max_elements)
            lines.append(f"{_INDENT}{'}'} -> ({', '.join(block.outputs)});")
    lines.append("}")
    return "\n".join(lines)


def operation_text(operation: Operation) -> str:
    """One operation, long tensors cut short."""
    lines: list[str] = []
    _operation_lines(lines, operation, 0, 16)
    return "\n".join(lines)


def _block_lines(lines: list[str], block: Block, depth: int, limit: int | None) -> None:
    for operation in block.operations:
        _operation_lines(lines, operation, depth, limit)


def _operation_lines(lines: list[str], operation: Operation, depth: int, limit: int | None) -> None:
    indent = _INDENT * depth
    head = (_named(operation.outputs) + " = " if operation.outputs else "") + f"{operation.type}("
    head += ", ".join(f"{name} = {_argument(args, limit)}" for name, args in operation.inputs.items()) + ")"
    if operation.attributes:
        head += _attributes(operation.attributes, limit)
    if not operation.blocks:
        lines.append(f"{indent}{head};")
        return
    lines.append(f"{indent}{head}")
    for block in operation.blocks:
        tail = f"{_attributes(block.attributes, limit)} " if block.attributes else ""
        lines.append(f"{indent}{_INDENT}({_named(block.inputs)}) {tail}{'{'}")
        _block_lines(lines, block, depth + 2, limit)
        end = "," if block is not operation.blocks[-1] else ";"
        lines.append(f"{indent}{_INDENT}{'}'} -> ({', '.join(block.outputs)}){end}")


def _named(types: Sequence[NamedType]) -> str:
    return ", ".join(map(str, types))


def _argument(bindings: Sequence[Binding], limit: int | None) -> str:
    texts = [item if isinstance(item, str) else value_text(item, limit) for item in bindings]
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _attributes(attributes: Mapping[str, Value], limit: int | None) -> str:
    return f"[{', '.join(f'{name} = {value_text(value, limit)}' for name, value in attributes.items())}]"


def value_text(value: Value, max_elements: int | None = None) -> str:
    """A value with its type, such as ``tensor<int32, [2]>([1, 2])``."""
    return f"{value.type}({_literal(value, max_elements)})"


def _literal(value: Value, limit: int | None) -> str:
    """A value without its type, which what is around it states."""
    match value:
        case TensorValue():
            return _elements(value, limit)
        case BlobFileValue():
            path = json.dumps(value.file_name, ensure_ascii=False)
            return f"BLOBFILE(path = string({path}), offset = uint64({value.offset}))"
        case ListValue() | TupleValue():
            return f"({', '.join(_literal(item, limit) for item in value.values)})"
        case DictionaryValue():
            pairs = (f"{{{_literal(key, limit)}, {_literal(item, limit)}}}" for key, item in value.items)
            return f"{{{', '.join(pairs)}}}"


def _elements(value: TensorValue, limit: int | None) -> str:
    array = value.data
    if limit is not None and array.size > limit:
        return "..."
    if array.ndim == 0:
        return _element(array.item(), value.type.dtype)
    texts = np.array([_element(item, value.type.dtype) for item in array.ravel().tolist()], dtype=object)
    return _nested(texts.reshape(array.shape).tolist())


def _nested(items: object) -> str:
    return f"[{', '.join(map(_nested, items))}]" if isinstance(items, list) else str(items)


def _element(item: object, dtype: DataType) -> str:
    if dtype is DataType.STRING:
        return json.dumps(item, ensure_ascii=False)
    if isinstance(item, bool):
        return "true" if item else "false"
    # Hexadecimal, as in compiled models: every float comes back as it was.
    return float(item).hex() if isinstance(item, float) else str(item)
