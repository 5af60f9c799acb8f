"""OpenMP, as `torch.backends.openmp`."""

from __future__ import annotations

__all__ = ["is_available"]


def is_available() -> bool:
    """False: CPU ops share out their work to rustorch's own threads (`rt.set_num_threads`)."""
    return False
