"""Random operations: their distribution, their seeds."""

from __future__ import annotations

import numpy as np
import pytest

from .mil_build import run_op

COUNT = 20_000


def draw(op, half=False, seed=5, **arguments):
    arguments = {"shape": [COUNT], **arguments, "seed": seed}
    (values,) = run_op(op, arguments, [np.zeros(COUNT, np.float32)], half=half)
    return values.astype(np.float64)


@pytest.mark.parametrize("half", [False, True])
def test_uniform(half):
    values = draw("random_uniform", half, low=-1.0, high=3.0)
    assert values.min() >= -1
    assert values.max() <= 3
    assert abs(values.mean() - 1) < 0.05
    assert abs(values.var() - 16 / 12) < 0.05


@pytest.mark.parametrize("half", [False, True])
def test_normal(half):
    values = draw("random_normal", half, mean=2.0, stddev=0.5)
    assert abs(values.mean() - 2) < 0.02
    assert abs(values.std() - 0.5) < 0.02
    assert abs(np.mean(values < 2.5) - 0.8413) < 0.02


def test_bernoulli():
    values = draw("random_bernoulli", prob=0.25)
    assert set(np.unique(values)) == {0.0, 1.0}
    assert abs(values.mean() - 0.25) < 0.02


@pytest.mark.parametrize("mode", ["logits", "probs"])
def test_categorical(mode):
    weights = np.array([[1, 2, 1], [0, 0, 5]], np.float32)
    x = np.log(np.maximum(weights, 1e-30)) if mode == "logits" else weights
    arguments = {"x": x.astype(np.float32), "mode": mode, "size": COUNT, "seed": 3}
    (drawn,) = run_op("random_categorical", arguments, [np.zeros((2, COUNT), np.float32)])
    shares = [np.mean(drawn[0] == k) for k in range(3)]
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.02)
    assert np.all(drawn[1] == 2)


@pytest.mark.parametrize("op", ["random_uniform", "random_normal", "random_bernoulli"])
def test_seeds(op):
    """The same seed draws the same; none (-1) draws anew."""
    assert np.array_equal(draw(op, seed=7), draw(op, seed=7))
    assert not np.array_equal(draw(op, seed=7), draw(op, seed=8))
    assert not np.array_equal(draw(op, seed=-1), draw(op, seed=-1))
