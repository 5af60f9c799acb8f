"""Norms of vectors and matrices, composed of core operations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import rustorch as rt
from rustorch import _C


def vector_norm(
    x: Any,
    ord: float | str = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Any = None,
) -> Any:
    """The `ord`-norm of the elements over some dims, or over all; `ord` may be any number, also infinite.

    The gradient at a zero vector is zero for order 2. Follows ``torch.linalg.vector_norm``.

    >>> import rustorch as rt
    >>> rt.linalg.vector_norm(rt.tensor([3.0, 4.0]))
    tensor(5.)
    """
    kind = x.dtype if dtype is None else dtype
    if not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(f"vector_norm: Expected a floating point or complex tensor as input. Got {kind}")
    if isinstance(ord, str):
        raise TypeError("vector_norm: argument 'ord' (position 2) must be Number, not str")
    values = x if dtype is None else x.to(dtype)
    dims = list(range(x.dim())) if dim is None else [dim] if isinstance(dim, int) else [int(d) for d in dim]
    size = values.abs()
    if math.isinf(ord):
        if any(x.shape[d] == 0 for d in dims):
            raise RuntimeError("vector_norm: cannot compute an infinity norm over an empty dimension")
        result = size if not dims else size.amax(dims, keepdim) if ord > 0 else size.amin(dims, keepdim)
    elif ord == 0:
        result = (size != 0).to(size.dtype).sum(dims, keepdim) if dims else (size != 0).to(size.dtype)
    elif not dims:
        result = size
    elif ord == 1:
        result = size.sum(dims, keepdim)
    elif ord == 2:
        square = (size * size).sum(dims, keepdim)
        # The root's slope at zero is infinite; zero vectors are taken around it.
        zero = square == 0
        result = square.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)
    else:
        result = size.pow(ord).sum(dims, keepdim).pow(1.0 / ord)
    return result if out is None else _into(out, result)


def _into(out: Any, result: Any) -> Any:
    with rt.no_grad():
        return out.resize_(result.shape).copy_(result)


def matrix_or_vector_norm(
    A: Any,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    out: Any = None,
    dtype: Any = None,
) -> Any:
    """A vector norm, or for a named order or two dims a matrix norm. Follows ``torch.linalg.norm``.

    >>> import rustorch as rt
    >>> rt.linalg.norm(rt.ones(2, 2))
    tensor(2.)
    """
    one_dim = isinstance(dim, int) or (dim is not None and len(dim) == 1)
    if ord is None or one_dim or (dim is None and A.dim() == 1):
        if isinstance(ord, str):
            raise RuntimeError(f"linalg.norm: order '{ord}' is a matrix norm; got an input of {A.dim()} dims")
        return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype, out=out)
    dims = (-2, -1) if dim is None or isinstance(dim, int) else tuple(dim)
    if dim is None and A.dim() != 2:
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got a tensor with "
            f"{A.dim()} dims"
        )
    if ord == "fro":
        return vector_norm(A, 2, dims, keepdim, dtype=dtype, out=out)
    result = rt.linalg.matrix_norm(A, ord, dims, keepdim, dtype=dtype)
    return result if out is None else _into(out, result)


def norm(
    input: Any,
    p: float | str | None = "fro",
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    out: Any = None,
    dtype: Any = None,
) -> Any:
    """The p-norm over some dims, or of all elements; "fro" is order 2, "nuc" the sum of singular values.

    Follows ``torch.norm``.

    >>> import rustorch as rt
    >>> rt.norm(rt.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if p == "nuc":
        dims: Any = (-2, -1) if dim is None else dim
        result = rt.linalg.matrix_norm(input, "nuc", dims, keepdim, dtype=dtype)
        return result if out is None else _into(out, result)
    order = 2.0 if p is None or p == "fro" else p
    return vector_norm(input, order, dim, keepdim, dtype=dtype, out=out)


def detach(input: Any) -> Any:
    """The same memory without history. Follows ``torch.detach``.

    >>> import rustorch as rt
    >>> rt.detach(rt.ones(1, requires_grad=True)).requires_grad
    False
    """
    return _C._detach(input)
