"""The interface of what is exported: names of inputs and outputs, and what gives the latter."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rustorch.coreml._lower.builder import Builder, Var, type_of
from rustorch.coreml._lower.sizes import is_size
from rustorch.coreml.mil.program import (
    ArrayFeatureType,
    DataType,
    FeatureDescription,
    NamedType,
    Operation,
    SizeRange,
)
from rustorch.coreml.shapes import EnumeratedShapes, InputShape, RangeDim
from rustorch.errors import ArgumentError

__all__ = ["add_output", "input_type", "names_of"]


def input_type(dtype: DataType, shape: tuple[int, ...], given: InputShape) -> ArrayFeatureType:
    """An input of this shape by default, and the shapes that were given for it."""
    if isinstance(given, EnumeratedShapes):
        # The default one first, as other tools write them.
        others = [tuple(s) for s in given.shapes if tuple(s) != shape]
        return ArrayFeatureType(dtype, shape, enumerated_shapes=(shape, *others))
    if given is None or not any(isinstance(size, RangeDim) for size in given):
        return ArrayFeatureType(dtype, shape)
    ranges = [
        SizeRange(g.lower_bound, None if g.upper_bound < 0 else g.upper_bound)
        if isinstance(g, RangeDim)
        else SizeRange(g, g)
        for g in given
    ]
    return ArrayFeatureType(dtype, shape, shape_range=tuple(ranges))


def _identifier(name: str) -> str:
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    return f"_{name}" if not name or name[0].isdigit() else name


def names_of(what: str, given: Sequence[str] | None, found: Sequence[str]) -> list[str]:
    """The given names, checked, or names made of those that were found."""
    if given is None:
        names: list[str] = []
        for name in map(_identifier, found):
            n, wanted = 1, name
            while name in names:
                name, n = f"{wanted}_{n}", n + 1
            names.append(name)
        return names
    if len(given) != len(found):
        raise ArgumentError.of("export", f"{what}= needs {len(found)} names", str(list(given)))
    for name in given:
        if name != _identifier(name) or list(given).count(name) > 1:
            raise ArgumentError.of(
                "export", f"{what}= are different names of letters, digits and underscores", repr(name)
            )
    return list(given)


def add_output(b: Builder, x: Var, name: str, kind: str) -> tuple[Var, FeatureDescription]:
    """x as an output of this name; `kind` is the data type that the recorded function gave."""
    dtype = (
        DataType.FLOAT16 if kind == "float16" else DataType.FLOAT32 if x.dtype.is_float else DataType.INT32
    )
    b.at(name)
    x = b.reshape(x, x.shape or (1,))
    var = Var(name, dtype, x.shape)
    inputs: dict[str, Any] = {"x": [x.name]}
    if x.dtype is not dtype:
        inputs["dtype"] = [b.constant(dtype.value).name]
    kind = "cast" if len(inputs) > 1 else "identity"
    b.operations.append(Operation(kind, inputs, [NamedType(name, type_of(var))]))
    fixed = () if any(map(is_size, x.shape)) else x.shape
    return var, FeatureDescription(name, ArrayFeatureType(dtype, fixed))
