"""The composed functions against formulas in NumPy and SciPy."""

from __future__ import annotations

import importlib
import itertools
import math
import pkgutil
from typing import Any

import numpy as np
import pytest
from scipy import special

import rustorch as rt
from rustorch import _C, nn
from rustorch.nn import _functional
from rustorch.nn import functional as F

X = np.array([-30.0, -3.0, -0.5, -0.0, 0.0, 0.25, 0.5, 2.0, 30.0])
NAN = np.array([np.nan, np.inf, -np.inf])

SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "sigmoid": (F.sigmoid, special.expit),
    "tanh": (F.tanh, np.tanh),
    "relu6": (F.relu6, lambda x: np.clip(x, 0, 6)),
    "celu": (lambda x: F.celu(x, 0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(np.minimum(x, 0) / 0.7))),
    "selu": (F.selu, lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0)))),
    "mish": (F.mish, lambda x: x * np.tanh(np.logaddexp(0, x))),
    "hardshrink": (F.hardshrink, lambda x: np.where(np.abs(x) <= 0.5, 0, x)),
    "softshrink": (F.softshrink, lambda x: np.where(np.abs(x) <= 0.5, 0, x - np.sign(x) * 0.5)),
    "tanhshrink": (F.tanhshrink, lambda x: x - np.tanh(x)),
    "softsign": (F.softsign, lambda x: x / (1 + np.abs(x))),
    "threshold": (lambda x: F.threshold(x, 0.25, 7.0), lambda x: np.where(x > 0.25, x, 7)),
    "rrelu": (F.rrelu, lambda x: np.where(x >= 0, x, x * (1 / 8 + 1 / 3) / 2)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_values(name: str) -> None:
    ours, formula = ACTIVATIONS[name]
    np.testing.assert_allclose(ours(rt.tensor(X)).numpy(), formula(X), rtol=1e-9, atol=1e-12)
    empty = ours(rt.zeros(0, dtype=rt.float32))
    assert empty.shape == (0,) and empty.dtype == rt.float32


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"mish", "softsign", "tanhshrink"}))
def test_activations_of_nan_and_infinity(name: str) -> None:
    ours, formula = ACTIVATIONS[name]
    with np.errstate(invalid="ignore"):
        expected = formula(NAN)
    if name in ("hardshrink", "softshrink", "threshold"):
        expected[0] = np.nan
    np.testing.assert_allclose(ours(rt.tensor(NAN)).numpy(), expected)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_gradients(name: str) -> None:
    x = rt.tensor([-2.0, -0.7, 0.1, 0.3, 0.9, 3.0], dtype=rt.float64, requires_grad=True)
    assert rt.autograd.gradcheck(ACTIVATIONS[name][0], (x,))


def test_gradients_stay_finite_far_out() -> None:
    for f in (F.celu, F.selu):
        x = rt.tensor([1000.0, -1000.0], requires_grad=True)
        f(x).sum().backward()
        assert rt.isfinite(x.grad).all()


INPLACE: dict[str, Any] = {
    "relu_": (F.relu_, F.relu),
    "elu_": (F.elu_, F.elu),
    "celu_": (F.celu_, F.celu),
    "selu_": (F.selu_, F.selu),
    "leaky_relu_": (F.leaky_relu_, F.leaky_relu),
    "hardtanh_": (F.hardtanh_, F.hardtanh),
    "rrelu_": (F.rrelu_, F.rrelu),
    "threshold_": (lambda x: F.threshold_(x, 0.1, 2.0), lambda x: F.threshold(x, 0.1, 2.0)),
    "mish": (lambda x: F.mish(x, inplace=True), F.mish),
    "relu6": (lambda x: F.relu6(x, inplace=True), F.relu6),
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_forms(name: str) -> None:
    changed, plain = INPLACE[name]
    leaf = rt.tensor([-1.0, 0.5, 2.0], dtype=rt.float64, requires_grad=True)
    expected = plain(leaf)
    (want,) = rt.autograd.grad(expected.sum(), leaf)
    x = leaf * 1
    assert changed(x) is x
    np.testing.assert_allclose(x.detach().numpy(), expected.detach().numpy())
    x.sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), want.numpy())


