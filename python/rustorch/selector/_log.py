"""Why an op ran where it did."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from dataclasses import dataclass
from typing import Any

from rustorch import _C
from rustorch.selector._table import sentence

__all__ = ["RoutingEvent", "RoutingLog", "explain", "record_routing"]


@dataclass(frozen=True)
class RoutingEvent:
    """One call of an op that has kernels.

    Attributes:
        op: in the registry, with ``_`` for the in-place and ``out=`` for the form that writes to a tensor.
        device: that it ran on.
        reason: why.
        preferred: the device that would have run it, had it the kernel.
        size: elements of its largest tensor.
        bytes_moved: between devices, for this call.
    """

    op: str
    device: str
    reason: str
    preferred: str
    size: int
    bytes_moved: int

    def __str__(self) -> str:
        moved = f" ({self.bytes_moved} bytes moved)" if self.bytes_moved else ""
        return f"{self.op} ran on {self.device}: {self.reason}{moved}"


class RoutingLog(list[RoutingEvent]):
    """Calls in the order in which they ended; its text has a line for each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self))


class record_routing(ContextDecorator):
    """Lists the ops that this thread runs in a block, where each ran, and why.

    Composite ops are listed by their parts. The log is filled when the block ends.

    >>> import rustorch as rt
    >>> with rt.record_routing() as log:
    ...     y = rt.ones(2) * 3
    >>> print(log)
    mul ran on cpu: the inputs live there
    """

    def __enter__(self) -> RoutingLog:
        self._log = RoutingLog()
        _C._start_routing_log()
        return self._log

    def __exit__(self, *exc: object) -> None:
        for op, form, device, reason, preferred, size, moved, lacked in _C._stop_routing_log():
            said = sentence(reason, size, device, preferred, lacked)
            self._log.append(RoutingEvent(op + form, device, said, preferred, size, moved))

    def _recreate_cm(self) -> record_routing:
        return record_routing()


def explain(function: str | Callable[..., Any], /, *args: Any, **kwargs: Any) -> RoutingLog:
    """Calls a function, or the op of that name, and says where its ops ran and why.

    >>> import rustorch as rt
    >>> print(rt.explain(rt.sum, rt.ones(3)))
    sum ran on cpu: the inputs live there
    """
    called: Any = function
    if isinstance(function, str):
        import rustorch

        called = rustorch
        for part in function.split("."):
            called = getattr(called, part)
    with record_routing() as log:
        called(*args, **kwargs)
    return log
