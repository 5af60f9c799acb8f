"""Core ML packages without Core ML: read, looked into, written and run on any machine.

>>> import rustorch as rt
>>> rt.coreml.mil.program.TensorType(rt.coreml.mil.program.DataType.FLOAT16, (1, 8)).count
8
"""

from __future__ import annotations

from rustorch.coreml import mil
from rustorch.coreml.exporting import export, to_model
from rustorch.coreml.mil.program import Model
from rustorch.coreml.model import CoreMLModel, StatefulModel
from rustorch.coreml.reader import read_package
from rustorch.coreml.shapes import EnumeratedShapes, RangeDim
from rustorch.coreml.writer import write_package

__all__ = [
    "CoreMLModel",
    "EnumeratedShapes",
    "Model",
    "RangeDim",
    "StatefulModel",
    "export",
    "mil",
    "read_package",
    "to_model",
    "write_package",
]
