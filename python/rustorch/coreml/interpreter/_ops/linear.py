"""Matrix products and attention."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.nn import functional as F


@mil_op("linear")
def linear(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.linear(x, weight, bias)


@mil_op("matmul")
def matmul(x: Tensor, y: Tensor, transpose_x: bool, transpose_y: bool) -> Tensor:
    if transpose_x and x.dim() > 1:
        x = x.mT
    if transpose_y and y.dim() > 1:
        y = y.mT
    return rt.matmul(x, y)


@mil_op("einsum", view=True)
def einsum(values: list[Tensor], equation: str) -> Tensor:
    return rt.einsum(equation, *values)


@mil_op("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None
) -> Tensor:
    return F.scaled_dot_product_attention(query, key, value, attn_mask=attn_mask)
