"""Scans along one dim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, INTS, NUMERIC, is_complex, is_float
from ..samples import Rng, distinct, rand

BOTH = ("float64", "complex128")
BAD_DIM = Error(S(tensor([[1.0, 2.0]]), 2), "IndexError", "dim")


def scans(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 1)
    yield S(rand(rng, (2, 3), dtype), -2)
    yield S(rand(rng, (2, 2, 2), dtype), dim=1).once()
    yield S(rand(rng, (), dtype), 0).once()
    yield S(rand(rng, (0,), dtype), 0).nograd()
    yield S(rand(rng, (2, 0), dtype), 0).nograd()
    yield S(rand(rng, (3, 40), dtype, -1, 1), 1).nograd()
    yield S(rand(rng, (2, 3), dtype), 0, dtype=D("complex128" if is_complex(dtype) else "float64")).once()
    if is_float(dtype):
        yield S(tensor([1.0, np.nan, 2.0], dtype), 0).value_only()


def products(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from scans(dtype, rng)
    yield S(tensor([[2, 0, 3], [0, 4, 0]], dtype), 1).once()


def widened(f: Any) -> Any:
    def ref(x: np.ndarray, dim: int, dtype: Any = None) -> Any:
        kind = dtype or (np.int64 if x.dtype.kind in "iub" else x.dtype)
        return x.astype(kind) if x.ndim == 0 else f(x.astype(kind), axis=dim, dtype=kind)

    return ref


def orders(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (2, 3), dtype), 1)
    yield S(distinct(rng, (4, 2), dtype), -2)
    yield S(distinct(rng, (), dtype), 0).once()
    yield S(distinct(rng, (0, 2), dtype), 0).nograd()
    yield S(rand(rng, (5, 150), dtype), 0).value_only()
    if is_float(dtype):
        yield S(tensor([1.0, 3.0, np.nan, 5.0], dtype), 0).value_only()
    yield S(tensor([1, 1, 0, 1], dtype), 0).value_only()  # of equal values: the last index


def cummax(x: np.ndarray, dim: int, before: Any = np.greater_equal) -> Any:
    if x.ndim == 0:
        return x, np.int64(0)
    moved = np.moveaxis(x, dim, 0)
    value, index = moved.copy(), np.zeros(moved.shape, np.int64)
    for i in range(1, moved.shape[0]):
        with np.errstate(invalid="ignore"):
            wins = before(moved[i], value[i - 1])
        if x.dtype.kind == "f":
            wins = np.isnan(moved[i]) | (wins & ~np.isnan(value[i - 1]))
        value[i] = np.where(wins, moved[i], value[i - 1])
        index[i] = np.where(wins, i, index[i - 1])
    return np.moveaxis(value, 0, dim), np.moveaxis(index, 0, dim)


def differences(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 4), dtype))
    yield S(rand(rng, (3, 2), dtype), 1, 0)
    yield S(rand(rng, (2, 4), dtype), n=2)
    yield S(rand(rng, (2, 2), dtype), n=3).nograd()  # nothing is left
    yield S(
        rand(rng, (2, 3), dtype), dim=-1, prepend=rand(rng, (2, 1), dtype), append=rand(rng, (2, 2), dtype)
    )
    yield S(rand(rng, (2, 3), dtype), n=0).once()


def difference(x: np.ndarray, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    parts = [p for p in (prepend, x, append) if p is not None]
    x = np.concatenate(parts, axis=dim)
    return np.diff(x, n=min(n, x.shape[dim]), axis=dim) if x.dtype.kind != "b" else bool_diff(x, n, dim)


def bool_diff(x: np.ndarray, n: int, dim: int) -> Any:
    for _ in range(min(n, x.shape[dim])):
        size = x.shape[dim]
        x = np.take(x, range(1, size), dim) ^ np.take(x, range(size - 1), dim)
    return x


def log_sums(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 1)
    yield S(rand(rng, (3, 2), dtype), -2)
    yield S(rand(rng, (), dtype), 0).once()
    yield S(rand(rng, (0, 2), dtype), 0).nograd()
    yield S(rand(rng, (3, 40), dtype), 1).nograd()
    yield S(tensor([1000.0, 1000.0, -1000.0], dtype), 0).nograd()  # no overflow
    if is_float(dtype):
        yield S(tensor([-np.inf, 1.0, np.inf, 2.0, np.nan, 1.0], dtype), 0).value_only()
        yield S(tensor([-np.inf, -np.inf, 0.0], dtype), 0).value_only()


def log_sum(x: np.ndarray, dim: int) -> Any:
    if x.ndim == 0 or x.size == 0:
        return x
    if x.dtype.kind == "f":
        return np.logaddexp.accumulate(x, axis=dim)
    # Of the logarithms that differ by multiples of 2 pi i, the one that is reached step by step.
    sums = [np.take(x, 0, dim)]
    for i in range(1, x.shape[dim]):
        here = np.take(x, i, dim)
        high, low = np.where(here.real > sums[-1].real, (here, sums[-1]), (sums[-1], here))
        sums.append(high + np.log(1 + np.exp(low - high)))
    return np.stack(sums, dim)


CASES = [
    OpCase(
        name="logcumsumexp",
        samples=log_sums,
        ref=log_sum,
        dtypes=ALL_FLOATS + COMPLEX,
        grad=BOTH,
        variants=("Tensor.logcumsumexp",),
        out=True,
        tol={"float16": (2e-3, 2e-3), "bfloat16": (1.6e-2, 3e-2)},
        errors=(BAD_DIM, Error(S(tensor([1, 2]), 0), "RuntimeError", "implemented")),
    ),
    OpCase(
        name="cumsum",
        samples=scans,
        ref=widened(np.cumsum),
        dtypes=EVERY,
        result="sum",
        grad=BOTH,
        variants=("Tensor.cumsum",),
        inplace="Tensor.cumsum_",
        inplace_dtypes=ALL_FLOATS,
        out=True,
        tol={"float16": (2e-3, 2e-3), "bfloat16": (1.6e-2, 3e-2)},
        errors=(BAD_DIM,),
    ),
    OpCase(
        name="cumprod",
        samples=products,
        ref=widened(np.cumprod),
        dtypes=EVERY,
        result="sum",
        grad=BOTH,
        variants=("Tensor.cumprod",),
        inplace="Tensor.cumprod_",
        inplace_dtypes=ALL_FLOATS,
        out=True,
        tol={"float16": (2e-3, 2e-3), "bfloat16": (3e-2, 3e-2)},
        errors=(BAD_DIM,),
    ),
    OpCase(
        name="cummax",
        samples=orders,
        ref=cummax,
        dtypes=ALL_FLOATS + INTS + ("bool",),
        result=("promote", "int64"),
        grad=("float64",),
        variants=("Tensor.cummax",),
        out=True,
        errors=(BAD_DIM, Error(S(tensor([1j]), 0), "RuntimeError", "complex")),
    ),
    OpCase(
        name="cummin",
        samples=orders,
        ref=lambda x, dim: cummax(x, dim, np.less_equal),
        dtypes=ALL_FLOATS + INTS + ("bool",),
        result=("promote", "int64"),
        grad=("float64",),
        variants=("Tensor.cummin",),
        out=True,
        errors=(BAD_DIM, Error(S(tensor([1j]), 0), "RuntimeError", "complex")),
    ),
    OpCase(
        name="diff",
        samples=differences,
        ref=difference,
        dtypes=NUMERIC + ("bool",),
        grad=BOTH,
        variants=("Tensor.diff",),
        out=True,
        errors=(
            Error(S(tensor(1.0)), "RuntimeError", "dim"),
            Error(S(tensor([1.0]), 1, 3), "IndexError", "dim"),
            Error(S(tensor([1.0]), -1), "RuntimeError", "non-negative"),
            Error(S(tensor([[1.0]]), prepend=tensor([1.0])), "RuntimeError", "same dimension"),
            Error(S(tensor([[1.0]]), append=tensor([[1.0], [2.0]])), "RuntimeError", "match"),
        ),
    ),
]
