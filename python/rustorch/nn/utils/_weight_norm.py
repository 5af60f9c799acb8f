"""The arithmetic of weight normalization, for both ways of attaching it."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The 2-norm over all dimensions but `dim` (which -1, torch's sign for none, leaves out too)."""
    if dim == -1:
        return rt.linalg.vector_norm(v)
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    # With one dimension, nothing is summed over: each element is its own norm.
    return rt.linalg.vector_norm(v, dim=others, keepdim=True) if others else v.abs()


def scaled_direction(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """``g * v / |v|``."""
    return v * (g / norm_except_dim(v, dim))
