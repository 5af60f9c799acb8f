"""Activations."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError
from rustorch.nn import functional as F


@mil_op("relu", half=True)
def relu(x: Tensor) -> Tensor:
    return rt.relu(x)


@mil_op("relu6", half=True)
def relu6(x: Tensor) -> Tensor:
    return F.relu6(x)


@mil_op("sigmoid", half=True)
def sigmoid(x: Tensor) -> Tensor:
    return rt.sigmoid(x)


@mil_op("silu", half=True)
def silu(x: Tensor) -> Tensor:
    return F.silu(x)


@mil_op("softplus")
def softplus(x: Tensor) -> Tensor:
    return F.softplus(x)


@mil_op("softsign")
def softsign(x: Tensor) -> Tensor:
    return F.softsign(x)


@mil_op("softmax")
def softmax(x: Tensor, axis: int) -> Tensor:
    return rt.softmax(x, axis)


@mil_op("gelu")
def gelu(x: Tensor, mode: str) -> Tensor:
    if mode == "EXACT":
        return F.gelu(x)
    if mode == "TANH_APPROXIMATION":
        return F.gelu(x, approximate="tanh")
    if mode == "SIGMOID_APPROXIMATION":
        return x * rt.sigmoid(1.702 * x)
    raise ArgumentError.of("gelu", "unknown mode", mode, "EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION")


@mil_op("leaky_relu", half=True)
def leaky_relu(x: Tensor, alpha: float) -> Tensor:
    return F.leaky_relu(x, alpha)


@mil_op("elu", half=True)
def elu(x: Tensor, alpha: float) -> Tensor:
    return F.elu(x, alpha)


@mil_op("prelu", half=True)
def prelu(x: Tensor, alpha: Tensor) -> Tensor:
    return F.prelu(x, alpha.reshape(-1))


@mil_op("sigmoid_hard")
def sigmoid_hard(x: Tensor, alpha: float, beta: float) -> Tensor:
    return rt.clamp(x * alpha + beta, 0.0, 1.0)


@mil_op("linear_activation")
def linear_activation(x: Tensor, alpha: float, beta: float) -> Tensor:
    return x * alpha + beta


@mil_op("scaled_tanh")
def scaled_tanh(x: Tensor, alpha: float, beta: float) -> Tensor:
    return alpha * rt.tanh(x * beta)


@mil_op("clamped_relu")
def clamped_relu(x: Tensor, alpha: float, beta: float) -> Tensor:
    return rt.clamp_max(rt.where(x >= 0, x, x * alpha), beta)


@mil_op("thresholded_relu", half=True)
def thresholded_relu(x: Tensor, alpha: float) -> Tensor:
    return rt.where(x >= alpha, x, rt.zeros_like(x))


@mil_op("softplus_parametric")
def softplus_parametric(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
    """``alpha * log(1 + exp(beta * x))``, one alpha and beta a channel (dim 1)."""
    channels = (-1,) + (1,) * (x.dim() - 2)
    return alpha.reshape(channels) * F.softplus(beta.reshape(channels) * x)
