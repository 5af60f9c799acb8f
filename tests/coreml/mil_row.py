"""A line of the tables that the interpreter is tested by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

generator = np.random.default_rng(7)


def normal(*shape):
    return generator.standard_normal(shape).astype(np.float32)


def uniform(low, high, *shape):
    return generator.uniform(low, high, shape).astype(np.float32)


def integers(low, high, *shape):
    return generator.integers(low, high, shape).astype(np.int32)


@dataclass
class Row:
    """An operation, its arguments, and what it should give: arrays, or a function of the arguments.

    Attributes:
        half: whether it is tested in float16 too; not where rounding decides (sorting, steps).
        fixed: arguments that stand in the program instead of being inputs.
        rtol: in float32, relative to the greatest result.
    """

    op: str
    arguments: dict[str, Any]
    want: Any
    half: bool = True
    fixed: tuple[str, ...] = ()
    rtol: float = 2e-6

    def results(self, arguments=None) -> list[np.ndarray]:
        """The results, floats in float64; dtypes are those of `declared`."""
        given = self.arguments if arguments is None else arguments
        if not callable(self.want):
            return [np.asarray(self.want, np.float64)]
        wanted = self.want(*given.values()) if isinstance(self.want, np.ufunc) else self.want(**given)
        return [np.asarray(value) for value in (wanted if isinstance(wanted, tuple) else (wanted,))]

    def __str__(self) -> str:
        shown = [f"{name}={_brief(value)}" for name, value in self.arguments.items()]
        return f"{self.op}({','.join(shown)})".replace(" ", "")


def _brief(value) -> str:
    if isinstance(value, (np.ndarray, np.generic)):
        return "x".join(map(str, value.shape)) or str(value)
    return str([_brief(item) for item in value]) if isinstance(value, list) else str(value)


@dataclass
class Table:
    rows: list[Row] = field(default_factory=list)

    def add(self, op: str, want: Callable[..., Any] | Any, half=True, fixed=(), rtol=2e-6, **arguments: Any):
        self.rows.append(Row(op, arguments, want, half, fixed, rtol))


def wide(value):
    """Floats as float64, so that oracles round less than what they judge."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.astype(np.float64)
    return [wide(item) for item in value] if isinstance(value, list) else value
