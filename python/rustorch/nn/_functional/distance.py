"""Distances and the bilinear form."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of ``x1 - x2 + eps`` over the last dimension; the inputs broadcast.

    >>> nn.functional.pairwise_distance(rt.tensor([[0.0, 0.0]]), rt.tensor([[3.0, 4.0]]), eps=0)
    tensor([5.])
    """
    return rt.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The p-norm distances between all pairs of rows of an (N, M) matrix, N(N-1)/2 of them.

    >>> nn.functional.pdist(rt.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    if input.dim() != 2:
        raise RuntimeError(f"pdist: only supports 2D tensors, got: {input.dim()}D")
    n = input.shape[0]
    row, col = rt.triu(rt.ones((n, n), device=input.device), 1).nonzero().unbind(1)
    return rt.linalg.vector_norm(input[row] - input[col], p, -1)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``x1^T W_k x2 + b_k`` for (*, in1) and (*, in2) inputs and an (out, in1, in2) weight.

    >>> nn.functional.bilinear(rt.ones(1, 2), rt.ones(1, 3), rt.ones(1, 2, 3))
    tensor([[6.]])
    """
    if tuple(input1.shape[:-1]) != tuple(input2.shape[:-1]):
        raise RuntimeError(
            "bilinear: input dimensions do not match before the last one; got "
            f"{tuple(input1.shape)} and {tuple(input2.shape)}"
        )
    if input1.shape[-1] != weight.shape[1] or input2.shape[-1] != weight.shape[2]:
        raise RuntimeError(
            f"bilinear: input sizes {input1.shape[-1]} and {input2.shape[-1]} do not match weight sizes; got "
            f"a weight of shape {tuple(weight.shape)}"
        )
    out = rt.einsum("...i,oij,...j->...o", input1, weight, input2)
    return out if bias is None else out + bias
