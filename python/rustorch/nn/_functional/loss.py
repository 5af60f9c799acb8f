"""Losses that compose core operations: margins, triplets, embeddings, Gaussian likelihood."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops
from rustorch.nn._functional.distance import pairwise_distance
from rustorch.nn._reduction import legacy_get_string


def reduce_loss(loss: Tensor, reduction: str) -> Tensor:
    """The mean, the sum, or all of the single losses."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    if reduction == "none":
        return loss
    raise ValueError(f"{reduction} is not a valid value for reduction")


def _reduction(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    if size_average is None and reduce is None:
        return reduction
    return legacy_get_string(size_average, reduce)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``log(1 + exp(-y x))`` for targets y of 1 and -1.

    >>> nn.functional.soft_margin_loss(rt.zeros(2), rt.ones(2))
    tensor(0.6931)
    """
    z = -target * input
    # max(z, 0) + log1p(exp(-|z|)): the same value without overflow.
    loss = rt.clamp(z, min=0) + rt.log1p(rt.exp(-rt.abs(z)))
    return reduce_loss(loss, _reduction(size_average, reduce, reduction))


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """x where y is 1, ``max(0, margin - x)`` where y is -1.

    >>> nn.functional.hinge_embedding_loss(rt.tensor([0.2, 0.2]), rt.tensor([1, -1]), reduction="none")
    tensor([0.2000, 0.8000])
    """
    pull = rt.masked_fill(input, target == -1, 0)
    push = rt.masked_fill(rt.clamp(margin - input, min=0), target == 1, 0)
    return reduce_loss(pull + push, _reduction(size_average, reduce, reduction))


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``1 - cos`` where y is 1, ``max(0, cos - margin)`` where y is -1; inputs (N, D) or (D), target (N) or
    ().

    >>> x = rt.tensor([[3.0, 4.0]])
    >>> round(nn.functional.cosine_embedding_loss(x, 2 * x, rt.tensor([-1])).item(), 4)
    1.0
    """
    if target.dim() > 1:
        raise RuntimeError(f"cosine_embedding_loss: 0D or 1D target tensor expected; got {target.dim()}D")
    if (target.dim() == 1 and input1.dim() != 2) or (target.dim() == 0 and input1.dim() != 1):
        raise RuntimeError(
            f"cosine_embedding_loss: {target.dim()}D target tensor expects {target.dim() + 1}D input "
            f"tensors, but found inputs with sizes {tuple(input1.shape)} and {tuple(input2.shape)}."
        )
    eps = 1e-12
    dot = (input1 * input2).sum(-1)
    square1 = (input1 * input1).sum(-1) + eps
    square2 = (input2 * input2).sum(-1) + eps
    cos = dot / rt.sqrt(square1 * square2)
    zero = rt.zeros_like(cos)
    loss = rt.where(target == 1, 1 - cos, zero)
    loss = loss + rt.where(target == -1, rt.clamp(cos - margin, min=0), zero)
    return reduce_loss(loss, _reduction(size_average, reduce, reduction))


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum_j!=y max(0, margin - x_y + x_j)^p / C``, input (N, C) or (C), target (N) or () of classes.

    >>> nn.functional.multi_margin_loss(rt.tensor([[0.1, 0.2, 0.4, 0.8]]), rt.tensor([3]))
    tensor(0.3250)
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 supported; got {p}")
    if weight is not None and weight.dim() != 1:
        raise ValueError(f"multi_margin_loss: weight must be one-dimensional; got {weight.dim()} dimensions")
    alone = input.dim() < 2
    x = input.reshape(1, -1) if alone else input
    y = target.reshape(-1, 1)
    if y.shape[0] != x.shape[0]:
        raise RuntimeError(
            f"multi_margin_loss: inconsistent target size; got {tuple(target.shape)} for input "
            f"{tuple(input.shape)}"
        )
    gap = rt.clamp(margin - x.gather(1, y) + x, min=0)
    if p == 2:
        gap = gap * gap
    if weight is not None:
        gap = gap * weight[y]
    loss = gap.scatter(1, y, 0.0).sum(1) / x.shape[1]
    if alone and target.dim() == 0:
        loss = loss.reshape(())
    return reduce_loss(loss, _reduction(size_average, reduce, reduction))


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``sum_ij max(0, 1 - (x_i - x_j)) / C`` over labels i and non-labels j.

    ``target`` has the input's shape (N, C) or (C): class indices, ended by the first -1.

    >>> nn.functional.multilabel_margin_loss(rt.tensor([[0.1, 0.2, 0.4, 0.8]]), rt.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    if tuple(input.shape) != tuple(target.shape):
        raise RuntimeError(
            "multilabel_margin_loss: inconsistent target size; got "
            f"{tuple(target.shape)} for input {tuple(input.shape)}"
        )
    classes = input.shape[-1] if input.dim() else 1
    x, y = input.reshape(-1, classes), target.reshape(-1, classes)
    valid = rt.cumsum((y < 0).to(y.dtype), 1) == 0
    index = rt.where(valid, y, rt.zeros_like(y))
    is_label = rt.zeros_like(x.detach()).scatter_add_(1, index, valid.to(x.dtype)) > 0
    gap = rt.clamp(1 - x.gather(1, index).unsqueeze(2) + x.unsqueeze(1), min=0)
    counts = valid.unsqueeze(2) & ~is_label.unsqueeze(1)
    loss = (gap * counts.to(x.dtype)).sum((1, 2)) / classes
    if input.dim() < 2:
        loss = loss.reshape(())
    return reduce_loss(loss, _reduction(size_average, reduce, reduction))


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Binary cross entropy of sigmoid(x) averaged over the classes (last dimension).

    >>> nn.functional.multilabel_soft_margin_loss(rt.zeros(1, 2), rt.ones(1, 2))
    tensor(0.6931)
    """
    loss = -(target * ops.logsigmoid(input) + (1 - target) * ops.logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduce_loss(loss.mean(-1), _reduction(size_average, reduce, reduction))


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """``max(0, d(anchor, positive) - d(anchor, negative) + margin)`` with p-norm distances (Balntas et al.,
    2016).

    ``swap`` takes the nearer of anchor and positive to the negative.

    >>> a = rt.tensor([[0.0]])
    >>> nn.functional.triplet_margin_loss(a, a + 1, a + 3, eps=0.0)
    tensor(0.)
    """
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "triplet_margin_loss: The anchor, positive, and negative tensors are expected to have the same "
            f"number of dimensions, but got: anchor {anchor.dim()}D, positive {positive.dim()}D, and "
            f"negative {negative.dim()}D inputs"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = rt.minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduce_loss(rt.clamp(margin + near - far, min=0), _reduction(size_average, reduce, reduction))


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """As :func:`triplet_margin_loss` with any distance function (default: :func:`pairwise_distance`).

    >>> a = rt.tensor([[0.0]])
    >>> l1 = lambda x, y: (x - y).abs().sum(-1)
    >>> nn.functional.triplet_margin_with_distance_loss(a, a, a, distance_function=l1)
    tensor(1.)
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance: Callable[..., Any] = pairwise_distance if distance_function is None else distance_function
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "triplet_margin_with_distance_loss: The anchor, positive, and negative tensors are expected to "
            f"have the same number of dimensions, but got: anchor {anchor.dim()}D, positive "
            f"{positive.dim()}D, and negative {negative.dim()}D inputs"
        )
    near = distance(anchor, positive)
    far = distance(anchor, negative)
    if swap:
        far = rt.minimum(far, distance(positive, negative))
    return reduce_loss(rt.clamp(margin + near - far, min=0), reduction)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """``(log max(var, eps) + (x - y)^2 / max(var, eps)) / 2``, plus ``log(2 pi) / 2`` with ``full``.

    ``var`` has the input's shape, or lacks or has 1 as its last dimension, or is a number.

    >>> nn.functional.gaussian_nll_loss(rt.zeros(2), rt.ones(2), rt.ones(2))
    tensor(0.5000)
    """
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError(f"var has negative entry/entries: {var}")
        var = rt.full_like(input.detach(), var)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if tuple(var.shape) != tuple(input.shape):
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif not (tuple(input.shape[:-1]) == tuple(var.shape[:-1]) and var.shape[-1] == 1):
            raise ValueError(
                f"gaussian_nll_loss: var is of incorrect size; got {tuple(var.shape)} for input "
                f"{tuple(input.shape)}"
            )
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    # The floor enters the value but not the gradient.
    var = var + (rt.clamp(var, min=eps) - var).detach()
    loss = 0.5 * (rt.log(var) + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_loss(loss, reduction)
