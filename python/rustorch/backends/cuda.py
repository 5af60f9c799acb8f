"""NVIDIA GPUs, as `torch.backends.cuda`. `matmul` holds the switches of matrix products."""

from __future__ import annotations

from rustorch.backends import _engines
from rustorch.cuda import matmul

__all__ = ["is_built", "matmul"]


def is_built() -> bool:
    """Whether this build has the engine, whatever the machine."""
    return _engines.is_built("cuda")
