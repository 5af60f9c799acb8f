"""rustorch.masked: reductions and normalizations that leave elements out, beside numpy.ma."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5))
KEPT = RNG.random((3, 4, 5)) > 0.4
KEPT[..., 0] = True  # something is left in every line
SUMS: dict[str, Callable[..., Any]] = {
    "sum": np.ma.sum,
    "prod": np.ma.prod,
    "mean": np.ma.mean,
    "amax": np.ma.max,
    "amin": np.ma.min,
    "var": lambda x, axis: np.ma.var(x, axis, ddof=1),
    "std": lambda x, axis: np.ma.std(x, axis, ddof=1),
    "logsumexp": lambda x, axis: np.log(np.ma.sum(np.ma.exp(x), axis)),
    "norm": lambda x, axis: np.ma.sqrt(np.ma.sum(x * x, axis)),
}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("dim", [None, -1, (1, 2)], ids=str)
def test_a_reduction_leaves_elements_out(name: str, dim: Any) -> None:
    hidden = np.ma.array(X, mask=~KEPT)
    expected = np.asarray(SUMS[name](hidden, dim))
    reduce = getattr(rt.masked, name)
    kwargs = {"dim": dim, "mask": rt.tensor(KEPT)}
    np.testing.assert_allclose(reduce(rt.tensor(X), **kwargs).numpy(), expected)
    stays = reduce(rt.tensor(X), keepdim=True, **kwargs)
    assert stays.ndim == 3
    np.testing.assert_allclose(stays.numpy().reshape(expected.shape), expected)
    plain = reduce(rt.tensor(X), dim=dim).numpy()
    np.testing.assert_allclose(plain, np.asarray(SUMS[name](np.ma.array(X), dim)))


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places_of_extremes_are_among_what_is_kept(name: str) -> None:
    expected = getattr(np.ma, name)(np.ma.array(X, mask=~KEPT), axis=2)
    assert getattr(rt.masked, name)(rt.tensor(X), 2, mask=rt.tensor(KEPT)).tolist() == expected.tolist()


def test_scans_pass_over_what_is_left_out() -> None:
    x, mask = rt.tensor(X), rt.tensor(KEPT)
    hidden = np.ma.array(X, mask=~KEPT)
    np.testing.assert_allclose(rt.masked.cumsum(x, 1, mask=mask).numpy(), np.cumsum(hidden.filled(0), 1))
    np.testing.assert_allclose(rt.masked.cumprod(x, 1, mask=mask).numpy(), np.cumprod(hidden.filled(1), 1))
    sorted_rows = [np.sort(row[kept]) for row, kept in zip(X.reshape(-1, 5), KEPT.reshape(-1, 5))]
    expected = [row[(len(row) - 1) // 2] for row in sorted_rows]
    np.testing.assert_allclose(rt.masked.median(x, 2, mask=mask).numpy().reshape(-1), expected)


def test_normalizations_give_nothing_to_what_is_left_out() -> None:
    x, mask = rt.tensor(X), rt.tensor(KEPT)
    weights = np.exp(X) * KEPT
    share = weights / weights.sum(2, keepdims=True)
    np.testing.assert_allclose(rt.masked.softmax(x, 2, mask=mask).numpy(), share)
    np.testing.assert_allclose(rt.masked.softmin(-x, 2, mask=mask).numpy(), share)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(rt.masked.log_softmax(x, 2, mask=mask).numpy(), np.log(share))
    length = np.sqrt((X * X * KEPT).sum(2, keepdims=True))
    np.testing.assert_allclose(rt.masked.normalize(x, 2.0, 2, mask=mask).numpy(), X * KEPT / length)


def test_what_is_left_out_altogether_is_as_empty() -> None:
    x, none = rt.ones(2, 2), rt.zeros(2, 2, dtype=rt.bool)
    assert rt.masked.sum(x, mask=none).item() == 0
    assert rt.masked.prod(x, mask=none).item() == 1
    assert rt.masked.amax(x, mask=none).item() == float("-inf")
    assert rt.masked.mean(x, mask=none).isnan().item()


def test_masks_broadcast_and_integers_stay_integers() -> None:
    x = rt.arange(6).reshape(2, 3)
    row = rt.tensor([True, False, True])
    assert rt.masked.sum(x.to(rt.int8), 1, mask=row).tolist() == [2, 8]
    assert rt.masked.sum(x.to(rt.int8), mask=row).dtype is rt.int64
    assert rt.masked.amin(x, 1, mask=row).tolist() == [0, 3]
    assert rt.masked.var(x, 1, mask=row).tolist() == [2, 2]
    assert rt.masked.var(x, 1, mask=row, correction=0).tolist() == [1, 1]
    assert rt.masked.logsumexp(x, mask=row).dtype is rt.int64


def test_gradients_reach_what_is_kept_alone() -> None:
    x, mask = rt.tensor(X[0], requires_grad=True), rt.tensor(KEPT[0])
    for call in (rt.masked.sum, rt.masked.mean, rt.masked.std, rt.masked.logsumexp, rt.masked.norm):
        (gradient,) = rt.autograd.grad(call(x, mask=mask), x)
        assert not gradient[~mask].any()
        assert rt.autograd.gradcheck(lambda t, call=call: call(t, mask=mask), (x,))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: rt.masked.sum(rt.ones(2), mask=[True, False]), TypeError),
        (lambda: rt.masked.sum(rt.ones(2), mask=rt.ones(2)), TypeError),
        (lambda: rt.masked.sum(rt.ones(2), mask=rt.ones(2, 2, dtype=rt.bool)), IndexError),
        (lambda: rt.masked.sum(rt.ones(2), 1), IndexError),
        (lambda: rt.masked.sum(rt.ones(2, 2), (0, -2)), RuntimeError),
        (lambda: rt.masked.mean(rt.ones(2, dtype=rt.int64)), ValueError),
        (lambda: rt.masked.amax(rt.ones(2, dtype=rt.complex64)), TypeError),
        (lambda: rt.masked.var(rt.ones(2), 0, True, correction=1), ValueError),
    ],
)
def test_what_cannot_be_masked_is_refused(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()
