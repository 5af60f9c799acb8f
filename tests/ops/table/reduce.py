"""Reductions: over all elements, one dim or several, with and without keepdim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import (
    ALL_FLOATS,
    COMPLEX,
    EVERY,
    FLOATS,
    INTS,
    REAL_OF,
    is_complex,
    is_float,
    is_integral,
)
from ..samples import Rng, distinct, rand, special

BOTH = ("float64", "complex128")
BAD_DIM = Error(S(tensor([[1.0, 2.0]]), dim=2), "IndexError", "dim")
BAD_DIM_NEGATIVE = Error(S(tensor([[1.0, 2.0]]), dim=-3), "IndexError", "dim")
TWICE = Error(S(tensor([[1.0, 2.0]]), dim=(0, 0)), "RuntimeError", "dim")


def one_dim(dtype: str, rng: Rng, make: Callable[..., Any] = rand) -> Iterator[Sample]:
    """One dim at a time."""
    yield S(make(rng, (2, 3), dtype), 1)
    yield S(make(rng, (2, 3), dtype), -2, True)
    yield S(make(rng, (2, 1, 3), dtype), dim=1).once()
    yield S(make(rng, (3, 33), dtype), dim=0, keepdim=True).nograd()
    yield S(make(rng, (3, 33), dtype), dim=-1).nograd()
    yield S(make(rng, (), dtype), 0).once()
    yield S(make(rng, (0, 3), dtype), 1).nograd()


def dims(dtype: str, rng: Rng, make: Callable[..., Any] = rand) -> Iterator[Sample]:
    """All, one, several dims; empty tensors and results."""
    yield S(make(rng, (2, 3), dtype))
    yield S(make(rng, (2, 1, 3), dtype), dim=(0, -1))
    yield S(make(rng, (2, 2, 2), dtype), dim=(1,), keepdim=True)
    yield S(make(rng, (), dtype))
    yield S(make(rng, (67,), dtype)).nograd()
    yield from one_dim(dtype, rng, make)


def with_identity(dtype: str, rng: Rng, make: Callable[..., Any] = rand) -> Iterator[Sample]:
    """Reductions that are defined for no elements."""
    yield from dims(dtype, rng, make)
    yield S(make(rng, (0,), dtype)).nograd()
    yield S(make(rng, (2, 0), dtype), dim=1).nograd()


def over(f: Callable[..., Any]) -> Callable[..., Any]:
    """A NumPy reduction under our argument names."""

    def ref(x: np.ndarray, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
        axis = tuple(dim) if isinstance(dim, (list, tuple)) else dim
        if x.ndim == 0 and axis is not None:
            return f(x.reshape(1), axis=0, keepdims=False, **options)
        if axis == ():
            axis = None
        return f(x, axis=axis, keepdims=keepdim, **options)

    return ref


def along(f: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction of one dim that is a function of (x, axis)."""

    def ref(x: np.ndarray, dim: int, keepdim: bool = False, **options: Any) -> Any:
        if x.ndim == 0:
            return f(x.reshape(1), 0, **options)
        found = f(x, dim, **options)
        return np.expand_dims(found, dim) if keepdim else found

    return ref


def sums(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from with_identity(dtype, rng)
    yield S(rand(rng, (2, 3), dtype), dtype=D("complex128" if is_complex(dtype) else "float64")).once()
    if is_integral(dtype):
        yield S(rand(rng, (2, 3), dtype), dim=0, dtype=D("int32"))
    if is_float(dtype):
        yield S(special(dtype)).value_only()
        yield S(tensor([[1.0, np.nan], [np.inf, 1.0]], dtype), dim=1).value_only()
    if dtype == "uint8":
        yield S(tensor([200, 200, 200], dtype))


def sum_ref(x: np.ndarray, axis: Any, keepdims: bool, dtype: Any = None) -> Any:
    kind = dtype or (np.int64 if x.dtype.kind in "iub" else x.dtype)
    return np.sum(x.astype(kind), axis=axis, keepdims=keepdims, dtype=kind)


def prod_ref(x: np.ndarray, axis: Any, keepdims: bool, dtype: Any = None) -> Any:
    kind = dtype or (np.int64 if x.dtype.kind in "iub" else x.dtype)
    return np.prod(x.astype(kind), axis=axis, keepdims=keepdims, dtype=kind)


def products(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype, -2, 2))
    yield S(rand(rng, (2, 3), dtype, -2, 2), 1)
    yield S(rand(rng, (2, 3), dtype, -2, 2), dim=-2, keepdim=True)
    yield S(rand(rng, (), dtype))
    yield S(rand(rng, (0,), dtype)).nograd()
    yield S(rand(rng, (2, 0), dtype), 1).nograd()
    yield S(rand(rng, (2, 2), dtype), dtype=D("complex128" if is_complex(dtype) else "float64")).once()
    yield S(tensor([[2, 0, 3], [0, 4, 0], [1, 2, 3]], dtype), 1)  # no zero, one, two: three formulas
    yield S(tensor([2, 0, 3], dtype))


