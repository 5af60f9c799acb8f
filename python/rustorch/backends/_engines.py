"""Which engines a build has."""

from __future__ import annotations

from rustorch.selector import devices


def is_available(engine: str) -> bool:
    """Whether tensors can be made on it now."""
    return any(d.available for d in devices() if d.name.partition(":")[0] == engine)


def is_built(engine: str) -> bool:
    """Whether the build has it, whatever the machine."""
    return any(d.reason != "not part of this build" for d in devices() if d.name.partition(":")[0] == engine)
