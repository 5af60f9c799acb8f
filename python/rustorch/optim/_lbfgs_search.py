"""A step length that meets the strong Wolfe conditions, for L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from rustorch import Tensor


class Point(NamedTuple):
    """The loss and its gradient at `t` steps along the direction; `slope` is their product."""

    t: float
    loss: float
    gradient: Tensor
    slope: float


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points and their slopes is least, within `bounds` (Nocedal and Wright,
    eq. 3.59); their middle if it has no minimum.
    """
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    if a.t == b.t:
        return (low + high) / 2
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    width = b.slope - a.slope + 2 * math.sqrt(square) if square >= 0 else math.nan
    if not abs(width) > 0:
        return (low + high) / 2
    least = b.t - (b.t - a.t) * ((b.slope + math.sqrt(square) - d1) / width)
    return min(max(least, low), high)


def strong_wolfe(
    at: Callable[[float], Point],
    start: Point,
    t: float,
    step_size: float,
    decrease: float = 1e-4,
    curvature: float = 0.9,
    tolerance: float = 1e-9,
    max_search: int = 25,
) -> tuple[Point, int]:
    """Nocedal and Wright, algorithms 3.5 and 3.6: brackets a good step, then zooms in on it.

    `step_size` is the largest element of the direction: a bracket that moves no element by more than
    `tolerance` is small enough. Gives the point and how many evaluations it took.
    """

    def too_high(p: Point) -> bool:
        return p.loss > start.loss + decrease * p.t * start.slope

    def flat_enough(p: Point) -> bool:
        return abs(p.slope) <= -curvature * start.slope

    point, evaluations = at(t), 1
    previous = start
    bracket: list[Point] = []
    searches = 0
    while searches < max_search:
        if too_high(point) or (searches > 1 and point.loss >= previous.loss):
            bracket = [previous, point]
            break
        if flat_enough(point):
            return point, evaluations
        if point.slope >= 0:
            bracket = [previous, point]
            break
        # Further out, but neither too little nor ten times as far.
        bounds = (point.t + 0.01 * (point.t - previous.t), point.t * 10)
        longer = cubic_minimum(previous, point, bounds)
        previous, point = point, at(longer)
        evaluations += 1
        searches += 1
    if not bracket:
        bracket = [start, point]
    return _zoom(at, bracket, evaluations, searches, too_high, flat_enough, step_size, tolerance, max_search)


def _zoom(
    at: Callable[[float], Point],
    bracket: list[Point],
    evaluations: int,
    searches: int,
    too_high: Callable[[Point], bool],
    flat_enough: Callable[[Point], bool],
    step_size: float,
    tolerance: float,
    max_search: int,
) -> tuple[Point, int]:
    low, high = sorted(bracket, key=lambda p: p.loss)
    slow = False
    while searches < max_search and abs(high.t - low.t) * step_size >= tolerance:
        left, right = sorted((low.t, high.t))
        t = cubic_minimum(low, high)
        # A point close to an end hardly shrinks the bracket: the second time, or beyond the end, it is
        # moved inwards.
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            if slow or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                slow = False
            else:
                slow = True
        else:
            slow = False
        point = at(t)
        evaluations += 1
        searches += 1
        if too_high(point) or point.loss >= low.loss:
            low, high = sorted((low, point), key=lambda p: p.loss)
            continue
        if flat_enough(point):
            return point, evaluations
        if point.slope * (high.t - low.t) >= 0:
            high = low
        low = point
    return low, evaluations


def as_point(t: float, loss: float, gradient: Tensor, direction: Any) -> Point:
    """The point at `t`, with its slope."""
    return Point(t, loss, gradient, float(gradient.dot(direction)))
