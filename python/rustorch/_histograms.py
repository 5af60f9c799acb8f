"""Histograms of points in several dims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rustorch import _C
from rustorch.errors import OpError, UnsupportedOperation

__all__ = ["histogramdd"]

_OPS = _C.namespaces()["rt"]


class Histogramdd(NamedTuple):
    """The counts, and the edges of the bins of each dim."""

    hist: _C.Tensor
    bin_edges: list[_C.Tensor]


def _edges_of_counts(points: _C.Tensor, counts: list[int], ranges: Any) -> list[_C.Tensor]:
    if ranges is not None and len(ranges) != 2 * len(counts):
        raise OpError.of(
            "histogramdd",
            f"range should have {2 * len(counts)} elements, the lowest and highest value of each dim",
            f"{len(ranges)} elements",
        )
    edges = []
    for d, count in enumerate(counts):
        if count < 1:
            raise OpError.of("histogramdd", "bins must be > 0", f"{count} for dimension {d}")
        if ranges is not None:
            low, high = float(ranges[2 * d]), float(ranges[2 * d + 1])
        elif points.shape[0]:
            low, high = points[:, d].min().item(), points[:, d].max().item()
        else:
            low, high = 0.0, 1.0
        if not (abs(low) < float("inf") and abs(high) < float("inf")):
            raise OpError.of("histogramdd", f"dimension {d}'s range [{low}, {high}] is not finite")
        if low > high:
            raise OpError.of("histogramdd", "min should not exceed max", f"min {low} max {high}")
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges.append(_OPS["linspace"](low, high, count + 1, dtype=points.dtype, device=points.device))
    return edges


def _checked_edges(points: _C.Tensor, bins: Sequence[Any]) -> list[_C.Tensor]:
    for d, edges in enumerate(bins):
        if edges.dtype is not points.dtype:
            raise OpError.of(
                "histogramdd",
                "input tensor and bins tensors should have the same dtype",
                f"{points.dtype} and {edges.dtype}",
            )
        if edges.ndim != 1:
            raise OpError.of(
                "histogramdd", "bins tensor should have one dimension", f"{edges.ndim} for dimension {d}"
            )
        if edges.numel() < 2:
            raise OpError.of("histogramdd", "bins must be > 0", f"{edges.numel()} edges for dimension {d}")
    return [edges.clone() for edges in bins]


def histogramdd(
    input: _C.Tensor,
    bins: Any,
    *,
    range: Any = None,
    weight: _C.Tensor | None = None,
    density: bool = False,
) -> Histogramdd:
    """How many points lie in each cell of a grid.

    Args:
        input: points, their coordinates along the last dim; of floats.
        bins: the number of bins, for all dims or for each; or the edges of each dim's bins as vectors. Bins
            are open on the right, but for the last.
        range: the lowest and the highest edge of each dim, one after the other; by default those of the
            points.
        weight: of each point; its shape is `input`'s without the last dim.
        density: divides by the sum and by the volumes of the cells.

    Returns:
        `hist`, with one dim for each coordinate, and `bin_edges`, a list of vectors.

    Raises:
        RuntimeError: for bins, ranges and weights that do not fit the points.
        NotImplementedError: for points that are no floats.

    Follows `torch.histogramdd`.

    >>> import rustorch as rt
    >>> points = rt.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]])
    >>> rt.histogramdd(points, bins=[3, 3]).hist
    tensor([[0., 1., 0.],
            [1., 0., 0.],
            [1., 0., 1.]])
    """
    op = "histogramdd"
    if not input.is_floating_point():
        raise UnsupportedOperation.of(op, f"not implemented for {input.dtype}", "", "a float tensor")
    if input.ndim < 2:
        raise OpError.of(op, "input tensor should have at least 2 dimensions", f"{input.ndim}")
    size = input.shape[-1]
    points = input.detach().reshape(-1, size) if input.numel() else input.detach().new_zeros(0, size)
    per_dim = [bins] * size if isinstance(bins, int) else list(bins)
    if len(per_dim) != size:
        raise OpError.of(
            op,
            f"expected {size} sequences of bin edges or numbers of bins, one for each coordinate",
            str(len(per_dim)),
        )
    if per_dim and isinstance(per_dim[0], _C.Tensor):
        edges = _checked_edges(points, per_dim)
    else:
        edges = _edges_of_counts(points, per_dim, range)
    if weight is None:
        weights = points.new_ones(points.shape[0])
    else:
        if weight.shape != input.shape[:-1]:
            raise OpError.of(
                op,
                "if weight tensor is provided it should have the same shape as the input tensor excluding "
                "its innermost dimension",
                f"{tuple(weight.shape)} and {tuple(input.shape)}",
            )
        if weight.dtype is not input.dtype:
            raise OpError.of(
                op,
                "if weight tensor is provided, input tensor and weight tensor should have the same dtype",
                f"{weight.dtype} and {input.dtype}",
            )
        weights = weight.detach().reshape(-1)
    hist = _counted(points, edges, weights)
    if density:
        hist = hist / hist.sum()
        for d, e in enumerate(edges):
            hist = hist / (e[1:] - e[:-1]).reshape([-1 if k == d else 1 for k, _ in enumerate(edges)])
    return Histogramdd(hist, edges)


def _counted(points: _C.Tensor, edges: list[_C.Tensor], weights: _C.Tensor) -> _C.Tensor:
    counts = [e.numel() - 1 for e in edges]
    if not counts:  # points without coordinates lie nowhere
        return points.new_zeros(())
    cells = 1
    cell = _OPS["zeros"](points.shape[0], dtype=_C.int64, device=points.device)
    inside = _OPS["ones"](points.shape[0], dtype=_C.bool, device=points.device)
    for d, (e, count) in enumerate(zip(edges, counts)):
        x = points[:, d].contiguous()
        inside = inside & (x >= e[0]) & (x <= e[-1])
        bin_of = (_OPS["searchsorted"](e.contiguous(), x, right=True) - 1).clamp(0, count - 1)
        cell = cell * count + bin_of
        cells *= count
    # What lies outside goes to a cell of its own, which is dropped.
    cell = _OPS["where"](inside, cell, cells)
    filled: _C.Tensor = points.new_zeros(cells + 1).index_add(0, cell, weights)
    return filled[:cells].clone().reshape(counts)
