"""Ops that move elements and compute none: shapes, slices, joins, padding, tensors made of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import Call, Unsupported, axis, lowers
from rustorch.coreml.mil.program import DataType

# ---- Shapes: sizes are fixed, so the result's says all ----


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
        input, dim = c.b.reshape(input, (-1 if not input.rank else int(np.prod(input.shape)),)), 0
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
    return c.b.slice(input, dim, *slice(start, end, step).indices(input.shape[dim]))


@lowers("narrow", "narrow_copy")
def _narrow(c: Call, input: Var, dim: int, start: int, length: int) -> Var:
    dim = axis(dim, input)
    start %= max(input.shape[dim], 1)
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
    x = input if dims else c.b.reshape(input, (int(np.prod(input.shape)),))
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
    ones = np.ones(input.shape[-2:], np.bool_)
    mask = b.constant(np.tril(ones, diagonal) if c.op == "tril" else np.triu(ones, diagonal), DataType.BOOL)
    if input.dtype is DataType.BOOL:
        return b.binary("logical_and", input, mask)
    return b.op("select", input.shape, input.dtype, cond=mask, a=input, b=b.number(0, input))


# ---- Tensors made of numbers ----


@lowers(
    "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full", "empty_like", "new_empty"
)
def _filled(c: Call, input: Var, fill_value: Any = None, **options: Any) -> Var:
    value = fill_value if fill_value is not None else (1 if "ones" in c.op else 0)
    kind: Any = {DataType.BOOL: np.bool_, DataType.INT32: np.int32}.get(c.dtype, np.float32)
    return c.b.constant(np.full(c.shape, value, kind), c.dtype)


@lowers("fill")
def _fill(c: Call, input: Var, value: Any) -> Var:
    return _filled(c, input, value)
