"""Settings of `rustorch.use_deterministic_algorithms`."""

from __future__ import annotations

import sys
import types

from rustorch import _determinism
from rustorch.errors import OpError

__all__ = ["fill_uninitialized_memory"]

#: Whether `empty` and its relatives are filled, with NaN or the largest integer, while the mode is on.
fill_uninitialized_memory: bool


class _Settings(types.ModuleType):
    @property
    def fill_uninitialized_memory(self) -> bool:
        return _determinism.fills()

    @fill_uninitialized_memory.setter
    def fill_uninitialized_memory(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise OpError.of("fill_uninitialized_memory", f"expected a bool, but got {type(mode).__name__}")
        _determinism.set_fills(mode)


sys.modules[__name__].__class__ = _Settings
