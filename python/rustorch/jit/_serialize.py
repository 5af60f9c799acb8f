"""Recorded functions and modules in files: safetensors, with the graph as JSON beside the tensors.

A file is data: names of ops, numbers, and which value goes where. Loading checks all of it before anything
runs, and gives ops to a graph only as a user could call them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import rustorch as rt
from rustorch import _C
from rustorch.errors import ArgumentError, DTypeError, OpError, RustorchError
from rustorch.jit import _structure
from rustorch.jit._graph import Graph, Node, Value
from rustorch.jit._script_module import ScriptFunction, ScriptModule, _owner
from rustorch.jit._scripting.signature import Signature, decoded, inputs_of

__all__ = ["load", "save"]

_FORMAT = "rustorch.graph"
_VERSION = 1
# Internal ops that recordings hold and that check all that they are given, as the public ones do.
_INTERNAL = {"index", "slice", "detach", "_to_copy", "_with_values"}
_MAX_NODES = 1 << 22
_MAX_DEPTH = 64


@functools.cache
def _allowed() -> set[str]:
    public = {row["name"] for row in _C.op_table() if row["namespaces"] and row["namespaces"] != ["optim"]}
    return public | _INTERNAL


def _may_call(op: Any, allowed: set[str]) -> bool:
    return isinstance(op, str) and (op in allowed or _C._script_op(op) is not None)


# ---- Writing ----


def _type(value: Value | None) -> list[Any] | str | None:
    if value is None:
        return None
    if not value.known:
        kind: str = value.type
        return kind
    return [value.dtype, value.device, list(value.shape), list(value.strides)]


def _argument(value: Any) -> list[Any]:
    if isinstance(value, Value):
        return ["value", value.id]
    if isinstance(value, list):
        return ["values", [None if item is None else item.id for item in value]]
    return ["attribute", value]


def _control(node: Node, block: Callable[[_C._Graph], Any]) -> list[Any]:
    """A node with blocks."""
    inputs = node.inputs
    own = [inputs["trips"], inputs["condition"]] if node.form == "loop" else [inputs["condition"]]
    rest = {
        "args": [_argument(value) for value in (*own, *inputs.get("carried", []), *inputs["given"])],
        "grad": node.grad,
        "random": node.random,
        "types": [_type(value) for value in node.outputs],
        "blocks": [block(inner) for inner in node.blocks],
    }
    return [node.record, node.form, rest]


def _node(
    node: Node, allowed: set[str] | None = None, block: Callable[[_C._Graph], Any] = lambda core: core
) -> list[Any]:
    if node.blocks:
        return _control(node, block)
    if allowed is not None and not _may_call(node.record, allowed):
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


def renumbered(builder: _C._GraphBuilder, node: Node, numbers: dict[int, int]) -> None:
    """Adds the node to a graph in the making, where values have other numbers."""
    op, form, rest = _node(node)

    def moved(arg: list[Any]) -> list[Any]:
        kind, value = arg
        if kind == "value":
            return [kind, numbers[value]]
        if kind == "values":
            return [kind, [None if item is None else numbers[item] for item in value]]
        return arg

    rest["args"] = [moved(arg) for arg in rest["args"]]
    if rest.get("src") is not None:
        rest["src"] = numbers[rest["src"]]
    builder.add_node(op, form, {**rest, "location": node.location})


def _graph_data(graph: Graph) -> dict[str, Any]:
    """The graph as plain data; ids of values follow from the order: inputs, tensors, results."""
    core = graph._core.eliminate_dead_code()  # numbers the values in that order
    allowed = _allowed()
    return {
        "inputs": [[value.name, _type(value)] for value in core.inputs],
        "tensors": [[value.kind, value.name] for value in core.tensors],
        "nodes": [_node(node, allowed, _block_data) for node in core.nodes],
        "outputs": [value.id for value in core.outputs],
        "signature": None if graph._signature is None else graph._signature.encoded(),
        "mutations": [[target.id, value.id] for target, value in core.mutations],
        "input": _structure.encodable(graph._input),
        "output": _structure.encodable(graph._output),
        "check_shapes": graph.check_shapes,
    }


def _block_data(core: _C._Graph) -> dict[str, Any]:
    return {
        "inputs": [[value.name, _type(value)] for value in core.inputs],
        "constants": [[value.name, value.tensor] for value in core.tensors],
        "nodes": [_node(node, _allowed(), _block_data) for node in core.nodes],
        "outputs": [value.id for value in core.outputs],
    }


def with_outputs(graph: Graph, values: Sequence[Value]) -> _C._Graph:
    """The core of an optimised graph with other results: any of its values."""
    builder = _C._GraphBuilder()
    core = graph._core
    for value in core.inputs:
        builder.add_input(value.name, _type(value))
    for value in core.tensors:
        builder.add_tensor(value.kind, value.name, value.tensor)
    for node in core.nodes:
        builder.add_node(*_node(node))
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
    if isinstance(m, ScriptModule) and m._methods:
        raise OpError.of(
            "save", f"the methods {sorted(m._methods)} besides forward are not saved", hint="forward alone"
        )
    graph = m.graph
    if graph._signature is not None and isinstance(m, ScriptModule):
        graph = graph._with_flags(m._flags(graph))
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
    if isinstance(data, dict):
        data.setdefault("signature", None)  # which files before scripts have not
    inputs, tensors, values, nodes, outputs, mutations, given, result, check, module, name, call = _fields(
        data, "inputs tensors values nodes outputs mutations input output check_shapes module name signature"
    )
    if len(tensors) != len(values) or len(nodes) > _MAX_NODES or not isinstance(name, str):
        raise _malformed("numbers do not agree")
    builder = _C._GraphBuilder()
    for input_name, kind in inputs:
        builder.add_input(input_name, kind)
    for (kind, tensor_name), tensor in zip(tensors, values):
        builder.add_tensor(kind, tensor_name, tensor)
    _read_nodes(builder, nodes, 0)
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
    signature = None if call is None else _read_signature(core, call)
    graph = Graph(core, skeleton, _structure.decoded(result, len(outputs)), check, signature)
    if module is None:
        if signature is not None and signature.flags:
            raise _malformed("a function has no modules that train")
        return ScriptFunction(graph, name)
    return _module(graph, name, *_fields(module, "state training"))


def _read_nodes(builder: _C._GraphBuilder, nodes: Any, depth: int) -> None:
    allowed = _allowed()
    for op, form, rest in nodes:
        if form in ("if", "loop"):
            _fields(rest, "args grad random types blocks")
            if depth >= _MAX_DEPTH:
                raise _malformed("blocks lie too deep in blocks")
            rest["blocks"] = [_read_block(block, depth + 1) for block in rest["blocks"]]
        else:
            if not _may_call(op, allowed):
                raise _malformed(f"{op!r} is no op that files may call")
            _fields(rest, "args grad random src part writes counts types")
        builder.add_node(op, form, rest)


def _read_block(data: Any, depth: int) -> _C._Graph:
    inputs, constants, nodes, outputs = _fields(data, "inputs constants nodes outputs")
    builder = _C._GraphBuilder()
    for name, kind in inputs:
        builder.add_input(name, kind)
    for name, tensor in constants:
        builder.add_tensor("constant", name, tensor)
    _read_nodes(builder, nodes, depth)
    for value in outputs:
        builder.add_output(value)
    made: _C._Graph = builder.finish()
    return made


def _read_signature(core: _C._Graph, data: Any) -> Signature:
    signature = decoded(data)
    if inputs_of(signature) != [value.type for value in core.inputs]:
        raise _malformed("the inputs are not those of the signature")
    return signature


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
    for path, flag in () if graph._signature is None else graph._signature.flags:
        _owner(loaded, path, make=True)[0].training = flag
    return loaded
