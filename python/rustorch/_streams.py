"""Streams and events of any GPU engine. `rustorch.cuda` has those of its devices."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rustorch import _C
from rustorch.errors import OpError, UnsupportedOperation

__all__ = ["Event", "Stream"]

# Streams live as long as their device, so a few are handed out in turn, as in PyTorch.
_PER_PRIORITY = 32
_pool: dict[tuple[str, int], list[int]] = {}
_next: dict[tuple[str, int], int] = {}


def _handle_of_pool(device: _C.device, priority: int) -> int:
    least, most = _C._stream_priorities(device)
    key = (str(device), max(most, min(least, priority)))
    handles = _pool.setdefault(key, [])
    if len(handles) < _PER_PRIORITY:
        handles.append(_C._stream_create(device, key[1]))
        return handles[-1]
    _next[key] = (_next.get(key, -1) + 1) % _PER_PRIORITY
    return handles[_next[key]]


class Stream:
    """A queue of a device's work. Work of one stream runs in order; between two only events order it.

    Args:
        device: whose it is, such as ``"cuda:1"`` or ``"emulator"``.
        priority: lower numbers are more urgent, where the device knows priorities.

    Memory may be used on any stream: what a kernel of ours uses is kept from others until the streams that
    used it have come so far. `Tensor.record_stream` is for what others do with it.

    Raises:
        ValueError: for a device without streams, such as the CPU.

    Follows `torch.Stream`. A device that has one queue (the emulator, Metal) runs all streams in it.

    >>> import rustorch as rt
    >>> stream = rt.Stream("emulator")
    >>> with stream:
    ...     x = rt.ones(2, device="emulator") + 1
    >>> stream.synchronize()
    >>> x.cpu()
    tensor([2., 2.])
    """

    _of_type: str | None = None

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        self._open(self._device_of(device), priority)

    def _open(self, device: _C.device, priority: int, handle: int | None = None) -> None:
        self.device = device
        self.priority = priority
        self._handle = _handle_of_pool(device, priority) if handle is None else handle
        self._before: list[tuple[int, int]] = []

    @classmethod
    def _of_handle(cls, device: _C.device, handle: int) -> Any:
        stream = cls.__new__(cls)
        stream._open(device, 0, handle)
        return stream

    @classmethod
    def _device_of(cls, device: Any) -> _C.device:
        if isinstance(device, int) and cls._of_type:
            return _C.device(cls._of_type, device)
        if device is None:
            device = cls._of_type or "cuda"
        result = _C.device(device)
        if cls._of_type and result.type != cls._of_type:
            raise ValueError(f"Expected a {cls._of_type} device, but got: {result}")
        return result

    @property
    def stream_id(self) -> int:
        """What tells it from other streams of the device; 0 for the first."""
        return self._handle

    def query(self) -> bool:
        """Whether all that was queued on it has run."""
        return bool(_C._stream_query(self.device, self._handle))

    def synchronize(self) -> None:
        """Waits for all that was queued on it.

        Raises:
            RuntimeError: if queued work failed.
        """
        _C._stream_synchronize(self.device, self._handle)

    def record_event(self, event: Event | None = None) -> Event:
        """Records an event (a new one by default) at the end of what is queued now."""
        event = self._new_event() if event is None else event
        event.record(self)
        return event

    def _new_event(self) -> Event:
        return Event(self.device)

    def wait_event(self, event: Event) -> None:
        """Lets what is queued on this stream from now on run after the event; the host does not wait."""
        event.wait(self)

    def wait_stream(self, stream: Stream) -> None:
        """Lets what is queued on this stream from now on run after what is queued on the other now."""
        self.wait_event(stream.record_event())

    def __enter__(self) -> Stream:
        self._before.append((_C._current_device(self.device), _C._stream_current(self.device)))
        _C._set_current_device(self.device)
        _C._stream_set(self.device, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        index, handle = self._before.pop()
        _C._stream_set(self.device, handle)
        _C._set_current_device(_C.device(self.device.type, index))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and (other.device, other._handle) == (self.device, self._handle)

    def __hash__(self) -> int:
        return hash((str(self.device), self._handle))

    def __repr__(self) -> str:
        return f"<rustorch.{type(self).__name__} device={self.device} stream=0x{self._handle:x}>"


class Event:
    """A point in the work of a stream, for others to wait for and to take times between.

    Args:
        device: whose streams it is recorded on; by default that of the first stream it is recorded on.
        enable_timing: whether `elapsed_time` can be asked for.

    Follows `torch.Event`.

    >>> import rustorch as rt
    >>> start, end = (rt.Event("emulator", enable_timing=True) for _ in range(2))
    >>> start.record()
    >>> x = rt.ones(100, device="emulator").sum()
    >>> end.record()
    >>> end.synchronize()
    >>> start.elapsed_time(end) >= 0
    True
    """

    _of_type: str | None = None

    def __init__(
        self,
        device: Any = None,
        *,
        enable_timing: bool = False,
        blocking: bool = False,
        interprocess: bool = False,
    ) -> None:
        if interprocess:
            raise UnsupportedOperation.of("Event", "events between processes are not supported")
        self.device = None if device is None else _C.device(device)
        self.enable_timing = enable_timing
        self.blocking = blocking
        self._event: Any = None

    def _stream(self, stream: Stream | None) -> tuple[_C.device, int]:
        if stream is not None:
            return stream.device, stream._handle
        device = self.device if self.device is not None else _C.device(self._of_type or "cuda")
        return device, _C._stream_current(device)

    def record(self, stream: Stream | None = None) -> None:
        """Stands for the end of what is queued on the stream (by default the current one) now.

        Raises:
            RuntimeError: for a stream of another device than it was made for or recorded on first.
        """
        device, handle = self._stream(stream)
        if self.device is not None and self.device != device:
            raise OpError.of("Event.record", f"the event is of {self.device}", f"a stream of {device}")
        if self._event is None:
            self._event = _C._event_create(device, self.enable_timing)
            self.device = device
        _C._event_record(self._event, handle)

    def wait(self, stream: Stream | None = None) -> None:
        """Lets what is queued on the stream (by default the current one) from now on run after the event."""
        if self._event is not None:
            device, handle = self._stream(stream)
            _C._event_wait(self._event, device, handle)

    def query(self) -> bool:
        """Whether it has happened; True if it was never recorded."""
        return self._event is None or bool(_C._event_query(self._event))

    def synchronize(self) -> None:
        """Waits until it has happened."""
        if self._event is not None:
            _C._event_synchronize(self._event)

    def elapsed_time(self, end_event: Event) -> float:
        """Milliseconds from this event to a later one.

        Raises:
            ValueError: if one of them takes no time, or was not recorded.
            RuntimeError: if one of them has not happened yet.
        """
        if not (self.enable_timing and end_event.enable_timing):
            raise ValueError("Both events must be created with argument 'enable_timing=True'.")
        if self._event is None or end_event._event is None:
            raise ValueError("Both events must be recorded before calculating elapsed time.")
        if self.device != end_event.device:
            raise OpError.of("elapsed_time", "the events are of two devices", f"{end_event.device}")
        if not (self.query() and end_event.query()):
            raise OpError.of(
                "elapsed_time",
                "Both events must be completed before calculating elapsed time.",
                "",
                "end.synchronize()",
            )
        return float(_C._event_elapsed(self._event, end_event._event))

    @property
    def event_id(self) -> int:
        """The driver's handle; 0 if it was not recorded, or the device has none."""
        return 0 if self._event is None else int(_C._event_handle(self._event))

    def __repr__(self) -> str:
        return f"<rustorch.{type(self).__name__} device={self.device} event=0x{self.event_id:x}>"
