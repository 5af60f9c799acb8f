"""Core ML packages without Core ML: programs as data, read and written on any machine.

>>> import rustorch as rt
>>> rt.coreml.mil.program.TensorType(rt.coreml.mil.program.DataType.FLOAT16, (1, 8)).count
8
"""

from __future__ import annotations

from rustorch.coreml import mil
from rustorch.coreml.mil.program import Model
from rustorch.coreml.reader import read_package
from rustorch.coreml.writer import write_package

__all__ = ["Model", "mil", "read_package", "write_package"]
