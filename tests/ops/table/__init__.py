"""The op table: one module per family, each with a list `CASES` of `OpCase` rows."""

from __future__ import annotations

import importlib
import pkgutil

from ..case import OpCase


def _collect() -> list[OpCase]:
    rows: list[OpCase] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
        rows += importlib.import_module(f"{__name__}.{module}").CASES
    return rows


CASES = _collect()
