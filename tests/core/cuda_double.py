"""Two CUDA devices as the extension shows them to Python, for tests on machines without one.

Work is queued and runs only when somebody waits, the youngest stream first: two pieces of work on different
streams come in the order that events impose, or else in the wrong one. Memory of the device is host memory.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import rustorch as rt

MODULES = (
    "_config",
    "_device_memory",
    "_libraries",
    "_streams",
    "_tensor_api",
    "_tensor_methods",
    "cuda._device",
    "cuda.memory",
    "cuda.streams",
)
PROPERTIES = (
    {"name": "First", "total_memory": 1 << 34, "major": 9, "minor": 0, "warp_size": 32},
    {"name": "Second", "total_memory": 1 << 35, "major": 8, "minor": 6, "warp_size": 32},
)


@dataclass
class Event:
    """Recordings are numbered, and a wait is for the one that was the last as it was queued."""

    device: rt.device
    timed: bool
    recorded: int = 0
    happened: int = 0
    time: float = 0.0


class CudaDouble:
    """Stands where Python modules have the extension; what is not of CUDA goes to the extension."""

    def __init__(self) -> None:
        self.current = 0
        self.stream_of = {0: 0, 1: 0}
        self.queues: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        self.ran: list[str] = []
        self.clock = 0.0
        self.calls: list[tuple[Any, ...]] = []
        self.priorities: dict[int, int] = {}
        self.memory = {
            "allocated": 300,
            "peak_allocated": 700,
            "cached": 50,
            "allocations": 9,
            "cache_hits": 4,
        }
        self.owners: dict[int, int] = {}

    def __getattr__(self, name: str) -> Any:
        if name in ("_record_stream", "_note_shown", "_keep_in_place", "_empty_cache", "_set_memory_limit"):
            return lambda *arguments: self.calls.append((name, *arguments))
        return getattr(rt._C, name)

    # ---- Queues ----

    def _queue(self, device: rt.device, handle: int) -> list[tuple[Any, ...]]:
        return self.queues.setdefault((device.index, 0 if handle == 1 else handle), [])

    def work(self, name: str, stream: int = 0, device: int = 0, milliseconds: float = 1.0) -> None:
        """Queues work on a stream, by the driver's handle."""
        self._queue(rt.device("cuda", device), stream).append(("work", name, milliseconds))

    def _step(self, queue: list[tuple[Any, ...]]) -> bool:
        kind, what, *rest = queue[0]
        if kind == "wait" and what.happened < rest[0]:
            return False
        if kind == "work":
            self.ran.append(what)
            self.clock += rest[0]
        elif kind == "record":
            what.happened, what.time = rest[0], self.clock
        del queue[0]
        return True

    def run(self, enough: Callable[[], bool] = lambda: False) -> list[str]:
        """Lets time pass until that is so or all is done; what ran since the start."""
        while not enough():
            ready = (q for _, q in sorted(self.queues.items(), reverse=True) if q)
            if not any(self._step(q) for q in ready):
                break
        return self.ran

    # ---- Devices ----

    def device(self, kind: Any, index: int | None = None) -> rt.device:
        if index is not None:
            return rt.device(kind, index)
        return rt.device("cuda", self.current) if kind == "cuda" else rt.device(kind)

    def _device_count(self, kind: str) -> int:
        return 2 if kind == "cuda" else rt._C._device_count(kind)

    def _current_device(self, kind: Any) -> int:
        return self.current

    def _set_current_device(self, device: rt.device) -> None:
        self.current = device.index

    def _device_info(self, device: rt.device) -> dict[str, Any]:
        return PROPERTIES[device.index]

    def _synchronize(self, device: rt.device) -> None:
        self.run(lambda: not any(q for (index, _), q in self.queues.items() if index == device.index))

    # ---- Streams and events ----

    def _stream_priorities(self, device: rt.device) -> tuple[int, int]:
        return 0, -5

    def _stream_create(self, device: rt.device, priority: int) -> int:
        handle = 0x100 + len(self.priorities)
        self.priorities[handle] = priority
        return handle

    def _stream_current(self, device: rt.device) -> int:
        return self.stream_of[device.index]

    def _stream_set(self, device: rt.device, handle: int) -> None:
        self.stream_of[device.index] = handle

    def _stream_query(self, device: rt.device, handle: int) -> bool:
        return not self._queue(device, handle)

    def _stream_synchronize(self, device: rt.device, handle: int) -> None:
        self.run(lambda: self._stream_query(device, handle))

    def _event_create(self, device: rt.device, timed: bool) -> Event:
        return Event(device, timed)

    def _event_record(self, event: Event, handle: int) -> None:
        event.recorded += 1
        self._queue(event.device, handle).append(("record", event, event.recorded))

    def _event_wait(self, event: Event, device: rt.device, handle: int) -> None:
        self._queue(device, handle).append(("wait", event, event.recorded))

    def _event_query(self, event: Event) -> bool:
        return event.happened == event.recorded

    def _event_synchronize(self, event: Event) -> None:
        self.run(lambda: self._event_query(event))

    def _event_elapsed(self, event: Event, end: Event) -> float:
        assert event.timed and end.timed
        return end.time - event.time

    def _event_handle(self, event: Event) -> int:
        return 0xE0 + event.device.index

    # ---- Memory ----

    def _memory_stats(self, device: rt.device) -> dict[str, int]:
        return {name: value + device.index for name, value in self.memory.items()}

    def _peak_reserved(self, device: rt.device) -> int:
        return 900 + device.index

    def _memory_info(self, device: rt.device) -> tuple[int, int]:
        total = PROPERTIES[device.index]["total_memory"]
        return total // 4, total

    def _reset_peak_memory_stats(self, device: rt.device) -> None:
        self.memory["peak_allocated"] = self.memory["allocated"]

    def _is_pinned(self, tensor: rt.Tensor, device: Any) -> bool:
        return (tensor.data_ptr(), rt.device(device).type) in self.calls

    def _pinned_empty(self, like: rt.Tensor, device: rt.device) -> rt.Tensor:
        result = rt.empty_like(like)
        self.calls.append((result.data_ptr(), device.type))
        return result

    def _pointer_device(self, kind: str, address: int) -> int:
        return self.owners.get(address, -1)

    def _wrap_device_memory(
        self,
        owner: Any,
        address: int,
        device: rt.device,
        dtype: rt.dtype,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        read_only: bool,
    ) -> rt.Tensor:
        self.calls.append(("_wrap_device_memory", owner, device, read_only))
        empty = rt.empty(0, dtype=dtype)
        kind, size = empty.numpy().dtype, empty.element_size()
        extent = 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if 0 in shape:
            return rt.from_numpy(np.empty(shape, kind))
        memory = np.frombuffer((ctypes.c_char * (extent * size)).from_address(address), kind)
        view = np.lib.stride_tricks.as_strided(memory, shape, [s * size for s in strides])
        return rt.from_numpy(view.copy())


def stand_in(monkeypatch: pytest.MonkeyPatch) -> CudaDouble:
    """Makes this a machine with two GPUs, as far as the package's Python sees."""
    found = CudaDouble()
    for module in MODULES:
        monkeypatch.setattr(f"rustorch.{module}._C", found)
    monkeypatch.setattr("rustorch._streams._pool", {})
    monkeypatch.setattr("rustorch._streams._next", {})
    return found
