"""The CPU as a device: its memory.

Freed memory is kept for the next tensor of that size, since touching new pages costs more than most ops.
"""

from __future__ import annotations

from rustorch import _C

__all__ = [
    "device_count",
    "empty_cache",
    "is_available",
    "memory_stats",
    "reset_peak_memory_stats",
    "set_memory_limit",
    "synchronize",
]


def is_available() -> bool:
    """Always True."""
    return True


def device_count() -> int:
    """Always 1."""
    return 1


def synchronize() -> None:
    """Waits for the work on the device; on the CPU every op has ended when it returns."""
    _C._synchronize("cpu")


def memory_stats() -> dict[str, int]:
    """Bytes and counts: allocated, peak_allocated, cached, allocations, cache_hits, limit (0 is none).

    >>> import rustorch as rt
    >>> before = rt.cpu.memory_stats()["allocated"]
    >>> x = rt.zeros(1024, 1024)
    >>> rt.cpu.memory_stats()["allocated"] - before
    4194304
    """
    return dict(_C._memory_stats("cpu"))


def reset_peak_memory_stats() -> None:
    """Starts `peak_allocated` over from what is allocated now."""
    _C._reset_peak_memory_stats("cpu")


def empty_cache() -> None:
    """Gives memory that is kept for reuse back to the system.

    >>> import rustorch as rt
    >>> rt.cpu.empty_cache()
    >>> rt.cpu.memory_stats()["cached"]
    0
    """
    _C._empty_cache("cpu")


def set_memory_limit(nbytes: int) -> None:
    """Caps the bytes that live tensors take: beyond it, ops raise `rt.errors.OutOfMemoryError`; 0 is no cap.

    Raises:
        ValueError: for a negative number.
    """
    _C._set_memory_limit("cpu", nbytes)
