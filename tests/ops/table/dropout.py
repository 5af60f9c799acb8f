"""Dropout of elements, of whole channels, and with SELU's statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS
from ..samples import Rng, positive
from .view import MATRIX

F = "nn.functional."
LIMIT = 1.7580993408473766  # where SELU ends below zero, as a positive number


def wholes(dtype: str, rng: Rng, *shapes: tuple[int, ...]) -> Iterator[Sample]:
    """Inputs without zeros, so that what was dropped shows."""
    for shape in shapes:
        yield S(positive(rng, shape, dtype, 1, 2), 0.5, True)
    yield S(positive(rng, shapes[0], dtype, 1, 2), 0.25, False)
    yield S(positive(rng, shapes[0], dtype, 1, 2), 0.0, True).once()
    yield S(positive(rng, shapes[0], dtype, 1, 2), 1.0, True).once()
    yield S(positive(rng, (0, *shapes[0][1:]), dtype), 0.5, True).nograd()


def elements(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from wholes(dtype, rng, (2, 3), ())
    yield S(positive(rng, (100, 101), dtype, 1, 2), 0.25, True).value_only()


def channels(*shapes: tuple[int, ...]) -> Callable[[str, Rng], Iterator[Sample]]:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield from wholes(dtype, rng, *shapes)
        many = (60, 70, *shapes[0][2:])
        yield S(positive(rng, many, dtype, 1, 2), 0.25, True).value_only()

    return samples


def checked(kept: np.ndarray, p: float) -> None:
    """As many are kept as should be, within five standard errors."""
    if kept.size >= 4000:
        assert abs(kept.mean() - (1 - p)) < 5 * (p * (1 - p) / kept.size) ** 0.5


def by_slice(kept: np.ndarray, leading: int) -> np.ndarray:
    """One answer for each slice of the leading dims, in which all elements must agree."""
    if kept.size == 0:
        return kept.reshape(-1)
    flat = kept.reshape(*kept.shape[:leading], -1)
    assert np.all(flat == flat[..., :1]), "a channel was dropped in part"
    return flat[..., 0]


def dropped(leading: Callable[[int], int]) -> Callable[..., None]:
    """Kept elements are scaled up; the others are zero; slices of the leading dims go together."""

    def check(result: list[np.ndarray], x: np.ndarray, p: float, training: bool) -> None:
        y = result[0].astype(np.float64)
        assert y.shape == x.shape
        if not training or p == 0:
            np.testing.assert_array_equal(y, x)
            return
        kept = y != 0
        if p == 1:
            assert not kept.any()
            return
        np.testing.assert_allclose(y[kept], x[kept] / (1 - p), rtol=1e-2)
        checked(by_slice(kept, leading(x.ndim)), p)

    return check


def alpha_dropped(leading: Callable[[int], int]) -> Callable[..., None]:
    """Klambauer et al., 2017: kept x gives a * x + b and dropped ones a * -LIMIT + b."""

    def check(result: list[np.ndarray], x: np.ndarray, p: float, training: bool) -> None:
        y = result[0].astype(np.float64)
        assert y.shape == x.shape
        if not training or p == 0:
            np.testing.assert_array_equal(y, x)
            return
        if p == 1:
            assert not y.any()
            return
        a = ((1 - p) * (1 + p * LIMIT**2)) ** -0.5
        b = a * LIMIT * p
        kept = y > b  # the inputs are positive
        np.testing.assert_allclose(y, np.where(kept, a * x + b, b - a * LIMIT), rtol=2e-2, atol=1e-2)
        checked(by_slice(kept, leading(x.ndim)), p)

    return check


def every(ndim: int) -> int:
    return ndim


def first_two(ndim: int) -> int:
    return min(ndim, 2)


def unless_batched(spatial: int) -> Callable[[int], int]:
    """Without a batch the channels come first."""
    return lambda ndim: 1 if ndim == spatial + 1 else 2


def row(name: str, check: Any, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    # torch's own functions raise RuntimeError, those of nn.functional ValueError.
    wrong = "ValueError" if name.startswith(F) else "RuntimeError"
    at = MATRIX if "1d" not in name else tensor(np.ones((2, 3, 4)), "float32")
    return OpCase(
        name=name,
        check=check,
        samples=samples,
        errors=(
            Error(S(at, 1.5, True), wrong, "probability"),
            Error(S(at, -0.1, True), wrong, "probability"),
            Error(S(tensor([[1, 2]]), 0.5, True), "RuntimeError", "Float|float"),
            *errors,
        ),
        **{"dtypes": ALL_FLOATS, "result": "first", "grad": ("float64",), "random": True, **fields},
    )


FLAT = Error(S(tensor([1.0, 2.0]), 0.5, True), "RuntimeError", "dim")
ONE_DIM = Error(S(tensor([1.0, 2.0]), 0.5, True), "RuntimeError", "2D or 3D")

CASES: list[OpCase] = [
    row("dropout", dropped(every), elements),
    row("dropout_", dropped(every), elements, layouts=False),
    row("feature_dropout", dropped(first_two), channels((3, 2, 2), (2, 2)), FLAT),
    row(F + "dropout1d", dropped(unless_batched(1)), channels((2, 3, 2), (3, 2)), ONE_DIM),
    row(F + "dropout2d", dropped(first_two), channels((2, 3, 2, 1)), FLAT),
    row(F + "dropout3d", dropped(unless_batched(3)), channels((2, 2, 2, 1, 2), (2, 2, 1, 2))),
    row("alpha_dropout", alpha_dropped(every), elements),
    row(F + "alpha_dropout", alpha_dropped(every), elements),
    row("feature_alpha_dropout", alpha_dropped(first_two), channels((3, 2, 2), (2, 2)), FLAT),
    row(F + "feature_alpha_dropout", alpha_dropped(first_two), channels((3, 2, 2), (2, 2)), FLAT),
]
