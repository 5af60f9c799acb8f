"""Softmax and cross entropy on compute devices, beside the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES

TOLERANCE = {rt.float32: 3e-6, rt.float16: 2e-3, rt.bfloat16: 1.6e-2}
FLOATS = list(TOLERANCE)
RNG = np.random.default_rng(3)
# Rows that a simdgroup keeps, with 8, 16 and 32 values a lane; that a group keeps; that none does.
WIDTHS = [1, 5, 31, 64, 250, 256, 300, 512, 1000, 1024, 1100, 3000]
LONG = [9001, 33000]


def values(shape: tuple[int, ...], dtype: rt.dtype, scale: float = 3) -> rt.Tensor:
    return rt.tensor(RNG.normal(0, scale, shape).astype(np.float32)).to(dtype)


def same(got: rt.Tensor, expected: rt.Tensor, scale: float = 1) -> None:
    assert got.dtype == expected.dtype and got.shape == expected.shape
    t = TOLERANCE[expected.dtype]
    a, b = (x.detach().cpu().to(rt.float32).numpy() for x in (got, expected))
    np.testing.assert_allclose(a, b, rtol=t, atol=t * scale)


def backward(op: str, g: rt.Tensor, y: rt.Tensor, dim: int) -> rt.Tensor:
    """The gradient that reaches the input, without ops of other families."""
    x = y.detach().requires_grad_()
    f: Callable[..., Any] = getattr(rt, op)
    f(x, dim).backward(g)
    assert x.grad is not None
    return x.grad


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_rows(device: str, op: str, dtype: rt.dtype) -> None:
    f = getattr(rt, op)
    long = [n + (dtype == rt.float16) for n in LONG]  # packs of 16 bytes, and values one by one
    for n in [*WIDTHS, *long]:
        x, g = (values((2 if n > 300 else 6, n), dtype) for _ in range(2))
        same(f(x.to(device), -1), f(x, -1), scale=10 if op == "log_softmax" else 0.1)
        same(backward(op, g.to(device), x.to(device), -1), backward(op, g, x, -1), scale=50)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_columns(device: str, op: str, dtype: rt.dtype) -> None:
    f = getattr(rt, op)
    for shape in [(2, 3, 5), (1, 40, 33), (3, 100, 2), (2, 9, 300), (1, 1, 7)]:
        x, g = values(shape, dtype), values(shape, dtype)
        same(f(x.to(device), 1), f(x, 1), scale=10 if op == "log_softmax" else 0.1)
        same(backward(op, g.to(device), x.to(device), 1), backward(op, g, x, 1), scale=20)


@pytest.mark.parametrize("device", DEVICES)
def test_layouts(device: str) -> None:
    base = values((6, 70, 9), rt.float32)
    there = base.to(device)
    views: list[Callable[[rt.Tensor], rt.Tensor]] = [
        lambda t: t.transpose(0, 2),
        lambda t: t[::2, 3:, ::4],
        lambda t: t[1:, :, 1:],
        lambda t: t[:, :1].expand(6, 4, 9),
        lambda t: t[2, 3, 4],
        lambda t: t[:0],
        lambda t: t[:, :0],
    ]
    for view in views:
        x, y = view(base), view(there)
        for dim in range(max(x.dim(), 1)):
            same(rt.softmax(y, dim), rt.softmax(x, dim))
            same(rt.log_softmax(y, dim), rt.log_softmax(x, dim), scale=10)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("n", [40, 2000, 33000])
def test_nan_and_infinity(device: str, n: int) -> None:
    inf, nan = float("inf"), float("nan")
    x = values((7, n), rt.float32)
    for row, special in enumerate([nan, inf, -inf]):
        x[row, n // 3] = special
    x[3] = -inf
    x[4] = 1e30
    x[5, 5] = x[5, n // 2] = inf
    for shape in [(7, n), (1, 7, n)]:
        y = x.reshape(*shape)
        for f in [rt.softmax, rt.log_softmax]:
            same(f(y.to(device), -1), f(y, -1), scale=10)
    same(rt.softmax(x.t().contiguous().to(device), 0), rt.softmax(x, 1).t().contiguous())


def cross_entropy_gradient(x: rt.Tensor, target: rt.Tensor, lse: rt.Tensor, scale: rt.Tensor) -> np.ndarray:
    p = np.exp(x.to(rt.float64).numpy() - np.expand_dims(lse.to(rt.float64).numpy(), 1))
    hit = np.arange(x.shape[1]).reshape(1, -1, *[1] * (x.dim() - 2)) == np.expand_dims(target.numpy(), 1)
    return np.asarray((p - hit) * np.expand_dims(scale.to(rt.float64).numpy(), 1))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_cross_entropy_gradient(device: str, dtype: rt.dtype) -> None:
    for shape in [(5, 7), (3, 2500), (4, 64), (2, 6, 33), (2, 3, 4, 8), (1, 2, 2100)]:
        x = values(shape, dtype)
        spread = (shape[0], *shape[2:])
        target = rt.tensor(RNG.integers(0, shape[1], spread))
        a, b = x.detach().requires_grad_(), x.to(device).detach().requires_grad_()
        f = rt.nn.functional.cross_entropy
        loss, there = f(a, target, reduction="none"), f(b, target.to(device), reduction="none")
        same(there, loss, scale=5)
        g = values(spread, dtype)
        loss.backward(g)
        there.backward(g.to(device))
        assert a.grad is not None and b.grad is not None
        same(b.grad, a.grad, scale=3)
        expected = cross_entropy_gradient(x, target, rt.logsumexp(x.to(rt.float64), 1), g)
        t = TOLERANCE[dtype]
        np.testing.assert_allclose(b.grad.cpu().to(rt.float64).numpy(), expected, rtol=t, atol=3 * t)


def test_what_there_is_no_kernel_for() -> None:
    x = rt.ones(2, 3, dtype=rt.float64).to("emulator")
    with pytest.raises(NotImplementedError, match=r"softmax: .*no kernel 'softmax_8_float64'"):
        rt.softmax(x, 1)
