"""rt.finfo and rt.iinfo against NumPy, and against the numbers themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt

INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_floats_are_those_of_numpy(name: str) -> None:
    ours, theirs = rt.finfo(getattr(rt, name)), np.finfo(name)
    for field in ("bits", "eps", "max", "min", "tiny", "smallest_normal"):
        assert getattr(ours, field) == getattr(theirs, field), field
    assert ours.resolution == pytest.approx(float(theirs.resolution), rel=1e-2)
    assert ours.dtype == name
    assert type(ours.bits) is int and type(ours.max) is float


def test_bfloat16_is_the_upper_half_of_float32() -> None:
    info = rt.finfo(rt.bfloat16)
    patterns = np.array([0x7F7F, 0x0080, 0x3F81], np.uint32) << 16
    largest, tiny, above_one = patterns.view(np.float32).tolist()
    assert (info.max, info.tiny, info.eps) == (largest, tiny, above_one - 1)
    assert (info.bits, info.resolution) == (16, 0.01)


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_eps_is_the_step_above_one(name: str) -> None:
    dtype = getattr(rt, name)
    one = rt.ones((), dtype=dtype)
    step = rt.nextafter(one, 2 * one) - one
    assert step.item() == rt.finfo(dtype).eps
    assert rt.isinf(rt.nextafter(rt.tensor(rt.finfo(dtype).max, dtype=dtype), one * float("inf")))


@pytest.mark.parametrize("name", INTEGERS)
def test_integers_are_those_of_numpy(name: str) -> None:
    ours, theirs = rt.iinfo(getattr(rt, name)), np.iinfo(name)
    assert (ours.bits, ours.max, ours.min, ours.dtype) == (theirs.bits, theirs.max, theirs.min, name)


def test_complex_and_default() -> None:
    assert rt.finfo(rt.complex128) == rt.finfo(rt.float64)
    assert rt.finfo().dtype == "float32"
    assert rt.finfo(type=rt.float32) != rt.finfo(rt.float64)
    assert rt.iinfo(rt.int8) == rt.iinfo(rt.int8) != rt.finfo(rt.float16)


def test_text() -> None:
    assert repr(rt.finfo(rt.float32)) == (
        "finfo(resolution=1e-06, min=-3.40282e+38, max=3.40282e+38, eps=1.19209e-07, "
        "smallest_normal=1.17549e-38, tiny=1.17549e-38, dtype=float32)"
    )
    assert repr(rt.iinfo(rt.int32)) == "iinfo(min=-2.14748e+09, max=2.14748e+09, dtype=int32)"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [("finfo", rt.int8), ("finfo", rt.bool), ("finfo", 1), ("iinfo", rt.float32), ("iinfo", rt.bool)],
)
def test_wrong_types(kind: str, wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^{kind}: "):
        getattr(rt, kind)(wrong)


def test_fields_are_read_only() -> None:
    with pytest.raises(AttributeError):
        rt.finfo(rt.float32).bits = 3  # type: ignore[misc]
