"""The method: blocks that fill their time, turns, medians."""

from __future__ import annotations

import time
import timeit

import pytest

from rustorch.bench.timing import Effort, Timing, calls_in_block, settle, time_together


def test_block_is_filled() -> None:
    timer = timeit.Timer("sleep(0.001)", globals={"sleep": time.sleep})
    assert 5 <= calls_in_block(timer, 0.02) <= 20


def test_slow_statement_is_called_once_a_block() -> None:
    timer = timeit.Timer("sleep(0.02)", globals={"sleep": time.sleep})
    assert calls_in_block(timer, 0.001) == 1


def test_turns_alternate() -> None:
    log: list[str] = []
    timers = {
        name: timeit.Timer(f"log.append({name!r}); sleep(0.002)", globals={"log": log, "sleep": time.sleep})
        for name in "ab"
    }
    timings = time_together(timers, Effort(seconds=0.012, rounds=4))
    assert list(timings) == ["a", "b"]
    assert all(len(timing.blocks) == 4 for timing in timings.values())
    assert all(0.002 <= timing.median < 0.1 for timing in timings.values())
    # a b, b a, a b, b a: after the warm-ups, each library follows itself as often as the other.
    tail = "".join(log[-(timings["a"].calls + timings["b"].calls + 2) :])
    assert tail.startswith("b")
    assert tail.endswith("a")


def test_median_ignores_a_disturbed_block() -> None:
    timing = Timing(1, [1.0, 1.0, 1.0, 50.0, 1.0])
    assert timing.median == 1.0
    assert timing.best == 1.0
    assert Timing(1, [1.0, 1.0, 3.0]).spread == 2.0
    assert Timing(1, [1.0, 1.0, 1.0, 1.0]).spread == 0.0


def test_settle_returns_at_once_when_idle_and_in_the_end_when_not() -> None:
    start = time.perf_counter()
    settle(limit_seconds=0.05)
    assert time.perf_counter() - start < 1.0


def test_effort_shares_its_time() -> None:
    assert Effort(seconds=1.0, rounds=4).block_seconds == pytest.approx(0.25)
