"""Random activations, and softmin."""

from __future__ import annotations

import warnings
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops


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
    if lower > upper:
        raise RuntimeError(
            f"rrelu: Lower bound should be less than or equal to the upper bound; got {lower}, {upper}"
        )
    if not training:
        return ops.leaky_relu(input, (lower + upper) / 2, inplace)
    # Backward needs only the slopes, so the input may be overwritten.
    slope = rt.where(input.detach() <= 0, rt.empty_like(input).uniform_(lower, upper), 1.0)
    return input.mul_(slope) if inplace else input * slope


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


def rrelu_(input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Tensor:
    """Randomised leaky ReLU in place."""
    return rrelu(input, lower, upper, training, True)
