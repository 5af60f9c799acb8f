"""Normalization: what the op table does not see: running statistics, layouts, mixed dtypes, long rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn
from rustorch.nn import functional as F


def random(*shape: int, seed: int = 0, shift: float = 0.0) -> Any:
    return rt.from_numpy(
        np.random.default_rng(seed).standard_normal(shape).astype(np.float32) + np.float32(shift)
    )


def by_channel(x: Any) -> np.ndarray:
    """(channels, values)."""
    a = x.numpy()
    return np.moveaxis(a, 1, 0).reshape(a.shape[1], -1)


@pytest.mark.parametrize("shape", [(8, 3), (4, 3, 5), (2, 3, 4, 5), (9, 3, 5, 7), (2, 3, 17, 16)])
def test_batch_norm_updates_its_statistics_in_training_only(shape: tuple[int, ...]) -> None:
    x = random(*shape, shift=2.0)
    mean, var = rt.zeros(3), rt.ones(3)
    F.batch_norm(x, mean, var, training=True, momentum=0.25)
    values = by_channel(x)
    np.testing.assert_allclose(mean.numpy(), 0.25 * values.mean(1), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), 0.75 + 0.25 * values.var(1, ddof=1), rtol=1e-5)
    kept = mean.clone(), var.clone()
    y = F.batch_norm(x, mean, var)
    assert rt.equal(mean, kept[0]) and rt.equal(var, kept[1])
    expected = (values - mean.numpy()[:, None]) / np.sqrt(var.numpy()[:, None] + 1e-5)
    np.testing.assert_allclose(by_channel(y), expected, rtol=1e-5, atol=1e-6)


def test_statistics_have_no_history_and_survive_an_empty_batch() -> None:
    x = random(4, 2).requires_grad_()
    mean, var = rt.zeros(2), rt.ones(2)
    F.batch_norm(x, mean, var, training=True).sum().backward()
    assert not mean.requires_grad and not var.requires_grad
    kept = mean.clone()
    assert F.batch_norm(rt.ones(0, 2), mean, var, training=True).shape == (0, 2)
    assert rt.equal(mean, kept)


def test_momentum_none_is_a_cumulative_average() -> None:
    layer = nn.BatchNorm1d(2, momentum=None)
    batches = [random(5, 2, seed=i, shift=i) for i in range(3)]
    for x in batches:
        layer(x)
    assert layer.num_batches_tracked is not None and layer.num_batches_tracked.item() == 3
    assert layer.running_mean is not None and layer.running_var is not None
    np.testing.assert_allclose(
        layer.running_mean.numpy(), np.mean([x.numpy().mean(0) for x in batches], axis=0), rtol=1e-4
    )
    np.testing.assert_allclose(
        layer.running_var.numpy(), np.mean([x.numpy().var(0, ddof=1) for x in batches], axis=0), rtol=1e-4
    )


def test_a_layer_without_statistics_uses_the_batch_in_evaluation_too() -> None:
    layer = nn.BatchNorm2d(3, track_running_stats=False).eval()
    y = by_channel(layer(random(2, 3, 4, 5, shift=3.0)).detach())
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(y.std(1), 1, rtol=1e-3)


@pytest.mark.parametrize("shape", [(9, 3), (9, 3, 7), (2, 3, 300)])  # one kernel each
@pytest.mark.parametrize("training", [True, False])
def test_fused_gradients_of_batch_norm_are_those_of_its_composition(
    shape: tuple[int, ...], training: bool
) -> None:
    leaves = [
        rt.from_numpy(np.random.default_rng(3).standard_normal(shape)),
        random(3).double(),
        random(3).double(),
    ]
    leaves = [t.requires_grad_() for t in leaves]
    mean, var = random(3, seed=4).double(), rt.ones(3, dtype=rt.float64)
    weights = rt.from_numpy(np.random.default_rng(5).standard_normal(shape))
    y = (F.batch_norm(leaves[0], mean, var, leaves[1], leaves[2], training) * weights).sum()
    fused = rt.autograd.grad(y, leaves, retain_graph=True)
    composed = rt.autograd.grad(y, leaves, create_graph=True)
    for a, b in zip(fused, composed, strict=True):
        np.testing.assert_allclose(a.numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_keeps_channels_last(training: bool) -> None:
    x = random(2, 4, 5, 3).permute(0, 3, 1, 2)
    mean, var = rt.zeros(3), rt.ones(3)
    leaves = [x.detach().requires_grad_(), x.contiguous().requires_grad_()]
    weight = random(3, seed=1).requires_grad_()
    found = []
    for leaf in leaves:
        y = F.batch_norm(leaf, mean.clone(), var.clone(), weight, None, training)
        (y * random(2, 3, 4, 5, seed=2)).sum().backward()
        found.append((y.detach().numpy(), leaf.grad.numpy(), weight.grad.numpy()))
        weight.grad = None
    assert F.batch_norm(leaves[0], mean, var, training=training).stride() == x.stride()
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_instance_norm_averages_its_statistics_over_the_batch() -> None:
    x = random(2, 3, 7, shift=1.0)
    mean, var = rt.zeros(3), rt.ones(3)
    F.instance_norm(x, mean, var, momentum=0.5)
    a = x.numpy()
    np.testing.assert_allclose(mean.numpy(), 0.5 * a.mean(2).mean(0), rtol=1e-5)
    np.testing.assert_allclose(var.numpy(), 0.5 + 0.5 * a.var(2, ddof=1).mean(0), rtol=1e-5)


@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16])
def test_narrow_inputs_with_float32_parameters(dtype: Any) -> None:
    x = random(6, 4).to(dtype).requires_grad_()
    weight, bias = random(4, seed=1).requires_grad_(), random(4, seed=2).requires_grad_()
    mean, var = rt.zeros(4), rt.ones(4)
    for y in (
        F.layer_norm(x, (4,), weight, bias),
        F.batch_norm(x, mean, var, weight, bias, True),
        F.group_norm(x, 2, weight, bias),
    ):
        assert y.dtype == dtype
        grads = rt.autograd.grad(y.float().sum(), [x, weight, bias])
        assert [g.dtype for g in grads] == [dtype, rt.float32, rt.float32]
    assert mean.dtype == rt.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda x, w: F.layer_norm(x, (4,), w),
        lambda x, w: F.batch_norm(x, None, None, w, training=True),
        lambda x, w: F.group_norm(x, 2, w),
    ],
)
def test_parameters_of_another_dtype_are_refused(call: Any) -> None:
    with pytest.raises(RuntimeError, match="mixed dtype"):
        call(rt.ones(2, 4), rt.ones(4, dtype=rt.float64))


def test_running_statistics_come_in_pairs() -> None:
    with pytest.raises(ValueError, match="both be None"):
        F.batch_norm(rt.ones(2, 3), rt.zeros(3), None, training=True)
    with pytest.raises(ValueError, match="both be None"):
        F.instance_norm(rt.ones(2, 3, 4), rt.zeros(3), None)
    with pytest.raises(RuntimeError, match="running_mean must be defined"):
        F.batch_norm(rt.ones(2, 3), None, None)


def test_values_far_from_zero_keep_their_precision() -> None:
    x = random(3, 5000).double()
    far = (x + 1e4).float()
    expected = F.layer_norm(far.double(), (5000,))
    assert float((F.layer_norm(far, (5000,)).double() - expected).abs().max()) < 2e-3


def test_gradients_of_parameters_over_many_rows_do_not_depend_on_threads() -> None:
    x, weight, bias = (
        random(1000, 33),
        random(33, seed=1).requires_grad_(),
        random(33, seed=2).requires_grad_(),
    )
    before = rt.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            rt.set_num_threads(threads)
            y = F.layer_norm(x, (33,), weight, bias)
            found.append(rt.autograd.grad((y * x).sum(), [weight, bias]))
    finally:
        rt.set_num_threads(before)
    assert all(rt.equal(a, b) for a, b in zip(*found, strict=True))
    wide = x.double()
    z = F.layer_norm(wide, (33,))
    np.testing.assert_allclose(found[0][0].numpy(), (z * wide).sum(0).numpy(), rtol=1e-5)
