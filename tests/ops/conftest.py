"""Parametrizes tests over the rows of the op table: a test that takes `case` runs once per row."""

from __future__ import annotations

import pytest

from .table import CASES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        wanted = getattr(metafunc.function, "rows", lambda case: True)
        rows = [c for c in CASES if wanted(c)]
        metafunc.parametrize("case", rows, ids=[c.id for c in rows])
