"""An ML Program as plain data: what a Core ML package holds, and what an interpreter or exporter works on.

The names are those of Core ML's model intermediate language (MIL): a program has functions, a function has a
block for an opset, a block has operations, and an operation binds values to its inputs, by name or in place.
All of it compares with ==, and prints as MIL's text.

>>> from rustorch.coreml.mil import program as mil
>>> vector = mil.TensorType(mil.DataType.FLOAT16, (4,))
>>> relu = mil.Operation("relu", {"x": ["x"]}, [mil.NamedType("y", vector)])
>>> block = mil.Block(outputs=["y"], operations=[relu])
>>> print(mil.Program({"main": mil.Function([mil.NamedType("x", vector)], "CoreML8", {"CoreML8": block})}))
program(1.0)
{
    func main<CoreML8>(tensor<fp16, [4]> x) {
        tensor<fp16, [4]> y = relu(x = x);
    } -> (y);
}
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from rustorch.coreml.mil.features import (
    ArrayFeatureType,
    DictionaryFeatureType,
    DoubleFeatureType,
    FeatureDescription,
    FeatureType,
    FunctionDescription,
    ImageFeatureType,
    Int64FeatureType,
    Metadata,
    ModelDescription,
    SequenceFeatureType,
    SizeRange,
    StateFeatureType,
    StringFeatureType,
)
from rustorch.coreml.mil.types import (
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
    immediate,
    strings,
)

__all__ = [
    # The program.
    "Model",
    "Program",
    "Function",
    "Block",
    "Operation",
    "NamedType",
    "Binding",
    # Types.
    "DataType",
    "ValueType",
    "TensorType",
    "ListType",
    "TupleType",
    "DictionaryType",
    "StateType",
    # Values.
    "Value",
    "TensorValue",
    "BlobFileValue",
    "ListValue",
    "TupleValue",
    "DictionaryValue",
    "immediate",
    "strings",
    # The interface.
    "ModelDescription",
    "FunctionDescription",
    "FeatureDescription",
    "FeatureType",
    "ArrayFeatureType",
    "ImageFeatureType",
    "Int64FeatureType",
    "DoubleFeatureType",
    "StringFeatureType",
    "DictionaryFeatureType",
    "SequenceFeatureType",
    "StateFeatureType",
    "SizeRange",
    "Metadata",
]

# What an input is bound to: a string is the name of a value; constants in place are values.
Binding: TypeAlias = "str | Value"


@dataclass(frozen=True, slots=True)
class NamedType:
    """A name with its type: an input of a function or block, or an output of an operation."""

    name: str
    type: ValueType

    def __str__(self) -> str:
        return f"{self.type} {self.name}"


@dataclass(slots=True)
class Operation:
    """One step of a block; its type is the name of what it does, such as "conv".

    Attributes:
        inputs: what each parameter is bound to: one binding, or several for a variadic parameter.
        outputs: the names and types of its results.
        blocks: the branches of `cond`, or the condition and body of `while_loop`.
        attributes: constants that belong to the operation, such as its name, or `val` of "const".
    """

    type: str
    inputs: dict[str, list[Binding]] = field(default_factory=dict)
    outputs: list[NamedType] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    attributes: dict[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        from rustorch.coreml.mil.text import operation_text

        return operation_text(self)


@dataclass(slots=True)
class Block:
    """Operations in order; the outputs are names from the block or from around it."""

    inputs: list[NamedType] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(slots=True)
class Function:
    """Inputs, and blocks by opset ("CoreML5" to "CoreML9") of which `opset` names the one to run."""

    inputs: list[NamedType]
    opset: str
    blocks: dict[str, Block]
    attributes: dict[str, Value] = field(default_factory=dict)

    @property
    def block(self) -> Block:
        """The block of the function's opset."""
        return self.blocks[self.opset]


@dataclass(slots=True)
class Program:
    """Functions by name."""

    functions: dict[str, Function]
    version: int = 1
    attributes: dict[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        """The program in MIL's text; long tensors are cut short (`text.program_text` prints all)."""
        from rustorch.coreml.mil.text import program_text

        return program_text(self, max_elements=16)


@dataclass(slots=True)
class Model:
    """A model: its specification version, its interface, and its program.

    Versions of the specification: 6 for iOS 15 and macOS 12 (opset CoreML5), 7 for iOS 16 and macOS 13
    (CoreML6), 8 for iOS 17 and macOS 14 (CoreML7), 9 for iOS 18 and macOS 15 (CoreML8), 10 for iOS 26 and
    macOS 26 (CoreML9).
    """

    spec_version: int
    description: ModelDescription
    program: Program

    @property
    def functions(self) -> dict[str, Function]:
        """The functions of the program, by name."""
        return self.program.functions

    @property
    def default_function_name(self) -> str:
        """The function that runs when none is named: "main" unless the model says otherwise."""
        return self.description.default_function_name or "main"

    @property
    def default_function(self) -> Function:
        """The function that runs when none is named. Raises KeyError where the model lacks it."""
        return self.program.functions[self.default_function_name]

    @property
    def metadata(self) -> Metadata:
        """Who made the model, and what for."""
        return self.description.metadata
