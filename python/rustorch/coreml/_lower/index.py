"""Lookups by index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch.coreml._lower.builder import Var, broadcast
from rustorch.coreml._lower.registry import Call, Unsupported, axis, lowers
from rustorch.coreml.mil.program import DataType


def _gather(c: Call, x: Var, indices: Var, axis: int) -> Var:
    shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
    return c.b.op("gather", shape, x=x, indices=indices, axis=axis)


@lowers("embedding")
def _embedding(
    c: Call,
    input: Var,
    weight: Var,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Var:
    if max_norm is not None:
        raise Unsupported("max_norm")
    return _gather(c, weight, c.b.cast(input, DataType.INT32), 0)


@lowers("index_select")
def _index_select(c: Call, input: Var, dim: int, index: Var) -> Var:
    return _gather(c, input, c.b.reshape(index, index.shape or (1,)), axis(dim, input))


@lowers("gather", "take_along_dim")
def _gather_along(c: Call, input: Var, dim: int | None, index: Var | None = None, **options: Any) -> Var:
    places = index if index is not None else options["indices"]
    if dim is None:
        raise Unsupported("dim=None")
    dim = axis(dim, input)
    if c.op == "gather":  # the other dims may be shorter in the index
        for d in range(input.rank):
            if d != dim:
                input = c.b.slice(input, d, 0, places.shape[d])
    elif input.shape[:dim] + input.shape[dim + 1 :] != places.shape[:dim] + places.shape[dim + 1 :]:
        raise Unsupported("broadcasting")
    return c.b.op("gather_along_axis", places.shape, input.dtype, x=input, indices=places, axis=dim)


@lowers("index")
def _index(c: Call, input: Var, indices: Sequence[Var | None]) -> Var:
    given = [(d, i) for d, i in enumerate(indices) if i is not None]
    if any(i.dtype is DataType.BOOL for _, i in given):
        raise Unsupported("masks: the result's size depends on values")
    if len(given) == 1:
        return _gather(c, input, given[0][1], given[0][0])
    if [d for d, _ in given] != list(range(len(given))):
        raise Unsupported("several indices that do not stand first")
    b = c.b
    shape = broadcast(*(i.shape for _, i in given))
    places = b.op(
        "stack",
        (*shape, len(given)),
        values=[b.expand(i, shape) for _, i in given],
        axis=len(shape),
    )
    return b.op("gather_nd", (*shape, *input.shape[len(given) :]), input.dtype, x=input, indices=places)


@lowers("one_hot")
def _one_hot(c: Call, tensor: Var, num_classes: int = -1) -> Var:
    return c.b.op(
        "one_hot",
        c.shape,
        DataType.INT32,
        indices=tensor,
        one_hot_vector_size=c.shape[-1],
        axis=-1,
        on_value=1,
        off_value=0,
    )
