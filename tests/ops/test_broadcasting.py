"""Random shapes broadcast as NumPy's do, and refuse where NumPy refuses."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rustorch as rt

OPERATORS: list[Callable[[Any, Any], Any]] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.lt,
    operator.eq,
]
SHAPES = hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=5, max_side=4, min_side=0)


def values(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 5, shape).astype(np.float64)


@settings(max_examples=150, deadline=None)
@given(SHAPES, st.sampled_from(OPERATORS), st.integers(0, 99))
def test_binary_operators(shapes: Any, op: Callable[[Any, Any], Any], seed: int) -> None:
    a, b = (values(s, seed + i) for i, s in enumerate(shapes.input_shapes))
    result = op(rt.tensor(a), rt.tensor(b))
    assert tuple(result.shape) == shapes.result_shape
    np.testing.assert_array_equal(result.numpy(), op(a, b))


@settings(max_examples=60, deadline=None)
@given(hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=4, max_side=3, min_side=0))
def test_three_operands(shapes: Any) -> None:
    c, a, b = (values(s, i) for i, s in enumerate(shapes.input_shapes))
    result = rt.where(rt.tensor(c) > 2, rt.tensor(a), rt.tensor(b))
    assert tuple(result.shape) == shapes.result_shape
    np.testing.assert_array_equal(result.numpy(), np.where(c > 2, a, b))


@settings(max_examples=60, deadline=None)
@given(SHAPES)
def test_gradients_are_summed_back_to_the_shape(shapes: Any) -> None:
    a, b = (rt.tensor(values(s, i), requires_grad=True) for i, s in enumerate(shapes.input_shapes))
    (a * b).sum().backward()
    full = np.broadcast_to
    for t, other in ((a, b), (b, a)):
        spread = full(other.detach().numpy(), shapes.result_shape)
        extra = tuple(range(spread.ndim - t.ndim))
        expected = spread.sum(axis=extra)
        kept = tuple(i for i, n in enumerate(t.shape) if n == 1 and expected.shape[i] != 1)
        np.testing.assert_allclose(t.grad.numpy(), expected.sum(axis=kept, keepdims=True))


@settings(max_examples=60, deadline=None)
@given(SHAPES)
def test_in_place_keeps_its_shape(shapes: Any) -> None:
    a, b = (values(s, i) for i, s in enumerate(shapes.input_shapes))
    t = rt.tensor(a)
    if shapes.result_shape == a.shape:
        t += rt.tensor(b)
        np.testing.assert_array_equal(t.numpy(), a + b)
    else:
        with pytest.raises(RuntimeError):
            t += rt.tensor(b)


@settings(max_examples=60, deadline=None)
@given(hnp.array_shapes(max_dims=4, max_side=4), hnp.array_shapes(max_dims=4, max_side=4))
def test_shapes_that_do_not_broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    try:
        np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(RuntimeError):
            rt.ones(first) + rt.ones(second)
    else:
        assert tuple((rt.ones(first) + rt.ones(second)).shape) == np.broadcast_shapes(first, second)
