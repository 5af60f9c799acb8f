"""What was recorded gives what the function gives: on other inputs, with gradients, from a file, after
passes."""

from __future__ import annotations

import copy
import io
import warnings
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.jit import Graph, ScriptFunction, ScriptModule, TracerWarning

from .functions import CASES, Case, Counting, Tied, mlp
from .test_ops import bits


def tensors_in(obj: Any) -> list[Any]:
    if isinstance(obj, rt.Tensor):
        return [obj]
    if isinstance(obj, dict):
        return [t for value in obj.values() for t in tensors_in(value)]
    if isinstance(obj, (list, tuple)):
        return [t for value in obj for t in tensors_in(value)]
    return []


def assert_same(expected: Any, found: Any) -> None:
    """The same containers, with bitwise equal tensors of the same dtypes and shapes in them."""
    if isinstance(expected, rt.Tensor):
        assert isinstance(found, rt.Tensor)
        assert (expected.dtype, expected.shape) == (found.dtype, found.shape)
        assert bits(expected) == bits(found)
    elif isinstance(expected, dict):
        assert list(expected) == list(found)
        for key in expected:
            assert_same(expected[key], found[key])
    elif isinstance(expected, (list, tuple)):
        assert type(expected) is type(found) or isinstance(expected, tuple)
        assert len(expected) == len(found)
        for a, b in zip(expected, found):
            assert_same(a, b)
    else:
        assert expected == found


def record(case: Case) -> tuple[Any, Any]:
    """(what runs eagerly, what was recorded of a copy of it)."""
    rt.manual_seed(1)
    original = case.fn if case.module is None else case.module()
    recorded_from = copy.deepcopy(original) if case.module is not None else original
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        traced = rt.jit.trace(recorded_from, case.make())
    if case.module is not None:
        # Recording ran the module once: its state goes back to that of the one that runs eagerly.
        traced.load_state_dict(original.state_dict())
    return original, traced


def clones(args: Any) -> Any:
    if isinstance(args, rt.Tensor):
        return args.clone()
    if isinstance(args, dict):
        return {key: clones(value) for key, value in args.items()}
    if isinstance(args, (list, tuple)):
        return type(args)(clones(value) for value in args)
    return args


def run(fn: Any, args: Any) -> Any:
    rt.manual_seed(5)
    return fn(*args)


cases = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@cases
def test_new_inputs_give_what_eager_mode_gives(case: Case) -> None:
    original, traced = record(case)
    for seed in (2, 3):
        rt.manual_seed(seed)
        args = case.make()
        mine, theirs = clones(args), clones(args)
        assert_same(run(original, mine), run(traced, theirs))
        assert_same(mine, theirs)  # inputs that the function writes are written
        if case.module is not None:
            assert_same(dict(original.state_dict()), dict(traced.state_dict()))