def test_rrelu_in_training_draws_slopes() -> None:
    x = rt.full((10000,), -1.0)
    out = -F.rrelu(x, 0.2, 0.4, training=True).numpy()
    assert 0.2 <= out.min() < 0.21 and 0.39 < out.max() <= 0.4
    assert (F.rrelu(rt.ones(5), training=True) == 1).all()
    for training in (False, True):
        with pytest.raises(RuntimeError, match="Lower bound"):
            F.rrelu(rt.ones(5), 0.3, 0.1, training=training)
    y = rt.full((5,), -1.0)
    assert F.rrelu_(y, 0.2, 0.2, training=True) is y and y.tolist() == pytest.approx([-0.2] * 5)


def test_glu() -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    np.testing.assert_allclose(F.glu(rt.tensor(x), 1).numpy(), x[:, :2] * special.expit(x[:, 2:]))
    with pytest.raises(RuntimeError):
        F.glu(rt.tensor(1.0))


def test_softmin_and_its_implicit_dim() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3))
    np.testing.assert_allclose(F.softmin(rt.tensor(x), 1).numpy(), special.softmax(-x, 1))
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        np.testing.assert_allclose(F.softmin(rt.tensor(x)).numpy(), special.softmax(-x, 1))
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        np.testing.assert_allclose(nn.Softmax()(rt.tensor(x[0])).numpy(), special.softmax(x[0]))
    assert F.softmin(rt.zeros(2), 0, dtype=rt.float64).dtype == rt.float64


def test_gumbel_softmax() -> None:
    logits = rt.tensor([0.0, math.log(3.0)]).expand(20000, 2)
    hard = F.gumbel_softmax(logits, hard=True)
    assert set(np.unique(hard.numpy().round(6))) == {0.0, 1.0} and (hard.sum(-1) == 1).all()
    assert abs(hard[:, 1].mean().item() - 0.75) < 0.02
    leaf = rt.zeros(3, requires_grad=True)
    (F.gumbel_softmax(leaf, tau=0.5, hard=True) * rt.arange(3.0)).sum().backward()
    assert leaf.grad.any()
    soft = F.gumbel_softmax(rt.zeros(4, 3), dim=0)
    np.testing.assert_allclose(soft.sum(0).numpy(), 1, rtol=1e-5)
    with pytest.warns(UserWarning, match="eps"):
        F.gumbel_softmax(rt.zeros(2), eps=1e-3)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_channel_dropout(n: int) -> None:
    drop = getattr(F, f"dropout{n}d")
    rt.manual_seed(0)
    x = rt.ones((200, 10) + (2,) * n)
    out = drop(x, 0.25).reshape(2000, -1)
    assert (out == out[:, :1]).all()
    kept = out[:, 0] != 0
    assert abs(kept.float().mean().item() - 0.75) < 0.05
    assert (out[kept] == 1 / 0.75).all()
    assert drop(x, 0.25, training=False) is x
    assert not drop(x, 1.0).any() and (drop(x, 0.0) == 1).all()
    assert drop(x, 0.5, inplace=True) is x and not (x == 1).any()


def test_channel_dropout_without_a_batch() -> None:
    x = rt.ones(50, 4)
    out = F.dropout1d(x)
    assert out.shape == (50, 4) and (out == out[:, :1]).all()
    assert F.dropout1d(x, inplace=True) is x and (x == x[:, :1]).all() and not x.all()
    y = F.dropout3d(rt.ones(50, 2, 2, 2)).reshape(50, -1)
    assert (y == y[:, :1]).all()
    with pytest.warns(UserWarning, match="deprecated"):
        F.dropout2d(rt.ones(2, 3))
    for bad in (F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout):
        with pytest.raises(ValueError, match="between 0 and 1"):
            bad(rt.ones(2, 3, 4), -0.1)


@pytest.mark.parametrize("name", ["alpha_dropout", "feature_alpha_dropout"])
def test_alpha_dropout_keeps_mean_and_variance(name: str) -> None:
    rt.manual_seed(0)
    x = rt.randn(400, 500, 1)
    out = getattr(F, name)(x, 0.2, training=True)
    assert abs(out.mean().item()) < 0.02 and abs(out.var().item() - 1) < 0.03
    y = x.clone()
    assert getattr(F, name)(y, 0.2, training=True, inplace=True) is y and not (y == x).all()
    assert not getattr(F, name)(x, 1.0, training=True).any()
    assert not getattr(F, name)(y, 1.0, True, True).any()
    assert getattr(F, name)(x) is x


