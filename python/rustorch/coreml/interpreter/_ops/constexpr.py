"""Compressed constants: quantized, palettized, sparse, and both.

iOS 16's forms have packed bits and a shape beside them, iOS 18's tensors of narrow integers.
"""

from __future__ import annotations

import math

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_size
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import OpError


@mil_op("constexpr_cast", half=True, view=True)
def constexpr_cast(source_val: Tensor, output_dtype: str) -> Tensor:
    return source_val


def along_axis(values: Tensor, x: Tensor, axis: int | None, op: str) -> Tensor:
    """A scalar, or one value for each place along `axis`, shaped to broadcast with `x`."""
    if values.numel() == 1:
        return values.reshape(())
    known = axis is not None and -x.dim() <= axis < x.dim()
    if axis is None or not known or values.dim() != 1 or values.shape[0] != x.shape[axis]:
        raise OpError.of(
            op, "needs one value, or one for each place along axis", f"{list(values.shape)}, axis {axis}"
        )
    shape = [1] * x.dim()
    shape[axis] = -1
    return values.reshape(shape)


@mil_op("constexpr_affine_dequantize")
def constexpr_affine_dequantize(
    quantized_data: Tensor, zero_point: Tensor, scale: Tensor, axis: int
) -> Tensor:
    """``scale * (data - zero_point)``, by channels along `axis`."""
    op = "constexpr_affine_dequantize"
    x = quantized_data.float()
    return (x - along_axis(zero_point.float(), x, axis, op)) * along_axis(scale, x, axis, op)


def _blocks(x: Tensor, counts: tuple[int, ...], op: str) -> tuple[list[int], list[int]]:
    """Shapes that split each dim of `x` into `counts` blocks, and that broadcast values of blocks to them."""
    if len(counts) != x.dim() or any(n == 0 or size % n for n, size in zip(counts, x.shape)):
        raise OpError.of(op, "the numbers of blocks must divide the sizes", f"{counts} and {list(x.shape)}")
    split = [n for count, size in zip(counts, x.shape) for n in (count, size // count)]
    return split, [n for count in counts for n in (count, 1)]


def _shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None, op: str) -> Tensor:
    split, per_block = _blocks(data, tuple(scale.shape), op)
    x = data.float().reshape(split)
    if offset is not None:
        if offset.shape != scale.shape:
            raise OpError.of(op, "offset needs the shape of scale", str(list(offset.shape)))
        x = x - offset.float().reshape(per_block)
    return (x * scale.float().reshape(per_block)).reshape(data.shape)


@mil_op("constexpr_blockwise_shift_scale")
def constexpr_blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None) -> Tensor:
    """``scale * (data - offset)``, by blocks in all dims."""
    return _shift_scale(data, scale, offset, "constexpr_blockwise_shift_scale")


def _unpack(packed: Tensor, bits: int, shape: list[int], op: str) -> Tensor:
    """Numbers of `bits` bits each from bytes, the lowest bits first."""
    check_size(op, shape)
    count = math.prod(shape)
    flat = packed.reshape(-1).to(rt.int32)
    if flat.shape[0] * 8 < count * bits:
        raise OpError.of(op, f"{count} elements of {bits} bits need more bytes", str(flat.shape[0]))
    places = rt.arange(8, dtype=rt.int32, device=packed.device)
    all_bits = rt.bitwise_and(rt.bitwise_right_shift(flat.unsqueeze(1), places), 1).reshape(-1)
    digits = all_bits[: count * bits].reshape(count, bits)
    weights = rt.bitwise_left_shift(rt.ones_like(places[:bits]), places[:bits])
    return rt.sum(digits * weights, 1).reshape(shape)


def _look_up(indices: Tensor, lut: Tensor, vector_axis: int | None, op: str) -> Tensor:
    """The table's entries, by blocks with a table each; vectors are laid along `vector_axis`."""
    rank = indices.dim()
    if lut.dim() != rank + 2:
        raise OpError.of(op, f"lut needs rank {rank + 2}", str(list(lut.shape)))
    entries, width = lut.shape[-2:]
    if width > 1 and vector_axis is None:
        raise OpError.of(op, "vectors need a vector_axis", str(list(lut.shape)))
    index = indices.long()
    if index.numel() and int(index.max()) >= entries:
        raise OpError.of(op, f"the table has {entries} entries", f"index {int(index.max())}")
    split, per_block = _blocks(indices, tuple(lut.shape[:rank]), op)
    tables = math.prod(lut.shape[:rank])
    first = (rt.arange(tables, device=lut.device) * entries).reshape(per_block)
    row = (index.reshape(split) + first).reshape(-1)
    taken = rt.index_select(lut.reshape(tables * entries, width), 0, row)
    if width == 1 or vector_axis is None:
        return taken.reshape(indices.shape)
    axis = vector_axis % rank
    return taken.reshape((*indices.shape, width)).movedim(-1, axis + 1).flatten(axis, axis + 1)


@mil_op("constexpr_lut_to_dense", half=True)
def constexpr_lut_to_dense(
    indices: Tensor, lut: Tensor, shape: list[int] | None, vector_axis: int | None
) -> Tensor:
    op = "constexpr_lut_to_dense"
    if shape is None:
        return _look_up(indices, lut, vector_axis, op)
    entries = lut.numel()
    bits = entries.bit_length() - 1
    if entries != 1 << bits or not 1 <= bits <= 8:
        raise OpError.of(op, "lut needs a power of two of entries, 256 at most", str(entries))
    row = _unpack(indices, bits, shape, op).reshape(-1)
    return rt.index_select(lut.reshape(-1), 0, row).reshape(shape)


def _densify(mask: Tensor, values: Tensor, op: str) -> Tensor:
    keep = mask != 0
    count = int(rt.sum(keep))
    if values.dim() != 1 or values.shape[0] != count:
        raise OpError.of(op, f"the mask has {count} places", f"{list(values.shape)} values")
    dense = rt.zeros(mask.shape, dtype=values.dtype, device=values.device)
    dense[keep] = values
    return dense


@mil_op("constexpr_sparse_to_dense", half=True)
def constexpr_sparse_to_dense(nonzero_data: Tensor, mask: Tensor, shape: list[int] | None) -> Tensor:
    op = "constexpr_sparse_to_dense"
    if shape is not None:
        mask = _unpack(mask, 1, shape, op)
    return _densify(mask, nonzero_data, op)


@mil_op("constexpr_lut_to_sparse", half=True)
def constexpr_lut_to_sparse(
    indices_mask: Tensor, indices_nonzero_data: Tensor, lut: Tensor, vector_axis: int | None
) -> tuple[Tensor, Tensor]:
    op = "constexpr_lut_to_sparse"
    dense = _look_up(_densify(indices_mask, indices_nonzero_data, op), lut, vector_axis, op)
    mask = indices_mask
    if lut.shape[-1] > 1 and vector_axis is not None:
        mask = mask.repeat_interleave(lut.shape[-1], vector_axis)
    return mask, dense[mask != 0]


@mil_op("constexpr_sparse_blockwise_shift_scale")
def constexpr_sparse_blockwise_shift_scale(
    data_mask: Tensor, nonzero_data: Tensor, scale: Tensor, offset: Tensor | None
) -> tuple[Tensor, Tensor]:
    op = "constexpr_sparse_blockwise_shift_scale"
    dense = _shift_scale(_densify(data_mask, nonzero_data, op), scale, offset, op)
    return data_mask, dense[data_mask != 0]
