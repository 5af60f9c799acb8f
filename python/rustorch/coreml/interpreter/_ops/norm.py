"""Normalisation."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_axis
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import OpError
from rustorch.nn import functional as F


@mil_op("batch_norm")
def batch_norm(
    x: Tensor, mean: Tensor, variance: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float
) -> Tensor:
    return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon)


@mil_op("instance_norm")
def instance_norm(x: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float) -> Tensor:
    """Each channel of each sample by its own mean and variance."""
    dims = list(range(2, x.dim()))
    variance, mean = rt.var_mean(x, dims, correction=0, keepdim=True)
    y = (x - mean) * rt.rsqrt(variance + epsilon)
    by_channel = (-1,) + (1,) * len(dims)
    if gamma is not None:
        y = y * gamma.reshape(by_channel)
    return y if beta is None else y + beta.reshape(by_channel)


@mil_op("layer_norm")
def layer_norm(
    x: Tensor, axes: list[int] | None, gamma: Tensor | None, beta: Tensor | None, epsilon: float
) -> Tensor:
    rank = x.dim()
    dims = (
        list(range(rank)) if axes is None else sorted(check_axis("layer_norm", rank, axis) for axis in axes)
    )
    if dims == list(range(rank - len(dims), rank)):
        shape = x.shape[rank - len(dims) :]
        return F.layer_norm(x, shape, gamma, beta, epsilon)
    variance, mean = rt.var_mean(x, dims, correction=0, keepdim=True)
    y = (x - mean) * rt.rsqrt(variance + epsilon)
    shape = tuple(x.shape[dim] if dim in dims else 1 for dim in range(rank))
    if gamma is not None:
        y = y * gamma.reshape(shape)
    return y if beta is None else y + beta.reshape(shape)


@mil_op("l2_norm")
def l2_norm(x: Tensor, epsilon: float) -> Tensor:
    """Each (C, H, W) block of the last three dims by the root of its sum of squares."""
    return x * rt.rsqrt(rt.sum(x * x, [-3, -2, -1], True) + epsilon)


@mil_op("local_response_norm")
def local_response_norm(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    if x.dim() < 3:
        raise OpError.of("local_response_norm", "needs (N, C, ...)", str(list(x.shape)))
    if (size - 1) // 2 >= x.shape[1]:
        # Every window holds all channels.
        return x / (k + alpha / size * rt.sum(x * x, [1], True)) ** beta
    return F.local_response_norm(x, size, alpha, beta, k)
