"""Reductions, sorting, cumulative sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.elementwise import truth
from rustorch.coreml._lower.registry import Call, Unsupported, axis, lowers
from rustorch.coreml._lower.sizes import is_size
from rustorch.coreml.mil.program import DataType


def axes_of(dim: Any, x: Var) -> list[int]:
    """The dims that are reduced: all, where none are named."""
    if dim is None or (not isinstance(dim, int) and not len(dim)):
        return list(range(x.rank))
    listed = [dim] if isinstance(dim, int) else list(dim)
    return [d % x.rank for d in listed] if x.rank else []


@lowers("sum", "mean")
def _sum(c: Call, input: Var, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Var:
    x = c.b.cast(input, c.dtype)
    return c.b.reduce(f"reduce_{c.op}", x, axes_of(dim, x), keepdim)


@lowers("prod", "prod.dim_int")
def _prod(c: Call, input: Var, dim: int | None = None, keepdim: bool = False, dtype: Any = None) -> Var:
    x = c.b.cast(input, c.dtype)
    return c.b.reduce("reduce_prod", x, axes_of(dim, x), keepdim)


@lowers("amax", "amin")
def _amax(c: Call, input: Var, dim: Any = (), keepdim: bool = False) -> Var:
    return c.b.reduce("reduce_max" if c.op == "amax" else "reduce_min", input, axes_of(dim, input), keepdim)


@lowers("max", "min")
def _max(c: Call, input: Var) -> Var:
    return c.b.reduce(f"reduce_{c.op}", input, range(input.rank), False)


@lowers("max.dim", "min.dim")
def _max_dim(c: Call, input: Var, dim: int, keepdim: bool = False) -> list[Var]:
    which = c.op[:3]
    value = c.b.reduce(f"reduce_{which}", input, [dim], keepdim)
    return [value, _place(c, f"reduce_arg{which}", input, dim, keepdim)]


def _place(c: Call, type: str, x: Var, dim: int, keep: bool) -> Var:
    dim = axis(dim, x)
    shape = [1 if d == dim else n for d, n in enumerate(x.shape) if keep or d != dim]
    return c.b.op(type, shape, DataType.INT32, x=x, axis=dim, keep_dims=keep)


@lowers("argmax", "argmin")
def _argmax(c: Call, input: Var, dim: int | None = None, keepdim: bool = False) -> Var:
    if dim is None:
        flat = c.b.reshape(input, (math.prod(input.shape),))
        return c.b.reshape(_place(c, f"reduce_{c.op}", flat, 0, True), c.shape)
    return _place(c, f"reduce_{c.op}", input, dim, keepdim)


@lowers("any", "all")
def _any(c: Call, input: Var, dim: Any = None, keepdim: bool = False) -> Var:
    bits = c.b.cast(truth(c, input), DataType.INT32)
    found = c.b.reduce("reduce_max" if c.op == "any" else "reduce_min", bits, axes_of(dim, input), keepdim)
    return truth(c, found)


@lowers("count_nonzero")
def _count(c: Call, input: Var, dim: Any = None) -> Var:
    bits = c.b.cast(truth(c, input), DataType.INT32)
    return c.b.reduce("reduce_sum", bits, axes_of(dim, input), False)


@lowers("var.correction", "std.correction")
def _var(c: Call, input: Var, dim: Any = None, correction: Any = None, keepdim: bool = False) -> Var:
    b, axes = c.b, axes_of(dim, input)
    count = math.prod(input.shape[a] for a in axes)
    divisor = count - (1 if correction is None else correction)
    if divisor <= 0:
        raise Unsupported(f"{count} values with correction {correction}")
    away = b.binary("sub", input, b.reduce("reduce_mean", input, axes, True))
    if is_size(count):
        total = b.reduce("reduce_sum", b.unary("square", away), axes, keepdim)
        total, number = c.common(total, divisor, dtype=total.dtype)
        found = b.binary("real_div", total, number)
        return b.unary("sqrt", found) if c.op.startswith("std") else found
    mean = b.reduce("reduce_mean", b.unary("square", away), axes, keepdim)
    found = mean if divisor == count else b.binary("mul", mean, b.number(count / divisor, mean))
    return b.unary("sqrt", found) if c.op.startswith("std") else found


@lowers("logsumexp")
def _logsumexp(c: Call, input: Var, dim: Any, keepdim: bool = False) -> Var:
    x, b = c.floats(input), c.b
    axes = axes_of(dim, x)
    top = b.reduce("reduce_max", x, axes, True)
    total = b.reduce("reduce_sum", b.unary("exp", b.binary("sub", x, top)), axes, keepdim)
    return b.binary("add", b.unary("log", total, epsilon=0.0), b.reshape(top, total.shape))


@lowers("vector_norm")
def _vector_norm(
    c: Call, x: Var, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Var:
    if ord not in (1, 2):
        raise Unsupported(f"ord={ord}")
    return c.b.reduce(f"reduce_l{int(ord)}_norm", c.floats(x), axes_of(dim, x), keepdim)


@lowers("norm")
def _norm(c: Call, input: Var, p: Any, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Var:
    return _vector_norm(c, input, p, dim, keepdim)


@lowers("norm.str")
def _norm_str(
    c: Call, input: Var, p: str | None = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Var:
    if p not in (None, "fro"):
        raise Unsupported(f"p='{p}'")
    return _vector_norm(c, input, 2, dim, keepdim)


@lowers("cumsum")
def _cumsum(c: Call, input: Var, dim: int, dtype: Any = None) -> Var:
    x = c.b.cast(input, c.dtype)
    return c.b.unary("cumsum", x, axis=axis(dim, x), exclusive=False, reverse=False)


@lowers("topk")
def _topk(
    c: Call, input: Var, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Sequence[Var]:
    shape = c.shape
    return c.b.ops(
        "topk",
        [(shape, input.dtype), (shape, DataType.INT32)],
        x=input,
        k=k,
        axis=axis(dim, input),
        ascending=not largest,
    )


@lowers("argsort")
def _argsort(c: Call, input: Var, dim: int = -1, descending: bool = False, stable: bool = False) -> Var:
    return c.b.op(
        "argsort", input.shape, DataType.INT32, x=input, axis=axis(dim, input), ascending=not descending
    )


@lowers("sort")
def _sort(
    c: Call, input: Var, dim: int = -1, descending: bool = False, stable: bool | None = False
) -> Sequence[Var]:
    places = _argsort(c, input, dim, descending)
    values = c.b.op("gather_along_axis", input.shape, x=input, indices=places, axis=axis(dim, input))
    return [values, places]
