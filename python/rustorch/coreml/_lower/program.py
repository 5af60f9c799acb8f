"""Recordings as a function of MIL, with its interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml._lower.classifier import add_classifier
from rustorch.coreml._lower.interface import add_output, names_of
from rustorch.coreml._lower.prepared import prepared
from rustorch.coreml._lower.recording import Recording
from rustorch.coreml._lower.states import chosen_states, read_states, write_states
from rustorch.coreml._lower.walk import Walk, check_tensor, dtype_name, raise_missing
from rustorch.coreml.mil.program import DataType, FeatureDescription, Function
from rustorch.coreml.shapes import InputShape
from rustorch.errors import ArgumentError

if TYPE_CHECKING:
    from rustorch.jit import Graph

__all__ = ["Lowered", "Names", "add_outputs", "lower_graph"]


class Lowered:
    """A function with its interface, and which value each result of a node of the first graph became."""

    def __init__(
        self,
        graphs: list[Graph],
        apart: list[Recording],
        function: Function,
        inputs: list[FeatureDescription],
    ) -> None:
        self.graphs = graphs  # as they were lowered: composite ops taken apart
        self.apart = apart  # recordings at shapes that have to be tried
        self.function = function
        self.inputs = inputs
        self.outputs: list[FeatureDescription] = []
        self.states: list[FeatureDescription] = []
        self.values: dict[int, Var] = {}


class Names:
    """What inputs and outputs are called: as given, or as in the function."""

    def __init__(
        self,
        found_inputs: Sequence[str],
        results: int,
        inputs: Sequence[str] | None,
        outputs: Sequence[str] | None,
        labels: list[str] | list[int] | None,
        kept: Sequence[str] = (),
    ) -> None:
        found = [f"output_{i}" if results > 1 else "output" for i in range(results)]
        if labels is not None:
            found[:1] = ["classLabel"]
        self.inputs = names_of("inputs", inputs, found_inputs)
        self.outputs = names_of("outputs", outputs, found)
        odds = [f"{self.outputs[0]}_probs"] if labels is not None else []
        names = [*self.inputs, *self.outputs, *kept, *odds]
        clash = {name for name in names if names.count(name) > 1}
        if clash:
            raise ArgumentError.of(
                "export",
                "inputs, outputs and states need different names, not the same name",
                ", ".join(clash),
            )

    def take(self, b: Builder) -> None:
        """No other value gets the name of an output."""
        for name in (*self.outputs, *(f"{name}_probs" for name in self.outputs[:1])):
            b.name(name)


def add_outputs(
    b: Builder,
    lowered: Lowered,
    results: Sequence[tuple[Var, str]],
    names: Sequence[str],
    labels: list[str] | list[int] | None,
) -> None:
    """Values with the dtypes of the recorded function as outputs, and the function that gives them."""
    final: list[Var] = []
    if labels is not None:
        final, lowered.outputs = add_classifier(b, results[0][0], labels, names[0])
    classified = 0 if labels is None else 1
    for (value, dtype), name in list(zip(results, names))[classified:]:
        var, feature = add_output(b, value, name, dtype)
        final.append(var)
        lowered.outputs.append(feature)
    lowered.function = b.function(final)


def lower_graph(
    recordings: Sequence[Recording],
    *,
    opset: str,
    float_type: DataType,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    shapes: Sequence[InputShape] | None = None,
    states: bool | Sequence[str] | None = None,
    labels: list[str] | list[int] | None = None,
) -> Lowered:
    """A function that computes what a graph does.

    Args:
        recordings: the graph, with what is known of it. Composite ops are taken apart on its examples.
            Several recordings of one function, at different shapes of its inputs, give a program for all such
            shapes.
        opset: such as "CoreML7".
        float_type: FLOAT16 or FLOAT32, in which it computes.
        inputs, outputs: names for them, in order.
        shapes: of the inputs, where they are not those of the recording.
        states: names of buffers that keep what is written; True for all that are written.
        labels: of the first output, which becomes those of a classifier.

    Raises:
        NotImplementedError: (`UnsupportedOperation`) lists everything that Core ML has no operations for.
        ValueError: for numbers that the data types cannot hold, or names that do not fit.
    """
    recording = recordings[0]
    tensors = recording.tensors
    chosen_states(recording.graph, states, opset)
    given = recording.graph
    for v in (*given.inputs, *given.parameters.values(), *given.buffers.values()):
        check_tensor(v, v.name)
    merged = prepared(recordings, opset)
    steps, graph = merged.steps, merged.graphs[0]
    kept = chosen_states(graph, states, opset)
    results = graph.outputs[: recording.results]
    b = Builder(opset, float_type)
    walk = Walk(graph, b, merged.shapes)
    names = Names([v.name for v in graph.inputs], len(results), inputs, outputs, labels, list(kept))
    names.take(b)
    wanted = shapes or [None] * len(graph.inputs)
    features = [walk.add_input(v, n, s) for v, n, s in zip(graph.inputs, names.inputs, wanted)]
    lowered = Lowered(merged.graphs, merged.apart, b.function([]), features)
    held, lowered.states = read_states(b, kept, tensors)
    walk.values |= held
    used = {v.id for step in steps for v in step.values} | {v.id for v in results}
    used |= {v.id for _, v in graph.mutations}
    for value in (*graph.parameters.values(), *graph.buffers.values(), *graph.constants.values()):
        if value.id in used and value.id not in walk.values:
            found = tensors.get(value.name)
            walk.add_constant(value, value.tensor if found is None else found)
    for step in steps:
        walk.run(step)
    raise_missing(walk.missing)
    write_states(b, graph, kept, walk.values)
    found_values = [(walk.values[v.id], dtype_name(v)) for v in results]
    add_outputs(b, lowered, found_values, names.outputs, labels)
    lowered.values = walk.values
    return lowered
