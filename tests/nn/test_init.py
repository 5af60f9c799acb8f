"""nn.init: the distributions, by their bounds and moments, and the structured fills."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

import rustorch as rt
from rustorch import nn
from rustorch.nn import init

SHAPE = (200, 100)


def sample(fill: Any, *args: Any, **kwargs: Any) -> np.ndarray:
    rt.manual_seed(0)
    t = rt.empty(SHAPE, dtype=rt.float64)
    assert fill(t, *args, **kwargs) is t
    return np.array(t.numpy()).ravel()


def assert_uniform(x: np.ndarray, low: float, high: float) -> None:
    assert x.min() >= low and x.max() <= high
    assert stats.kstest((x - low) / (high - low), "uniform").pvalue > 1e-3


def assert_normal(x: np.ndarray, mean: float, std: float) -> None:
    assert stats.kstest((x - mean) / std, "norm").pvalue > 1e-3


def test_simple_distributions() -> None:
    assert_uniform(sample(init.uniform_, -2, 3), -2, 3)
    assert_normal(sample(init.normal_, 1.0, 2.0), 1.0, 2.0)
    assert (sample(init.constant_, 0.3) == 0.3).all()
    assert (sample(init.ones_) == 1).all() and (sample(init.zeros_) == 0).all()


def test_fan_scaled_distributions() -> None:
    fan_out, fan_in = SHAPE
    bound = 2 * math.sqrt(6 / (fan_in + fan_out))
    assert_uniform(sample(init.xavier_uniform_, gain=2), -bound, bound)
    assert_normal(sample(init.xavier_normal_), 0, math.sqrt(2 / (fan_in + fan_out)))
    bound = math.sqrt(3) * math.sqrt(2 / (1 + 0.3**2)) / math.sqrt(fan_in)
    assert_uniform(sample(init.kaiming_uniform_, a=0.3), -bound, bound)
    std = math.sqrt(2) / math.sqrt(fan_out)
    assert_normal(sample(init.kaiming_normal_, mode="fan_out", nonlinearity="relu"), 0, std)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [
        (0.0, 1.0, -2.0, 2.0),
        (1.0, 0.5, -3.0, 4.0),
        (0.0, 1.0, 1.0, 1.5),
        (0.0, 0.02, -2.0, 2.0),
        (0, 1, 1.9, 6),
    ],
)
def test_trunc_normal(mean: float, std: float, a: float, b: float) -> None:
    x = sample(init.trunc_normal_, mean, std, a, b)
    assert x.min() >= a and x.max() <= b
    expected = stats.truncnorm((a - mean) / std, (b - mean) / std, loc=mean, scale=std)
    assert stats.kstest(x, expected.cdf).pvalue > 1e-3


def test_trunc_normal_far_from_its_mean_warns() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        init.trunc_normal_(rt.empty(3), mean=10.0)


def test_inverse_error_function() -> None:
    from scipy.special import erfinv

    y = np.concatenate([np.linspace(-0.999999, 0.999999, 101), [0.0, 1e-12, -1e-30]])
    ours = init._erfinv(rt.tensor(y, dtype=rt.float64)).numpy()
    np.testing.assert_allclose(ours, erfinv(y), rtol=1e-9, atol=1e-30)
    # Next to one, a rounding of y is already this much.
    assert init._erfinv(rt.tensor(1 - 1e-12, dtype=rt.float64)).item() == pytest.approx(
        erfinv(1 - 1e-12), rel=1e-4
    )


def test_generator_makes_it_repeatable() -> None:
    fills: list[Any] = [
        init.uniform_,
        init.normal_,
        init.trunc_normal_,
        init.xavier_uniform_,
        init.xavier_normal_,
        init.kaiming_uniform_,
        init.kaiming_normal_,
        init.orthogonal_,
    ]
    for fill in fills:
        a, b, c = (fill(rt.empty(4, 4), generator=rt.Generator().manual_seed(seed)) for seed in (5, 5, 6))
        assert (a == b).all() and not (a == c).all()


def test_no_gradient_is_recorded() -> None:
    p = nn.Parameter(rt.empty(3, 3))
    for fill in (init.uniform_, init.ones_, init.eye_, init.orthogonal_, init.kaiming_normal_):
        assert fill(p) is p and p.grad_fn is None and p.is_leaf


@pytest.mark.parametrize(
    ("name", "param", "gain"),
    [
        ("linear", None, 1),
        ("conv2d", None, 1),
        ("sigmoid", None, 1),
        ("tanh", None, 5 / 3),
        ("relu", None, math.sqrt(2)),
        ("leaky_relu", None, math.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu", 0.5, math.sqrt(2 / 1.25)),
        ("selu", None, 0.75),
    ],
)
def test_gain(name: str, param: float | None, gain: float) -> None:
    assert init.calculate_gain(name, param) == pytest.approx(gain)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (4, 2, 3)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    q = init.orthogonal_(rt.empty(shape, dtype=rt.float64), gain=2.0).reshape(shape[0], -1)
    small = q.t() @ q if q.shape[0] > q.shape[1] else q @ q.t()
    np.testing.assert_allclose(small.numpy(), 4 * np.eye(small.shape[0]), atol=1e-10)


def test_orthogonal_of_nothing() -> None:
    assert init.orthogonal_(rt.empty(0, 3)).shape == (0, 3)


def test_structured_fills() -> None:
    assert init.eye_(rt.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    w = init.dirac_(rt.empty(4, 2, 3, 3), groups=2)
    x = rt.randn(1, 4, 5, 5)
    out = nn.functional.conv2d(x, w, padding=1, groups=2)
    assert rt.allclose(out, x)
    s = init.sparse_(rt.empty(50, 10), sparsity=0.25, std=1.0)
    assert ((s == 0).sum(0) == 13).all()


def test_empty_tensors_warn() -> None:
    for fill in (init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.warns(UserWarning, match="no-op"):
            fill(rt.empty(0, 3))


DEFAULTS: list[tuple[Any, dict[str, float]]] = [
    (lambda: nn.Linear(64, 200), {"weight": 1 / 8, "bias": 1 / 8}),
    (lambda: nn.Bilinear(16, 5, 100), {"weight": 1 / 4, "bias": 1 / 4}),
    (lambda: nn.Conv1d(16, 100, 4), {"weight": 1 / 8, "bias": 1 / 8}),
    (lambda: nn.Conv2d(8, 100, 4, groups=2), {"weight": 1 / 8, "bias": 1 / 8}),
    (lambda: nn.ConvTranspose2d(100, 16, 2), {"weight": 1 / 8, "bias": 1 / 8}),
    (lambda: nn.LSTM(8, 64), dict.fromkeys(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"), 1 / 8)),
    (lambda: nn.GRUCell(8, 64), dict.fromkeys(("weight_ih", "weight_hh", "bias_hh"), 1 / 8)),
    (lambda: nn.MultiheadAttention(60, 2), {"in_proj_weight": math.sqrt(6 / 240)}),
]


@pytest.mark.parametrize(("make", "bounds"), DEFAULTS)
def test_default_start_of_layers(make: Any, bounds: dict[str, float]) -> None:
    rt.manual_seed(0)
    layer = make()
    for name, bound in bounds.items():
        assert_uniform(np.array(getattr(layer, name).detach().numpy()).ravel().astype(float), -bound, bound)


def test_default_start_of_other_layers() -> None:
    rt.manual_seed(0)
    e = nn.Embedding(300, 20, padding_idx=3)
    assert_normal(np.delete(e.weight.detach().numpy(), 3, 0).ravel(), 0, 1)
    assert not e.weight[3].any()
    a = nn.MultiheadAttention(4, 2, add_bias_kv=True)
    assert not a.in_proj_bias.any() and not a.out_proj.bias.any() and a.bias_k.any()
    for layer in (nn.BatchNorm2d(3), nn.LayerNorm(3), nn.GroupNorm(1, 3)):
        assert (layer.weight == 1).all() and not layer.bias.any()
    assert nn.PReLU(2, init=0.1).weight.tolist() == pytest.approx([0.1, 0.1])
