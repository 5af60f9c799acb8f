"""script(): what it computes is what the Python function computes, with its control flow in the graph."""

# ruff: noqa: UP006, UP035, UP045
from __future__ import annotations

import copy
import io
import linecache
import re
from collections.abc import Callable
from typing import Any, List, Optional, Tuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rustorch as rt
from rustorch import Tensor, nn
from tests.jit import script_functions as functions
from tests.jit.script_rows import same

RUNS = [(fn, i) for fn, cases in functions.CASES.items() for i in range(len(cases))]


def fresh(value: Any) -> Any:
    """A copy whose float tensors require gradients."""
    if isinstance(value, rt.Tensor):
        return value.clone().requires_grad_(value.is_floating_point())
    if isinstance(value, (list, tuple)):
        return type(value)(map(fresh, value))
    return value


def tensors_in(value: Any) -> list[Tensor]:
    if isinstance(value, rt.Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    return [tensor for item in items for tensor in tensors_in(item)]


@pytest.fixture(scope="module")
def compiled() -> Callable[[Any], Any]:
    made: dict[Any, Any] = {}
    return lambda fn: made.setdefault(fn, None) or made.update({fn: rt.jit.script(fn)}) or made[fn]


@pytest.mark.parametrize(("fn", "i"), RUNS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_it_computes_what_the_function_computes(compiled: Any, fn: Any, i: int) -> None:
    args = functions.CASES[fn][i]
    expected = fn(*copy.deepcopy(args))
    scripted = compiled(fn)
    assert same(expected, scripted(*copy.deepcopy(args)))
    assert same(expected, scripted.graph.optimize()(*copy.deepcopy(args)))


@pytest.mark.parametrize(("fn", "i"), RUNS, ids=lambda v: getattr(v, "__name__", str(v)))
def test_gradients_flow_through_what_ran(compiled: Any, fn: Any, i: int) -> None:
    grads = []
    for run in (fn, compiled(fn)):
        args = fresh(functions.CASES[fn][i])
        inputs = [t for t in tensors_in(args) if t.requires_grad]
        outputs = [t for t in tensors_in(run(*args)) if t.requires_grad]
        if not inputs or not outputs:
            return
        total = sum((t.double() * t.double()).sum() for t in outputs)
        first = rt.autograd.grad(total, inputs, allow_unused=True, create_graph=True)
        known = [g for g in first if g is not None and g.requires_grad]
        second = rt.autograd.grad(sum(g.sum() for g in known), inputs, allow_unused=True) if known else []
        grads.append([g for g in (*first, *second) if g is not None])
    assert len(grads[0]) == len(grads[1])
    for a, b in zip(*grads):
        assert rt.allclose(a, b, rtol=1e-6, atol=1e-7, equal_nan=True)


@pytest.mark.parametrize(
    "fn", [functions.early, functions.swap, functions.mixed_exits], ids=lambda f: f.__name__
)
def test_gradcheck_of_both_orders(compiled: Any, fn: Any) -> None:
    n = 3
    inputs = [
        rt.tensor([0.3, 0.7], dtype=rt.float64, requires_grad=True)
        for _ in range(2 if fn is functions.swap else 1)
    ]
    scripted = compiled(fn)
    assert rt.autograd.gradcheck(lambda *xs: scripted(*xs, n)[0], inputs)
    assert rt.autograd.gradgradcheck(lambda *xs: scripted(*xs, n)[0], inputs)


@pytest.mark.parametrize("fn", list(functions.CASES), ids=lambda f: f.__name__)
def test_a_file_holds_all_of_it(compiled: Any, fn: Any) -> None:
    file = io.BytesIO()
    compiled(fn).save(file)
    loaded = rt.jit.load(io.BytesIO(file.getvalue()))
    assert loaded.graph == compiled(fn).graph
    for args in functions.CASES[fn]:
        found = loaded(*copy.deepcopy(args))
        assert same(compiled(fn)(*copy.deepcopy(args)), found, named=False)  # files hold no classes


def test_the_graph_names_blocks_and_what_they_carry(compiled: Any) -> None:
    assert str(rt.jit.script(functions.compiled_helper).graph) == (
        "graph(%x: Tensor, %n: int) {\n"
        "  %2: Tensor = loop(trips=%n, condition=True, %x) do (%turn: int, %x: Tensor) {\n"
        "    %2: Tensor = add(input=%x, other=%turn)\n"
        "    %3: bool = script.bool(value=True)\n"
        "    give (%3, %2)\n"
        "  }\n"
        "  return (%2)\n"
        "}"
    )
    node = rt.jit.script(functions.compiled_helper).graph.nodes[0]
    assert (node.op, node.form, len(node.blocks)) == ("loop", "loop", 1)
    assert [v.name for v in node.inputs["carried"]] == ["x"]
    assert node.outputs[0].type == "Tensor" and not node.outputs[0].known


def test_graphs_are_compared_into_their_blocks() -> None:
    def one(x, n: int):
        for _ in range(n):
            x = x * 2
        return x

    def other(x, n: int):
        for _ in range(n):
            x = x * 3
        return x

    a, b, c = rt.jit.script(one).graph, rt.jit.script(one).graph, rt.jit.script(other).graph
    assert a == b and a != c


def test_passes_go_into_blocks() -> None:
    def wasteful(x, n: int):
        for _ in range(n):
            unused = x.exp()  # noqa: F841
            x = x.sin() + x.sin()
        return x

    graph = rt.jit.script(wasteful).graph
    inner = graph.optimize().nodes[0].blocks[0]
    assert [node.op for node in inner.nodes].count("sin") == 1
    assert "exp" not in [node.op for node in graph.nodes[0].blocks[0].nodes]
    x = rt.ones(2)
    assert rt.equal(graph.optimize()(x, 3), wasteful(x, 3))


def test_writes_keep_their_order_in_passes() -> None:
    def writes(x):
        a = rt.zeros(2)
        b = rt.zeros(2)
        a.add_(x)
        c = a * 2
        a.add_(1)
        return a, b, c, a * 2

    graph = rt.jit.script(writes).graph.optimize()
    assert same(graph(rt.ones(2)), writes(rt.ones(2)))


def test_arguments_are_written_as_in_python(compiled: Any) -> None:
    def double(x, n: int):
        for _ in range(n):
            x.mul_(2)
        return x

    x = rt.ones(2)
    assert rt.jit.script(double)(x, 2) is x
    assert x.tolist() == [4, 4]


def test_print_and_raise_happen_when_they_run(capsys: Any) -> None:
    def speak(x, n: int):
        for i in range(n):
            print("turn", i, x)
            if i > 1:
                raise KeyError("too far")
        return x

    scripted = rt.jit.script(speak)
    scripted(rt.tensor([1.0]), 2)
    assert capsys.readouterr().out == "turn 0 tensor([1.])\nturn 1 tensor([1.])\n"
    with pytest.raises(KeyError, match="too far"):
        scripted(rt.tensor([1.0]), 5)
    with pytest.raises(AssertionError, match="n must be positive"):
        rt.jit.script(functions.asserting)(rt.ones(1), 0)
    with pytest.raises(ValueError, match="too many"):
        rt.jit.script(functions.asserting)(rt.ones(1), 9)


def test_random_ops_draw_as_in_python() -> None:
    def noise(x, n: int):
        for _ in range(n):
            x = x + rt.rand(2) + nn.functional.dropout(x, 0.5)
        return x

    scripted = rt.jit.script(noise)
    for run in (scripted, scripted.graph.optimize()):
        rt.manual_seed(3)
        expected = noise(rt.ones(2), 3)
        rt.manual_seed(3)
        assert rt.equal(run(rt.ones(2), 3), expected)


def test_keywords_and_defaults() -> None:
    def scaled(x, n: int = 2, *, s: float = 0.5):
        return x * n + s

    scripted = rt.jit.script(scaled)
    x = rt.ones(1)
    assert same(scripted(x), scaled(x))
    assert same(scripted(x, s=2, n=3), scaled(x, s=2, n=3))
    for args, kwargs, message in [
        ((), {}, "missing argument 'x'"),
        ((x, 1, 2), {}, "takes 2 positional"),
        ((x, 1.5), {}, "'n' must be int; got float"),
        ((x,), {"q": 1}, "unexpected keyword argument 'q'"),
        ((2,), {}, "'x' must be Tensor"),
    ]:
        with pytest.raises(TypeError, match=re.escape(message)):
            scripted(*args, **kwargs)


# ---- What stands outside of the subset ----


def _lambda(x):
    return (lambda y: y)(x)


def _generator(x):
    return {v + 1 for v in x}


def _try(x):
    try:
        return x + 1
    except ValueError:
        return x


def _types(x, n: int):
    if n > 0:
        y = x
    else:
        y = 1
    return y


def _one_way(x, n: int):
    if n > 0:
        y = x
    return y


def _grows(x, n: int):
    k = 1
    for _ in range(n):
        k = k / 2
    return k


def _first_in_loop(x, n: int):
    for i in range(n):
        y = x * i
    return y


def _recursive(x, n: int):
    return x if n == 0 else _recursive(x, n - 1)


CAPTURED = rt.ones(2)


def _captures(x):
    return x + CAPTURED


def _unknown(x):
    return x.no_such_method()


def _numpy(x):
    return x.numpy()


def _bad_call(x):
    return rt.softmax(x, wrong=1)


def _fstring(x):
    return f"{x}"


def _empty(x, n: int):
    return [x for x in []]  # noqa: C416


def _optional(x, b: Optional[Tensor]):
    return x + b


def _arguments(*xs):
    return xs[0]


def _two_lists(x, n: int):
    a = [1]
    b = [2]
    c = a if n > 0 else b
    c.append(3)
    return a


def _ignored(x):
    return _not_compiled(x)


@rt.jit.ignore
def _not_compiled(x):
    return x.tolist()


ERRORS = {
    _lambda: "Lambda is outside of the subset",
    _generator: "SetComp is outside",
    _try: "the statement Try",
    _types: "'y' is Tensor in one branch and int in the other",
    _one_way: "'y' has no value in the else branch",
    _grows: "'k' is int before the loop and float after a turn",
    _first_in_loop: "'y' is first given a value in the loop",
    _recursive: "calls itself",
    _captures: "a tensor from outside of the function",
    _unknown: "no attribute 'no_such_method'",
    _numpy: "the method 'numpy' of tensors",
    _bad_call: "unexpected keyword argument 'wrong'",
    _fstring: "an f-string of what is not known",
    _optional: "the operator Add between Tensor and Optional[Tensor]",
    _arguments: "the argument *xs",
    _two_lists: "it is one of two lists",
    _ignored: "a graph holds no Python",
}


@pytest.mark.parametrize("fn", list(ERRORS), ids=lambda f: f.__name__)
def test_errors_name_the_line_and_the_construct(fn: Any) -> None:
    with pytest.raises(rt.jit.ScriptError, match=re.escape(ERRORS[fn])) as caught:
        rt.jit.script(fn)
    assert isinstance(caught.value, RuntimeError)
    first = fn.__code__.co_firstlineno
    found = re.search(r"test_script\.py:(\d+)", str(caught.value))
    assert found is not None and first - 1 <= int(found[1]) <= first + 8


def test_a_function_without_source_is_refused() -> None:
    scope: dict[str, Any] = {}
    exec("def f(x):\n    return x", scope)
    with pytest.raises(rt.jit.ScriptError, match="source of 'f'"):
        rt.jit.script(scope["f"])
    with pytest.raises(TypeError, match="expects a function or a module"):
        rt.jit.script(3)


def test_unused_functions_raise_when_they_run() -> None:
    @rt.jit.unused
    def never(x):
        return x.numpy()

    def guarded(x, n: int):
        if n > 0:
            return never(x)
        return x + 1

    scripted = rt.jit.script(guarded)
    assert rt.equal(scripted(rt.ones(1), 0), rt.full((1,), 2.0))
    with pytest.raises(RuntimeError, match="marked as unused"):
        scripted(rt.ones(1), 1)


def test_division_by_zero_and_overflow_are_errors() -> None:
    def divide(n: int, m: int):
        return n // m, n % m

    def power(n: int):
        for _ in range(70):
            n = n * 2
        return n

    with pytest.raises(ZeroDivisionError):
        rt.jit.script(divide)(1, 0)
    with pytest.raises(RuntimeError, match="64 bits"):
        rt.jit.script(power)(1)


def test_traced_functions_are_called_and_scripted_ones_are_traced() -> None:
    traced = rt.jit.trace(lambda a: a.sin() * 2, rt.ones(2))

    def use(x, n: int):
        for _ in range(n):
            x = traced(x)
        return x

    scripted = rt.jit.script(use)
    x = rt.tensor([0.3, 0.7])
    assert rt.equal(scripted(x, 3), use(x, 3))

    halve = rt.jit.script(functions.branches)
    with pytest.warns(rt.jit.TracerWarning):
        again = rt.jit.trace(lambda x: halve(x, 3), x)
    assert rt.equal(again(x), functions.branches(x, 3))


# ---- Random programs ----

_EXPRESSIONS = ["a + b", "a * 0.5", "b - a", "a * i", "rt.sin(a)", "a.abs() + 1", "b * b * 0.1", "-a"]
_TESTS = ["a.sum() > 0", "i % 2 == 0", "n > 2", "a.sum() > b.sum()", "not (i > 1)", "i > 0 and b.sum() < 1"]


@st.composite
def statements(draw: Any, depth: int, loop: bool) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["set", "set", "if", "for", "while", "exit", "count"]))
        if kind in ("if", "for", "while") and depth >= 3:
            kind = "set"
        if kind == "set":
            lines.append(f"{draw(st.sampled_from('ab'))} = {draw(st.sampled_from(_EXPRESSIONS))}")
        elif kind == "count":
            lines.append(draw(st.sampled_from(["i += 1", "k = k + i", "xs.append(a)", "k -= len(xs)"])))
        elif kind == "if":
            lines.append(f"if {draw(st.sampled_from(_TESTS))}:")
            lines += ["    " + line for line in draw(statements(depth + 1, loop))]
            if draw(st.booleans()):
                lines.append("else:")
                lines += ["    " + line for line in draw(statements(depth + 1, loop))]
        elif kind == "for":
            lines.append(f"for j{depth} in range({draw(st.sampled_from(['n', 'i', '2', 'n - 1']))}):")
            lines.append(f"    if j{depth} > 3: break")
            lines += ["    " + line for line in draw(statements(depth + 1, True))]
        elif kind == "while":
            lines += [f"w{depth} = 0", f"while w{depth} < 3 and a.abs().sum() < 50:", f"    w{depth} += 1"]
            lines += ["    " + line for line in draw(statements(depth + 1, True))]
        elif loop and draw(st.booleans()):
            lines.append(draw(st.sampled_from(["break", "continue"])))
        elif draw(st.booleans()):
            lines.append(f"if {draw(st.sampled_from(_TESTS))}: return a + 1, b, k, xs")
    return lines or ["pass"]


