"""Module-level functions that are Python rather than ops: tensors from data and from other libraries."""

from __future__ import annotations

import warnings
from typing import Any

from rustorch import _C
from rustorch._storage_methods import is_storage, values_in_storage
from rustorch.errors import OpError

__all__ = ["as_tensor", "asarray", "detach", "from_dlpack", "frombuffer", "is_tensor", "tensor"]


def _is_array(obj: Any) -> bool:
    return any(cls.__module__ == "numpy" and cls.__name__ == "ndarray" for cls in type(obj).__mro__)


def _is_numpy_scalar(obj: Any) -> bool:
    return any(cls.__module__ == "numpy" and cls.__name__ == "generic" for cls in type(obj).__mro__)


def _array_of(obj: Any) -> Any:
    """The NumPy array an object offers (a pandas column, an image), or the object itself."""
    if isinstance(obj, (_C.Tensor, list, tuple, int, float, complex)) or _is_array(obj):
        return obj
    if hasattr(obj, "__array__") or hasattr(obj, "__array_interface__"):
        import numpy as np

        array = np.asarray(obj)
        return array if array.ndim else array[()]
    return obj


def _is_cuda_array(obj: Any) -> bool:
    plain = isinstance(obj, (_C.Tensor, list, tuple, int, float, complex))
    return not plain and hasattr(obj, "__cuda_array_interface__")


def _of_cuda_array(obj: Any) -> _C.Tensor:
    from rustorch._device_memory import from_cuda_array

    # DLPack, where there is a choice: it tells streams apart.
    return from_dlpack(obj) if hasattr(obj, "__dlpack__") else from_cuda_array(obj)


