"""Matrix products and attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rustorch.coreml._lower.builder import Var, broadcast
from rustorch.coreml._lower.registry import Call, Unsupported, lowers
from rustorch.coreml._lower.sizes import is_size
from rustorch.coreml.mil.program import DataType

# Hides a score from a softmax; far from float16's limits, so that sums with it stay finite.
HIDDEN = -3e4


def product(c: Call, x: Var, y: Var, transpose_y: bool = False) -> Var:
    """x @ y with PyTorch's rules for vectors."""
    b = c.b
    x, y = c.floats(x), c.floats(y)
    left, right = x.rank == 1, y.rank == 1
    if left:
        x = b.reshape(x, (1, *x.shape))
    if right:
        y = b.reshape(y, (*y.shape, 1))
    columns = y.shape[-2] if transpose_y else y.shape[-1]
    shape = (*broadcast(x.shape[:-2], y.shape[:-2]), x.shape[-2], columns)
    found = b.op("matmul", shape, x=x, y=y, transpose_x=False, transpose_y=transpose_y)
    if left or right:
        kept = shape[:-2] + (() if left else (shape[-2],)) + (() if right else (shape[-1],))
        found = b.reshape(found, kept)
    return found


@lowers("matmul")
def _matmul(c: Call, input: Var, other: Var) -> Var:
    return product(c, input, other)


@lowers("mm", "bmm")
def _mm(c: Call, input: Var, mat2: Var) -> Var:
    return product(c, input, mat2)


@lowers("mv")
def _mv(c: Call, input: Var, vec: Var) -> Var:
    return product(c, input, vec)


@lowers("dot")
def _dot(c: Call, input: Var, tensor: Var) -> Var:
    return product(c, input, tensor)


@lowers("outer")
def _outer(c: Call, input: Var, vec2: Var) -> Var:
    return c.b.binary("mul", c.b.reshape(input, (*input.shape, 1)), c.b.reshape(vec2, (1, *vec2.shape)))


def _sum(c: Call, input: Var, product: Var, beta: Any, alpha: Any) -> Var:
    b = c.b
    if alpha != 1:
        product = b.binary("mul", product, b.number(alpha, product))
    if beta == 0:
        return product
    if beta != 1:
        input = b.binary("mul", input, b.number(beta, input))
    return b.binary("add", product, input)


@lowers("addmm")
def _addmm(c: Call, input: Var, mat1: Var, mat2: Var, beta: Any = 1, alpha: Any = 1) -> Var:
    return _sum(c, input, product(c, mat1, mat2), beta, alpha)


@lowers("baddbmm")
def _baddbmm(c: Call, input: Var, batch1: Var, batch2: Var, beta: Any = 1, alpha: Any = 1) -> Var:
    return _sum(c, input, product(c, batch1, batch2), beta, alpha)


@lowers("addmv")
def _addmv(c: Call, input: Var, mat: Var, vec: Var, beta: Any = 1, alpha: Any = 1) -> Var:
    return _sum(c, input, product(c, mat, vec), beta, alpha)


@lowers("linear")
def _linear(c: Call, input: Var, weight: Var, bias: Var | None = None) -> Var:
    b = c.b
    constant = b.is_constant(weight) and (bias is None or b.is_constant(bias))
    if constant and weight.rank == 2 and 1 <= input.rank <= 3:
        arguments: dict[str, Any] = {} if bias is None else {"bias": bias}
        return b.op("linear", (*input.shape[:-1], weight.shape[0]), x=input, weight=weight, **arguments)
    if weight.rank == 1:
        found = product(c, input, weight)
    else:
        found = product(c, input, weight, transpose_y=True)
    return found if bias is None else b.binary("add", found, bias)


@lowers("scaled_dot_product_attention")
def _attention(
    c: Call,
    query: Var,
    key: Var,
    value: Var,
    attn_mask: Var | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Var:
    b = c.b
    if dropout_p:
        raise Unsupported("dropout: call eval() on the module first")
    if enable_gqa and query.shape[-3] != key.shape[-3]:
        key, value = (_repeat_heads(c, x, query.shape[-3]) for x in (key, value))
    width = query.shape[-1]
    wanted = 1 / math.sqrt(width) if scale is None else scale
    rows, columns = query.shape[-2], key.shape[-2]
    if is_causal:
        if is_size(rows) or is_size(columns):
            down, across = b.reshape(b.arange(rows), (rows, 1)), b.reshape(b.arange(columns), (1, columns))
            attn_mask = b.binary("less_equal", across, down, DataType.BOOL)
        else:
            attn_mask = b.constant(np.tril(np.ones((rows, columns), np.bool_)), DataType.BOOL)
    if (
        b.opset >= "CoreML8"
        and query.rank >= 3
        and broadcast(query.shape[:-2], key.shape[:-2]) == (query.shape[:-2]) == key.shape[:-2]
    ):
        # The operation divides by the root of the width itself.
        factor = wanted * math.sqrt(width)
        if abs(factor - 1) > 1e-6:
            query = b.binary("mul", query, b.number(factor, query))
        arguments: dict[str, Any] = {} if attn_mask is None else {"attn_mask": attn_mask}
        shape = (*query.shape[:-1], value.shape[-1])
        return b.op("scaled_dot_product_attention", shape, query=query, key=key, value=value, **arguments)
    # Scaled first, so that the scores stay within float16.
    scores = product(c, b.binary("mul", query, b.number(wanted, query)), key, transpose_y=True)
    if attn_mask is not None and attn_mask.dtype is DataType.BOOL:
        shape = broadcast(scores.shape, attn_mask.shape)
        hidden = b.number(HIDDEN, scores)
        scores = b.op("select", shape, scores.dtype, cond=attn_mask, a=scores, b=hidden)
    elif attn_mask is not None:
        scores = b.binary("add", scores, b.cast(attn_mask, scores.dtype))
    return product(c, b.unary("softmax", scores, axis=-1), value)


def _repeat_heads(c: Call, x: Var, heads: int) -> Var:
    b = c.b
    *outer, have, rows, width = x.shape
    times = heads // have
    if len(outer) > 1:
        raise Unsupported("grouped heads with more than one batch dimension")
    wide = b.op(
        "tile",
        (*outer, have, times, rows, width),
        x=b.reshape(x, (*outer, have, 1, rows, width)),
        reps=[1] * (len(outer) + 1) + [times, 1, 1],
    )
    return b.reshape(wide, (*outer, heads, rows, width))
