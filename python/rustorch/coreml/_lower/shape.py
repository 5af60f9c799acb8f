"""Ops that move elements and compute none: shapes, slices, joins, padding, tensors made of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import Call, Unsupported, axis, lowers
from rustorch.coreml._lower.sizes import is_size
from rustorch.coreml.mil.program import DataType

# ---- Shapes: the result's says all ----


@lowers("view", "expand_as", "reshape_as", "view_as", "ravel", "flatten", "unflatten", "reshape")
def _reshape(c: Call, input: Var, **sizes: Any) -> Var:
    if c.op == "expand_as":
        return c.b.expand(input, c.shape)
    return c.b.reshape(input, c.shape)


@lowers("squeeze", "squeeze.dim", "unsqueeze")
def _squeeze(c: Call, input: Var, dim: Any = None) -> Var:
    return c.b.reshape(input, c.shape)


@lowers("expand", "broadcast_to")
def _expand(c: Call, input: Var, size: Sequence[int]) -> Var:
    return c.b.expand(input, c.shape)


@lowers("repeat")
def _repeat(c: Call, input: Var, repeats: Sequence[int]) -> Var:
    x = c.b.reshape(input, (1,) * (len(repeats) - input.rank) + input.shape)
    if all(r == 1 for r in repeats):
        return x
    return c.b.op("tile", c.shape, x=x, reps=list(repeats))


@lowers("tile")
def _tile(c: Call, input: Var, dims: Sequence[int]) -> Var:
    return _repeat(c, input, [1] * (input.rank - len(dims)) + list(dims))


@lowers("repeat_interleave")
def _repeat_interleave(
    c: Call, input: Var, repeats: int, dim: int | None = None, output_size: int | None = None
) -> Var:
    if dim is None:
        input, dim = c.b.reshape(input, (math.prod(input.shape),)), 0
    dim = axis(dim, input)
    wide = (*input.shape[: dim + 1], 1, *input.shape[dim + 1 :])
    reps = [repeats if d == dim + 1 else 1 for d in range(len(wide))]
    shape = [n * r for n, r in zip(wide, reps)]
    return c.b.reshape(c.b.op("tile", shape, x=c.b.reshape(input, wide), reps=reps), c.shape)


@lowers("permute")
def _permute(c: Call, input: Var, dims: Sequence[int]) -> Var:
    return c.b.transpose(input, dims)


@lowers("transpose")
def _transpose(c: Call, input: Var, dim0: int, dim1: int) -> Var:
    order = list(range(input.rank))
    if order:
        order[dim0], order[dim1] = order[dim1], order[dim0]
    return c.b.transpose(input, order)


@lowers("t")
def _t(c: Call, input: Var) -> Var:
    return c.b.transpose(input, list(range(input.rank))[::-1])


@lowers("movedim")
def _movedim(c: Call, input: Var, source: Any, destination: Any) -> Var:
    listed = [[x] if isinstance(x, int) else list(x) for x in (source, destination)]
    sources, targets = ([d % input.rank for d in x] for x in listed)
    rest = [d for d in range(input.rank) if d not in sources]
    order = dict(zip(targets, sources))
    return c.b.transpose(input, [order[d] if d in order else rest.pop(0) for d in range(input.rank)])


@lowers("flip")
def _flip(c: Call, input: Var, dims: Any) -> Var:
    axes = [dims] if isinstance(dims, int) else list(dims)
    return c.b.unary("reverse", input, axes=[a % input.rank for a in axes])


# ---- Slices ----


@lowers("select")
def _select(c: Call, input: Var, dim: int, index: int) -> Var:
    dim = axis(dim, input)
    index %= input.shape[dim]
    return c.b.reshape(c.b.slice(input, dim, index, index + 1), c.shape)


@lowers("slice")
def _slice(
    c: Call, input: Var, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Var:
    dim = axis(dim, input)
    begin, last = bounds(start, end, input.shape[dim])
    return c.b.slice(input, dim, begin, max(last, begin), step)


def bounds(start: int | None, end: int | None, size: int) -> tuple[int, int]:
    """Where a slice begins and ends, counted from the front and within the size."""
    found = []
    for place, left_out in ((start, 0), (end, size)):
        place = left_out if place is None else place
        place = place if place == size or place >= 0 else max(place + size, 0)
        found.append(size if place == size or place > size else place)
    return found[0], found[1]


@lowers("narrow", "narrow_copy")
def _narrow(c: Call, input: Var, dim: int, start: int, length: int) -> Var:
    dim = axis(dim, input)
    start = start if start == 0 or start > 0 else start + input.shape[dim]
    return c.b.slice(input, dim, start, start + length)


def pieces(c: Call, x: Var, dim: int) -> list[Var]:
    """As many parts along a dim as the graph has results, of their sizes."""
    dim = axis(dim, x)
    parts, begin = [], 0
    for _, shape in c.results:
        parts.append(c.b.slice(x, dim, begin, begin + shape[dim]))
        begin += shape[dim]
    return parts


@lowers("split", "split.list")
def _split(c: Call, tensor: Var, split_size_or_sections: Any, dim: int = 0) -> list[Var]:
    return pieces(c, tensor, dim)


@lowers("split.method", "split.list_method")
def _split_method(c: Call, input: Var, split_size: Any, dim: int = 0) -> list[Var]:
    return pieces(c, input, dim)


@lowers("split_with_sizes")
def _split_sizes(c: Call, input: Var, split_sizes: Any, dim: int = 0) -> list[Var]:
    return pieces(c, input, dim)


@lowers("chunk")
def _chunk(c: Call, input: Var, chunks: int, dim: int = 0) -> list[Var]:
    return pieces(c, input, dim)


@lowers("unbind")
def _unbind(c: Call, input: Var, dim: int = 0) -> list[Var]:
    dim = axis(dim, input)
    return [c.b.reshape(c.b.slice(input, dim, i, i + 1), shape) for i, (_, shape) in enumerate(c.results)]


# ---- Joins ----


@lowers("cat")
def _cat(c: Call, tensors: Sequence[Var], dim: int = 0) -> Var:
    kept = [t for t in c.common(*tensors, dtype=c.dtype) if t.shape != (0,)]
    return c.b.concat(kept, dim % len(c.shape))


@lowers("stack")
def _stack(c: Call, tensors: Sequence[Var], dim: int = 0) -> Var:
    values = c.common(*tensors, dtype=c.dtype)
    return c.b.op("stack", c.shape, values=values, axis=dim % len(c.shape))


@lowers("hstack")
def _hstack(c: Call, tensors: Sequence[Var]) -> Var:
    values = [c.b.reshape(t, t.shape or (1,)) for t in c.common(*tensors, dtype=c.dtype)]
    return c.b.concat(values, 0 if len(c.shape) == 1 else 1)


@lowers("roll")
def _roll(c: Call, input: Var, shifts: Any, dims: Any = ()) -> Var:
    x = input if dims else c.b.reshape(input, (math.prod(input.shape),))
    moved = zip(
        [shifts] if isinstance(shifts, int) else shifts, ([dims] if isinstance(dims, int) else dims) or [0]
    )
    for shift, dim in moved:
        dim = axis(dim, x)
        cut = (-shift) % x.shape[dim]
        if cut:
            x = c.b.concat([c.b.slice(x, dim, cut, x.shape[dim]), c.b.slice(x, dim, 0, cut)], dim)
    return c.b.reshape(x, c.shape)


# ---- Padding ----


@lowers("pad", "constant_pad_nd")
def _pad(c: Call, input: Var, pad: Sequence[int], mode: str = "constant", value: Any = None) -> Var:
    b = c.b
    pairs = [(pad[2 * i], pad[2 * i + 1]) for i in range(len(pad) // 2)]  # of the last dim first
    x = input
    for i, (before, after) in enumerate(pairs):  # negative padding cuts off
        dim = x.rank - 1 - i
        x = b.slice(x, dim, max(-before, 0), x.shape[dim] - max(-after, 0))
    pairs = [(max(p, 0), max(q, 0)) for p, q in pairs]
    if not any(p or q for p, q in pairs):
        return x
    if mode == "circular":
        for i, (before, after) in enumerate(pairs):
            dim = x.rank - 1 - i
            n = x.shape[dim]
            ends = [b.slice(x, dim, n - before, n)] if before else []
            x = b.concat([*ends, x, *([b.slice(x, dim, 0, after)] if after else [])], dim)
        return x
    amounts = [p for pair in reversed(pairs) for p in pair]
    number = float(value or 0) if x.dtype.is_float else int(value or 0)
    if x.dtype is DataType.BOOL:
        raise Unsupported("bool")
    return b.op(
        "pad",
        c.shape,
        x=x,
        pad=amounts,
        mode={"constant": "constant", "reflect": "reflect", "replicate": "replicate"}[mode],
        constant_val=b.constant(number, x.dtype),
    )


# ---- Triangles and diagonals ----


@lowers("tril", "triu")
def _triangle(c: Call, input: Var, diagonal: int = 0) -> Var:
    b = c.b
    rows, columns = input.shape[-2:]
    if is_size(rows) or is_size(columns):
        down, across = b.reshape(b.arange(rows), (rows, 1)), b.reshape(b.arange(columns), (1, columns))
        kind = "less_equal" if c.op == "tril" else "greater_equal"
        right = b.binary("sub", across, down)
        mask = b.binary(kind, right, b.constant(diagonal), DataType.BOOL)
    else:
        ones = np.ones((rows, columns), np.bool_)
        found = np.tril(ones, diagonal) if c.op == "tril" else np.triu(ones, diagonal)
        mask = b.constant(found, DataType.BOOL)
    if input.dtype is DataType.BOOL:
        return b.binary("logical_and", input, mask)
    return b.op("select", input.shape, input.dtype, cond=mask, a=input, b=b.number(0, input))


# ---- Tensors made of numbers ----


@lowers(
    "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "empty_like", "new_empty"
)
def _filled(c: Call, input: Var, fill_value: Any = None, **options: Any) -> Var:
    value = fill_value if fill_value is not None else (1 if "ones" in c.op else 0)
    return c.b.full(c.shape, value, c.dtype)


@lowers("fill")
def _fill(c: Call, input: Var, value: Any) -> Var:
    return _filled(c, input, value)


# ---- Tensors made of nothing: constants, unless their sizes vary ----


@lowers("zeros", "ones", "full", "empty")
def _made(c: Call, size: Any, fill_value: Any = None, **options: Any) -> Var:
    value = fill_value if fill_value is not None else int(c.op == "ones")
    if is_size(value):
        return c.b.expand(c.common(value, dtype=c.dtype)[0], c.shape)
    return c.b.full(c.shape, value, c.dtype)


@lowers("arange", "arange.start")
def _arange(c: Call, end: Any, start: Any = 0, step: Any = 1, **options: Any) -> Var:
    b = c.b
    found = b.arange(c.shape[0])
    for type, number, neutral in (("mul", step, 1), ("add", start, 0)):
        if is_size(number) or number != neutral:
            x, y = c.common(found, number, dtype=DataType.INT32 if c.dtype is DataType.INT32 else None)
            found = b.binary(type, x, y)
    return b.cast(found, c.dtype)


@lowers("linspace")
def _linspace(c: Call, start: Any, end: Any, steps: Any, **options: Any) -> Var:
    b = c.b
    if steps == 1 or not c.dtype.is_float:
        raise Unsupported("one step" if steps == 1 else "integers")
    places, last, first = c.common(b.arange(c.shape[0]), steps - 1, start, dtype=c.dtype)
    reach = c.common(end, dtype=c.dtype)[0]
    # From both ends, so that each is met exactly.
    part = b.binary("real_div", places, last)
    rest = b.binary("sub", b.number(1, part), part)
    return b.binary("add", b.binary("mul", rest, first), b.binary("mul", part, reach))


@lowers("eye", "eye.m")
def _eye(c: Call, n: Any, m: Any = None, **options: Any) -> Var:
    b = c.b
    rows, columns = c.shape
    down, across = b.reshape(b.arange(rows), (rows, 1)), b.reshape(b.arange(columns), (1, columns))
    return b.cast(b.binary("equal", down, across, DataType.BOOL), c.dtype)
