"""Shapes of inputs that are not fixed: ranges of sizes, and lists of shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rustorch.errors import ArgumentError

__all__ = ["EnumeratedShapes", "InputShape", "RangeDim"]


@dataclass(frozen=True, eq=False)
class RangeDim:
    """A size that may be anything from `lower_bound` to `upper_bound` (-1: any at all).

    Used in several places it is one and the same size there; sizes that vary each for itself are several
    ranges. `default` is the size of the examples where it is left out.

    >>> import rustorch as rt
    >>> length = rt.coreml.RangeDim(2, 64)
    >>> model = rt.coreml.to_model(rt.nn.ReLU(), rt.ones(1, 8), inputs={"x": (1, length)})
    >>> model.description.inputs[0].type.shape_range[1]
    SizeRange(lower=2, upper=64)
    """

    lower_bound: int = 1
    upper_bound: int = -1
    default: int | None = None

    def __post_init__(self) -> None:
        low, high = self.lower_bound, self.upper_bound
        within = self.default is None or (low <= self.default and (high < 0 or self.default <= high))
        if low < 1 or 0 <= high < low or not within:
            raise ArgumentError.of(
                "RangeDim",
                "needs 1 <= lower_bound <= default <= upper_bound",
                f"{low}, {self.default}, {high}",
            )


@dataclass(frozen=True, eq=False)
class EnumeratedShapes:
    """One of several shapes; `default` is that of the examples where it is left out.

    >>> import rustorch as rt
    >>> shapes = rt.coreml.EnumeratedShapes([(1, 8), (1, 16)])
    >>> model = rt.coreml.to_model(rt.nn.ReLU(), rt.ones(1, 8), inputs={"x": shapes})
    >>> model.description.inputs[0].type.enumerated_shapes
    ((1, 8), (1, 16))
    """

    shapes: Sequence[Sequence[int]]
    default: Sequence[int] | None = None

    def __post_init__(self) -> None:
        shapes = [tuple(shape) for shape in self.shapes]
        if not shapes or len({len(shape) for shape in shapes}) > 1 or len(set(shapes)) < len(shapes):
            raise ArgumentError.of("EnumeratedShapes", "needs different shapes of one rank", str(shapes))
        if self.default is not None and tuple(self.default) not in shapes:
            raise ArgumentError.of("EnumeratedShapes", "the default is none of the shapes", str(self.default))


InputShape: TypeAlias = "Sequence[int | RangeDim] | EnumeratedShapes | None"
