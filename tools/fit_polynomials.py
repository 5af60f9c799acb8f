"""Writes shaders/include/rt_formulas_poly.h: the polynomials behind the scalar formulas.

Each entry interpolates a smooth function at Chebyshev nodes in 80-digit arithmetic (which is within a small
factor of the minimax error), then rounds the monomial coefficients to the target type. They are evaluated as
balanced trees (Estrin, 1960): the loops are bound by latency, not by the number of operations.

    python tools/fit_polynomials.py > shaders/include/rt_formulas_poly.h
"""

import itertools
import sys
from collections.abc import Callable

import numpy as np
from mpmath import mp, mpf

mp.dps = 80
Fn = Callable[[mpf], mpf]


def fit(f: Fn, a: mpf, b: mpf, degree: int) -> tuple[list[mpf], mpf]:
    """Monomial coefficients of the Chebyshev interpolant of f on [a, b], and its largest relative error."""
    a, b, n = mpf(a), mpf(b), degree + 1
    half, mid = (b - a) / 2, (b + a) / 2
    theta = [mp.pi * (2 * i + 1) / (2 * n) for i in range(n)]
    values = [f(mid + half * mp.cos(t)) for t in theta]
    cheb = [2 * mp.fsum(v * mp.cos(j * t) for v, t in zip(values, theta)) / n for j in range(n)]
    cheb[0] /= 2
    # sum cheb[j] * T_j(u) with u = (x - mid) / half; T_{j+1} = 2 u T_j - T_{j-1} on lists of coefficients
    u = [-mid / half, 1 / half]

    def times_u(p: list[mpf]) -> list[mpf]:
        out = [mpf(0)] * (len(p) + 1)
        for i, c in enumerate(p):
            out[i] += c * u[0]
            out[i + 1] += c * u[1]
        return out

    total = [mpf(0)] * n
    prev, cur = [mpf(1)], u
    for j in range(n):
        basis = prev
        for i, c in enumerate(basis):
            total[i] += cheb[j] * c
        nxt = [2 * c for c in times_u(cur)]
        for i, c in enumerate(prev):
            nxt[i] -= c
        prev, cur = cur, nxt
    points = [a + (b - a) * (mpf(i) + mpf("0.37")) / 97 for i in range(97)]
    error = max(abs(mp.polyval(total[::-1], x) / f(x) - 1) for x in points)
    return total, error


def literal(c: mpf, is_float: bool) -> str:
    text = str(np.float32(str(mp.nstr(c, 30)))) if is_float else repr(float(c))
    if not any(ch in text for ch in ".en"):
        text += ".0"
    return text + ("f" if is_float else "")


def estrin(coefficients: list[str], powers: list[str]) -> str:
    """The polynomial as a balanced tree: powers[j] names x^(2^j)."""
    if len(coefficients) == 1:
        return coefficients[0]
    level = (len(coefficients) - 1).bit_length() - 1
    half = 1 << level
    upper, lower = estrin(coefficients[half:], powers), estrin(coefficients[:half], powers)
    return f"mad_({upper}, {powers[level]}, {lower})"


def emit(name: str, f: Fn, a: object, b: object, degree: int, is_float: bool) -> str:
    coefficients, error = fit(f, mpf(a), mpf(b), degree)
    c = [literal(x, is_float) for x in coefficients]
    kind = "float" if is_float else "double"
    interval = f"[{mp.nstr(mpf(a), 6)}, {mp.nstr(mpf(b), 6)}]"
    lines = [f"// {interval}, degree {degree}, relative error 2^{int(mp.log(error, 2))}"]
    lines.append(f"RT_INLINE {kind} poly_{name}_({kind} x) {{")
    powers = ["x"] + [f"x{2 << j}" for j in range(degree.bit_length() - 1)]
    for lower, power in itertools.pairwise(powers):
        lines.append(f"  const {kind} {power} = {lower} * {lower};")
    lines.append(f"  return {estrin(c, powers)};")
    lines.append("}")
    return "\n".join(lines)


def taylor_guard(f: Fn, at_zero: Fn, near: str = "1e-30") -> Fn:
    """f has a removable singularity at zero: use its limit there."""
    return lambda x: at_zero(x) if abs(x) < mpf(near) else f(x)


def even_series(f: Fn, limit: object) -> Fn:
    """(f(x) - x) / x^3 as a function of z = x^2."""

    def g(z: mpf) -> mpf:
        if z < mpf("1e-25"):
            return mpf(limit)
        x = mp.sqrt(z)
        return (f(x) - x) / (x * z)

    return g