def test_distances() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    for p in (1.0, 2.0, 3.0):
        expected = np.linalg.norm(a - b + 1e-6, p, axis=-1)
        np.testing.assert_allclose(F.pairwise_distance(rt.tensor(a), rt.tensor(b), p).numpy(), expected)
        pairs = [np.linalg.norm(x - y, p) for x, y in itertools.combinations(a, 2)]
        np.testing.assert_allclose(F.pdist(rt.tensor(a), p).numpy(), pairs)
    assert F.pairwise_distance(rt.zeros(2, 3), rt.zeros(3), keepdim=True).shape == (2, 1)
    w = rng.normal(size=(5, 3, 3))
    np.testing.assert_allclose(
        F.bilinear(rt.tensor(a), rt.tensor(b), rt.tensor(w)).numpy(), np.einsum("ni,oij,nj->no", a, w, b)
    )
    with pytest.raises(RuntimeError):
        F.bilinear(rt.ones(2, 3), rt.ones(2, 3), rt.ones(1, 2, 3))


def test_rearrangements_undo_each_other() -> None:
    x = rt.arange(2 * 8 * 3 * 2).reshape(2, 8, 3, 2)
    assert (F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2) == x).all()
    assert (F.channel_shuffle(F.channel_shuffle(x, 2), 4) == x).all()
    for bad in (
        lambda: F.pixel_unshuffle(rt.ones(2, 2), 2),
        lambda: F.pixel_unshuffle(rt.ones(1, 2, 2), 0),
        lambda: F.channel_shuffle(rt.ones(2, 2), 2),
        lambda: F.channel_shuffle(rt.ones(2, 2, 2), 0),
    ):
        with pytest.raises(RuntimeError):
            bad()


def test_affine_grid_samples_the_identity() -> None:
    x = rt.randn(2, 3, 4, 5)
    theta = rt.tensor([[1.0, 0, 0], [0, 1, 0]]).expand(2, 2, 3)
    for align in (True, False):
        grid = F.affine_grid(theta, x.shape, align_corners=align)
        out = F.grid_sample(x, grid, align_corners=align)
        np.testing.assert_allclose(out.numpy(), x.numpy(), atol=1e-5)
    theta = rt.eye(4)[:3].unsqueeze(0)
    grid = F.affine_grid(theta, (1, 1, 2, 1, 3), align_corners=True)
    assert grid.shape == (1, 2, 1, 3, 3) and grid[0, 1, 0, 2].tolist() == [1.0, 0.0, 1.0]
    with pytest.warns(UserWarning, match="align_corners"):
        F.affine_grid(theta, (1, 1, 2, 2, 2))
    for bad, error in [
        (lambda: F.affine_grid(rt.zeros(1, 2, 3, dtype=rt.int64), (1, 1, 2, 2), True), ValueError),
        (lambda: F.affine_grid(rt.zeros(1, 2, 3), (1, 1, 0, 2), True), ValueError),
    ]:
        with pytest.raises(error):
            bad()


def test_unpooling_returns_maxima_to_their_places() -> None:
    x = rt.randn(2, 3, 6, 5)
    values, places = F.max_pool2d(x, 2, return_indices=True)
    back = F.max_unpool2d(values, places, 2, output_size=x.shape)
    assert back.shape == x.shape
    found = back != 0
    assert (back[found] == x[found]).all() and found.sum().item() == values.numel()
    with pytest.raises(RuntimeError, match="int64"):
        F.max_unpool2d(values, places.int(), 2)
    with pytest.raises(ValueError, match="elements"):
        F.max_unpool2d(values, places, 2, output_size=(1, 2, 3))


def test_upsample_is_interpolate() -> None:
    x = rt.randn(1, 2, 3, 3)
    for call, options in [
        (F.upsample, {}),
        (F.upsample_nearest, {}),
        (F.upsample_bilinear, {"mode": "bilinear", "align_corners": True}),
    ]:
        with pytest.warns(UserWarning, match="deprecated"):
            out = call(x, scale_factor=2)
        assert (out == F.interpolate(x, scale_factor=2, **options)).all()


def test_local_response_norm_of_nothing() -> None:
    assert F.local_response_norm(rt.zeros(0, 2, 3), 2).shape == (0, 2, 3)


# Losses.


def reduced(loss: np.ndarray, how: str) -> Any:
    return loss if how == "none" else getattr(loss, how)()


