"""Module-level functions that are Python rather than ops."""

from __future__ import annotations

from typing import Any

from rustorch import _C

__all__ = ["is_tensor", "tensor"]


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> _C.Tensor:
    """A new tensor with the values of numbers, nested sequences, an array or another tensor (copied).

    >>> import rustorch as rt
    >>> rt.tensor([[1, 2], [3, 4]]).shape
    rustorch.Size([2, 2])
    """
    result = _C._tensor_from_data(data, dtype)
    if requires_grad:
        result.requires_grad = True
    return result


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, _C.Tensor)
