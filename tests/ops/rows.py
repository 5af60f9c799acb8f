"""`@rows(predicate)` limits a test over the op table to the rows that have what it tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .case import OpCase


def rows(predicate: Callable[[OpCase], bool]) -> Callable[[Any], Any]:
    def mark(test: Any) -> Any:
        test.rows = predicate
        return test

    return mark
