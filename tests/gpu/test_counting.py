"""Counts, sets and most frequent values on the emulator, beside the CPU."""

from __future__ import annotations

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import DEVICES

RNG = np.random.default_rng(5)


def same(got: rt.Tensor, expected: rt.Tensor) -> None:
    assert got.dtype == expected.dtype and got.shape == expected.shape and got.device.type != "cpu"
    a, b = (t.cpu().to(rt.float32) if t.dtype == rt.bfloat16 else t.cpu() for t in (got, expected))
    np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.float32, rt.float16], ids=str)
def test_histc(device: str, dtype: rt.dtype) -> None:
    x = rt.tensor(RNG.standard_normal((3, 700))).to(dtype)
    for a, b in [(x, x.to(device)), (x.t(), x.to(device).t()), (x[:, :0], x.to(device)[:, :0])]:
        for bins, low, high in [(10, -1, 1), (7, 0, 0), (1, -3, 3), (5000, -2, 2)]:
            same(rt.histc(b, bins, low, high), rt.histc(a, bins, low, high))
    same(rt.histc(rt.full((4,), 2.0, device=device), 4), rt.histc(rt.full((4,), 2.0), 4))
    with pytest.raises(RuntimeError, match="is not finite"):
        rt.histc(rt.tensor([1.0, float("nan")], device=device), 4)


@pytest.mark.parametrize("device", DEVICES)
def test_bincount(device: str) -> None:
    x, w = rt.tensor(RNG.integers(0, 9, 5000)), rt.tensor(RNG.integers(0, 99, 5000)).to(rt.float32)
    same(rt.bincount(x.to(device)), rt.bincount(x))
    same(rt.bincount(x.to(device), w.to(device), minlength=20), rt.bincount(x, w, minlength=20))
    same(F.one_hot(x[:20].to(device)), F.one_hot(x[:20]))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "dtype",
    [rt.bool, rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64, rt.float16, rt.bfloat16, rt.float32],
    ids=str,
)
def test_long_runs(device: str, dtype: rt.dtype) -> None:
    """Sums whose runs cross chunks; products and extrema too."""
    at = rt.tensor(np.repeat(RNG.integers(0, 6, 6), 400)[:2300])
    v = rt.tensor(RNG.integers(0, 2, (2, 2300))).to(dtype)
    x = rt.zeros(2, 6).to(dtype)
    for how in ["sum", "prod", "amax", "amin"]:
        same(
            rt.scatter_reduce(x.to(device), 1, at.to(device).expand(2, 2300), v.to(device), how),
            rt.scatter_reduce(x, 1, at.expand(2, 2300), v, how),
        )
    same(rt.index_add(x.to(device), 1, at.to(device), v.to(device)), rt.index_add(x, 1, at, v))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "dtype", [rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64, rt.float16, rt.bfloat16, rt.float32], ids=str
)
def test_sets(device: str, dtype: rt.dtype) -> None:
    x = rt.tensor(RNG.integers(0, 3, (90, 3))).to(dtype)
    many = rt.tensor(RNG.integers(0, 2, (2100, 9))).to(dtype)
    for a in [x, x.t(), x[::2], many]:
        b = a.contiguous().to(device)
        for got, expected in zip(
            rt.unique(b, dim=0, return_inverse=True, return_counts=True),
            rt.unique(a, dim=0, return_inverse=True, return_counts=True),
            strict=True,
        ):
            same(got, expected)
    same(rt.unique(x.to(device)), rt.unique(x))
    line = x[:, 0]
    for got, expected in zip(
        rt.unique_consecutive(line.to(device), return_inverse=True, return_counts=True),
        rt.unique_consecutive(line, return_inverse=True, return_counts=True),
        strict=True,
    ):
        same(got, expected)
    same(rt.isin(x.to(device), x[0].to(device)), rt.isin(x, x[0]))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [rt.uint8, rt.int16, rt.int64, rt.float16, rt.float32], ids=str)
def test_mode(device: str, dtype: rt.dtype) -> None:
    for shape in [(4, 30), (1, 1500), (70, 1)]:
        x = rt.tensor(RNG.integers(0, 7, shape)).to(dtype)
        for dim in [0, 1]:
            got, expected = (rt.mode(t, dim) for t in (x.to(device), x))
            same(got[0], expected[0])
            same(got[1], expected[1])
