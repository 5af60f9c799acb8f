"""Functions of two tensors that look at signs, magnitudes and floating-point neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import (
    ALL_FLOATS,
    EVERY,
    INTS,
    NUMERIC,
    is_complex,
    is_float,
    is_integral,
)
from ..harness import operand
from ..promotion import Operand, result_type
from ..samples import Rng, positive, rand, special
from .binary import BOTH, NOT_A_TENSOR, SHAPES_DIFFER, binary, extremes, modulo, pairs, wrapped

REAL = ALL_FLOATS + INTS + ("bool",)
COMPLEX_REFUSED = Error(S(tensor([1j]), tensor([1j])), "RuntimeError", "complex|implemented")


def method(name: str, ref: Any, **fields: Any) -> OpCase:
    """A function of two tensors that is no operator."""
    return binary(name, ref, **{"variants": (f"Tensor.{name}",), "grad": ("float64",), **fields})


def lengths(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    if is_float(dtype):
        a = tensor([np.inf, np.nan, 0.0, 1e4], dtype)
        yield S(a, tensor([np.nan, -np.inf, 0.0, 1e4], dtype)).value_only()


def hypot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.sqrt(a * a + b * b) if a.dtype.kind in "iu" else np.hypot(a, b)


def signed(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    yield S(rand(rng, (3,), dtype), -2)
    yield S(rand(rng, (3,), dtype), 0.0)
    yield S(rand(rng, (3,), dtype), -0.0).once()
    if is_float(dtype):
        yield S(special(dtype), tensor(special(dtype).values[::-1].copy(), dtype)).value_only()
        yield S(rand(rng, (2,), dtype), rand(rng, (2,), "int64")).once()


def steps_of(sample: Sample) -> np.ndarray:
    """The neighbour in the tensor's own dtype."""
    a, b = sample.args
    if a.dtype != "bfloat16":
        return np.nextafter(a.values, b.values)
    # bfloat16: the upper half of a float32; one step is one step of that half.
    x, y = (np.array(v, np.float32) for v in np.broadcast_arrays(a.values, b.values))
    bits = (x.view(np.uint32) >> 16).astype(np.int64)
    towards_zero = np.where(x > 0, y < x, y > x)
    stepped = np.where(x == 0, np.where(y > 0, 1, 0x8001), bits + np.where(towards_zero, -1, 1))
    found = (stepped.astype(np.uint32) << 16).view(np.float32)
    found = np.where(x == y, y, found)
    return np.where(np.isnan(x) | np.isnan(y), np.nan, found)


def neighbours(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    if is_float(dtype):
        a = tensor([0.0, -0.0, 1.0, 1.0, np.inf, -np.inf, np.nan, 1.0], dtype)
        yield S(a, tensor([1.0, -1.0, 1.0, -np.inf, 0.0, 0.0, 1.0, np.nan], dtype)).value_only()


def halves(dtype: str, rng: Rng) -> Iterator[Sample]:
    for s in pairs(dtype, rng):
        yield s.nograd()
    yield S(tensor([0, 1, 0], dtype), tensor([5, 1, 1], dtype)).nograd()
    if is_float(dtype):
        x = tensor([0.0, -0.0, -1.5, 2.0, np.nan, np.inf], dtype)
        yield S(x, tensor([0.5, 0.25, 1.0, 1.0, 1.0, 1.0], dtype)).nograd()


def extremes_and_nan(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from extremes(dtype, rng)
    if is_float(dtype):
        yield S(tensor([1.0, np.nan, np.nan, 2.0], dtype), tensor([np.nan, 1.0, np.nan, 2.0], dtype)).nograd()


def scaled(dtype: str, rng: Rng) -> Iterator[Sample]:
    # PyTorch's gradient takes negative powers of two for zero.
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), "int64")).no_parity_grad()
    yield S(rand(rng, (2, 1), dtype), rand(rng, (3,), "int32")).no_parity_grad()
    yield S(rand(rng, (), dtype), rand(rng, (), "int64")).once().no_parity_grad()
    yield S(rand(rng, (3,), dtype), tensor([0, 1, 5]))
    yield S(rand(rng, (0, 2), dtype), rand(rng, (1, 2), "int64")).nograd()
    yield S(rand(rng, (2,), dtype), rand(rng, (2,), "float32", grad=False)).nograd()
    yield S(tensor([1, 0, 1], dtype), tensor([-1, 5, 0], "int8")).value_only()
    if dtype == "float64":
        yield S(tensor([1e-300, 1e300, 3.0], dtype), tensor([1900, -1900, 2000])).value_only()


def scaled_dtype(sample: Sample) -> str:
    x, n = sample.args
    if is_float(x.dtype) and n.dtype in INTS:
        return x.dtype
    power = operand(n)
    return result_type(operand(x), Operand("float32", power.rank) if is_integral(n.dtype) else power)


def ldexp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    half = np.exp2(b.astype(np.float64) / 2)
    return a * half * half


def as_powers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(positive(rng, (2, 3), dtype), positive(rng, (3,), dtype))
    yield S(positive(rng, (), dtype), positive(rng, (2, 1), dtype))
    yield S(positive(rng, (2, 2), dtype), 2)
    yield S(positive(rng, (2,), dtype), -1.5)
    yield S(2, positive(rng, (2,), dtype)).no_out()
    yield S(positive(rng, (0, 2), dtype), positive(rng, (2,), dtype)).nograd()
    yield S(positive(rng, (2,), dtype), positive(rng, (2,), "float32")).nograd()
    if is_integral(dtype) and dtype != "bool":
        yield S(tensor([2, 3], dtype), -2)  # where pow refuses


