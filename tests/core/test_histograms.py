"""Histograms of points, beside NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(40, 2))
WEIGHTS = RNG.random(40)
EDGES = [np.linspace(-1, 1, 4), np.array([-2.0, 0.0, 0.5])]


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("bins", "limits"), [([3, 4], None), ([2, 2], [(-1, 1), (0, 2)]), (5, None), (EDGES, None)]
)
def test_points_are_counted_as_by_numpy(bins: Any, limits: Any, weights: Any, density: bool) -> None:
    hist, edges = np.histogramdd(POINTS, bins, limits, density=density, weights=weights)
    ours = rt.histogramdd(
        rt.tensor(POINTS).reshape(8, 5, 2),
        [rt.tensor(e) for e in bins] if bins is EDGES else bins,
        range=None if limits is None else [n for pair in limits for n in pair],
        weight=None if weights is None else rt.tensor(weights).reshape(8, 5),
        density=density,
    )
    np.testing.assert_allclose(ours.hist.numpy(), hist)
    for found, expected in zip(ours.bin_edges, edges, strict=True):
        np.testing.assert_allclose(found.numpy(), expected)


def test_points_on_edges_belong_to_the_bin_that_begins_there() -> None:
    x = rt.tensor([[0.0], [1.0], [2.0], [float("nan")]])
    assert rt.histogramdd(x, [rt.tensor([0.0, 1.0, 2.0])]).hist.tolist() == [1, 2]
    assert rt.histogramdd(rt.zeros(0, 2), [2, 1]).hist.tolist() == [[0], [0]]
    assert rt.histogramdd(rt.zeros(5, 0), []).hist.item() == 0
    assert rt.histogramdd(rt.ones(3, 1), [2]).bin_edges[0].tolist() == [0.5, 1, 1.5]


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: rt.histogramdd(rt.ones(2, 2, dtype=rt.int64), 2), NotImplementedError, "not implemented"),
        (lambda: rt.histogramdd(rt.ones(2), 2), RuntimeError, "at least 2 dim"),
        (lambda: rt.histogramdd(rt.ones(2, 2), [2]), RuntimeError, "one for each coordinate"),
        (lambda: rt.histogramdd(rt.ones(2, 2), 0), RuntimeError, "bins must be > 0"),
        (lambda: rt.histogramdd(rt.ones(2, 1), [rt.ones(1)]), RuntimeError, "bins must be > 0"),
        (lambda: rt.histogramdd(rt.ones(2, 1), [rt.ones(2).double()]), RuntimeError, "same dtype"),
        (lambda: rt.histogramdd(rt.ones(2, 1), [rt.ones(2, 2)]), RuntimeError, "one dimension"),
        (
            lambda: rt.histogramdd(rt.ones(2, 1), 2, range=[1.0, 0.0]),
            RuntimeError,
            "min should not exceed max",
        ),
        (lambda: rt.histogramdd(rt.ones(2, 1), 2, range=[1.0]), RuntimeError, "2 elements"),
        (lambda: rt.histogramdd(rt.full((1, 1), float("inf")), 2), RuntimeError, "not finite"),
        (lambda: rt.histogramdd(rt.ones(2, 1), 2, weight=rt.ones(3)), RuntimeError, "same shape"),
        (lambda: rt.histogramdd(rt.ones(2, 1), 2, weight=rt.ones(2).double()), RuntimeError, "same dtype"),
        (lambda: rt.histogram(rt.ones(()), rt.ones(()).double()), RuntimeError, "same dtype"),
        (lambda: rt.histogram(rt.ones(2, 2), rt.ones(2, 2)), RuntimeError, "one dimension"),
        (lambda: rt.histogram(rt.ones(0), rt.ones(0)), RuntimeError, "at least 1 element"),
        (lambda: rt.histogram(rt.ones(2), rt.ones(1)), RuntimeError, "bins must be > 0"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    call: Callable[[], object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        call()
