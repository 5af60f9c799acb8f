"""The lists of elementwise formulas as kernels, beside the CPU's loops, which are made of the same lines."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES
from .emulator import Emulator

FLOATS = ("float", "half", "bfloat")
INTEGERS = ("uchar", "char", "short", "int", "long")
TYPES = {
    "FLOATS": FLOATS,
    "FAST_FLOATS": FLOATS,
    "FULL_FLOATS": ("float",),
    "HALVES": ("half",),
    "BFLOATS": ("bfloat",),
    "CHECKED_FLOATS": FLOATS,
    "RUN_FLOATS": FLOATS,
    "FLOAT_TESTS": FLOATS,
    "INTEGERS": INTEGERS,
    "INTEGER_TESTS": INTEGERS,
    "BOOLS": ("bool",),
    "BOOL_TESTS": ("bool",),
    "SELECT": (*FLOATS, *INTEGERS, "bool"),
}
DTYPES = {
    "float": (rt.float32, 1e-5),
    "half": (rt.float16, 2e-3),
    "bfloat": (rt.bfloat16, 1.6e-2),
    "uchar": (rt.uint8, 0),
    "char": (rt.int8, 0),
    "short": (rt.int16, 0),
    "int": (rt.int32, 0),
    "long": (rt.int64, 0),
    "bool": (rt.bool, 0),
}


def lines() -> list[tuple[str, str, int]]:
    """The list, slot and number of inputs of every line."""
    found = []
    for path in sorted((Path(__file__).resolve().parents[2] / "shaders/include").glob("rt_ops_*.h")):
        for line in path.read_text().splitlines():
            if match := re.match(r"RT_(\w+)\((?:(\d), )?(\w+), ", line):
                kind, arity, name = match.groups()
                found.append((kind, name, int(arity or 3)))
    return found


LINES = lines()
# Lines whose slot is a function of so many tensors by the same name. hardshrink takes a number; division of
# integers first reduces the divisors, to see that none is zero.
OTHER_CALLS = {
    ("INTEGERS", "floor_divide"),
    ("INTEGERS", "remainder"),
    ("INTEGERS", "fmod"),
    ("FLOATS", "hardshrink"),
}
CALLS = [(k, n, a) for k, n, a in LINES if a < 3 and hasattr(rt, n) and (k, n) not in OTHER_CALLS]


def test_every_line_is_a_kernel_of_each_type(emulator: Emulator) -> None:
    expected = {f"{name}_{t}" for kind, name, _ in LINES for t in TYPES[kind]}
    assert len(expected) > 700
    assert expected <= set(emulator.kernels()), expected - set(emulator.kernels())


def sample(dtype: rt.dtype, seed: int, shape: tuple[int, ...]) -> rt.Tensor:
    g = np.random.default_rng(seed)
    if dtype.is_floating_point:
        return rt.tensor(g.uniform(-3, 3, shape)).to(dtype)
    if dtype == rt.bool:
        return rt.tensor(g.integers(0, 2, shape)).to(dtype)
    # Divisors are not zero.
    return rt.tensor(g.choice([-9, -2, -1, 1, 2, 3, 100], shape)).to(dtype)


def layouts(dtype: rt.dtype, arity: int) -> list[list[rt.Tensor]]:
    plain = [sample(dtype, k, (37, 29)) for k in range(arity)]
    turned = [x.t() for x in plain]
    stepped = [x[1::2, 3::3] for x in plain]
    spread = [plain[0], *(x[:1, :1] for x in plain[1:])]
    mixed = [plain[0], *(sample(dtype, 9 + k, (29, 37)).t() for k in range(1, arity))]
    return [plain, turned, stepped, spread, mixed]


def close(got: rt.Tensor, expected: rt.Tensor, tolerance: float) -> None:
    assert got.dtype == expected.dtype and got.shape == expected.shape
    assert got.device.type != "cpu"
    wide = rt.float64 if expected.dtype.is_floating_point else expected.dtype
    a, b = got.cpu().to(wide).numpy(), expected.to(wide).numpy()
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("device", DEVICES[:1])
@pytest.mark.parametrize(("kind", "name", "arity"), CALLS, ids=[f"{n}-{k.lower()}" for k, n, _ in CALLS])
def test_equals_the_cpu(device: str, kind: str, name: str, arity: int) -> None:
    for t in TYPES[kind]:
        dtype, tolerance = DTYPES[t]
        for inputs in layouts(dtype, arity):
            there = [x.to(device) for x in inputs]
            f = getattr(rt, name)
            close(f(*there), f(*inputs), tolerance)


@pytest.mark.parametrize("device", DEVICES[:1])
@pytest.mark.parametrize("source", DTYPES)
def test_conversions(device: str, source: str) -> None:
    """To every type, of whole numbers that all types hold; any but 0 is true."""
    numbers = np.random.default_rng(4).integers(0, 128, (37, 29))
    numbers[::5] = 0
    x = rt.tensor(numbers).to(DTYPES[source][0]).to(device)
    for dtype, _ in DTYPES.values():
        expected = numbers != 0 if rt.bool in (x.dtype, dtype) else numbers
        for there, a in [(x, expected), (x.t()[1:], expected.T[1:])]:
            got = there.to(dtype)
            assert got.dtype == dtype and got.device.type != "cpu"
            np.testing.assert_array_equal(got.cpu().to(rt.float64).numpy(), a.astype(np.float64))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("source", "target"), [("long", "uchar"), ("int", "char"), ("float", "half"), ("half", "bool")]
)
def test_conversions_to_narrow_types(device: str, source: str, target: str) -> None:
    """A thread reads two packs of 16 bytes for one that it writes: any length, from any offset, to any."""
    x = rt.arange(1, 101).to(DTYPES[source][0]).to(device)
    for n in (1, 3, 4, 8, 15, 16, 31, 33, 70):
        for begin in (0, 2, 4, 8, 9):
            out = rt.zeros(120, dtype=DTYPES[target][0], device=device)
            out[begin : begin + n] = x[begin : begin + n]
            expected = np.zeros(120)
            expected[begin : begin + n] = 1 if target == "bool" else np.arange(begin + 1, begin + n + 1)
            np.testing.assert_array_equal(out.cpu().to(rt.float64).numpy(), expected)


@pytest.mark.parametrize("device", DEVICES[:1])
@pytest.mark.parametrize("t", DTYPES)
def test_where(device: str, t: str) -> None:
    dtype = DTYPES[t][0]
    mask = sample(rt.bool, 0, (37, 29))
    for a, b in layouts(dtype, 2):
        m = mask[: a.shape[0], : a.shape[1]] if a.shape[0] <= 37 and a.shape[1] <= 29 else mask.t()
        close(rt.where(m.to(device), a.to(device), b.to(device)), rt.where(m, a, b), 0)


@pytest.mark.parametrize("device", DEVICES[:1])
def test_truths(device: str) -> None:
    """Ops with a number that take bool too."""
    for x, y in layouts(rt.bool, 2):
        a, b = x.to(device), y.to(device)
        for alpha in (False, True):
            close(rt.add(a, b, alpha=alpha), rt.add(x, y, alpha=alpha), 0)
        close(rt.pow(a, True), rt.pow(x, True), 0)


@pytest.mark.parametrize("device", DEVICES[:1])
@pytest.mark.parametrize("t", FLOATS)
def test_more_than_two(device: str, t: str) -> None:
    dtype, tolerance = DTYPES[t]
    for x, y, z in layouts(dtype, 3):
        a, b, c = (v.to(device) for v in (x, y, z))
        close(rt.lerp(a, b, c), rt.lerp(x, y, z), tolerance)
        close(rt.clamp(a, b, c), rt.clamp(x, y, z), tolerance)
        close(rt.addcmul(a, b, c, value=0.5), rt.addcmul(x, y, z, value=0.5), tolerance)
        close(rt.nn.functional.threshold(a, 0.5, -1.0), rt.nn.functional.threshold(x, 0.5, -1.0), 0)
        close(rt.nn.functional.elu(a, 0.7), rt.nn.functional.elu(x, 0.7), tolerance)
