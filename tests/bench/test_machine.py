"""What the benchmark says about the machine it runs on."""

from __future__ import annotations

import platform
from importlib import metadata

import rustorch as rt
from rustorch.bench import machine


def test_description_is_complete() -> None:
    facts = machine.describe()
    assert facts["rustorch"] == rt.__version__
    assert facts["python"] == platform.python_version()
    assert facts["libraries"]["numpy"] == metadata.version("numpy")
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 1 << 26
    assert facts["cpu"]
    assert platform.machine() in facts["os"]
    assert str(facts["date"]).endswith("+00:00")


def test_missing_library_has_no_version() -> None:
    assert machine.library_version("no-such-library-here") is None
