"""Products of matrices on the emulators against the CPU's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt

from .compare import (
    FLOATS,
    INTEGERS,
    LAYOUTS,
    Layout,
    assert_same,
    both_devices,
    draw,
    gradients,
    moved,
    stepped,
)

# (m, k, n): within a tile, ragged, larger than one, sums in parts; n or m of one: the vector forms.
SMALL = [(3, 5, 4), (1, 7, 1), (33, 17, 35)]
SHAPES = [*SMALL, (65, 20, 66), (8, 600, 9), (5, 64, 1), (1, 64, 6), (2, 1100, 1), (300, 9, 1)]


@both_devices
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_types(shape: tuple[int, int, int], dtype: rt.dtype, device: str) -> None:
    m, k, n = shape
    a, b = draw((m, k), dtype), draw((k, n), dtype, 1)
    assert_same(a.to(device) @ b.to(device), a @ b, scale=k**0.5)


@both_devices
@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.int32], ids=str)
@pytest.mark.parametrize("shape", [(8, 24, 16), (7, 9, 5), (40, 8, 1), (1, 16, 40)], ids=str)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_layouts(
    left: Layout, right: Layout, shape: tuple[int, int, int], dtype: rt.dtype, device: str
) -> None:
    m, k, n = shape
    a, b = draw((m, k), dtype), draw((k, n), dtype, 1)
    assert_same(moved(a, left, device) @ moved(b, right, device), a @ b, scale=k**0.5)


@both_devices
@pytest.mark.parametrize("dtype", [rt.float32, rt.bfloat16, rt.int64], ids=str)
@pytest.mark.parametrize(
    "a, b",
    [
        ((3, 4, 5), (3, 5, 6)),
        ((2, 3, 4, 5), (5, 6)),
        ((4, 5), (2, 3, 5, 2)),
        ((2, 1, 4, 5), (3, 5, 1)),
        ((3, 4, 5), (5,)),
        ((5,), (2, 5, 3)),
        ((2, 1, 2, 1, 2, 3, 4), (2, 1, 2, 1, 4, 2)),
        ((2, 1, 1, 2, 1, 3, 4), (1, 2, 3, 1, 2, 4, 2)),
        ((0, 3), (3, 2)),
        ((3, 0), (0, 2)),
        ((2, 0, 3), (2, 3, 4)),
    ],
    ids=str,
)
def test_batches(a: tuple[int, ...], b: tuple[int, ...], dtype: rt.dtype, device: str) -> None:
    x, y = draw(a, dtype), draw(b, dtype, 1)
    assert_same(x.to(device) @ y.to(device), x @ y, scale=3)


@both_devices
@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.int16], ids=str)
@pytest.mark.parametrize("shape", [(5, 6, 7), (6, 700, 4), (4, 9, 1)], ids=str)
@pytest.mark.parametrize("beta, alpha", [(1, 1), (0, 2), (3, -1), (2, 0)])
def test_factors(beta: int, alpha: int, shape: tuple[int, int, int], dtype: rt.dtype, device: str) -> None:
    m, k, n = shape
    x, a, b = draw((m, n), dtype, 2), draw((m, k), dtype), draw((k, n), dtype, 1)
    want = rt.addmm(x, a, b, beta=beta, alpha=alpha)
    there = [t.to(device) for t in (x, a, b)]
    assert_same(rt.addmm(*there, beta=beta, alpha=alpha), want, scale=2 * k**0.5)


@both_devices
def test_out_layouts(device: str) -> None:
    a, b = draw((6, 5), rt.float32), draw((5, 7), rt.float32, 1)
    for out in (
        rt.zeros(7, 6, device=device).T,
        rt.zeros(6, 14, device=device)[:, ::2],
        rt.zeros(8, 9, device=device)[1:7, 2:],
    ):
        rt.mm(a.to(device), b.to(device), out=out)
        assert_same(out, a @ b)


@both_devices
def test_not_finite(device: str) -> None:
    a = rt.tensor([[np.inf, 1.0], [np.nan, 1.0], [-np.inf, np.inf]])
    b = rt.tensor([[1.0, 0.0, -1.0], [1.0, 2.0, 3.0]])
    assert_same(a.to(device) @ b.to(device), a @ b)
    assert_same(a.to(device) @ b[:, 0].to(device), a @ b[:, 0])
    # What counts for nothing is not read.
    x = rt.full((3, 3), float("nan"))
    assert_same(rt.addmm(x.to(device), a.to(device), b.to(device), beta=0), a @ b)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("size", [0, 1, 37, 600])
def test_dot(size: int, dtype: rt.dtype, device: str) -> None:
    a, b = draw((size,), dtype), draw((size,), dtype, 1)
    want = rt.dot(a, b)
    assert_same(rt.dot(a.to(device), b.to(device)), want, scale=1 + size**0.5)
    assert_same(rt.dot(moved(a, stepped, device), b.to(device)), want, 1 + size**0.5)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_many_parts(dtype: rt.dtype, device: str) -> None:
    # More parts than one thread adds up.
    a, b = draw((30000,), dtype), draw((30000,), dtype, 1)
    assert_same(rt.dot(a.to(device), b.to(device)), rt.dot(a, b), scale=200)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_gradients(dtype: rt.dtype, device: str) -> None:
    cases: list[tuple[Callable[..., rt.Tensor], list[rt.Tensor]]] = [
        (rt.mm, [draw((3, 4), dtype), draw((4, 5), dtype, 1)]),
        (rt.bmm, [draw((2, 3, 4), dtype), draw((2, 4, 5), dtype, 1)]),
        (rt.nn.functional.linear, [draw((3, 4), dtype), draw((5, 4), dtype, 1)]),
    ]
    for f, inputs in cases:
        for got, want in zip(gradients(f, inputs, device), gradients(f, inputs, "cpu"), strict=True):
            assert_same(got, want, scale=4)


@both_devices
def test_types_without_a_kernel(device: str) -> None:
    x = rt.zeros(2, 2, dtype=rt.float64, device=device)
    with pytest.raises(rt.errors.UnsupportedOperation, match=r"no kernel .*float64\[2, 2\] on emulator"):
        _ = x @ x
