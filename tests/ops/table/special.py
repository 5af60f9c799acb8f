"""Special functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, is_float
from ..samples import Rng, positive, rand
from .binary import SHAPES_DIFFER, binary, pairs
from .unary import BOTH, REAL, as_float, domain, smooth

SMALL = {"float16": (2e-3, 1e-3), "bfloat16": (1.6e-2, 1e-2), "float32": (1e-5, 1e-5)}


def function(name: str, ref: Callable[..., Any], *names: str, **fields: Any) -> OpCase:
    """A real function that is also found as special.name."""
    defaults = {"dtypes": REAL, "grad": ("float64",), "tol": SMALL}
    return smooth(
        name, ref, **{**defaults, "variants": (f"Tensor.{name}", f"special.{name}", *names), **fields}
    )


def special_alias(name: str, ref: Callable[..., Any], samples: Any) -> OpCase:
    """A function of rt.special that is a name for another."""
    return OpCase(
        name=name,
        path=f"special.{name}",
        ref=ref,
        samples=samples,
        dtypes=REAL,
        result="float",
        grad=("float64",),
        pointwise=True,
        tol=SMALL,
        errors=(Error(S([1.0]), "TypeError"),),
    )


def gammas(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain(0.3, 4, specials=False)(dtype, rng)
    if is_float(dtype):
        yield S(rand(rng, (5,), dtype, -4, -0.3)).nograd()
        yield S(tensor([1.0, 2.0, 20.0, np.inf, np.nan], dtype)).value_only()


def psi(x: np.ndarray) -> np.ndarray:
    return np.where(x == -np.inf, np.nan, sp.psi(x))


def orders(dtype: str, rng: Rng) -> Iterator[Sample]:
    for n in (0, 1, 2, 5):
        yield S(n, positive(rng, (2, 3), dtype))
    yield S(1, positive(rng, (), dtype)).once()
    yield S(2, positive(rng, (0, 2), dtype)).nograd()
    yield S(3, positive(rng, (23,), dtype)).nograd()


def orders_last(dtype: str, rng: Rng) -> Iterator[Sample]:
    for s in orders(dtype, rng):
        n, x = s.args
        yield Sample((x, n), {}, s.grad, s.parity_grad, s.twice, False)


def polygamma(n: Any, x: Any) -> Any:
    return sp.polygamma(n, np.asarray(x, np.float64)) if np.asarray(x).size else np.zeros(np.shape(x))


def logits(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain(0.1 if is_float(dtype) else 0, 0.9, specials=False)(dtype, rng)
    if is_float(dtype):
        yield S(rand(rng, (2, 3), dtype, 0.25, 0.75), 0.1)
        yield S(rand(rng, (2, 3), dtype, 0.25, 0.75), eps=0.05).once()
        yield S(tensor([0.0, 0.05, 0.5, 0.95, 1.0], dtype), eps=0.1).nograd()
        yield S(tensor([0.0, 1.0, -1.0, 2.0, np.nan], dtype)).value_only()


def logit(x: np.ndarray, eps: float | None = None) -> np.ndarray:
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    x = x if eps is None else np.clip(x, eps, 1 - eps)
    return np.log(x / (1 - x))


def sincs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain(0.2, 3, specials=False)(dtype, rng)
    yield S(tensor([0, 1], dtype)).nograd()


def log_products(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng, positive)
    yield S(rand(rng, (3,), dtype), 2)
    yield S(2, positive(rng, (2, 2), dtype))
    yield S(0, positive(rng, (3,), dtype)).nograd()
    if is_float(dtype):
        zeros = tensor([0.0, 0.0, 0.0, 1.0, 0.0], dtype)
        yield S(zeros, tensor([0.0, -1.0, np.inf, 0.0, np.nan], dtype)).value_only()
        yield S(rand(rng, (2,), dtype), positive(rng, (2,), "float16")).nograd()


def xlogy(a: Any, b: Any) -> Any:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.where(np.isnan(b), b, np.where(a == 0, 0, a * np.log(b)))


def sums_of_exponentials(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    if is_float(dtype):
        a = tensor([np.inf, -np.inf, np.inf, np.nan, 1000.0, -1000.0, 3.0], dtype)
        yield S(a, tensor([np.inf, -np.inf, -np.inf, 1.0, 1000.0, -1000.0, -np.inf], dtype)).value_only()


def logaddexp(a: Any, b: Any) -> Any:
    if a.dtype.kind != "c":
        return np.where((a == b) & np.isinf(a), a, np.logaddexp(a, b))
    top, low = np.where(a.real >= b.real, a, b), np.where(a.real >= b.real, b, a)
    return top + np.log(1 + np.exp(low - top))


CASES: list[OpCase] = [
    function("erfc", as_float(sp.erfc)),
    function("erfinv", as_float(sp.erfinv), samples=domain(-0.9, 0.9, specials=False)),
    function("digamma", as_float(psi), samples=gammas),
    function("lgamma", as_float(sp.gammaln), samples=gammas, variants=("Tensor.lgamma",)),
    special_alias("gammaln", as_float(sp.gammaln), gammas),
    special_alias("psi", as_float(psi), gammas),
    OpCase(
        name="polygamma",
        ref=polygamma,
        samples=orders,
        dtypes=REAL,
        result="float",
        grad=("float64",),
        out=True,
        pointwise=True,
        variants=("special.polygamma",),
        tol={"float16": (5e-3, 1e-2), "bfloat16": (1.6e-2, 1e-1), "float32": (2e-5, 1e-4)},
        errors=(Error(S(-1, tensor([1.0])), "RuntimeError", "negative"), Error(S(1, 2.0), "TypeError")),
    ),
    OpCase(
        name="polygamma",
        label="method",
        path="Tensor.polygamma",
        ref=lambda x, n: polygamma(n, x),
        samples=orders_last,
        dtypes=REAL,
        result="float",
        grad=("float64",),
        inplace="Tensor.polygamma_",
        pointwise=True,
        tol={"float16": (5e-3, 1e-2), "bfloat16": (1.6e-2, 1e-1), "float32": (2e-5, 1e-4)},
        errors=(Error(S(tensor([1.0]), -1), "RuntimeError", "negative"),),
    ),
    function("logit", logit, samples=logits),
    function("sinc", as_float(np.sinc), samples=sincs, dtypes=REAL + COMPLEX, grad=BOTH),
    binary(
        "xlogy",
        xlogy,
        samples=log_products,
        dtypes=REAL,
        result="float_numbers",
        grad=("float64",),
        variants=("Tensor.xlogy", "special.xlogy"),
        tol=SMALL,
        errors=(SHAPES_DIFFER, Error(S(tensor([1.0]), "text"), "TypeError")),
    ),
    binary(
        "logaddexp",
        logaddexp,
        samples=sums_of_exponentials,
        dtypes=ALL_FLOATS + COMPLEX,
        result="promote",
        variants=("Tensor.logaddexp",),
        inplace="",
        errors=(SHAPES_DIFFER, Error(S(tensor([1.0]), 2.0), "TypeError")),
    ),
    binary(
        "logaddexp2",
        lambda a, b: np.where((a == b) & np.isinf(a), a, np.logaddexp2(a, b)),
        samples=sums_of_exponentials,
        dtypes=ALL_FLOATS,
        result="promote",
        grad=("float64",),
        variants=("Tensor.logaddexp2",),
        inplace="",
        errors=(SHAPES_DIFFER, Error(S(tensor([1.0]), 2.0), "TypeError")),
    ),
]
