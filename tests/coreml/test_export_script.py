"""Scripts with branches and loops through export: `cond` and `while_loop`, and the numbers of eager mode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn
from rustorch.coreml import export, to_model
from rustorch.coreml.interpreter import Runner
from rustorch.errors import ArgumentError, UnsupportedOperation

X = rt.tensor([1.0, -2.0, 3.0])
ROWS = rt.tensor([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])


def branch(x):
    if x.sum() > 0:
        y = x * 2
        k = 1
    else:
        y = x - 1
        k = 7
    return y, k


def branch_keeps_one(x):
    y = x + 1
    if x[0] > 0:
        y = x
    return y


def branch_on_two(x, y):
    if x.sum() > 0 and not y.sum() > x.sum():
        x = x * y
    elif y[0] > 0 or x[0] > 0:
        x = x - y
    return x + 1


def branch_of_numbers(x):
    scale = 2.5 if x.max() > 2 else 0.5
    return x * scale, scale


def branch_in_place(x):
    y = x.clone()
    if x.sum() > 0:
        y += 10
    else:
        y[0] = 5.0
    return y * 2


def counted(x):
    for i in range(5):
        x = x + i
    return x


def counted_by_tensor(x, n):
    for i in range(1, int(n), 2):
        x = x * 0.5 + i
    return x


def left_early(x, n):
    z, k = x, 0
    for i in range(int(n)):
        z = z + i
        if z.mean() > 10:
            break
        if i == 1:
            continue
        k += 2
    return z, k


def returns_early(x):
    for i in range(10):
        x = x * 2
        if x.sum() > 50:
            return x, i
    return -x, -1


def halved(x):
    k = 0
    while (x > 1).any():
        x = x / 2
        k += 1
    return x, k


def forever(x):
    while True:
        x = x + 1
        if x.sum() > 20:
            break
    return x


def filled(x):
    out = rt.zeros(x.shape[0])
    for i in range(x.shape[0]):
        out[i] = x[i] * i
        out[-1] += 0.5
    out += 1
    return out


def filled_rows(x, n):
    out = rt.zeros(x.shape)
    for i in range(int(n)):
        out[i, 0] = 9.0
        row = out[i]
        row += x[i]
        row[1] *= 2
        out = out + row.sum()
    return out


def listed(x):
    found = []
    for i in range(x.shape[0]):
        found.append(x[i] * 2)
    return rt.stack(found)


def rows(x):
    s = rt.zeros_like(x[0])
    for i, row in enumerate(x):
        s = s + row * i
    return s


def windows(x, n):
    s = rt.zeros(2)
    for i in range(int(n)):
        s = s * 0.5 + x[i : i + 2]
    k = int(n)
    return s, x[k - 1 : k].sum(), x.reshape(1, 3)[:, k - 1 : k + 1]


def windows_written(x, n):
    y = x.clone()
    for i in range(int(n)):
        y[i : i + 2] += 1
        part = y.narrow(0, i, 2)
        part *= 2
    return y


def filled_by_number(x, start):
    first = x.narrow(0, int(start), 2)
    return first, rt.full((2,), float(x[0])), x.masked_fill(x > 0, float(x[1]))


def collatz(n):
    steps = 0
    while n > 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        steps += 1
    return steps


def numbers(x, n):
    k = int(n)
    total = 0.0
    while k != 0:
        total += k / 2 + k // 2 + k % 3 - min(k, 4) + max(k, 2) ** 2
        k = k - 1 if k > 0 else k + 1
    return x * total, total, -k, bool(k)


def nested(x, n):
    if x.sum() > 0:
        for i in range(int(n)):
            if x[0] > i:
                x = x * 1.5
            else:
                x = x + 1
    else:
        x = -x
        while x.max() < 20:
            for _ in range(2):
                x = x * 2
    return x


def written_in_a_loop(x, n):
    y = x.clone()
    view = y[1:]
    for _ in range(int(n)):
        view += 1
    return view


def seen_by_views(x, n):
    y = x.clone()
    tail, column, turned, wide = y[1:], y.view(3, 1), y[::2], y[2:].expand(2)
    positive = y > 0
    first = positive[:1]
    for i in range(int(n)):
        tail += i
        positive[0] = bool(x[1] > i)
    if x[0] > 0:
        y[2] = 7.0
    return y * 1, tail * 1, column * 1, turned * 1, wide * 1, first.float()


def written_twice_over(x, n):
    """Two names of a tensor that both go into a loop."""
    z = x * 0.5
    y = z
    for i in range(int(n)):
        z[1] += i
        if y[1] > 1:
            y[0] = x[1]
    return y * 1, z * 1


INT = rt.tensor
SCRIPTS: list[tuple[Any, tuple[Any, ...], list[tuple[Any, ...]], str]] = [
    (branch, (X,), [(-X,)], "cond"),
    (branch_keeps_one, (X,), [(-X,)], "cond"),
    (branch_on_two, (X, X), [(-X, X), (X, -X), (-X, -X), (X, 2 * X)], "cond"),
    (branch_of_numbers, (X,), [(-X,)], "cond"),
    (branch_in_place, (X,), [(-X,)], "cond"),
    (counted, (X,), [(-X,)], "while_loop"),
    (counted_by_tensor, (X, INT(4)), [(X, INT(n)) for n in (-3, 0, 1, 2, 9)], "while_loop"),
    (left_early, (X, INT(3)), [(X, INT(0)), (X, INT(20))], "while_loop"),
    (returns_early, (X,), [(-X,), (10 * X,)], "while_loop"),
    (halved, (X,), [(-X,), (100 * X,)], "while_loop"),
    (forever, (X,), [(-X,), (100 * X,)], "while_loop"),
    (filled, (X,), [(-X,)], "while_loop"),
    (filled_rows, (ROWS, INT(2)), [(ROWS, INT(0)), (ROWS, INT(1))], "while_loop"),
    (windows, (X, INT(2)), [(X, INT(1))], "while_loop"),
    (windows_written, (X, INT(2)), [(X, INT(1)), (X, INT(0))], "while_loop"),
    (filled_by_number, (X, INT(1)), [(X, INT(0)), (-X, INT(1))], ""),
    (seen_by_views, (X, INT(3)), [(X, INT(0)), (-X, INT(2))], "while_loop"),
    (written_twice_over, (X, INT(3)), [(X, INT(0)), (-X, INT(4))], "while_loop"),
    (listed, (ROWS,), [(-ROWS,)], ""),
    (rows, (ROWS,), [(-ROWS,)], "while_loop"),
    (collatz, (INT(27),), [(INT(1),), (INT(6),)], "while_loop"),
    (numbers, (X, INT(3)), [(X, INT(n)) for n in (-3, 0, 6)], "while_loop"),
    (nested, (X, INT(4)), [(-X, INT(4)), (3 * X, INT(0))], "cond"),
    (written_in_a_loop, (X, INT(2)), [(X, INT(0))], "while_loop"),
]


def arrays(inputs: tuple[Any, ...]) -> list[np.ndarray]:
    return [
        np.asarray(t.numpy(), np.float32 if t.is_floating_point() else np.int32).reshape(t.shape or (1,))
        for t in inputs
    ]


def flat(result: Any) -> Iterator[np.ndarray]:
    for item in result if isinstance(result, (tuple, list)) else (result,):
        yield item.detach().numpy() if isinstance(item, rt.Tensor) else np.asarray(item)


def kinds(model: Any) -> list[str]:
    """The operations with blocks, those inside of others too."""

    def visit(block: Any) -> Iterator[str]:
        for operation in block.operations:
            if operation.blocks:
                yield operation.type
            for inner in operation.blocks:
                yield from visit(inner)

    return list(visit(model.default_function.block))


def agrees(model: Any, script: Any, inputs: tuple[Any, ...], tolerance: float = 1e-5) -> None:
    found = Runner(model).predict(*arrays(inputs)).values()
    expected = list(flat(script(*(t.clone() for t in inputs))))
    assert len(found) == len(expected)
    for f, e in zip(found, expected):
        np.testing.assert_allclose(np.reshape(f, e.shape), e, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    ("function", "inputs", "others", "kind"), SCRIPTS, ids=[row[0].__name__ for row in SCRIPTS]
)
def test_a_script_gives_what_it_gives_in_eager_mode(function, inputs, others, kind) -> None:
    """On the examples, and on inputs that go other ways."""
    script = rt.jit.script(function)
    model = to_model(script, inputs, precision="float32")
    assert kind in kinds(model) if kind else not kinds(model)
    for given in (inputs, *others):
        agrees(model, script, given)


class Refining(nn.Module):
    """Weights inside of blocks, and a branch that eval() decides."""

    def __init__(self) -> None:
        super().__init__()
        self.step, self.norm, self.drop = nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)
        self.register_buffer("limit", rt.tensor(0.1))

    def forward(self, x: Any, turns: Any) -> Any:
        for _ in range(int(turns)):
            h = self.step(x)
            if h.mean() > self.limit:
                x = rt.tanh(h)
            else:
                x = rt.relu(self.norm(h)) + 0.1
            x = self.drop(x)
        return x


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-5), ("float16", 5e-3)])
def test_a_module_on_disk_and_back(tmp_path: Path, precision: str, tolerance: float) -> None:
    net = Refining().eval()
    rt.manual_seed(0)
    script, x, turns = rt.jit.script(net), rt.randn(2, 3), rt.tensor(3)
    path = tmp_path / "refining.mlpackage"
    export(script, (x, turns), path, precision=precision, outputs=["refined"], verify=True)
    model = rt.load_model(path)
    for n in (0, 1, 5):
        found = model.predict({"x": x, "turns": rt.tensor([n], dtype=rt.int32)})["refined"]
        expected = net(x, rt.tensor(n)).detach()
        assert np.allclose(found.numpy(), expected.numpy(), rtol=tolerance, atol=tolerance)


def test_numbers_and_lists_of_tensors_among_the_inputs() -> None:
    """Numbers are constants of the package, tensors of a list its inputs."""

    def f(xs: list[rt.Tensor], n: int, k: rt.Tensor):
        y = xs[0]
        for _ in range(n):
            y = y + xs[int(k)]
        return y

    script = rt.jit.script(f)
    model = to_model(script, ([X, 2 * X], 3, rt.tensor(1)), precision="float32")
    assert [x.name for x in model.description.inputs] == ["xs_0", "xs_1", "k"]
    for k in (0, 1, -1):
        found = Runner(model).predict(*arrays((X, 5 * X, rt.tensor(k))))["output"]
        assert np.allclose(found, script([X, 5 * X], 3, rt.tensor(k)).numpy())


def test_a_classifier_with_a_loop() -> None:
    def f(x):
        while x.sum() < 0.9:
            x = x * 2
        return x / x.sum()

    model = to_model(rt.jit.script(f), (rt.tensor([0.1, 0.3, 0.2]),), classifier_labels=["a", "b", "c"])
    found = Runner(model).predict(np.array([0.1, 0.2, 0.3], np.float32))
    assert found["classLabel"] == "c"


# ---- What Core ML cannot express ----


def grows(x):
    while x.sum() < 100:
        x = rt.cat([x, x])
    return x


def collects(x):
    found = []
    while x.sum() < 100:
        x = x * 2
        found.append(x)
    return rt.stack(found)


def differs(x):
    if x.sum() > 0:
        y = x
    else:
        y = x[:1]
    return y


def sized(x):
    return rt.zeros(int(x.sum()))


def checks(x):
    if x.sum() < 0:
        raise ValueError("negative")
    return x


def prints(x):
    if x.sum() > 0:
        print("positive")
    return x


def shared(x):
    y = x.clone()
    view = y[1:]
    if x.sum() > 0:
        view += 1
        y *= 2
    return y


def shared_after(x):
    y = x.clone()
    view = y[1:]
    if x.sum() > 0:
        x = x + 1
    y += x
    return view * 2


def part_in_use(x):
    y = x.clone()
    part = y[int(x[0])]
    y += 1
    return part, y


def named_by_a_loop(x):
    y, z = x * 1, x * 2
    for _ in range(int(x[0])):
        z = y
    y[0] = 3.5
    return z


def named_from_turn_to_turn(x):
    y, z = x * 1, x * 2
    for _ in range(int(x[0])):
        y *= 0.9
        z += 0.5
        z = y
    return z


def named_before_a_loop(x):
    y = x * 1
    z = y
    for _ in range(int(x[0])):
        y = y * 0.9
    z += 0.5
    return y


def named_by_a_branch(x):
    y, z = x * 1, x * 2
    if x[0] > 0:
        z = y
    z += 1
    return y


def carried_twice(x):
    y = x * 1
    z = y
    for _ in range(int(x[0])):
        z += 0.9
        x = y + z
    return x, z


NAMES = "by what a branch or loop did, another variable may show"
REFUSED = [
    (named_by_a_loop, "y[0] = 3.5", NAMES),
    (named_from_turn_to_turn, "y *= 0.9", NAMES),
    (named_before_a_loop, "z += 0.5", NAMES),
    (carried_twice, "for _ in range", "two names"),
    (named_by_a_branch, "z += 1", NAMES),
    (grows, "while x.sum() < 100", r"'loop'.*changes its type through the loop.*\[3\].*\[6\]"),
    (collects, "while x.sum() < 100", "'loop'.*a list changes its length"),
    (differs, "if x.sum() > 0", r"'if'.*same type of both branches.*\[3\].*\[1\]"),
    (sized, "rt.zeros", "'zeros'.*'size' depends on values"),
    (checks, "raise ValueError", "'script.raise'.*raise no exceptions.*negative"),
    (prints, "print(", "'script.print'.*print nothing.*positive"),
    (shared, "if x.sum() > 0", "'if'.*other views"),
    (shared_after, "y += x", "'write'.*other views"),
    (part_in_use, "y += 1", "a part of which"),
]


@pytest.mark.parametrize(("function", "line", "what"), REFUSED, ids=[row[0].__name__ for row in REFUSED])
def test_what_core_ml_cannot_express_names_node_and_line(function, line, what) -> None:
    import inspect

    lines, first = inspect.getsourcelines(function)
    number = first + next(i for i, text in enumerate(lines) if line in text)
    with pytest.raises(UnsupportedOperation, match=what) as error:
        to_model(rt.jit.script(function), (X,), precision="float32")
    assert f"{Path(__file__).name}:{number}" in str(error.value)


def test_ops_without_a_lowering_inside_of_blocks_are_all_named() -> None:
    def f(x):
        if x.sum() > 0:
            x = rt.linalg.det(x.reshape(1, 1)) + x
        for _ in range(3):
            x = rt.lgamma(x)
        return x

    with pytest.raises(UnsupportedOperation, match=r"(?s)test_export_script.py.*lgamma at"):
        to_model(rt.jit.script(f), (rt.ones(1),))


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("count", rt.zeros(1))

    def forward(self, x: Any) -> Any:
        if x.sum() > 0:
            self.count += 1
        return x * self.count


def test_what_outlasts_a_call_is_not_written() -> None:
    def written(x):
        x += 1
        if x.sum() > 0:
            x = x * 2
        return x

    with pytest.raises(UnsupportedOperation, match=r"writes state; got count; try eval\(\)"):
        to_model(rt.jit.script(Counting()), (X,))
    with pytest.raises(UnsupportedOperation, match=r"writes state; got x; try clone\(\)"):
        to_model(rt.jit.script(written), (X,))


def test_random_numbers_in_a_block_are_named_with_their_line() -> None:
    def f(x):
        if x.sum() > 0:
            x = rt.rand_like(x)
        return x

    line = f.__code__.co_firstlineno + 2
    with (
        pytest.warns(rt.jit.TracerWarning, match=f"test_export_script.py:{line}"),
        pytest.raises(UnsupportedOperation, match=rf"rand_like.*test_export_script.py:{line}"),
    ):
        to_model(rt.jit.script(f), (X,))


def test_graphs_loaded_scripts_and_several_functions(tmp_path: Path) -> None:
    script = rt.jit.script(halved)
    file = tmp_path / "halved.pt"
    script.save(file)
    expected = to_model(script, (X,))
    assert to_model(script.graph, (X,)) == expected == to_model(rt.jit.load(file), (X,))
    both = to_model({"halve": (script, (X,)), "double": (lambda x: x * 2, X)}, target="macOS15")
    found = Runner(both, function="halve").predict(X.numpy())
    assert [np.asarray(x).tolist() for x in found.values()] == [[0.25, -0.5, 0.75], [2]]


def test_options_that_scripts_lack() -> None:
    script = rt.jit.script(halved)
    with pytest.raises(ArgumentError, match="keeps no states"):
        to_model(script, (X,), states=True, target="macOS15")
    with pytest.raises(ArgumentError, match="several shapes"):
        to_model(script, (X,), inputs={"x": (rt.coreml.RangeDim(1, 4),)})
