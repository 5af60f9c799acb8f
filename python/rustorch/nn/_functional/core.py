"""The core's functions of the ``nn.functional`` namespace, as attributes of one object."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from rustorch import _C

__all__ = ["ops"]

if TYPE_CHECKING:
    from rustorch._op_types import nn_functional as ops
else:
    ops = SimpleNamespace(**_C._namespaces["nn.functional"])
