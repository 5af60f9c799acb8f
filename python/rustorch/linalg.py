"""Linear algebra: decompositions, solvers, norms of matrices and vectors. Follows `torch.linalg`.

The functions are ops of the registry; `_C.op_table()` describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustorch import _C
from rustorch.errors import LinAlgError

if TYPE_CHECKING:
    from rustorch._op_types.linalg import *  # noqa: F403

_functions = _C.namespaces().get("linalg", {})
globals().update(_functions)

__all__ = [
    "LinAlgError",
    *sorted(name for name in _functions if not name.startswith("_")),
]
