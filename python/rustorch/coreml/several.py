"""Several functions in one package, over the same weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from rustorch.coreml.mil.program import (
    FunctionDescription,
    Metadata,
    Model,
    ModelDescription,
    Operation,
    Program,
    TensorValue,
)
from rustorch.errors import ArgumentError

__all__ = ["combined"]

# Smaller constants stand in the program and not in the file of weights.
SHARED = 10


def combined(models: Mapping[str, Model], default: str | None, metadata: Metadata) -> Model:
    """One model with the default functions of all; equal weights are in it once.

    Raises:
        ValueError: for a default function that is none of them, or where one has no valid name.
    """
    names = list(models)
    if default is not None and default not in names:
        raise ArgumentError.of(
            "export", "default_function is none of the functions", repr(default), str(names)
        )
    for name in names:
        if not name.isidentifier() or not name.isascii():
            raise ArgumentError.of(
                "export", "functions have names of letters, digits and underscores", repr(name)
            )
    known: dict[tuple[object, ...], TensorValue] = {}
    functions, descriptions = {}, []
    for name, model in models.items():
        functions[name] = model.default_function
        for operation in model.default_function.block.operations:
            _share(operation, known)
        own = model.description
        descriptions.append(
            FunctionDescription(
                name,
                own.inputs,
                own.outputs,
                own.states,
                own.predicted_feature_name,
                own.predicted_probabilities_name,
            )
        )
    description = ModelDescription(
        functions=descriptions, default_function_name=default or names[0], metadata=metadata
    )
    return Model(models[names[0]].spec_version, description, Program(functions))


def _share(operation: Operation, known: dict[tuple[object, ...], TensorValue]) -> None:
    """Has a constant refer to the array of an equal one."""
    value = operation.attributes.get("val")
    if operation.type != "const" or not isinstance(value, TensorValue) or value.data.size < SHARED:
        return
    data = value.data
    if data.dtype == object:
        return
    key = (value.type, hashlib.sha256(memoryview(data.copy(order="C")).cast("B")).digest())
    operation.attributes["val"] = known.setdefault(key, value)
