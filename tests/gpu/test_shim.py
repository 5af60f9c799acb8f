"""Metal's words off Apple: built-ins, simdgroup functions, atomics, matrices (shaders/probe.metal)."""

from __future__ import annotations

import numpy as np
import pytest

from .cuda import Cuda
from .emulator import Emulator, Fault, uints

Executor = Emulator | Cuda
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shuffle", [0, 7])
def test_simdgroup_functions(executor: Executor, shuffle: int) -> None:
    v = RNG.standard_normal(32).astype(np.float32)
    out = np.empty((12, 32), np.float32)
    executor.launch("probe_simd", (v, out), (1,), (32,), unwritten=(1,), shuffle=shuffle)
    d, lane = v.astype(np.float64), np.arange(32)
    expected = [
        np.full(32, d.sum()),
        np.full(32, v.max()),
        np.full(32, v.min()),
        v[lane ^ 5],
        np.full(32, v[7]),
        v[(lane * 7 + 3) % 32],
        np.cumsum(d),
        np.cumsum(d) - d,
        np.where(lane < 2, 3.0, 2.0),
        np.where(lane > 0, v[lane - 1], -1),
        np.where(lane < 31, v[(lane + 1) % 32], -1),
        np.full(32, v[0]),
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-6)


def test_atomics(executor: Executor) -> None:
    n = 5001
    values = RNG.integers(0, 256, n).astype(np.uint8)
    histogram, total = np.zeros(256, np.uint32), np.zeros(1, np.float32)
    executor.launch("probe_atomics", (values, histogram, total, uints(n)), (20,), (256,))
    np.testing.assert_array_equal(histogram, np.bincount(values, minlength=256))
    assert total[0] == values.sum(dtype=np.int64)


def test_matrices(executor: Executor) -> None:
    a, b = RNG.standard_normal((2, 8, 8)).astype(np.float32)
    product, transposed = np.empty((2, 8, 8), np.float32)
    executor.launch("probe_matrix", (a, b, product, transposed), (1,), (32,), unwritten=(2, 3))
    np.testing.assert_allclose(product, a @ (a @ b), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(transposed, b.T)


def test_matrices_need_a_whole_simdgroup(emulator: Emulator) -> None:
    a = np.zeros((8, 8), np.float32)
    with pytest.raises(Fault, match="probe_matrix: simdgroup_load needs all 32 lanes"):
        emulator.launch("probe_matrix", (a, a.copy(), a.copy(), a.copy()), (1,), (31,))


def test_builtins(executor: Executor) -> None:
    out = np.empty((6, 24, 8), np.uint32)
    executor.launch("probe_builtins", (out,), (3, 2), (8, 3), unwritten=(0,))
    y, x = np.mgrid[:6, :24]
    index = x % 8 + y % 3 * 8
    expected = [x, y, x % 8, y % 3, index, x // 8 * 100 + y // 3, index % 32, index // 32]
    np.testing.assert_array_equal(out, np.stack(expected, -1))
