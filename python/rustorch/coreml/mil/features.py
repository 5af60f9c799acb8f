"""The interface of a model: its features (inputs, outputs, states), and who made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rustorch.coreml.mil.types import DataType

__all__ = [
    "ArrayFeatureType",
    "DictionaryFeatureType",
    "DoubleFeatureType",
    "FeatureDescription",
    "FeatureType",
    "FunctionDescription",
    "ImageFeatureType",
    "Int64FeatureType",
    "Metadata",
    "ModelDescription",
    "SequenceFeatureType",
    "SizeRange",
    "StateFeatureType",
    "StringFeatureType",
]


@dataclass(frozen=True, slots=True)
class SizeRange:
    """Sizes from `lower` to `upper`; None stands for any size from `lower` on."""

    lower: int = 0
    upper: int | None = None


@dataclass(frozen=True, slots=True)
class ArrayFeatureType:
    """A multi-array.

    Attributes:
        dtype: FLOAT16, FLOAT32, FLOAT64, INT8 or INT32; None where the file does not say.
        shape: the shape, or the default one where others are allowed too.
        enumerated_shapes: all shapes that are allowed, if they are given one by one.
        shape_range: the sizes allowed in each dimension, if they are given so.
        default: the number that an optional input consists of when it is not given.
    """

    dtype: DataType | None
    shape: tuple[int, ...]
    enumerated_shapes: tuple[tuple[int, ...], ...] = ()
    shape_range: tuple[SizeRange, ...] = ()
    default: int | float | None = None


@dataclass(frozen=True, slots=True)
class ImageFeatureType:
    """An image of `width` by `height` pixels, or of one of the sizes or in the ranges that stand beside.

    Attributes:
        color_space: "GRAYSCALE", "RGB", "BGR" or "GRAYSCALE_FLOAT16".
        enumerated_sizes: pairs of width and height.
    """

    width: int
    height: int
    color_space: str
    enumerated_sizes: tuple[tuple[int, int], ...] = ()
    width_range: SizeRange | None = None
    height_range: SizeRange | None = None


@dataclass(frozen=True, slots=True)
class Int64FeatureType:
    """A 64-bit integer."""


@dataclass(frozen=True, slots=True)
class DoubleFeatureType:
    """A double."""


@dataclass(frozen=True, slots=True)
class StringFeatureType:
    """A string."""


@dataclass(frozen=True, slots=True)
class DictionaryFeatureType:
    """Doubles by keys of one type ("int64" or "string"), such as the probabilities of a classifier."""

    key: str


@dataclass(frozen=True, slots=True)
class SequenceFeatureType:
    """A list of elements of one type ("int64" or "string")."""

    element: str
    size_range: SizeRange | None = None


@dataclass(frozen=True, slots=True)
class StateFeatureType:
    """An array that a model keeps from one prediction to the next."""

    array: ArrayFeatureType


FeatureType: TypeAlias = (
    "ArrayFeatureType | ImageFeatureType | Int64FeatureType | DoubleFeatureType | StringFeatureType"
    " | DictionaryFeatureType | SequenceFeatureType | StateFeatureType"
)


@dataclass(slots=True)
class FeatureDescription:
    """One input, output or state."""

    name: str
    type: FeatureType
    short_description: str = ""
    optional: bool = False


@dataclass(slots=True)
class FunctionDescription:
    """The interface of one function of a model that has several."""

    name: str
    inputs: list[FeatureDescription] = field(default_factory=list)
    outputs: list[FeatureDescription] = field(default_factory=list)
    states: list[FeatureDescription] = field(default_factory=list)
    predicted_feature_name: str = ""
    predicted_probabilities_name: str = ""


@dataclass(slots=True)
class Metadata:
    """Who made a model, and what for."""

    short_description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    user_defined: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class ModelDescription:
    """The interface of a model.

    Attributes:
        inputs, outputs, states: of the only function; empty in a model with several functions.
        functions: the interfaces of several functions.
        default_function_name: the function that runs when none is named.
        predicted_feature_name, predicted_probabilities_name: the outputs of a classifier.
    """

    inputs: list[FeatureDescription] = field(default_factory=list)
    outputs: list[FeatureDescription] = field(default_factory=list)
    states: list[FeatureDescription] = field(default_factory=list)
    functions: list[FunctionDescription] = field(default_factory=list)
    default_function_name: str = ""
    predicted_feature_name: str = ""
    predicted_probabilities_name: str = ""
    metadata: Metadata = field(default_factory=Metadata)

    def function(self, name: str | None = None) -> FunctionDescription:
        """The interface of a function, or of the default one. Raises KeyError for unknown names."""
        default = self.default_function_name or "main"
        name = name or default
        for function in self.functions:
            if function.name == name:
                return function
        if name != default or self.functions:
            raise KeyError(name)
        shared: dict[str, Any] = {
            key: getattr(self, key) for key in FunctionDescription.__slots__ if key != "name"
        }
        return FunctionDescription(name, **shared)
