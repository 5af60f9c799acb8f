"""Accuracy and edge cases of the scalar formulas in shaders/include, against mpmath and NumPy.

The same C++ file is built once per instruction set that this machine has, with the flags of the CPU kernels.
"""

import ctypes
import functools
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

mpmath = pytest.importorskip("mpmath")
mp, mpf = mpmath.mp, mpmath.mpf

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "-std=c++20",
    "-O3",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-fPIC",
    "-shared",
]
COMPILER = shutil.which("g++") or shutil.which("clang++") or shutil.which("c++")
pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C++ compiler (g++, clang++ or c++) on PATH"),
    pytest.mark.skipif(
        "RUSTORCH_SANITIZED" in os.environ, reason="builds its own library, without sanitizers"
    ),
]

SUFFIX = {"float32": "f32", "float64": "f64", "int64": "i64", "int8": "i8", "uint8": "u8"}


def instruction_sets() -> dict[str, list[str]]:
    """Compiler options by name, of those this machine can run."""
    sets: dict[str, list[str]] = {"baseline": [], "no_double": ["-DRT_FORMULAS_NO_DOUBLE=1"]}
    cpuinfo = Path("/proc/cpuinfo")
    if platform.machine() == "x86_64" and cpuinfo.exists():
        words = set(cpuinfo.read_text().split())
        if {"avx2", "fma"} <= words:
            sets["avx2"] = ["-mavx2", "-mfma"]
            sets["no_double"] += sets["avx2"]
        if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= words:
            sets["avx512"] = ["-march=skylake-avx512", "-mprefer-vector-width=512"]
    return sets


