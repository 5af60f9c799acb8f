"""Inverse and hyperbolic functions, and angles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, NUMERIC, is_complex
from ..samples import Rng, rand, special
from .unary import BOTH, REAL, as_float, domain, integers_as_they_are, smooth, unary

INSIDE = domain(-0.9, 0.9)


def inside_and_huge(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Also numbers whose squares are too large, and infinite ones."""
    yield from INSIDE(dtype, rng)
    if is_complex(dtype):
        yield huge(dtype)


def huge(dtype: str) -> Sample:
    big = [3e38, -3e38, 1e20, 2.0, np.inf, -np.inf]
    pairs = [(a, b) for a in big for b in big if max(abs(a), abs(b)) > 2]
    if dtype == "complex128":  # beside an infinity NumPy compares to the last digit
        pairs = [p for p in pairs if not np.all(np.isinf(p))]
    return S(tensor([complex(*p) for p in pairs], dtype)).value_only()


def everywhere(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain()(dtype, rng)
    if is_complex(dtype):
        yield huge(dtype)


def also(name: str, alias: str) -> dict[str, tuple[str, ...]]:
    """The names under which a function is found."""
    return {"variants": (f"Tensor.{name}", alias, f"Tensor.{alias}"), "covers": (f"{alias}_",)}


def beyond_one(dtype: str, rng: Rng) -> Iterator[Sample]:
    """acosh is real from one on; bool has only its kink there."""
    for s in domain(1.2, 4)(dtype, rng):
        yield s.value_only() if dtype in ("bool", "uint8") else s
    if is_complex(dtype):
        yield huge(dtype)


def angle(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), x, np.where(x < 0, np.pi, 0))


def sgn(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "b":
        return x
    if x.dtype.kind == "c":
        size = np.abs(x)
        return np.where(size == 0, 0, x / np.where(size == 0, 1, size))
    return np.where(np.isnan(x), 0, np.sign(x)) if x.dtype.kind == "f" else np.sign(x)


def parts(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Values whose real parts have both signs, away from zero."""
    yield S(rand(rng, (2, 3), dtype))
    yield S(rand(rng, (), dtype))
    yield S(rand(rng, (2, 1, 3), dtype)).once()
    yield S(rand(rng, (0, 2), dtype)).nograd()
    yield S(rand(rng, (37,), dtype)).nograd()
    yield S(special(dtype)).value_only()


CASES: list[OpCase] = [
    smooth("asin", as_float(np.arcsin), samples=inside_and_huge, **also("asin", "arcsin")),
    smooth("acos", as_float(np.arccos), samples=inside_and_huge, **also("acos", "arccos")),
    smooth("sinh", as_float(np.sinh)),
    smooth("cosh", as_float(np.cosh)),
    smooth("asinh", as_float(np.arcsinh), samples=everywhere, **also("asinh", "arcsinh")),
    smooth("acosh", as_float(np.arccosh), samples=beyond_one, **also("acosh", "arccosh")),
    smooth("atanh", as_float(np.arctanh), samples=INSIDE, **also("atanh", "arctanh")),
    smooth("deg2rad", as_float(np.deg2rad), dtypes=REAL, grad=("float64",)),
    smooth("rad2deg", as_float(np.rad2deg), dtypes=REAL, grad=("float64",)),
    unary(
        "angle",
        as_float(angle),
        samples=parts,
        result=lambda s: {"complex64": "float32", "complex128": "float64"}.get(
            s.args[0].dtype, s.args[0].dtype if s.args[0].dtype in ALL_FLOATS else "float32"
        ),
        grad=BOTH,
        inplace="",
    ),
    unary("sgn", sgn, samples=parts, grad=BOTH),
    unary("frac", integers_as_they_are(lambda x: x - np.trunc(x)), dtypes=ALL_FLOATS, grad=("float64",)),
    unary(
        "positive",
        np.positive,
        dtypes=NUMERIC,
        grad=BOTH,
        inplace="",
        out=False,
        variants=("Tensor.positive", "operator.pos"),
        errors=(Error(S(tensor([True])), "RuntimeError", "bool"),),
    ),
    smooth("exp2", as_float(np.exp2), variants=("Tensor.exp2", "special.exp2")),
]
