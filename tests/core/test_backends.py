"""rustorch.backends: what there is of engines and libraries, and PyTorch's names for their switches."""

from __future__ import annotations

import sys

import pytest

import rustorch as rt
from rustorch import backends


def test_engines_are_those_that_devices_lists() -> None:
    available = {d.name.partition(":")[0]: d.available for d in rt.devices()}
    assert backends.mps.is_available() == available["metal"]
    assert backends.mps.is_built() == backends.mps.is_available() or sys.platform == "darwin"
    assert backends.cuda.is_built() == (sys.platform == "linux")


def test_libraries_are_those_of_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    rt.show_config()
    shown = capsys.readouterr().out
    assert backends.mkldnn.is_available() == ("oneDNN" in shown)
    assert backends.cpu.get_cpu_capability().lower() in shown or "baseline" in shown
    assert not backends.mkl.is_available() and not backends.openmp.is_available()


def test_the_name_mps_is_a_metal_device() -> None:
    assert rt.device("mps") == rt.device("metal") and rt.device("mps:1") == rt.device("metal:1")
    assert rt.device("mps").type == "metal" and not rt.ones(1).is_mps
    if not backends.mps.is_available():
        with pytest.raises(RuntimeError, match="metal"):
            rt.ones(1, device="mps")


def test_switches_of_matrix_products_are_cudas() -> None:
    assert backends.cuda.matmul is rt.cuda.matmul


@pytest.mark.parametrize("name", ["enabled", "benchmark", "deterministic", "allow_tf32"])
def test_switches_of_cudnn(name: str) -> None:
    import rustorch.backends.cudnn as cudnn

    before = getattr(rt.cuda.cudnn, name)
    assert getattr(cudnn, name) is before
    with cudnn.flags(**{name: not before}):
        assert getattr(cudnn, name) is getattr(rt.cuda.cudnn, name) is not before
    assert getattr(rt.cuda.cudnn, name) is before
    setattr(cudnn, name, not before)
    try:
        assert getattr(rt.cuda.cudnn, name) is not before
    finally:
        setattr(cudnn, name, before)
    with pytest.raises(ZeroDivisionError), cudnn.flags(**{name: not before}):
        _ = 1 / 0
    assert getattr(cudnn, name) is before


def test_what_cudnn_has_not() -> None:
    import rustorch.backends.cudnn as cudnn

    with pytest.raises(TypeError, match="got 'fast'"), cudnn.flags(fast=True):
        pass
    with pytest.raises(AttributeError, match="no attribute 'fast'"):
        _ = cudnn.fast
    assert cudnn.is_available() == rt.cuda.cudnn.is_available()
    assert cudnn.version() == rt.cuda.cudnn.version()
