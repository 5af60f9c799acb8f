"""tools/apple: what Apple's compiler and linker would refuse is refused, here on any machine."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("ziglang"), reason="needs PyPI's ziglang")

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = "tests/tools/samples"


def check(*names: str) -> tuple[int, str]:
    command = [sys.executable, "tools/apple/check.py", *(f"{SAMPLES}/{name}.mm" for name in names)]
    got = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert got.returncode in (0, 1), got.stderr
    return got.returncode, got.stdout


def test_good_samples_pass() -> None:
    status, text = check("coreml", "metal", "mlcompute")
    assert status == 0, text
    assert "3 .mm files for macOS 14.0 and 15.0, 6 compilations: all well" in text


def test_bad_samples_fail_where_they_are_wrong() -> None:
    status, text = check("fails_wrong_selector", "fails_availability", "fails_warning")
    assert status == 1
    assert text.count("fails_wrong_selector.mm:4:65: error: instance method 'newSharedEvents' not found") == 2
    assert (
        text.count("fails_availability.mm:4:12: error: 'MTLResidencySet' is only available on macOS 15.0")
        == 0
    )
    availability = [line for line in text.splitlines() if "fails_availability.mm:" in line]
    assert any("only available on macOS 15.0 or newer" in line for line in availability), text
    assert "fails_availability.mm for macOS 15.0" not in text
    assert "error: values of type 'NSUInteger' should not be used as format arguments" in text
    assert "6 compilations: 5 failed" in text


def test_each_framework_is_known_by_its_selectors() -> None:
    names = ["fails_coreml_selector", "fails_mlcompute_selector", "fails_pixel_buffer"]
    status, text = check(*names)
    assert status == 1
    for name, what in zip(
        names,
        [
            "'MLModel' declares the selector 'predictionWithFeatures:error:'",
            "no known class method for selector 'graphWithGraphObjects:lossLayers:'",
            "use of undeclared identifier 'CVPixelBufferGetBytesInRow'",
        ],
    ):
        lines = [line for line in text.splitlines() if f"{name}.mm:" in line and "error: " in line]
        assert len(lines) == 2 and all(what in line for line in lines), text


def test_name_that_nothing_defines_fails() -> None:
    status, text = check("fails_link")
    assert status == 1
    assert "linking: nothing defines _Z20the_device_of_nobodyv" in text
