"""Is Core ML there? Asked once, remembered for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from rustorch import _C
from rustorch.errors import ArgumentError
from rustorch.selector import DeviceInfo, devices, table

__all__ = ["CoreMLDevice", "DeviceCache", "is_coreml_available"]


def is_coreml_available() -> bool:
    """Whether tensors can be made on the device "coreml": on a Mac, or with `use_reference`.

    >>> import rustorch as rt
    >>> rt.coreml.is_coreml_available() == any(d.name == "coreml" and d.available for d in rt.devices())
    True
    """
    return not _C._engine_info("coreml")[0]


@dataclass(frozen=True)
class CoreMLDevice:
    """What runs programs for Core ML.

    Attributes:
        available: whether anything does.
        reason: why not; empty if it does.
        executor: its name; empty without one.
        version: of what compiles, the system's build: part of the keys of the cache.

    >>> import rustorch as rt
    >>> with rt.coreml.use_reference():
    ...     rt.coreml.CoreMLDevice.current().executor
    "rustorch's interpreter"
    """

    available: bool
    reason: str = ""
    executor: str = ""
    version: str = ""

    name = "coreml"

    @classmethod
    def current(cls) -> CoreMLDevice:
        """The device as it is now."""
        why = _C._engine_info("coreml")[0]
        executor, version = _C._coreml_executor() or ("", "")
        return cls(not why, why, executor, version)


class DeviceCache:
    """Which devices there are, asked at most once in a while: to look costs milliseconds.

    Args:
        validity: seconds for which an answer holds.
        clock: seconds from any beginning.

    Raises:
        ValueError: for a validity below 0.

    >>> import rustorch as rt
    >>> cache = rt.coreml.DeviceCache()
    >>> cache.warmup()
    >>> cache.is_available("cpu")
    True
    """

    def __init__(self, validity: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        if not validity >= 0:
            raise ArgumentError.of("DeviceCache", "validity is a number of seconds", repr(validity))
        self.validity = validity
        self._clock = clock
        self._lock = threading.Lock()
        self._found: list[DeviceInfo] | None = None
        self._asked = 0.0

    def devices(self) -> list[DeviceInfo]:
        """As `rustorch.devices`."""
        with self._lock:
            now = self._clock()
            if self._found is None or now - self._asked >= self.validity:
                self._found, self._asked = devices(), now
            return list(self._found)

    def is_available(self, name: str) -> bool:
        """Whether tensors can be made on a device, or on the first device of an engine."""
        return any(d.available and name in (d.name, d.name.partition(":")[0]) for d in self.devices())

    def warmup(self) -> None:
        """Asks now, and makes the table of the selector, so that nothing waits for it later."""
        self.invalidate()
        self.devices()
        table()

    def invalidate(self) -> None:
        """Forgets the answer."""
        with self._lock:
            self._found = None
