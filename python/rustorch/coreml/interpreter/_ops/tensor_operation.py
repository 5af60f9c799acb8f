"""Operations on whole tensors: joining, splitting, filling, sorting, selecting."""

from __future__ import annotations

import math

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_axis, check_size
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError, OutOfRangeError
from rustorch.nn import functional as F


@mil_op("concat", half=True, view=True)
def concat(values: list[Tensor], axis: int, interleave: bool) -> Tensor:
    """Scalars count as vectors of one element. `interleave` takes one slice of each in turn."""
    values = [value.reshape(1) if value.dim() == 0 else value for value in values]
    check_size("concat", [sum(value.numel() for value in values)])
    if not interleave:
        return rt.cat(values, axis)
    dim = check_axis("concat", values[0].dim(), axis)
    return rt.stack(values, dim + 1).flatten(dim, dim + 1)


@mil_op("stack", half=True)
def stack(values: list[Tensor], axis: int) -> Tensor:
    return rt.stack(values, axis)


@mil_op("split", half=True, view=True)
def split(x: Tensor, num_splits: int | None, split_sizes: list[int] | None, axis: int) -> tuple[Tensor, ...]:
    axis = check_axis("split", x.dim(), axis)
    if split_sizes:
        return tuple(rt.split(x, split_sizes, axis))
    if not num_splits or x.shape[axis] % num_splits:
        raise ArgumentError.of(
            "split", "num_splits must divide the size", f"{num_splits} and {x.shape[axis]}"
        )
    return tuple(rt.split(x, x.shape[axis] // num_splits, axis)) if x.shape[axis] else (x,) * num_splits


@mil_op("tile", half=True)
def tile(x: Tensor, reps: list[int]) -> Tensor:
    if len(reps) != x.dim():
        raise ArgumentError.of("tile", f"reps needs {x.dim()} numbers", str(reps))
    check_size("tile", [n * size for n, size in zip(reps, x.shape)])
    return x.repeat(reps)


@mil_op("fill", wants=("outputs", "device"))
def fill(shape: list[int], value: float, outputs: list[rt.dtype], device: str) -> Tensor:
    check_size("fill", shape)
    return rt.full(shape, value, dtype=outputs[0], device=device)


@mil_op("fill_like", half=True, wants=("outputs",))
def fill_like(ref_tensor: Tensor, value: float, outputs: list[rt.dtype]) -> Tensor:
    return rt.full_like(ref_tensor, value, dtype=outputs[0])


@mil_op("range_1d", wants=("outputs", "device"))
def range_1d(end: float, start: float, step: float, outputs: list[rt.dtype], device: str) -> Tensor:
    if step == 0 or not all(map(math.isfinite, (start, end, step))):
        raise ArgumentError.of("range_1d", "numbers must be finite and step not 0", f"{start}, {end}, {step}")
    count = max(0, math.ceil((end - start) / step))
    check_size("range_1d", [count])
    if count == 0:
        return rt.empty(0, dtype=outputs[0], device=device)
    return rt.arange(start, end, step, dtype=outputs[0], device=device)


@mil_op("shape", half=True, wants=("device",))
def shape(x: Tensor, device: str) -> Tensor:
    return rt.tensor(list(x.shape), dtype=rt.int32, device=device)


@mil_op("flatten2d", half=True, view=True)
def flatten2d(x: Tensor, axis: int) -> Tensor:
    if not -x.dim() <= axis <= x.dim():
        raise OutOfRangeError.of("flatten2d", f"axis is outside of {-x.dim()} to {x.dim()}", str(axis))
    first = math.prod(x.shape[:axis] if axis >= 0 else x.shape[: x.dim() + axis])
    return x.reshape(first, x.numel() // first if first else 0)


@mil_op("band_part", half=True, view=True)
def band_part(x: Tensor, lower: int, upper: int) -> Tensor:
    """Zeros but for `lower` diagonals below the main one and `upper` above; negative keeps all."""
    if lower >= 0:
        x = rt.triu(x, -lower)
    return rt.tril(x, upper) if upper >= 0 else x


@mil_op("non_zero")
def non_zero(x: Tensor) -> Tensor:
    return rt.nonzero(x)


@mil_op("one_hot", wants=("outputs",))
def one_hot(
    indices: Tensor,
    one_hot_vector_size: int,
    axis: int,
    on_value: float,
    off_value: float,
    outputs: list[rt.dtype],
) -> Tensor:
    check_size("one_hot", [*indices.shape, one_hot_vector_size])
    classes = rt.arange(one_hot_vector_size, device=indices.device)
    hot = (indices.unsqueeze(-1) == classes).movedim(-1, axis)
    on = rt.tensor(on_value, dtype=outputs[0], device=indices.device)
    off = rt.tensor(off_value, dtype=outputs[0], device=indices.device)
    return rt.where(hot, on, off)


def _mirrored(length: int, before: int, after: int, mode: str, device: rt.device) -> Tensor:
    """For each place of the padded dim the place of `x` that it shows."""
    places = rt.arange(-before, length + after, device=device)
    if mode == "replicate":
        return rt.clamp(places, 0, length - 1)
    last = length - 1
    return last - rt.abs(last - rt.abs(places))


@mil_op("pad", half=True, view=True)
def pad(x: Tensor, pad: list[int], mode: str, constant_val: float) -> Tensor:
    """`pad` gives what comes before and after each of the last dims."""
    if len(pad) % 2 or len(pad) > 2 * x.dim():
        raise ArgumentError.of("pad", f"pad needs two numbers a dim, {2 * x.dim()} at most", str(pad))
    pairs = list(zip(pad[::2], pad[1::2]))
    first = x.dim() - len(pairs)
    sizes = [size + sum(pair) for size, pair in zip(x.shape[first:], pairs)]
    check_size("pad", [*x.shape[:first], *sizes])
    if mode == "constant":
        return F.pad(x, [n for pair in reversed(pairs) for n in pair], value=constant_val)
    if mode not in ("reflect", "replicate"):
        raise ArgumentError.of("pad", "unknown mode", mode, "constant, reflect or replicate")
    for dim, (before, after) in enumerate(pairs, start=first):
        if before == after == 0:
            continue
        length = x.shape[dim]
        most = length - 1 if mode == "reflect" else max(before, after) if length else -1
        if min(before, after) < 0 or max(before, after) > most:
            raise OpError.of("pad", f"{mode} takes 0 to {most} in dim {dim}", str([before, after]))
        x = rt.index_select(x, dim, _mirrored(length, before, after, mode, x.device))
    return x


@mil_op("argsort", half=True)
def argsort(x: Tensor, axis: int, ascending: bool) -> Tensor:
    return rt.argsort(x, dim=axis, descending=not ascending, stable=True)


@mil_op("topk", half=True)
def topk(
    x: Tensor,
    k: int,
    axis: int,
    ascending: bool,
    sort: bool,
    return_indices: bool,
    output_indices_dtype: str | None,
) -> Tensor | tuple[Tensor, Tensor]:
    """The `k` largest elements (smallest with `ascending`), in order whatever `sort` says; -1 is all."""
    axis = check_axis("topk", x.dim(), axis)
    count = x.shape[axis] if k == -1 else k
    values, indices = rt.topk(x, count, axis, not ascending, True)
    return (values, indices) if return_indices else values


def _overlaps(boxes: Tensor) -> Tensor:
    """Intersection over union of all pairs of (n, B, 4) boxes, given as centre x, y, width, height."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    low, high = centre - size / 2, centre + size / 2
    inner = rt.minimum(high.unsqueeze(2), high.unsqueeze(1)) - rt.maximum(low.unsqueeze(2), low.unsqueeze(1))
    shared = rt.prod(rt.clamp_min(inner, 0.0), -1)
    area = rt.prod(size, -1)
    return shared / (area.unsqueeze(2) + area.unsqueeze(1) - shared)


@mil_op("non_maximum_suppression", wants=("outputs",))
def non_maximum_suppression(
    boxes: Tensor,
    scores: Tensor,
    iou_threshold: float,
    score_threshold: float | None,
    max_boxes: int,
    per_class_suppression: bool,
    outputs: list[rt.dtype],
) -> tuple[Tensor, ...]:
    """Takes boxes by their best score, in descending order, each unless one taken before overlaps it.

    With no box above the threshold the best one is taken. Rows that stay free hold zeros, and index -1.
    From iOS 17 on, which has three results, the boxes lie in the last dim.
    """
    last = len(outputs) == 3
    if last:
        boxes, scores = boxes.mT, scores.mT
    if boxes.dim() != 3 or scores.dim() != 3 or boxes.shape[2] != 4:
        raise OpError.of("non_maximum_suppression", "boxes need 4 numbers each", str(list(boxes.shape)))
    batch, count, classes = scores.shape
    check_size("non_maximum_suppression", [batch, max_boxes, max(4, classes)])
    if count == 0:
        raise OpError.of("non_maximum_suppression", "needs one box at least", str(list(boxes.shape)))
    best, label = rt.max(scores, -1)
    conflict = _overlaps(boxes) > iou_threshold
    if per_class_suppression:
        conflict = rt.logical_and(conflict, label.unsqueeze(2) == label.unsqueeze(1))
    none = rt.tensor(-math.inf, dtype=best.dtype, device=best.device)
    open_scores = best if score_threshold is None else rt.where(best < score_threshold, none, best)
    # Where nothing is left from the start, the best box is.
    empty = (open_scores == none).all(-1)
    places = rt.arange(count, device=best.device)
    is_best = places == rt.argmax(best, -1).unsqueeze(-1)
    open_scores = rt.where(rt.logical_and(empty.unsqueeze(-1), is_best), best, open_scores)

    chosen = []
    for _ in range(max_boxes):
        top, index = rt.max(open_scores, -1)
        valid = top > none
        if not bool(valid.any()):
            break
        chosen.append(rt.where(valid, index, -1))
        row = rt.take_along_dim(conflict, index.reshape(batch, 1, 1), 1).squeeze(1)
        gone = rt.logical_or(row, places == index.unsqueeze(-1))
        open_scores = rt.where(gone, none, open_scores)
    free = max_boxes - len(chosen)
    indices = rt.stack(chosen, 1) if chosen else rt.empty((batch, 0), dtype=rt.int64, device=best.device)
    indices = F.pad(indices, [0, free], value=-1)

    taken = (indices >= 0).unsqueeze(-1)
    where = rt.clamp_min(indices, 0).unsqueeze(-1)
    zero = rt.zeros((), dtype=boxes.dtype, device=boxes.device)
    picked_boxes = rt.where(taken, rt.gather(boxes, 1, where.expand(batch, max_boxes, 4)), zero)
    picked_scores = rt.where(taken, rt.gather(scores, 1, where.expand(batch, max_boxes, classes)), zero)
    if last:
        return picked_boxes.mT, picked_scores.mT, indices
    return picked_boxes, picked_scores, indices, rt.sum(indices >= 0, -1)
