"""The walk over a graph: each node by its lowering, or by what it is made of; all that is missing at once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rustorch.coreml._lower.builder import MAX_HALF, Builder, Var
from rustorch.coreml._lower.classifier import add_classifier
from rustorch.coreml._lower.interface import add_output, input_type, names_of
from rustorch.coreml._lower.prepared import prepared
from rustorch.coreml._lower.recording import Recording, Step
from rustorch.coreml._lower.recurrent import lower_network
from rustorch.coreml._lower.registry import KERNELS, LOWERINGS, Call, Unsupported
from rustorch.coreml._lower.sizes import Undecided
from rustorch.coreml._lower.states import chosen_states, read_states, write_states
from rustorch.coreml.mil.program import (
    DataType,
    FeatureDescription,
    Function,
)
from rustorch.coreml.shapes import InputShape
from rustorch.errors import ArgumentError, OpError, UnsupportedOperation

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.jit import Graph, Value

__all__ = ["Lowered", "lower_graph"]

_FLOATS = ("float16", "bfloat16", "float32")
_INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


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


def _dtype_name(value: Value) -> str:
    return str(value.dtype).rpartition(".")[2]


def _check_graph(graph: Graph) -> None:
    for value in (*graph.inputs, *graph.parameters.values(), *graph.buffers.values()):
        if _dtype_name(value) not in (*_FLOATS, *_INTEGERS, "bool"):
            raise UnsupportedOperation.of(
                "export",
                "Core ML computes in float32 at most, and has no complex numbers",
                f"'{value.name}' of {_dtype_name(value)}",
                "float() on the module and its inputs",
            )
        if 0 in tuple(value.shape):
            raise ArgumentError.of("export", "Core ML has no empty arrays", f"'{value.name}'")


def _is_plain(tensor: Tensor) -> bool:
    """Whether these are many numbers, all within float16: converting them takes no care, and is the quickest
    by our own kernel."""
    import rustorch as rt

    if tensor.dtype != rt.float32 or tensor.numel() < 4096:
        return False
    low, high = rt.aminmax(tensor)
    return -MAX_HALF <= float(low) and float(high) <= MAX_HALF


def _default_of(schema: str, argument: str) -> str | None:
    found = re.search(rf"\b{re.escape(argument)}=('[^']*'|\[[^\]]*\]|[^,)]*)", schema)
    return found.group(1) if found else None


def _is_default(schema: str, argument: str, value: Any) -> bool:
    default = _default_of(schema, argument)
    if default is None:
        return False
    if value is None or isinstance(value, (bool, str)):
        return default.strip("'") == str(value)
    if isinstance(value, (int, float)):
        try:
            return float(default) == value
        except ValueError:
            return False
    return default in ("None", "[]") and not value


class _Walk:
    def __init__(self, graph: Graph, builder: Builder, shapes: Mapping[int, tuple[int, ...]]) -> None:
        self.graph, self.b, self.shapes = graph, builder, shapes
        self.values: dict[int, Var] = {}
        self.missing: dict[str, str] = {}

    def type_of(self, value: Value) -> DataType:
        name = _dtype_name(value)
        if name == "bool":
            return DataType.BOOL
        return self.b.float_type if name in (*_FLOATS, "float64") else DataType.INT32

    def shape_of(self, value: Value) -> tuple[int, ...]:
        found = self.shapes.get(value.id)
        return tuple(value.shape) if found is None else found

    # ---- Inputs and constants ----

    def add_input(self, value: Value, name: str, given: InputShape = None) -> FeatureDescription:
        kind = _dtype_name(value)
        dtype = (
            DataType.FLOAT16 if kind == "float16" else DataType.FLOAT32 if kind in _FLOATS else DataType.INT32
        )
        shape = self.shape_of(value)
        var = self.b.input(name, dtype, shape or (1,))
        self.b.at(name)
        inside = self.b.reshape(var, shape)
        if kind == "bool":
            inside = self.b.binary("not_equal", inside, self.b.number(0, inside), DataType.BOOL)
        self.values[value.id] = self.b.cast(inside, self.type_of(value))
        return FeatureDescription(var.name, input_type(dtype, tuple(value.shape) or (1,), given))

    def add_constant(self, value: Value, tensor: Tensor | None) -> None:
        import numpy as np

        assert tensor is not None  # parameters, buffers and constants have one

        dtype = self.type_of(value)
        tensor = tensor.detach().cpu()
        if dtype is DataType.FLOAT16 and _is_plain(tensor):
            self.values[value.id] = self.b.constant(tensor.half().numpy(), dtype, value.name)
            return
        array = (tensor.float() if dtype.is_float else tensor).numpy()
        if dtype is DataType.FLOAT16:
            # The least float32, and the like, stand in masks for "never": float16 has its own.
            never = array <= -float(np.finfo(np.float32).max) / 2
            if never.any():
                array = np.where(never & ~np.isneginf(array), -MAX_HALF / 2, array)
        if (
            dtype is DataType.INT32
            and array.size
            and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31
        ):
            raise ArgumentError.of("export", "Core ML's integers have 32 bits", f"'{value.name}'")
        self.values[value.id] = self.b.constant(array, dtype, value.name)

    # ---- Nodes ----

    def argument(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self.argument(v) for v in value] if any(hasattr(v, "kind") for v in value) else value
        return self.values[value.id] if hasattr(value, "kind") else value

    def run(self, step: Step) -> None:
        outputs = [v for v in step.outputs if v is not None]
        results = [(self.type_of(v), self.shape_of(v)) for v in outputs]
        self.b.at(step.node.record if step.module is None else step.op)
        try:
            found = self.lowered(step, results)
            if len(found) < len(results):
                raise Unsupported(f"{len(results)} results")
            for value, var, (dtype, shape) in zip(outputs, found, results):
                if var.shape != shape:
                    raise OpError.of(
                        "export", f"the lowering of {step.op} gave another shape", f"{var.shape} for {shape}"
                    )
                self.values[value.id] = self.b.cast(var, dtype)
        except (Unsupported, Undecided, TypeError) as error:
            if isinstance(error, TypeError) and not self.shapes:
                raise
            if isinstance(error, TypeError):  # a lowering that uses a size as a number
                error = Unsupported("with sizes that depend on the inputs' shapes")
            what = f"{step.op} ({error})" if str(error) else step.op
            self.missing.setdefault(what, step.node.location)
            for i, (value, (dtype, shape)) in enumerate(zip(outputs, results)):
                self.values[value.id] = Var(f"missing_{step.node.index}_{i}", dtype, shape)

    def lowered(self, step: Step, results: list[tuple[DataType, tuple[int, ...]]]) -> Sequence[Var]:
        call = Call(self.b, step.op, results)
        arguments = {name: self.argument(value) for name, value in step.inputs.items()}
        if step.module is not None:
            return lower_network(call, step.module, arguments["input"], arguments.get("state"))
        node, lowering = step.node, LOWERINGS.get(step.op) or KERNELS.get(step.op)
        if lowering is None or node.form == "write":
            raise Unsupported("")
        if node.random and not step.op.startswith(("dropout", "alpha", "feature", "scaled")):
            raise Unsupported("random numbers")
        accepted = inspect.signature(lowering).parameters
        if not any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
            for name in [name for name in arguments if name not in accepted]:
                if not _is_default(node.schema, name, arguments.pop(name)):
                    raise Unsupported(f"{name}={step.inputs[name]}")
        found = lowering(call, **arguments)
        return [found] if isinstance(found, Var) else found


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
    _check_graph(recording.graph)
    merged = prepared(recordings, opset)
    steps, graph = merged.steps, merged.graphs[0]
    kept = chosen_states(graph, states, opset)
    results = graph.outputs[: recording.results]
    b = Builder(opset, float_type)
    walk = _Walk(graph, b, merged.shapes)
    in_names = names_of("inputs", inputs, [v.name for v in graph.inputs])
    many = len(results) > 1
    found_names = [f"output_{i}" if many else "output" for i in range(len(results))]
    if labels is not None:
        found_names[:1] = ["classLabel"]
    out_names = names_of("outputs", outputs, found_names)
    names = [*in_names, *out_names, *kept, *([f"{out_names[0]}_probs"] if labels is not None else [])]
    clash = {name for name in names if names.count(name) > 1}
    if clash:
        raise ArgumentError.of(
            "export", "inputs, outputs and states need different names, not the same name", ", ".join(clash)
        )
    for name in (*out_names, f"{out_names[0]}_probs"):
        b.name(name)  # taken
    features = [
        walk.add_input(v, n, s) for v, n, s in zip(graph.inputs, in_names, shapes or [None] * len(in_names))
    ]
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
    if walk.missing:
        lines = [f"{what}{f' at {where}' if where else ''}" for what, where in sorted(walk.missing.items())]
        raise UnsupportedOperation.of(
            "export",
            "Core ML has nothing for these",
            "; ".join(lines),
            "other ops there, or a part of the model",
        )
    write_states(b, graph, kept, walk.values)
    final: list[Var] = []
    if labels is not None:
        final, lowered.outputs = add_classifier(b, walk.values[results[0].id], labels, out_names[0])
    classified = 0 if labels is None else 1
    for value, name in list(zip(results, out_names))[classified:]:
        var, feature = add_output(b, walk.values[value.id], name, _dtype_name(value))
        final.append(var)
        lowered.outputs.append(feature)
    lowered.function = b.function(final)
    lowered.values = walk.values
    return lowered
