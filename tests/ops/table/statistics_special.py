"""Modified Bessel functions, special functions of statistics, and the parts of floats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, is_float
from ..samples import Rng, positive, rand
from .binary import SHAPES_DIFFER, pairs
from .unary import REAL, domain, smooth

SMALL = {"float16": (2e-3, 1e-3), "bfloat16": (1.6e-2, 1e-2), "float32": (2e-5, 2e-5)}


HALVES = ("float16", "bfloat16")


def places(
    *extra: float, low: float = -3, high: float = 3, infinite: bool = True
) -> Callable[[str, Rng], Iterator[Sample]]:
    """Values of every rank, and some where the formula changes or breaks."""
    ends = (np.inf, -np.inf) if infinite else ()

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield from domain(low if is_float(dtype) else np.floor(low), high, specials=False)(dtype, rng)
        if is_float(dtype):
            yield S(tensor([*extra, 0.0, -0.0, *ends, np.nan], dtype)).value_only()

    return samples


def only(name: str, ref: Callable[..., Any], samples: Any, **fields: Any) -> OpCase:
    """A function that only rt.special has."""
    defaults: dict[str, Any] = {"dtypes": REAL, "grad": ("float64",), "tol": SMALL}
    path = f"special.{name}"
    return smooth(
        name,
        ref,
        **{**defaults, "samples": samples, "path": path, "variants": (), "inplace": "", **fields},
    )


def entr(x: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(x), x, sp.entr(x))


def zetas(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 3)):
        x = positive(rng, shape, dtype, 1.2, 5, grad=False)
        yield S(x, positive(rng, shape, dtype))
    if is_float(dtype):
        s = tensor([2.0, 2.0, 3.0, 1.0, 0.5, np.nan, 2.0, 2.5], dtype, grad=False)
        yield S(s, tensor([-1.5, 0.0, -2.25, 3.0, 1.0, 1.0, np.nan, -0.5], dtype)).value_only()


def zeta(s: Any, q: Any) -> Any:
    """SciPy's, but of negative q: a sum over its powers until they are positive."""
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    found = np.asarray(sp.zeta(s, np.where(q > 0, q, 1.0)))
    for place in np.ndindex(found.shape):
        a, b = s[place], q[place]
        if np.isnan(b):
            found[place] = np.nan
        if b <= 0 and a > 1:
            whole, even = b == np.floor(b), a == np.floor(a)
            terms = sum(1 / (b + k) ** a for k in range(8)) if even and not whole else 0
            found[place] = np.inf if whole else (terms + sp.zeta(a, b + 8) if even else np.nan)
    return found


def orders(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 3)):
        yield S(positive(rng, shape, dtype, 0.3, 6, grad=False), positive(rng, shape, dtype, 0.3, 8))
    yield S(positive(rng, (3, 1), dtype, grad=False), positive(rng, (4,), dtype)).nograd()
    a = tensor([0.0, 0.0, 1.0, np.inf, np.inf, 2.0, -1.0, 1.0, np.nan, 90.0, 90.0, 50.0], dtype, grad=False)
    x = tensor([1.0, 0.0, 0.0, 1.0, np.inf, np.inf, 1.0, -1.0, 1.0, 80.0, 110.0, 50.0], dtype)
    yield S(a, x).value_only()
    if dtype in ("float32", "float64"):
        a = tensor([300.0, 300.0, 1e4, 1e6, 1e6], dtype, grad=False)
        yield S(a, tensor([290.0, 330.0, 1.01e4, 1e6, 1.001e6], dtype)).value_only()


def lower(a: Any, x: Any) -> Any:
    found = sp.gammainc(a, x)
    return np.where((np.asarray(a) == np.inf) & (np.asarray(x) == np.inf), np.nan, found)


def upper(a: Any, x: Any) -> Any:
    found = sp.gammaincc(a, x)
    return np.where((np.asarray(a) == np.inf) & (np.asarray(x) == np.inf), np.nan, found)


def dimensions(dtype: str, rng: Rng) -> Iterator[Sample]:
    for p, low in ((1, 0.3), (2, 1.0), (4, 2.0)):
        yield S(positive(rng, (2, 3), dtype, low, low + 3), p)
    yield S(positive(rng, (), dtype, 2, 4), 3)
    yield S(positive(rng, (0, 3), dtype, 2, 4), p=3).nograd()


def mvlgamma(x: Any, p: int) -> Any:
    shifts = sum(sp.gammaln(x - j / 2) for j in range(p))
    return shifts + p * (p - 1) / 4 * np.log(np.pi)