@cases
def test_gradients_are_those_of_eager_mode(case: Case) -> None:
    if not case.grad:
        pytest.skip("no gradients here")
    original, traced = record(case)
    rt.manual_seed(2)
    args = case.make()

    def gradients(fn: Any) -> list[Any]:
        given = clones(args)
        leaves = [t.requires_grad_() for t in tensors_in(given) if t.is_floating_point()]
        leaves += list(fn.parameters()) if case.module is not None else []
        outputs = [t for t in tensors_in(run(fn, given)) if t.requires_grad]
        assert outputs
        loss = sum((t.to(rt.float32) * rt.arange(1.0, t.numel() + 1).reshape(t.shape)).sum() for t in outputs)
        return list(rt.autograd.grad(loss, leaves, allow_unused=True))

    for mine, theirs in zip(gradients(original), gradients(traced), strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert rt.allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@cases
def test_a_file_gives_it_back(case: Case) -> None:
    if case.name == "gradient_inside":
        pytest.skip("files hold no ops of a backward pass")
    original, traced = record(case)
    file = io.BytesIO()
    traced.save(file)
    loaded = rt.jit.load(io.BytesIO(file.getvalue()))
    assert type(loaded) is type(traced)
    assert str(loaded.graph) == str(traced.graph)
    rt.manual_seed(2)
    args = case.make()
    assert_same(run(original, clones(args)), run(loaded, clones(args)))
    if case.module is not None:
        assert list(loaded.state_dict()) == list(original.state_dict())
        assert loaded.training == original.training


PASSES = ["eliminate_dead_code", "fold_constants", "merge_common_subexpressions", "optimize"]


@cases
@pytest.mark.parametrize("name", PASSES)
def test_passes_keep_what_it_gives(case: Case, name: str) -> None:
    original, traced = record(case)
    graph = getattr(traced.graph, name)()
    assert isinstance(graph, Graph)
    assert len(graph.nodes) <= len(traced.graph.nodes)
    rt.manual_seed(2)
    args = case.make()
    assert_same(run(original, clones(args)), run(graph, clones(args)))


@cases
def test_recording_twice_gives_equal_graphs(case: Case) -> None:
    """And so the same text."""
    original = case.fn if case.module is None else case.module()
    args = case.make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        first = rt.jit.trace(copy.deepcopy(original), args).graph
        second = rt.jit.trace(copy.deepcopy(original), args).graph
    assert first == second
    assert str(first) == str(second)


# ---- What a graph shows ----


def test_the_text_of_a_graph() -> None:
    def fn(x: Any, mask: Any) -> Any:
        y = x[1:].clone()
        y.add_(1)
        return rt.max(y, dim=0), F_masked(y, mask)

    def F_masked(y: Any, mask: Any) -> Any:
        return rt.cat([y, y.masked_fill(mask, 0.5)])

    traced = rt.jit.trace(fn, (rt.ones(3, 2), rt.zeros(2, 2, dtype=rt.bool)))
    assert str(traced.graph) == (
        "graph(%x: float32[3, 2], %mask: bool[2, 2]) {\n"
        "  %2: float32[2, 2] = slice(input=%x, start=1, end=3)\n"
        "  %3: float32[2, 2] = clone(input=%2)\n"
        "  %4: float32[2, 2] = add(input=%3, other=1)\n"
        "  %5: float32[2], %6: int64[2] = max.dim(input=%4, dim=0)\n"
        "  %7: float32[2, 2] = masked_fill.Scalar(input=%4, mask=%mask, value=0.5)\n"
        "  %8: float32[4, 2] = cat(tensors=[%4, %7])\n"
        "  return (%5, %6, %8)\n"
        "}"
    )


def test_nodes_and_values_are_complete() -> None:
    traced = rt.jit.trace(nn.Conv2d(1, 2, 3, stride=2), rt.ones(1, 1, 5, 5))
    (node,) = traced.graph.nodes
    assert node.op == "conv2d"
    assert list(node.inputs)[:3] == ["input", "weight", "bias"]
    (x,) = traced.graph.inputs
    assert node.inputs["input"] == x
    assert (x.name, x.dtype, tuple(x.shape), x.kind, x.node) == (
        "input",
        rt.float32,
        (1, 1, 5, 5),
        "input",
        None,
    )
    assert tuple(node.attributes["stride"]) == (2, 2)
    assert "weight" not in node.attributes
    assert node.inputs["weight"].name == "weight"
    assert node.inputs["weight"].tensor is traced.weight
    (out,) = node.outputs
    assert out == traced.graph.outputs[0]
    assert out.node == node
    assert x.uses == [node]
    assert {out: 1}[traced.graph.outputs[0]] == 1
    assert list(traced.graph.parameters) == ["weight", "bias"]


def test_a_node_knows_the_line_of_its_call() -> None:
    traced = rt.jit.trace(lambda x: x + 1, rt.ones(2))
    file, _, line = traced.graph.nodes[0].location.rpartition(":")
    assert file == __file__
    assert int(line) > 0


def test_absent_tensors_and_lists_among_the_inputs() -> None:
    traced = rt.jit.trace(lambda x, y: rt.stack([x, y])[None, [0, 1]], (rt.ones(2), rt.ones(2)))
    stack = next(node for node in traced.graph.nodes if node.op == "stack")
    assert stack.inputs["tensors"] == traced.graph.inputs
    index = next(node for node in traced.graph.nodes if node.op == "index")
    assert index.inputs["indices"][0] is None
    assert index.inputs["indices"][1].kind == "constant"


# ---- Modules ----


def test_a_module_keeps_its_names_and_shares_its_tensors() -> None:
    net = mlp()
    traced = rt.jit.trace(net, rt.ones(1, 4))
    assert isinstance(traced, ScriptModule)
    assert list(traced.state_dict()) == list(net.state_dict())
    for (name, mine), (other, theirs) in zip(net.named_parameters(), traced.named_parameters(), strict=True):
        assert name == other
        assert mine is theirs


def test_a_module_computes_with_what_it_holds_now() -> None:
    net = mlp()
    traced = rt.jit.trace(net, rt.ones(3, 4))
    other = mlp()
    traced.load_state_dict(other.state_dict())
    x = rt.randn(3, 4)
    assert_same(other(x), traced(x))
    copied = copy.deepcopy(traced)
    with rt.no_grad():
        for p in traced.parameters():
            p.zero_()
    assert_same(other(x), copied(x))


def test_a_recorded_module_trains() -> None:
    rt.manual_seed(0)
    traced = rt.jit.trace(nn.Linear(3, 1), rt.ones(8, 3))
    optimizer = rt.optim.SGD(traced.parameters(), lr=0.1)
    x = rt.randn(8, 3)
    y = x @ rt.tensor([[1.0], [-2.0], [0.5]])
    losses = []
    for _ in range(50):
        loss = ((traced(x) - y) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.05 * losses[0]


def test_state_is_written_by_every_run() -> None:
    traced = rt.jit.trace(Counting(), rt.zeros(3))
    assert traced.steps.item() == 1  # recording ran it once
    traced(rt.zeros(3))
    assert traced.steps.item() == 2
    ((target, value),) = traced.graph.mutations
    assert (target.name, value.node.op) == ("steps", "add")


def test_train_and_eval_set_the_flag_and_what_was_recorded_stays() -> None:
    traced = rt.jit.trace(nn.Sequential(nn.Dropout(0.9)).eval(), rt.ones(100))
    assert not traced.training
    traced.train()
    assert traced.training
    assert_same(traced(rt.ones(100)), rt.ones(100))


def test_tied_weights_and_keyword_arguments() -> None:
    net = Tied()
    tokens, shift = rt.tensor([[1, 2, 6]]), rt.randn(4)
    traced = rt.jit.trace(net, tokens, example_kwarg_inputs={"shift": shift})
    assert list(traced.graph.parameters) == ["embed.weight"]
    assert list(traced.state_dict()) == ["embed.weight", "head.weight"]
    other = rt.tensor([[0, 3, 5]])
    assert_same(net(other, shift=shift), traced(other, shift=shift))
    file = io.BytesIO()
    traced.save(file)
    loaded = rt.jit.load(io.BytesIO(file.getvalue()))
    assert loaded.embed.weight is loaded.head.weight
    assert_same(net(other, shift=shift), loaded(other, shift=shift))


def test_a_parameter_from_outside_gets_its_gradient() -> None:
    weight = rt.ones(3, requires_grad=True)
    traced = rt.jit.trace(lambda x: (x * weight).sum(), rt.ones(3))
    assert isinstance(traced, ScriptFunction)
    traced(rt.tensor([1.0, 2.0, 3.0])).backward()
    assert weight.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_tensor_from_outside_that_is_written_is_state() -> None:
    counter = rt.zeros(1)

    def count(x: Any) -> Any:
        counter.add_(1)
        return x + counter

    traced = rt.jit.trace(count, rt.zeros(1))
    assert counter.item() == 1
    assert traced(rt.zeros(1)).item() == 2
    assert counter.item() == 2


def test_a_recording_may_call_what_was_recorded() -> None:
    inner = rt.jit.trace(lambda x: rt.relu(x) + 1, rt.ones(3))
    outer = rt.jit.trace(lambda x: inner(x * 2), rt.ones(3))
    assert [node.op for node in outer.graph.nodes] == ["mul", "relu", "add"]


def test_the_examples_are_left_alone() -> None:
    x = rt.ones(2)
    traced = rt.jit.trace(lambda x: x.mul_(2), x)
    assert x.tolist() == [1.0, 1.0]
    assert traced(x) is x
    assert x.tolist() == [2.0, 2.0]


def test_one_tensor_given_twice_is_two_inputs() -> None:
    x = rt.ones(2)
    traced = rt.jit.trace(lambda a, b: a - b, (x, x))
    assert traced(rt.ones(2), rt.zeros(2)).tolist() == [1.0, 1.0]


# ---- Taking ops apart ----


def test_decompose_shows_what_an_op_is_made_of() -> None:
    x = rt.randn(2, 4)
    traced = rt.jit.trace(lambda x: rt.nn.functional.softsign(x) + rt.std(x, dim=1, keepdim=True), x)
    apart = traced.graph.decompose(["softsign"])
    assert [node.op for node in apart.nodes] == ["abs", "add", "div", *[n.op for n in traced.graph.nodes[1:]]]
    assert_same(traced(x), apart(x))


@pytest.mark.parametrize("op", ["conv2d", "scaled_dot_product_attention", "cross_entropy", "layer_norm"])
def test_decomposed_graphs_give_the_same(op: str) -> None:
    F = rt.nn.functional
    functions = {
        "conv2d": (lambda x: F.conv2d(x, rt.ones(2, 1, 3, 3)), (1, 1, 5, 5)),
        "scaled_dot_product_attention": (lambda x: F.scaled_dot_product_attention(x, x, x), (2, 3, 4)),
        "cross_entropy": (lambda x: F.cross_entropy(x, rt.tensor([1, 0])), (2, 4)),
        "layer_norm": (lambda x: F.layer_norm(x, (4,)), (2, 4)),
    }
    fn, shape = functions[op]
    traced = rt.jit.trace(fn, rt.randn(*shape))
    apart = traced.graph.decompose([op])
    assert op not in [node.op for node in apart.nodes]
    x = rt.randn(*shape)
    assert_same(traced(x), apart(x))


def test_an_op_with_a_kernel_does_not_come_apart() -> None:
    traced = rt.jit.trace(lambda x: x.exp(), rt.ones(2))
    with pytest.raises(RuntimeError, match=r"'exp' is computed by a kernel"):
        traced.graph.decompose(["exp"])


def test_a_module_adopts_what_it_uses_from_outside() -> None:
    """As parameters and buffers of its own, over the same memory."""
    scale, counter = rt.ones(3, requires_grad=True), rt.zeros(1)

    class Outside(rt.nn.Module):
        def forward(self, x: Any) -> Any:
            counter.add_(1)
            return x * scale + counter

    traced = rt.jit.trace(Outside(), rt.zeros(3))
    (parameter,), (buffer,) = traced.parameters(), traced.buffers()
    assert type(parameter) is rt.nn.Parameter and parameter.data_ptr() == scale.data_ptr()
    assert buffer is counter
    traced(rt.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert parameter.grad.tolist() == [1, 2, 3] and counter.item() == 2
    file = io.BytesIO()
    traced.save(file)
    again = rt.jit.load(io.BytesIO(file.getvalue()))
    assert again(rt.ones(3)).tolist() == [4, 4, 4] and list(again.state_dict()) == list(traced.state_dict())


def test_recordings_say_what_they_are() -> None:
    assert repr(rt.jit.trace(lambda x: x + 1, rt.ones(2))).endswith("nodes=1)")
    assert repr(rt.jit.trace(rt.nn.Linear(1, 1), rt.ones(1, 1))).startswith("ScriptModule[Linear]")
    graph = rt.jit.trace(lambda x: x + 1, rt.ones(2)).graph
    assert graph != "graph" and graph == rt.jit.trace(lambda x: x + 1, rt.ones(2)).graph


def test_examples_with_a_history_and_no_examples() -> None:
    x = rt.ones(2, requires_grad=True) * 3
    traced = rt.jit.trace(lambda x: x * x, x)
    y = traced(x)
    assert y.tolist() == [9, 9] and x.grad_fn is not None
    named = rt.jit.trace(lambda *, scale: scale * 2, None, example_kwarg_inputs={"scale": rt.ones(2)})
    assert named(scale=rt.tensor([1.0, 3.0])).tolist() == [2, 6]
