"""Draws take part in the graph with a gradient of zero: what was drawn does not follow its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .test_registry import TABLE

# Of each differentiable random op: a call on tensors that require grad.
DRAWS: dict[str, Callable[..., Any]] = {
    "uniform": lambda x: x.clone().uniform_(),
    "normal.fill": lambda x: x.clone().normal_(),
    "log_normal": lambda x: x.clone().log_normal_(),
    "exponential": lambda x: x.clone().exponential_(),
    "cauchy": lambda x: x.clone().cauchy_(),
    "geometric": lambda x: x.clone().geometric_(0.5),
    "random": lambda x: x.clone().random_(),
    "random.to": lambda x: x.clone().random_(5),
    "random.from": lambda x: x.clone().random_(2, 5),
    "normal.mean": lambda x: rt.normal(x, 2.0),
    "normal.tensors": lambda x, y: rt.normal(x, y),
    "normal.std": lambda x: rt.normal(1.0, x),
    "bernoulli": lambda x: rt.bernoulli(x),
    "bernoulli.p": lambda x: rt.bernoulli(x, 0.5),
    "bernoulli.fill": lambda x: x.clone().bernoulli_(0.5),
    "bernoulli.fill_tensor": lambda x, y: x.clone().bernoulli_(y),
    "poisson": lambda x: rt.poisson(x),
}


def test_every_differentiable_draw_is_here() -> None:
    wanted = {r["name"] for r in TABLE if r["random"] and r["differentiable"] and r["namespaces"]}
    assert wanted <= set(DRAWS)


@pytest.mark.parametrize("name", DRAWS)
def test_the_gradient_is_zero(name: str) -> None:
    count = DRAWS[name].__code__.co_argcount
    inputs = [rt.full((2, 3), 0.5, requires_grad=True) for _ in range(count)]
    drawn = DRAWS[name](*inputs)
    assert drawn.requires_grad, "a draw from a tensor that requires grad is part of the graph"
    (drawn * 3).sum().backward()
    for x in inputs:
        np.testing.assert_array_equal(x.grad.numpy(), np.zeros((2, 3), np.float32))
