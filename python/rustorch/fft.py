"""Discrete Fourier transforms. Follows `torch.fft`.

The functions are ops of the registry; `_C.op_table()` describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustorch import _C

if TYPE_CHECKING:
    from rustorch._op_types.fft import *  # noqa: F403

_functions = _C.namespaces().get("fft", {})
globals().update(_functions)

__all__ = [*sorted(name for name in _functions if not name.startswith("_"))]