@settings(max_examples=25, deadline=None)
@given(statements(0, False), st.integers(0, 4))
def test_random_programs(lines: list[str], n: int) -> None:
    source = "\n".join(
        ["def program(a, b, n: int):", "    i = 0", "    k = 1", "    xs: List[Tensor] = []",
         *("    " + line for line in lines), "    return a, b, k, xs"]
    ) + "\n"  # fmt: skip
    name = f"<program {hash(source)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    scope: dict[str, Any] = {"rt": rt, "List": List, "Tensor": Tensor}
    exec(compile(source, name, "exec"), scope)
    fn = scope["program"]
    scripted = rt.jit.script(fn)
    a, b = rt.tensor([0.5, -1.5]), rt.tensor([0.25, 0.75])
    expected = fn(a, b, n)
    assert same(expected, scripted(a, b, n)), source
    assert same(expected, scripted.graph.optimize()(a, b, n)), source


# ---- Modules ----


class Gate(nn.Module):
    """A module with state, constants, a list of modules and control flow on values."""

    scale: float

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
        self.gate = nn.Parameter(rt.ones(3))
        self.register_buffer("seen", rt.zeros(1))
        self.register_buffer("mean", rt.zeros(3))
        self.scale, self.names = 0.5, ("a", "b")
        self.maybe: Optional[nn.Linear] = None

    def forward(self, x: Tensor, n: int = 2) -> Tuple[Tensor, int]:
        self.seen += 1
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0)
        steps = 0
        for i, layer in enumerate(self.layers):
            if x.sum() > i:
                x = rt.relu(layer(x)) * self.gate
                steps += 1
            else:
                x = self.halve(x)
        if self.maybe is not None:
            x = self.maybe(x)
        while steps < n:
            x = x + self.mean
            steps += 1
        return x, steps + len(self.layers)

    def halve(self, x: Tensor) -> Tensor:
        return x * self.scale

    @rt.jit.export
    def twice(self, x: Tensor) -> Tensor:
        return self.layers[0](x) * 2

    @rt.jit.ignore
    def describe(self) -> str:
        return f"{self}"


