"""Checks that many operations share: of sizes, before they take memory, and of axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rustorch.errors import OpError, OutOfRangeError

__all__ = ["MAX_ELEMENTS", "check_axis", "check_size"]

# 8 GiB of float32, and more than Core ML's own sizes reach. Programs that ask for more are broken or hostile.
MAX_ELEMENTS = 1 << 31


def check_size(op: str, shape: Sequence[int]) -> None:
    """Raises for negative sizes and for more than `MAX_ELEMENTS` elements."""
    if any(size < 0 for size in shape):
        raise OpError.of(op, "sizes must not be negative", str(list(shape)))
    if math.prod(shape) > MAX_ELEMENTS:
        raise OpError.of(op, f"more than {MAX_ELEMENTS} elements", str(list(shape)))


def check_axis(op: str, rank: int, axis: int) -> int:
    """The axis counted from the front. Raises IndexError unless the rank has it."""
    if not -rank <= axis < rank:
        raise OutOfRangeError.of(op, f"axis must be from {-rank} to {rank - 1}", str(axis))
    return axis % rank
