"""From MIL's text to a program: what `text.program_text` prints, and `model.mil` of compiled models."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from rustorch.coreml.mil.program import Binding, Block, Function, NamedType, Operation, Program
from rustorch.coreml.mil.types import (
    Array,
    DataType,
    DictionaryType,
    ListType,
    StateType,
    TensorType,
    TupleType,
    ValueType,
)
from rustorch.coreml.mil.values import (
    BlobFileValue,
    DictionaryValue,
    ListValue,
    TensorValue,
    TupleValue,
    Value,
)
from rustorch.errors import FormatError

__all__ = ["parse_program"]

MAX_DEPTH = 64
MAX_RANK = 16
MAX_SIZE = 1 << 48
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"[^"\\]*(?:\\.[^"\\]*)*")|(?P<mark>->|[()\[\]{}<>,;=?])'
    r"|(?P<number>[-+]?(?:0[xX][0-9a-fA-F.]+(?:[pP][-+]?\d+)?|\d[\d.]*(?:[eE][-+]?\d+)?|inf\b|nan\b))"
    r"|(?P<name>[A-Za-z_][\w@./]*))"
)
_SCALARS = {dtype.value: dtype for dtype in DataType}
_TYPES = {*_SCALARS, "tensor", "list", "tuple", "dict", "state"}
# Compiled models name the system rather than the opset.
_OPSETS = {"ios15": "CoreML5", "ios16": "CoreML6", "ios17": "CoreML7", "ios18": "CoreML8", "ios26": "CoreML9"}

LoadBlob = Callable[[BlobFileValue], Array]


def parse_program(
    text: str, load: LoadBlob | None = None, check: Callable[[BlobFileValue], None] | None = None
) -> Program:
    """The program that a text stands for.

    Args:
        text: of the whole program.
        load: reads tensors that lie in files; None refuses such.
        check: raises for tensors that are not where the text says.

    Raises:
        ValueError: (`FormatError`) for anything else, with the line it stands in.

    >>> from rustorch.coreml.mil.parse import parse_program
    >>> text = "program(1.0) { func main<ios17>(fp16 x) { fp16 y = relu(x = x); } -> (y); }"
    >>> parse_program(text).functions["main"].block.operations[0].inputs
    {'x': ['x']}
    """
    return _Parser(text, load, check).program()


class _Parser:
    def __init__(
        self, text: str, load: LoadBlob | None, check: Callable[[BlobFileValue], None] | None
    ) -> None:
        self.text, self.load, self.check = text, load, check
        self.begin = self.end = 0
        self.depth = 0
        self.kind: str | None = ""
        self.token = ""
        self.advance()

    # ---- Tokens ----

    def advance(self) -> str:
        """Moves to the next token; returns the one it moved from."""
        before = self.token
        match = _TOKEN.match(self.text, self.end)
        if match is None:
            if self.text[self.end :].strip():
                self.begin, self.token = self.end, self.text[self.end : self.end + 80].lstrip()
                raise self.fail("this is no part of a program")
            self.kind, self.token = None, ""
        else:
            self.kind = match.lastgroup
            self.begin, self.end = match.span(match.lastgroup or 0)
            self.token = self.text[self.begin : self.end]
        return before

    def fail(self, what: str) -> FormatError:
        line = self.text.count("\n", 0, self.begin) + 1
        return FormatError.of("coreml", f"MIL text, line {line}: {what}", repr(self.token[:60] or "the end"))

    def expect(self, token: str) -> None:
        if self.token != token or self.kind == "text":
            raise self.fail(f"{token!r} should stand here")
        self.advance()

    def take(self, token: str) -> bool:
        if self.token != token or self.kind == "text":
            return False
        self.advance()
        return True

    def name(self) -> str:
        if self.kind != "name":
            raise self.fail("a name should stand here")
        return self.advance()

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail("blocks, types or values are nested too deeply")

    def separated(self, item: Callable[[], Any], close: str) -> list[Any]:
        """Items with commas between them, up to and with a closing mark."""
        found: list[Any] = []
        if self.take(close):
            return found
        while True:
            found.append(item())
            if self.take(close):
                return found
            self.expect(",")

    # ---- Programs ----

    def program(self) -> Program:
        if not self.take("program"):
            raise self.fail("a program should start here")
        self.expect("(")
        if self.token.split(".")[0] != "1":
            raise self.fail("programs must be of version 1")
        self.advance()
        self.expect(")")
        attributes = self.attributes()
        functions: dict[str, Function] = {}
        self.expect("{")
        while not self.take("}"):
            if not self.take("func"):
                raise self.fail("a function should start here")
            name = self.name()
            self.expect("<")
            opset = self.name()
            opset = _OPSETS.get(opset, opset)
            self.expect(">")
            self.expect("(")
            inputs = self.separated(self.named_type, ")")
            function = Function(inputs, opset, {}, self.attributes())
            function.blocks[opset] = self.body(Block())
            self.expect(";")
            if name in functions:
                raise self.fail(f"function {name!r} is defined twice")
            functions[name] = function
        if self.kind is not None:
            raise self.fail("the program should end here")
        return Program(functions, 1, attributes)

    def named_type(self) -> NamedType:
        type = self.type()
        return NamedType(self.name(), type)

    def attributes(self) -> dict[str, Value]:
        found: dict[str, Value] = {}
        if self.take("["):
            for name, value in self.separated(self.attribute, "]"):
                if name in found:
                    raise self.fail(f"attribute {name!r} is given twice")
                found[name] = value
        return found

    def attribute(self) -> tuple[str, Value]:
        name = self.name()
        self.expect("=")
        return name, self.value()

    def body(self, block: Block) -> Block:
        """`{ operations } -> (outputs)`, into a block."""
        self.deeper()
        self.expect("{")
        while not self.take("}"):
            block.operations.append(self.operation())
        self.expect("->")
        self.expect("(")
        block.outputs = self.separated(self.name, ")")
        self.depth -= 1
        return block

    def operation(self) -> Operation:
        outputs = []
        if self.token in _TYPES:
            outputs.append(self.named_type())
            while self.take(","):
                outputs.append(self.named_type())
            self.expect("=")
        operation = Operation(self.name(), {}, outputs)
        self.expect("(")
        for name, bindings in self.separated(self.argument, ")"):
            if name in operation.inputs:
                raise self.fail(f"input {name!r} is given twice")
            operation.inputs[name] = bindings
        operation.attributes = self.attributes()
        while not self.take(";"):
            if operation.blocks:
                self.expect(",")
            self.expect("(")
            inputs = self.separated(self.named_type, ")")
            operation.blocks.append(self.body(Block(inputs, attributes=self.attributes())))
        return operation

    def argument(self) -> tuple[str, list[Binding]]:
        name = self.name()
        self.expect("=")
        if self.take("("):
            return name, self.separated(self.binding, ")")
        return name, [self.binding()]

    def binding(self) -> Binding:
        return self.value() if self.token in _TYPES and self.is_typed() else self.name()

    def is_typed(self) -> bool:
        """Whether a type, and not a value that is named like one, stands here."""
        return self.text[self.end : self.end + 1] in ("(", "<")

    # ---- Types ----

    def type(self) -> ValueType:
        if self.token not in _TYPES:
            raise self.fail("a type should stand here")
        name = self.name()
        if name in _SCALARS:
            return TensorType(_SCALARS[name])
        self.deeper()
        self.expect("<")
        made: ValueType
        if name == "tensor":
            made = self.tensor_type()
        elif name == "list":
            inner = self.type()
            self.expect(",")
            made = ListType(inner, self.size())
            self.expect(">")
        elif name == "tuple":
            made = TupleType(tuple(self.separated(self.type, ">")))
        elif name == "state":
            made = StateType(self.type())
            self.expect(">")
        else:
            key = self.type()
            self.expect(",")
            made = DictionaryType(key, self.type())
            self.expect(">")
        self.depth -= 1
        return made

    def tensor_type(self) -> TensorType:
        dtype = _SCALARS.get(self.token)
        if dtype is None:
            raise self.fail("a data type should stand here")
        self.advance()
        self.expect(",")
        self.expect("[")
        if self.token == "?" and self.text.startswith("...", self.end):
            self.end += 3
            self.advance()
            self.expect("]")
            self.expect(">")
            return TensorType(dtype, None)
        sizes = self.separated(self.size, "]")
        self.expect(">")
        if len(sizes) > MAX_RANK:
            raise self.fail(f"a tensor has more than {MAX_RANK} dimensions")
        return TensorType(dtype, tuple(sizes))

    def size(self) -> int | None:
        if self.take("?"):
            return None
        if not self.token.isdecimal() or len(self.token) > 15 or int(self.token) > MAX_SIZE:
            raise self.fail("a size should stand here")
        return int(self.advance())

    # ---- Values ----

    def value(self) -> Value:
        type = self.type()
        self.expect("(")
        made = self.literal(type)
        self.expect(")")
        return made

    def literal(self, type: ValueType) -> Value:
        """What stands between the brackets of a value; inside of others its type may be left out."""
        if self.token in _TYPES and self.is_typed():
            made = self.value()
            if made.type != type:
                raise self.fail(f"a value of {type} should stand before this")
            return made
        self.deeper()
        made = self.untyped(type)
        self.depth -= 1
        return made

    def untyped(self, type: ValueType) -> Value:
        match type:
            case TensorType() if self.token == "BLOBFILE":
                return self.in_file(type)
            case TensorType():
                return self.tensor(type)
            case ListType():
                close = {"(": ")", "[": "]"}.get(self.token)
                if close is None:
                    raise self.fail("a list should stand here")
                self.advance()
                items = self.separated(lambda: self.literal(type.type), close)
                if type.length not in (None, len(items)):
                    raise self.fail(f"a list of {type.length} elements has {len(items)}")
                return ListValue(type, tuple(items))
            case TupleType():
                self.expect("(")
                kinds = iter(type.types)

                def item() -> Value:
                    kind = next(kinds, None)
                    if kind is None:
                        raise self.fail(f"{type} has fewer values")
                    return self.literal(kind)

                values = self.separated(item, ")")
                if len(values) != len(type.types):
                    raise self.fail(f"{type} has more values")
                return TupleValue(type, tuple(values))
            case DictionaryType():
                self.expect("{")
                return DictionaryValue(type, tuple(self.separated(lambda: self.pair(type), "}")))
            case StateType():
                raise self.fail("a state has no value")

    def pair(self, type: DictionaryType) -> tuple[Value, Value]:
        self.expect("{")
        key = self.literal(type.key)
        self.expect(",")
        value = self.literal(type.value)
        self.expect("}")
        return key, value

    def in_file(self, type: TensorType) -> BlobFileValue:
        self.advance()
        self.expect("(")
        fields = dict(self.separated(self.attribute, ")"))
        path, offset = fields.get("path"), fields.get("offset")
        if self.load is None or not type.is_static:
            raise self.fail("no tensor in a file can stand here")
        if not (isinstance(path, TensorValue) and path.type == TensorType(DataType.STRING)):
            raise self.fail("a file's path should stand before this")
        if not (isinstance(offset, TensorValue) and offset.type.dtype.is_integer and offset.data.ndim == 0):
            raise self.fail("an offset should stand before this")
        value = BlobFileValue(type, path.item(), int(offset.item()), self.load)
        if self.check is not None:
            self.check(value)
        return value

    def tensor(self, type: TensorType) -> TensorValue:
        elements: list[Any] = []
        shape: tuple[int, ...] = ()
        if type.shape == ():
            elements.append(self.element(type.dtype))
        elif type.shape is None:
            raise self.fail("a value of unknown rank cannot stand here")
        else:
            counts = [-1] * len(type.shape)
            self.nested(type, 0, elements, counts)
            # Where a list is empty, nothing inside says how long the inner ones are.
            given = [size if count < 0 else count for size, count in zip(type.shape, counts)]
            shape = tuple(size or 0 for size in given)
            if any(size not in (None, count) for size, count in zip(type.shape, shape)):
                raise self.fail(f"a value of {type} has the sizes {list(shape)}")
        array: Array = np.empty(len(elements), dtype=type.dtype.numpy_dtype)
        array[:] = elements  # each was seen to fit
        return TensorValue(TensorType(type.dtype, shape), array.reshape(shape))

    def nested(self, type: TensorType, level: int, elements: list[Any], counts: list[int]) -> None:
        assert type.shape is not None
        self.expect("[")
        count = 0
        while not self.take("]"):
            if count:
                self.expect(",")
            if level + 1 == len(type.shape):
                elements.append(self.element(type.dtype))
            else:
                self.nested(type, level + 1, elements, counts)
            count += 1
        if counts[level] not in (-1, count):
            raise self.fail(f"the rows of a value of {type} differ in length")
        counts[level] = count

    def element(self, dtype: DataType) -> Any:
        kind, token = self.kind, self.token
        try:
            if dtype is DataType.STRING:
                if kind != "text":
                    raise ValueError
                made: Any = json.loads(token, strict=False)
            elif dtype is DataType.BOOL:
                made = {"true": True, "false": False}[token]
            elif kind != "number":
                raise ValueError
            elif dtype.is_float and not dtype.value.startswith("fp8"):
                made = float.fromhex(token) if "x" in token.lower() else float(token)
            else:
                made = int(token, 0)
                low = -(1 << (dtype.bits - 1)) if dtype.is_signed and dtype.is_integer else 0
                high = (1 << (dtype.bits - (dtype.is_signed and dtype.is_integer))) - 1
                if not low <= made <= high:
                    raise ValueError
        except (ValueError, KeyError, OverflowError):
            raise self.fail(f"a {dtype.value} should stand here") from None
        self.advance()
        return made
