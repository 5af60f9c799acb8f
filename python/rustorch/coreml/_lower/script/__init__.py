"""Scripts as functions of MIL: branches and loops on values become `cond` and `while_loop`.

A scripted graph has no shapes. It is run once on examples (`evaluate`), which gives them: numbers that shapes
and constants decide stay Python's, what depends on values of tensors does not. Ops between branches and loops
are recorded together (`pending`), and lowered as any recording.
"""

from __future__ import annotations

from rustorch.coreml._lower.script.lowering import Scripted, lower_script, scripted

__all__ = ["Scripted", "lower_script", "scripted"]
