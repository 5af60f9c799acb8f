"""Files with graphs: written whole or not at all, and never trusted."""

from __future__ import annotations

import copy
import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.io.safetensors import SafetensorsFile, write


def file_of(recorded: Any) -> bytes:
    file = io.BytesIO()
    rt.jit.save(recorded, file)
    return file.getvalue()


def model() -> Any:
    rt.manual_seed(0)

    def fn(x: Any) -> Any:
        y = x.clone()
        y[1:].add_(1)
        y.unfold(0, 2, 2).mul_(3)
        return rt.cat(rt.chunk(y, 2)), rt.max(y, 0)

    return rt.jit.trace(fn, rt.ones(4))


def changed(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """The file with its structure changed."""
    file = SafetensorsFile(data)
    tree = json.loads(file.metadata["rustorch"])
    change(tree)
    out = io.BytesIO()
    write(out, dict(file.items()), {"format": "rustorch", "rustorch": json.dumps(tree)})
    return out.getvalue()


def put(path: str, value: Any) -> Callable[[Any], None]:
    """Sets what stands at a path such as "graph/nodes/0/0"."""

    def change(tree: Any) -> None:
        *where, last = path.split("/")
        for key in where:
            tree = tree[int(key)] if isinstance(tree, list) else tree[key]
        tree[int(last) if isinstance(tree, list) else last] = value

    return change


def drop(path: str) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        *where, last = path.split("/")
        for key in where:
            tree = tree[int(key)] if isinstance(tree, list) else tree[key]
        del tree[int(last) if isinstance(tree, list) else last]

    return change


HOSTILE: dict[str, Callable[[Any], None]] = {
    "another format": put("format", "other"),
    "a later version": put("version", 2),
    "no graph": put("graph", None),
    "a field less": drop("graph/nodes"),
    "a field more": put("graph/more", 1),
    "an unknown op": put("graph/nodes/0/0", "system"),
    "an internal op": put("graph/nodes/0/0", "_put_positions"),
    "an optimizer's step": put("graph/nodes/0/0", "fused_sgd_"),
    "an op that is no text": put("graph/nodes/0/0", 3),
    "an unknown form": put("graph/nodes/0/1", "jump"),
    "a node that is no list": put("graph/nodes/0", {"op": "add"}),
    "too few arguments": put("graph/nodes/0/2/args", []),
    "a value of later": put("graph/nodes/0/2/args/0", ["value", 9]),
    "a negative value": put("graph/nodes/0/2/args/0", ["value", -1]),
    "a value beyond 32 bits": put("graph/nodes/0/2/args/0", ["value", 1 << 40]),
    "a value that is no number": put("graph/nodes/0/2/args/0", ["value", "x"]),
    "a tensor for a number": put("graph/nodes/1/2/args/1", ["value", 0]),
    "a number for a tensor": put("graph/nodes/0/2/args/0", ["attribute", 1]),
    "text for a number": put("graph/nodes/1/2/args/1", ["attribute", "one"]),
    "a list for a tensor": put("graph/nodes/0/2/args/0", ["values", [0]]),
    "an argument of no kind": put("graph/nodes/0/2/args/0", ["code", "x"]),
    "too many results": put("graph/nodes/0/2/types", [None] * 3),
    "a count of results": put("graph/nodes/0/2/counts", [1 << 20]),
    "no count of results": put("graph/nodes/0/2/counts", []),
    "a negative count": put("graph/nodes/0/2/counts", [-2]),
    "a written argument that is not there": put("graph/nodes/0/2/writes", [7]),
    "a source without a scatter": put("graph/nodes/0/2/src", 0),
    "a scatter without a source": put("graph/nodes/0/1", "scatter"),
    "a type of no dtype": put("graph/nodes/0/2/types/0/0", "float32"),
    "a negative size": put("graph/nodes/0/2/types/0/2", [-1]),
    "sizes that overflow": put("graph/inputs/0/1/2", [1 << 62, 1 << 62]),
    "an input without a type": put("graph/inputs/0/1", None),
    "a tensor of no kind": put("graph/tensors", [["result", "x"]]),
    "names without tensors": put("graph/tensors", [["constant", "x"]]),
    "values that are no tensors": put("graph/values", [1]),
    "an output that is not there": put("graph/outputs/0", 99),
    "an output that is no number": put("graph/outputs/0", None),
    "a write to a result": put("graph/mutations", [[2, 1]]),
    "a write that is no pair": put("graph/mutations", [[1]]),
    "an input slot too many": put("graph/input", ["list", [["tuple", [["slot", 5]]], ["dict", []]]]),
    "no inputs": put("graph/input", ["list", []]),
    "a structure of no kind": put("graph/output", ["object", []]),
    "a flag that is text": put("graph/check_shapes", "yes"),
    "a name that is none": put("graph/name", 5),
    "a state that is none": put(
        "graph/module", {"state": [["weight", "parameter", 3, True]], "training": True}
    ),
    "a mode that is none": put("graph/module", {"state": [], "training": "maybe"}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused(what: str) -> None:
    data = changed(file_of(model()), HOSTILE[what])
    with pytest.raises(ValueError):
        rt.jit.load(io.BytesIO(data))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("graph/module/state/0/1", "state"), "'weight' is neither a parameter nor a buffer"),
        (put("graph/tensors/1/1", "weight"), "a name occurs twice|same name|twice"),
        (put("graph/module/state/0/0", 3), "a parameter or buffer is a name and a tensor"),
    ],
)
def test_hostile_modules_are_refused(change: Callable[[Any], None], message: str) -> None:
    data = file_of(rt.jit.trace(rt.nn.Linear(2, 3), rt.ones(1, 2)))
    with pytest.raises(ValueError, match=message):
        rt.jit.load(io.BytesIO(changed(data, change)))