def tensor(
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> _C.Tensor:
    """A new tensor with the values of numbers, nested sequences, an array or another tensor (copied).

    Args:
        data: a number, nested sequences of equal lengths, a NumPy array, a tensor, or a storage.
        dtype: of the result; by default bool, int64, the default float dtype or its complex partner, or the
            dtype of the array or tensor.
        device: of the result; by default that of the tensor, or the default device (`set_default_device`).
        requires_grad: whether gradients are to be computed for it.
        pin_memory: whether it is to lie in page-locked memory (`Tensor.pin_memory`), which takes a GPU.

    Raises:
        ValueError: for ragged sequences.
        TypeError: for values that are no numbers.
        RuntimeError: for integers that do not fit in the dtype.

    Follows `torch.tensor`.

    >>> import rustorch as rt
    >>> rt.tensor([[1, 2], [3, 4]]).shape
    rustorch.Size([2, 2])
    """
    if _is_cuda_array(data):
        result = _of_cuda_array(data).clone()
        result = result if dtype is None else result.to(dtype)
        device = result.device if device is None else device
    elif is_storage(data):
        result = values_in_storage("tensor", data, dtype or getattr(data, "dtype", _C.uint8)).clone()
        device = result.device if device is None else device
    else:
        result = _C._tensor_from_data(_array_of(data), dtype)
    if device is None:
        device = data.device if isinstance(data, _C.Tensor) else _C._get_default_device()
    if device is not None and _C.device(device) != result.device:
        result = result.to(device)
    if pin_memory:
        result = result.pin_memory()
    if requires_grad:
        result.requires_grad = True
    return result


def is_tensor(obj: Any) -> bool:
    """Whether `obj` is a tensor.

    >>> import rustorch as rt
    >>> rt.is_tensor([1, 2])
    False
    """
    return isinstance(obj, _C.Tensor)


def _converted(shared: _C.Tensor, dtype: Any, device: Any) -> _C.Tensor:
    options = {k: v for k, v in (("dtype", dtype), ("device", device)) if v is not None}
    return shared.to(**options) if options else shared


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> _C.Tensor:
    """A tensor with the values of `data`, without a copy where that is possible.

    A tensor comes back as it is, and keeps its history; the memory of a NumPy array is shared, and that of an
    object with ``__cuda_array_interface__``. Other data, and data of another dtype or device, is copied.
    Follows `torch.as_tensor`.

    >>> import rustorch as rt
    >>> import numpy as np
    >>> array = np.zeros(2)
    >>> rt.as_tensor(array)[0] = 5
    >>> array
    array([5., 0.])
    """
    if _is_cuda_array(data):
        return _converted(_of_cuda_array(data), dtype, device)
    data = _array_of(data)
    if isinstance(data, _C.Tensor):
        return _converted(data, dtype, device)
    if _is_array(data):
        return _converted(_C.from_numpy(data), dtype, device or _C._get_default_device())
    return tensor(data, dtype=dtype, device=device)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> _C.Tensor:
    """A tensor from a tensor, a NumPy array or scalar, a DLPack exporter, a buffer, or nested sequences.

    Args:
        obj: tried in that order.
        dtype: of the result; a buffer's default is the default dtype.
        device: of the result.
        copy: True always copies, False never does, None shares memory where that is possible.
        requires_grad: whether gradients are to be computed; by default as `obj` has it.

    Raises:
        ValueError: if ``copy=False`` and memory cannot be shared.
        RuntimeError: if ``copy=False`` and `obj` is a NumPy scalar, which has no memory of its own.

    Follows `torch.asarray`.

    >>> import rustorch as rt
    >>> rt.asarray(bytearray([1, 2, 3]), dtype=rt.uint8)
    tensor([1, 2, 3], dtype=rustorch.uint8)
    """
    if copy is False and _is_numpy_scalar(obj):
        raise OpError.of("asarray", "can't alias NumPy scalars", repr(obj), "copy=None, or np.asarray(...)")
    shared = _share(obj, dtype)
    if shared is None:
        if copy is False:
            raise ValueError(
                "asarray: can't alias arbitrary sequence into a tensor; got copy=False; try copy=None"
            )
        return tensor(obj, dtype=dtype, device=device, requires_grad=bool(requires_grad))
    wants_grad = shared.requires_grad if requires_grad is None else requires_grad
    if device is None and not isinstance(obj, _C.Tensor):
        device = _C._get_default_device()
    result = _converted(shared, dtype, device)
    if result is not shared and copy is False:
        what = (
            f"dtype '{shared.dtype}' into dtype '{dtype}'"
            if dtype is not None
            else f"device '{shared.device}'"
        )
        raise ValueError(f"asarray: can't alias tensor with {what}; got copy=False; try copy=None")
    if copy and result is shared:
        result = shared.clone()
    if not wants_grad and result.requires_grad:
        result = result.detach()
    elif wants_grad and not result.requires_grad:
        result = result.detach() if result is obj else result
        result.requires_grad = True
    return result


def _share(obj: Any, dtype: Any) -> _C.Tensor | None:
    """A tensor over the memory of `obj`, or None if it has none that can be shared."""
    if isinstance(obj, _C.Tensor):
        return obj
    if _is_cuda_array(obj):
        return _of_cuda_array(obj)
    obj = _array_of(obj)
    if _is_array(obj):
        return _C.from_numpy(obj)
    if hasattr(obj, "__dlpack__"):
        return from_dlpack(obj)
    if _is_numpy_scalar(obj):  # it has a buffer too, which says nothing of its dtype
        return None
    try:
        memoryview(obj)
    except TypeError:
        return None
    return frombuffer(obj, dtype=dtype if dtype is not None else _C.get_default_dtype())


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> _C.Tensor:
    """A one-dimensional tensor over the memory of any object with Python's buffer protocol.

    Args:
        buffer: such as bytes, a bytearray, an array.array or an mmap; it stays alive with the tensor. If it
            is read-only, the tensor refuses in-place writes, and a warning says so.
        dtype: how the bytes are read.
        count: elements to read; -1 takes all.
        offset: bytes to skip at the start.
        requires_grad: whether gradients are to be computed.

    Raises:
        ValueError: if the buffer is empty or too short, not a multiple of the element size, or not aligned.

    Follows `torch.frombuffer`.

    >>> import rustorch as rt
    >>> rt.frombuffer(bytearray(b"\\x01\\x00\\x02\\x00"), dtype=rt.int16)
    tensor([1, 2], dtype=rustorch.int16)
    """
    result = _C._frombuffer(buffer, dtype, count, offset)
    if memoryview(buffer).readonly:
        warnings.warn(
            "frombuffer: The given buffer is not writable, so its tensor is non-writable too: to write to it "
            "in place is an error; try a bytearray",
            stacklevel=2,
        )
    if requires_grad:
        result.requires_grad = True
    return result


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> _C.Tensor:
    """A tensor over the memory of another library's, through DLPack.

    Args:
        ext_tensor: an object with ``__dlpack__``, or a DLPack capsule.
        device: where the result is to be; by default where it is.
        copy: True always copies, False never does, None only if it must.

    Raises:
        RuntimeError: for dtypes or devices without a counterpart, and for a capsule that was consumed.
        ValueError: for negative strides.

    Memory that its owner marks read-only gives a tensor that refuses in-place writes. Follows
    `torch.from_dlpack` and the Python array API standard.

    >>> import rustorch as rt
    >>> import numpy as np
    >>> rt.from_dlpack(np.arange(3))
    tensor([0, 1, 2])
    """
    if not hasattr(ext_tensor, "__dlpack__"):
        result = _C._from_dlpack(ext_tensor)
        return _finish_dlpack(result, device, copy)
    options: dict[str, Any] = {"max_version": (1, 0)}
    if copy is not None:
        options["copy"] = copy
    kind = ext_tensor.__dlpack_device__()[0] if hasattr(ext_tensor, "__dlpack_device__") else 1
    if kind == 2:
        # The stream that will use the memory: its maker lets it wait for what it has queued.
        where = _C.device("cuda", int(ext_tensor.__dlpack_device__()[1]))
        options["stream"] = _C._stream_current(where) or 1
    elif kind not in (1, 3):
        options["stream"] = None
    try:
        capsule = ext_tensor.__dlpack__(**options)
        copy = None if copy else copy  # made already
    except TypeError:
        # An exporter from before version 1.0 knows neither argument.
        capsule = ext_tensor.__dlpack__()
    return _finish_dlpack(_C._from_dlpack(capsule), device, copy)


def _finish_dlpack(result: _C.Tensor, device: Any, copy: bool | None) -> _C.Tensor:
    if device is not None and _C.device(device) != result.device:
        if copy is False:
            raise ValueError(
                f"from_dlpack: the data is on {result.device}; got device={device} and copy=False"
            )
        return result.to(device)
    return result.clone() if copy else result


def detach(input: _C.Tensor) -> _C.Tensor:
    """The same memory without history.

    Follows `torch.detach`.

    >>> import rustorch as rt
    >>> rt.detach(rt.ones(1, requires_grad=True)).requires_grad
    False
    """
    return _C._detach(input)