def means(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from with_identity(dtype, rng)
    if is_float(dtype):
        yield S(tensor([1.0, np.nan, 2.0], dtype)).value_only()
        yield S(rand(rng, (2, 3), dtype), dtype=D("float64")).once()


def truth_dims(dtype: str, rng: Rng) -> Iterator[Sample]:
    def few(_: Rng, shape: Any, name: str) -> Any:
        return tensor(rng.random(shape) < 0.7, name)

    yield from with_identity(dtype, rng, few)
    yield S(special(dtype))
    yield S(tensor([1, 1, 1], dtype))
    yield S(tensor([0, 0, 0], dtype))


def extreme_dims(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from dims(dtype, rng, distinct)
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0], [np.inf, 0.0, -np.inf]], dtype), dim=1).value_only()
        yield S(tensor([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]], dtype), dim=1).nograd()  # ties share the gradient


def extreme_pairs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from one_dim(
        dtype,
        rng,
        lambda r, s, d: distinct(r, s, d) if d != "bool" else distinct(r, s[:1] + (2,) * (len(s) - 1), d),
    )
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0], [np.inf, 0.0, -np.inf]], dtype), dim=1).value_only()


def extreme_all(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (2, 3), dtype))
    yield S(distinct(rng, (), dtype))
    yield S(distinct(rng, (3, 33), dtype)).nograd()
    if is_float(dtype):
        yield S(tensor([1.0, np.nan, 2.0], dtype)).value_only()
        yield S(tensor([1.0, -np.inf, np.inf], dtype)).value_only()
        yield S(tensor([1.0, 3.0, 3.0], dtype)).nograd()  # ties share the gradient


def arg_dims(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (2, 3), dtype))
    yield S(distinct(rng, (), dtype))
    yield from one_dim(dtype, rng, distinct)
    yield S(distinct(rng, (2, 3), dtype), None, True)
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0], [np.inf, 0.0, -np.inf]], dtype), dim=1)


def nan_arg(f: Callable[..., Any], fill: float) -> Callable[..., Any]:
    def ref(x: np.ndarray, dim: Any = None, keepdim: bool = False) -> Any:
        x = np.where(np.isnan(x), fill, x) if x.dtype.kind == "f" else x
        if x.ndim == 0:
            return np.int64(0)
        found = f(x, axis=dim)
        if not keepdim:
            return found
        return np.expand_dims(found, dim) if dim is not None else found.reshape((1,) * x.ndim)

    return ref


def with_index(reduce: Callable[..., Any], arg: Callable[..., Any], fill: float) -> Callable[..., Any]:
    def ref(x: np.ndarray, dim: int, keepdim: bool = False) -> Any:
        return over(reduce)(x, dim, keepdim), nan_arg(arg, fill)(x, dim, keepdim and x.ndim > 0)

    return ref


def spreads(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), 1)
    yield S(rand(rng, (2, 3), dtype), dim=-1, correction=0, keepdim=True)
    yield S(rand(rng, (2, 2, 3), dtype), dim=(0, 2), unbiased=False).once()
    yield S(rand(rng, (2, 3), dtype), unbiased=True).once()
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
    yield S(tensor([0, 0, 0], dtype)).nograd()  # the gradient at zero is zero
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


def uint8_stays(sample: Sample) -> str:
    return "uint8" if sample.args[0].dtype == "uint8" else "bool"


def reduction(name: str, ref: Callable[..., Any] | None, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        **{
            "samples": with_identity,
            "dtypes": EVERY,
            "variants": (f"Tensor.{name}",),
            "out": False,
            "errors": (BAD_DIM, BAD_DIM_NEGATIVE, TWICE),
            **fields,
        },
    )


