"""Elementwise functions of one tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, INTS, NUMERIC, is_float, is_integral
from ..harness import operand
from ..promotion import number, result_type
from ..samples import Rng, rand, special

REAL = tuple(d for d in EVERY if d not in COMPLEX)
BOTH = ("float64", "complex128")


def domain(low: float = -3, high: float = 3, specials: bool = True) -> Callable[[str, Rng], Iterator[Sample]]:
    """Samples of every rank with values in [low, high], and the special values."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield S(rand(rng, (2, 3), dtype, low, high))
        yield S(rand(rng, (), dtype, low, high))
        yield S(rand(rng, (2, 1, 3, 2), dtype, low, high)).nograd()
        yield S(rand(rng, (0, 3), dtype, low, high)).nograd()
        yield S(rand(rng, (37,), dtype, low, high)).nograd()  # a vector body and a tail
        if specials:
            yield S(special(dtype)).value_only()

    return samples


def unary(name: str, ref: Callable[..., Any] | None, **fields: Any) -> OpCase:
    """A row with what pointwise functions have in common: a method, an in-place form and out=."""
    defaults: dict[str, Any] = {
        "samples": domain(),
        "dtypes": EVERY,
        "variants": (f"Tensor.{name}",),
        "inplace": f"Tensor.{name}_",
        "out": True,
        "pointwise": True,
        "errors": (Error(S(), "TypeError"), Error(S([1.0]), "TypeError")),
    }
    return OpCase(name=name, ref=ref, **{**defaults, **fields})


def smooth(name: str, ref: Callable[..., Any], **fields: Any) -> OpCase:
    """A function to the floats: integers are promoted, complex has derivatives."""
    return unary(name, ref, **{"result": "float", "grad": BOTH, **fields})


def sign(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "b":
        return x
    return np.where(np.isnan(x), 0, np.sign(x)) if x.dtype.kind == "f" else np.sign(x)


def integers_as_they_are(f: Callable[..., Any]) -> Callable[..., Any]:
    """Rounding functions leave integers alone."""
    return lambda x, **kw: x if x.dtype.kind in "iu" else f(x, **kw)


def round_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain()(dtype, rng)
    if is_float(dtype):
        yield S(tensor([0.5, 1.5, 2.5, -0.5, -1.5, 3.49], dtype)).value_only()  # ties go to even
        yield S(tensor([1.2345, -2.3456, 155.25], dtype), decimals=1).value_only()
        yield S(tensor([1234.5, -2345.6], dtype), decimals=-2).value_only()


def round_ref(x: np.ndarray, decimals: int = 0) -> np.ndarray:
    scale = 10.0 ** abs(decimals)
    if decimals == 0:
        return np.rint(x)
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


LARGEST = {"bfloat16": 3.3895313892515355e38}


def nan_to_num_ref(sample: Sample) -> np.ndarray:
    """Infinities become the largest values of the tensor's own dtype."""
    x = sample.args[0]
    if is_integral(x.dtype):
        return x.values
    top = LARGEST.get(x.dtype) or float(np.finfo(x.dtype).max)
    given = {"nan": 0.0, "posinf": top, "neginf": -top, **sample.kwargs}
    return np.nan_to_num(x.wide(), **given)


def nan_to_num_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain()(dtype, rng)
    if is_float(dtype):
        yield S(special(dtype), nan=2.0).value_only()
        yield S(special(dtype), nan=2.0, posinf=5.0, neginf=-6.0).value_only()


def clamp_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    one = 1 if is_integral(dtype) else 1.0
    yield S(rand(rng, (2, 3), dtype), 0 if dtype == "uint8" else -one, 2 * one)
    yield S(rand(rng, (), dtype), min=one)
    yield S(rand(rng, (0, 2), dtype), max=one).nograd()
    yield S(rand(rng, (2, 3), dtype), 2 * one, one)  # min above max: max wins
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), rand(rng, (2, 1), dtype))
    yield S(rand(rng, (2, 3), dtype), min=rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), None, rand(rng, (), dtype))
    yield S(special(dtype), 0 if dtype == "uint8" else -one, one).nograd()
    if is_float(dtype):
        yield S(tensor([-1.0, 0.0, 1.0, 2.0], dtype), -1.0, 1.0).nograd()  # the gradient at the bounds


def clamp_result(sample: Sample) -> str:
    """The bounds take part in promotion."""
    bounds = [b for b in (*sample.args[1:], *sample.kwargs.values()) if b is not None]
    return result_type(*[operand(b) if isinstance(b, Arr) else number(b) for b in (sample.args[0], *bounds)])


def clamp_ref(x: np.ndarray, min: Any = None, max: Any = None) -> np.ndarray:
    x = x if min is None else np.maximum(x, min)
    return x if max is None else np.minimum(x, max)


