"""What PyTorch's users do to the graph beyond backward(): edges, hooks, nodes, warnings."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

import rustorch as rt
from rustorch.autograd import Function, graph


def leaf(*values: float) -> rt.Tensor:
    return rt.tensor(values, dtype=rt.float64, requires_grad=True)


# ---- Edges ----


def test_an_edge_takes_a_tensors_place() -> None:
    x = leaf(1, 2)
    y = x * x
    edge = graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn and edge.output_nr == 0
    z = (3 * y).sum()
    assert rt.autograd.grad(z, edge, retain_graph=True)[0].tolist() == [3.0, 3.0]
    del y
    g = rt.ones(2, dtype=rt.float64)
    assert rt.autograd.grad(edge, x, g, retain_graph=True)[0].tolist() == [2.0, 4.0]
    rt.autograd.backward(edge, g)
    assert x.grad.tolist() == [2.0, 4.0]


def test_an_edge_of_a_leaf_and_of_a_later_result() -> None:
    x = rt.tensor([[2.0]], requires_grad=True)
    accumulator = graph.get_gradient_edge(x)
    assert accumulator.node.name() == "AccumulateGrad"
    _, r = rt.linalg.qr(x)
    assert graph.get_gradient_edge(r).output_nr == 1
    (r.abs().sum() * 2).backward(inputs=accumulator)
    assert x.grad.tolist() == [[2.0]]


def test_an_unused_edge_gives_zeros_on_request() -> None:
    x, y = leaf(1), leaf(2, 3)
    edge = graph.get_gradient_edge(y * 2)
    with pytest.raises(RuntimeError, match="Set allow_unused=True"):
        rt.autograd.grad(x.sum(), edge)
    (g,) = rt.autograd.grad(x.sum(), edge, materialize_grads=True)
    assert g.tolist() == [0.0, 0.0] and g.dtype == rt.float64


def test_errors_of_edges() -> None:
    x = leaf(1, 2)
    edge = graph.get_gradient_edge(x * 2)
    with pytest.raises(RuntimeError, match="does not require gradients"):
        graph.get_gradient_edge(x.detach())
    with pytest.raises(RuntimeError, match="scalar outputs"):
        rt.autograd.backward(edge)
    with pytest.raises(RuntimeError, match="shape and dtype"):
        rt.autograd.backward(edge, rt.ones(3))
    with pytest.raises(ValueError, match="no such result"):
        rt.autograd.backward(graph.GradientEdge(edge.node, 7), rt.ones(2))
    with pytest.raises(RuntimeError, match="cannot be empty"):
        rt.autograd.grad(x.sum(), [])


# ---- Nodes ----


def test_nodes_have_types_of_their_names() -> None:
    x = leaf(1)
    y = (x * 2).exp()
    assert type(y.grad_fn).__name__ == "ExpBackward0"
    assert isinstance(y.grad_fn, graph.Node)
    assert type(y.grad_fn) is type((x + 1).exp().grad_fn)
    assert type(y.grad_fn) is not type((x * 2).grad_fn)


def test_a_functions_node_has_its_contexts_attributes() -> None:
    class Scale(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.factor = 3
            ctx.save_for_backward(x)
            return 3 * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.factor

    x = leaf(1, 2)
    node = Scale.apply(x).grad_fn
    assert type(node).__name__ == "ScaleBackward"
    assert node.factor == 3 and node.saved_tensors[0] is x
    with pytest.raises(AttributeError):
        _ = node.other


def test_functions_with_results_that_are_no_tensors() -> None:
    class Split(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return "name", x * 2, None, x * 3

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            assert len(grads) == 4 and grads[0] is None and grads[2] is None
            return 2 * grads[1] + 3 * grads[3]

    x = leaf(1)
    name, a, nothing, b = Split.apply(x)
    assert (name, nothing) == ("name", None)
    (a + 10 * b).sum().backward()
    assert x.grad.tolist() == [32.0]


def test_vjp_is_another_name_for_backward() -> None:
    class Double(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return 2 * x

        @staticmethod
        def vjp(ctx: Any, g: Any) -> Any:
            return 2 * g

    class Both(Double):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    x = leaf(1)
    Double.apply(x).sum().backward()
    assert x.grad.tolist() == [2.0]
    with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
        Both.apply(x).sum().backward()


# ---- Hooks ----


def test_a_hook_on_several_tensors_waits_for_all_that_the_pass_reaches() -> None:
    a, b, c = leaf(1), leaf(2), leaf(3)
    seen: list[Any] = []
    handle = graph.register_multi_grad_hook([a, b, c], seen.append)
    (a * 2 + b * 3).sum().backward()
    assert len(seen) == 1 and seen[0][2] is None
    assert [g.item() for g in seen[0][:2]] == [2.0, 3.0]
    c.sum().backward()
    assert [g is None for g in seen[1]] == [True, True, False]
    rt.autograd.grad((a * b).sum(), b)
    assert len(seen) == 3 and seen[2][0] is None and seen[2][1].item() == 1.0
    handle.remove()
    (a + b).sum().backward()
    assert len(seen) == 3


def test_a_hook_on_the_first_of_several_tensors() -> None:
    a = leaf(1)
    b, c = a * 2, a * 3
    seen: list[Any] = []
    graph.register_multi_grad_hook([b, c], seen.append, mode="any")
    for count in (1, 2):
        (b + c).sum().backward(retain_graph=True)
        assert len(seen) == count and seen[-1].item() == 1.0
    with pytest.raises(ValueError, match="'all', 'any'"):
        graph.register_multi_grad_hook([b], seen.append, mode="none")


def test_passes_of_several_threads_are_counted_apart() -> None:
    a, b = leaf(1), leaf(1)
    seen: list[Any] = []
    graph.register_multi_grad_hook([a, b], seen.append)

    def run() -> None:
        for _ in range(20):
            rt.autograd.grad((a * 2 + b * 3).sum(), [a, b])

    threads = [threading.Thread(target=run) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(seen) == 40
    assert all([g.item() for g in grads] == [2.0, 3.0] for grads in seen)


def test_hooks_of_nodes_run_only_with_the_node() -> None:
    a = leaf(1)
    b = a * 2
    calls: list[str] = []
    b.register_hook(lambda g: calls.append("tensor"))
    b.grad_fn.register_prehook(lambda g: calls.append("before"))
    b.grad_fn.register_hook(lambda gi, go: calls.append("after"))
    c = b.sum()
    rt.autograd.grad(c, b, retain_graph=True)
    assert calls == ["tensor"]
    calls.clear()
    rt.autograd.grad(c, a)
    assert calls == ["tensor", "before", "after"]


def test_an_accumulators_hooks_see_what_the_leafs_hooks_left() -> None:
    a = leaf(1)
    seen: list[Any] = []
    node = graph.get_gradient_edge(a).node
    a.register_hook(lambda g: g * 2)
    node.register_prehook(lambda g: seen.append(g[0].item()))
    node.register_hook(lambda gi, go: seen.append(go[0].item()))
    a.sum().backward()
    assert seen == [2.0, 2.0] and a.grad.item() == 2.0


def test_a_hook_sees_none_where_only_other_results_have_gradients() -> None:
    x = rt.tensor([[2.0]], requires_grad=True)
    q, r = rt.linalg.qr(x)
    seen: list[Any] = []
    q.register_hook(seen.append)
    r.abs().backward(rt.ones(1, 1))
    assert seen == [None] and x.grad.tolist() == [[1.0]]


def test_post_accumulate_hooks_return_nothing() -> None:
    x = leaf(1)
    x.register_post_accumulate_grad_hook(lambda t: t.grad)
    with pytest.raises(RuntimeError, match="hooks should return None"):
        x.sum().backward()


# ---- Saved tensors ----


def test_saved_tensors_hooks_can_be_refused() -> None:
    with graph.disable_saved_tensors_hooks("no hooks here"):
        with pytest.raises(RuntimeError, match="no hooks here"), graph.save_on_cpu():
            pass
    with graph.save_on_cpu():
        y = leaf(3) ** 2
    y.backward()


def test_a_pack_hook_may_not_write_its_input() -> None:
    with graph.saved_tensors_hooks(lambda t: t.mul_(2), lambda t: t):
        with pytest.raises(RuntimeError, match="pack hook is modifying its input in place"):
            leaf(1).clone().exp().detach().requires_grad_() ** 2


def test_numbers_do_not_come_to_pack_hooks() -> None:
    packed: list[Any] = []
    with graph.saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        y = leaf(1, 2) * 2.5
    y.sum().backward()
    assert all(t.dim() == 1 for t in packed)


def test_what_hooks_give_back_has_the_history_of_what_was_kept() -> None:
    """Second derivatives go through a tensor whatever the hooks made of it."""
    for pack in (rt.Tensor.tolist, rt.Tensor.clone, rt.Tensor.detach):
        x = leaf(2, 3)
        y = x * 1
        with graph.saved_tensors_hooks(pack, lambda kept: rt.as_tensor(kept, dtype=rt.float64)):
            z = (y**3).sum() + (x * y).sum()
        (first,) = rt.autograd.grad(z, x, create_graph=True)
        assert first.tolist() == [16, 33]
        assert rt.autograd.grad(first.sum(), x)[0].tolist() == [14, 20]


def test_tensors_on_the_host_can_be_differentiated_twice() -> None:
    x = leaf(2, 3)
    with graph.save_on_cpu():
        y = (x**3).sum()
    (first,) = rt.autograd.grad(y, x, create_graph=True)
    first.sum().backward()
    assert x.grad.tolist() == [12, 18]


def test_a_node_shows_what_it_keeps() -> None:
    x, y = leaf(2, 3), leaf(4, 5)
    product = (x * y).grad_fn
    assert product._saved_self is x and product._saved_other is y
    assert {name for name in dir(product) if name.startswith("_saved")} == {"_saved_self", "_saved_other"}
    assert rt.equal(x.exp().grad_fn._saved_result, x.exp())
    assert x.exp().grad_fn._saved_result.grad_fn is not None
    total = x.sum(0, keepdim=True).grad_fn
    assert total._saved_dim == (0,) and total._saved_keepdim is True
    assert rt.stack([x, y]).grad_fn._saved_dim == 0
    largest = x.max(0).values.grad_fn._saved_indices
    assert largest.item() == 1 and not largest.requires_grad
    with pytest.raises(AttributeError, match="ExpBackward0' object has no attribute '_saved_self'"):
        _ = x.exp().grad_fn._saved_self


def test_what_a_node_kept_is_gone_after_backward_and_guarded_before() -> None:
    x = leaf(2, 3)
    y = x.exp()
    y.sum().backward()
    with pytest.raises(RuntimeError, match="directly access saved tensors after they have"):
        _ = y.grad_fn._saved_result
    y = x.exp()
    with rt.no_grad():
        y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        _ = y.grad_fn._saved_result


def test_versions_of_inference_tensors_stay() -> None:
    with rt.inference_mode():
        x = rt.ones(1)
    with pytest.raises(RuntimeError, match="update to inference tensor outside InferenceMode"):
        graph.increment_version(x)


def test_a_version_can_be_raised() -> None:
    x = leaf(1)
    y = x.exp()
    z = y.exp()
    graph.increment_version([y])
    assert y._version == 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        rt.autograd.grad(y.sum() + z.sum(), x)


# ---- Messages and warnings ----


def test_a_second_backward_says_what_to_do() -> None:
    y = leaf(2) ** 2
    y.backward()
    with pytest.raises(RuntimeError, match="Specify retain_graph=True"):
        y.backward()


class Nan(Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * float("nan")


def test_anomaly_detection_names_the_function_and_need_not_look_for_nan() -> None:
    x = leaf(1)
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"), rt.autograd.detect_anomaly():
        with pytest.raises(
            RuntimeError, match="Function 'NanBackward' returned nan values in its 0th output"
        ):
            Nan.apply(x).backward()
    with rt.autograd.set_detect_anomaly(True, check_nan=False):
        Nan.apply(x).backward()
    assert x.grad.isnan().all()
    with rt.autograd.set_detect_anomaly(True), pytest.raises(RuntimeError, match="returned nan"):
        Nan.apply(x).backward()


def test_warnings_about_gradients_that_are_not_there_or_stay() -> None:
    x = leaf(1)
    y = x * 2
    with pytest.warns(UserWarning, match="not a leaf Tensor is being accessed"):
        assert y.grad is None
    with pytest.warns(UserWarning, match="create_graph=True will create a reference cycle"):
        y.backward(create_graph=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert x.grad.item() == 2.0
        z = x * 2
        z.retain_grad()
        assert z.grad is None


def test_data_of_a_tensor_that_requires_grad_stays_differentiable() -> None:
    x = leaf(1)
    with pytest.raises(RuntimeError, match="must be floating point or complex"):
        x.data = rt.tensor([1])
    with pytest.raises(RuntimeError, match="delete"):
        del x.data
    x.data = rt.tensor([2.0])
    assert x.dtype == rt.float32


# ---- Generators ----


def test_switches_hold_in_a_generator_whatever_happens_to_it() -> None:
    states: list[bool] = []

    @rt.no_grad()
    def steps() -> Iterator[Any]:
        try:
            sent = yield 1
            states.append(rt.is_grad_enabled())
            try:
                yield sent
            except ValueError:
                states.append(rt.is_grad_enabled())
                yield "caught"
        finally:
            states.append(rt.is_grad_enabled())

    run: Any = steps()
    assert next(run) == 1 and rt.is_grad_enabled()
    assert run.send("back") == "back"
    assert run.throw(ValueError) == "caught" and rt.is_grad_enabled()
    run.close()
    assert states == [False, False, False] and rt.is_grad_enabled()
    other: Any = steps()
    next(other)
    with pytest.raises(KeyError):
        other.throw(KeyError)
    assert states[-1] is False


def test_setup_context_sees_default_arguments() -> None:
    class Power(Function):
        @staticmethod
        def forward(x: Any, exponent: int = 3) -> Any:
            return x**exponent

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            x, ctx.exponent = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * ctx.exponent * x ** (ctx.exponent - 1), None

    x = leaf(2)
    assert rt.autograd.grad(Power.apply(x), x)[0].item() == 12.0
    assert rt.autograd.grad(Power.apply(x, 2), x)[0].item() == 4.0


def test_materialized_zeros_can_be_differentiated_again() -> None:
    x, a = leaf(0.5), leaf(1)
    first = rt.autograd.grad(x * a, x, create_graph=True)
    second = rt.autograd.grad(first, x, create_graph=True, materialize_grads=True)
    third = rt.autograd.grad(second, x, materialize_grads=True)
    assert (second[0].item(), third[0].item()) == (0.0, 0.0)


def test_batched_gradients_have_the_shape_of_the_output_behind_the_batch() -> None:
    x = leaf(1, 2)
    y = x * x
    (rows,) = rt.autograd.grad(y, x, rt.eye(2, dtype=rt.float64), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]
    with pytest.raises(RuntimeError, match="we interpret the first dimension"):
        rt.autograd.grad(x * x, x, rt.ones(2, dtype=rt.float64), is_grads_batched=True)