class Library:
    """The compiled loops, called on NumPy arrays."""

    def __init__(self, path: Path, name: str) -> None:
        self.handle = ctypes.CDLL(str(path))
        self.name = name

    def has(self, name: str, dtype: str) -> bool:
        return hasattr(self.handle, name + SUFFIX[dtype])

    def __call__(self, name: str, a: Any, b: Any = None) -> Any:
        a = np.ascontiguousarray(a)
        b = a if b is None else np.ascontiguousarray(b)
        assert a.dtype == b.dtype and a.shape == b.shape
        out = np.empty_like(a)
        function = getattr(self.handle, name + SUFFIX[a.dtype.name])
        function(*(ctypes.c_void_p(x.ctypes.data) for x in (a, b, out)), ctypes.c_int64(a.size))
        return out

    def convert(self, name: str, a: Any, dtype: Any) -> Any:
        out = np.empty(a.shape, dtype)
        function = getattr(self.handle, name)
        function(ctypes.c_void_p(a.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(a.size))
        return out

    def draw(self, name: str, seed: int, n: int, dtype: Any) -> Any:
        out = np.empty(n, dtype)
        getattr(self.handle, name)(ctypes.c_uint64(seed), ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(n))
        return out


@pytest.fixture(scope="module", params=list(instruction_sets()))
def lib(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Library:
    target = tmp_path_factory.mktemp("formulas") / f"formulas_{request.param}.so"
    command = [
        str(COMPILER),
        *FLAGS,
        *instruction_sets()[request.param],
        "-I",
        str(ROOT / "shaders" / "include"),
        str(ROOT / "tests" / "cpp" / "test_formulas.cpp"),
        "-o",
        str(target),
    ]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return Library(target, request.param)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def normal_cdf(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def normal_pdf(x: Any) -> Any:
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def gelu_tanh_argument(x: Any) -> Any:
    return 2 * mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)


def gelu_tanh_grad(x: Any) -> Any:
    u = gelu_tanh_argument(x)
    slope = 2 * mp.sqrt(2 / mp.pi) * (1 + 3 * mpf("0.044715") * x * x)
    return sigmoid(u) + x * sigmoid(u) * sigmoid(-u) * slope


def mish_weight(x: Any) -> Any:
    n = mp.exp(x) * (mp.exp(x) + 2)
    return n / (n + 2)


def mish_grad(x: Any) -> Any:
    w = mish_weight(x)
    return w + x * (1 - w) * (1 + w) * sigmoid(x)


def erfinv(x: Any) -> Any:
    """Newton's method on log erfc, which stays well behaved in the tails."""
    if x == 0:
        return mpf(0)
    tail = 1 - abs(x)
    y = mpf(abs(x)) if tail > 0.3 else mp.sqrt(-mp.log(tail))
    for _ in range(60):
        e = mp.erfc(y)
        step = (mp.log(e) - mp.log(tail)) * e * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
        y += step
        if abs(step) < mpf("1e-40"):
            break
    return y * mp.sign(x)


def selu(x: Any) -> Any:
    scale, alpha = mpf("1.0507009873554804934193349852946"), mpf("1.6732632423543772848170429916717")
    return scale * (x if x > 0 else alpha * mp.expm1(x))


Ranges = list[tuple[float, float]]
Row = tuple[str, Callable[..., Any], float, float, Ranges, Ranges]
NEAR_ONE: Ranges = [(0, 2), (0.7, 1.42), (0, 1e30)]
TURNS32: Ranges = [(-4, 4), (-3e4, 3e4), (-1e10, 1e10), (-1e38, 1e38)]
TURNS64: Ranges = [(-4, 4), (-1e9, 1e9), (-1e18, 1e18), (-1e307, 1e307)]
TAIL32: Ranges = [(-85, 30), (-3, 3)]
TAIL64: Ranges = [(-700, 40), (-3, 3)]

# name, reference, bound in ulp for float32 and float64, ranges for float32 and float64
ROWS: list[Row] = [
    ("exp_", mp.exp, 1.0, 1.0, [(-103, 88), (-1, 1)], [(-745, 709), (-1, 1)]),
    ("exp2_", lambda x: mp.power(2, x), 1.1, 1.1, [(-149, 127), (-1, 1)], [(-1074, 1023), (-1, 1)]),
    ("expm1_", mp.expm1, 1.2, 1.2, [(-20, 88), (-1.5, 1.5)], [(-40, 709), (-1.5, 1.5)]),
    ("log_", mp.log, 1.0, 1.0, NEAR_ONE, NEAR_ONE),
    ("log2_", lambda x: mp.log(x) / mp.log(2), 1.5, 1.0, NEAR_ONE, NEAR_ONE),
    ("log10_", mp.log10, 1.5, 1.0, NEAR_ONE, NEAR_ONE),
    ("log1p_", mp.log1p, 1.5, 1.5, [(-1, 1), (-0.3, 0.5), (0, 1e10)], [(-1, 1), (-0.3, 0.5), (0, 1e10)]),
    ("sinh_", mp.sinh, 1.5, 1.5, [(-89, 89), (-2, 2)], [(-710, 710), (-2, 2)]),
    ("cosh_", mp.cosh, 1.5, 1.5, [(-89, 89), (-2, 2)], [(-710, 710), (-2, 2)]),
    ("tanh_", mp.tanh, 1.5, 1.5, [(-9, 9), (-1, 1)], [(-20, 20), (-1, 1)]),
    ("asinh_", mp.asinh, 2, 2, [(-5, 5), (-1, 1), (-1e12, 1e12)], [(-5, 5), (-1, 1), (-1e20, 1e20)]),
    ("acosh_", mp.acosh, 2.5, 2.5, [(1, 2), (1, 1.01), (1, 1e12)], [(1, 2), (1, 1.01), (1, 1e20)]),
    ("atanh_", mp.atanh, 1.5, 1.5, [(-1, 1), (-0.6, 0.6)], [(-1, 1), (-0.6, 0.6)]),
    (
        "cbrt_",
        lambda x: mp.sign(x) * mp.cbrt(abs(x)),
        1,
        1,
        [(-5, 5), (-1e30, 1e30)],
        [(-5, 5), (-1e300, 1e300)],
    ),
    ("sin_", mp.sin, 1, 1, TURNS32, TURNS64),
    ("cos_", mp.cos, 1, 1, TURNS32, TURNS64),
    ("tan_", mp.tan, 1, 1, TURNS32, TURNS64),
    ("sinpi_", mp.sinpi, 1, 1, [(-4, 4), (-1e3, 1e3)], [(-4, 4), (-1e3, 1e3)]),
    ("cospi_", mp.cospi, 1, 1, [(-4, 4), (-1e3, 1e3)], [(-4, 4), (-1e3, 1e3)]),
    ("sinc_", mp.sincpi, 2.5, 2.5, [(-4, 4), (-1e3, 1e3)], [(-4, 4), (-1e3, 1e3)]),
    ("asin_", mp.asin, 1.5, 1.5, [(-1, 1)], [(-1, 1)]),
    ("acos_", mp.acos, 1.5, 1.5, [(-1, 1), (0.99, 1)], [(-1, 1), (0.99, 1)]),
    ("atan_", mp.atan, 1.5, 1.5, [(-2, 2), (-50, 50)], [(-2, 2), (-50, 50)]),
    ("erf_", mp.erf, 1, 1, [(-4, 4), (-1, 1)], [(-6, 6), (-1, 1)]),
    ("erfc_", mp.erfc, 4.5, 5, [(-4, 10), (-1, 1)], [(-6, 27), (-1, 1)]),
    ("erfinv_", erfinv, 6, 8, [(-1, 1), (0.99, 1)], [(-1, 1), (0.99, 1), (0.999999, 1)]),
    ("lgamma_", mp.loggamma, 4, 4, [(0, 3), (0, 10), (0, 1e6)], [(0, 3), (0, 10), (0, 1e6)]),
    ("digamma_", mp.digamma, 5, 5, [(0, 3), (0, 10), (0, 1e6)], [(0, 3), (0, 10), (0, 1e6)]),
    ("i0_", lambda x: mp.besseli(0, x), 5, 6, [(-10, 10), (-91, 91)], [(-10, 10), (-713, 713)]),
    (
        "i0e_",
        lambda x: mp.besseli(0, x) * mp.exp(-abs(x)),
        5,
        6,
        [(-10, 10), (-91, 91)],
        [(-10, 10), (-713, 713)],
    ),
    ("sigmoid_", sigmoid, 2, 2, TAIL32, TAIL64),
    ("logsigmoid_", lambda x: -mp.log1p(mp.exp(-x)), 2, 2, TAIL32, TAIL64),
    ("softplus_", lambda x: x if x > 20 else mp.log1p(mp.exp(x)), 2, 2, TAIL32, TAIL64),
    ("silu_", lambda x: x * sigmoid(x), 2.5, 2.5, TAIL32, TAIL64),
    ("gelu_", lambda x: x * normal_cdf(x), 5, 6, [(-13, 6), (-3, 3)], [(-37, 8), (-3, 3)]),
    ("mish_", lambda x: x * mish_weight(x), 4, 4, [(-80, 30), (-3, 3)], [(-700, 40), (-3, 3)]),
    ("selu_", selu, 3, 3, [(-20, 20)], [(-40, 40)]),
    ("rsqrt_", lambda x: 1 / mp.sqrt(x), 1.5, 1.5, [(0, 3)], [(0, 3)]),
]
# These pass through zero, or pass on the rounding of their own argument: the unit is that of the larger of
# the result and 1.
ABSOLUTE: list[Row] = [
    ("silu_grad_", lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), 2, 2, TAIL32, TAIL64),
    (
        "gelu_grad_",
        lambda x: normal_cdf(x) + x * normal_pdf(x),
        2,
        2,
        [(-13, 6), (-3, 3)],
        [(-37, 8), (-3, 3)],
    ),
    (
        "gelu_tanh_",
        lambda x: x * sigmoid(gelu_tanh_argument(x)),
        3,
        3,
        [(-8, 8), (-3, 3)],
        [(-12, 12), (-3, 3)],
    ),
    ("gelu_tanh_grad_", gelu_tanh_grad, 3, 3, [(-8, 8), (-3, 3)], [(-12, 12), (-3, 3)]),
    ("mish_grad_", mish_grad, 3, 3, [(-80, 30), (-3, 3)], [(-700, 40), (-3, 3)]),
    ("lgamma_", lambda x: mp.log(abs(mp.gamma(x))), 8, 8, [(-10, 0)], [(-10, 0)]),
    ("digamma_", mp.digamma, 16, 16, [(-10, 0)], [(-10, 0)]),
]
ALL = [(row, False) for row in ROWS] + [(row, True) for row in ABSOLUTE]
SAMPLES = 250


def ulp_error(got: Any, reference: list[Any], absolute: bool) -> Any:
    digits, lowest = (24, -149) if got.dtype == np.float32 else (53, -1074)
    errors = []
    for g, r in zip(got, reference, strict=True):
        if not np.isfinite(g):
            errors.append(np.inf)
        elif r == 0 and not absolute:
            errors.append(0.0 if g == 0 else np.inf)
        else:
            size = max(abs(r), mpf(1)) if absolute else abs(r)
            exponent = max(int(mp.floor(mp.log(size, 2))) - digits + 1, lowest)
            errors.append(float(abs(mpf(float(g)) - r) / mpf(2) ** exponent))
    return np.array(errors)


@functools.cache
def samples(index: int, dtype: str) -> tuple[Any, list[Any]]:
    (name, reference, _, _, ranges32, ranges64), _ = ALL[index]
    rng = np.random.default_rng(index)
    ranges = ranges32 if dtype == "float32" else ranges64
    x = np.concatenate([rng.uniform(low, high, SAMPLES) for low, high in ranges]).astype(dtype)
    if name in ("erfinv_", "atanh_"):
        x = x[np.abs(x) < 1]
    x = x[x != 0]
    mp.prec = 1300 if name in ("sin_", "cos_", "tan_") else 200
    return x, [mp.re(reference(mpf(float(v)))) for v in x]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("index", range(len(ALL)), ids=[row[0] + "abs" * flag for row, flag in ALL])
def test_accuracy(lib: Library, index: int, dtype: str) -> None:
    (name, _, bound32, bound64, _, _), absolute = ALL[index]
    if not lib.has(name, dtype):
        pytest.skip("this build has no float64")
    x, reference = samples(index, dtype)
    error = ulp_error(lib(name, x), reference, absolute)
    bound = bound32 if dtype == "float32" else bound64
    if lib.name == "baseline":
        bound = 1.5 * bound + 0.5  # without fused operations
    worst = int(error.argmax())
    assert error[worst] <= bound, f"{name}({x[worst]!r}): {error[worst]:.2f} ulp"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "name,reference,scale,bound",
    [
        ("pow_", mp.power, 1.0, 1.5),
        ("hypot_", lambda x, y: mp.sqrt(x * x + y * y), 1.0, 1.2),
        ("atan2_", mp.atan2, 1.0, 2.0),
        ("hypot_", lambda x, y: mp.sqrt(x * x + y * y), 1e30, 1.2),
        ("hypot_", lambda x, y: mp.sqrt(x * x + y * y), 1e-30, 1.2),
    ],
)
def test_accuracy_of_two_arguments(
    lib: Library, name: str, reference: Callable[..., Any], scale: float, bound: float, dtype: str
) -> None:
    if not lib.has(name, dtype):
        pytest.skip("this build has no float64")
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((2, 800)).astype(dtype) * np.dtype(dtype).type(scale)
    if name == "pow_":  # powers over the whole range of results
        x = np.exp(rng.uniform(-40, 40, 800)).astype(dtype)
        limit = 85 if dtype == "float32" else 700
        y = (rng.uniform(-limit, limit, 800) / np.log(x.astype(np.float64))).astype(dtype)
        y[::4] = np.clip(y[::4], -3, 3)
    mp.prec = 300
    expected = [reference(mpf(float(a)), mpf(float(b))) for a, b in zip(x, y, strict=True)]
    error = ulp_error(lib(name, x, y), expected, False)
    bound = 1.5 * bound + 0.5 if lib.name == "baseline" else bound
    worst = int(error.argmax())
    assert error[worst] <= bound, f"{name}({x[worst]!r}, {y[worst]!r}): {error[worst]:.2f} ulp"