def log_expit(x: np.ndarray) -> np.ndarray:
    return -np.logaddexp(0, -x)


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)


@pytest.mark.parametrize("how", ["none", "mean", "sum"])
def test_loss_values(how: str) -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 5, 4))
    sign = rng.choice([-1, 1], size=(5, 4))
    label = rng.integers(0, 4, size=5)
    bits = rng.integers(0, 2, size=(5, 4))
    var = rng.uniform(0.1, 2, size=(5, 4))
    rows = np.arange(5)

    def near(ours: Any, loss: np.ndarray) -> None:
        np.testing.assert_allclose(ours.numpy(), reduced(loss, how), rtol=1e-6)

    t = rt.tensor
    near(F.soft_margin_loss(t(x), t(sign), reduction=how), np.logaddexp(0, -sign * x))
    near(
        F.hinge_embedding_loss(t(x), t(sign), 0.7, reduction=how),
        np.where(sign == 1, x, np.maximum(0, 0.7 - x)),
    )
    near(
        F.cosine_embedding_loss(t(x), t(y), t(sign[:, 0]), 0.1, reduction=how),
        np.where(sign[:, 0] == 1, 1 - cosine(x, y), np.maximum(0, cosine(x, y) - 0.1)),
    )
    weight = np.array([0.5, 1.0, 2.0, 3.0])
    gap = np.maximum(0, 0.8 - x[rows, label][:, None] + x) ** 2 * weight[label][:, None]
    gap[rows, label] = 0
    near(F.multi_margin_loss(t(x), t(label), 2, 0.8, t(weight), reduction=how), gap.sum(1) / 4)
    near(
        F.multilabel_soft_margin_loss(t(x), t(bits), t(weight), reduction=how),
        -(weight * (bits * log_expit(x) + (1 - bits) * log_expit(-x))).mean(-1),
    )
    d = lambda a, b: np.linalg.norm(a - b + 1e-6, axis=-1)  # noqa: E731
    near(
        F.triplet_margin_loss(t(x), t(y), t(z), swap=True, reduction=how),
        np.maximum(0, 1 + d(x, y) - np.minimum(d(x, z), d(y, z))),
    )
    near(
        F.triplet_margin_with_distance_loss(t(x), t(y), t(z), reduction=how),
        np.maximum(0, 1 + d(x, y) - d(x, z)),
    )
    near(
        F.gaussian_nll_loss(t(x), t(y), t(var), full=True, reduction=how),
        0.5 * (np.log(2 * np.pi * var) + (x - y) ** 2 / var),
    )
    near(
        F.gaussian_nll_loss(t(x), t(y), 0.5, reduction=how),
        0.5 * (np.log(0.5) + (x - y) ** 2 / 0.5),
    )


def test_multilabel_margin() -> None:
    x = np.random.default_rng(0).normal(size=(2, 4))
    target = [[3, 0, -1, 1], [-1, 2, 2, 2]]
    expected = []
    for row, labels in zip(x, ([3, 0], [])):
        others = [j for j in range(4) if j not in labels]
        expected.append(sum(max(0.0, 1 - (row[i] - row[j])) for i in labels for j in others) / 4)
    ours = F.multilabel_margin_loss(rt.tensor(x), rt.tensor(target), reduction="none")
    np.testing.assert_allclose(ours.numpy(), expected)
    with pytest.raises(RuntimeError, match="inconsistent target size"):
        F.multilabel_margin_loss(rt.tensor(x), rt.tensor([1]))
    for number, label in ((rt.tensor(0.5), rt.tensor([0])), (rt.tensor([0.5]), rt.tensor(0))):
        lone = F.multilabel_margin_loss(number, label, reduction="none")
        assert (lone.shape, lone.item()) == ((), 0)


def test_losses_gradcheck() -> None:
    rng = np.random.default_rng(0)

    def leaf(*shape: int) -> Any:
        return rt.tensor(rng.normal(size=shape), requires_grad=True)

    a, b, c = leaf(3, 4), leaf(3, 4), leaf(3, 4)
    label = rt.tensor([0, 2, 1])
    sign = rt.tensor([1.0, -1.0, 1.0])
    check = rt.autograd.gradcheck
    assert check(lambda x: F.soft_margin_loss(x, sign.unsqueeze(1)), (a,))
    assert check(lambda x, y: F.cosine_embedding_loss(x, y, sign), (a, b))
    assert check(lambda x: F.multi_margin_loss(x, label), (a,))
    assert check(lambda x: F.multilabel_margin_loss(x, rt.tensor([[1, -1, 0, 0]] * 3)), (a,))
    assert check(lambda x, y, z: F.triplet_margin_loss(x, y, z), (a, b, c))
    assert check(lambda x, y, z: F.gaussian_nll_loss(x, y, z.exp()), (a, b, c))
    assert check(lambda x, y, w: F.bilinear(x, y, w), (a, b, leaf(2, 4, 4)))