def bound_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    one = 1 if is_integral(dtype) else 1.0
    yield S(rand(rng, (2, 3), dtype), one)
    yield S(rand(rng, (), dtype), rand(rng, (), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype))
    yield S(rand(rng, (0,), dtype), one).nograd()
    yield S(special(dtype), one).nograd()


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x)) if x.dtype.kind == "c" else sp.expit(x)


def as_float(f: Callable[..., Any]) -> Callable[..., Any]:
    """Integers become the default dtype before the function is taken."""
    return lambda x: f(x if x.dtype.kind in "fc" else x.astype(np.float32).astype(np.float64))


POSITIVE = domain(0.2, 4)

CASES = [
    unary(
        "nan_to_num",
        None,
        sample_ref=nan_to_num_ref,
        samples=nan_to_num_samples,
        dtypes=EVERY,
        grad=("float64",),
    ),
    unary("neg", np.negative, dtypes=NUMERIC, grad=BOTH, variants=("Tensor.neg", "operator.neg")),
    unary(
        "abs",
        np.abs,
        dtypes=NUMERIC,
        inplace_dtypes=ALL_FLOATS + INTS,
        result="real",
        grad=BOTH,
        variants=("Tensor.abs", "operator.abs", "absolute"),
    ),
    smooth("exp", as_float(np.exp)),
    smooth("expm1", as_float(np.expm1)),
    smooth("log", as_float(np.log), samples=POSITIVE),
    smooth("log2", as_float(np.log2), samples=POSITIVE),
    smooth("log10", as_float(np.log10), samples=POSITIVE),
    smooth("log1p", as_float(np.log1p), samples=POSITIVE),
    smooth("sqrt", as_float(np.sqrt), samples=POSITIVE),
    smooth("rsqrt", as_float(lambda x: 1 / np.sqrt(x)), samples=POSITIVE),
    smooth("reciprocal", as_float(lambda x: 1 / x), samples=POSITIVE),
    smooth("sin", as_float(np.sin)),
    smooth("cos", as_float(np.cos)),
    smooth("tan", as_float(np.tan), samples=domain(-1.2, 1.2)),
    smooth("atan", as_float(np.arctan), variants=("Tensor.atan", "arctan")),
    smooth("tanh", as_float(np.tanh)),
    smooth("erf", as_float(sp.erf), dtypes=REAL, grad=("float64",), variants=("Tensor.erf", "special.erf")),
    smooth(
        "sigmoid", as_float(sigmoid), variants=("Tensor.sigmoid", "nn.functional.sigmoid", "special.expit")
    ),
    unary(
        "square",
        lambda x: np.square(x.astype(np.int64) if x.dtype.kind == "b" else x),
        result=lambda s: "int64" if s.args[0].dtype == "bool" else s.args[0].dtype,
        grad=BOTH,
    ),
    unary("sign", sign, dtypes=REAL, grad=("float64",)),
    unary("ceil", integers_as_they_are(np.ceil), dtypes=ALL_FLOATS + INTS, grad=("float64",)),
    unary("floor", integers_as_they_are(np.floor), dtypes=ALL_FLOATS + INTS, grad=("float64",)),
    unary("trunc", integers_as_they_are(np.trunc), dtypes=ALL_FLOATS + INTS, grad=("float64",)),
    unary(
        "round",
        integers_as_they_are(round_ref),
        samples=round_samples,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
    ),
    unary("isnan", np.isnan, result="bool", inplace="", out=False),
    unary("isinf", np.isinf, result="bool", inplace="", out=False),
    unary("isfinite", np.isfinite, result="bool", inplace="", out=False),
    unary("logical_not", np.logical_not, result="bool"),
    unary(
        "bitwise_not", np.invert, dtypes=INTS + ("bool",), variants=("Tensor.bitwise_not", "operator.invert")
    ),
    unary(
        "clamp",
        clamp_ref,
        samples=clamp_samples,
        result=clamp_result,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
        variants=("Tensor.clamp", "clip", "Tensor.clip"),
        errors=(
            Error(S(tensor([1.0])), "RuntimeError", "min|max"),
            Error(S(tensor([1.0 + 1j]), 0.0, 1.0), "RuntimeError", "complex"),
            Error(S(tensor([1.0, 2.0]), min=tensor([1.0, 2.0, 3.0])), "RuntimeError"),
            Error(S(tensor([1], "int8"), max=300), "RuntimeError", "overflow"),
            Error(S(tensor([1.0]), -1e40), "RuntimeError", "overflow"),
        ),
    ),
    unary(
        "clamp_min",
        lambda x, m: np.maximum(x, m),
        samples=bound_samples,
        result=clamp_result,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
    ),
    unary(
        "clamp_max",
        lambda x, m: np.minimum(x, m),
        samples=bound_samples,
        result=clamp_result,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
    ),
]
