"""Bessel and Airy functions, and orthogonal polynomials, beside SciPy's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import is_float
from ..samples import Rng, rand
from .binary import SHAPES_DIFFER
from .statistics_special import REAL, only, places

WHOLE = tuple(d for d in REAL if d not in ("float16", "bfloat16"))
TOL = {"float32": (2e-5, 5e-6)}
AWAY = tuple(s * v for s in (1, -1) for v in (24.99, 25.01, 60.3, 1e3, 12.49, 12.51, 5.5))
# Phases of the Airy function grow as x^1.5: float32 has lost them at 1e3.
NEARER = tuple(v for v in AWAY if abs(v) < 100)

# Their derivatives are tested as identities, in tests/ops/test_special_identities.py.
bessel = partial(only, dtypes=WHOLE, grad=(), tol=TOL)
# Of PyTorch 2.13 on the CPU.
waves = partial(bessel, torch_errs="NaN at infinity, and 5 digits next to 5 and -1")


def second_kind(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """SciPy's are infinite below 0 in single cases, and 0 only at infinity in some."""

    def reference(x: Any) -> Any:
        x = np.asarray(x, np.float64)
        return np.where(x == np.inf, 0, np.where(x < 0, np.nan, f(np.where(x == np.inf, 1, x))))

    return reference


def at_infinity(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.where(np.isinf(x), 0, f(np.where(np.isinf(x), 1, x)))


def sinc(x: Any) -> Any:
    return np.sinc(np.asarray(x, np.float64) / np.pi)


def degrees(low: float, high: float) -> Callable[[str, Rng], Iterator[Sample]]:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        whole = (lambda v: v) if is_float(dtype) else np.floor
        n = tensor([0, 1, 2, 3, 5, 9, 12], dtype) if dtype != "bool" else tensor([0, 1, 1, 0, 1, 1, 0], dtype)
        yield S(rand(rng, (7,), dtype, whole(low), high), n)
        yield S(rand(rng, (3, 1), dtype, whole(low), high), n)
        yield S(rand(rng, (), dtype, whole(low), high), 4)
        yield S(3, n)
        yield S(rand(rng, (0, 7), dtype, whole(low), high), n)
        if is_float(dtype):
            x = tensor([1.0, 1.0, -1.0, -1.0, 0.0, 0.5, 0.5, -0.5, np.nan], dtype)
            yield S(x, tensor([4.0, 5.0, 4.0, 5.0, 3.0, -1.0, 2.7, 30.0, 2.0], dtype)).value_only()

    return samples


def whole_degrees(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Degrees lose their fraction; below 0 the polynomial is 0."""

    def reference(x: Any, n: Any) -> Any:
        x, n = np.broadcast_arrays(np.asarray(x, np.float64), np.trunc(np.asarray(n, np.float64)))
        return np.where(n < 0, 0, f(np.maximum(n, 0).astype(np.int64), x))

    return reference


def by_recurrence(first: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """The third and fourth kind, of which SciPy has none: the recurrence of all kinds."""

    def f(n: Any, x: Any) -> Any:
        p, q = np.ones_like(x), first(x)
        for k in range(int(np.max(n, initial=0))):
            p, q = np.where(k < n, q, p), np.where(k < n, 2 * x * q - p, q)
        return p

    return f


# PyTorch 2.13 takes NaN for a number between -1 and 1 in these.
OF_NAN = {"legendre_polynomial_p", "laguerre_polynomial_l"} | {
    f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "uw"
}


def polynomial(name: str, f: Callable[[Any, Any], Any], low: float = -1.5, high: float = 1.5) -> OpCase:
    return OpCase(
        name=name,
        torch_errs="not NaN for NaN" if name in OF_NAN else "",
        path=f"special.{name}",
        samples=degrees(low, high),
        ref=whole_degrees(f),
        dtypes=WHOLE,
        result="float_numbers",
        out=True,
        pointwise=True,
        tol={"float32": (2e-4, 2e-5)},
        errors=(
            SHAPES_DIFFER,
            Error(S(tensor([1.0], "float16"), 2), "NotImplementedError", "not implemented"),
        ),
    )


third, fourth = by_recurrence(lambda x: 2 * x - 1), by_recurrence(lambda x: 2 * x + 1)
CASES = [
    waves("bessel_j0", at_infinity(sp.j0), places(*AWAY)),
    waves("bessel_j1", at_infinity(sp.j1), places(*AWAY)),
    waves("bessel_y0", second_kind(sp.y0), places(1e-5, *AWAY)),
    waves("bessel_y1", second_kind(sp.y1), places(1e-5, *AWAY)),
    bessel("spherical_bessel_j0", sinc, places(1e-4, *AWAY, infinite=False)),
    bessel("modified_bessel_i0", sp.i0, places(7.9, 8.1, -20.0, infinite=False)),
    bessel("modified_bessel_i1", sp.i1, places(7.9, 8.1, -20.0, infinite=False)),
    bessel("modified_bessel_k0", second_kind(sp.k0), places(1e-5, 1.99, 2.01, 70.0, *AWAY)),
    bessel("modified_bessel_k1", second_kind(sp.k1), places(1e-5, 1.99, 2.01, 70.0, *AWAY)),
    bessel("scaled_modified_bessel_k0", second_kind(sp.k0e), places(1e-5, 1.99, 2.01, 70.0, *AWAY)),
    bessel("scaled_modified_bessel_k1", second_kind(sp.k1e), places(1e-5, 1.99, 2.01, 70.0, *AWAY)),
    waves("airy_ai", at_infinity(lambda x: sp.airy(x)[0]), places(*NEARER), tol={"float32": (2e-5, 2e-5)}),
    polynomial("chebyshev_polynomial_t", sp.eval_chebyt),
    polynomial("chebyshev_polynomial_u", sp.eval_chebyu),
    polynomial("chebyshev_polynomial_v", third),
    polynomial("chebyshev_polynomial_w", fourth),
    polynomial("shifted_chebyshev_polynomial_t", sp.eval_sh_chebyt, -0.5),
    polynomial("shifted_chebyshev_polynomial_u", sp.eval_sh_chebyu, -0.5),
    polynomial("shifted_chebyshev_polynomial_v", lambda n, x: third(n, 2 * x - 1), -0.5),
    polynomial("shifted_chebyshev_polynomial_w", lambda n, x: fourth(n, 2 * x - 1), -0.5),
    polynomial("hermite_polynomial_h", sp.eval_hermite),
    polynomial("hermite_polynomial_he", sp.eval_hermitenorm),
    polynomial("laguerre_polynomial_l", sp.eval_laguerre),
    polynomial("legendre_polynomial_p", sp.eval_legendre),
]
