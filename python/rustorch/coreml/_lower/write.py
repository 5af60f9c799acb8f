"""Writes into a part of a tensor, by place or by index: the tensor with that part replaced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch.coreml._lower.builder import Var, broadcast
from rustorch.coreml._lower.registry import Call, Unsupported, axis, lowers
from rustorch.coreml._lower.shape import bounds
from rustorch.coreml._lower.sizes import ceil_div, is_size
from rustorch.coreml.mil.program import DataType


@lowers("copy")
def _copy(c: Call, self: Var, src: Var, non_blocking: bool = False) -> Var:
    return c.b.expand(c.b.cast(src, c.dtype), c.shape)


# ---- By place ----


def _between(c: Call, x: Var, part: Var, dim: int, begin: int, end: int, step: int = 1) -> Var:
    b = c.b
    sizes = [ceil_div(end - begin, step) if d == dim else n for d, n in enumerate(x.shape)]
    part = b.expand(b.cast(part, x.dtype), sizes)
    if b.opset >= "CoreML8" and x.dtype is not DataType.BOOL:
        first, last, stride = [0] * x.rank, list(x.shape), [1] * x.rank
        first[dim], last[dim], stride[dim] = begin, end, step
        masks: dict[str, Any] = {}
        if any(map(is_size, last)):
            masks["end_mask"] = [d != dim or end == x.shape[dim] for d in range(x.rank)]
            last = [0 if whole else n for whole, n in zip(masks["end_mask"], last)]
        return b.op("slice_update", x.shape, x=x, update=part, begin=first, end=last, stride=stride, **masks)
    if step != 1:
        raise Unsupported("steps, before macOS 15")
    around = [b.slice(x, dim, 0, begin)] if begin else []
    around.append(part)
    if end < x.shape[dim]:
        around.append(b.slice(x, dim, end, x.shape[dim]))
    return b.concat(around, dim)


@lowers("select_scatter")
def _select_scatter(c: Call, input: Var, src: Var, dim: int, index: int) -> Var:
    dim = axis(dim, input)
    index %= input.shape[dim]
    shape = list(input.shape)
    shape[dim] = 1
    src = c.b.expand(src, input.shape[:dim] + input.shape[dim + 1 :])
    return _between(c, input, c.b.reshape(src, shape), dim, index, index + 1)


@lowers("slice_scatter")
def _slice_scatter(
    c: Call,
    input: Var,
    src: Var,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Var:
    dim = axis(dim, input)
    begin, last = bounds(start, end, input.shape[dim])
    return input if last <= begin else _between(c, input, src, dim, begin, last, step)


# ---- By index ----


def _scatter(c: Call, x: Var, index: Var, source: Var, dim: int, mode: str) -> Var:
    """Whole slices along one dim."""
    index = c.b.reshape(index, index.shape or (1,))
    shape = (*x.shape[:dim], *index.shape, *x.shape[dim + 1 :])
    source = c.b.expand(c.b.cast(source, x.dtype), shape)
    return c.b.op("scatter", x.shape, data=x, indices=index, updates=source, axis=dim, mode=mode)


@lowers("index_copy")
def _index_copy(c: Call, input: Var, dim: int, index: Var, source: Var) -> Var:
    return _scatter(c, input, index, source, axis(dim, input), "update")


@lowers("index_add")
def _index_add(c: Call, input: Var, dim: int, index: Var, source: Var, alpha: Any = 1) -> Var:
    source = c.b.cast(source, input.dtype)
    if alpha != 1:
        source = c.b.binary("mul", source, c.b.number(alpha, source))
    return _scatter(c, input, index, source, axis(dim, input), "add")


@lowers("index_put")
def _index_put(
    c: Call, input: Var, indices: Sequence[Var | None], values: Var, accumulate: bool = False
) -> Var:
    b, mode = c.b, "add" if accumulate else "update"
    given = [(d, i) for d, i in enumerate(indices) if i is not None]
    if not given or input.dtype is DataType.BOOL:
        raise Unsupported("bools" if given else "no indices")
    if any(i.dtype is DataType.BOOL for _, i in given):
        if accumulate or len(given) > 1 or given[0][0] or values.rank:
            raise Unsupported("masks with values of a size that depends on them")
        mask = given[0][1]
        mask = b.reshape(mask, (*mask.shape, *[1] * (input.rank - mask.rank)))
        return b.op("select", input.shape, input.dtype, cond=mask, a=b.cast(values, input.dtype), b=input)
    if len(given) == 1:
        return _scatter(c, input, given[0][1], values, given[0][0], mode)
    if [d for d, _ in given] != list(range(len(given))):
        raise Unsupported("several indices that do not stand first")
    shape = broadcast(*(i.shape for _, i in given)) or (1,)
    places = b.op(
        "stack",
        (*shape, len(given)),
        values=[b.expand(i, shape) for _, i in given],
        axis=len(shape),
    )
    updates = b.expand(b.cast(values, input.dtype), (*shape, *input.shape[len(given) :]))
    return b.op("scatter_nd", input.shape, data=input, indices=places, updates=updates, mode=mode)


@lowers("scatter.src", "scatter_add")
def _scatter_along(c: Call, input: Var, dim: int, index: Var, src: Var) -> Var:
    dim = axis(dim, input)
    if input.shape[:dim] + input.shape[dim + 1 :] != index.shape[:dim] + index.shape[dim + 1 :]:
        raise Unsupported("an index that is shorter in other dims")
    for d in range(index.rank):
        src = c.b.slice(src, d, 0, index.shape[d])
    return c.b.op(
        "scatter_along_axis",
        input.shape,
        data=input,
        indices=index,
        updates=c.b.cast(src, input.dtype),
        axis=dim,
        mode="add" if c.op == "scatter_add" else "update",
    )
