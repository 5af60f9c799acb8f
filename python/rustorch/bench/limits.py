"""The machine's measured limits, and how far from them an op is.

The yardstick of an op is the roofline: it takes at least its bytes over the bandwidth at its working set and
at least its flops over the peak. Bytes are counted as each input read once and each output written once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

KIB, MIB = 1 << 10, 1 << 20
WORKING_SETS = (16 * KIB, 256 * KIB, 2 * MIB, 16 * MIB, 128 * MIB)


@dataclass(frozen=True)
class Bandwidth:
    """Bytes per second of three loops whose arrays take ``nbytes`` together."""

    nbytes: int
    read: float
    copy: float
    triad: float

    @property
    def write(self) -> float:
        """The most that a loop which also writes reached."""
        return max(self.copy, self.triad)


@dataclass(frozen=True)
class Limits:
    threads: int
    instruction_set: str
    bandwidths: tuple[Bandwidth, ...]
    peak_flops: dict[str, float]  # by dtype, all threads
    peak_flops_one_thread: dict[str, float]

    def bandwidth(self, nbytes: float, writes: bool = True) -> float:
        """Bytes per second at this working set, between the measured ones on a logarithmic scale."""
        points = [(math.log2(b.nbytes), b.write if writes else b.read) for b in self.bandwidths]
        at = math.log2(max(nbytes, 1))
        if at <= points[0][0]:
            return points[0][1]
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            if at <= x1:
                return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
        return points[-1][1]

    def least_seconds(
        self, nbytes: float, flops: float, writes: bool = True, dtype: str = "float32"
    ) -> float:
        """The time below which no op with this traffic and this arithmetic can be."""
        return max(nbytes / self.bandwidth(nbytes, writes), flops / self.peak_flops[dtype])

    def as_json(self) -> dict[str, object]:
        """The figures, ready for JSON."""
        return {
            "threads": self.threads,
            "instruction_set": self.instruction_set,
            "bandwidth_bytes_per_second": [
                {"nbytes": b.nbytes, "read": b.read, "copy": b.copy, "triad": b.triad}
                for b in self.bandwidths
            ],
            "peak_flops": self.peak_flops,
            "peak_flops_one_thread": self.peak_flops_one_thread,
        }


def measure(threads: int, progress: Callable[[str], None] = lambda _: None) -> Limits:
    """Runs the probes of the core; takes about five seconds."""
    from rustorch import _C

    bandwidths = []
    for nbytes in WORKING_SETS:
        progress(f"measuring memory bandwidth, {format_bytes(nbytes)}")
        read, copy, triad = _C.measure_bandwidth(nbytes, threads)
        bandwidths.append(Bandwidth(nbytes, read, copy, triad))
    progress("measuring peak arithmetic")
    dtypes = {"float32": _C.float32, "float64": _C.float64}
    one = {name: _C.measure_peak_flops(dtype, 1) for name, dtype in dtypes.items()}
    peak = one
    if threads > 1:
        peak = {name: _C.measure_peak_flops(dtype, threads) for name, dtype in dtypes.items()}
    return Limits(threads, _C.probe_instruction_set(), tuple(bandwidths), peak, one)


def format_bytes(nbytes: float) -> str:
    """1536 -> '1.5 KiB'."""
    for unit in ("B", "KiB", "MiB"):
        if nbytes < 1024:
            return f"{nbytes:.4g} {unit}"
        nbytes /= 1024
    return f"{nbytes:.4g} GiB"
