"""What is said of a GPU's libraries, and their switches, on any machine."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import rustorch as rt


def test_every_library_is_open_or_says_why_not() -> None:
    for name, library in rt.cuda.libraries().items():
        assert library.name == name
        assert library.available == (library.why_not == "")
        assert library.path or not library.available
        assert str(library).startswith(name)
        assert library.available or not library.calls


def test_a_report_becomes_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def reports(device: rt.device) -> list[dict[str, object]]:
        asked.append(device)
        common = {"path": "/lib/x", "why_not": "", "calls": 3, "refusals": ["one: why"]}
        return [
            {"name": "cublasLt", "version": 130100, **common},
            {"name": "cudnn", "version": 91501, **common},
        ]

    # A machine with a GPU, as far as this module sees.
    module = SimpleNamespace(_device_count=lambda name: 1, _library_reports=reports)
    monkeypatch.setattr("rustorch._libraries._C", module)
    monkeypatch.setattr("rustorch.cuda._device.device_count", lambda: 1)
    found = rt.cuda.libraries("cuda:0")
    assert asked == [rt.device("cuda:0")]
    assert str(found["cublasLt"]) == "cublasLt 13.1.0"
    assert found["cudnn"].version == "9.15.1"
    assert (found["cudnn"].calls, found["cudnn"].refusals) == (3, ("one: why",))
    assert rt.cuda.cudnn.version() == 91501


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
