"""How far results of a package may be from those of the module, and sizes that several recordings share."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from rustorch.coreml._lower.sizes import Size, Undecided
from rustorch.coreml.verifying import _departure

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("found", "expected", "departure"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.5], [1.0, 2.0], 0.25),
        ([1.0, NAN, INF], [1.0, NAN, INF], 0.0),
        ([1.0, NAN, -4.0], [1.0, NAN, -8.0], 0.5),
        ([NAN, 2.0], [1.0, 2.0], INF),
        ([INF, 2.0], [1.0, 2.0], INF),
        ([INF], [-INF], INF),
        ([1.0, 2.0], [[1.0, 2.0]], INF),
        ([3.0], 3.0, 0.0),  # what has no dims has one in a package
        ([1e-3], [0.0], 1.0),  # below a thousandth the difference itself counts
        ([], [], 0.0),
    ],
)
def test_departures(found: Any, expected: Any, departure: float) -> None:
    assert _departure(np.array(found), np.array(expected)) == pytest.approx(departure)


A, B = Size((6, 10)), Size((2, 5))


@pytest.mark.parametrize(
    ("left", "right", "name"),
    [
        (left, right, name)
        for name in ("add", "sub", "mul", "floordiv", "mod")
        for left, right in [(A, B), (A, 4), (60, A)]
    ],
)
def test_sizes_are_computed_with_in_each_recording(left: Any, right: Any, name: str) -> None:
    def sample(size: Any, i: int) -> int:
        return size.samples[i] if isinstance(size, Size) else size

    op = getattr(operator, name)
    found, want = op(left, right), tuple(op(sample(left, i), sample(right, i)) for i in range(2))
    assert found == (Size(want) if want[0] != want[1] else want[0])


def test_sizes_compare_where_all_recordings_agree() -> None:
    assert (A > B, A <= B, A >= 6, bool(A)) == (True, False, True, True)
    assert A == Size((6, 10)) and hash(A) == hash(Size((6, 10))) and A != B and A != 6
    with pytest.raises(Undecided, match=r"how a size of 6, 10 and 8 compare"):
        _ = A < 8
    for wrong in (lambda: A + "1", lambda: A < "1"):
        with pytest.raises(TypeError, match=r"not supported|unsupported operand"):
            wrong()
