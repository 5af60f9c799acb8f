"""Fused kernels on sizes that span their tiles, and their gradients against those made of single ops."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import special

import rustorch as rt
from rustorch.nn import functional as F

RNG = np.random.default_rng(0)


def leaf(*shape: int, dtype: Any = rt.float64) -> Any:
    return rt.tensor(RNG.normal(size=shape)).to(dtype).requires_grad_()


def same_gradients(f: Callable[..., Any], *leaves: Any) -> None:
    """The fused backward agrees with the one that can itself be differentiated."""
    out = f(*leaves)
    weight = rt.tensor(RNG.normal(size=tuple(out.shape))).to(out.dtype)
    fused = rt.autograd.grad((out * weight).sum(), leaves)
    composed = rt.autograd.grad((f(*leaves) * weight).sum(), leaves, create_graph=True)
    for a, b in zip(fused, composed):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-7, atol=1e-9)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = rt.get_num_threads()
    rt.set_num_threads(request.param)
    yield request.param
    rt.set_num_threads(before)


def test_attention_over_several_tiles(threads: int) -> None:
    q, k, v = RNG.normal(size=(2, 130, 8)), RNG.normal(size=(2, 1100, 8)), RNG.normal(size=(2, 1100, 5))
    scores = q @ np.swapaxes(k, -1, -2) / np.sqrt(8)
    tensors = [rt.tensor(a) for a in (q, k, v)]
    causal = np.where(np.tri(130, 1100, dtype=bool), scores, -np.inf)
    some = RNG.random((130, 1100)) < 0.5
    added = RNG.normal(size=(130, 1100))
    for options, masked in (
        ({}, scores),
        ({"is_causal": True}, causal),
        ({"attn_mask": rt.tensor(some)}, np.where(some, scores, -np.inf)),
        ({"attn_mask": rt.tensor(added)}, scores + added),
        ({"attn_mask": rt.tensor(added.T.copy()).T}, scores + added),
    ):
        out = F.scaled_dot_product_attention(*tensors, **options)
        np.testing.assert_allclose(out.numpy(), special.softmax(masked, -1) @ v, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_of_attention(threads: int, causal: bool) -> None:
    leaves = leaf(2, 4, 70, 6), leaf(2, 2, 600, 6), leaf(2, 2, 600, 3)
    same_gradients(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True), *leaves
    )


def test_attention_of_nothing() -> None:
    q = rt.ones(2, 3, 4)
    assert not F.scaled_dot_product_attention(q, rt.ones(2, 0, 4), rt.ones(2, 0, 5)).any()
    assert F.scaled_dot_product_attention(rt.ones(2, 0, 4), q, q).shape == (2, 0, 4)
    k = rt.ones(2, 3, 4, requires_grad=True)
    mask = rt.tensor([[True, True, True], [False, False, False], [True, False, False]])
    out = F.scaled_dot_product_attention(q, k, k, mask)
    out.sum().backward()
    assert not out[:, 1].any() and rt.isfinite(k.grad).all()


def test_attention_keeps_nan_and_infinity() -> None:
    q = rt.tensor([[1.0, 0.0], [float("nan"), 0.0]])
    out = F.scaled_dot_product_attention(q, rt.ones(3, 2), rt.ones(3, 2))
    assert not out[0].isnan().any() and out[1].isnan().all()
    value = rt.tensor([[1.0], [float("inf")]])
    assert F.scaled_dot_product_attention(rt.ones(1, 2), rt.ones(2, 2), value).isinf().all()


def test_dropout_of_attention() -> None:
    rt.manual_seed(0)
    q = rt.ones(1, 200, 2)
    out = F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)
    assert abs(out.mean().item() - 1) < 0.05 and out.var().item() > 0


LOSSES: dict[str, Callable[..., Any]] = {
    "mse_loss": F.mse_loss,
    "l1_loss": F.l1_loss,
    "smooth_l1_loss": lambda x, y, reduction: F.smooth_l1_loss(x, y, reduction=reduction, beta=0.7),
    "huber_loss": lambda x, y, reduction: F.huber_loss(x, y, reduction, 0.7),
    "binary_cross_entropy": lambda x, y, reduction: F.binary_cross_entropy(
        x.sigmoid(), y.detach().sigmoid(), reduction=reduction
    ),
    "binary_cross_entropy_with_logits": lambda x, y, reduction: F.binary_cross_entropy_with_logits(
        x, y.detach().sigmoid(), y.detach().exp(), reduction=reduction, pos_weight=y.detach().cos().exp()
    ),
    "kl_div": lambda x, y, reduction: F.kl_div(x, y.detach().sigmoid(), reduction=reduction),
    "poisson_nll_loss": lambda x, y, reduction: F.poisson_nll_loss(x, y.detach().exp(), reduction=reduction),
    "soft_margin_loss": lambda x, y, reduction: F.soft_margin_loss(x, y.detach().sign(), reduction=reduction),
}


@pytest.mark.filterwarnings("ignore:kl_div")
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_of_losses(name: str, reduction: str) -> None:
    x, y = leaf(30, 40), leaf(40, 30)
    for turned in (False, True):

        def loss(x: Any, y: Any, turned: bool = turned) -> Any:
            return LOSSES[name](x.T if turned else x.reshape(40, 30), y, reduction=reduction)

        wanted = (x, y) if name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss") else (x,)
        rest = () if len(wanted) == 2 else (y.detach(),)
        same_gradients(lambda *a, loss=loss, rest=rest: loss(*a, *rest), *wanted)


def test_sums_do_not_depend_on_threads() -> None:
    x, y = rt.randn(300_001), rt.randn(300_001)
    before = rt.get_num_threads()
    found = set()
    for n in (1, 2, 3):
        rt.set_num_threads(n)
        found.add(F.mse_loss(x, y).item())
    rt.set_num_threads(before)
    assert len(found) == 1
    np.testing.assert_allclose(found.pop(), ((x.double() - y.double()) ** 2).mean().item(), rtol=1e-6)


def test_losses_of_half_precision_are_rounded_once() -> None:
    x, y = rt.randn(70_000).half(), rt.randn(70_000).half()
    exact = ((x.double() - y.double()) ** 2).mean()
    assert F.mse_loss(x, y) == exact.half()
    leaf = x.detach().requires_grad_()
    F.mse_loss(leaf, y).backward()
    assert (leaf.grad == ((x.float() - y.float()) * (2 / 70_000)).half()).all()


def test_core_warnings_are_python_warnings() -> None:
    x, y = rt.ones(2, 3), rt.ones(3)
    with pytest.warns(UserWarning, match="mse_loss: Using a target size"):
        F.mse_loss(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="target size"):
            F.mse_loss(x, y)
        assert F.mse_loss(x, x).item() == 0


def test_probabilities_outside_their_range() -> None:
    nan = float("nan")
    for bad in ([1.5, 0.5], [0.5, -0.1], [nan, 0.5]):
        for reduction in ("mean", "none"):
            with pytest.raises(RuntimeError, match="between 0 and 1"):
                F.binary_cross_entropy(rt.tensor(bad), rt.tensor([1.0, 0.0]), reduction=reduction)
    with pytest.raises(RuntimeError, match="all elements of target should be between 0 and 1"):
        F.binary_cross_entropy(rt.tensor([0.5]), rt.tensor([nan]))


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_gradients_of_interpolation(mode: str, threads: int) -> None:
    for size in ((3, 4), (9, 12), (7, 5)):
        same_gradients(lambda x, size=size: F.interpolate(x, size, mode=mode), leaf(2, 3, 7, 5))
    if mode != "nearest":
        same_gradients(lambda x: F.interpolate(x, (3, 2), mode=mode, antialias=True), leaf(1, 2, 11, 9))


def test_interpolation_does_not_spread_infinity() -> None:
    x = rt.ones(1, 1, 4)
    x[0, 0, 0] = float("inf")
    grad = rt.autograd.grad
    leaf = rt.ones(1, 1, 4, requires_grad=True)
    (g,) = grad(F.interpolate(leaf, 8, mode="linear"), leaf, F.interpolate(x, 8))
    assert g.isinf().sum().item() <= 2 and not g.isnan().any()


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_gradients_of_sampling(mode: str, padding: str, threads: int) -> None:
    def sample(x: Any, grid: Any) -> Any:
        return F.grid_sample(x, grid, mode, padding, False)

    same_gradients(sample, leaf(2, 3, 6, 5), leaf(2, 20, 9, 2))
    if mode == "bilinear":
        same_gradients(sample, leaf(1, 2, 4, 3, 5), leaf(1, 5, 6, 7, 3))
    small = leaf(1, 1, 4, 5), (rt.rand(1, 2, 2, 2, dtype=rt.float64) - 0.5).requires_grad_()
    assert rt.autograd.gradgradcheck(sample, small)


def test_unfold_and_fold_are_transposes() -> None:
    shape = {"kernel_size": (3, 2), "dilation": (2, 1), "padding": (1, 2), "stride": (2, 3)}
    x = leaf(2, 3, 9, 8)
    columns = F.unfold(x, **shape)
    y = rt.tensor(RNG.normal(size=tuple(columns.shape)))
    back = F.fold(y, (9, 8), **shape)
    assert (columns * y).sum().item() == pytest.approx((x * back).sum().item())
    (g,) = rt.autograd.grad((columns * y).sum(), x)
    np.testing.assert_allclose(g.numpy(), back.numpy(), rtol=1e-12)
    turned = rt.tensor(np.asarray(x.detach().numpy().transpose(0, 1, 3, 2), order="C")).transpose(2, 3)
    assert (F.unfold(turned, **shape) == columns).all()