def floats(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    yield S(rand(rng, (), dtype))
    yield S(rand(rng, (0, 3), dtype)).nograd()
    smallest = {"float16": 6e-8, "bfloat16": 9.2e-41, "float32": 1.4e-45}.get(dtype, 5e-324)
    yield S(
        tensor([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -8.0, 0.75, 1000.0, smallest], dtype)
    ).value_only()


def frexp(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    mantissa, exponent = np.frexp(x)
    return mantissa, np.where(np.isfinite(x), exponent, 0)


def xlog1ps(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng, positive)
    yield S(rand(rng, (3,), dtype), 2)
    yield S(2, positive(rng, (2, 2), dtype))
    if is_float(dtype):
        other = tensor([-1.0, -2.0, np.inf, 0.0, np.nan], dtype)
        yield S(tensor([0.0, 0.0, 0.0, 1.0, 0.0], dtype), other).value_only()


def xlog1py(a: Any, b: Any) -> Any:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.where(np.isnan(b), b, np.where(a == 0, 0, a * np.log1p(b)))


def gamma(name: str, ref: Any, alias: str) -> OpCase:
    return OpCase(
        name=name,
        samples=orders,
        ref=ref,
        dtypes=ALL_FLOATS,
        result="promote",
        grad=("float64",),
        variants=(f"Tensor.{name}", f"special.{alias}"),
        inplace=f"Tensor.{name}_",
        out=True,
        pointwise=True,
        tol={**SMALL, "float32": (1e-4, 1e-5)},
        errors=(SHAPES_DIFFER, Error(S(tensor([1]), tensor([1])), "NotImplementedError", "Long")),
    )


CASES = [
    smooth(
        "i0",
        sp.i0,
        samples=places(7.9, 8.1, -20.0, 80.0, infinite=False),  # PyTorch answers NaN there
        dtypes=REAL,
        grad=("float64",),
        variants=("Tensor.i0", "special.i0"),
        tol={**SMALL, "float16": (4e-3, 1e-3)},
    ),
    only("i0e", sp.i0e, places(7.9, 8.1, -20.0, 700.0)),
    only("i1", sp.i1, places(19.9, 20.1, -5.0, 80.0, infinite=False), tol={**SMALL, "float16": (4e-3, 1e-3)}),
    only("i1e", sp.i1e, places(19.9, 20.1, -5.0, 700.0)),
    only(
        "erfcx",
        sp.erfcx,
        places(27.9, 28.1, 1000.0, -2.5, -30.0),
        beyond_torch=HALVES,
        tol={**SMALL, "float32": (1e-4, 1e-5)},
    ),
    only("ndtr", sp.ndtr, places(-5.0, 5.0)),
    only("log_ndtr", sp.log_ndtr, places(-0.99, -1.01, -30.0, 5.0), beyond_torch=HALVES),
    only(
        "ndtri",
        sp.ndtri,
        places(1.0, -0.1, 1.1, 1e-5, 0.08, 0.999, low=0.05, high=0.95),
        beyond_torch=HALVES,
    ),
    only("entr", entr, places(-1.0, 1.0, 1e4, low=0.1, high=3)),
    OpCase(
        name="xlog1py",
        path="special.xlog1py",
        samples=xlog1ps,
        ref=xlog1py,
        dtypes=REAL,
        result="float_numbers",
        grad=("float64",),
        out=True,
        pointwise=True,
        tol=SMALL,
        errors=(SHAPES_DIFFER,),
    ),
    OpCase(
        name="zeta",
        path="special.zeta",
        samples=zetas,
        ref=zeta,
        dtypes=REAL,
        beyond_torch=HALVES,
        result="float_numbers",
        grad=("float64",),
        out=True,
        pointwise=True,
        tol={**SMALL, "bfloat16": (4e-2, 1e-2), "float16": (5e-3, 2e-3)},
        errors=(SHAPES_DIFFER,),
    ),
    gamma("igamma", lower, "gammainc"),
    gamma("igammac", upper, "gammaincc"),
    OpCase(
        name="mvlgamma",
        samples=dimensions,
        ref=mvlgamma,
        dtypes=tuple(d for d in REAL if d != "bool"),
        result="float",
        grad=("float64",),
        variants=("Tensor.mvlgamma", "special.multigammaln"),
        inplace="Tensor.mvlgamma_",
        out=True,
        tol=SMALL,
        errors=(Error(S(tensor([1.0]), 0), "RuntimeError", "p has to be"),),
    ),
    OpCase(
        name="frexp",
        samples=floats,
        ref=frexp,
        dtypes=ALL_FLOATS,
        result=("first", "int32"),
        grad=("float64",),
        variants=("Tensor.frexp",),
        out=True,
        pointwise=True,
        errors=(Error(S(tensor([1])), "RuntimeError", "floating"),),
    ),
]
