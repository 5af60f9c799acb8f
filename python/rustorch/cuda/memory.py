"""Memory of CUDA devices. Follows `torch.cuda.memory`."""

from __future__ import annotations

from typing import Any

from rustorch import _C
from rustorch.cuda._device import is_available, resolve

__all__ = [
    "empty_cache",
    "max_memory_allocated",
    "max_memory_reserved",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "reset_peak_memory_stats",
    "set_memory_limit",
]


def memory_stats(device: Any = None) -> dict[str, int]:
    """Bytes and counts of the allocator, under names of ours and PyTorch's.

    Ours: allocated, peak_allocated, cached, allocations, cache_hits, limit (0 is none). PyTorch's, those with
    a counterpart: ``allocated_bytes.all.current`` and ``.peak``, ``reserved_bytes.all.current`` and
    ``.peak``, ``allocation.all.allocated``.

    Raises:
        RuntimeError: where there is no device.
    """
    where = resolve("memory_stats", device)
    stats = dict(_C._memory_stats(where))
    stats["allocated_bytes.all.current"] = stats["allocated"]
    stats["allocated_bytes.all.peak"] = stats["peak_allocated"]
    stats["reserved_bytes.all.current"] = stats["allocated"] + stats["cached"]
    stats["reserved_bytes.all.peak"] = _C._peak_reserved(where)
    stats["allocation.all.allocated"] = stats["allocations"]
    return stats


def _stat(name: str, device: Any) -> int:
    return memory_stats(device)[name] if is_available() else 0


def memory_allocated(device: Any = None) -> int:
    """Bytes in tensors of a device; 0 without a GPU.

    >>> import rustorch as rt
    >>> rt.cuda.memory_allocated() <= rt.cuda.max_memory_allocated()
    True
    """
    return _stat("allocated_bytes.all.current", device)


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes that were in tensors at one time since the start, or `reset_peak_memory_stats`."""
    return _stat("allocated_bytes.all.peak", device)


def memory_reserved(device: Any = None) -> int:
    """Bytes in tensors of a device or kept for reuse; 0 without a GPU.

    >>> import rustorch as rt
    >>> rt.cuda.memory_reserved() <= rt.cuda.max_memory_reserved()
    True
    """
    return _stat("reserved_bytes.all.current", device)


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that were held at one time since the start, or `reset_peak_memory_stats`."""
    return _stat("reserved_bytes.all.peak", device)


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """Bytes of a device that are free, for all processes, and those there are.

    Raises:
        RuntimeError: where there is no device.
    """
    free, total = _C._memory_info(resolve("mem_get_info", device))
    return free, total


def reset_peak_memory_stats(device: Any = None) -> None:
    """Starts the peaks over from what is allocated and reserved now."""
    _C._reset_peak_memory_stats(resolve("reset_peak_memory_stats", device))


def empty_cache() -> None:
    """Gives memory that is kept for reuse back to the devices; without a GPU nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.empty_cache()
    """
    for index in range(_C._device_count("cuda")):
        _C._empty_cache(_C.device("cuda", index))


def set_memory_limit(limit: int, device: Any = None) -> None:
    """The most bytes that tensors of a device may take; 0 for no limit. Beyond, allocation is an error."""
    _C._set_memory_limit(resolve("set_memory_limit", device), limit)
