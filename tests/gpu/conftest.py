from __future__ import annotations

import sys

import pytest

from .emulator import Emulator

collect_ignore_glob = [] if sys.platform == "linux" else ["test_*.py"]


@pytest.fixture(scope="session", params=[False, True], ids=["plain", "checked"])
def emulator(request: pytest.FixtureRequest) -> Emulator:
    return Emulator(request.param)


@pytest.fixture(scope="session")
def checked() -> Emulator:
    return Emulator(True)
