"""Activations without a kernel of their own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops

# Klambauer et al., 2017: the constants that make zero mean and unit variance a fixed point.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _apply(fn: Callable[[Tensor], Tensor], input: Tensor, inplace: bool) -> Tensor:
    if not inplace:
        return fn(input)
    # The formula reads its argument again in backward, so it gets a copy of what is about to be overwritten.
    return input.copy_(fn(input.clone()))


def sigmoid(input: Tensor) -> Tensor:
    """``1 / (1 + exp(-x))``, elementwise."""
    return rt.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Hyperbolic tangent, elementwise."""
    return rt.tanh(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``min(max(x, 0), 6)``.

    >>> nn.functional.relu6(rt.tensor([-1.0, 3.0, 8.0]))
    tensor([0., 3., 6.])
    """
    return ops.hardtanh(input, 0.0, 6.0, inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """``max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`` (Barron, 2017).

    >>> nn.functional.celu(rt.tensor([0.0, 2.0]))
    tensor([0., 2.])
    """
    if alpha == 0:
        raise RuntimeError("celu: ZeroDivisionError: alpha cannot be 0 for CELU; got 0; try alpha=1.0")
    return _apply(lambda x: _elu_like(x, 1.0, alpha, alpha), input, inplace)


def _elu_like(x: Tensor, scale: float, negative_scale: float, width: float) -> Tensor:
    # Each branch sees only the values it is meant for, so neither exp nor its gradient overflows.
    negative = rt.clamp(x, max=0)
    return rt.where(x > 0, x * scale, rt.expm1(negative / width) * negative_scale)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """``scale * (max(0, x) + min(0, alpha * (exp(x) - 1)))`` with fixed constants (Klambauer et al., 2017).

    >>> nn.functional.selu(rt.tensor([0.0, 1.0]))
    tensor([0.0000, 1.0507])
    """
    return _apply(lambda x: _elu_like(x, SELU_SCALE, SELU_SCALE * SELU_ALPHA, 1.0), input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * tanh(softplus(x))`` (Misra, 2019).

    >>> nn.functional.mish(rt.zeros(1))
    tensor([0.])
    """
    return _apply(lambda x: x * rt.tanh(ops.softplus(x)), input, inplace)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``a * sigmoid(b)`` for the halves a, b of ``input`` along ``dim`` (Dauphin et al., 2016).

    >>> nn.functional.glu(rt.tensor([2.0, 0.0]))
    tensor([1.])
    """
    if input.dim() == 0:
        raise RuntimeError("glu: glu does not support 0-dimensional tensors; got 0 dimensions")
    if input.shape[dim] % 2 != 0:
        raise RuntimeError(
            f"glu: Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}"
        )
    a, b = rt.chunk(input, 2, dim)
    return a * rt.sigmoid(b)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where ``x > threshold`` (or x is NaN), else ``value``.

    >>> nn.functional.threshold(rt.tensor([-1.0, 2.0]), 0.5, 9.0)
    tensor([9., 2.])
    """
    return _apply(lambda x: rt.masked_fill(x, x <= threshold, value), input, inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x where ``|x| > lambd`` (or x is NaN), else 0.

    >>> nn.functional.hardshrink(rt.tensor([-1.0, 0.3]))
    tensor([-1.,  0.])
    """
    return rt.masked_fill(input, rt.abs(input) <= lambd, 0)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x drawn towards zero by ``lambd``, and 0 within it; NaN stays NaN.

    >>> nn.functional.softshrink(rt.tensor([-1.0, 0.3]))
    tensor([-0.5000,  0.0000])
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambda must be greater or equal to 0, but found to be {lambd}.")
    return rt.masked_fill(input - rt.sign(input) * lambd, rt.abs(input) <= lambd, 0)


def tanhshrink(input: Tensor) -> Tensor:
    """``x - tanh(x)``.

    >>> nn.functional.tanhshrink(rt.zeros(1))
    tensor([0.])
    """
    return input - rt.tanh(input)


def softsign(input: Tensor) -> Tensor:
    """``x / (1 + |x|)``.

    >>> nn.functional.softsign(rt.tensor([1.0, -3.0]))
    tensor([ 0.5000, -0.7500])
    """
    return input / (rt.abs(input) + 1)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU whose slope is drawn from U(lower, upper) in training and is the mean otherwise (Xu et al.,
    2015).

    >>> nn.functional.rrelu(rt.tensor([8.0, -48.0]))
    tensor([  8., -11.])
    """
    if not training:
        return ops.leaky_relu(input, (lower + upper) / 2, inplace)
    if lower > upper:
        raise RuntimeError(
            f"rrelu: Lower bound should be less than or equal to the upper bound; got {lower}, {upper}"
        )
    slope = rt.empty_like(input).uniform_(lower, upper)
    return _apply(lambda x: rt.where(x <= 0, x * slope, x), input, inplace)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """``softmax(-x)`` along ``dim``.

    >>> nn.functional.softmin(rt.zeros(2), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = implicit_softmax_dim("softmin", input.dim(), _stacklevel)
    if dtype is not None:
        input = input.to(dtype)
    return ops.softmax(-input, dim)


def implicit_softmax_dim(name: str, ndim: int, stacklevel: int) -> int:
    """The dimension that a softmax without ``dim`` has always used; choosing it is deprecated."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
        "argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A draw from the Gumbel-softmax distribution (Jang et al., 2016); with ``hard`` one-hot, gradients as
    if soft.

    ``eps`` has no effect and is kept for callers that pass it.

    >>> nn.functional.gumbel_softmax(rt.zeros(3), hard=True).sum()
    tensor(1.)
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    # 1 - U lies in (0, 1], so the inner logarithm is finite; its zero is kept off the outer one.
    exponential = rt.clamp(-rt.log(1 - rt.rand_like(logits.detach())), min=1e-30)
    soft = ops.softmax((logits - rt.log(exponential)) / tau, dim)
    if not hard:
        return soft
    index = rt.argmax(soft, dim, keepdim=True)
    one_hot = rt.zeros_like(soft.detach()).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft


def relu_(input: Tensor) -> Tensor:
    """ReLU in place."""
    return ops.relu(input, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """ELU in place."""
    return ops.elu(input, alpha, True)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """CELU in place."""
    return celu(input, alpha, True)


def selu_(input: Tensor) -> Tensor:
    """SELU in place."""
    return selu(input, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """Leaky ReLU in place."""
    return ops.leaky_relu(input, negative_slope, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Hardtanh in place."""
    return ops.hardtanh(input, min_val, max_val, True)


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """Randomised leaky ReLU in place."""
    return rrelu(input, lower, upper, training, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Threshold in place."""
    return input.masked_fill_(input <= threshold, value)
