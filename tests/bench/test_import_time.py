"""`import rustorch` is quick and leaves engines for their first use."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

LIMIT = 0.150  # seconds
SANITIZED = "RUSTORCH_SANITIZED" in os.environ or "COVERAGE_FILE" in os.environ


def run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def import_seconds(module: str, attempts: int) -> float:
    """Processor time of the quickest attempt, each in a process of its own: other work does not count."""
    code = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    return min(float(run(code)) for _ in range(attempts))


@pytest.mark.skipif(SANITIZED, reason="a limit for ordinary builds")
def test_import_time() -> None:
    assert import_seconds("rustorch", 5) < LIMIT


@pytest.mark.parity
@pytest.mark.skipif(SANITIZED, reason="a limit for ordinary builds")
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_import_takes_at_most_a_third_of_torch() -> None:
    assert import_seconds("rustorch", 5) <= import_seconds("torch", 2) / 3


def test_import_touches_no_engine() -> None:
    """No tensor memory is taken, and neither NumPy nor a package on top of the core is loaded."""
    code = (
        "import sys, rustorch; "
        "loaded = {'numpy', 'rustorch.nn', 'rustorch.optim'} & set(sys.modules); "
        "print(len(loaded), max(rustorch._C._memory_stats('cpu').values()))"
    )
    assert run(code) == "0 0"
