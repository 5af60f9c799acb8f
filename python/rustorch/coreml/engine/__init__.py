"""The device "coreml": single ops and whole graphs as programs, compiled once and kept on disk.

On a Mac, Core ML runs them. Elsewhere the device is not available, unless `use_reference` puts rustorch's own
interpreter of Core ML programs behind it, which computes the same to the rounding of float16.

>>> import rustorch as rt
>>> with rt.coreml.use_reference():
...     x = rt.ones(2, 3, device="coreml")
...     y = (x + x).cpu()
>>> y.sum()
tensor(12.)
"""

from __future__ import annotations

from rustorch import _C
from rustorch.coreml.engine._backend import CoreMLBackend, get_stats, reset_stats
from rustorch.coreml.engine._cache import CacheStats, ProgramCache
from rustorch.coreml.engine._compiler import compile_op, compiled_ops
from rustorch.coreml.engine._config import CoreMLBackendConfig
from rustorch.coreml.engine._devices import CoreMLDevice, DeviceCache, is_coreml_available
from rustorch.coreml.engine._function import CompiledFunction, compile
from rustorch.coreml.engine._reference import use_reference

__all__ = [
    "CacheStats",
    "CompiledFunction",
    "CoreMLBackend",
    "CoreMLBackendConfig",
    "CoreMLDevice",
    "DeviceCache",
    "ProgramCache",
    "compile",
    "compiled_ops",
    "get_stats",
    "is_coreml_available",
    "reset_stats",
    "use_reference",
]

_C._coreml_set_compiler(compile_op, compiled_ops())
