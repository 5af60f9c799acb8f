"""The engines and their devices."""

from __future__ import annotations

import os
from dataclasses import dataclass

from rustorch import _C
from rustorch.selector._machine import ENGINES

__all__ = ["DeviceInfo", "devices"]


@dataclass(frozen=True)
class DeviceInfo:
    """A device, or an engine that has none here.

    Attributes:
        name: as `device` takes it.
        available: whether tensors can be made on it.
        reason: why not; empty if they can.
        description: what it is.
        memory: bytes that it has; None if that is not known.
    """

    name: str
    available: bool
    reason: str = ""
    description: str = ""
    memory: int | None = None


def _cpu() -> DeviceInfo:
    build = _C._build_info()
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        memory = 0
    text = f"{_C.get_num_threads()} threads, {build['simd']}, {build['matrix_library']}"
    return DeviceInfo("cpu", True, "", text, memory if memory > 0 else None)


def devices() -> list[DeviceInfo]:
    """All engines, the CPU first: a record for each of their devices, or one that says why there is none.

    Opens every engine; importing the package opens none.

    >>> import rustorch as rt
    >>> rt.devices()[0].name
    'cpu'
    >>> [d.reason for d in rt.devices() if d.name == "mlcompute"]
    ['not part of this build']
    """
    found = [_cpu()]
    for engine in ENGINES[1:]:
        why, its_devices = _C._engine_info(engine)
        if why:
            found.append(DeviceInfo(engine, False, why))
        for name, description, memory in its_devices:
            found.append(DeviceInfo(name, True, "", description, memory or None))
    return found
