"""Distances between vectors."""

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
    norm: Tensor = rt.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)
    return norm


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The p-norm distances between all pairs of rows of an (N, M) matrix, N(N-1)/2 of them.

    >>> nn.functional.pdist(rt.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    if input.dim() != 2:
        raise RuntimeError(f"pdist: only supports 2D tensors, got: {input.dim()}D")
    n = input.shape[0]
    row, col = rt.triu(rt.ones((n, n), device=input.device), 1).nonzero().unbind(1)
    norm: Tensor = rt.linalg.vector_norm(input[row] - input[col], p, -1)
    return norm