@pytest.mark.parametrize("training", [True, False])
def test_modules_carry_their_state(training: bool) -> None:
    rt.manual_seed(0)
    module = Gate().train(training)
    other = copy.deepcopy(module)
    scripted = rt.jit.script(other)
    assert list(scripted.state_dict()) == list(module.state_dict())
    for factor, n in ((1.0, 2), (-1.0, 5), (3.0, 9)):
        x = (rt.arange(6.0).reshape(2, 3) - 1) * factor
        assert same(module(x, n), scripted(x, n))
    for a, b in zip(module.state_dict().values(), scripted.state_dict().values()):
        assert rt.equal(a, b)
    x = rt.ones(2, 3)
    assert rt.equal(scripted.twice(x), module.twice(x))
    module(x)[0].sum().backward()
    scripted(x)[0].sum().backward()
    for a, b in zip(module.parameters(), scripted.parameters()):
        assert (a.grad is None) == (b.grad is None) and (a.grad is None or rt.equal(a.grad, b.grad))


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.5), nn.LayerNorm(8), nn.Linear(8, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:
            return self.body(x)
        return -self.body(-x)


def test_train_and_eval_are_heeded_and_saved() -> None:
    rt.manual_seed(0)
    module = Net()
    scripted = rt.jit.script(module)
    x = rt.randn(4, 3)
    for mode in (True, False):
        module.train(mode)
        scripted.train(mode)
        rt.manual_seed(1)
        expected = module(x)
        rt.manual_seed(1)
        assert rt.equal(scripted(x), expected)
    module.body[2].train()  # only the dropout inside
    scripted.get_submodule("body.2").train()
    file = io.BytesIO()
    scripted.save(file)
    loaded = rt.jit.load(io.BytesIO(file.getvalue()))
    for run in (scripted, loaded):
        rt.manual_seed(2)
        expected = module(x)
        rt.manual_seed(2)
        assert rt.equal(run(x), expected)
    assert loaded.graph == scripted.graph._with_flags([True])


LAYERS = {
    "convolutions": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.GELU(), nn.MaxPool2d(2), nn.Flatten()
        ),
        (2, 1, 6, 6),
    ),
    "transposed": (lambda: nn.Sequential(nn.ConvTranspose2d(1, 2, 3), nn.AdaptiveAvgPool2d(1)), (2, 1, 4, 4)),
    "averages": (lambda: nn.Sequential(nn.BatchNorm1d(3, momentum=None), nn.Softmax(-1)), (5, 3)),
    "norms": (lambda: nn.Sequential(nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.PReLU(), nn.GLU()), (3, 4)),
}


