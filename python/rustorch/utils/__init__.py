"""Tools beside the tensors: data loading, recomputation in backward, hook handles, settings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rustorch.utils import checkpoint, data, deterministic, dlpack, hooks

__all__ = ["checkpoint", "data", "deterministic", "dlpack", "hooks"]


def __getattr__(name: str) -> Any:
    # Imported on first use: modules need the hook handles, not the data loader.
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
