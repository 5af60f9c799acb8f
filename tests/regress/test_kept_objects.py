"""A tensor's Python object, with what it carries, lasts as long as the tensor can come back to Python."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

import rustorch as rt


class Tagged(rt.Tensor):
    __slots__ = ("slot",)


class Counted:
    alive = 0

    def __init__(self):
        Counted.alive += 1

    def __del__(self):
        Counted.alive -= 1


@pytest.fixture(autouse=True)
def nothing_is_left():
    gc.collect()
    before = Counted.alive
    yield
    gc.collect()
    assert Counted.alive == before


def leaf_of(y):
    """The leaf behind a graph: AccumulateGrad's variable."""
    node = y.grad_fn
    while not node.name().endswith("AccumulateGrad"):
        node = next(fn for fn, _ in node.next_functions if fn is not None)
    return node.variable


def test_attributes_of_a_leaf_survive_in_the_graph():
    x = rt.ones(2, requires_grad=True)
    x.tag = Counted()
    number = id(x)
    y = x * 2
    del x
    gc.collect()
    assert Counted.alive == 1
    x = leaf_of(y)
    assert isinstance(x.tag, Counted) and id(x) == number
    del x
    gc.collect()
    assert isinstance(leaf_of(y).tag, Counted)  # twice
    del y
    assert Counted.alive == 0


def test_a_parameter_comes_back_as_one():
    p = rt.nn.Parameter(rt.ones(2))
    y = p * 2
    del p
    gc.collect()
    assert type(leaf_of(y)) is rt.nn.Parameter


def test_attributes_of_a_gradient_survive():
    x = rt.ones(2, requires_grad=True)
    (x * 2).sum().backward()
    x.grad.tag = Counted()
    gc.collect()
    assert isinstance(x.grad.tag, Counted)
    x.grad = None
    assert Counted.alive == 0


def test_saved_tensor_keeps_its_attributes_for_backward():
    seen = []

    class Square(rt.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            w.tag = "kept"
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            _x, w = ctx.saved_tensors
            seen.append((w.tag, type(w)))
            return g * w, None

    y = Square.apply(rt.ones(2, requires_grad=True), Tagged(rt.ones(2)))
    gc.collect()
    y.sum().backward()
    assert seen == [("kept", Tagged)]


def test_weak_reference_lives_as_long_as_the_tensor():
    x = rt.ones(2, requires_grad=True)
    r = weakref.ref(x)
    table = weakref.WeakKeyDictionary({x: Counted()})
    y = x * 2
    del x
    gc.collect()
    assert r() is leaf_of(y) and len(table) == 1
    x = r()
    del y
    gc.collect()
    assert x.tolist() == [1, 1] and r() is x  # handed back when the graph went
    del x
    assert r() is None and len(table) == 0


def test_weak_reference_taken_while_the_graph_goes():
    for _ in range(200):
        x = rt.ones(2, requires_grad=True)
        r = weakref.ref(x)
        y = x * 2
        del x
        held = r()
        del y
        assert held.sum().item() == 2
        del held
        assert r() is None


def test_slots_and_finalizers_of_a_subclass():
    deleted = []

    class Noisy(Tagged):
        def __del__(self):
            deleted.append(self.slot)

    t = Noisy(rt.ones(1))
    t.slot = Counted()
    s = Tagged(rt.ones(1))
    s.slot = s.note = Counted()
    node = None
    t.requires_grad_()
    y = t * 2
    del t, s, node
    assert deleted == [] and Counted.alive == 1
    assert isinstance(leaf_of(y).slot, Counted)
    del y
    assert len(deleted) == 1
    deleted.clear()
    assert Counted.alive == 0


def test_a_finalizer_may_keep_its_tensor():
    kept = []

    class Phoenix(rt.Tensor):
        def __del__(self):
            kept.append(self)

    t = Phoenix(rt.ones(2))
    t.tag = Counted()
    del t
    assert kept[0].tolist() == [1, 1] and isinstance(kept[0].tag, Counted)
    kept.clear()


def test_cycles_through_attributes_are_collected():
    t = Tagged(rt.ones(1))
    t.me = t
    t.tag = Counted()
    r = weakref.ref(t)
    del t
    gc.collect()
    assert r() is None
    p = rt.nn.Parameter(rt.ones(1))
    p.holder = [p, Counted()]
    (p * 2).sum().backward()
    del p
    gc.collect()
    assert Counted.alive == 0


def test_a_cycle_that_the_graph_can_bring_back_is_left_alone():
    x = rt.ones(2, requires_grad=True)
    x.me = x
    x.tag = Counted()
    y = x * 2
    del x
    gc.collect()
    assert isinstance(leaf_of(y).me.tag, Counted)
    leaf_of(y).me = None


def test_objects_are_released_by_other_threads():
    """The last owner of the tensor may be a backward pass without the GIL, on any thread."""

    def work():
        for _ in range(50):
            x = Tagged(rt.ones(20000))
            x.requires_grad_()
            x.tag = Counted()
            r = weakref.ref(x)
            y = (x * x).sum()
            del x
            y.backward()
            held = r()
            del y
            assert held is None or held.tag is not None

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def test_no_leak_of_objects_that_flip():
    def step():
        x = rt.nn.Parameter(rt.ones(2))
        x.tag = Counted()
        y = x * 2
        del x
        for _ in range(3):
            assert leaf_of(y).tag is not None

    step()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(500):
        step()
    gc.collect()
    assert len(gc.get_objects()) - before < 50
