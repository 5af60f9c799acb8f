"""Files of scripted graphs are taken for hostile: what is not sound is refused, and nothing crashes."""

# ruff: noqa: UP006, UP035, UP045
from __future__ import annotations

import copy
import io
import random
from typing import Any, List, Optional, Tuple

import pytest

import rustorch as rt
from rustorch import Tensor
from rustorch.errors import RustorchError
from rustorch.jit import _serialize
from tests.jit import script_functions as functions

EXPECTED = (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError)
BLOCK = {"inputs": [], "constants": [], "nodes": [], "outputs": []}


def data_of(fn: Any) -> dict[str, Any]:
    file = io.BytesIO()
    rt.jit.script(fn).save(file)
    found: dict[str, Any] = rt.load(io.BytesIO(file.getvalue()))
    return found


def read(data: dict[str, Any]) -> Any:
    file = io.BytesIO()
    rt.save(data, file)
    return rt.jit.load(io.BytesIO(file.getvalue()))


def control(data: dict[str, Any], form: str) -> dict[str, Any]:
    """The fields of the first node of this form, wherever it lies."""
    todo = list(data["graph"]["nodes"])
    while todo:
        _, found, rest = todo.pop(0)
        if found == form:
            return rest
        for block in rest.get("blocks", []):
            todo += block["nodes"]
    raise AssertionError(form)


CHANGES: dict[str, Any] = {
    "no blocks": lambda n: n.update(blocks=[]),
    "an empty block": lambda n: n["blocks"].__setitem__(0, copy.deepcopy(BLOCK)),
    "a block too many": lambda n: n["blocks"].append(copy.deepcopy(n["blocks"][0])),
    "too few arguments": lambda n: n["args"].pop(),
    "an argument too many": lambda n: n["args"].append(n["args"][-1]),
    "no arguments": lambda n: n.update(args=[]),
    "a condition of text": lambda n: n["args"].__setitem__(1, ["attribute", "yes"]),
    "a condition that is a tensor": lambda n: n["args"].__setitem__(1, n["args"][-1]),
    "a value that is not made": lambda n: n["args"].__setitem__(-1, ["value", 10**6]),
    "a negative value": lambda n: n["args"].__setitem__(-1, ["value", -1]),
    "a list of values": lambda n: n["args"].__setitem__(-1, ["values", [0]]),
    "types that do not exist": lambda n: n.update(types=["Car"] * len(n["types"])),
    "absent types": lambda n: n.update(types=[None] * len(n["types"])),
    "other types": lambda n: n.update(types=["str"] * len(n["types"])),
    "too many types": lambda n: n.update(types=[*n["types"], "Tensor"]),
    "a block without outputs": lambda n: n["blocks"][0].update(outputs=[]),
    "outputs that are not made": lambda n: n["blocks"][0].update(
        outputs=[99] * len(n["blocks"][0]["outputs"])
    ),
    "inputs without a type": lambda n: n["blocks"][0].update(inputs=[["x", None]]),
    "a block that is a number": lambda n: n["blocks"].__setitem__(0, 7),
    "a field too many": lambda n: n.update(more=1),
    "grad of text": lambda n: n.update(grad="on"),
}


@pytest.mark.parametrize("form", ["loop", "if"])
@pytest.mark.parametrize("change", list(CHANGES))
def test_unsound_blocks_are_refused(form: str, change: str) -> None:
    data = data_of(functions.loops)
    CHANGES[change](control(data, form))
    with pytest.raises(ValueError):
        read(data)


def test_internal_ops_are_refused_in_blocks() -> None:
    data = data_of(functions.loops)
    control(data, "loop")["blocks"][0]["nodes"][0][0] = "_elu_backward"
    with pytest.raises(ValueError, match="no op that files may call"):
        read(data)


def test_blocks_lie_at_most_64_deep() -> None:
    data = data_of(functions.scripting)
    node: list[Any] = ["script.int", "plain", None]
    rest = {"args": [["attribute", True]], "grad": True, "random": False, "types": []}
    node = ["if", "if", {**rest, "blocks": [copy.deepcopy(BLOCK), copy.deepcopy(BLOCK)]}]
    for _ in range(70):
        inner = {**copy.deepcopy(BLOCK), "nodes": [node]}
        node = ["if", "if", {**rest, "blocks": [inner, copy.deepcopy(BLOCK)]}]
    data["graph"]["nodes"].append(node)
    with pytest.raises((ValueError, RuntimeError)):
        _serialize._read(data["graph"])


