"""Statistics: spreads, order statistics, norms and sums of exponentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, FLOATS, INTS, REAL_OF, is_complex, is_float
from ..samples import Rng, distinct, rand
from .reduce import BAD_DIM, BOTH, EMPTY, over, reduction
from .view import MATRIX


def spreads(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), 1)
    yield S(rand(rng, (2, 3), dtype), dim=-1, correction=0, keepdim=True)
    yield S(rand(rng, (2, 2, 3), dtype), dim=(0, 2), unbiased=False).once()
    yield S(rand(rng, (2, 3), dtype), unbiased=True).once().no_out()
    yield S(rand(rng, (5,), dtype), dim=0, correction=2).once()
    yield S(rand(rng, (4, 35), dtype), dim=0).nograd()
    yield S(rand(rng, (1,), dtype)).value_only()  # no degree of freedom: NaN
    yield S(rand(rng, (0,), dtype)).value_only()
    yield S(rand(rng, (), dtype), correction=0).value_only()


def spread(f: Callable[..., Any], and_mean: bool = False) -> Callable[..., Any]:
    def ref(
        x: np.ndarray, dim: Any = None, keepdim: bool = False, correction: float = 1, unbiased: Any = None
    ) -> Any:
        if unbiased is not None:
            correction = 1 if unbiased else 0
        axis = tuple(dim) if isinstance(dim, (list, tuple)) else dim
        count = x.size if axis is None else np.prod([x.shape[a] for a in np.atleast_1d(axis)])
        mean = np.mean(x, axis=axis, keepdims=True)
        squares = np.sum(np.abs(x - mean) ** 2, axis=axis, keepdims=keepdim)
        found = f(np.asarray(squares) / max(count - correction, 0))
        return (found, np.mean(x, axis=axis, keepdims=keepdim)) if and_mean else found

    return ref


def real_and_same(sample: Sample) -> list[str]:
    dtype = sample.args[0].dtype
    return [REAL_OF.get(dtype, dtype), dtype]


def exp_sums(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 1)
    yield S(rand(rng, (2, 3), dtype), dim=(0, 1))
    yield S(rand(rng, (2, 2, 2), dtype), dim=-2, keepdim=True)
    yield S(rand(rng, (), dtype), 0)
    yield S(rand(rng, (2, 0), dtype), 1).nograd()
    yield S(rand(rng, (0, 2), dtype), 1).nograd()
    if is_float(dtype):
        yield S(tensor([[1000.0, 1000.0], [-1000.0, -1001.0]], dtype), 1).nograd()  # no overflow
        yield S(tensor([[np.inf, 1.0], [-np.inf, -np.inf], [np.nan, 1.0]], dtype), 1).value_only()


def logsumexp(x: np.ndarray, axis: Any, keepdims: bool) -> Any:
    if x.dtype.kind != "f":
        x = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    if 0 in x.shape:
        return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))
    return sp.logsumexp(x, axis=axis, keepdims=keepdims)


def medians(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (5,), dtype, rigid=True), 0)
    yield S(distinct(rng, (2, 3), dtype, rigid=True), -1)
    yield S(distinct(rng, (4, 2), dtype, rigid=True), 0, True)  # of an even number: the lower one
    yield S(distinct(rng, (), dtype, rigid=True), 0).once()
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0], [3.0, 1.0, 2.0]], dtype), 1).value_only()


def median_all(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (5,), dtype, rigid=True))
    yield S(distinct(rng, (2, 4), dtype, rigid=True))
    yield S(distinct(rng, (), dtype, rigid=True))
    if is_float(dtype):
        yield S(tensor([1.0, np.nan, 2.0], dtype, rigid=True)).value_only()
        yield S(tensor(np.zeros(0), dtype, rigid=True)).value_only()


def median_ref(x: np.ndarray) -> Any:
    flat = np.sort(x.reshape(-1))
    if flat.size == 0:
        return np.float64(np.nan)
    return np.float64(np.nan) if flat.dtype.kind == "f" and np.isnan(flat[-1]) else flat[(flat.size - 1) // 2]


def median_dim(x: np.ndarray, dim: int, keepdim: bool = False) -> Any:
    if x.ndim == 0:
        return x, np.int64(0)
    order = np.argsort(x, axis=dim, kind="stable")
    index = np.take(order, [(x.shape[dim] - 1) // 2], axis=dim)
    if x.dtype.kind == "f":
        bad = np.isnan(x).any(axis=dim, keepdims=True)
        index = np.where(bad, np.isnan(x).argmax(axis=dim, keepdims=True), index)
    value = np.take_along_axis(x, index, axis=dim)
    return (value, index) if keepdim else (value.squeeze(dim), index.squeeze(dim))


def nan_medians(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from medians(dtype, rng)
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0, np.nan], [3.0, 1.0, 2.0, 4.0]], dtype, rigid=True), 1).nograd()


def nan_median_ref(x: np.ndarray) -> Any:
    flat = np.sort(x.reshape(-1))
    valid = flat[~np.isnan(flat)] if flat.dtype.kind == "f" else flat
    return valid[(valid.size - 1) // 2] if valid.size else np.float64(np.nan)


def nan_median_dim(x: np.ndarray, dim: int, keepdim: bool = False) -> Any:
    if x.ndim == 0:
        return x, np.int64(0)
    order = np.argsort(x, axis=dim, kind="stable")
    nans = np.isnan(x).sum(dim, keepdims=True) if x.dtype.kind == "f" else 0
    index = np.take_along_axis(order, np.maximum(x.shape[dim] - nans - 1, 0) // 2 + np.zeros_like(order), dim)
    index = np.take(index, [0], dim)
    value = np.take_along_axis(x, index, axis=dim)
    return (value, index) if keepdim else (value.squeeze(dim), index.squeeze(dim))


def kth_values(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (5,), dtype, rigid=True), 2)
    yield S(distinct(rng, (3, 4), dtype, rigid=True), 4, -1)
    yield S(distinct(rng, (3, 2, 2), dtype, rigid=True), k=1, dim=1, keepdim=True)
    yield S(distinct(rng, (), dtype, rigid=True), 1, 0).once()
    yield S(distinct(rng, (0, 2), dtype, rigid=True), 1, 1).nograd()
    if is_float(dtype):
        yield S(tensor([np.nan, 1.0, -np.inf], dtype, rigid=True), 3).value_only()  # NaN is the largest


def kth_value(x: np.ndarray, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    if x.ndim == 0:
        return x, np.int64(0)
    index = np.take(np.argsort(x, axis=dim, kind="stable"), [k - 1], axis=dim)
    value = np.take_along_axis(x, index, axis=dim)
    return (value, index) if keepdim else (value.squeeze(dim), index.squeeze(dim))


def mode_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([3, 1, 3, 1, 2], dtype, rigid=True)).nograd()  # of equally frequent ones the smallest
    yield S(tensor([[1, 2, 2], [3, 3, 1]], dtype, rigid=True), 1).nograd()
    yield S(tensor([[1, 2], [3, 2], [1, 4]], dtype, rigid=True), dim=0, keepdim=True).nograd()
    yield S(distinct(rng, (1, 3), dtype, rigid=True), 0)
    yield S(distinct(rng, (), dtype, rigid=True), 0).once()
    yield S(distinct(rng, (0, 2), dtype, rigid=True), 1).nograd()


def mode_ref(x: np.ndarray, dim: int = -1, keepdim: bool = False) -> Any:
    """The most frequent value of each line and its last position."""
    if x.ndim == 0:
        return x, np.int64(0)
    shape = np.delete(x.shape, dim)
    lines = np.moveaxis(x, dim, -1).reshape(-1, x.shape[dim])
    values, places = np.zeros(len(lines), x.dtype), np.zeros(len(lines), np.int64)
    for i, line in enumerate(lines):
        found, times = np.unique(line, return_counts=True)
        values[i] = found[np.argmax(times)]
        places[i] = np.flatnonzero(line == values[i])[-1]
    results = [r.reshape(shape) for r in (values, places)]
    return [np.expand_dims(r, dim) for r in results] if keepdim else results


def nan_quantiles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from quantiles(dtype, rng)
    yield S(tensor([[1.0, np.nan, 2.0, 4.0], [3.0, 1.0, 2.0, 4.0]], dtype, rigid=True), 0.4, dim=1).nograd()
    yield S(tensor([[np.nan, np.nan]], dtype), 0.5, 1).value_only()


def nan_quantile_ref(
    x: np.ndarray, q: Any, dim: Any = None, keepdim: bool = False, interpolation: str = "linear"
) -> Any:
    with np.errstate(all="ignore"):
        return np.nanquantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


def distances(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype))
    yield S(distinct(rng, (2, 3), dtype), rand(rng, (3,), dtype), 1)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 1), dtype), p=3)
    yield S(distinct(rng, (3,), dtype), rand(rng, (), dtype), np.inf)
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), 0).value_only()
    yield S(rand(rng, (), dtype), rand(rng, (), dtype)).once()
    yield S(rand(rng, (0,), dtype), rand(rng, (0,), dtype)).nograd()


def quantiles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (5,), dtype), 0.3)
    yield S(distinct(rng, (2, 4), dtype), 0.25, dim=1)
    yield S(
        distinct(rng, (2, 4), dtype),
        tensor([0.1, 0.5, 1.0], dtype, grad=False, rigid=True),
        dim=0,
        keepdim=True,
    )
    yield S(distinct(rng, (2, 4), dtype), tensor([0.0, 0.6], dtype, grad=False, rigid=True))
    for how in ("lower", "higher", "nearest", "midpoint", "linear"):
        yield S(distinct(rng, (6,), dtype), 0.35, interpolation=how).once()
    yield S(tensor([1.0, np.nan, 2.0], dtype), 0.5).value_only()
    yield S(distinct(rng, (), dtype), 0.5).once()


def quantile_ref(
    x: np.ndarray, q: Any, dim: Any = None, keepdim: bool = False, interpolation: str = "linear"
) -> Any:
    return np.quantile(x, q, axis=dim, keepdims=keepdim, method=interpolation)


def vector_norms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    for order in (1, 2.0, 3, np.inf, -np.inf, 0.5, -1):
        yield S(distinct(rng, (2, 3), dtype), order, 1)
    yield S(rand(rng, (2, 3), dtype), 0).value_only()
    yield S(rand(rng, (2, 2, 2), dtype), 2, (0, -1), True)
    yield S(rand(rng, (), dtype)).once()
    yield S(rand(rng, (0, 3), dtype)).nograd()
    yield S(tensor([0, 0, 0], dtype)).nograd().once()  # the gradient at zero is zero
    yield S(rand(rng, (3,), dtype), dtype=D("complex128" if is_complex(dtype) else "float64")).once()


def vector_norm(
    x: np.ndarray, ord: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Any:
    axis = tuple(dim) if isinstance(dim, (list, tuple)) else dim
    a = np.abs(x).astype(np.float64)
    if ord == np.inf:
        return np.max(a, axis=axis, keepdims=keepdim)
    if ord == -np.inf:
        return np.min(a, axis=axis, keepdims=keepdim)
    if ord == 0:
        return np.sum(a != 0, axis=axis, keepdims=keepdim)
    return np.sum(a**ord, axis=axis, keepdims=keepdim) ** (1 / ord)


def real_result(sample: Sample) -> str:
    asked = sample.kwargs.get("dtype")
    dtype = asked.name if asked else sample.args[0].dtype
    return REAL_OF.get(dtype, dtype)


def norms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    yield S(distinct(rng, (2, 3), dtype), 1)
    yield S(distinct(rng, (2, 3), dtype), 2, -1)
    yield S(distinct(rng, (2, 3), dtype), p=3, dim=0, keepdim=True)
    yield S(distinct(rng, (2, 3), dtype), float("inf"), (0, 1))
    yield S(distinct(rng, (2, 3), dtype), "fro", dim=(0, 1))
    yield S(rand(rng, (), dtype)).once()
    yield S(rand(rng, (0,), dtype)).nograd()


def norm_ref(x: np.ndarray, p: Any = "fro", dim: Any = None, keepdim: bool = False) -> Any:
    return vector_norm(x, 2 if p == "fro" else p, dim, keepdim)


def rescaled(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 2, 0, 1.5)
    yield S(distinct(rng, (3, 2, 2), dtype), 1, -1, 2)
    yield S(rand(rng, (3, 2), dtype), p=3, dim=1, maxnorm=100)  # within the limit already
    yield S(distinct(rng, (2, 3), dtype), np.inf, 1, 0.25).once()
    yield S(rand(rng, (0, 2), dtype), 2, 0, 1).nograd()


def renorm(x: np.ndarray, p: float, dim: int, maxnorm: float) -> np.ndarray:
    axes = tuple(d for d in range(x.ndim) if d != dim % x.ndim)
    norm = vector_norm(x, p, axes, True)
    return x * np.where(norm > maxnorm, maxnorm / (norm + 1e-7), 1)


def integrands(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 4), dtype))
    yield S(rand(rng, (3, 2), dtype), dx=0.5, dim=0)
    yield S(rand(rng, (2, 4), dtype), rand(rng, (4,), dtype))
    yield S(rand(rng, (2, 3, 2), dtype), rand(rng, (2, 3, 2), dtype), dim=1).once()
    yield S(rand(rng, (2, 2, 3), dtype), rand(rng, (2, 3), dtype)).once()
    yield S(rand(rng, (2, 1), dtype)).nograd()
    yield S(rand(rng, (0, 3), dtype)).nograd()


def steps(y: np.ndarray, x: Any, dx: float, dim: int) -> np.ndarray:
    """The areas between neighbours."""
    d = dim % y.ndim - y.ndim
    if x is not None and x.ndim == 1:
        x = x.reshape([-1 if i == d else 1 for i in range(-y.ndim, 0)])
    heights = np.take(y, range(1, y.shape[d]), d) + np.take(y, range(y.shape[d] - 1), d)
    width = dx if x is None else np.take(x, range(1, x.shape[d]), d) - np.take(x, range(x.shape[d] - 1), d)
    return np.asarray(heights * width / 2)


HALF_AREA = {"float16": (4e-3, 1e-2), "bfloat16": (3e-2, 1e-1)}
INTEGRAL_ERRORS = (
    Error(S(MATRIX, dim=2), "IndexError", "dim"),
    Error(S(tensor(1.0)), "IndexError", "dim"),
    Error(S(MATRIX, tensor([1.0])), "RuntimeError", "one `x` value"),
    Error(S(tensor([True])), "RuntimeError", "bool"),
    Error(S(MATRIX, dx=1j), "RuntimeError", "real"),
)
HALF_SUM = {"float16": (2e-3, 1e-3), "bfloat16": (1.6e-2, 1e-2)}

CASES = [
    reduction(
        "std",
        spread(np.sqrt),
        samples=spreads,
        dtypes=ALL_FLOATS + COMPLEX,
        result="real",
        grad=BOTH,
        errors=(BAD_DIM, Error(S(tensor([1, 2])), "RuntimeError", "float|dtype")),
    ),
    reduction(
        "var",
        spread(lambda v: v),
        samples=spreads,
        dtypes=ALL_FLOATS + COMPLEX,
        result="real",
        grad=BOTH,
        errors=(BAD_DIM, Error(S(tensor([1, 2])), "RuntimeError", "float|dtype")),
    ),
    reduction(
        "std_mean",
        spread(np.sqrt, True),
        samples=spreads,
        dtypes=ALL_FLOATS + COMPLEX,
        result=real_and_same,
        grad=BOTH,
        out=False,
        variants=(),
        errors=(BAD_DIM, Error(S(tensor([1, 2])), "RuntimeError", "float|dtype")),
    ),
    reduction(
        "var_mean",
        spread(lambda v: v, True),
        samples=spreads,
        dtypes=ALL_FLOATS + COMPLEX,
        result=real_and_same,
        grad=BOTH,
        out=False,
        variants=(),
        errors=(BAD_DIM, Error(S(tensor([1, 2])), "RuntimeError", "float|dtype")),
    ),
    reduction(
        "logsumexp",
        over(logsumexp),
        samples=exp_sums,
        dtypes=EVERY,
        result="float",
        grad=BOTH,
        out=True,
        variants=("Tensor.logsumexp", "special.logsumexp"),
        errors=(BAD_DIM,),
    ),
    reduction(
        "median",
        median_ref,
        label="all",
        samples=median_all,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
        out=False,
        errors=(Error(S(tensor([1j])), "RuntimeError", "complex"),),
    ),
    reduction(
        "median",
        median_dim,
        label="dim",
        samples=medians,
        dtypes=ALL_FLOATS + INTS,
        out=True,
        result=("promote", "int64"),
        grad=("float64",),
        errors=(BAD_DIM,),
    ),
    reduction(
        "nanmedian",
        nan_median_ref,
        label="all",
        samples=median_all,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
        out=False,
        errors=(Error(S(tensor([1j])), "RuntimeError", "complex"),),
    ),
    reduction(
        "nanmedian",
        nan_median_dim,
        label="dim",
        samples=nan_medians,
        dtypes=ALL_FLOATS + INTS,
        result=("promote", "int64"),
        grad=("float64",),
        errors=(BAD_DIM,),
    ),
    reduction(
        "kthvalue",
        kth_value,
        samples=kth_values,
        dtypes=ALL_FLOATS + INTS,
        result=("promote", "int64"),
        grad=("float64",),
        errors=(
            Error(S(tensor([1.0, 2.0]), 3), "RuntimeError", "out of range"),
            Error(S(tensor([1.0, 2.0]), 0), "RuntimeError", "out of range"),
            Error(S(tensor([1.0, 2.0]), 1, 1), "IndexError", "dim"),
            Error(S(EMPTY, 1), "IndexError", "non-zero size"),
            Error(S(tensor([True]), 1), "RuntimeError", "bool"),
        ),
    ),
    reduction(
        "mode",
        mode_ref,
        samples=mode_samples,
        dtypes=ALL_FLOATS + INTS + ("bool",),
        result=("promote", "int64"),
        grad=("float64",),
        errors=(
            BAD_DIM,
            Error(S(EMPTY), "IndexError", "size"),
            Error(S(tensor([1j])), "RuntimeError", "complex"),
        ),
    ),
    reduction(
        "nanquantile",
        nan_quantile_ref,
        samples=nan_quantiles,
        dtypes=FLOATS,
        result="first",
        grad=("float64",),
        errors=(
            Error(S(tensor([1.0, 2.0]), 1.5), "RuntimeError", "q|\\[0, 1\\]"),
            Error(S(EMPTY, 0.5), "RuntimeError", "empty"),
        ),
    ),
    reduction(
        "quantile",
        quantile_ref,
        samples=quantiles,
        dtypes=FLOATS,
        result="first",
        grad=("float64",),
        out=True,
        errors=(
            Error(S(tensor([1.0, 2.0]), 1.5), "RuntimeError", "q|\\[0, 1\\]"),
            Error(S(tensor([1, 2]), 0.5), "RuntimeError", "float|dtype"),
            Error(S(EMPTY, 0.5), "RuntimeError", "empty"),
            Error(S(tensor([1.0, 2.0]), tensor([0.5], "float64")), "RuntimeError", "dtype"),
            Error(S(tensor([1.0, 2.0]), 0.5, interpolation="cubic"), "RuntimeError", "interpolation"),
        ),
    ),
    reduction(
        "linalg.vector_norm",
        vector_norm,
        samples=vector_norms,
        dtypes=ALL_FLOATS + COMPLEX,
        result=real_result,
        grad=BOTH,
        variants=(),
        out=True,
        tol=HALF_SUM,
        errors=(BAD_DIM, Error(S(tensor([1, 2])), "RuntimeError", "float|dtype")),
    ),
    reduction(
        "norm",
        norm_ref,
        samples=norms,
        dtypes=ALL_FLOATS + COMPLEX,
        result=real_result,
        grad=BOTH,
        tol=HALF_SUM,
        speaks_as=("linalg.vector_norm", "linalg.matrix_norm"),
        errors=(BAD_DIM, Error(S(tensor([[1.0]]), "max"), "RuntimeError", "order")),
    ),
    reduction(
        "renorm",
        renorm,
        samples=rescaled,
        dtypes=ALL_FLOATS + COMPLEX,
        result="first",
        grad=BOTH,
        inplace="Tensor.renorm_",
        tol={"float16": (4e-3, 2e-3), "bfloat16": (3e-2, 2e-2)},
        errors=(
            Error(S(MATRIX, 2, 2, 1), "IndexError", "dim"),
            Error(S(MATRIX, 0, 0, 1), "RuntimeError", "norm"),
            Error(S(MATRIX, 2, 0, -1), "RuntimeError", "maxnorm"),
            Error(S(tensor([1.0]), 2, 0, 1), "RuntimeError", "2 dim"),
            Error(S(tensor([[1]]), 2, 0, 1), "RuntimeError", "float"),
        ),
    ),
    OpCase(
        name="trapezoid",
        ref=lambda y, x=None, dx=1, dim=-1: steps(y, x, dx, dim).sum(dim),
        samples=integrands,
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        result="float",
        grad=BOTH,
        variants=("trapz",),
        strides=False,
        tol=HALF_AREA,
        errors=INTEGRAL_ERRORS,
    ),
    OpCase(
        name="cumulative_trapezoid",
        ref=lambda y, x=None, dx=1, dim=-1: steps(y, x, dx, dim).cumsum(dim),
        samples=integrands,
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        result="float",
        grad=BOTH,
        strides=False,
        tol=HALF_AREA,
        errors=INTEGRAL_ERRORS,
    ),
    reduction(
        "dist",
        lambda x, y, p=2: vector_norm(x - y, p),
        samples=distances,
        dtypes=ALL_FLOATS + COMPLEX,
        result=lambda sample: REAL_OF.get(sample.args[0].dtype, sample.args[0].dtype),
        grad=BOTH,
        out=False,
        tol=HALF_SUM,
        speaks_as=("linalg.vector_norm", "sub"),
        errors=(
            Error(S(tensor([1, 2]), tensor([1, 2])), "RuntimeError", "float|dtype"),
            Error(S(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError", "size"),
        ),
    ),
]