def test_older_reduction_flags() -> None:
    x, y = rt.tensor([1.0, 3.0]), rt.tensor([1.0, 1.0])
    for flags, how in [
        ({"size_average": False}, "sum"),
        ({"size_average": True}, "mean"),
        ({"reduce": False}, "none"),
    ]:
        with pytest.warns(UserWarning, match=f"reduction='{how}'"):
            out = F.soft_margin_loss(x, y, **flags)
        assert (out == F.soft_margin_loss(x, y, reduction=how)).all()
        with pytest.warns(UserWarning, match=f"reduction='{how}'"):
            assert nn.SoftMarginLoss(**flags).reduction == how


def ctc_by_enumeration(p: np.ndarray, target: list[int]) -> float:
    """Sum the probabilities of all paths that collapse to the target."""
    total = 0.0
    for path in itertools.product(range(p.shape[1]), repeat=p.shape[0]):
        collapsed = [k for k, _ in itertools.groupby(path) if k != 0]
        if collapsed == target:
            total += np.exp(sum(p[t, k] for t, k in enumerate(path)))
    return -math.log(total) if total else math.inf


def test_ctc_against_all_paths() -> None:
    p = np.log(special.softmax(np.random.default_rng(0).normal(size=(5, 3, 3)), -1))
    targets = [[1, 1], [2, 1], []]
    lengths = [5, 4, 3]
    expected = [ctc_by_enumeration(p[:n, i], t) for i, (n, t) in enumerate(zip(lengths, targets))]
    padded = rt.tensor([[1, 1], [2, 1], [0, 0]])
    ours = F.ctc_loss(rt.tensor(p), padded, lengths, [2, 2, 0], reduction="none")
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-9)
    joined = F.ctc_loss(rt.tensor(p), rt.tensor([1, 1, 2, 1]), rt.tensor(lengths), rt.tensor([2, 2, 0]))
    np.testing.assert_allclose(joined.item(), np.mean(np.array(expected) / [2, 2, 1]), rtol=1e-9)
    leaf = rt.tensor(p, requires_grad=True)
    assert rt.autograd.gradcheck(lambda x: F.ctc_loss(x, padded, lengths, [2, 2, 0]), (leaf,))


def test_ctc_of_impossible_targets() -> None:
    p = rt.log_softmax(rt.zeros(2, 1, 2, dtype=rt.float64), 2).requires_grad_()
    args = (rt.tensor([[1, 1]]), [2], [2])
    assert F.ctc_loss(p, *args).item() == math.inf
    loss = F.ctc_loss(p, *args, zero_infinity=True)
    loss.backward()
    assert loss.item() == 0 and not p.grad.any()
    for bad, error in [
        (lambda: F.ctc_loss(p, rt.tensor([[1]]), [2, 2], [1]), RuntimeError),
        (lambda: F.ctc_loss(p, rt.tensor([[1]]), [3], [1]), RuntimeError),
        (lambda: F.ctc_loss(p, rt.tensor([[1]]), [2], [2]), RuntimeError),
        (lambda: F.ctc_loss(p, rt.tensor([[1]]), [2], [1], blank=7), RuntimeError),
        (lambda: F.ctc_loss(p, rt.tensor([[1]]), [2], [1], reduction="x"), ValueError),
    ]:
        with pytest.raises(error):
            bad()


def test_what_the_core_has_is_not_composed_as_well() -> None:
    composed = set()
    for info in pkgutil.iter_modules(_functional.__path__):
        module = importlib.import_module(f"{_functional.__name__}.{info.name}")
        composed |= {n for n, f in vars(module).items() if getattr(f, "__module__", "") == module.__name__}
    assert "rrelu" in composed
    assert not composed & set(_C._namespaces["nn.functional"])


def test_unknown_function() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        F.nothing
    assert {"linear", "celu", "multi_head_attention_forward"} <= set(F.__all__)
