"""Methods of Tensor about the memory under it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from rustorch import _C
from rustorch._storage import UntypedStorage, storage_of
from rustorch.errors import DTypeError, OpError

if TYPE_CHECKING:
    from rustorch.storage import TypedStorage

__all__ = ["values_in_storage"]

_set_to_tensor = _C.Tensor.set_


def untyped_storage(self: _C.Tensor) -> UntypedStorage:
    """The memory of this tensor, as bytes; its views have the same one.

    Follows `torch.Tensor.untyped_storage`.

    >>> import rustorch as rt
    >>> rt.ones(2, 3)[1].untyped_storage().nbytes()
    24
    """
    return storage_of(self)


def storage(self: _C.Tensor) -> TypedStorage:
    """The memory of this tensor, as numbers of its dtype; `untyped_storage` is preferred, as a warning says.

    Follows `torch.Tensor.storage`.
    """
    warnings.warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only "
        "storage class. To access UntypedStorage directly, use tensor.untyped_storage() instead of "
        "tensor.storage()",
        stacklevel=2,
    )
    from rustorch.storage import typed_storage_of

    return typed_storage_of(self)


def storage_type(self: _C.Tensor) -> Any:
    """The class of storages of this dtype, such as `rustorch.FloatStorage`.

    Follows `torch.Tensor.storage_type`.
    """
    from rustorch.storage import type_of

    return type_of(self.dtype)


def is_shared(self: _C.Tensor) -> bool:
    """Whether other processes see this memory; they never do.

    Follows `torch.Tensor.is_shared`.
    """
    return False


def values_in_storage(op: str, storage: Any, dtype: _C.dtype) -> _C.Tensor:
    """A storage as a vector: in its own dtype if it has one, which must be `dtype`, or else in `dtype`."""
    if isinstance(storage, UntypedStorage):
        return storage.as_tensor(dtype)
    if storage.dtype is not dtype:
        raise OpError.of(
            op, f"Expected a Storage of type {dtype} or an UntypedStorage", f"type {storage.dtype}"
        )
    values: _C.Tensor = storage.untyped().as_tensor(dtype)
    return values


def is_storage(obj: Any) -> bool:
    """Whether `obj` is a storage, with or without a dtype."""
    return isinstance(obj, UntypedStorage) or hasattr(type(obj), "_untyped_storage")


def _packed(sizes: tuple[int, ...]) -> tuple[int, ...]:
    steps, step = [], 1
    for size in reversed(sizes):
        steps.append(step)
        step *= max(size, 1)
    return tuple(reversed(steps))


def set_(
    self: _C.Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> _C.Tensor:
    """Uses the memory of a tensor or storage, or none; in place.

    Args:
        source: a tensor of this dtype, whose window is taken unless `size` is given; or a storage.
        storage_offset: where the window begins, in elements.
        size: its shape; by default all of a storage.
        stride: its steps; by default those of a contiguous tensor.

    Raises:
        RuntimeError: for another dtype or device, a window beyond the memory, and a tensor that requires
            grad.
        TypeError: for a source that is neither.

    Follows `torch.Tensor.set_`, but that memory does not grow.

    >>> import rustorch as rt
    >>> x = rt.arange(6)
    >>> rt.tensor([], dtype=rt.int64).set_(x.untyped_storage(), 1, (2, 2))
    tensor([[1, 2],
            [3, 4]])
    """
    if source is None:
        return _set_to_tensor(self)
    if isinstance(source, _C.Tensor) and size is None:
        return _set_to_tensor(self, source)
    if isinstance(source, _C.Tensor):
        bytes_of, room = storage_of(source), source
        if source.dtype is not self.dtype:
            raise OpError.of("set_", f"Expected a Tensor of type {self.dtype}", str(source.dtype))
    elif is_storage(source):
        room = values_in_storage("set_", source, self.dtype)
        bytes_of = source.untyped()
    else:
        raise DTypeError.of("set_", "expected a tensor or a storage", type(source).__name__)
    if room.device != self.device:
        raise OpError.of("set_", f"Expected memory on {self.device}", str(room.device), ".to()")
    shape = (bytes_of.nbytes() // self.element_size(),) if size is None else tuple(_C.Size(size))
    steps = _packed(shape) if stride is None else tuple(stride)
    reach = storage_offset + sum((n - 1) * s for n, s in zip(shape, steps)) + 1 if 0 not in shape else 0
    if reach * self.element_size() > bytes_of.nbytes() or storage_offset < 0:
        raise OpError.of(
            "set_",
            f"setStorage: sizes {list(shape)}, strides {list(steps)}, storage offset {storage_offset} "
            f"requiring a storage size of {reach * self.element_size()} are out of bounds for storage of "
            f"size {bytes_of.nbytes()}",
        )
    return _set_to_tensor(self, _C._tensor_over(bytes_of.bytes, self.dtype, shape, steps, storage_offset))


def install() -> None:
    """Hangs the functions of this file on the type; called once by the package."""
    for method in (untyped_storage, storage, storage_type, is_shared, set_):
        method.__qualname__ = f"Tensor.{method.__name__}"
        setattr(_C.Tensor, method.__name__, method)
