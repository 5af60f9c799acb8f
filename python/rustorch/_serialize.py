"""Pickling and copying of tensors, so that what views share stays shared."""

from __future__ import annotations

from typing import Any

from rustorch import _C
from rustorch._storage import UntypedStorage, storage_of
from rustorch.errors import OpError

__all__ = ["deepcopy_tensor", "reduce_tensor"]


def restore_tensor(
    cls: type[_C.Tensor],
    storage: UntypedStorage,
    dtype: _C.dtype,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    offset: int,
    requires_grad: bool,
    attributes: dict[str, Any],
) -> _C.Tensor:
    tensor = _C._tensor_over(storage.bytes, dtype, size, stride, offset)
    if cls is not _C.Tensor:
        tensor = _C.Tensor.__new__(cls, tensor)
    if requires_grad:
        tensor.requires_grad = True
    for name, value in attributes.items():
        setattr(tensor, name, value)
    return tensor


def reduce_tensor(self: _C.Tensor, protocol: Any) -> tuple[Any, ...]:
    """Of ``__reduce_ex__``: the storage, and the window that the tensor is on it."""
    stride, offset = _C._geometry(self)
    attributes = dict(getattr(self, "__dict__", {}))
    window = (self.dtype, tuple(self.shape), stride, offset, self.requires_grad)
    return restore_tensor, (type(self), storage_of(self), *window, attributes)


def deepcopy_tensor(self: _C.Tensor, memo: dict[int, Any]) -> _C.Tensor:
    """Of ``__deepcopy__``: a leaf with memory of its own; tensors copied together share what they shared."""
    import copy

    if id(self) in memo:
        found: _C.Tensor = memo[id(self)]
        return found
    if not self.is_leaf:
        raise OpError.of(
            "deepcopy",
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at "
            "the moment",
            f"a result of {self.grad_fn.name()}",
            ".detach() first",
        )
    handle = storage_of(self)
    fresh = memo.get(id(handle))
    if fresh is None:
        fresh = memo[id(handle)] = handle.clone()
        memo.setdefault(id(memo), []).append(handle)  # ids in a memo must stay taken
    stride, offset = _C._geometry(self)
    window = (self.dtype, tuple(self.shape), stride, offset, self.requires_grad)
    result = memo[id(self)] = restore_tensor(type(self), fresh, *window, {})
    if self.grad is not None:
        result.grad = copy.deepcopy(self.grad, memo)
    for name, value in getattr(self, "__dict__", {}).items():
        setattr(result, name, copy.deepcopy(value, memo))
    return result
