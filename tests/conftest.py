"""Cases of open work are listed in unfinished.txt and expected to fail; everything else must pass."""

from __future__ import annotations

from pathlib import Path

import pytest

UNFINISHED = Path(__file__).with_name("unfinished.txt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    lines = UNFINISHED.read_text().splitlines() if UNFINISHED.exists() else []
    listed = {line for line in lines if line and not line.startswith("#")}
    for item in items:
        if item.nodeid in listed:
            # Not strict: one entry may fail on one Python or NumPy only.
            item.add_marker(pytest.mark.xfail(reason="unfinished, see tests/unfinished.txt", strict=False))
