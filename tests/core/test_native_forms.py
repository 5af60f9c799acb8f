"""Losses and samplers under PyTorch's native signatures, whose reductions and modes are numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rustorch as rt
from rustorch.nn import functional as F

rt.manual_seed(0)
X, Y, Z = (rt.randn(5, 4) for _ in range(3))
SIGNS = rt.tensor([1.0, -1.0, 1.0, 1.0, -1.0])
SHARES = rt.rand(5, 4)
LOGS = F.log_softmax(rt.randn(6, 2, 4), -1)
TARGETS = rt.tensor([[1, 2], [3, 3]])
LENGTHS = (rt.tensor([6, 5]), rt.tensor([2, 2]))

# The native call, and the same by names; both take the reduction last.
LOSSES: dict[str, tuple[Callable[[int], Any], Callable[[str], Any]]] = {
    "binary_cross_entropy_with_logits": (
        lambda r: rt.binary_cross_entropy_with_logits(X, SHARES, Y.abs(), SHARES[0], r),
        lambda r: F.binary_cross_entropy_with_logits(X, SHARES, Y.abs(), reduction=r, pos_weight=SHARES[0]),
    ),
    "cosine_embedding_loss": (
        lambda r: rt.cosine_embedding_loss(X, Y, SIGNS, 0.1, r),
        lambda r: F.cosine_embedding_loss(X, Y, SIGNS, 0.1, reduction=r),
    ),
    "ctc_loss": (
        lambda r: rt.ctc_loss(LOGS, TARGETS, *LENGTHS, 0, r, True),
        lambda r: F.ctc_loss(LOGS, TARGETS, *LENGTHS, blank=0, reduction=r, zero_infinity=True),
    ),
    "hinge_embedding_loss": (
        lambda r: rt.hinge_embedding_loss(X, SIGNS[:, None], 0.5, r),
        lambda r: F.hinge_embedding_loss(X, SIGNS[:, None], 0.5, reduction=r),
    ),
    "kl_div": (
        lambda r: rt.kl_div(X, SHARES, r, log_target=True),
        lambda r: F.kl_div(X, SHARES, reduction=r, log_target=True),
    ),
    "margin_ranking_loss": (
        lambda r: rt.margin_ranking_loss(X[:, 0], Y[:, 0], SIGNS, 0.2, r),
        lambda r: F.margin_ranking_loss(X[:, 0], Y[:, 0], SIGNS, 0.2, reduction=r),
    ),
    "poisson_nll_loss": (
        lambda r: rt.poisson_nll_loss(X.abs(), SHARES, False, True, 1e-3, r),
        lambda r: F.poisson_nll_loss(X.abs(), SHARES, log_input=False, full=True, eps=1e-3, reduction=r),
    ),
    "triplet_margin_loss": (
        lambda r: rt.triplet_margin_loss(X, Y, Z, 2.0, 1.0, 1e-3, True, r),
        lambda r: F.triplet_margin_loss(X, Y, Z, 2.0, 1.0, 1e-3, True, reduction=r),
    ),
}


@pytest.mark.parametrize(("number", "reduction"), list(enumerate(["none", "mean", "sum"])))
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str, number: int, reduction: str) -> None:
    native, named = LOSSES[name]
    got, want = native(number), named(reduction)
    assert got.isfinite().all() and rt.equal(got, want)
    assert (got.dim() > 0) == (reduction == "none")


@pytest.mark.parametrize("name", LOSSES)
def test_no_such_reduction(name: str) -> None:
    with pytest.raises((RuntimeError, ValueError), match=rf"{name}: .*3"):
        LOSSES[name][0](3)


THETA = rt.tensor([[[0.8, 0.1, 0.0], [0.0, 1.2, -0.1]]])
IMAGE = rt.arange(16.0).reshape(1, 1, 4, 4)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("i", "mode"), list(enumerate(["bilinear", "nearest", "bicubic"])))
@pytest.mark.parametrize(("j", "padding"), list(enumerate(["zeros", "border", "reflection"])))
def test_grid_sampler(i: int, mode: str, j: int, padding: str, align: bool) -> None:
    grid = rt.affine_grid_generator(THETA, [1, 1, 3, 5], align)
    assert rt.equal(grid, F.affine_grid(THETA, [1, 1, 3, 5], align_corners=align))
    got = rt.grid_sampler(IMAGE, grid, i, j, align)
    assert rt.equal(got, F.grid_sample(IMAGE, grid, mode, padding, align))
