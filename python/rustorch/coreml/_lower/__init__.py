"""From graphs to ML Programs: a lowering for each op (`registry.LOWERINGS`), and the walk over a graph."""

from __future__ import annotations

from rustorch.coreml._lower import (
    activation,
    elementwise,
    index,
    kernels,
    linear,
    norm,
    reduce,
    shape,
    spatial,
    write,
)
from rustorch.coreml._lower.classifier import Labels, labels_of
from rustorch.coreml._lower.flexible import Shapes, record_all
from rustorch.coreml._lower.program import Lowered, lower_graph
from rustorch.coreml._lower.recording import Recording, record
from rustorch.coreml._lower.registry import KERNELS, LOWERINGS
from rustorch.coreml._lower.script import Scripted, lower_script, scripted

__all__ = [
    "KERNELS",
    "LOWERINGS",
    "Labels",
    "Lowered",
    "Recording",
    "Scripted",
    "Shapes",
    "labels_of",
    "lower_graph",
    "lower_script",
    "record",
    "record_all",
    "scripted",
]

_FAMILIES = (activation, elementwise, index, kernels, linear, norm, reduce, shape, spatial, write)
