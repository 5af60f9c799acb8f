"""Apple's GPUs under PyTorch's name: "mps" is the device "metal". As `torch.backends.mps`."""

from __future__ import annotations

from rustorch.backends import _engines

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """Whether tensors can be made on a Metal device; `rt.devices()` says why not.

    >>> import rustorch as rt
    >>> rt.backends.mps.is_available() == any(d.name == "metal" and d.available for d in rt.devices())
    True
    """
    return _engines.is_available("metal")


def is_built() -> bool:
    """Whether this build has the engine: it does on macOS."""
    return _engines.is_built("metal")