EMPTY = tensor(np.zeros((0,)), "float32")
NO_ELEMENTS = Error(S(EMPTY), "RuntimeError", "empty|element|numel|identity|dim")
ORDERED = ALL_FLOATS + INTS + ("bool",)
HALF_SUM = {"float16": (2e-3, 1e-3), "bfloat16": (1.6e-2, 1e-2)}

CASES = [
    reduction("sum", over(sum_ref), samples=sums, result="sum", grad=BOTH),
    reduction(
        "prod", over(prod_ref), samples=products, result="sum", grad=BOTH, errors=(BAD_DIM, BAD_DIM_NEGATIVE)
    ),
    reduction(
        "mean",
        over(lambda x, axis, keepdims, dtype=None: np.mean(x, axis=axis, keepdims=keepdims)),
        samples=means,
        dtypes=ALL_FLOATS + COMPLEX,
        grad=BOTH,
        errors=(BAD_DIM, TWICE, Error(S(tensor([1, 2])), "RuntimeError", "dtype|float")),
    ),
    reduction(
        "all",
        over(lambda x, axis, keepdims: np.all(x, axis=axis, keepdims=keepdims)),
        samples=truth_dims,
        result=uint8_stays,
    ),
    reduction(
        "any",
        over(lambda x, axis, keepdims: np.any(x, axis=axis, keepdims=keepdims)),
        samples=truth_dims,
        result=uint8_stays,
    ),
    reduction(
        "amax",
        over(np.max),
        samples=extreme_dims,
        dtypes=ORDERED,
        grad=("float64",),
        out=True,
        errors=(BAD_DIM, TWICE, NO_ELEMENTS),
    ),
    reduction(
        "amin",
        over(np.min),
        samples=extreme_dims,
        dtypes=ORDERED,
        grad=("float64",),
        out=True,
        errors=(BAD_DIM, TWICE, NO_ELEMENTS),
    ),
    reduction(
        "max",
        np.max,
        label="all",
        samples=extreme_all,
        dtypes=ORDERED,
        grad=("float64",),
        errors=(NO_ELEMENTS,),
    ),
    reduction(
        "min",
        np.min,
        label="all",
        samples=extreme_all,
        dtypes=ORDERED,
        grad=("float64",),
        errors=(NO_ELEMENTS,),
    ),
    reduction(
        "max",
        with_index(np.max, np.argmax, np.inf),
        label="dim",
        samples=extreme_pairs,
        dtypes=ORDERED,
        result=("promote", "int64"),
        grad=("float64",),
        out=True,
        errors=(BAD_DIM, Error(S(tensor(np.zeros((2, 0)), "float32"), 1), "IndexError", "dim|size")),
    ),
    reduction(
        "min",
        with_index(np.min, np.argmin, -np.inf),
        label="dim",
        samples=extreme_pairs,
        dtypes=ORDERED,
        result=("promote", "int64"),
        grad=("float64",),
        out=True,
        errors=(BAD_DIM, Error(S(tensor(np.zeros((2, 0)), "float32"), 1), "IndexError", "dim|size")),
    ),
    reduction(
        "max",
        np.maximum,
        label="two tensors",
        dtypes=ORDERED,
        grad=("float64",),
        out=True,
        samples=lambda d, r: iter(
            [S(distinct(r, (2, 3), d), rand(r, (3,), d)), S(rand(r, (), d), rand(r, (2,), d))]
        ),
        errors=(Error(S(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError"),),
    ),
    reduction(
        "min",
        np.minimum,
        label="two tensors",
        dtypes=ORDERED,
        grad=("float64",),
        out=True,
        samples=lambda d, r: iter(
            [S(distinct(r, (2, 3), d), rand(r, (3,), d)), S(rand(r, (), d), rand(r, (2,), d))]
        ),
        errors=(Error(S(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError"),),
    ),
    reduction(
        "argmax",
        nan_arg(np.argmax, np.inf),
        samples=arg_dims,
        dtypes=ALL_FLOATS + INTS,
        result="int64",
        out=True,
        errors=(BAD_DIM, Error(S(EMPTY), "IndexError", "empty|dim|size")),
    ),
    reduction(
        "argmin",
        nan_arg(np.argmin, -np.inf),
        samples=arg_dims,
        dtypes=ALL_FLOATS + INTS,
        result="int64",
        out=True,
        errors=(BAD_DIM, Error(S(EMPTY), "IndexError", "empty|dim|size")),
    ),
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
        errors=(BAD_DIM,),
    ),
]
