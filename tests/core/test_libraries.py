"""What is said of a GPU's libraries, and their switches, on any machine."""

from __future__ import annotations

import pytest

import rustorch as rt


def test_every_library_is_open_or_says_why_not() -> None:
    for name, library in rt.cuda.libraries().items():
        assert library.name == name
        assert library.available == (library.why_not == "")
        assert library.path or not library.available
        assert str(library).startswith(name)
        assert library.available or not library.calls


@pytest.mark.parametrize("precision, tf32", [("high", True), ("medium", True), ("highest", False)])
def test_the_precision_of_products(precision: str, tf32: bool) -> None:
    rt.set_float32_matmul_precision(precision)
    try:
        assert rt.get_float32_matmul_precision() == precision
        assert rt.cuda.matmul.allow_tf32 is tf32
    finally:
        rt.set_float32_matmul_precision("highest")


def test_allowing_tf32_is_a_precision() -> None:
    rt.cuda.matmul.allow_tf32 = True
    assert rt.get_float32_matmul_precision() == "high"
    rt.cuda.matmul.allow_tf32 = False
    assert rt.get_float32_matmul_precision() == "highest"


def test_an_unknown_precision() -> None:
    with pytest.raises(RuntimeError, match=r"no such precision; got 'low'; try"):
        rt.set_float32_matmul_precision("low")


SWITCHES = [
    (rt.cuda.matmul, "enabled", True),
    (rt.cuda.matmul, "allow_tf32", False),
    (rt.cuda.cudnn, "enabled", True),
    (rt.cuda.cudnn, "allow_tf32", False),
    (rt.cuda.cudnn, "deterministic", True),
]


@pytest.mark.parametrize("owner, name, default", SWITCHES)
def test_switches(owner: object, name: str, default: bool) -> None:
    assert getattr(owner, name) is default
    setattr(owner, name, not default)
    assert getattr(owner, name) is not default
    assert [getattr(o, n) for o, n, d in SWITCHES if getattr(o, n) is not d] == [not default]
    setattr(owner, name, default)


def test_the_version_of_cudnn() -> None:
    assert (rt.cuda.cudnn.version() is None) is not rt.cuda.cudnn.is_available()
