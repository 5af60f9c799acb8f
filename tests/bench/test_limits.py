"""The probes give plausible numbers, and the roofline is computed from them as documented."""

from __future__ import annotations

import pytest

import rustorch as rt
from rustorch import _C
from rustorch.bench.limits import KIB, MIB, Bandwidth, Limits, format_bytes


@pytest.fixture
def limits() -> Limits:
    bandwidths = (Bandwidth(1 * KIB, 80.0, 40.0, 30.0), Bandwidth(16 * KIB, 20.0, 10.0, 20.0))
    return Limits(2, "AVX2", bandwidths, {"float32": 1000.0, "float64": 500.0}, {"float32": 500.0})


def test_bandwidth_between_the_measured_sizes(limits: Limits) -> None:
    assert limits.bandwidth(10) == 40.0
    assert limits.bandwidth(1 * KIB) == 40.0
    assert limits.bandwidth(4 * KIB) == pytest.approx(30.0)  # half way in log2, to the better of 10 and 20
    assert limits.bandwidth(16 * KIB) == 20.0
    assert limits.bandwidth(1 * MIB) == 20.0
    assert limits.bandwidth(4 * KIB, writes=False) == pytest.approx(50.0)


def test_roofline_takes_the_slower_side(limits: Limits) -> None:
    assert limits.least_seconds(nbytes=400, flops=0) == pytest.approx(10.0)
    assert limits.least_seconds(nbytes=400, flops=20_000) == pytest.approx(20.0)
    assert limits.least_seconds(nbytes=400, flops=20_000, dtype="float64") == pytest.approx(40.0)


def test_json_has_every_measurement(limits: Limits) -> None:
    document = limits.as_json()
    assert document["threads"] == 2
    assert document["peak_flops"] == {"float32": 1000.0, "float64": 500.0}
    assert document["bandwidth_bytes_per_second"][1] == {
        "nbytes": 16 * KIB,
        "read": 20.0,
        "copy": 10.0,
        "triad": 20.0,
    }


@pytest.mark.parametrize("threads", [1, 2])
def test_bandwidth_probe(threads: int) -> None:
    read, copy, triad = _C.measure_bandwidth(64 * KIB, threads)
    for value in (read, copy, triad):
        assert 1e8 < value < 1e14  # between a tenth of a GB/s and what no machine does


@pytest.mark.parametrize("threads", [1, 2])
def test_peak_probe(threads: int) -> None:
    single = _C.measure_peak_flops(rt.float32, threads)
    double = _C.measure_peak_flops(rt.float64, threads)
    assert 1e8 < double < 1e15
    assert 1e8 < single < 1e15


def test_instruction_set() -> None:
    assert _C.probe_instruction_set() in {"AVX-512", "AVX2", "NEON", "portable"}


@pytest.mark.parametrize(("nbytes", "threads"), [(100, 1), (1 << 20, 0), (1 << 20, -3)])
def test_probe_errors(nbytes: int, threads: int) -> None:
    with pytest.raises(ValueError, match=r"measure_bandwidth: .*; got "):
        _C.measure_bandwidth(nbytes, threads)


def test_peak_probe_errors() -> None:
    with pytest.raises(TypeError, match=r"measure_peak_flops: .*got int64; try float32 or float64"):
        _C.measure_peak_flops(rt.int64, 1)
    with pytest.raises(ValueError, match="at least one thread"):
        _C.measure_peak_flops(rt.float32, 0)


@pytest.mark.parametrize(
    ("nbytes", "text"), [(512, "512 B"), (1536, "1.5 KiB"), (16 << 20, "16 MiB"), (5 << 30, "5 GiB")]
)
def test_format_bytes(nbytes: int, text: str) -> None:
    assert format_bytes(nbytes) == text
