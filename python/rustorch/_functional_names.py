"""Functions of `nn.functional` under their other names in PyTorch, straight in the package.

Their arguments are those of PyTorch's native functions: losses take `reduction` as a number (0 for none, 1
for the mean, 2 for the sum), `embedding` takes the weight first.
"""

from __future__ import annotations

from typing import Any

from rustorch.errors import ArgumentError
from rustorch.nn import functional as F
from rustorch.nn.functional import (
    adaptive_avg_pool1d,
    avg_pool1d,
    bilinear,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    rrelu,
)

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_max_pool1d",
    "affine_grid_generator",
    "avg_pool1d",
    "bilinear",
    "binary_cross_entropy_with_logits",
    "cosine_embedding_loss",
    "ctc_loss",
    "embedding",
    "grid_sampler",
    "hinge_embedding_loss",
    "kl_div",
    "margin_ranking_loss",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "poisson_nll_loss",
    "rrelu",
    "triplet_margin_loss",
]


def _chosen(op: str, names: tuple[str, ...], number: int) -> str:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(names):
        raise ArgumentError.of(op, f"expected a number from 0 ({names[0]}) to {len(names) - 1}", repr(number))
    return names[number]


def _reduction(op: str, number: int) -> str:
    return _chosen(op, ("none", "mean", "sum"), number)


def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """The largest of each of `output_size` stretches, and where it is; as `torch.adaptive_max_pool1d`.

    >>> import rustorch as rt
    >>> rt.adaptive_max_pool1d(rt.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return F.adaptive_max_pool1d(input, output_size, return_indices=True)


def affine_grid_generator(theta: Any, size: Any, align_corners: bool) -> Any:
    """The positions of `nn.functional.affine_grid`, as `torch.affine_grid_generator`."""
    return F.affine_grid(theta, size, align_corners)


def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 1
) -> Any:
    """`nn.functional.binary_cross_entropy_with_logits` in PyTorch's native form.

    >>> import rustorch as rt
    >>> rt.binary_cross_entropy_with_logits(rt.zeros(1), rt.ones(1))
    tensor(0.6931)
    """
    kind = _reduction("binary_cross_entropy_with_logits", reduction)
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=kind, pos_weight=pos_weight)


def cosine_embedding_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 1
) -> Any:
    """`nn.functional.cosine_embedding_loss` in PyTorch's native form."""
    kind = _reduction("cosine_embedding_loss", reduction)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=kind)


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 1,
    zero_infinity: bool = False,
) -> Any:
    """`nn.functional.ctc_loss` in PyTorch's native form."""
    kind = _reduction("ctc_loss", reduction)
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, kind, zero_infinity)


def embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    """Rows of `weight`, as `torch.embedding`; a `padding_idx` below zero is none.

    >>> import rustorch as rt
    >>> rt.embedding(rt.eye(2), rt.tensor([1]))
    tensor([[0., 1.]])
    """
    padding = padding_idx if padding_idx >= 0 else None
    return F.embedding(
        indices, weight, padding_idx=padding, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )


def grid_sampler(
    input: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Any:
    """`nn.functional.grid_sample` with its modes as numbers.

    They are bilinear, nearest, bicubic, and zeros, border, reflection. Follows `torch.grid_sampler`.
    """
    mode = _chosen("grid_sampler", ("bilinear", "nearest", "bicubic"), interpolation_mode)
    padding = _chosen("grid_sampler", ("zeros", "border", "reflection"), padding_mode)
    return F.grid_sample(input, grid, mode, padding, align_corners)


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: int = 1) -> Any:
    """`nn.functional.hinge_embedding_loss` in PyTorch's native form."""
    return F.hinge_embedding_loss(
        input, target, margin, reduction=_reduction("hinge_embedding_loss", reduction)
    )


def kl_div(input: Any, target: Any, reduction: int = 1, *, log_target: bool = False) -> Any:
    """`nn.functional.kl_div` in PyTorch's native form."""
    return F.kl_div(input, target, reduction=_reduction("kl_div", reduction), log_target=log_target)


def margin_ranking_loss(
    input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: int = 1
) -> Any:
    """`nn.functional.margin_ranking_loss` in PyTorch's native form."""
    kind = _reduction("margin_ranking_loss", reduction)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=kind)


def poisson_nll_loss(input: Any, target: Any, log_input: bool, full: bool, eps: float, reduction: int) -> Any:
    """`nn.functional.poisson_nll_loss` in PyTorch's native form."""
    kind = _reduction("poisson_nll_loss", reduction)
    return F.poisson_nll_loss(input, target, log_input=log_input, full=full, eps=eps, reduction=kind)


def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2.0,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: int = 1,
) -> Any:
    """`nn.functional.triplet_margin_loss` in PyTorch's native form."""
    kind = _reduction("triplet_margin_loss", reduction)
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=kind)
