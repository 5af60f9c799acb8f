"""Sorting, selection and searching on the emulator, beside the CPU."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES

RNG = np.random.default_rng(4)
DTYPES = [rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64, rt.float16, rt.bfloat16, rt.float32]


def same(got: rt.Tensor, expected: rt.Tensor) -> None:
    assert got.dtype == expected.dtype and got.shape == expected.shape and got.device.type != "cpu"
    a, b = (t.cpu().to(rt.float32) if t.dtype == rt.bfloat16 else t.cpu() for t in (got, expected))
    np.testing.assert_array_equal(a.numpy(), b.numpy())


def numbers(*shape: int, dtype: rt.dtype) -> rt.Tensor:
    """Few enough values that many are equal, and all that is odd about floats."""
    if dtype == rt.bool or dtype == rt.uint8:
        return rt.tensor(RNG.integers(0, 2, shape)).to(dtype)
    if dtype == rt.int64:
        return rt.tensor(RNG.integers(-3, 4, shape) * (2**61))
    x = RNG.integers(-50, 50, shape)
    if not dtype.is_floating_point:
        return rt.tensor(x).to(dtype)
    y = x / 8.0
    y[x == 7] = np.nan
    y[x == -7] = np.inf
    y[x == 9] = -np.inf
    y[x == 5] = -0.0
    return rt.tensor(y).to(dtype)


LAYOUTS: dict[str, Callable[[rt.Tensor], rt.Tensor]] = {
    "contiguous": lambda x: x,
    "transposed": lambda x: x.t(),
    "stepped": lambda x: x[:, ::2],
    "offset": lambda x: x[1:],
    "broadcast": lambda x: x[:1].expand(*x.shape),
    "empty": lambda x: x[:0],
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [rt.bool, *DTYPES], ids=str)
def test_sort(device: str, dtype: rt.dtype, layout: str) -> None:
    x = numbers(4, 37, dtype=dtype)
    here, there = LAYOUTS[layout](x), LAYOUTS[layout](x.to(device))
    for descending in [False, True]:
        for dim in [0, 1]:
            got, expected = (rt.sort(t, dim, descending) for t in (there, here))
            same(got[0], expected[0])
            same(got[1], expected[1])
    same(rt.argsort(there), rt.argsort(here))
    for k in [0, 1, 2]:
        for largest in [False, True]:
            got, expected = (rt.topk(t, k, 1, largest) for t in (there, here))
            same(got[0], expected[0])
            same(got[1], expected[1])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 64), (3, 65), (70, 3), (2, 1024), (2, 1025), (1, 5000)], ids=str
)
@pytest.mark.parametrize("dtype", [rt.float32, rt.int64], ids=str)
def test_runs_are_merged(device: str, dtype: rt.dtype, shape: tuple[int, int]) -> None:
    x = numbers(*shape, dtype=dtype)
    there = x.to(device)
    for k in sorted({1, min(3, shape[1]), shape[1] - shape[1] // 3, shape[1]}):
        for largest in [False, True]:
            got, expected = (rt.topk(t, k, 1, largest) for t in (there, x))
            same(got[0], expected[0])
            same(got[1], expected[1])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_searchsorted(device: str, dtype: rt.dtype) -> None:
    edges, values = rt.sort(numbers(3, 40, dtype=dtype))[0], numbers(3, 11, dtype=dtype)
    mixed = numbers(40, dtype=dtype)
    order = rt.argsort(mixed)
    for right in [False, True]:
        same(
            rt.searchsorted(edges.to(device), values.to(device), right=right),
            rt.searchsorted(edges, values, right=right),
        )
        same(
            rt.searchsorted(edges[1].to(device), values.to(device), right=right),
            rt.searchsorted(edges[1], values, right=right),
        )
        same(
            rt.searchsorted(mixed.to(device), values.to(device), right=right, sorter=order.to(device)),
            rt.searchsorted(mixed, values, right=right, sorter=order),
        )
    same(rt.searchsorted(edges[0].to(device), values[:0].to(device)), rt.searchsorted(edges[0], values[:0]))
    same(rt.searchsorted(edges[0, :0].to(device), values.to(device)), rt.searchsorted(edges[0, :0], values))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.int32, rt.float16, rt.float32], ids=str)
def test_ranks(device: str, dtype: rt.dtype) -> None:
    x = numbers(5, 33, dtype=dtype)
    there = x.to(device)
    for k in [1, 17, 33]:
        for dim, most in [(0, 5), (1, 33)]:
            got, expected = (rt.kthvalue(t, min(k, most), dim) for t in (there, x))
            same(got[0], expected[0])
            same(got[1], expected[1])


@pytest.mark.parametrize("device", DEVICES)
def test_numbers_and_gradients(device: str) -> None:
    same(rt.sort(rt.tensor(3.0, device=device))[1], rt.tensor(0))
    same(rt.argsort(rt.tensor(3.0, device=device)), rt.tensor(0))
    x = rt.tensor(RNG.standard_normal((3, 20))).to(rt.float32)
    steps: list[Callable[[rt.Tensor], rt.Tensor]] = [
        lambda t: rt.sort(t, 1)[0],
        lambda t: rt.sort(t, 0, True)[0],
        lambda t: rt.topk(t, 4)[0],
    ]
    for step in steps:
        grads = []
        for where in ["cpu", device]:
            leaf = x.to(where).clone().requires_grad_()
            out = step(leaf)
            out.backward(rt.arange(out.numel(), dtype=rt.float32).reshape(out.shape).to(where))
            assert leaf.grad is not None
            grads.append(leaf.grad)
        same(grads[1], grads[0])


def test_no_doubles() -> None:
    with pytest.raises(RuntimeError, match="sort_blocks_float64"):
        rt.sort(rt.ones(3, dtype=rt.float64, device="emulator"))
    with pytest.raises(RuntimeError, match="search_float64"):
        x = rt.ones(3, dtype=rt.float64, device="emulator")
        rt.searchsorted(x, x)
