"""grid_sample at coordinates that are not numbers, or infinite."""

from __future__ import annotations

import math

import pytest

import rustorch as rt
from rustorch.nn.functional import grid_sample

nan, inf = math.nan, math.inf


def image() -> rt.Tensor:
    return rt.arange(16.0).reshape(1, 1, 4, 4)


def at(*points: tuple[float, float]) -> rt.Tensor:
    return rt.tensor([[list(map(list, points))]])


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_nan_is_not_hidden_by_zeros_around_the_image(mode: str) -> None:
    found = grid_sample(image(), at((nan, 0.1), (0.2, nan), (0.0, 0.0)), mode, "zeros", False)
    assert rt.isnan(found).flatten().tolist() == [True, True, False]


def test_nan_is_outside_for_the_nearest_element() -> None:
    assert grid_sample(image(), at((nan, 0.1)), "nearest", "zeros", False).item() == 0


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_a_point_that_is_nowhere_gives_the_image_no_gradient(mode: str) -> None:
    x = image().requires_grad_()
    grid_sample(x, at((nan, 0.1), (0.0, 0.0)), mode, "zeros", False).sum().backward()
    assert rt.isfinite(x.grad).all()
    assert x.grad.sum().item() == pytest.approx(1)


@pytest.mark.parametrize(("x", "edge"), [(1e30, 3.0), (-1e30, 0.0), (inf, 3.0), (-inf, 0.0)])
@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
def test_far_away_is_the_nearest_border(mode: str, x: float, edge: float) -> None:
    assert grid_sample(image(), at((x, -1.0)), mode, "border", True).item() == pytest.approx(edge)
