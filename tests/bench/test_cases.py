"""Every row of the table runs, and says the same in every library that it names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rustorch.bench.cases import CASES, GROUPS, Case
from rustorch.bench.libraries import Numpy, Rustorch, engines

SMALL_ENOUGH = [case for case in CASES if case.nbytes <= 64e6]


def first_value(library: Any, case: Case, arrays: dict[str, np.ndarray]) -> Any:
    """What the case's statement gives, as an array; None where it gives nothing."""
    names = library.names(arrays)
    exec(library.setup(case), names)
    result = eval(library.statement(case), names)
    if isinstance(result, (tuple, list)):
        result = result[0]
    return None if result is None else np.asarray(result.detach() if hasattr(result, "detach") else result)


def test_keys_are_unique_and_groups_known() -> None:
    keys = [case.key for case in CASES]
    assert len(set(keys)) == len(keys)
    assert {case.group for case in CASES} == set(GROUPS)


def test_quick_covers_every_group() -> None:
    assert {case.group for case in CASES if case.quick} == set(GROUPS)


def test_rows_fit_their_columns() -> None:
    for case in CASES:
        assert len(case.name) < 20, case.key
        assert len(case.size) < 14, case.key


@pytest.mark.parametrize("case", SMALL_ENOUGH, ids=lambda case: case.key)
def test_statement_agrees_with_numpy(case: Case) -> None:
    arrays = case.make_inputs()
    ours = first_value(Rustorch(), case, arrays)
    if not case.numpy:
        assert ours is None or np.isfinite(ours).all()
        return
    theirs = first_value(Numpy(), case, arrays)
    assert ours.shape == theirs.shape
    scale = max(1.0, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)


def test_inputs_repeat() -> None:
    case = next(case for case in CASES if case.indices)
    first, second = case.make_inputs(), case.make_inputs()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_emulator_is_not_measured() -> None:
    measured = engines()
    assert measured[0] == "cpu" and not any(name.startswith("emulator") for name in measured)
