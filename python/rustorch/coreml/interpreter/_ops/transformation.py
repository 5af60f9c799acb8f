"""Operations that move elements: shapes, slices, permutations, blocks of space and depth."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_axis
from rustorch.coreml.interpreter._ops._padding import pad_spatial
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError, OutOfRangeError
from rustorch.nn import functional as F


@mil_op("reshape", half=True, view=True)
def reshape(x: Tensor, shape: list[int]) -> Tensor:
    """-1 stands for what is left, 0 for the size of `x` in that dim, counted from the last one."""
    if 0 in shape and x.numel():
        behind = len(shape) - x.dim()
        if any(size == 0 and not 0 <= i - behind < x.dim() for i, size in enumerate(shape)):
            raise OpError.of("reshape", "0 copies a size that x lacks", f"{list(x.shape)} to {shape}")
        shape = [x.shape[i - behind] if size == 0 else size for i, size in enumerate(shape)]
    return x.reshape(shape)


@mil_op("reshape_like", half=True, view=True)
def reshape_like(
    x: Tensor, ref_tensors: list[Tensor], begins: list[int], ends: list[int], end_masks: list[bool]
) -> Tensor:
    """To the sizes from `begins` to `ends` of each reference, one behind the other."""
    shape: list[int] = []
    for ref, begin, end, to_end in zip(ref_tensors, begins, ends, end_masks):
        shape += list(ref.shape)[begin : None if to_end else end]
    return x.reshape(shape)


@mil_op("transpose", half=True, view=True)
def transpose(x: Tensor, perm: list[int]) -> Tensor:
    return x.permute(perm)


@mil_op("expand_dims", half=True, view=True)
def expand_dims(x: Tensor, axes: list[int]) -> Tensor:
    rank = x.dim() + len(axes)
    for axis in sorted(check_axis("expand_dims", rank, axis) for axis in axes):
        x = x.unsqueeze(axis)
    return x


@mil_op("squeeze", half=True, view=True)
def squeeze(x: Tensor, axes: list[int] | None) -> Tensor:
    if axes is None:
        return x.squeeze()
    for axis in axes:
        if not -x.dim() <= axis < x.dim() or x.shape[axis] != 1:
            raise OpError.of("squeeze", f"dim {axis} has not size 1", str(list(x.shape)))
    return x.squeeze(tuple(axes))


def _parts(
    op: str,
    x: Tensor,
    begin: list[int],
    end: list[int],
    stride: list[int] | None,
    begin_mask: list[bool] | None,
    end_mask: list[bool] | None,
    squeeze_mask: list[bool] | None,
) -> tuple[list[slice], list[int], list[int]]:
    """The slices of all dims, the dims to turn round, and the dims to drop."""
    rank = x.dim()
    given = [
        values for values in (begin, end, stride, begin_mask, end_mask, squeeze_mask) if values is not None
    ]
    if any(len(values) != rank for values in given):
        raise ArgumentError.of(
            op, f"needs {rank} numbers for each of begin, end and masks", f"{begin}, {end}"
        )
    slices: list[slice] = []
    turned: list[int] = []
    dropped: list[int] = []
    for dim, length in enumerate(x.shape):
        if squeeze_mask is not None and squeeze_mask[dim]:
            place = begin[dim]
            if not -length <= place < length:
                raise OutOfRangeError.of(op, f"dim {dim} has size {length}", f"index {place}")
            slices.append(slice(place % length, place % length + 1))
            dropped.append(dim)
            continue
        step = 1 if stride is None else stride[dim]
        if step == 0:
            raise ArgumentError.of(op, "stride must not be 0", str(stride))
        first = None if begin_mask is not None and begin_mask[dim] else begin[dim]
        last = None if end_mask is not None and end_mask[dim] else end[dim]
        if step > 0:
            slices.append(slice(first, last, step))
            continue
        places = range(length)[first:last:step]
        if len(places):
            slices.append(slice(places[-1], places[0] + 1, -step))
            turned.append(dim)
        else:
            slices.append(slice(0, 0))
    return slices, turned, dropped


@mil_op("slice_by_index", half=True, view=True)
def slice_by_index(
    x: Tensor,
    begin: list[int],
    end: list[int],
    stride: list[int] | None,
    begin_mask: list[bool] | None,
    end_mask: list[bool] | None,
    squeeze_mask: list[bool] | None,
) -> Tensor:
    """``x[begin:end:stride]`` as in Python; masks leave a bound out, or take the one place `begin`."""
    masks = begin_mask, end_mask, squeeze_mask
    slices, turned, dropped = _parts("slice_by_index", x, begin, end, stride, *masks)
    y = x[tuple(slices)]
    if turned:
        y = rt.flip(y, turned)
    return y.squeeze(tuple(dropped)) if dropped else y


@mil_op("slice_update", half=True)
def slice_update(
    x: Tensor,
    update: Tensor,
    begin: list[int],
    end: list[int],
    stride: list[int] | None,
    begin_mask: list[bool] | None,
    end_mask: list[bool] | None,
    squeeze_mask: list[bool] | None,
) -> Tensor:
    """`x` with `update` in place of what `slice_by_index` would take."""
    masks = begin_mask, end_mask, squeeze_mask
    slices, turned, dropped = _parts("slice_update", x, begin, end, stride, *masks)
    for dim in dropped:
        update = update.unsqueeze(dim)
    if turned:
        update = rt.flip(update, turned)
    y = x.clone()
    y[tuple(slices)] = update
    return y


@mil_op("slice_by_size", half=True, view=True)
def slice_by_size(x: Tensor, begin: list[int], size: list[int]) -> Tensor:
    """`size` places from `begin` on in each dim; -1 is up to the end."""
    if not len(begin) == len(size) == x.dim():
        raise ArgumentError.of("slice_by_size", f"needs {x.dim()} numbers each", f"{begin} and {size}")
    for dim, (first, count) in enumerate(zip(begin, size)):
        length = x.shape[dim]
        first = first + length if first < 0 else first
        x = x.narrow(dim, first, length - first if count == -1 else count)
    return x


@mil_op("reverse", half=True)
def reverse(x: Tensor, axes: list[int] | None) -> Tensor:
    return rt.flip(x, list(range(x.dim())) if axes is None else axes)


@mil_op("reverse_sequence", half=True)
def reverse_sequence(x: Tensor, lengths: Tensor, seq_axis: int, batch_axis: int) -> Tensor:
    """Turns round the first `lengths[i]` places along `seq_axis` of the i-th sample."""
    seq, batch = (check_axis("reverse_sequence", x.dim(), axis) for axis in (seq_axis, batch_axis))
    column, row = [1] * x.dim(), [1] * x.dim()
    column[seq], row[batch] = x.shape[seq], x.shape[batch]
    places = rt.arange(x.shape[seq], device=x.device).reshape(column)
    count = lengths.long().reshape(row)
    source = rt.where(places < count, count - 1 - places, places)
    return rt.gather(x, seq, source.expand(x.shape))


@mil_op("sliding_windows", half=True, view=True)
def sliding_windows(x: Tensor, axis: int, size: int, stride: int) -> Tensor:
    """Windows along `axis`, which counts them; their elements come in the dim behind."""
    dim = check_axis("sliding_windows", x.dim(), axis)
    return x.unfold(dim, size, stride).movedim(-1, dim + 1)


@mil_op("pixel_shuffle", half=True)
def pixel_shuffle(x: Tensor, upscale_factor: int) -> Tensor:
    return F.pixel_shuffle(x, upscale_factor)


@mil_op("pixel_unshuffle", half=True)
def pixel_unshuffle(x: Tensor, downscale_factor: int) -> Tensor:
    return F.pixel_unshuffle(x, downscale_factor)


def _image(op: str, x: Tensor) -> tuple[int, int, int, int]:
    if x.dim() != 4:
        raise OpError.of(op, "needs (N, C, H, W)", str(list(x.shape)))
    batch, channels, height, width = x.shape
    return batch, channels, height, width


def _check_divides(op: str, what: str, block: int, size: int) -> None:
    if block < 1 or size % block:
        raise ArgumentError.of(op, f"the block must divide the {what}", f"{block} and {size}")


@mil_op("depth_to_space", half=True, view=True)
def depth_to_space(x: Tensor, block_size: int) -> Tensor:
    """Channel ``(i * block + j) * C + c`` goes to place (i, j) of the blocks of channel c."""
    b = block_size
    n, c, h, w = _image("depth_to_space", x)
    _check_divides("depth_to_space", "channels", b * b, c)
    blocks = x.reshape(n, b, b, c // (b * b), h, w).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(n, c // (b * b), h * b, w * b)


@mil_op("space_to_depth", half=True, view=True)
def space_to_depth(x: Tensor, block_size: int) -> Tensor:
    b = block_size
    n, c, h, w = _image("space_to_depth", x)
    _check_divides("space_to_depth", "height", b, h)
    _check_divides("space_to_depth", "width", b, w)
    return (
        x.reshape(n, c, h // b, b, w // b, b).permute(0, 3, 5, 1, 2, 4).reshape(n, c * b * b, h // b, w // b)
    )


def _margins(op: str, margins: list[list[int]], block_shape: list[int]) -> list[int]:
    flat = [int(n) for pair in margins for n in pair] if _is_pairs(margins) else []
    if len(flat) != 4 or min(flat) < 0 or len(block_shape) != 2:
        raise ArgumentError.of(op, "needs two sizes, and two pairs from 0 on", f"{block_shape} and {margins}")
    return flat


def _is_pairs(value: object) -> bool:
    rows = value if isinstance(value, list) else []
    return all(isinstance(row, list) and all(isinstance(n, (int, float)) for n in row) for row in rows)


@mil_op("space_to_batch", half=True)
def space_to_batch(x: Tensor, block_shape: list[int], paddings: list[list[int]]) -> Tensor:
    x = pad_spatial(x, _margins("space_to_batch", paddings, block_shape))
    n, c, h, w = _image("space_to_batch", x)
    high, wide = block_shape
    _check_divides("space_to_batch", "height", high, h)
    _check_divides("space_to_batch", "width", wide, w)
    blocks = x.reshape(n, c, h // high, high, w // wide, wide).permute(3, 5, 0, 1, 2, 4)
    return blocks.reshape(n * high * wide, c, h // high, w // wide)


@mil_op("batch_to_space", half=True, view=True)
def batch_to_space(x: Tensor, block_shape: list[int], crops: list[list[int]]) -> Tensor:
    top, bottom, left, right = _margins("batch_to_space", crops, block_shape)
    batch, c, h, w = _image("batch_to_space", x)
    high, wide = block_shape
    _check_divides("batch_to_space", "batch", high * wide, batch)
    n = batch // (high * wide)
    y = x.reshape(high, wide, n, c, h, w).permute(2, 3, 4, 0, 5, 1).reshape(n, c, h * high, w * wide)
    return y[:, :, top : h * high - bottom, left : w * wide - right]
