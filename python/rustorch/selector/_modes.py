"""Settings of the thread: the routing mode and the default device; and what was routed."""

from __future__ import annotations

from contextlib import ContextDecorator
from dataclasses import dataclass
from typing import Any

from rustorch import _C
from rustorch.errors import ArgumentError
from rustorch.selector._machine import table

__all__ = [
    "Fallback",
    "RoutingStats",
    "get_default_device",
    "get_routing",
    "reset_routing_stats",
    "routing",
    "routing_stats",
    "set_default_device",
    "set_routing",
]

MODES = ("off", "fallback", "auto", "strict")  # the numbers of `RoutingMode` in csrc/ops/router.h


def _number(mode: str | None) -> int | None:
    if mode is None:
        return None
    if mode not in MODES:
        raise ArgumentError.of("routing", "there is no such mode", repr(mode), ", ".join(map(repr, MODES)))
    if mode != "off":
        table()
    return MODES.index(mode)


def set_routing(mode: str | None) -> None:
    """Sets how this thread's ops are routed; `routing` is the same for a block.

    Args:
        mode: ``"off"``: ops run where their inputs live, and an op without a kernel there is an error.
            ``"fallback"``: such an op runs on the next engine of the chain, which is counted, and warned of
            once. ``"auto"``: the selector also says where ops run, and moves inputs. ``"strict"``: as
            ``"auto"``, but falling back is an error. None: ``"auto"`` while the default device is ``"auto"``,
            else ``"off"``.

    Raises:
        ValueError: for another mode.

    A new thread starts with None. ``RUSTORCH_ROUTING`` sets the mode of the thread that imports the package.

    >>> import rustorch as rt
    >>> rt.set_routing("fallback")
    >>> rt.get_routing()
    'fallback'
    >>> rt.set_routing(None)
    """
    _C._set_routing(_number(mode))


def get_routing() -> str:
    """How this thread's ops are routed: "off", "fallback", "auto" or "strict".

    >>> import rustorch as rt
    >>> rt.get_routing()
    'off'
    """
    return MODES[_C._get_routing()]


class routing(ContextDecorator):
    """Routes the ops of a block, or of a function, in a mode of `set_routing`.

    Raises:
        ValueError: for another mode.

    >>> import rustorch as rt
    >>> with rt.routing("fallback"):
    ...     rt.get_routing()
    'fallback'
    """

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._number = _number(mode)
        self._before: list[int | None] = []

    def __enter__(self) -> routing:
        self._before.append(_C._set_routing(self._number))
        return self

    def __exit__(self, *exc: object) -> None:
        _C._set_routing(self._before.pop())

    def _recreate_cm(self) -> routing:
        return routing(self.mode)


def set_default_device(device: Any) -> None:
    """Sets where this thread's functions make tensors if they are given no device.

    Args:
        device: a device or its name; ``"auto"``, which puts each tensor where the selector says that ops on
            it run best, and turns routing on (`set_routing`); None for the CPU.

    Raises:
        RuntimeError: if the device is not available.

    Tensors over given memory (`from_numpy`, `frombuffer`) stay where it is. Follows
    `torch.set_default_device`; ``with rt.device("emulator"):`` does the same for a block.

    >>> import rustorch as rt
    >>> rt.set_default_device("cpu")
    >>> rt.get_default_device()
    device(type='cpu')
    >>> rt.set_default_device(None)
    """
    _C._set_default_device(device)


def get_default_device() -> _C.device:
    """Where this thread's functions make tensors if they are given no device.

    Follows `torch.get_default_device`.

    >>> import rustorch as rt
    >>> with rt.device("auto"):
    ...     rt.get_default_device()
    device(type='auto')
    """
    return _C._get_default_device() or _C.device("cpu")


@dataclass(frozen=True)
class Fallback:
    """An op that ran elsewhere because its device has no kernel for it.

    Attributes:
        op: as it is called.
        device: that it was called on.
        reason: what was missing, the first time.
        count: how often.
    """

    op: str
    device: str
    reason: str
    count: int


@dataclass(frozen=True)
class RoutingStats:
    """What routing did, in all threads, since the start or `reset_routing_stats`.

    Attributes:
        calls: of ops with kernels, by the engine that ran them. Only calls under routing are counted.
        fallbacks: by op and device.
        bytes_moved: between devices, for ops.
    """

    calls: dict[str, int]
    fallbacks: tuple[Fallback, ...]
    bytes_moved: int


def routing_stats() -> RoutingStats:
    """What routing did: calls by engine, fallbacks with their reasons, bytes moved.

    >>> import rustorch as rt
    >>> rt.reset_routing_stats()
    >>> with rt.routing("auto"):
    ...     x = rt.ones(2) + 1
    >>> rt.routing_stats().calls
    {'cpu': 1}
    """
    calls, fallbacks, moved = _C._routing_stats()
    return RoutingStats(calls, tuple(Fallback(*entry) for entry in fallbacks), moved)


def reset_routing_stats() -> None:
    """Starts the counts over; ops that fell back are warned of again.

    >>> import rustorch as rt
    >>> rt.reset_routing_stats()
    >>> rt.routing_stats().fallbacks
    ()
    """
    _C._reset_routing_stats()