def wide_dtype(sample: Sample) -> str:
    found = any(is_complex(a.dtype) for a in sample.args if isinstance(a, Arr))
    return "complex128" if found else "float64"


def float_power(a: Any, b: Any) -> Any:
    kind = np.complex128 if np.iscomplexobj(a) or np.iscomplexobj(b) else np.float64
    return np.power(np.asarray(a, kind), np.asarray(b, kind))


def bases(dtype: str, rng: Rng) -> Iterator[Sample]:
    """What float_power_ takes: only its result's own dtype can hold the result."""
    yield S(positive(rng, (2, 3), dtype), positive(rng, (3,), dtype))
    yield S(positive(rng, (), dtype), 3).once()
    yield S(positive(rng, (0, 2), dtype), 2.5).nograd()
    yield S(positive(rng, (4,), dtype), positive(rng, (), "int64"))


def subtrahends(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    yield S(rand(rng, (2, 2), dtype), 5)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), alpha=2)
    yield S(rand(rng, (2, 3), dtype), 7, alpha=2).once()
    if not is_integral(dtype):
        yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), alpha=0.5)
        yield S(rand(rng, (3,), dtype), rand(rng, (3,), "int64"))


def rsub(a: Any, b: Any, alpha: Any = 1) -> Any:
    return wrapped(lambda x, y: y - x)(np.multiply(a, np.asarray(alpha).astype(a.dtype)), b)


def fmod_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from modulo(dtype, rng)
    if is_float(dtype):
        a = tensor([np.inf, 1.0, np.nan, -0.0, 5.0, 1.0], dtype)
        yield S(a, tensor([1.0, np.inf, 1.0, 2.0, 0.0, np.nan], dtype)).value_only()


ZERO = Error(S(tensor([1]), tensor([0])), "RuntimeError", "zero")

CASES: list[OpCase] = [
    method(
        "hypot",
        hypot,
        samples=lengths,
        dtypes=ALL_FLOATS,
        result="promote",
        errors=(SHAPES_DIFFER, NOT_A_TENSOR),
    ),
    method(
        "copysign",
        lambda a, b: np.copysign(np.asarray(a, np.float64), b),
        samples=signed,
        dtypes=REAL,
        result="float_numbers",
        errors=(SHAPES_DIFFER, COMPLEX_REFUSED),
    ),
    method(
        "nextafter",
        None,
        sample_ref=steps_of,
        samples=neighbours,
        dtypes=ALL_FLOATS,
        result="promote",
        grad=("float64",),
        no_second="the derivative is a constant",
        tol=dict.fromkeys(ALL_FLOATS, (0.0, 0.0)),
        errors=(SHAPES_DIFFER, Error(S(tensor([1]), tensor([2])), "RuntimeError", "implemented|float")),
    ),
    method(
        "heaviside",
        lambda a, b: np.where(a == 0, b, a > 0),  # of NaN too, unlike NumPy
        samples=halves,
        dtypes=REAL,
        result="promote",
        grad=(),
        refuses_grad="a step",
        errors=(
            SHAPES_DIFFER,
            Error(S(tensor([1.0]), tensor([1])), "RuntimeError", "dtype|type"),
            COMPLEX_REFUSED,
        ),
    ),
    method(
        "fmax",
        np.fmax,
        samples=extremes_and_nan,
        dtypes=REAL,
        inplace="",
        errors=(SHAPES_DIFFER, COMPLEX_REFUSED),
    ),
    method(
        "fmin",
        np.fmin,
        samples=extremes_and_nan,
        dtypes=REAL,
        inplace="",
        errors=(SHAPES_DIFFER, COMPLEX_REFUSED),
    ),
    method(
        "fmod",
        np.fmod,
        samples=fmod_samples,
        dtypes=ALL_FLOATS + INTS,
        errors=(
            SHAPES_DIFFER,
            ZERO,
            Error(S(tensor([1], "int8"), 256), "RuntimeError", "zero"),
            COMPLEX_REFUSED,
        ),
    ),
    method(
        "ldexp",
        ldexp,
        samples=scaled,
        dtypes=EVERY,
        result=scaled_dtype,
        grad=BOTH,
        errors=(SHAPES_DIFFER, Error(S(tensor([1.0]), 2), "TypeError")),
    ),
    method(
        "float_power",
        float_power,
        samples=as_powers,
        dtypes=EVERY,
        result=wide_dtype,
        grad=BOTH,
        inplace="",
        errors=(SHAPES_DIFFER,),
    ),
    method(
        "float_power_",
        float_power,
        path="Tensor.float_power_",
        label="in place",
        samples=bases,
        dtypes=("float64", "complex128"),
        result=wide_dtype,
        grad=BOTH,
        variants=(),
        covers=("float_power",),
        inplace="",
        out=False,
        layouts=False,
        pointwise=False,
        errors=(Error(S(tensor([1.0]), 2), "RuntimeError", "dtype|type"),),
    ),
    OpCase(
        name="rsub",
        ref=rsub,
        samples=subtrahends,
        dtypes=NUMERIC,
        result="promote_numbers",
        grad=BOTH,
        pointwise=True,
        speaks_as=("sub",),
        errors=(SHAPES_DIFFER, Error(S(tensor([True]), tensor([False])), "RuntimeError", "bool")),
    ),
]
