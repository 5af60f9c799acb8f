"""From a graph to a program that is loaded: lowered, written as a package, compiled or found in the cache."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import rustorch as rt
from rustorch import _C
from rustorch.coreml._lower import KERNELS, LOWERINGS
from rustorch.coreml.engine._config import CoreMLBackendConfig, settings
from rustorch.coreml.exporting import to_model
from rustorch.coreml.mil.program import ArrayFeatureType, FeatureDescription, Model
from rustorch.coreml.model import COMPUTE_UNITS
from rustorch.coreml.writer import write_package
from rustorch.errors import (
    ArgumentError,
    DeviceNotAvailable,
    ModelCompilationFailed,
    OpError,
    UnsupportedOperation,
)
from rustorch.jit import Graph

__all__ = ["compile_op", "compiled_ops", "load_model"]

# Composite ops that become one program; the others go by their parts.
_WHOLE_FAMILIES = ("activation", "linear", "norm", "reduce", "spatial")
_WHOLE = ("deg2rad", "embedding", "rad2deg", "rsub", "take_along_dim", "tanhshrink")
# Data that only lies in another order: no work for Core ML.
_LAYOUT = ("pixel_shuffle", "pixel_unshuffle", "adaptive_max_pool")
# Results in int64 that 32 bits hold: positions and counts.
_POSITIONS = frozenset(
    {"argmax", "argmin", "argsort", "count_nonzero", "max.dim", "min.dim", "sort", "topk", "kthvalue"}
)
_TARGET = "macOS14"


def compiled_ops() -> list[str]:
    """The ops that the compiler has something for, by the names of their records."""
    composite = {row["name"] for row in _C.op_table() if row["kind"] == "composite"}
    return [*KERNELS] + [
        name
        for name, lowering in LOWERINGS.items()
        if name not in composite
        or name in _WHOLE
        or (
            lowering.__module__.rpartition(".")[2] in _WHOLE_FAMILIES
            and not name.startswith(_LAYOUT)
            and not name.startswith(("dropout", "feature", "alpha"))
        )
    ]


def _lacks(name: str, graph: Graph) -> str:
    """Why an op is not for Core ML, by its types; empty if it is."""
    for value in graph.outputs:
        dtype = str(value.dtype).rpartition(".")[2]
        if dtype in ("float16", "float32", "bool", "int32") or (dtype == "int64" and name in _POSITIONS):
            continue
        return f"Core ML's integers have 32 bits, and it computes no {dtype}"
    return ""


def compile_op(name: str, core: _C._Graph) -> _C._CoreMLProgram | str:
    """A program for a graph of one node, or why there is none; called by the engine."""
    graph = Graph(core, None, None)
    lacks = _lacks(name, graph)
    if lacks:
        return lacks
    try:
        model = to_model(graph, precision=settings.config.precision, target=_TARGET)
    except (UnsupportedOperation, ArgumentError, OpError) as error:
        return str(error).removeprefix("export: ")
    try:
        return load_model(model)
    except ModelCompilationFailed as error:
        with settings.lock:
            settings.compile_failures += 1
        return f"its program was not accepted: {error}"


def load_model(model: Model, config: CoreMLBackendConfig | None = None) -> _C._CoreMLProgram:
    """A model as a program, by way of the cache.

    Raises:
        RuntimeError: (`ModelCompilationFailed`) for a model that is not accepted, (`DeviceNotAvailable`)
            where nobody runs programs.
    """
    executor = _C._coreml_executor()
    if executor is None:
        raise DeviceNotAvailable.of(
            "coreml",
            "device 'coreml' is not available: Core ML is part of macOS",
            "",
            "rustorch.coreml.use_reference(), which runs its programs on rustorch's own operations",
        )
    chosen = config or settings.config
    inputs, outputs = _features(model.description.inputs), _features(model.description.outputs)
    units = COMPUTE_UNITS.index(chosen.compute_units)
    with rt.no_grad():
        work = Path(tempfile.mkdtemp(prefix="rustorch-coreml-"))
        try:
            package = work / "program.mlpackage"
            write_package(model, package, sync=False)
            program: _C._CoreMLProgram = settings.cache(chosen).load(
                _key(package, executor),
                lambda compiled: _C._coreml_compile(str(package), str(compiled)),
                lambda compiled: _C._coreml_load(str(compiled), inputs, outputs, units),
            )
            return program
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _key(package: Path, executor: tuple[str, str]) -> str:
    """Of what a compiled program depends on: the program, its weights, and who compiles."""
    digest = hashlib.sha256(repr(executor).encode())
    for path in sorted(p for p in package.rglob("*") if p.is_file() and p.parent != package):
        digest.update(f"{path.relative_to(package).as_posix()} {path.stat().st_size} ".encode())
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _features(descriptions: list[FeatureDescription]) -> list[tuple[str, Any, tuple[int, ...]]]:
    found = []
    for feature in descriptions:
        assert isinstance(feature.type, ArrayFeatureType) and feature.type.dtype is not None
        dtype = getattr(rt, str(feature.type.dtype.numpy_dtype))
        found.append((feature.name, dtype, tuple(feature.type.shape)))
    return found
