"""Running sums, products and extremes on compute devices, beside the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES

FLOATS = [rt.float32, rt.float16, rt.bfloat16]
INTS = [rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64, rt.bool]
TOLERANCE = {rt.float32: 1e-5, rt.float16: 2e-3, rt.bfloat16: 1.6e-2}
RNG = np.random.default_rng(5)
# Rows of one tile, of several, and of several parts; short columns, and long ones.
SHAPES = [((5,), 0), ((3, 1500), 1), ((1, 9001), 1), ((2, 7, 3), 1), ((1100, 3), 0), ((2, 9000, 2), 1)]


def values(shape: tuple[int, ...], dtype: rt.dtype) -> rt.Tensor:
    if dtype in FLOATS:
        return rt.tensor(RNG.uniform(-1, 1, shape).astype(np.float32)).to(dtype)
    return rt.tensor(RNG.integers(0, 7, shape)).to(dtype)


def same(got: Any, expected: Any, scale: float = 1) -> None:
    if isinstance(expected, tuple):
        for g, e in zip(got, expected, strict=True):
            same(g, e, scale)
        return
    assert got.dtype == expected.dtype and got.shape == expected.shape
    if expected.dtype not in FLOATS:
        np.testing.assert_array_equal(got.cpu().numpy(), expected.numpy())
        return
    t = TOLERANCE[expected.dtype]
    a, b = (x.cpu().to(rt.float32).numpy() for x in (got, expected))
    np.testing.assert_allclose(a, b, rtol=t, atol=t * scale)


def near_one(x: rt.Tensor) -> rt.Tensor:
    """Of which products of thousands stay finite, but not too near zero."""
    return rt.tensor(1 + x.to(rt.float32).numpy() / 50).to(x.dtype)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "cumsum": rt.cumsum,
    "cumprod": rt.cumprod,
    "logcumsumexp": rt.logcumsumexp,
    "cummax": lambda x, d: tuple(rt.cummax(x, d)),
    "cummin": lambda x, d: tuple(rt.cummin(x, d)),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "name, dtype",
    [(k, d) for k in FUNCTIONS for d in [*FLOATS, *(INTS if k != "logcumsumexp" else [])]],
    ids=str,
)
def test_every_scan(device: str, name: str, dtype: rt.dtype) -> None:
    f = FUNCTIONS[name]
    for shape, dim in SHAPES:
        x = values(shape, dtype)
        if name == "cumprod" and dtype in FLOATS:
            x = near_one(x)
        same(f(x.to(device), dim), f(x, dim), scale=10)


@pytest.mark.parametrize("device", DEVICES)
def test_backwards(device: str) -> None:
    """The gradient of cumsum runs from the end."""
    for shape, dim in SHAPES:
        x, g = values(shape, rt.float32), values(shape, rt.float32)
        here, there = x.detach().requires_grad_(), x.to(device).detach().requires_grad_()
        rt.cumsum(here, dim).backward(g)
        rt.cumsum(there, dim).backward(g.to(device))
        assert here.grad is not None and there.grad is not None
        same(there.grad, here.grad, scale=10)


@pytest.mark.parametrize("device", DEVICES)
def test_layouts(device: str) -> None:
    base = values((4, 20, 9), rt.float32)
    there = base.to(device)
    views: list[Callable[[rt.Tensor], rt.Tensor]] = [
        lambda t: t.transpose(0, 2),
        lambda t: t[::2, 3:, ::4],
        lambda t: t[:, :1].expand(4, 4, 9),
        lambda t: t[2, 3, 4],
        lambda t: t[:0],
        lambda t: t[:, :0],
    ]
    for view in views:
        x, y = view(base), view(there)
        for dim in range(max(x.dim(), 1)):
            for f in FUNCTIONS.values():
                same(f(y, dim), f(x, dim))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape, dim", [((3, 60), 1), ((60, 3), 0), ((1, 9000), 1)])
def test_ties_nan_and_infinity(device: str, shape: tuple[int, ...], dim: int) -> None:
    inf, nan = float("inf"), float("nan")
    x = rt.tensor(RNG.integers(-2, 3, shape).astype(np.float32))
    specials = [x.clone() for _ in range(4)]
    for t, number in zip(specials, [nan, inf, -inf, nan], strict=True):
        t.reshape(-1)[t.numel() // 2] = number
    specials[3].reshape(-1)[t.numel() // 2 + 1] = inf
    for t in [x, *specials, rt.full(shape, -inf), rt.full(shape, inf), rt.zeros(shape)]:
        for name in ["cumsum", "logcumsumexp", "cummax", "cummin"]:
            same(FUNCTIONS[name](t.to(device), dim), FUNCTIONS[name](t, dim), scale=10)


def test_what_there_is_no_kernel_for() -> None:
    x = rt.ones(2, 3, dtype=rt.float64).to("emulator")
    with pytest.raises(NotImplementedError, match=r"sum: .*no kernel 'scan_rows_sum_float64'"):
        rt.cumsum(x, 1)
