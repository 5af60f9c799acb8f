"""How things are timed: warm-up, auto-ranged blocks, rounds interleaved between libraries, the median.

A block repeats one statement until it takes a fixed share of the time allowed, so that the clock's own cost
vanishes. Libraries take turns, block by block: a machine that slows down, slows down all of them. Each turn
waits until the threads of the one before sleep. The median of the blocks ignores the few that were disturbed.
"""

from __future__ import annotations

import statistics
import time
import timeit
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Effort:
    """How much time to spend on one statement of one library."""

    seconds: float = 0.5
    rounds: int = 7

    @property
    def block_seconds(self) -> float:
        """The time that one round may take."""
        return self.seconds / self.rounds


QUICK = Effort(seconds=0.12, rounds=5)
DEFAULT = Effort(seconds=0.5, rounds=9)


@dataclass
class Timing:
    """Seconds of one call, one entry a block of ``calls`` calls."""

    calls: int
    blocks: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Seconds a call, of the middle block."""
        return statistics.median(self.blocks)

    @property
    def best(self) -> float:
        """Seconds a call, of the fastest block."""
        return min(self.blocks)

    @property
    def spread(self) -> float:
        """The distance between the quartiles, relative to the median."""
        if len(self.blocks) < 4:
            return (max(self.blocks) - min(self.blocks)) / self.median
        low, _, high = statistics.quantiles(self.blocks, n=4)
        return (high - low) / self.median


def calls_in_block(timer: timeit.Timer, block_seconds: float) -> int:
    """How many calls fill a block, found by doubling from one; the calls are also the warm-up."""
    timer.timeit(1)
    calls = 1
    while True:
        seconds = timer.timeit(calls)
        if seconds >= block_seconds / 2 or calls >= 1 << 24:
            return max(1, round(calls * block_seconds / max(seconds, 1e-9))) if seconds > 0 else calls
        calls *= 2 if seconds > block_seconds / 20 else 10


def settle(limit_seconds: float = 0.5) -> None:
    """Waits until this process uses no CPU: idle threads of OpenMP and OpenBLAS spin for 3 to 110 ms."""
    end = time.perf_counter() + limit_seconds
    while time.perf_counter() < end:
        used, start = time.process_time(), time.perf_counter()
        time.sleep(0.002)
        if time.process_time() - used < 0.25 * (time.perf_counter() - start):
            return


def time_together(timers: Mapping[str, timeit.Timer], effort: Effort = DEFAULT) -> dict[str, Timing]:
    """Times several statements in turns.

    Args:
        timers: one per library.
        effort: seconds for each statement, and blocks.
    """
    timings = {}
    for name, timer in timers.items():
        settle()
        timings[name] = Timing(calls_in_block(timer, effort.block_seconds))
    order = list(timers)
    for _ in range(effort.rounds):
        for name in order:
            settle()
            timer, timing = timers[name], timings[name]
            timer.timeit(1)
            timing.blocks.append(timer.timeit(timing.calls) / timing.calls)
        order.reverse()
    return timings
