"""Texts of programs written by hand: values of every kind, and what stands in the wrong place."""

from __future__ import annotations

import numpy as np
import pytest

from rustorch.coreml.mil import program as mil
from rustorch.coreml.mil.parse import parse_program
from rustorch.coreml.mil.text import program_text
from rustorch.errors import FormatError

D = mil.DataType
INT, TEXT = mil.TensorType(D.INT32), mil.TensorType(D.STRING)
ONE, TWO = mil.immediate(1), mil.immediate(2)
FOUR = "tensor<fp32, [4]> x"


def function(body: str, outputs: str = "x", name: str = "main", after: str = "") -> str:
    return f"func {name}<ios17>({FOUR}) {after} {{ {body} }} -> ({outputs});"


def program(*functions: str) -> str:
    return f"program(1.0) {{ {' '.join(functions)} }}"


def constant(value: str, type: str = "int32") -> str:
    return program(function(f'{type} c = const()[name = string("c"), val = {value}];'))


def value_of(text: str) -> mil.Value:
    (operation,) = parse_program(constant(text)).functions["main"].block.operations
    return operation.attributes["val"]


VALUES: list[tuple[str, mil.Value]] = [
    ("int32(0x1F)", mil.immediate(31)),
    ("fp32(0x1.8p1)", mil.immediate(3.0)),
    ("tensor<int32, [2, 2]>([[1, 2], [3, 4]])", mil.immediate([[1, 2], [3, 4]])),
    ("tensor<int32, [?]>([1, 2])", mil.immediate([1, 2])),
    ("tensor<int32, [?, 3]>([])", mil.immediate(np.zeros((0, 3), np.int32))),
    ('tensor<string, [2]>(["a", "\\u00e9"])', mil.immediate(["a", "é"])),
    ("tensor<bool, [2]>([true, false])", mil.immediate([True, False])),
    ("list<int32, 2>((1, 2))", mil.ListValue(mil.ListType(INT, 2), (ONE, TWO))),
    ("list<int32, 2>([1, int32(2)])", mil.ListValue(mil.ListType(INT, 2), (ONE, TWO))),
    ("list<int32, ?>(())", mil.ListValue(mil.ListType(INT), ())),
    ('tuple<int32, string>((1, "a"))', mil.TupleValue(mil.TupleType((INT, TEXT)), (ONE, mil.immediate("a")))),
    (
        'dict<string, int32>({{"a", 1}, {"b", 2}})',
        mil.DictionaryValue(
            mil.DictionaryType(TEXT, INT), ((mil.immediate("a"), ONE), (mil.immediate("b"), TWO))
        ),
    ),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_values(text: str, value: mil.Value) -> None:
    assert value_of(text) == value


REFUSED: list[tuple[str, str]] = [
    (program(function("") * 2), "function 'main' is defined twice"),
    (program(function("")) + " more", "the program should end here; got 'more'"),
    (program(function("", after="[a = int32(1), a = int32(2)]")), "attribute 'a' is given twice"),
    (
        constant("tensor<int32, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]>(1)"),
        "more than .* dimens",
    ),
    (constant("list<int32, 1>((fp32(1)))"), "a value of int32 should stand before this"),
    (constant("list<int32, 1>(1)"), "a list should stand here; got '1'"),
    (constant("list<int32, 1>((1, 2))"), "a list of 1 elements has 2"),
    (constant("tuple<int32>((1, 2))"), "tuple<int32> has fewer values"),
    (constant("tuple<int32, int32>((1))"), "tuple<int32, int32> has more values"),
    (constant('tensor<fp32, [1]>(BLOBFILE(path = string("x"), offset = uint64(64)))'), "no tensor in a file"),
    (constant("tensor<fp32, [?...]>([1.0])"), "a value of unknown rank cannot stand here"),
    (constant("tensor<int32, [2]>([1])"), r"has the sizes \[1\]"),
    (constant("tensor<int32, [2, 3]>([])"), r"has the sizes \[0, 3\]"),
    (constant("tensor<int32, [2, ?]>([[1], [1, 2]])"), "the rows of a value of .* differ in length"),
    (constant("tensor<string, [1]>([1])"), "a string should stand here; got '1'"),
    (constant("int8(128)"), "a int8 should stand here; got '128'"),
    (constant("uint8(-1)"), "a uint8 should stand here; got '-1'"),
    (constant('int32("1")'), "a int32 should stand here"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_program(text)


def test_operations_of_several_results() -> None:
    text = program(function("tensor<fp32, [2]> a, tensor<fp32, [2]> b = split(x = x);", "a, b"))
    (operation,) = parse_program(text).functions["main"].block.operations
    half = mil.TensorType(D.FLOAT32, (2,))
    assert operation == mil.Operation(
        "split", {"x": ["x"]}, [mil.NamedType("a", half), mil.NamedType("b", half)]
    )
    assert parse_program(program_text(parse_program(text))) == parse_program(text)


def test_operations_print_as_in_texts() -> None:
    scaled = mil.Operation("mul", {"x": ["a"], "y": [mil.immediate(2.5)]}, [mil.NamedType("b", INT)])
    text = str(scaled)
    assert "int32 b = mul(x = a, y = fp32(" in text
    assert "..." in str(
        mil.Operation("neg", {"x": [mil.immediate(np.arange(100))]}, [mil.NamedType("b", INT)])
    )
