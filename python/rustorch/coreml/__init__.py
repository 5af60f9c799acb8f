"""Core ML packages without Core ML: read, looked into, written and run on any machine.

>>> import rustorch as rt
>>> rt.coreml.mil.program.TensorType(rt.coreml.mil.program.DataType.FLOAT16, (1, 8)).count
8
"""

from __future__ import annotations

from rustorch.coreml import mil
from rustorch.coreml.compression import Compressed, compress
from rustorch.coreml.engine import (
    CompiledFunction,
    CoreMLBackend,
    CoreMLBackendConfig,
    CoreMLDevice,
    DeviceCache,
    compile,
    get_stats,
    is_coreml_available,
    reset_stats,
    use_reference,
)
from rustorch.coreml.exporting import export, to_model
from rustorch.coreml.mil.program import Model
from rustorch.coreml.model import CoreMLModel, StatefulModel
from rustorch.coreml.reader import read_package
from rustorch.coreml.shapes import EnumeratedShapes, RangeDim
from rustorch.coreml.writer import write_package

__all__ = [
    "CompiledFunction",
    "Compressed",
    "CoreMLBackend",
    "CoreMLBackendConfig",
    "CoreMLDevice",
    "CoreMLModel",
    "EnumeratedShapes",
    "DeviceCache",
    "Model",
    "RangeDim",
    "StatefulModel",
    "compile",
    "compress",
    "export",
    "get_stats",
    "is_coreml_available",
    "mil",
    "read_package",
    "reset_stats",
    "to_model",
    "use_reference",
    "write_package",
]