def atanh_scaled(z: mpf) -> mpf:
    """atanh(sqrt(z)) / sqrt(z), without cancellation for small z."""
    if z < mpf("1e-4"):
        return mp.fsum(z**k / (2 * k + 1) for k in range(20))
    s = mp.sqrt(z)
    return mp.atanh(s) / s


LN2, SQRT2 = mp.log(2), mp.sqrt(2)
LOG_LOW, LOG_HIGH = 1 / SQRT2 - 1, SQRT2 - 1
S_MAX = (LOG_HIGH / (2 + LOG_HIGH)) ** 2 * mpf("1.001")
EULER = mp.euler
DIGAMMA_ROOT = mp.findroot(mp.digamma, mpf("1.4616321"))
ERFC_K = 2
ERFC_T = 1 - 2 * mpf(ERFC_K) / (28 + ERFC_K)


def erfcx_scaled(t: mpf) -> mpf:
    """(a + K) exp(a^2) erfc(a) with t = (a - K) / (a + K)."""
    a = ERFC_K * (1 + t) / (1 - t)
    return (a + ERFC_K) * mp.exp(a * a) * mp.erfc(a)


def erfinv_of_w(w: mpf) -> mpf:
    """erfinv(x) / x with w = -log(1 - x^2)."""
    if w < mpf("1e-30"):
        return mp.sqrt(mp.pi) / 2
    tail = mp.exp(-w)
    one_minus_x = tail / (1 + mp.sqrt(1 - tail))
    x = 1 - one_minus_x
    if w < 1:
        return mp.erfinv(x) / x
    y = mp.sqrt(w)
    for _ in range(200):  # Newton on log erfc, well behaved in the tail
        e = mp.erfc(y)
        step = (mp.log(e) - mp.log(one_minus_x)) * e * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
        y += step
        if abs(step) < mpf("1e-60") * y:
            break
    return y / x


def i0_small(z: mpf) -> mpf:
    """(I0(x) - 1) / z with z = x^2 / 4."""
    return mp.fsum(z ** (k - 1) / mp.factorial(k) ** 2 for k in range(1, 90))


def i0_tail(u: mpf) -> mpf:
    """sqrt(x) exp(-x) I0(x) with u = 1 / x."""
    if u < mpf("1e-12"):
        return (1 + u / 8) / mp.sqrt(2 * mp.pi)
    return mp.sqrt(1 / u) * mp.exp(-1 / u) * mp.besseli(0, 1 / u)


def stirling_tail(z: mpf) -> mpf:
    """x * (lgamma(x) - (x - 1/2)(log x - 1) - (log(2 pi) - 1) / 2) with z = 1 / x^2."""
    if z < mpf("1e-12"):
        return mpf(1) / 12 - z / 360
    x = 1 / mp.sqrt(z)
    return x * (mp.loggamma(x) - (x - 0.5) * (mp.log(x) - 1) - (mp.log(2 * mp.pi) - 1) / 2)


def digamma_tail(z: mpf) -> mpf:
    """(log x - 1/(2x) - digamma(x)) / z with z = 1 / x^2."""
    if z < mpf("1e-12"):
        return mpf(1) / 12 - z / 120
    x = 1 / mp.sqrt(z)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) / z


def over(f: Fn, g: Fn, limit: object) -> Fn:
    """f / g with its limit where g vanishes."""
    return lambda x: mpf(limit) if abs(g(x)) < mpf("1e-30") else f(x) / g(x)


