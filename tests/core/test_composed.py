"""Functions composed in Python, names of dtypes' tensors, and questions about CUDA."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
import scipy.integrate

import rustorch as rt


def same(ours: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), expected, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_atleast(n: int) -> None:
    ours, numpys = getattr(rt, f"atleast_{n}d"), getattr(np, f"atleast_{n}d")
    arrays = [np.float32(3), np.arange(3.0), np.ones((2, 3)), np.ones((2, 1, 2, 2))]
    for a in arrays:
        same(ours(rt.tensor(a)), numpys(a))
    several = ours(*map(rt.tensor, arrays))
    assert isinstance(several, tuple) and len(several) == 4
    assert [t.shape for t in ours([rt.tensor(1), rt.ones(2)])] == [
        t.shape for t in ours(rt.tensor(1), rt.ones(2))
    ]
    with pytest.raises(TypeError, match="tensors"):
        ours(1.5)


def test_broadcast_shapes() -> None:
    for shapes in [(), ((2, 1), (3,)), (3, (2, 1), (5, 1, 1)), ((0, 1), (1, 4)), ((),)]:
        assert tuple(rt.broadcast_shapes(*shapes)) == np.broadcast_shapes(*shapes)
    assert isinstance(rt.broadcast_shapes((2,)), rt.Size)
    for wrong in [((2,), (3,)), ((-1,),), ((1.5,),), (1.5,)]:
        with pytest.raises(RuntimeError):
            rt.broadcast_shapes(*wrong)


def test_unravel_index() -> None:
    places = np.array([[0, 5], [11, 23]])
    for ours, expected in zip(
        rt.unravel_index(rt.tensor(places), (2, 3, 4)), np.unravel_index(places, (2, 3, 4))
    ):
        same(ours, expected)
    same(rt.unravel_index(rt.tensor([3]), 4)[0], [3])
    with pytest.raises(ValueError, match="out of bounds"):
        rt.unravel_index(rt.tensor([24]), (2, 3, 4))
    with pytest.raises(ValueError, match="negative"):
        rt.unravel_index(rt.tensor([0]), (-2, 3))
    for indices, shape in [
        (3, (4,)),
        (rt.ones(1), (4,)),
        (rt.tensor([0]), "a"),
        (rt.tensor([0]), rt.tensor([4])),
    ]:
        with pytest.raises(TypeError):
            rt.unravel_index(indices, shape)


def test_trapezoid() -> None:
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=(3, 4)), np.sort(rng.normal(size=4))
    numpys = scipy.integrate.trapezoid
    same(rt.trapezoid(rt.tensor(y)), numpys(y))
    same(rt.trapezoid(rt.tensor(y), dx=0.5, dim=0), numpys(y, dx=0.5, axis=0))
    same(rt.trapz(rt.tensor(y), rt.tensor(x)), numpys(y, x))
    full = np.sort(rng.normal(size=(3, 4)), 0)
    same(rt.trapezoid(rt.tensor(y), rt.tensor(full), dim=0), numpys(y, full, axis=0))
    running = rt.cumulative_trapezoid(rt.tensor(y), rt.tensor(x))
    assert running.shape == (3, 3)
    same(running[:, -1], numpys(y, x))
    same(rt.trapezoid(rt.zeros(2, 0)), [0, 0])
    with pytest.raises(TypeError):  # both places and distances
        rt.trapezoid(rt.tensor(y), rt.tensor(x), dx=1)
    with pytest.raises(RuntimeError, match="one `x` value"):
        rt.trapezoid(rt.tensor(y), rt.ones(3))
    with pytest.raises(RuntimeError, match="bool"):
        rt.trapezoid(rt.tensor([True]))
    with pytest.raises(IndexError):
        rt.trapezoid(rt.tensor(1.0))


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient(edge_order: int) -> None:
    rng = np.random.default_rng(0)
    f = rng.normal(size=(4, 5))
    places = [np.cumsum(rng.uniform(0.5, 1, n)) for n in f.shape]
    for ours, expected in zip(
        rt.gradient(rt.tensor(f), edge_order=edge_order), np.gradient(f, edge_order=edge_order)
    ):
        same(ours, expected)
    found = rt.gradient(rt.tensor(f), spacing=[rt.tensor(p) for p in places], edge_order=edge_order)
    for ours, expected in zip(found, np.gradient(f, *places, edge_order=edge_order)):
        same(ours, expected)
    (last,) = rt.gradient(rt.tensor(f), spacing=rt.tensor(2.0), dim=-1, edge_order=edge_order)
    same(last, np.gradient(f, 2.0, axis=-1, edge_order=edge_order))
    x = rt.tensor(f, requires_grad=True)
    assert rt.autograd.gradcheck(lambda t: rt.gradient(t, edge_order=edge_order), (x,))


def test_gradient_of_infinite_samples_is_that_of_their_differences() -> None:
    f = np.array([0.0, 1.0, np.inf, 2.0, -np.inf, 3.0, 4.0])
    with np.errstate(invalid="ignore"):
        same(rt.gradient(rt.tensor(f))[0], np.gradient(f))
        same(rt.gradient(rt.tensor(f), spacing=0.5, edge_order=2)[0], np.gradient(f, 0.5, edge_order=2))


def test_gradient_takes_a_complex_distance() -> None:
    z = np.array([1 + 2j, 3 - 1j, 0.5j, 2.0])
    same(rt.gradient(rt.tensor(z), spacing=1 - 2j)[0], np.gradient(z) / (1 - 2j))
    same(rt.gradient(rt.tensor(z.real), spacing=2j)[0], np.gradient(z.real) / 2j)


def test_gradient_refuses() -> None:
    x = rt.ones(3, 3)
    for options in [
        {"edge_order": 3},
        {"dim": (0, 0)},
        {"spacing": [1.0]},
        {"spacing": [rt.ones(2), rt.ones(3)]},
    ]:
        with pytest.raises(RuntimeError):
            rt.gradient(x, **options)
    with pytest.raises(RuntimeError, match="at least"):
        rt.gradient(rt.ones(1))
    with pytest.raises(RuntimeError, match="does not support"):
        rt.gradient(rt.tensor([True, False]))
    with pytest.raises(IndexError):
        rt.gradient(x, dim=2)


def test_renorm() -> None:
    x = rt.tensor([[3.0, 4.0], [0.3, 0.4]])
    same(rt.renorm(x, 2, 0, 1), [[0.6, 0.8], [0.3, 0.4]])
    out = rt.empty(2, 2)
    assert rt.renorm(x, 2, 0, 1, out=out) is out
    y = x.clone()
    assert y.renorm_(2, 0, 1) is y
    same(y, out)
    same(x.renorm(1, 1, 1e9), x)
    for wrong in [(x, 0, 0, 1), (x[0], 2, 0, 1), (x, 2, 0, -1)]:
        with pytest.raises(RuntimeError):
            rt.renorm(*wrong)
    with pytest.raises(IndexError):
        rt.renorm(x, 2, 5, 1)


def test_typed_tensors() -> None:
    assert rt.FloatTensor(2, 3).shape == (2, 3) and rt.FloatTensor(rt.Size([2])).shape == (2,)
    assert rt.LongTensor([[1, 2]]).tolist() == [[1, 2]]
    assert rt.DoubleTensor().shape == (0,) and rt.DoubleTensor([1, 2]).dtype == rt.float64
    assert isinstance(rt.zeros(1), rt.FloatTensor) and not isinstance(rt.zeros(1), rt.LongTensor)
    assert not isinstance(1.0, rt.FloatTensor)
    assert pickle.loads(pickle.dumps(rt.BoolTensor)) is rt.BoolTensor is copy.copy(rt.BoolTensor)
    assert repr(rt.HalfTensor) == "<class 'rustorch.HalfTensor'>"


def test_constants() -> None:
    assert (rt.pi, rt.e, rt.inf, rt.newaxis) == (math.pi, math.e, math.inf, None)
    assert math.isnan(rt.nan)
    assert rt.ones(3)[:, rt.newaxis].shape == (3, 1)


def test_cuda_can_be_asked_for() -> None:
    assert rt.cuda.is_available() == any(d.available and "cuda" in d.name for d in rt.devices())
    rt.cuda.manual_seed_all(0)
    if rt.cuda.is_available():
        assert rt.cuda.current_device() == 0
    else:
        for ask in (rt.cuda.current_device, rt.cuda.synchronize):
            with pytest.raises(RuntimeError, match="no CUDA device"):
                ask()


def test_resize_to_the_same_shape_changes_nothing() -> None:
    x = rt.zeros(2, 3).T
    assert x.resize_(3, 2).stride() == (1, 3)
    assert x.resize_as_(rt.ones(3, 2)).stride() == (1, 3)


def test_a_truth_value_is_no_size() -> None:
    x = rt.tensor([[1.0, 3.0], [5.0, 9.0]])
    assert x.std(True).shape == () and x.var(False).item() == rt.var(x, False).item()
