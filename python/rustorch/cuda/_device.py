"""Which CUDA devices there are, which one is current, and what they are."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from rustorch import _C
from rustorch.errors import DeviceNotAvailable


def device_count() -> int:
    """The number of CUDA devices that tensors can be made on.

    >>> import rustorch as rt
    >>> rt.cuda.device_count() >= 0
    True
    """
    return int(_C._device_count("cuda"))


def is_available() -> bool:
    """Whether tensors can be made on a CUDA device.

    >>> import rustorch as rt
    >>> rt.cuda.is_available() == (rt.cuda.device_count() > 0)
    True
    """
    return device_count() > 0


def need(op: str) -> None:
    """Raises unless there is a device."""
    if not is_available():
        raise DeviceNotAvailable.of(
            f"cuda.{op}", "no CUDA device is available", "", "rustorch.cuda.is_available()"
        )


def resolve(op: str, device: Any) -> _C.device:
    """The device that an argument stands for: an index, a name, a `device`, or None for the current one."""
    need(op)
    if device is None:
        return _C.device("cuda")
    found = _C.device("cuda", device) if isinstance(device, int) else _C.device(device)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    if (found.index or 0) >= device_count():
        raise DeviceNotAvailable.of(f"cuda.{op}", "invalid device ordinal", str(found))
    return found


def current_device() -> int:
    """The index of the device that "cuda" stands for in this thread: 0 unless `set_device` changed it.

    Raises:
        RuntimeError: where there is none.
    """
    need("current_device")
    return int(_C._current_device("cuda"))


def set_device(device: Any) -> None:
    """Makes a device the one that "cuda" stands for in this thread; a negative index changes nothing.

    Raises:
        RuntimeError: where there is no such device.
    """
    if not (isinstance(device, int) and device < 0):
        _C._set_current_device(resolve("set_device", device))


class device:
    """A context in which a device is the current one; None or a negative index changes nothing.

    Follows `torch.cuda.device`.

    >>> import rustorch as rt
    >>> if rt.cuda.device_count() > 1:
    ...     with rt.cuda.device(1):
    ...         x = rt.ones(2, device="cuda")
    """

    def __init__(self, device: Any) -> None:
        self.idx = -1
        if device is not None and not (isinstance(device, int) and device < 0):
            self.idx = resolve("device", device).index or 0
        self.prev_idx = -1

    def __enter__(self) -> None:
        if self.idx >= 0:
            self.prev_idx = current_device()
            set_device(self.idx)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.idx >= 0:
            set_device(self.prev_idx)


class device_of(device):
    """A context in which a tensor's device is the current one; of tensors elsewhere it changes nothing."""

    def __init__(self, obj: _C.Tensor) -> None:
        super().__init__(obj.device if obj.device.type == "cuda" else None)


class DeviceProperties:
    """What `get_device_properties` returns: the device's name and numbers as attributes.

    ``name``, ``total_memory`` (bytes), ``major``, ``minor``, ``multi_processor_count``, ``warp_size``,
    ``max_threads_per_block``, ``max_threads_per_multi_processor``, ``regs_per_multiprocessor``,
    ``shared_memory_per_block`` and others.
    """

    name: str

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"CUDA devices have no property {name!r}")

    def __repr__(self) -> str:
        inner = ", ".join(f"{k}={v!r}" for k, v in self.__dict__.items())
        return f"_CudaDeviceProperties({inner})"


def get_device_properties(device: Any = None) -> DeviceProperties:
    """The properties of a device.

    Raises:
        RuntimeError: where there is no such device.
    """
    return DeviceProperties(_C._device_info(resolve("get_device_properties", device)))


def get_device_name(device: Any = None) -> str:
    """The name of a device, such as "NVIDIA H100".

    Raises:
        RuntimeError: where there is no such device.
    """
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a device: (9, 0) of an H100.

    Raises:
        RuntimeError: where there is no such device.
    """
    found = get_device_properties(device)
    return found.major, found.minor


def synchronize(device: Any = None) -> None:
    """Waits for the work that is queued on all streams of a device (None: the current one).

    Raises:
        RuntimeError: where there is no device, or if queued work failed.
    """
    _C._synchronize(resolve("synchronize", device))
