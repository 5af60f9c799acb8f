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

__all__ = [
    "KERNELS",
    "LOWERINGS",
    "Labels",
    "Lowered",
    "Recording",
    "Shapes",
    "labels_of",
    "lower_graph",
    "record",
    "record_all",
]

_FAMILIES = (activation, elementwise, index, kernels, linear, norm, reduce, shape, spatial, write)