def edges(dtype: str) -> Any:
    info = np.finfo(dtype)
    values = [
        0.0,
        0.25,
        0.5,
        0.75,
        1.0,
        1.5,
        2.0,
        2.5,
        3.0,
        7.0,
        100.0,
        1e5,
        8388609.0,
        1e17,
        1e30,
        1e-5,
        1e-30,
        float(info.max),
        float(info.tiny),
        float(info.smallest_subnormal),
        float(info.tiny) / 3,
        np.inf,
        np.nan,
        1 - float(info.epsneg),
        1 + float(info.eps),
        np.pi,
        88.5,
        89.5,
        709.5,
        710.5,
        745.5,
        2.0**40,
    ]
    return np.array([s * v for v in values for s in (1, -1)], dtype)


def same(got: Any, want: Any, ulps: float, signed_zero: bool = True) -> None:
    """Equal up to some ulp; NaN where wanted, infinities and the signs of zeros exactly."""
    with np.errstate(all="ignore"):
        assert np.array_equal(np.isnan(got), np.isnan(want))
        finite = np.isfinite(want)
        assert np.array_equal(got[~finite & ~np.isnan(want)], want[~finite & ~np.isnan(want)])
        largest = np.finfo(want.dtype).max / 2  # the spacing of the largest number is not finite
        unit = np.spacing(np.minimum(np.abs(want[finite]), largest))
        bad = ~(np.abs(got[finite] - want[finite]) <= ulps * unit)
        assert not bad.any(), (got[finite][bad], want[finite][bad])
        if signed_zero:
            zero = want == 0
            assert np.array_equal(np.signbit(got[zero]), np.signbit(want[zero]))


