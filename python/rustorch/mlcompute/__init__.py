"""Networks as graphs of Apple's MLCompute: inference on the CPU, the GPU or the Neural Engine, and training.

MLCompute is a framework of macOS that Apple deprecates since macOS 14.3. It is an addition here: everything
that it does, rustorch does without it. None of this has run on a Mac yet (`docs/verified.md`).

`plan` says on any machine what would be built; `InferenceGraph` and `TrainingGraph` build and run it where
the framework is, and raise `DeviceNotAvailable` elsewhere.
"""

from rustorch.mlcompute._graphs import InferenceGraph, TrainingGraph
from rustorch.mlcompute._planning import plan, unavailable_reason


def is_available() -> bool:
    """Whether MLCompute is on this machine; `unavailable_reason` says why not.

    >>> import rustorch as rt
    >>> rt.mlcompute.is_available() == (rt.mlcompute.unavailable_reason() is None)
    True
    """
    return unavailable_reason() is None


__all__ = ["InferenceGraph", "TrainingGraph", "is_available", "plan", "unavailable_reason"]
