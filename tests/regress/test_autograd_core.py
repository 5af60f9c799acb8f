"""Defects of the autograd core that were found by review."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import rustorch as rt


def values(t):
    return t.detach().numpy().tolist()


def test_retained_gradient_is_what_the_hooks_leave():
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    y.retain_grad()
    y.register_hook(lambda g: g * 2)
    y.sum().backward()
    assert values(y.grad) == [2.0, 2.0]


def test_retained_gradient_accumulates():
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    y.retain_grad()
    z = y.sum()
    z.backward(retain_graph=True)
    z.backward()
    assert values(y.grad) == [2.0, 2.0]


def test_retained_gradients_have_memory_of_their_own():
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    y.retain_grad()
    z = y.view(2)
    z.retain_grad()
    z.sum().backward()
    z.grad.zero_()
    assert values(y.grad) == [1.0, 1.0]


@pytest.mark.parametrize("through_base", [False, True])
def test_view_retains_gradient_of_its_newest_value(through_base):
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    v = y.view(2)
    v.retain_grad()
    (y if through_base else v).mul_(3)
    (v * 5).sum().backward()
    assert values(v.grad) == [5.0, 5.0]
    assert values(x.grad) == [15.0, 15.0]


def test_graph_does_not_point_at_a_dead_view_that_retained_its_gradient():
    x = rt.ones(3, requires_grad=True)
    y = x * 2
    v = y.view(3)
    v.retain_grad()
    z = v + 3
    y.add_(1)
    assert v.grad_fn is not None
    del v
    gc.collect()
    others = [rt.ones(2, requires_grad=True) for _ in range(2000)]
    z.sum().backward()
    assert values(x.grad) == [2.0, 2.0, 2.0]
    assert all(o.grad is None for o in others)


def test_integers_take_no_history():
    x = rt.ones(2, requires_grad=True)
    a = rt.zeros(2, dtype=rt.int64)
    a.copy_(x)
    assert not a.requires_grad
    assert a.grad_fn is None


def test_fill_with_a_tensor_carries_its_gradient():
    w = rt.tensor(3.0, requires_grad=True)
    x = rt.zeros(3)
    x.fill_(w)
    assert values(x) == [3.0, 3.0, 3.0]
    (x * rt.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert values(w.grad) == 6.0
    with pytest.raises(RuntimeError, match="0-dimension"):
        rt.zeros(3).fill_(rt.ones(1))
    y = rt.tensor([1.0, 2.0])
    assert values(y.fill_(y[1])) == [2.0, 2.0]


@pytest.mark.parametrize(
    "a, b, dtype", [(1e20, 1e25, "float32"), (1e-20, 1e-25, "float32"), (300.0, 300.0, "float16")]
)
def test_gradient_of_a_quotient_does_not_overflow(a, b, dtype):
    x = rt.tensor([a], dtype=getattr(rt, dtype), requires_grad=True)
    y = rt.tensor([b], dtype=getattr(rt, dtype), requires_grad=True)
    (x / y).sum().backward()
    np.testing.assert_allclose(values(y.grad), [-a / b / b], rtol=1e-3)


def test_gradients_take_the_dtype_of_their_tensor():
    x = rt.ones(2, requires_grad=True)
    x.backward(rt.ones(2, dtype=rt.float64))
    assert x.grad.dtype == rt.float32
    y = x * 1
    (g,) = rt.autograd.grad(y, y, rt.ones(2, dtype=rt.float64))
    assert g.dtype == rt.float32


def test_hook_may_not_change_the_dtype():
    x = rt.ones(2, requires_grad=True)
    x.register_hook(lambda g: g.to(rt.float64))
    with pytest.raises(RuntimeError, match="changed the type of value"):
        (x * 2).sum().backward()


def test_float_alpha_of_integers_is_an_error():
    for op in (rt.add, rt.sub):
        with pytest.raises(RuntimeError, match="alpha must not be a floating point number"):
            op(rt.tensor([1]), rt.tensor([2]), alpha=1.0)


class Holder:
    pass


def keep(holder):
    return lambda g: holder and None


@pytest.mark.parametrize("register", ["register_hook", "register_post_accumulate_grad_hook"])
def test_cycle_through_the_hook_of_a_leaf_is_collected(register):
    a = Holder()
    a.p = rt.ones(2, requires_grad=True)
    getattr(a.p, register)(keep(a))
    (a.p * 2).sum().backward()
    r = weakref.ref(a)
    del a
    gc.collect()
    assert r() is None


def test_hook_of_a_leaf_that_only_the_graph_holds_survives_collection():
    seen = []
    x = rt.ones(2, requires_grad=True)
    x.register_hook(lambda g: seen.append(values(g)))
    y = (x * 2).sum()
    del x
    gc.collect()
    y.backward()
    assert seen == [[2.0, 2.0]]
