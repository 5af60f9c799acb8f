"""Layers that learn their input size."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn

pytestmark = pytest.mark.filterwarnings("ignore:Lazy modules")

CASES: list[tuple[str, tuple[Any, ...], tuple[int, ...]]] = [
    ("LazyLinear", (4,), (2, 3)),
    ("LazyConv1d", (4, 2), (1, 3, 5)),
    ("LazyConv2d", (4, 2), (1, 3, 5, 5)),
    ("LazyConv3d", (4, 2), (1, 3, 3, 3, 3)),
    ("LazyConvTranspose1d", (4, 2), (1, 3, 5)),
    ("LazyConvTranspose2d", (4, 2), (3, 5, 5)),
    ("LazyConvTranspose3d", (4, 2), (1, 3, 3, 3, 3)),
    ("LazyBatchNorm1d", (), (4, 3)),
    ("LazyBatchNorm2d", (), (4, 3, 2, 2)),
    ("LazyBatchNorm3d", (), (4, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), (4, 3, 5)),
    ("LazyInstanceNorm2d", (), (3, 5, 5)),
    ("LazyInstanceNorm3d", (), (4, 3, 2, 2, 2)),
]
each = pytest.mark.parametrize(("name", "args", "shape"), CASES, ids=[c[0] for c in CASES])


@each
def test_becomes_the_plain_layer(name: str, args: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    layer = getattr(nn, name)(*args)
    assert layer.has_uninitialized_params()
    assert all(isinstance(p, nn.UninitializedParameter) for p in layer.parameters())
    layer = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    out = layer(rt.randn(*shape))
    assert type(layer) is getattr(nn, name[4:])
    assert all(type(p) is nn.Parameter for p in layer.parameters())
    plain = type(layer)(3, *args)
    if "InstanceNorm" in name:
        plain = type(layer)(3, affine=True, track_running_stats=True)
    assert repr(plain) == repr(layer)
    assert [tuple(t.shape) for t in plain.state_dict().values()] == [
        tuple(t.shape) for t in layer.state_dict().values()
    ]
    assert not layer._forward_pre_hooks and not layer._load_state_dict_pre_hooks
    assert layer(rt.randn(*shape)).shape == out.shape


@each
def test_loads_a_plain_state(name: str, args: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    donor = getattr(nn, name)(*args)
    donor(rt.randn(*shape))
    layer = getattr(nn, name)(*args)
    layer.load_state_dict(donor.state_dict())
    assert not layer.has_uninitialized_params()
    donor.eval()
    layer.eval()
    x = rt.randn(*shape)
    assert rt.allclose(layer(x), donor(x))
    assert type(layer) is type(donor)


def test_lazy_state_into_lazy_layer() -> None:
    a, b = nn.LazyLinear(2), nn.LazyLinear(2)
    b.load_state_dict(a.state_dict(keep_vars=True))
    assert b.has_uninitialized_params()


def test_casts_before_it_has_a_shape() -> None:
    layer = nn.LazyLinear(2).double()
    assert layer.weight.dtype == rt.float64
    assert layer(rt.ones(1, 3, dtype=rt.float64)).dtype == rt.float64


def test_options_are_kept() -> None:
    layer = nn.LazyConv2d(4, 3, 2, 1, groups=2, bias=False, padding_mode="reflect")
    layer(rt.ones(1, 2, 5, 5))
    assert repr(layer) == repr(nn.Conv2d(2, 4, 3, 2, 1, groups=2, bias=False, padding_mode="reflect"))
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.LazyConv2d(4, 3, groups=2)(rt.ones(1, 3, 5, 5))
    assert nn.LazyBatchNorm1d(affine=False)(rt.ones(2, 3)).shape == (2, 3)
    assert nn.LazyLinear(2, bias=False)(rt.ones(2, 3)).shape == (2, 2)


def test_a_placeholder_has_no_shape() -> None:
    p = nn.UninitializedParameter()
    b = nn.UninitializedBuffer(dtype=rt.float64)
    assert repr(p) == "<UninitializedParameter>" and nn.parameter.is_lazy(p)
    with pytest.raises(RuntimeError, match="Can't access the shape"):
        p.shape
    with pytest.raises(RuntimeError, match="share memory"):
        p.share_memory_()
    with pytest.raises(ValueError, match="uninitialized parameter"):
        p.numel()
    memo: dict[int, Any] = {}
    assert copy.deepcopy(p, memo) is copy.deepcopy(p, memo)
    assert copy.deepcopy(b, memo) is copy.deepcopy(b, memo)
    assert pickle.loads(pickle.dumps(b)).dtype == rt.float64
    b.materialize((2,))
    assert isinstance(b, nn.Buffer) and b.dtype == rt.float64 and b.persistent
    p.materialize((2, 3), dtype=rt.float64, device="cpu")
    assert p.shape == (2, 3) and p.requires_grad and type(p) is nn.Parameter
    assert not nn.parameter.is_lazy(p)


def test_own_lazy_module() -> None:
    class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.UninitializedParameter()

        def forward(self, x: Any) -> Any:
            return x * self.factor

    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented"):
        Scale()(rt.ones(2))

    class Forgetful(Scale):
        def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
            pass

    with pytest.raises(RuntimeError, match="has not been fully initialized"):
        Forgetful()(rt.ones(2))

    class Good(Scale):
        def initialize_parameters(self, x: Any) -> None:
            self.factor.materialize(x.shape)
            nn.init.ones_(self.factor)

    module = Good()
    assert module(rt.ones(2)).tolist() == [1.0, 1.0]
    assert type(module) is Good


def test_what_a_lazy_layer_has_not_is_not_saved() -> None:
    assert list(nn.LazyLinear(2, bias=False).state_dict()) == ["weight"]