def test_the_file_as_it_was_is_not_refused() -> None:
    recorded = model()
    loaded = rt.jit.load(io.BytesIO(changed(file_of(recorded), lambda tree: None)))
    assert loaded.graph == recorded.graph


def test_a_structure_nested_without_end() -> None:
    data = file_of(model())
    file = SafetensorsFile(data)
    tree = json.loads(file.metadata["rustorch"])
    tree["graph"]["output"] = "here"
    nested = '["list", [' * 5000 + '["list", []]' + "]]" * 5000
    out = io.BytesIO()
    metadata = {"format": "rustorch", "rustorch": json.dumps(tree).replace('"here"', nested)}
    write(out, dict(file.items()), metadata)
    with pytest.raises(ValueError):
        rt.jit.load(io.BytesIO(out.getvalue()))


def test_mutated_structures_give_errors_or_graphs() -> None:
    """And graphs that load run or fail cleanly."""
    rng = random.Random(3)
    data = file_of(model())
    file = SafetensorsFile(data)
    original = json.loads(file.metadata["rustorch"])
    tensors = dict(file.items())
    junk = [
        None,
        -1,
        0,
        1,
        7,
        1 << 33,
        0.5,
        "",
        "x",
        [],
        {},
        True,
        ["value", 0],
        [[]],
        "add",
        {"$float": "nan"},
    ]

    def places(tree: Any) -> list[tuple[Any, Any]]:
        items = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree))
        found = [(tree, key) for key, _ in items]
        return found + [p for _, v in items if isinstance(v, (dict, list)) for p in places(v)]

    loaded = 0
    for _ in range(1500):
        tree = copy.deepcopy(original)
        for _ in range(rng.randint(1, 2)):
            where, key = rng.choice(places(tree))
            if rng.random() < 0.2:
                del where[key]
            else:
                where[key] = rng.choice(junk)
        out = io.BytesIO()
        write(out, tensors, {"format": "rustorch", "rustorch": json.dumps(tree)})
        try:
            recorded = rt.jit.load(io.BytesIO(out.getvalue()))
        except ValueError:
            continue
        loaded += 1
        try:
            recorded(rt.ones(4))
        except (RuntimeError, ValueError, TypeError, IndexError):
            pass
    assert loaded > 20


def test_tensors_from_outside_of_a_module_become_its_own() -> None:
    parameter, leaf, constant = nn.Parameter(rt.ones(3) * 2), rt.ones(3, requires_grad=True), rt.ones(3)

    class Uses(nn.Module):
        def forward(self, x: rt.Tensor) -> rt.Tensor:
            return x * parameter * leaf + constant

    x = rt.ones(3) * 5
    traced = rt.jit.trace(Uses(), (x,))
    assert next(traced.parameters()) is parameter
    assert [type(p) for p in traced.parameters()] == [nn.Parameter, nn.Parameter]
    assert repr(traced) == "ScriptModule[Uses]()"
    file = io.BytesIO()
    traced.save(file)
    loaded = rt.jit.load(io.BytesIO(file.getvalue()))
    assert list(loaded.state_dict()) == list(traced.state_dict())
    for run in (traced, loaded):
        assert rt.equal(run(x), Uses()(x))
    assert repr(rt.jit.trace(lambda x: x * 2, (x,))) == "ScriptFunction(name='<lambda>', nodes=1)"
    assert traced.graph != 3


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.rt"
    path.write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(ValueError, match="pickle"):
        rt.jit.load(path)


def test_any_other_file_of_ours_is_not_a_graph(tmp_path: Path) -> None:
    path = tmp_path / "x.rt"
    rt.save({"a": rt.ones(1)}, path)
    with pytest.raises(ValueError, match="holds no graph"):
        rt.jit.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.rt"
    rt.jit.save(model(), path)
    before = path.read_bytes()

    def backward(x: Any) -> Any:
        leaf = x.detach().requires_grad_()
        return rt.autograd.grad(rt.tanh(leaf).sum(), leaf)[0]

    with pytest.raises(RuntimeError, match="an internal op"):
        rt.jit.save(rt.jit.trace(backward, rt.ones(2)), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["x.rt"]


def test_what_is_saved_is_what_the_module_holds_now() -> None:
    traced = rt.jit.trace(rt.nn.Linear(2, 1), rt.ones(1, 2))
    with rt.no_grad():
        traced.weight.fill_(3.0)
    loaded = rt.jit.load(io.BytesIO(file_of(traced)))
    assert loaded.weight.tolist() == [[3.0, 3.0]]
    assert isinstance(loaded.weight, rt.nn.Parameter)
    assert loaded.weight.requires_grad


def test_only_what_trace_returns_is_saved() -> None:
    with pytest.raises(TypeError, match="expects what trace"):
        rt.jit.save(rt.nn.Linear(1, 1), io.BytesIO())
