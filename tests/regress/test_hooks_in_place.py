"""Hooks of tensors that are written in place, and of tensors that several threads differentiate."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

import rustorch as rt


def values(t):
    return t.detach().tolist()


def test_hook_stays_with_the_value_it_was_registered_for():
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    seen = []
    y.register_hook(lambda g: seen.append(("old", values(g))))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(("new", values(g))))
    y.sum().backward()
    assert seen == [("new", [1, 1]), ("old", [3, 3])]
    assert values(x.grad) == [3, 3]


@pytest.mark.parametrize("times", [1, 2])
def test_handle_finds_its_hook_after_in_place_writes(times):
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    seen = []
    handle = y.register_hook(lambda g: seen.append(g))
    for _ in range(times):
        y.mul_(3)
    handle.remove()
    handle.remove()
    y.sum().backward()
    assert seen == []


def test_handle_of_a_view_finds_its_hook_after_the_base_was_written():
    x = rt.ones(2, 2, requires_grad=True)
    y = x * 1
    v = y[0]
    seen = []
    handle = v.register_hook(lambda g: seen.append(g))
    w = v * 2
    y.mul_(3)
    assert v.grad_fn is not None
    handle.remove()
    (w.sum() + y.sum()).backward()
    assert seen == []


def test_handle_works_after_its_tensor_went():
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    seen = []
    handle = y.register_hook(lambda g: seen.append(g))
    z = y.sum()
    del y
    handle.remove()
    z.backward()
    assert seen == []


def test_handle_does_not_keep_the_hook_or_the_tensor():
    class Hook:
        def __call__(self, g):
            return None

    x = rt.ones(2, requires_grad=True)
    hook = Hook()
    h, t = weakref.ref(hook), weakref.ref(x)
    handle = x.register_hook(hook)
    del hook
    handle.remove()
    assert h() is None
    del x
    gc.collect()
    assert t() is None


def test_hooks_of_a_leaf_stay_over_writes_without_grad():
    x = rt.ones(2, requires_grad=True)
    seen = []
    first = x.register_hook(lambda g: seen.append("hook"))
    second = x.register_post_accumulate_grad_hook(lambda t: seen.append("post"))
    with rt.no_grad():
        x.mul_(2)
    x.data = rt.zeros(2)
    (x * 2).sum().backward()
    assert seen == ["hook", "post"]
    first.remove()
    second.remove()
    (x * 2).sum().backward()
    assert seen == ["hook", "post"]


def test_retained_gradient_is_that_of_the_newest_value():
    x = rt.ones(2, requires_grad=True)
    y = x * 1
    y.retain_grad()
    y.mul_(3)
    (y * 5).sum().backward()
    assert values(y.grad) == [5, 5] and values(x.grad) == [15, 15]


def test_hook_may_remove_itself():
    x = rt.ones(2, requires_grad=True)
    seen = []

    def hook(g):
        seen.append(1)
        handle.remove()

    handle = x.register_hook(hook)
    x.register_hook(lambda g: seen.append(2))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert seen == [1, 2, 2]


def test_hooks_that_come_and_go_do_not_pile_up():
    x = rt.ones(2, requires_grad=True)
    calls = []
    for _ in range(1000):
        x.register_hook(lambda g: calls.append(1)).remove()
    x.register_hook(lambda g: calls.append(2))
    (x * 2).sum().backward()
    assert calls == [2]


def run_on_threads(work, count=8):
    failures = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(i,), daemon=True) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
    assert not any(t.is_alive() for t in threads), "deadlock"
    assert failures == []


def test_hooks_are_added_while_other_threads_run_them():
    x = rt.ones(20000, requires_grad=True)
    y = x * 2

    def work(i):
        for _ in range(100):
            if i % 2:
                y.register_hook(lambda g: None).remove()
                y.grad_fn.register_prehook(lambda g: None).remove()
                x.register_hook(lambda g: None).remove()
            else:
                rt.autograd.backward(y.sum(), retain_graph=True)

    run_on_threads(work)
    assert x.grad[0].item() == 4 * 100 * 2


def test_retained_gradients_come_and_go_while_other_threads_run():
    x = rt.ones(20000, requires_grad=True)
    y = x * 2

    def work(i):
        for _ in range(100):
            if i % 2:
                v = y.view(-1)
                v.retain_grad()
                del v
            else:
                rt.autograd.backward(y.sum(), retain_graph=True)

    run_on_threads(work)


def test_anomaly_mode_on_threads_that_share_a_leaf():
    """Making a node asks for the GIL, to note the Python stack: no lock may be held meanwhile."""
    x = rt.ones(20000, requires_grad=True)

    def work(i):
        with rt.autograd.set_detect_anomaly(True):
            for _ in range(100):
                # The large op runs without the GIL, the index with it; both make the leaf's accumulator.
                y = x * 2 if i % 2 else x[0]
                assert y.requires_grad
                del y

    run_on_threads(work)


def test_gradients_are_read_while_other_threads_add_to_them():
    x = rt.ones(20000, requires_grad=True)

    def work(i):
        for _ in range(50):
            if i % 2:
                g = x.grad
                assert g is None or g.shape == x.shape
            else:
                (x * 2).sum().backward(create_graph=bool(i % 4))

    run_on_threads(work)


def test_saved_tensors_are_read_while_another_thread_releases_them():
    class Slow(rt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            Slow.contexts.append(ctx)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    Slow.contexts = []
    x = rt.ones(2, requires_grad=True)

    def work(i):
        for _ in range(200):
            if i % 2:
                for ctx in Slow.contexts[-4:]:
                    try:
                        assert len(ctx.saved_tensors) == 1
                    except RuntimeError as error:
                        assert "second time" in str(error)
            else:
                y = Slow.apply(x)
                y.sum().backward()
                del y

    run_on_threads(work)
