"""Activations that are computed again in the backward pass instead of being kept."""

from __future__ import annotations

from typing import Any

import pytest

import rustorch as rt
from rustorch.utils.checkpoint import checkpoint


def test_gradients_are_those_without_it_and_the_function_runs_twice() -> None:
    runs = []

    def function(x: Any, scale: float) -> Any:
        runs.append(scale)
        return rt.dropout(x.exp() * x, 0.5, True) * scale

    x = rt.linspace(-1, 1, 5).requires_grad_()
    grads = []
    for call in (function, lambda *args: checkpoint(function, *args, use_reentrant=False)):
        rt.manual_seed(3)
        call(x, 2.0).sum().backward()
        grads.append(x.grad)
        x.grad = None
    assert len(runs) == 3 and rt.equal(grads[0], grads[1])


def test_without_gradients_it_is_a_call() -> None:
    with rt.no_grad():
        y = checkpoint(lambda x: x * 2, rt.ones(2, requires_grad=True), use_reentrant=False)
    assert y.tolist() == [2, 2] and not y.requires_grad


def test_a_function_that_does_something_else_the_second_time() -> None:
    runs = []

    def function(x: Any) -> Any:
        runs.append(x)
        return x.exp() * x if len(runs) == 1 else x.exp()

    y = checkpoint(function, rt.ones(2, requires_grad=True), use_reentrant=False)
    with pytest.raises(RuntimeError, match="different number of tensors was saved"):
        y.sum().backward()


def test_second_derivatives_are_those_without_it() -> None:
    x = rt.tensor([0.3, -1.2], dtype=rt.float64, requires_grad=True)

    def function(x: Any) -> Any:
        return x.sin().exp().cos()

    def kept(x: Any) -> Any:
        return checkpoint(function, x, use_reentrant=False)

    seconds = []
    for call in (function, kept, lambda x: checkpoint(kept, x, use_reentrant=False)):
        (first,) = rt.autograd.grad(call(x).sum(), x, create_graph=True)
        seconds.append(rt.autograd.grad((first**2).sum(), x)[0])
    rt.testing.assert_close(seconds[1], seconds[0])
    rt.testing.assert_close(seconds[2], seconds[0])