@pytest.mark.parametrize("name", list(LAYERS))
def test_layers_compute_and_update_what_they_do_in_python(name: str) -> None:
    make, shape = LAYERS[name]
    module = make()
    scripted = rt.jit.script(copy.deepcopy(module))
    for mode in (True, True, False):
        x = rt.randn(*shape)
        assert same(module.train(mode)(x), scripted.train(mode)(x))
    for a, b in zip(module.state_dict().values(), scripted.state_dict().values()):
        assert rt.equal(a, b)


def test_hooks_and_unregistered_state_are_refused() -> None:
    module = Net()
    module.body.register_forward_hook(lambda *args: None)
    with pytest.raises(rt.jit.ScriptError, match="has hooks"):
        rt.jit.script(module)

    class Counter(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.count = 0

        def forward(self, x: Tensor) -> Tensor:
            self.count = self.count + 1
            return x

    with pytest.raises(rt.jit.ScriptError, match="only buffers are state"):
        rt.jit.script(Counter())


def test_exported_methods_are_not_saved_silently() -> None:
    with pytest.raises(RuntimeError, match="twice"):
        rt.jit.script(Gate()).save(io.BytesIO())


def test_export_takes_scripts_without_control_flow(tmp_path: Any) -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU()).eval()
    x = rt.randn(2, 3)
    path = tmp_path / "net.mlpackage"
    rt.coreml.export(rt.jit.script(module), x, path, precision="float32")
    (found,) = rt.load_model(path).predict({"input": x}).values()
    assert rt.allclose(found, module(x), rtol=1e-5, atol=1e-6)
