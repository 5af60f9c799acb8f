"""Streams and events of CUDA devices. Follows `torch.cuda.streams`."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rustorch import _C, _streams
from rustorch.cuda._device import need, resolve

__all__ = [
    "Event",
    "ExternalStream",
    "Stream",
    "StreamContext",
    "current_stream",
    "default_stream",
    "set_stream",
    "stream",
]


class Stream(_streams.Stream):
    """A CUDA stream. Backward runs on the stream that is current where it is called.

    Args:
        device: an index, a name or a `device`; None: the current one.
        priority: 0, or negative numbers for more urgent work; out of the device's range, its nearest.

    Raises:
        RuntimeError: where there is no GPU.
        ValueError: for a device of another type.

    Follows `torch.cuda.Stream`, but that PyTorch runs each backward step on the stream of its forward step.
    """

    _of_type = "cuda"

    def __init__(self, device: Any = None, priority: int = 0) -> None:
        need("Stream")
        super().__init__(device, priority)

    @staticmethod
    def priority_range() -> tuple[int, int]:
        """The least and the most urgent priority."""
        need("Stream.priority_range")
        least, most = _C._stream_priorities(_C.device("cuda"))
        return least, most

    @property
    def cuda_stream(self) -> int:
        """The driver's handle (a `CUstream`), for other libraries; 0 is the default stream."""
        return self._handle

    def _new_event(self) -> Event:
        return Event()

    def __repr__(self) -> str:
        return f"<rustorch.cuda.Stream device={self.device} cuda_stream=0x{self._handle:x}>"


class ExternalStream(Stream):
    """A stream that another library has made; it must outlive all that uses it here.

    Args:
        stream_ptr: its handle, a `CUstream`.
        device: its device; None: the current one.

    Follows `torch.cuda.ExternalStream`.
    """

    def __init__(self, stream_ptr: int, device: Any = None) -> None:
        need("ExternalStream")
        self._open(self._device_of(device), 0, int(stream_ptr))


class Event(_streams.Event):
    """A point in the work of a CUDA stream.

    Args:
        enable_timing: whether `elapsed_time` can be asked for.
        blocking: accepted; the host sleeps or spins as the driver has it.
        interprocess: must be False.

    It belongs to the device of the first stream that it is recorded on. Follows `torch.cuda.Event`.
    """

    _of_type = "cuda"

    def __init__(
        self, enable_timing: bool = False, blocking: bool = False, interprocess: bool = False
    ) -> None:
        super().__init__(enable_timing=enable_timing, blocking=blocking, interprocess=interprocess)

    def record(self, stream: _streams.Stream | None = None) -> None:
        need("Event.record")
        super().record(stream)

    record.__doc__ = _streams.Event.record.__doc__

    @property
    def cuda_event(self) -> int:
        """The driver's handle (a `CUevent`); 0 before it is recorded."""
        return self.event_id


def current_stream(device: Any = None) -> Stream:
    """The stream that the thread's work on a device is queued on.

    Raises:
        RuntimeError: where there is no device.
    """
    where = resolve("current_stream", device)
    return Stream._of_handle(where, _C._stream_current(where))  # type: ignore[no-any-return]


def default_stream(device: Any = None) -> Stream:
    """The stream that work is queued on unless another is current: the driver's default one.

    Raises:
        RuntimeError: where there is no device.
    """
    return Stream._of_handle(resolve("default_stream", device), 0)  # type: ignore[no-any-return]


def set_stream(stream: Stream | None) -> None:
    """Makes a stream and its device the thread's current ones; None changes nothing.

    Raises:
        RuntimeError: where there is no device.
    """
    if stream is not None:
        _C._set_current_device(stream.device)
        _C._stream_set(stream.device, stream._handle)


class StreamContext:
    """What `stream` returns."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        if self.stream is not None:
            self.stream.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.stream is not None:
            self.stream.__exit__(kind, error, trace)


def stream(stream: Stream | None) -> StreamContext:
    """A context in which the thread's work goes to a stream of CUDA; None changes nothing.

    The stream's device is the current one within. Follows `torch.cuda.stream`.

    >>> import rustorch as rt
    >>> if rt.cuda.is_available():
    ...     side = rt.cuda.Stream()
    ...     with rt.cuda.stream(side):
    ...         x = rt.ones(4, device="cuda") * 2
    ...     rt.cuda.current_stream().wait_stream(side)
    """
    return StreamContext(stream)