UNARY_NUMPY = (
    "exp exp2 expm1 log log2 log10 log1p sinh cosh tanh asinh:arcsinh acosh:arccosh atanh:arctanh sin cos "
    "tan asin:arcsin acos:arccos atan:arctan cbrt floor ceil trunc round:rint sqrt abs"
).split()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", UNARY_NUMPY)
def test_edge_cases_of_one_argument(lib: Library, spec: str, dtype: str) -> None:
    name, _, numpy_name = spec.partition(":")
    if not lib.has(name + "_", dtype):
        pytest.skip("this build has no float64")
    x = edges(dtype)
    with np.errstate(all="ignore"):
        wide = np.longdouble if np.finfo(np.longdouble).nmant > 60 else np.float64
        want = getattr(np, numpy_name or name)(x.astype(wide)).astype(dtype)
    same(lib(name + "_", x), want, 3 if lib.name == "baseline" else 2)


BINARY_NUMPY = "pow:power atan2:arctan2 hypot copysign nextafter maximum minimum fmax fmin fmod".split()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", BINARY_NUMPY)
def test_edge_cases_of_two_arguments(lib: Library, spec: str, dtype: str) -> None:
    name, _, numpy_name = spec.partition(":")
    if not lib.has(name + "_", dtype):
        pytest.skip("this build has no float64")
    x, y = (v.ravel() for v in np.meshgrid(edges(dtype), edges(dtype)))
    with np.errstate(all="ignore"):
        want = getattr(np, numpy_name or name)(x, y)
    ulps = {"pow": 2, "atan2": 2, "hypot": 1}.get(name, 0)
    same(lib(name + "_", x, y), want, ulps, signed_zero=name not in ("maximum", "minimum", "fmax", "fmin"))


