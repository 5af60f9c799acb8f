"""Buffers that a module writes, as states: what they hold lasts from one prediction to the next."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml.mil.program import ArrayFeatureType, DataType, FeatureDescription, StateFeatureType
from rustorch.errors import ArgumentError, UnsupportedOperation

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.jit import Graph, Value

__all__ = ["chosen_states", "read_states", "write_states"]


def chosen_states(graph: Graph, states: bool | Sequence[str] | None, opset: str) -> dict[str, Value]:
    """The buffers that become states, by the states' names.

    Raises:
        NotImplementedError: where the function writes anything else.
        ValueError: for names of no buffers, and for targets that have no states.
    """
    written = {target.name: target for target, _ in graph.mutations}
    buffers = graph.buffers
    wanted = [name for name in buffers if name in written] if states is True else list(states or ())
    unknown = [name for name in wanted if name not in buffers]
    if unknown:
        raise ArgumentError.of(
            "export",
            "states= are names of buffers that the function reads or writes",
            ", ".join(map(repr, unknown)),
            f"one of {', '.join(buffers) or 'none: it has no buffers'}",
        )
    rest = sorted(set(written) - set(wanted))
    if rest:
        kept = any(name in buffers for name in rest)
        raise UnsupportedOperation.of(
            "export",
            "the recorded function writes state",
            ", ".join(rest),
            "eval() on the module first"
            + (", or states= with the buffers to keep from one prediction to the next" if kept else ""),
        )
    if wanted and opset < "CoreML8":
        raise ArgumentError.of("export", "states need a newer system", opset, 'target="macOS15"')
    found: dict[str, Value] = {}
    for name in wanted:
        value = buffers[name]
        if not value.dtype.is_floating_point:
            raise UnsupportedOperation.of(
                "export",
                "Core ML's states are float16",
                f"'{name}' of {str(value.dtype).rpartition('.')[2]}",
                "an input in its place, such as the position in a cache",
            )
        label = re.sub(r"\W", "_", name, flags=re.ASCII)
        if label in found:
            raise ArgumentError.of("export", "two states have the same name", repr(label))
        found[label] = value
    return found


def read_states(
    b: Builder, states: Mapping[str, Value], tensors: Mapping[str, Tensor]
) -> tuple[dict[int, Var], list[FeatureDescription]]:
    """What the states hold at the start, by the ids of their buffers.

    Raises:
        ValueError: for a buffer that holds anything but zeros, with which Core ML begins.
    """
    values: dict[int, Var] = {}
    features = []
    for name, value in states.items():
        tensor = tensors.get(value.name, value.tensor)
        if tensor is not None and bool((tensor.detach() != 0).any()):
            raise ArgumentError.of(
                "export",
                "states begin with zeros",
                f"'{value.name}' with other numbers",
                "zero_() on it first",
            )
        shape = tuple(value.shape)
        held = b.state(name, shape or (1,))
        b.at(name)
        values[value.id] = b.cast(b.reshape(held, shape), b.float_type)
        features.append(
            FeatureDescription(name, StateFeatureType(ArrayFeatureType(DataType.FLOAT16, shape or (1,))))
        )
    return values, features


def write_states(b: Builder, graph: Graph, states: Mapping[str, Value], values: Mapping[int, Var]) -> None:
    """Writes what the graph writes. Reads of a state all stand before."""
    names = {value.id: name for name, value in states.items()}
    for target, value in graph.mutations:
        name = names[target.id]
        b.at(f"{name}_after")
        data = b.cast(values[value.id], DataType.FLOAT16)
        b.write(name, b.reshape(data, data.shape or (1,)))
