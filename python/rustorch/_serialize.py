"""Pickling and copying of tensors, so that what views share stays shared."""

from __future__ import annotations

import weakref
from typing import Any

from rustorch import _C
from rustorch.errors import OpError

__all__ = ["deepcopy_tensor", "reduce_tensor"]


class StorageHandle:
    """The memory of one or more tensors as one object, so that pickle and deepcopy meet it once."""

    __slots__ = ("__weakref__", "bytes")

    def __init__(self, data: _C.Tensor) -> None:
        self.bytes = data

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        device = str(self.bytes.device)
        data = memoryview(self.bytes if device == "cpu" else self.bytes.to("cpu"))
        if protocol < 5:
            return restore_storage, (bytes(data), device)
        import pickle

        # Out of band if the pickler was given a place for buffers.
        return restore_storage, (pickle.PickleBuffer(data), device)


# By the storage's identity, which is not used twice while a handle keeps its storage alive.
_handles: weakref.WeakValueDictionary[int, StorageHandle] = weakref.WeakValueDictionary()


def storage_handle(tensor: _C.Tensor) -> StorageHandle:
    key = _C._storage_id(tensor)
    handle = _handles.get(key)
    if handle is None:
        handle = _handles[key] = StorageHandle(_C._storage_bytes(tensor))
    return handle


def restore_storage(data: Any, device: str) -> StorageHandle:
    """The memory with these bytes, copied: what pickle hands over may be read-only or shared."""
    view = memoryview(data)
    if view.nbytes == 0:
        return StorageHandle(_C.namespaces()["rt"]["empty"](0, dtype=_C.uint8, device=device))
    copied = _C._frombuffer(view, _C.uint8, -1, 0).clone()
    return StorageHandle(copied if device == "cpu" else copied.to(device))


def restore_tensor(
    cls: type[_C.Tensor],
    storage: StorageHandle,
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
    return restore_tensor, (type(self), storage_handle(self), *window, attributes)


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
    handle = storage_handle(self)
    fresh = memo.get(id(handle))
    if fresh is None:
        fresh = memo[id(handle)] = StorageHandle(handle.bytes.clone())
        memo.setdefault(id(memo), []).append(handle)  # ids in a memo must stay taken
    stride, offset = _C._geometry(self)
    window = (self.dtype, tuple(self.shape), stride, offset, self.requires_grad)
    result = memo[id(self)] = restore_tensor(type(self), fresh, *window, {})
    if self.grad is not None:
        result.grad = copy.deepcopy(self.grad, memo)
    for name, value in getattr(self, "__dict__", {}).items():
        setattr(result, name, copy.deepcopy(value, memo))
    return result
