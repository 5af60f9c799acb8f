"""Recorded functions and modules in files: safetensors, with the graph as JSON beside the tensors.

A file is data: names of ops, numbers, and which value goes where. Loading checks all of it before anything
runs, and gives ops to a graph only as a user could call them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

import rustorch as rt
from rustorch import _C
from rustorch.errors import ArgumentError, DTypeError, OpError, RustorchError
from rustorch.jit import _structure
from rustorch.jit._graph import Graph, Node, Value
from rustorch.jit._script_module import ScriptFunction, ScriptModule, _owner

__all__ = ["load", "save"]

_FORMAT = "rustorch.graph"
_VERSION = 1
# Internal ops that recordings hold and that check all that they are given, as the public ones do.
_INTERNAL = {"index", "slice", "detach", "_to_copy", "_with_values"}
_MAX_NODES = 1 << 22


@functools.cache
def _allowed() -> set[str]:
    public = {row["name"] for row in _C.op_table() if row["namespaces"] and row["namespaces"] != ["optim"]}
    return public | _INTERNAL


# ---- Writing ----


def _type(value: Value | None) -> list[Any] | None:
    if value is None:
        return None
    return [value.dtype, value.device, list(value.shape), list(value.strides)]


def _argument(value: Any) -> list[Any]:
    if isinstance(value, Value):
        return ["value", value.id]
    if isinstance(value, list):
        return ["values", [None if item is None else item.id for item in value]]
    return ["attribute", value]


def _node(node: Node, allowed: set[str]) -> list[Any]:
    if node.record not in allowed:
        raise OpError.of(
            "save",
            f"the graph holds '{node.record}', an internal op, which files do not hold",
            node.location,
            "recording without backward() inside",
        )
    inputs = dict(node.inputs)
    src = inputs.pop("src", None) if node.form == "scatter" else None
    rest = {
        "args": [_argument(value) for value in inputs.values()],
        "grad": node.grad,
        "random": node.random,
        "src": None if src is None else src.id,
        "part": node.part,
        "writes": node._writes,
        "counts": node._counts,
        "types": [_type(value) for value in node.outputs],
    }
    return [node.record, node.form, rest]


def _graph_data(graph: Graph) -> dict[str, Any]:
    """The graph as plain data; ids of values follow from the order: inputs, tensors, results."""
    core = graph._core.eliminate_dead_code()  # numbers the values in that order
    allowed = _allowed()
    return {
        "inputs": [[value.name, _type(value)] for value in core.inputs],
        "tensors": [[value.kind, value.name] for value in core.tensors],
        "nodes": [_node(node, allowed) for node in core.nodes],
        "outputs": [value.id for value in core.outputs],
        "mutations": [[target.id, value.id] for target, value in core.mutations],
        "input": _structure.encodable(graph._input),
        "output": _structure.encodable(graph._output),
        "check_shapes": graph.check_shapes,
    }


def with_outputs(graph: Graph, values: Sequence[Value]) -> _C._Graph:
    """The core of an optimised graph with other results: any of its values."""
    builder = _C._GraphBuilder()
    core = graph._core
    for value in core.inputs:
        builder.add_input(value.name, _type(value))
    for value in core.tensors:
        builder.add_tensor(value.kind, value.name, value.tensor)
    known = {node.record for node in core.nodes}
    for node in core.nodes:
        builder.add_node(*_node(node, known))
    for value in values:
        builder.add_output(value.id)
    made: _C._Graph = builder.finish()
    return made


def _state(module: ScriptModule) -> list[list[Any]]:
    """Every parameter and buffer: dotted name, kind, tensor, whether it is in state_dict()."""
    rows: list[list[Any]] = []
    for path, owner in module.named_modules(remove_duplicate=False):
        for kind, table in (("parameter", owner._parameters), ("buffer", owner._buffers)):
            for name, tensor in table.items():
                if tensor is not None:
                    full = f"{path}.{name}" if path else name
                    rows.append([full, kind, tensor, name not in owner._non_persistent_buffers_set])
    return rows


def save(m: ScriptFunction | ScriptModule, f: str | os.PathLike[str] | BinaryIO) -> None:
    """Writes a recorded function or module; a file at this path is replaced only once it is complete.

    Raises:
        TypeError: for anything that trace() did not return.
        RuntimeError: for a graph with ops of a backward pass in it.

    >>> import io
    >>> import rustorch as rt
    >>> file = io.BytesIO()
    >>> rt.jit.save(rt.jit.trace(rt.nn.ReLU(), rt.ones(2)), file)
    >>> rt.jit.load(io.BytesIO(file.getvalue()))(rt.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    if not isinstance(m, (ScriptFunction, ScriptModule)):
        raise DTypeError.of("save", "expects what trace() returns", type(m).__name__, "rustorch.save")
    graph = m.graph
    tensors = m._tensors() if isinstance(m, ScriptModule) else [v.tensor for v in graph._core.tensors]
    by_name = {value.name: tensor for value, tensor in zip(graph._core.tensors, tensors)}
    data = _graph_data(graph)
    data["values"] = [by_name[name] for _, name in data["tensors"]]
    data["module"] = None
    data["name"] = m._name if isinstance(m, ScriptModule) else m.name
    if isinstance(m, ScriptModule):
        data["module"] = {"state": _state(m), "training": m.training}
    rt.save({"format": _FORMAT, "version": _VERSION, "graph": data}, f)


# ---- Reading ----


def _malformed(what: str) -> ArgumentError:
    return ArgumentError.of("load", f"the graph in the file is malformed: {what}")


def _fields(value: Any, names: str) -> list[Any]:
    wanted = names.split()
    if not isinstance(value, dict) or set(value) != set(wanted):
        raise _malformed(f"expected the fields {names}")
    return [value[name] for name in wanted]


def load(f: str | os.PathLike[str] | BinaryIO, map_location: Any = None) -> ScriptFunction | ScriptModule:
    """Reads what `save` wrote.

    Args:
        f: a path or a binary file.
        map_location: the device that parameters, buffers and constants are to be on.

    Raises:
        ValueError: for files that hold no graph, or one that is not sound. Files hold no code: a graph calls
            ops by name, on what a user could give them.
    """
    found = rt.load(f, map_location)
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise ArgumentError.of("load", "the file holds no graph", hint="rustorch.load")
    if found.get("version") != _VERSION:
        raise ArgumentError.of(
            "load", "the file is of another version of the format", repr(found.get("version"))[:50]
        )
    try:
        return _read(found.get("graph"))
    except RustorchError as error:
        if isinstance(error, ValueError):
            raise
        raise _malformed(str(error)) from error
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RuntimeError,
        OverflowError,
    ) as error:
        raise _malformed(str(error)[:200]) from error


