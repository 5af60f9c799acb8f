"""Intel's MKL, as `torch.backends.mkl`."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: no build uses it."""
    return False
