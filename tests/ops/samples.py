"""Makers of sample values. All take a dtype name and a NumPy generator and return `Arr`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .case import Arr, tensor
from .dtypes import is_complex, is_float

Rng = np.random.Generator


def rand(rng: Rng, shape: Sequence[int], dtype: str, low: float = -3, high: float = 3, **flags: Any) -> Arr:
    """Uniform values in [low, high], kept 0.05 away from zero where they are floating (kinks live there)."""
    shape = tuple(shape)
    if dtype == "bool":
        return tensor(rng.random(shape) < 0.5, dtype, **flags)
    if is_complex(dtype):
        return tensor(rng.uniform(low, high, shape) + 1j * rng.uniform(low, high, shape), dtype, **flags)
    if is_float(dtype):
        x = rng.uniform(low, high, shape)
        near = np.abs(x) < 0.05
        x = np.where(near, np.where(x < 0, x - 0.1, x + 0.1), x)
        return tensor(np.clip(x, low, high), dtype, **flags)
    low_int = max(int(np.ceil(low)), 0) if dtype == "uint8" else int(np.ceil(low))
    return tensor(rng.integers(low_int, int(high) + 1, shape), dtype, **flags)


def positive(
    rng: Rng, shape: Sequence[int], dtype: str, low: float = 0.3, high: float = 3, **flags: Any
) -> Arr:
    """Values in [low, high]; integers start at 1."""
    if dtype == "bool":
        return tensor(np.ones(tuple(shape)), dtype, **flags)
    return rand(rng, shape, dtype, low, high, **flags)


def distinct(rng: Rng, shape: Sequence[int], dtype: str, **flags: Any) -> Arr:
    """All values different, in random order, so that orders and extrema are unique."""
    shape = tuple(shape)
    n = int(np.prod(shape))
    x = rng.permutation(n).reshape(shape)
    if is_complex(dtype) or is_float(dtype):
        return tensor((x - n // 2) * 0.25 + 0.1, dtype, **flags)
    return tensor(x if dtype in ("uint8", "bool") else x - n // 2, dtype, **flags)


def special(dtype: str) -> Arr:
    """The values where formulas break: signed zeros, ones, extremes, infinities, NaN."""
    if dtype == "bool":
        return tensor([False, True], dtype)
    if is_complex(dtype):
        return tensor([0, 1, -1, 1j, -1j, 2 - 3j, -0.5 + 0.25j], dtype)
    if is_float(dtype):
        return tensor([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, np.inf, -np.inf, np.nan], dtype)
    info = np.iinfo(dtype)
    return tensor([0, 1, 2, info.max, info.min, info.max - 1], dtype)


def index(rng: Rng, shape: Sequence[int], size: int) -> Arr:
    """int64 indices in [0, size)."""
    return tensor(
        rng.integers(0, size, tuple(shape)) if size else np.zeros(tuple(shape)), "int64", rigid=True
    )


def full_rank(rng: Rng, shape: Sequence[int], dtype: str, **flags: Any) -> Arr:
    """Matrices (the last two dims) with singular values between 1 and 2 that are well apart."""
    shape = tuple(shape)
    *batch, m, n = shape
    k = min(m, n)

    def orthonormal(rows: int) -> np.ndarray:
        a = rng.standard_normal((*batch, rows, rows))
        if is_complex(dtype):
            a = a + 1j * rng.standard_normal((*batch, rows, rows))
        return np.linalg.qr(a)[0]

    if 0 in shape:
        return tensor(np.zeros(shape), dtype, rigid=True, **flags)
    u, v = orthonormal(m)[..., :, :k], orthonormal(n)[..., :k, :]
    return tensor((u * np.linspace(1, 2, k)) @ v, dtype, rigid=True, **flags)


def definite(rng: Rng, shape: Sequence[int], dtype: str, **flags: Any) -> Arr:
    """Hermitian positive definite matrices with eigenvalues between 1 and 4 that are well apart."""
    a = full_rank(rng, shape, "complex128" if is_complex(dtype) else "float64").values
    return tensor(a @ np.conj(np.swapaxes(a, -1, -2)), dtype, rigid=True, **flags)
