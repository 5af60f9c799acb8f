"""Memory of devices that tensors leave behind: what is kept, and for whom."""

from __future__ import annotations

import pytest

import rustorch as rt

from . import cuda

DEVICES = [
    "emulator",
    pytest.param("cuda", marks=pytest.mark.skipif(bool(cuda.why_not()), reason=cuda.why_not() or "")),
]


def made(device: str, count: int) -> list[rt.Tensor]:
    """Tensors of twenty sizes, too far apart to stand for each other."""
    return [rt.empty(256 * 2 ** (i % 10) * (3 if i % 20 < 10 else 4), device=device) for i in range(count)]


@pytest.mark.parametrize("device", DEVICES)
def test_as_many_blocks_as_a_training_step_frees_are_handed_on(device: str) -> None:
    rt._C._empty_cache(device)
    made(device, 1000)
    before = rt._C._memory_stats(device)
    made(device, 1000)
    after = rt._C._memory_stats(device)
    assert after["allocations"] - before["allocations"] == 1000
    assert after["cache_hits"] - before["cache_hits"] == 1000


@pytest.mark.parametrize("device", DEVICES)
def test_a_block_serves_sizes_a_quarter_below_it(device: str) -> None:
    def hits() -> int:
        return int(rt._C._memory_stats(device)["cache_hits"])

    rt._C._empty_cache(device)
    kept = rt.empty(1 << 20, dtype=rt.uint8, device=device)
    at = kept.data_ptr()
    del kept
    start = hits()
    small = rt.empty(1 << 18, dtype=rt.uint8, device=device)
    assert hits() == start
    fits = rt.empty((1 << 20) * 7 // 8, dtype=rt.uint8, device=device)
    assert hits() == start + 1 and fits.data_ptr() == at != small.data_ptr()


def test_a_limit_lets_go_of_what_was_freed_first() -> None:
    device = "emulator"
    rt._C._empty_cache(device)
    first, second = (rt.empty(n, dtype=rt.uint8, device=device) for n in (1 << 20, 1 << 21))
    at = second.data_ptr()
    del first
    del second
    held = rt._C._memory_stats(device)["allocated"]
    try:
        rt._C._set_memory_limit(device, held + (1 << 21))
        assert rt._C._memory_stats(device)["cached"] == 1 << 21
        assert rt.empty(1 << 21, dtype=rt.uint8, device=device).data_ptr() == at
    finally:
        rt._C._set_memory_limit(device, 0)
