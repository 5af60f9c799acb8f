from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

import rustorch as rt


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every test starts with what ships, and leaves nothing behind."""
    monkeypatch.setenv("RUSTORCH_CONFIG", str(tmp_path_factory.getbasetemp() / "no configuration"))
    rt.reset_routing_stats()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a warning that no test expects
        yield
    rt.set_routing(None)
    rt.set_default_device(None)
    monkeypatch.undo()
    state = rt.selector._machine._state
    if state.chain is not None:
        rt.selector.set_chain(None)
    if state.overrides:
        rt.selector.set_thresholds()
    rt.reset_routing_stats()


@pytest.fixture
def two_engines() -> None:
    """The emulator before the CPU: from 4 elements for new tensors, and from 16 it is worth a move."""
    rt.selector.set_chain(["emulator", "cpu"])
    rt.selector.set_thresholds(emulator_min_size=4, emulator_move_size=16)