def python_floor_divide(x: float, y: float) -> float:
    if y == 0 or np.isnan(x) or np.isnan(y) or np.isinf(x):
        with np.errstate(all="ignore"):
            return float(np.float64(x) / np.float64(y)) if y == 0 else float("nan")
    return x // y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_division_with_python_rules(lib: Library, dtype: str) -> None:
    if not lib.has("remainder_", dtype):
        pytest.skip("this build has no float64")
    rng = np.random.default_rng(2)
    x, y = (v.ravel() for v in np.meshgrid(edges(dtype), edges(dtype)))
    more = [rng.standard_normal(4000) * 10.0 ** rng.integers(-6, 6, 4000) for _ in range(2)]
    x, y = np.concatenate([x, more[0]]).astype(dtype), np.concatenate([y, more[1]]).astype(dtype)
    with np.errstate(all="ignore"):
        same(lib("fmod_", x, y), np.fmod(x, y), 0)
        same(lib("remainder_", x, y), np.remainder(x, y), 0, signed_zero=False)
    if dtype == "float64":
        want = np.array([python_floor_divide(float(a), float(b)) for a, b in zip(x, y, strict=True)])
        same(lib("floor_divide_", x, y), want, 0)


def test_integer_formulas(lib: Library) -> None:
    for dtype in (np.int8, np.uint8):
        info = np.iinfo(dtype)
        every = np.arange(info.min, info.max + 1, dtype=dtype)
        a, b = (v.ravel().copy() for v in np.meshgrid(every, every))
        a, b = a[b != 0], b[b != 0]
        wide_a, wide_b = a.astype(np.int64), b.astype(np.int64)
        assert np.array_equal(lib("int_floor_divide_", a, b), (wide_a // wide_b).astype(dtype))
        assert np.array_equal(lib("int_remainder_", a, b), (wide_a % wide_b).astype(dtype))
        assert np.array_equal(lib("int_fmod_", a, b), np.fmod(wide_a, wide_b).astype(dtype))
        truncated = np.sign(wide_a) * np.sign(wide_b) * (np.abs(wide_a) // np.abs(wide_b))
        assert np.array_equal(lib("int_trunc_divide_", a, b), truncated.astype(dtype))
        assert np.array_equal(lib("gcd_", a, b), np.gcd(wide_a, wide_b).astype(dtype))
        count = np.where((b < 0) | (wide_b > 63), 63, wide_b)
        assert np.array_equal(lib("shift_left_", a, b), np.where(count < 8, wide_a << count, 0).astype(dtype))
        assert np.array_equal(lib("shift_right_", a, b), (wide_a >> count).astype(dtype))
        exact = [pow(int(p), int(q), 256) if q >= 0 else 0 for p, q in zip(a, b, strict=True)]
        power = lib("int_pow_", a, b).astype(np.int64)
        assert np.array_equal(power[b > 0] % 256, np.array(exact)[b > 0])
        if dtype == np.int8:
            inverse = np.where(a == 1, 1, np.where(a == -1, np.where(b % 2 == 0, 1, -1), 0))
            assert np.array_equal(power[b < 0], inverse[b < 0])
    low = np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).min], np.int64)
    by = np.array([-1, 3], np.int64)
    assert lib("int_floor_divide_", low, by).tolist() == [np.iinfo(np.int64).min, int(low[1]) // 3]
    assert lib("int_remainder_", low, by).tolist() == [0, int(low[1]) % 3]


def test_half_precision_conversions(lib: Library) -> None:
    every = np.arange(65536, dtype=np.uint16)
    got = lib.convert("half_to_float_", every, np.float32)
    want = every.view(np.float16).astype(np.float32)
    assert np.array_equal(got, want, equal_nan=True) and np.array_equal(np.signbit(got), np.signbit(want))
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2**32, 200000, dtype=np.uint32).view(np.float32)
    ties = np.concatenate(
        [want[:-1][np.isfinite(want[:-1])], (rng.standard_normal(100000) * 3e-5).astype(np.float32)]
    )
    middle = ((want[:31743].astype(np.float64) + want[1:31744]) / 2).astype(np.float32)
    limit = np.array(
        [65504, 65519.99, 65520, 65536, np.inf, -np.inf, 0, -0.0, 2**-25, 2**-25 * 1.0001], np.float32
    )
    x = np.concatenate([x, x[np.isfinite(x)] * np.float32(1e-30), ties, middle, -middle, limit])
    with np.errstate(all="ignore"):
        half = x.astype(np.float16)
    bits = lib.convert("float_to_half_", x, np.uint16)
    number = ~np.isnan(x)
    assert np.array_equal(bits[number], half.view(np.uint16)[number])
    assert np.all(np.isnan(bits[~number].view(np.float16)))

    bits = lib.convert("float_to_bfloat16_", x, np.uint16)
    back = lib.convert("bfloat16_to_float_", bits, np.float32)
    assert np.array_equal(np.isnan(back), np.isnan(x))
    below = x.view(np.uint32) & np.uint32(0xFFFF0000)
    above = below + np.uint32(0x10000)
    with np.errstate(all="ignore"):
        low, high = below.view(np.float32).astype(np.float64), above.view(np.float32).astype(np.float64)
    top = (below & 0x7FFFFFFF) == 0x7F7F0000
    high = np.where(top, np.copysign(2.0**128, low), high)
    with np.errstate(all="ignore"):
        to_low, to_high = np.abs(x - low), np.abs(x - high)
        choose = np.where((to_low < to_high) | ((to_low == to_high) & ((below >> 16) % 2 == 0)), below, above)
    finite = np.isfinite(x)
    assert np.array_equal(bits[finite], (choose[finite] >> 16).astype(np.uint16))