def _read(data: Any) -> ScriptFunction | ScriptModule:
    inputs, tensors, values, nodes, outputs, mutations, given, result, check, module, name = _fields(
        data, "inputs tensors values nodes outputs mutations input output check_shapes module name"
    )
    if len(tensors) != len(values) or len(nodes) > _MAX_NODES or not isinstance(name, str):
        raise _malformed("numbers do not agree")
    builder = _C._GraphBuilder()
    for input_name, kind in inputs:
        builder.add_input(input_name, kind)
    for (kind, tensor_name), tensor in zip(tensors, values):
        builder.add_tensor(kind, tensor_name, tensor)
    allowed = _allowed()
    for op, form, rest in nodes:
        if op not in allowed:
            raise _malformed(f"{op!r} is no op that files may call")
        _fields(rest, "args grad random src part writes counts types")
        builder.add_node(op, form, rest)
    for value in outputs:
        builder.add_output(value)
    for target, value in mutations:
        builder.add_mutation(target, value)
    core = builder.finish()
    if [value.name for value in core.tensors] != [n for _, n in tensors]:
        raise _malformed("a name occurs twice")
    skeleton = _structure.decoded(given, len(inputs))
    if not (isinstance(skeleton, list) and len(skeleton) == 2 and isinstance(check, bool)):
        raise _malformed("inputs are positional arguments and keyword arguments")
    graph = Graph(core, skeleton, _structure.decoded(result, len(outputs)), check)
    if module is None:
        return ScriptFunction(graph, name)
    return _module(graph, name, *_fields(module, "state training"))


def _module(graph: Graph, name: str, state: Any, training: Any) -> ScriptModule:
    root = rt.nn.Module()
    for path, kind, tensor, persistent in state:
        if not (isinstance(path, str) and isinstance(tensor, _C.Tensor) and isinstance(persistent, bool)):
            raise _malformed("a parameter or buffer is a name and a tensor")
        owner, last = _owner(root, path, make=True)
        if kind == "parameter" and isinstance(tensor, rt.nn.Parameter):
            owner.register_parameter(last, tensor)
        elif kind == "buffer":
            owner.register_buffer(last, tensor, persistent)
        else:
            raise _malformed(f"{path!r} is neither a parameter nor a buffer")
    loaded = ScriptModule(graph, root, name)
    loaded.train(training)
    return loaded