SIGNATURES: list[Any] = [
    ["f", [], []],
    ["f", [["x", "Car", False, False, None]], []],
    ["f", [["x", "Tuple[" * 40 + "int" + "]" * 40, False, False, None]], []],
    ["f", [["x", "__import__('os')", False, False, None]], []],
    ["f", [["x", "int", False, False, None]], []],
    ["f", [["x", "Tensor", False, False, None], ["x", "Tensor", False, False, None]], []],
    ["f", [["x", "Tensor", "no", False, None]], []],
    ["f", [["x", "Tensor", False, False, None]], [["a", True]]],
    ["f", [["x", "Dict[str, int]", False, False, None]], []],
    ["f", [["x", "Tuple[", False, False, None]], []],
    ["f", [["x", "int or so" * 200, False, False, None]], []],
    ["f", [["x", "Tensor", False, False, None]], [["a", 1]]],
    [1, [["x", "Tensor", False, False, None]], []],
    7,
]


@pytest.mark.parametrize("signature", SIGNATURES, ids=range(len(SIGNATURES)))
def test_signatures_are_checked(signature: Any) -> None:
    data = data_of(functions.scripting)
    data["graph"]["signature"] = signature
    with pytest.raises(ValueError, match="malformed"):
        read(data)


def test_types_of_arguments_are_saved() -> None:
    def many(
        x, z: None, t: Tuple[Tuple[int, Tensor], Optional[float]], xs: List[int], d: rt.dtype = rt.float32
    ):
        return x.to(d) * t[0][0] + len(xs), t[1] is None, z is None

    scripted = rt.jit.script(many)
    file = io.BytesIO()
    scripted.save(file)
    loaded = rt.jit.load(io.BytesIO(file.getvalue()))
    for s in (None, 2):
        args = (rt.ones(2), None, ((3, rt.ones(1)), s), [1, 2])
        assert rt.equal(loaded(*args, rt.float64)[0], scripted(*args, rt.float64)[0])
        assert loaded(*args)[1:] == scripted(*args)[1:] == (s is None, True)
    with pytest.raises(TypeError, match="argument 'z' must be None; got int"):
        loaded(rt.ones(2), 1, ((3, rt.ones(1)), 1.0), [])


def test_values_of_other_types_than_declared_are_errors_of_the_run() -> None:
    builder = rt._C._GraphBuilder()
    builder.add_input("x", "Tensor?")
    fields = {"grad": True, "random": False, "src": None, "part": 0, "writes": [], "counts": [-1]}
    builder.add_node("sin", "plain", {**fields, "args": [["value", 0]], "types": ["Tensor"]})
    builder.add_output(1)
    core = builder.finish()
    assert rt.equal(core.run_values([rt.zeros(1)])[0], rt.zeros(1))
    for wrong in (None, 3, "text", ("int[]", [1])):
        with pytest.raises(TypeError, match="'input' must be Tensor"):
            core.run_values([wrong])


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    return [path] + [found for key, item in items for found in paths_in(item, (*path, key))]


@pytest.mark.parametrize(
    "fn", [functions.loops, functions.lists, functions.optionals], ids=lambda f: f.__name__
)
def test_mutated_files_load_or_raise(fn: Any) -> None:
    draw = random.Random(7)
    original = data_of(fn)["graph"]
    paths = [path for path in paths_in(original) if path]
    values = [
        None,
        0,
        1,
        -1,
        2**40,
        1.5,
        "Tensor",
        "int",
        "loop",
        "if",
        "add",
        [],
        {},
        True,
        ["value", 3],
        rt.float32,
    ]
    loaded = 0
    for _ in range(120):
        data = copy.deepcopy(original)
        *owner, last = draw.choice(paths)
        at: Any = data
        for key in owner:
            at = at[key]
        at[last] = draw.choice(values)
        try:
            made = _serialize._read(data)
            loaded += 1
            str(made.graph)
            made.graph.optimize()
        except (
            RustorchError,
            ValueError,
            TypeError,
            KeyError,
            IndexError,
            AttributeError,
            RuntimeError,
            OverflowError,
        ):
            continue  # load() makes one error of all these
    assert loaded < 120
