"""Parametrized tensors: reading, training, assigning, chaining, removing, and the ready-made ones."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn
from rustorch.nn.utils import parametrizations, parametrize


class Symmetric(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x: Any) -> Any:
        return x.triu()


class Double(nn.Module):
    def forward(self, x: Any) -> Any:
        return 2 * x

    def right_inverse(self, x: Any) -> Any:
        return x / 2


class Outer(nn.Module):
    def forward(self, x: Any, y: Any) -> Any:
        return x.unsqueeze(-1) * y

    def right_inverse(self, z: Any) -> Any:
        return z[:, 0].clone(), z[0].clone()


class Plain(nn.Module):
    def forward(self, x: Any) -> Any:
        return x + 1


def layer(*steps: Any) -> Any:
    rt.manual_seed(0)
    made = nn.Linear(4, 4)
    for step in steps:
        parametrize.register_parametrization(made, "weight", step)
    return made


def test_reading_computes_and_training_reaches_the_original() -> None:
    m = layer(Symmetric())
    assert (m.weight == m.weight.mT).all()
    names = [name for name, _ in m.named_parameters()]
    assert names == ["bias", "parametrizations.weight.original"]
    assert type(m).__name__ == "ParametrizedLinear" and isinstance(m, nn.Linear)
    opt = rt.optim.SGD(m.parameters(), lr=0.5)
    before = m.weight.detach().clone()
    m(rt.ones(2, 4)).sum().backward()
    opt.step()
    assert (m.weight == m.weight.mT).all() and not (m.weight == before).all()


def test_assigning_goes_through_the_inverses_in_turn() -> None:
    m = layer(Symmetric(), Double())
    value = rt.arange(16.0).view(4, 4)
    value = value + value.mT
    m.weight = value
    assert (m.weight == value).all()
    assert (m.parametrizations.weight.original == (value / 2).triu()).all()
    with pytest.raises(RuntimeError, match="right_inverse"):
        layer(Plain()).weight = value


def test_several_originals() -> None:
    m = layer(Outer())
    chain = m.parametrizations.weight
    assert not chain.is_tensor and chain.ntensors == 2
    assert rt.linalg.matrix_rank(m.weight).item() == 1
    m.weight.sum().backward()
    assert chain.original0.grad is not None and chain.original1.grad is not None
    with pytest.raises(ValueError, match="sequence of tensors"):
        parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)
    parametrize.remove_parametrizations(m, "weight")
    assert type(m) is nn.Linear and isinstance(m.weight, nn.Parameter)


@pytest.mark.parametrize("keep", [True, False])
def test_removing(keep: bool) -> None:
    m = layer(Double(), Plain())
    value, original = m.weight.detach().clone(), m.parametrizations.weight.original
    parametrize.remove_parametrizations(m, "weight", leave_parametrized=keep)
    assert type(m) is nn.Linear and not hasattr(m, "parametrizations")
    assert m.weight is original
    assert rt.allclose(m.weight, value if keep else (value - 1) / 2, atol=1e-6)


def test_buffers_copies_and_checkpoints() -> None:
    m = nn.BatchNorm1d(3)
    parametrize.register_parametrization(m, "running_mean", Plain())
    assert m.running_mean.tolist() == [1.0, 1.0, 1.0]
    assert "parametrizations.running_mean.original" in dict(m.named_buffers())
    one = layer(Symmetric())
    two = copy.deepcopy(one)
    assert (one.weight == two.weight).all()
    assert two.parametrizations.weight.original is not one.parametrizations.weight.original
    three = nn.Linear(4, 4)
    parametrize.register_parametrization(three, "weight", Symmetric())
    three.load_state_dict(one.state_dict())
    assert (three.weight == one.weight).all()
    assert parametrize.type_before_parametrizations(three) is nn.Linear


def test_cached_computes_once() -> None:
    calls = []

    class Count(nn.Module):
        def forward(self, x: Any) -> Any:
            calls.append(1)
            return x

    m = layer()
    parametrize.register_parametrization(m, "weight", Count(), unsafe=True)
    with parametrize.cached():
        assert m.weight is m.weight
    assert len(calls) == 1
    assert m.weight is not None and len(calls) == 2


def test_what_does_not_fit_is_refused_and_leaves_the_module_alone() -> None:
    class Shorter(nn.Module):
        def forward(self, x: Any) -> Any:
            return x[1:]

    class Wider(nn.Module):
        def forward(self, x: Any) -> Any:
            return x.double()

    for bad, word in ((Shorter(), "shape"), (Wider(), "dtype")):
        m = layer()
        with pytest.raises(ValueError, match=f"may not change the {word}"):
            parametrize.register_parametrization(m, "weight", bad)
        assert type(m) is nn.Linear and isinstance(m.weight, nn.Parameter)
    with pytest.raises(ValueError, match="does not have a parameter"):
        parametrize.register_parametrization(layer(), "weights", Plain())
    with pytest.raises(ValueError, match="does not have a parametrization"):
        parametrize.remove_parametrizations(layer(), "weight")
    parametrize.register_parametrization(m, "weight", Shorter(), unsafe=True)
    assert m.weight.shape == (3, 4)


def test_transfer() -> None:
    one, two = layer(Symmetric(), Double()), nn.Linear(4, 4)
    parametrize.transfer_parametrizations_and_params(one, two)
    assert (two.weight == one.weight).all()


# Weight normalization.


@pytest.mark.parametrize(("dim", "axes"), [(0, (1, 2)), (1, (0, 2)), (-2, (0, 2)), (None, (0, 1, 2))])
def test_weight_norm(dim: int | None, axes: tuple[int, ...]) -> None:
    rt.manual_seed(0)
    conv = nn.Conv1d(3, 5, 2)
    w = conv.weight.detach().numpy().copy()
    parametrizations.weight_norm(conv, dim=dim)
    g = conv.parametrizations.weight.original0
    norm = np.sqrt((w**2).sum(axis=axes, keepdims=dim is not None))
    np.testing.assert_allclose(g.detach().numpy(), norm, rtol=1e-5)
    np.testing.assert_allclose(conv.weight.detach().numpy(), w, rtol=1e-5)
    with rt.no_grad():
        g.mul_(3)
    np.testing.assert_allclose(conv.weight.detach().numpy(), 3 * w, rtol=1e-5)


def test_weight_norm_by_a_hook_and_its_checkpoints() -> None:
    rt.manual_seed(0)
    m = nn.Linear(3, 2)
    w = m.weight.detach().clone()
    with pytest.warns(FutureWarning, match="deprecated"):
        nn.utils.weight_norm(m)
    assert sorted(n for n, _ in m.named_parameters()) == ["bias", "weight_g", "weight_v"]
    x = rt.randn(4, 3)
    with rt.no_grad():
        m.weight_g.mul_(2)
    y = m(x)
    assert rt.allclose(y, x @ (2 * w).t() + m.bias, atol=1e-6)
    y.sum().backward()
    assert m.weight_g.grad is not None and m.weight_v.grad is not None
    with pytest.raises(RuntimeError, match="two weight_norm hooks"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.utils.weight_norm(m)
    newer = parametrizations.weight_norm(nn.Linear(3, 2))
    newer.load_state_dict(m.state_dict())
    assert rt.allclose(newer(x), y, atol=1e-6)
    nn.utils.remove_weight_norm(m)
    assert rt.allclose(m.weight, 2 * w) and isinstance(m.weight, nn.Parameter)
    with pytest.raises(ValueError, match="not found"):
        nn.utils.remove_weight_norm(m)


# Spectral normalization.


@pytest.mark.parametrize(
    "make", [nn.utils.spectral_norm, parametrizations.spectral_norm], ids=["hook", "new"]
)
@pytest.mark.parametrize("kind", ["linear", "conv", "transposed"])
def test_spectral_norm(make: Any, kind: str) -> None:
    rt.manual_seed(0)
    m: Any
    m, x = {
        "linear": lambda: (nn.Linear(5, 7), rt.randn(2, 5)),
        "conv": lambda: (nn.Conv2d(2, 4, 3), rt.randn(1, 2, 5, 5)),
        "transposed": lambda: (nn.ConvTranspose1d(2, 4, 3), rt.randn(1, 2, 5)),
    }[kind]()
    w = m.weight.detach().numpy().copy()
    rows = 1 if kind == "transposed" else 0
    largest = np.linalg.svd(np.moveaxis(w, rows, 0).reshape(w.shape[rows], -1), compute_uv=False)[0]
    make(m, n_power_iterations=30)
    m(x)
    np.testing.assert_allclose(m.weight.detach().numpy(), w / largest, rtol=1e-3, atol=1e-5)
    m.eval()
    assert (m(x) == m(x)).all()
    # Two forwards before one backward, as where a discriminator judges twice.
    m.train()
    (m(x).sum() - m(2 * x).sum()).backward()
    assert all(p.grad is not None for p in m.parameters())


def test_spectral_norm_is_removed_and_checked() -> None:
    m = nn.utils.spectral_norm(nn.Linear(3, 2))
    assert sorted(m.state_dict()) == ["bias", "weight_orig", "weight_u", "weight_v"]
    m(rt.ones(1, 3))
    value = m.eval().weight.detach().clone()
    m(rt.ones(1, 3))
    nn.utils.remove_spectral_norm(m)
    assert rt.allclose(m.weight, value, atol=1e-2) and isinstance(m.weight, nn.Parameter)
    assert sorted(m.state_dict()) == ["bias", "weight"]
    with pytest.raises(ValueError, match="not found"):
        nn.utils.remove_spectral_norm(m)
    for make in (nn.utils.spectral_norm, parametrizations.spectral_norm):
        with pytest.raises(ValueError, match="n_power_iterations"):
            make(nn.Linear(2, 2), n_power_iterations=0)
    with pytest.raises(IndexError, match="Dimension out of range"):
        parametrizations.spectral_norm(nn.Linear(2, 2), dim=2)


# Orthogonal matrices.


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 5, 3)])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivialized", [True, False])
def test_orthogonal(shape: tuple[int, ...], kind: str, trivialized: bool) -> None:
    rt.manual_seed(0)
    m = nn.Module()
    m.w = nn.Parameter(rt.randn(shape, dtype=rt.float64))
    parametrizations.orthogonal(m, "w", kind, use_trivialization=trivialized)
    assert m.w.shape == shape

    def error() -> float:
        w = m.w.detach()
        w = w.mT if shape[-2] < shape[-1] else w
        return float((w.mT @ w - rt.eye(w.shape[-1], dtype=rt.float64)).abs().max())

    assert error() < 1e-10
    opt = rt.optim.SGD(m.parameters(), lr=0.1)
    for _ in range(2):
        opt.zero_grad()
        (m.w * rt.arange(float(shape[-1]), dtype=rt.float64)).sum().backward()
        opt.step()
        assert error() < 1e-10
    if trivialized or kind == "householder":
        target = rt.linalg.qr(rt.randn(*shape[:-2], max(shape[-2:]), min(shape[-2:]), dtype=rt.float64))[0]
        target = target.mT if shape[-2] < shape[-1] else target
        m.w = target
        assert rt.allclose(m.w, target, atol=1e-10)
    else:
        with pytest.raises(NotImplementedError, match="use_trivialization=False"):
            m.w = m.w.detach()


def test_unitary_and_errors() -> None:
    rt.manual_seed(0)
    m = nn.Linear(3, 3, dtype=rt.complex128)
    parametrizations.orthogonal(m)
    assert rt.allclose(m.weight.mH @ m.weight, rt.eye(3, dtype=rt.complex128), atol=1e-10)
    with pytest.raises(ValueError, match="complex"):
        parametrizations.orthogonal(nn.Linear(3, 3, dtype=rt.complex64), orthogonal_map="householder")
    with pytest.raises(ValueError, match="orthogonal_map"):
        parametrizations.orthogonal(nn.Linear(3, 3), orthogonal_map="qr")
    with pytest.raises(ValueError, match="1 dimensions"):
        parametrizations.orthogonal(nn.Linear(3, 3), "bias")


# Fusion.


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("kind", ["conv", "transposed", "linear"])
def test_fusion_with_batch_normalization(kind: str, bias: bool, affine: bool) -> None:
    rt.manual_seed(0)
    layer: Any
    if kind == "linear":
        layer, bn, x = nn.Linear(3, 4, bias=bias), nn.BatchNorm1d(4, affine=affine), rt.randn(5, 3)
        fuse = nn.utils.fuse_linear_bn_eval
    else:
        make: Any = nn.Conv2d if kind == "conv" else nn.ConvTranspose2d
        layer, bn, x = make(3, 4, 2, bias=bias), nn.BatchNorm2d(4, affine=affine), rt.randn(2, 3, 5, 5)

        def fuse(a: Any, b: Any) -> Any:
            return nn.utils.fuse_conv_bn_eval(a, b, transpose=kind == "transposed")

    for _ in range(3):
        bn(layer(x))
    with pytest.raises(AssertionError, match="eval"):
        fuse(layer, bn)
    layer.eval(), bn.eval()
    if affine:
        nn.init.uniform_(bn.weight), nn.init.uniform_(bn.bias)
    assert rt.allclose(fuse(layer, bn)(x), bn(layer(x)), atol=1e-5)
