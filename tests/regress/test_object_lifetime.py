"""Lives of Python objects around tensors and nodes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import weakref

import pytest

import rustorch as rt


def leaf_of(result):
    return result.grad_fn.next_functions[0][0].variable


def test_tensor_met_again_while_its_attributes_go():
    met = []
    x = rt.ones(2, requires_grad=True)
    y = x * 2

    class Last:
        def __del__(self):
            met.append(leaf_of(y))

    x.last = Last()
    del x
    assert met == []  # the graph keeps the object, with its attributes
    del leaf_of(y).last
    assert met[0].detach().numpy().tolist() == [1.0, 1.0]
    assert leaf_of(y) is met[0]


def test_tensor_met_again_in_a_weak_reference_callback():
    met = []
    x = rt.ones(2, requires_grad=True)
    y = x * 2
    r = weakref.ref(x, lambda _: met.append(y))
    del x
    assert r() is leaf_of(y)
    y = y.detach()
    assert r() is None
    assert met[0] is y


def test_internal_types_are_not_made_by_hand():
    node = (rt.ones(2, requires_grad=True) * 1).grad_fn
    for t in (type(node), type(rt.add), type(rt.Tensor.add)):
        with pytest.raises(TypeError):
            t()


def test_backward_takes_tensors_only():
    y = rt.ones(2, requires_grad=True) * 1
    with pytest.raises(TypeError):
        rt.autograd.backward([y], [3.0])
    with pytest.raises(TypeError):
        rt.autograd.grad([y], [3.0])


def test_interpreter_exits_while_daemon_threads_compute():
    code = """
        import threading, time
        import rustorch as rt
        x = rt.ones(300000)
        def work():
            while True:
                x + x
        for _ in range(3):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.2)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
