"""Losses with a distance that the caller brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops


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
    """As ``triplet_margin_loss`` with any distance function (default: ``pairwise_distance``).

    >>> a = rt.tensor([[0.0]])
    >>> l1 = lambda x, y: (x - y).abs().sum(-1)
    >>> nn.functional.triplet_margin_with_distance_loss(a, a, a, distance_function=l1)
    tensor(1.)
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance: Callable[..., Any] = ops.pairwise_distance if distance_function is None else distance_function
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
    loss = rt.clamp(margin + near - far, min=0)
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()