def test_philox_known_answers(lib: Library) -> None:
    """The vectors that come with the authors' Random123 library."""
    cases = [
        ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ]
    for key, counter, want in cases:
        c, out = np.array(counter, np.uint32), np.empty(4, np.uint32)
        lib.handle.philox_(
            ctypes.c_uint32(key[0]),
            ctypes.c_uint32(key[1]),
            ctypes.c_void_p(c.ctypes.data),
            ctypes.c_void_p(out.ctypes.data),
            ctypes.c_int64(1),
        )
        assert tuple(out.tolist()) == want


def test_random_distributions(lib: Library) -> None:
    types = [("float", np.float32)] + ([("double", np.float64)] if lib.name != "no_double" else [])
    for name, dtype in types:
        n = 400000
        u = lib.draw(f"uniform_{name}_", 11, n, dtype).astype(np.float64)
        assert u.min() >= 0 and u.max() < 1 and abs(u.mean() - 0.5) < 2e-3 and abs(u.var() - 1 / 12) < 1e-3
        z = lib.draw(f"normal_{name}_", 12, n, dtype).astype(np.float64)
        assert np.all(np.isfinite(z)) and abs(z.mean()) < 6e-3 and abs(z.var() - 1) < 1e-2
        assert abs((z**4).mean() - 3) < 0.08 and abs(np.corrcoef(z[0::2], z[1::2])[0, 1]) < 0.01
