"""Reading and writing by indices. Negative indices count from the end; others outside raise IndexError."""

from __future__ import annotations

import math

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_axis
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError, OutOfRangeError


def _wrapped(op: str, indices: Tensor, size: int) -> Tensor:
    """The indices as int64 from 0 to size - 1."""
    indices = indices.long()
    if indices.numel() == 0:
        return indices
    low, high = rt.aminmax(indices)
    if int(low) < -size or int(high) >= size:
        raise OutOfRangeError.of(op, f"the dim has size {size}", f"indices {int(low)} to {int(high)}")
    return rt.where(indices < 0, indices + size, indices) if int(low) < 0 else indices


def _leading(op: str, batch_dims: int, *tensors: Tensor) -> int:
    """The number of samples in the first `batch_dims` dims, which have to agree."""
    shapes = {tuple(tensor.shape[:batch_dims]) for tensor in tensors}
    if batch_dims < 0 or len(shapes) != 1 or any(tensor.dim() < batch_dims for tensor in tensors):
        raise OpError.of(op, f"the first {batch_dims} dims must agree", str(sorted(shapes)))
    return math.prod(shapes.pop())


@mil_op("gather", half=True)
def gather(x: Tensor, indices: Tensor, axis: int, batch_dims: int, validate_indices: bool) -> Tensor:
    """The slices of `x` along `axis` that `indices` names, which take that dim's place."""
    dim = check_axis("gather", x.dim(), axis)
    index = _wrapped("gather", indices, x.shape[dim])
    if batch_dims == 0:
        shape = (*x.shape[:dim], *index.shape, *x.shape[dim + 1 :])
        return rt.index_select(x, dim, index.reshape(-1)).reshape(shape)
    batch = _leading("gather", batch_dims, x, indices)
    if dim < batch_dims:
        raise ArgumentError.of("gather", "axis must be behind the batch dims", f"{axis} and {batch_dims}")
    before, behind = x.shape[batch_dims:dim], x.shape[dim + 1 :]
    blocks = x.reshape(batch, math.prod(before), x.shape[dim], math.prod(behind))
    rows = index.reshape(batch, -1)
    taken = blocks[rt.arange(batch, device=x.device).unsqueeze(1), :, rows]
    shape = (*x.shape[:batch_dims], *before, *index.shape[batch_dims:], *behind)
    return taken.permute(0, 2, 1, 3).reshape(shape)


@mil_op("gather_along_axis", half=True)
def gather_along_axis(x: Tensor, indices: Tensor, axis: int, validate_indices: bool) -> Tensor:
    dim = check_axis("gather_along_axis", x.dim(), axis)
    return rt.gather(x, dim, _wrapped("gather_along_axis", indices, x.shape[dim]))


