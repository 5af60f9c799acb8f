"""The op table under routing: inputs spread over two engines, and a dtype that one of them lacks."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from tests.gpu.test_ops import OnDevice
from tests.ops.case import OpCase
from tests.ops.harness import check_values
from tests.ops.layouts import CONTIGUOUS
from tests.ops.table import CASES

# The generators of the table are the emulator's; a tensor on the CPU draws from the CPU's.
DRAWS = frozenset(c.id for c in CASES if c.random)


@pytest.fixture(autouse=True, scope="module")
def settings() -> Iterator[None]:
    """Once for all rows: a table takes a while to make."""
    rt.selector.set_chain(["emulator", "cpu"])
    rt.selector.set_thresholds(emulator_min_size=4, emulator_move_size=16)
    yield
    rt.selector.set_chain(None)
    rt.selector.set_thresholds()
    rt.reset_routing_stats()


class Spread(OnDevice):
    """Every other tensor is made on the device."""

    count = 0

    def from_numpy(self, array: np.ndarray) -> rt.Tensor:
        self.count += 1
        t = rt.from_numpy(array)
        return t.to(self.device) if self.count % 2 else t


def check(lib: Any, case: OpCase, dtype: str, mode: str) -> None:
    """All samples of one dtype against the row's oracle."""
    if dtype not in case.dtypes:
        return
    with rt.routing(mode), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_values(
            lib,
            replace(case, dtypes=(dtype,)),
            (CONTIGUOUS,),
            excuse=lambda error: "to be on cpu" in str(error),  # sections of a split, as in PyTorch
        ).report()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_float64_falls_back(case: OpCase) -> None:
    check(OnDevice("emulator"), case, "float64", "fallback")


@pytest.mark.parametrize("case", [c for c in CASES if c.id not in DRAWS], ids=lambda c: c.id)
def test_inputs_may_live_apart(case: OpCase) -> None:
    check(Spread("emulator"), case, "float32", "auto")
