"""Batches in page-locked memory. Follows `torch.utils.data._utils.pin_memory`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rustorch import Tensor


def pin_memory(data: Any, device: Any = None) -> Any:
    """The same structure with its tensors pinned; what is no tensor, and no collection of them, as it is.

    Args:
        data: a tensor; mappings, sequences and named tuples of such; or an object with `pin_memory()`.
        device: the engine that is to copy; by default CUDA.

    Raises:
        RuntimeError: if there is no such device.

    >>> from rustorch.utils.data._utils.pin_memory import pin_memory
    >>> pin_memory(["label", 3])
    ['label', 3]
    """
    if isinstance(data, Tensor):
        return data.pin_memory(device)
    if isinstance(data, (str, bytes)):
        return data
    if isinstance(data, Mapping):
        pinned = {key: pin_memory(value, device) for key, value in data.items()}
        try:
            return type(data)(pinned)  # type: ignore[call-arg]
        except TypeError:  # a type that is not made of pairs
            return pinned
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(pin_memory(value, device) for value in data))
    if isinstance(data, tuple):
        return [pin_memory(value, device) for value in data]  # a list, as in PyTorch
    if isinstance(data, Sequence):
        items = [pin_memory(value, device) for value in data]
        try:
            return type(data)(items)  # type: ignore[call-arg]
        except TypeError:  # such as range
            return items
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    return data
