"""Every layer of the table: runs in both modes and precisions, and its gradients are slopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn

from .layers import LAYERS, Layer

# Their gradient is not a slope on purpose: a row is left out, scaled, or renormalised on the way.
NO_SLOPE = [layer.id for layer in LAYERS if layer.name == "Embedding" and layer.kwargs]

each_layer = pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.id)


def leaves(value: Any) -> list[Any]:
    if isinstance(value, (tuple, list)):
        return [leaf for part in value for leaf in leaves(part)]
    return [] if value is None else [value]


def make(layer: Layer, dtype: Any) -> Any:
    rt.manual_seed(0)
    return getattr(nn, layer.name)(*layer.args, **layer.kwargs).to(dtype)


def inputs(layer: Layer, dtype: Any) -> list[Any]:
    values = [rt.tensor(v) for v in layer.draw()]
    return [v.to(dtype) if v.is_floating_point() else v for v in values]


def run(module: Any, args: list[Any]) -> list[Any]:
    # In-place layers overwrite a copy.
    return [t for t in leaves(module(args[0].clone(), *args[1:])) if t.is_floating_point()]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@each_layer
def test_precisions_agree(layer: Layer, training: bool) -> None:
    training = training and not layer.random
    wide, narrow = make(layer, rt.float64).train(training), make(layer, rt.float32).train(training)
    narrow.load_state_dict(wide.state_dict())
    exact = run(wide, inputs(layer, rt.float64))
    rough = run(narrow, inputs(layer, rt.float32))
    assert [t.shape for t in exact] == [t.shape for t in rough]
    for a, b in zip(exact, rough):
        assert a.dtype == rt.float64 and b.dtype == rt.float32
        np.testing.assert_allclose(b.detach().numpy(), a.detach().numpy(), rtol=1e-3, atol=1e-4)


@each_layer
def test_gradients_are_slopes(layer: Layer) -> None:
    if layer.id in NO_SLOPE:
        pytest.skip("not a slope on purpose")
    module = make(layer, rt.float64).train(not layer.random)
    args = inputs(layer, rt.float64)
    rng = np.random.default_rng(2)
    # Whole numbers are labels and signs.
    moving = [a for a in args if a.is_floating_point() and not (a == a.round()).all()]
    moving += list(module.parameters())
    ways = [rt.tensor(rng.normal(size=tuple(t.shape))) for t in moving]

    def loss() -> Any:
        outputs = run(module, args)
        weights = np.random.default_rng(3)
        total: Any = rt.zeros((), dtype=rt.float64)
        for t in outputs:
            w = rt.tensor(weights.normal(size=tuple(t.shape)))
            total = total + rt.where(rt.isfinite(t), t * w, rt.zeros_like(t)).sum()
        return total

    for t in moving:
        t.requires_grad_()
    value = loss()
    if not value.requires_grad:
        return
    grads = rt.autograd.grad(value, moving, allow_unused=True)
    slope = sum(float((g * v).sum()) for g, v in zip(grads, ways) if g is not None)
    h = 1e-6
    with rt.no_grad():
        for t, v in zip(moving, ways):
            t.add_(v, alpha=h)
        up = loss().item()
        for t, v in zip(moving, ways):
            t.sub_(v, alpha=2 * h)
        down = loss().item()
    assert slope == pytest.approx((up - down) / (2 * h), rel=2e-5, abs=1e-6)
