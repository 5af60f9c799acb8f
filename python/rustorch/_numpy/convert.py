"""Tensors to arrays and back, in arguments and results of any nesting."""

from __future__ import annotations

from typing import Any

import numpy as np

from rustorch import _C
from rustorch._log import debug
from rustorch.errors import OpError

__all__ = ["fall_back", "is_tensor", "to_arrays", "to_tensors"]


def is_tensor(obj: Any) -> bool:
    return isinstance(obj, _C.Tensor)


def contains(obj: Any, condition: Any) -> bool:
    """Whether some tensor in nested arguments meets the condition."""
    if is_tensor(obj):
        return bool(condition(obj))
    if isinstance(obj, (list, tuple)):
        return any(contains(item, condition) for item in obj)
    if isinstance(obj, dict):
        return any(contains(item, condition) for item in obj.values())
    return False


def to_arrays(obj: Any) -> Any:
    """Every tensor as an array over its memory."""
    if is_tensor(obj):
        return obj.numpy()
    if isinstance(obj, (list, tuple)):
        items = [to_arrays(item) for item in obj]
        return type(obj)(*items) if hasattr(obj, "_fields") else type(obj)(items)
    if isinstance(obj, dict):
        return {key: to_arrays(value) for key, value in obj.items()}
    return obj


def to_tensors(obj: Any) -> Any:
    """Every array and NumPy scalar that has a tensor dtype as a tensor; all else as it is."""
    if isinstance(obj, (np.ndarray, np.generic)):
        try:
            if isinstance(obj, np.generic):
                return _C.from_numpy(np.array(obj))
            if any(step < 0 for step in obj.strides) or not obj.flags.writeable:
                obj = obj.copy()  # what NumPy made is the caller's own
            return _C._from_numpy(obj)
        except TypeError:
            return obj
    if isinstance(obj, tuple):
        items = [to_tensors(item) for item in obj]
        return type(obj)(*items) if hasattr(obj, "_fields") else tuple(items)
    if isinstance(obj, list):
        return [to_tensors(item) for item in obj]
    return obj


def fall_back(name: str, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The function of NumPy on arrays; an error where that would lose gradients without a word."""
    if _C.is_grad_enabled() and contains((args, kwargs), lambda t: t.requires_grad):
        raise OpError.of(
            name,
            "computed by NumPy, and gradients would be lost, for a tensor that requires grad",
            "requires_grad=True",
            "tensor.detach(), or the function of rustorch",
        )
    debug("%s: computed by NumPy on the memory of the tensors", name)
    args, kwargs = to_arrays(detached(args)), to_arrays(detached(kwargs))
    return to_tensors(function(*args, **kwargs))


def detached(obj: Any) -> Any:
    if is_tensor(obj):
        return obj.detach() if obj.requires_grad else obj
    if isinstance(obj, (list, tuple)) and not hasattr(obj, "_fields"):
        return type(obj)(detached(item) for item in obj)
    if isinstance(obj, dict):
        return {key: detached(value) for key, value in obj.items()}
    return obj
