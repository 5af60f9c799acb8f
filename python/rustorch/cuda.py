"""NVIDIA GPUs, as far as this build has an engine for them. Follows `torch.cuda`.

Programs that ask first run everywhere:

>>> import rustorch as rt
>>> device = "cuda" if rt.cuda.is_available() else "cpu"
"""

from __future__ import annotations

from rustorch import _C
from rustorch.errors import DeviceNotAvailable

__all__ = ["current_device", "device_count", "is_available", "manual_seed", "manual_seed_all", "synchronize"]


def device_count() -> int:
    """The number of CUDA devices that tensors can be made on.

    >>> import rustorch as rt
    >>> rt.cuda.device_count() >= 0
    True
    """
    return sum(_C.device(name).type == "cuda" for name in _C.available_devices())


def is_available() -> bool:
    """Whether tensors can be made on a CUDA device.

    >>> import rustorch as rt
    >>> rt.cuda.is_available() == (rt.cuda.device_count() > 0)
    True
    """
    return device_count() > 0


def _check(op: str) -> None:
    if not is_available():
        raise DeviceNotAvailable.of(
            f"cuda.{op}", "no CUDA device is available", "", "rustorch.cuda.is_available()"
        )


def current_device() -> int:
    """The index of the device that "cuda" stands for: the first.

    Raises:
        RuntimeError: where there is none.
    """
    _check("current_device")
    return 0


def synchronize(device: object = None) -> None:
    """Waits for the work of a device. Ops return finished, so there is nothing to wait for.

    Raises:
        RuntimeError: where there is no device.
    """
    _check("synchronize")


def manual_seed(seed: int) -> None:
    """Seeds the generator of the current device; without one nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.manual_seed(0)
    """
    if is_available():
        from rustorch.random import manual_seed

        manual_seed(seed)


def manual_seed_all(seed: int) -> None:
    """Seeds the generators of all devices; without one nothing happens.

    >>> import rustorch as rt
    >>> rt.cuda.manual_seed_all(0)
    """
    manual_seed(seed)
