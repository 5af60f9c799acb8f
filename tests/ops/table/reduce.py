"""Reductions: over all elements, one dim or several, with and without keepdim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import (
    ALL_FLOATS,
    COMPLEX,
    EVERY,
    INTS,
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
            "out": True,
            "errors": (BAD_DIM, BAD_DIM_NEGATIVE, TWICE),
            **fields,
        },
    )


def nan_sums(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from sums(dtype, rng)
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0], [np.nan, np.nan, np.nan]], dtype), 1).nograd()


def without_nan(x: np.ndarray, axis: Any, keepdims: bool, dtype: Any = None) -> Any:
    return sum_ref(np.where(np.isnan(x), 0, x) if x.dtype.kind == "f" else x, axis, keepdims, dtype)


def counts(dtype: str, rng: Rng) -> Iterator[Sample]:
    for sample in truth_dims(dtype, rng):
        if "keepdim" not in sample.kwargs and len(sample.args) < 3:
            yield sample


def both_extremes(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (2, 3), dtype))
    yield S(distinct(rng, (2, 3), dtype), dim=1)
    yield S(distinct(rng, (2, 3), dtype), dim=-2, keepdim=True)
    yield S(distinct(rng, (), dtype), dim=0).once()
    yield S(distinct(rng, (3, 33), dtype), dim=0).nograd()
    yield S(distinct(rng, (0, 3), dtype), dim=1).nograd()
    if is_float(dtype):
        yield S(tensor([[1.0, np.nan, 2.0], [np.inf, 0.0, -np.inf]], dtype), dim=1).value_only()


EMPTY = tensor(np.zeros((0,)), "float32")
NO_ELEMENTS = Error(S(EMPTY), "RuntimeError", "empty|element|numel|identity|dim")
ORDERED = ALL_FLOATS + INTS + ("bool",)

CASES = [
    reduction("sum", over(sum_ref), samples=sums, result="sum", grad=BOTH),
    reduction(
        "nansum",
        over(without_nan),
        samples=nan_sums,
        dtypes=ALL_FLOATS + INTS + ("bool",),
        result="sum",
        grad=("float64",),
        errors=(BAD_DIM, TWICE, Error(S(tensor([1j])), "RuntimeError", "complex")),
    ),
    reduction(
        "nanmean",
        lambda x, dim=None, keepdim=False, dtype=None: (
            over(without_nan)(x, dim, keepdim)
            / over(lambda v, axis, keepdims: (v == v).sum(axis, keepdims=keepdims))(x, dim, keepdim)
        ),
        samples=means,
        dtypes=ALL_FLOATS,
        grad=("float64",),
        errors=(
            BAD_DIM,
            TWICE,
            Error(S(tensor([1, 2])), "RuntimeError", "float"),
            Error(S(tensor([1.0]), dtype=D("int32")), "RuntimeError", "dtype"),
        ),
    ),
    reduction(
        "count_nonzero",
        lambda x, dim=None: np.count_nonzero(
            x.reshape(1) if x.ndim == 0 and dim is not None else x,
            axis=tuple(dim) if isinstance(dim, (list, tuple)) else dim,
        ),
        samples=counts,
        result="int64",
        out=False,
    ),
    reduction(
        "aminmax",
        lambda x, dim=None, keepdim=False: (over(np.min)(x, dim, keepdim), over(np.max)(x, dim, keepdim)),
        samples=both_extremes,
        dtypes=ORDERED,
        grad=("float64",),
        errors=(BAD_DIM, NO_ELEMENTS, Error(S(tensor([1j])), "RuntimeError", "complex")),
    ),
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
        speaks_as=("maximum",),
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
        speaks_as=("minimum",),
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
]
