"""The largest singular value by power iteration, for both ways of attaching spectral normalization."""

from __future__ import annotations

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import Tensor


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """The weight with `dim` as its rows and everything else as its columns."""
    if dim % weight.dim() != 0:
        weight = weight.movedim(dim, 0)
    return weight.reshape(weight.shape[0], -1)


def unit(x: Tensor, eps: float) -> Tensor:
    """x, of length one."""
    return F.normalize(x, dim=0, eps=eps)


def iterate(matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float) -> None:
    """Moves u and v, in place, towards the first singular vectors."""
    with rt.no_grad():
        for _ in range(steps):
            v.copy_(unit(rt.mv(matrix.t(), u), eps))
            u.copy_(unit(rt.mv(matrix, v), eps))


def sigma(matrix: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The singular value that u and v amount to; on copies, as the next step changes them in place."""
    return rt.vdot(u.clone(), rt.mv(matrix, v.clone()))
