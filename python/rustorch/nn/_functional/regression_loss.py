"""Losses of single elements: squared, absolute and rounded distances, Bernoulli and Poisson likelihoods."""

from __future__ import annotations

import math
import warnings

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops
from rustorch.nn._functional.loss import _reduction, reduce_loss


def _pair(op: str, input: Tensor, target: Tensor) -> None:
    if tuple(input.shape) != tuple(target.shape):
        warnings.warn(
            f"{op}: using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting.",
            stacklevel=3,
        )


def _weighted(loss: Tensor, weight: Tensor | None, reduction: str) -> Tensor:
    if weight is None:
        return reduce_loss(loss, reduction)
    weighted = loss * weight
    if reduction == "mean":
        return weighted.sum() / weight.expand_as(loss).sum()
    return reduce_loss(weighted, reduction)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The squared difference, ``(x - y)^2``; with ``weight``, 'mean' divides by the weights' sum.

    >>> nn.functional.mse_loss(rt.tensor([1.0, 2.0]), rt.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    _pair("mse_loss", input, target)
    difference = input - target
    return _weighted(difference * difference, weight, _reduction(size_average, reduce, reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """The absolute difference, ``|x - y|``; with ``weight``, 'mean' divides by the weights' sum.

    >>> nn.functional.l1_loss(rt.tensor([1.0, -2.0]), rt.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    _pair("l1_loss", input, target)
    return _weighted(rt.abs(input - target), weight, _reduction(size_average, reduce, reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """``d^2 / (2 beta)`` for differences d below beta, else ``d - beta / 2`` (Girshick, 2015).

    >>> nn.functional.smooth_l1_loss(rt.tensor([0.5, 2.0]), rt.tensor([0.0, 0.0]), reduction="none")
    tensor([0.1250, 1.5000])
    """
    _pair("smooth_l1_loss", input, target)
    reduction = _reduction(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta; got beta={beta}")
    d = rt.abs(input - target)
    if beta == 0:
        return reduce_loss(d, reduction)
    return reduce_loss(rt.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta), reduction)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """``d^2 / 2`` for differences d below delta, else ``delta (d - delta / 2)`` (Huber, 1964).

    >>> nn.functional.huber_loss(rt.tensor([0.5, 2.0]), rt.tensor([0.0, 0.0]), reduction="none")
    tensor([0.1250, 1.5000])
    """
    _pair("huber_loss", input, target)
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta; got delta={delta}")
    d = rt.abs(input - target)
    return _weighted(rt.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta)), weight, reduction)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``-(y log x + (1 - y) log(1 - x))`` for probabilities x; logarithms are held at -100.

    >>> nn.functional.binary_cross_entropy(rt.tensor([0.5]), rt.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = _reduction(size_average, reduce, reduction)
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError(
            f"binary_cross_entropy: using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}) is deprecated. Please ensure they have the same size."
        )
    if input.numel() and bool(rt.any((input < 0) | (input > 1))):
        raise RuntimeError("binary_cross_entropy: all elements of input should be between 0 and 1")
    loss = (target - 1) * rt.clamp(rt.log1p(-input), min=-100) - target * rt.clamp(rt.log(input), min=-100)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross entropy of ``sigmoid(x)``, without overflow; ``pos_weight`` scales the positive part.

    >>> nn.functional.binary_cross_entropy_with_logits(rt.tensor([0.0]), rt.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = _reduction(size_average, reduce, reduction)
    if tuple(input.shape) != tuple(target.shape):
        raise ValueError(
            f"binary_cross_entropy_with_logits: Target size ({target.shape}) must be the same as input size "
            f"({input.shape})"
        )
    log_sigmoid = ops.logsigmoid(input)
    if pos_weight is not None:
        log_sigmoid = ((pos_weight - 1) * target + 1) * log_sigmoid
    loss = (1 - target) * input - log_sigmoid
    return reduce_loss(loss if weight is None else loss * weight, reduction)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """``y (log y - x)`` for log probabilities x; 'batchmean' divides the sum by the batch size.

    >>> nn.functional.kl_div(rt.tensor([0.0]), rt.tensor([1.0]), reduction="sum")
    tensor(0.)
    """
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    reduction = _reduction(size_average, reduce, reduction)
    loss = rt.exp(target) * (target - input) if log_target else rt.xlogy(target, target) - target * input
    if reduction != "batchmean":
        return reduce_loss(loss, reduction)
    return loss.sum() / input.shape[0] if input.dim() else loss


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``exp(x) - y x``, or ``x - y log(x + eps)``; ``full`` adds Stirling's term for y above 1.

    >>> nn.functional.poisson_nll_loss(rt.tensor([0.0]), rt.tensor([2.0]))
    tensor(1.)
    """
    reduction = _reduction(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    loss = rt.exp(input) - target * input if log_input else input - target * rt.log(input + eps)
    if full:
        stirling = target * rt.log(target) - target + 0.5 * rt.log(2 * math.pi * target)
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduce_loss(loss, reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, -y (x1 - x2) + margin)`` for targets y of 1 and -1.

    >>> nn.functional.margin_ranking_loss(rt.tensor([1.0]), rt.tensor([3.0]), rt.tensor([1.0]))
    tensor(2.)
    """
    reduction = _reduction(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    return reduce_loss(rt.clamp(margin - target * (input1 - input2), min=0), reduction)
