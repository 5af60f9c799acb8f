"""Special functions. Follows `torch.special`.

The functions are ops of the registry; `_C.op_table()` describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustorch import _C

if TYPE_CHECKING:
    from rustorch._op_types.special import *  # noqa: F403

_functions = _C.namespaces().get("special", {})
globals().update(_functions)

__all__ = [*sorted(name for name in _functions if not name.startswith("_"))]