def _rows(op: str, indices: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The place, counted through all of `sizes`, that each vector in the last dim of `indices` names."""
    row = rt.zeros(indices.shape[:-1], dtype=rt.int64, device=indices.device)
    for k, size in enumerate(sizes):
        row = row * size + _wrapped(op, indices[..., k], size)
    return row


def _depth(op: str, indices: Tensor, rank: int) -> int:
    depth = indices.shape[-1] if indices.dim() else 0
    if not 1 <= depth <= rank:
        raise OpError.of(op, f"the last dim of indices needs 1 to {rank} places", str(list(indices.shape)))
    return depth


@mil_op("gather_nd", half=True)
def gather_nd(x: Tensor, indices: Tensor, batch_dims: int, validate_indices: bool) -> Tensor:
    """What each vector in the last dim of `indices` names, in the dims behind the batch dims."""
    batch = _leading("gather_nd", batch_dims, x, indices)
    depth = _depth("gather_nd", indices, x.dim() - batch_dims)
    sizes, rest = x.shape[batch_dims : batch_dims + depth], x.shape[batch_dims + depth :]
    row = _rows("gather_nd", indices, tuple(sizes)).reshape(batch, -1)
    row = row + rt.arange(batch, device=x.device).unsqueeze(1) * math.prod(sizes)
    table = x.reshape(batch * math.prod(sizes), math.prod(rest))
    return rt.index_select(table, 0, row.reshape(-1)).reshape((*indices.shape[:-1], *rest))


def _write_rows(op: str, data: Tensor, index: Tensor, updates: Tensor, mode: str) -> Tensor:
    """(N, R) `data` with the (M, R) `updates` worked into the rows that `index` names."""
    if mode == "update":
        return rt.index_copy(data, 0, index, updates)
    if mode in ("add", "sub"):
        return rt.index_add(data, 0, index, updates, alpha=1 if mode == "add" else -1)
    if mode in ("mul", "max", "min"):
        return rt.index_reduce(data, 0, index, updates, {"mul": "prod", "max": "amax", "min": "amin"}[mode])
    if mode == "div":
        divisor = rt.index_reduce(rt.ones_like(data), 0, index, updates, "prod")
        return rt.div(data, divisor, rounding_mode=None if data.is_floating_point() else "trunc")
    raise ArgumentError.of(op, "unknown mode", mode, "add, div, max, min, mul, sub or update")


@mil_op("scatter")
def scatter(
    data: Tensor, indices: Tensor, updates: Tensor, axis: int, mode: str, validate_indices: bool
) -> Tensor:
    """`updates` has the dims of `indices` in the place of dim `axis`."""
    dim = check_axis("scatter", data.dim(), axis)
    index = _wrapped("scatter", indices, data.shape[dim]).reshape(-1)
    rows = data.movedim(dim, 0)
    before, behind = data.shape[:dim], data.shape[dim + 1 :]
    wanted = (*before, *indices.shape, *behind)
    if tuple(updates.shape) != wanted:
        raise OpError.of("scatter", f"updates needs shape {list(wanted)}", str(list(updates.shape)))
    blocks = updates.reshape((*before, index.numel(), *behind)).movedim(dim, 0)
    width = math.prod(before) * math.prod(behind)
    written = _write_rows(
        "scatter", rows.reshape(-1, width), index, blocks.reshape(index.numel(), width), mode
    )
    return written.reshape(rows.shape).movedim(0, dim)


@mil_op("scatter_nd")
def scatter_nd(data: Tensor, indices: Tensor, updates: Tensor, mode: str, validate_indices: bool) -> Tensor:
    """The vectors in the last dim of `indices` name elements or slices of `data`."""
    depth = _depth("scatter_nd", indices, data.dim())
    sizes, rest = data.shape[:depth], data.shape[depth:]
    wanted = (*indices.shape[:-1], *rest)
    if tuple(updates.shape) != wanted:
        raise OpError.of("scatter_nd", f"updates needs shape {list(wanted)}", str(list(updates.shape)))
    index = _rows("scatter_nd", indices, tuple(sizes)).reshape(-1)
    width = math.prod(rest)
    table = data.reshape(math.prod(sizes), width)
    written = _write_rows("scatter_nd", table, index, updates.reshape(index.numel(), width), mode)
    return written.reshape(data.shape)


@mil_op("scatter_along_axis")
def scatter_along_axis(
    data: Tensor, indices: Tensor, updates: Tensor, axis: int, mode: str, validate_indices: bool
) -> Tensor:
    """`updates` and `indices` have one shape, that of `data` but for the size along `axis`."""
    dim = check_axis("scatter_along_axis", data.dim(), axis)
    if updates.shape != indices.shape or updates.dim() != data.dim():
        raise OpError.of(
            "scatter_along_axis",
            "updates and indices need one shape, of the rank of data",
            f"{list(updates.shape)} and {list(indices.shape)}",
        )
    # Rows of one element each: the other indices of an element are its own.
    index = _wrapped("scatter_along_axis", indices, data.shape[dim])
    row = rt.zeros(index.shape, dtype=rt.int64, device=data.device)
    for k, size in enumerate(data.shape):
        if k == dim:
            place = index
        else:
            column = [1] * data.dim()
            column[k] = index.shape[k]
            place = rt.arange(index.shape[k], device=data.device).reshape(column)
        row = row * size + place
    flat, values = data.reshape(-1, 1), updates.reshape(-1, 1)
    return _write_rows("scatter_along_axis", flat, row.reshape(-1), values, mode).reshape(data.shape)
