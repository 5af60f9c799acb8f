"""Reductions."""

from __future__ import annotations

from collections.abc import Callable

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_axis
from rustorch.coreml.interpreter.registry import mil_op

_Reduce = Callable[[Tensor, "list[int]", bool], Tensor]


def _mean(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    return rt.mean(x if x.is_floating_point() else x.float(), axes, keep)


_REDUCTIONS: dict[str, _Reduce] = {
    "reduce_sum": lambda x, axes, keep: rt.sum(x, axes, keep),
    "reduce_mean": _mean,
    "reduce_max": lambda x, axes, keep: rt.amax(x, axes, keep),
    "reduce_min": lambda x, axes, keep: rt.amin(x, axes, keep),
    "reduce_l1_norm": lambda x, axes, keep: rt.sum(rt.abs(x), axes, keep),
    "reduce_l2_norm": lambda x, axes, keep: rt.sqrt(rt.sum(x * x, axes, keep)),
    "reduce_sum_square": lambda x, axes, keep: rt.sum(x * x, axes, keep),
    "reduce_log_sum": lambda x, axes, keep: rt.log(rt.sum(x, axes, keep)),
    "reduce_log_sum_exp": lambda x, axes, keep: rt.logsumexp(x, axes, keep),
}


def _reduction(reduce: _Reduce) -> Callable[..., Tensor]:
    def compute(x: Tensor, axes: list[int] | None, keep_dims: bool) -> Tensor:
        if x.dim() == 0:
            return reduce(x.reshape(1), [0], keep_dims).reshape(())
        if axes is not None and not axes:
            return reduce(x.unsqueeze(-1), [-1], False)
        return reduce(x, list(range(x.dim())) if axes is None else axes, keep_dims)

    return compute


for _name, _function in _REDUCTIONS.items():
    mil_op(_name)(_reduction(_function))


@mil_op("reduce_prod", view=True)
def reduce_prod(x: Tensor, axes: list[int] | None, keep_dims: bool) -> Tensor:
    rank = x.dim()
    dims = range(rank) if axes is None else [check_axis("reduce_prod", rank, axis) for axis in axes]
    for dim in sorted(dims, reverse=True):
        x = rt.prod(x, dim, keep_dims)
    return x


@mil_op("reduce_argmax", half=True)
def reduce_argmax(x: Tensor, axis: int, keep_dims: bool, output_dtype: str | None) -> Tensor:
    return rt.argmax(x, axis, keep_dims)


@mil_op("reduce_argmin", half=True)
def reduce_argmin(x: Tensor, axis: int, keep_dims: bool, output_dtype: str | None) -> Tensor:
    return rt.argmin(x, axis, keep_dims)


@mil_op("cumsum")
def cumsum(x: Tensor, axis: int, exclusive: bool, reverse: bool) -> Tensor:
    """The sum up to each element, or with `exclusive` up to the one before; from the end with `reverse`."""
    axis = check_axis("cumsum", x.dim(), axis)
    if reverse:
        x = rt.flip(x, [axis])
    if exclusive and x.shape[axis]:
        zeros = rt.zeros_like(x.narrow(axis, 0, 1))
        x = rt.cat([zeros, x.narrow(axis, 0, x.shape[axis] - 1)], axis)
    y = rt.cumsum(x, axis)
    return rt.flip(y, [axis]) if reverse else y