def table() -> list[tuple[str, Fn, object, object, int | None, int | None]]:
    """name, function, interval, degree for float, degree for double."""
    exp_r = mpf("0.34658")
    quarter = (mp.pi / 4) ** 2 * mpf("1.0001")
    return [
        ("exp", over(lambda r: mp.expm1(r) - r, lambda r: r * r, 0.5), -exp_r, exp_r, 4, 9),
        ("exp2", over(lambda r: mp.expm1(r * LN2), lambda r: r, LN2), -0.5001, 0.5001, 5, 11),
        (
            "log",
            over(lambda f: mp.log1p(f) - f + f * f / 2, lambda f: f**3, mpf(1) / 3),
            LOG_LOW,
            LOG_HIGH,
            8,
            None,
        ),
        (
            "log_s",
            lambda z: 2 * over(lambda v: atanh_scaled(v) - 1, lambda v: v, mpf(1) / 3)(z),
            0,
            S_MAX,
            None,
            6,
        ),
        ("log2", over(lambda f: mp.log1p(f) / LN2 - f, lambda f: f, 1 / LN2 - 1), LOG_LOW, LOG_HIGH, 9, None),
        (
            "log10",
            over(lambda f: mp.log10(1 + f) - f * mpf("0.4375"), lambda f: f, 1 / mp.log(10) - mpf("0.4375")),
            LOG_LOW,
            LOG_HIGH,
            9,
            None,
        ),
        ("pow_log2", over(lambda f: mp.log1p(f) / LN2, lambda f: f, 1 / LN2), LOG_LOW, LOG_HIGH, None, 15),
        ("pow_exp2", over(lambda r: mp.expm1(r * LN2), lambda r: r, LN2), -0.5001, 0.5001, None, 6),
        ("pow_tail", lambda z: mp.fsum(z**k / (2 * k + 5) for k in range(40)), 0, S_MAX, 2, 7),
        ("sin", even_series(mp.sin, mpf(-1) / 6), 0, quarter, 2, 5),
        ("cos", lambda z: mp.fsum((-z) ** k / mp.factorial(2 * k + 4) for k in range(30)), 0, quarter, 2, 5),
        ("tan", even_series(mp.tan, mpf(1) / 3), 0, quarter, 6, 14),
        ("asin", even_series(mp.asin, mpf(1) / 6), 0, 0.2501, 5, 13),
        ("atan", even_series(mp.atan, mpf(-1) / 3), 0, 1, 8, 20),
        ("sinh", even_series(mp.sinh, mpf(1) / 6), 0, 1, 3, 6),
        ("tanh", even_series(mp.tanh, mpf(-1) / 3), 0, 0.36, 5, 11),
        ("atanh", even_series(mp.atanh, mpf(1) / 3), 0, 0.2501, 6, 14),
        (
            "erf",
            lambda z: (
                mp.fsum((-z) ** k / (mp.factorial(k) * (2 * k + 1)) for k in range(60)) * 2 / mp.sqrt(mp.pi)
                - 1
            ),
            0,
            1,
            6,
            12,
        ),
        ("erfcx", erfcx_scaled, -1, ERFC_T, 11, 25),
        ("erfinv_center", lambda w: erfinv_of_w(w + mpf("2.5")), -2.5, 2.5, 8, None),
        ("erfinv_tail", lambda s: erfinv_of_w((s + 3) ** 2), mp.sqrt(5) - 3, mpf("4.1") - 3, 8, None),
        ("erfinv_center", lambda w: erfinv_of_w(w + mpf("3.125")), -3.125, 3.125, None, 22),
        ("erfinv_mid", lambda s: erfinv_of_w((s + mpf("3.25")) ** 2), 2.5 - 3.25, 4 - 3.25, None, 18),
        ("erfinv_tail", lambda s: erfinv_of_w((s + 5) ** 2), -1, 1.1, None, 16),
        ("lgamma_one", over(lambda t: mp.loggamma(1 + t), lambda t: t, -EULER), -0.5, 0.5, 12, 27),
        ("lgamma_two", over(lambda t: mp.loggamma(2 + t), lambda t: t, 1 - EULER), -0.5, 1, 10, 21),
        ("stirling", stirling_tail, 0, mpf(1) / 64, 2, 6),
        (
            "digamma_root",
            over(
                lambda x: mp.digamma(x + mpf("1.5")),
                lambda x: x + mpf("1.5") - DIGAMMA_ROOT,
                mp.psi(1, DIGAMMA_ROOT),
            ),
            -0.5,
            0.5,
            9,
            20,
        ),
        ("digamma_tail", digamma_tail, 0, mpf(1) / 64, 2, 7),
        ("i0_small", i0_small, 0, 16, 9, 14),
        ("i0_tail", i0_tail, 0, mpf(1) / 8, 6, 22),
        ("cbrt", lambda m: m ** (mpf(-1) / 3), mpf("0.35"), mpf("2.83"), 4, 6),
    ]


def main() -> None:
    print("// Written by tools/fit_polynomials.py; edit that file instead.")
    print("// clang-format off")
    print("#ifndef RT_FORMULAS_POLY_H")
    print("#define RT_FORMULAS_POLY_H")
    print('#include "rt_formulas_base.h"\n')
    print("namespace RT_FORMULAS_NAMESPACE {\n")
    rows = table()
    for name, f, a, b, degree, _ in rows:
        if degree is not None:
            print(emit(name, f, a, b, degree, True), end="\n\n")
            sys.stdout.flush()
    print("#ifndef RT_FORMULAS_NO_DOUBLE\n")
    for name, f, a, b, _, degree in rows:
        if degree is not None:
            print(emit(name, f, a, b, degree, False), end="\n\n")
            sys.stdout.flush()
    print("#endif  // RT_FORMULAS_NO_DOUBLE\n")
    print("}  // namespace RT_FORMULAS_NAMESPACE\n")
    print("#endif  // RT_FORMULAS_POLY_H")


if __name__ == "__main__":
    main()
