"""Methods of Tensor that are Python rather than ops: text, numbers, other libraries, pickling."""

from __future__ import annotations

from typing import Any

from rustorch import _C
from rustorch._printing import tensor_text
from rustorch._serialize import deepcopy_tensor, reduce_tensor
from rustorch._typed_tensors import made_of
from rustorch.errors import ArgumentError, DTypeError, OpError

__all__: list[str] = []

Tensor = _C.Tensor


def describe(tensor: _C.Tensor) -> str:
    """As error messages name a tensor: "float32[2, 3]"."""
    return f"{str(tensor.dtype).partition('.')[2]}{list(tensor.shape)}"


# ---- Text and numbers ----


def __repr__(self: _C.Tensor, *, tensor_contents: str | None = None) -> str:
    plain = type(self) is Tensor or type(self).__name__ == "Parameter"
    name = "tensor" if plain else type(self).__name__
    return tensor_text(self, name) if tensor_contents is None else f"{name}({tensor_contents})"


def __format__(self: _C.Tensor, spec: str) -> str:
    if self.ndim == 0 and type(self) is Tensor:
        return format(_C._printed_values(self, -1), spec)
    return object.__format__(self, spec)


def __complex__(self: _C.Tensor) -> complex:
    if self.dtype.is_complex:
        values = _C._printed_values(self, -1)
        while isinstance(values, list) and len(values) == 1:
            values = values[0]
        if not isinstance(values, list):
            return complex(values)
    return complex(float(self))


def __round__(self: _C.Tensor, ndigits: int | None = None) -> _C.Tensor:
    return self.round(decimals=ndigits or 0)


def __contains__(self: _C.Tensor, item: Any) -> bool:
    if isinstance(item, (Tensor, bool, int, float, complex)) or type(item).__module__ == "numpy":
        return bool((self == item).any())
    raise OpError.of(
        "contains",
        f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(item)}.",
        type(item).__name__,
    )


def __reversed__(self: _C.Tensor) -> _C.Tensor:
    return self if self.ndim == 0 else self.flip(0)


# ---- NumPy ----


def _check_shareable(self: _C.Tensor, op: str) -> None:
    if self.requires_grad:
        raise OpError.of(
            op,
            "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.",
            describe(self),
            ".detach()",
        )
    if self.device.type != "cpu":
        raise DTypeError.of(
            op,
            f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor "
            "to host memory first.",
            describe(self),
            ".cpu()",
        )
    if self.dtype is _C.bfloat16:
        raise DTypeError.of(
            op, "Got unsupported ScalarType BFloat16: NumPy has no bfloat16", describe(self), ".float()"
        )


def numpy(self: _C.Tensor, *, force: bool = False) -> Any:
    """The NumPy array over the tensor's memory: writes through either are seen by both.

    Args:
        force: also for tensors that require grad or live on another device, which are detached and copied.

    Raises:
        RuntimeError: if the tensor requires grad.
        TypeError: on another device, and for bfloat16, which NumPy does not have.

    Follows `torch.Tensor.numpy`.

    >>> import rustorch as rt
    >>> rt.tensor([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    import numpy as np

    if force and (self.requires_grad or self.device.type != "cpu"):
        self = self.detach().to("cpu")
    _check_shareable(self, "numpy")
    return np.asarray(self)


def __array__(self: _C.Tensor, dtype: Any = None, copy: bool | None = None) -> Any:
    import numpy as np

    _check_shareable(self, "__array__")
    array = np.asarray(self)
    if dtype is not None and array.dtype != dtype:
        if copy is False:
            raise ArgumentError.of(
                "__array__",
                "Unable to avoid copy while creating an array as requested",
                f"dtype {dtype}",
                "copy=None",
            )
        return array.astype(dtype)
    return array.copy() if copy else array


def _array_interface(self: _C.Tensor) -> dict[str, Any]:
    """The tensor's memory, by version 3 of NumPy's array interface."""
    try:
        view = memoryview(self)
    except BufferError as error:
        raise AttributeError(f"__array_interface__: {error}") from None
    item = view.itemsize
    kind = "b" if self.dtype is _C.bool else "u" if self.dtype is _C.uint8 else "i"
    if self.dtype.is_floating_point or self.dtype.is_complex:
        kind = "c" if self.dtype.is_complex else "f"
    import sys

    _C._keep_in_place(self)
    order = "|" if item == 1 else "<" if sys.byteorder == "little" else ">"
    return {
        "version": 3,
        "typestr": f"{order}{kind}{item}",
        "shape": tuple(self.shape),
        "strides": tuple(view.strides or ()),
        "data": (_C._data_pointer(self), view.readonly),
    }


def __array_ufunc__(self: _C.Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    from rustorch._numpy.ufuncs import call

    return call(ufunc, method, inputs, kwargs)


def __array_function__(self: _C.Tensor, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
    from rustorch._numpy.functions import call

    return call(func, args, kwargs)


# ---- DLPack ----


def __dlpack_device__(self: _C.Tensor) -> tuple[int, int]:
    kind, index = _C._dlpack_device(self)
    return kind, index


def __dlpack__(
    self: _C.Tensor,
    *,
    stream: Any = None,
    max_version: tuple[int, int] | None = None,
    dl_device: tuple[int, int] | None = None,
    copy: bool | None = None,
) -> Any:
    """A DLPack capsule over the tensor's memory (a copy's, if asked for).

    Raises:
        BufferError: if the tensor requires grad, if it is read-only and the consumer is of DLPack before 1.0,
            if it had to be copied to another device with ``copy=False``, or for stream 0 of CUDA.

    On CUDA, `stream` is the one that the consumer works on: None or 1 for the default stream, 2 for that of
    each thread, -1 for no synchronisation, or a handle. That stream waits for what is queued here, and the
    memory goes to no other tensor before the consumer's work is done.

    Follows the Python array API standard.
    """
    if self.requires_grad:
        raise BufferError("dlpack: Can't export tensors that require gradient, use tensor.detach()")
    on_host = self.device.type == "cpu" and stream != -1
    if stream is not None and (type(stream) is not int or on_host):
        raise DTypeError.of("dlpack", "stream must be an int, and None or -1 on the CPU", repr(stream))
    tensor = self
    if dl_device is not None and tuple(dl_device) != __dlpack_device__(self):
        if copy is False:
            raise BufferError(
                f"dlpack: the tensor is on {self.device}; got dl_device={dl_device} and copy=False"
            )
        if tuple(dl_device) != (1, 0):
            raise BufferError(
                f"dlpack: cannot export to another device than the host; got dl_device={dl_device}"
            )
        tensor = self.to("cpu")
    elif copy:
        tensor = self.clone()
    if tensor.device.type == "cuda":
        from rustorch._device_memory import export_to_stream

        export_to_stream(tensor, stream)
    elif tensor.device.type != "cpu":
        _C._synchronize(tensor.device)  # whoever takes it sees host memory
    versioned = max_version is not None and max_version[0] >= 1
    return _C._to_dlpack(tensor, versioned, tensor is not self)


# ---- Other devices; functions of Python on each element ----


def cuda(
    self: _C.Tensor, device: Any = None, non_blocking: bool = False, memory_format: str = "preserve_format"
) -> _C.Tensor:
    """This tensor on an NVIDIA GPU: itself if it is there, else a copy.

    Args:
        device: an index or a device of type ``cuda``; the first GPU if it is not given.

    Raises:
        RuntimeError: if there is no such device, or it is of another type.

    Follows `torch.Tensor.cuda`.
    """
    target = _C.device("cuda", device) if isinstance(device, int) else _C.device(device or "cuda")
    if target.type != "cuda":
        raise OpError.of("cuda", "expected a device of type cuda", str(target), "to()")
    return self.to(target, non_blocking=non_blocking, memory_format=memory_format)


def new(self: _C.Tensor, *args: Any, size: Any = None, device: Any = None) -> _C.Tensor:
    """A tensor of this one's dtype and device: uninitialised of the sizes given, or of the data given.

    A storage as data is taken as memory, without a copy.

    The older form of `new_empty` and `new_tensor`. Follows `torch.Tensor.new`.

    >>> import rustorch as rt
    >>> rt.ones(1, dtype=rt.int64).new([1, 2])
    tensor([1, 2])
    """
    sizes = args if size is None else (_C.Size(size),)
    return made_of(self.dtype, self.device, device, sizes)


def _check_writable_by_python(op: str, *tensors: _C.Tensor) -> None:
    for tensor in tensors:
        if tensor.device.type != "cpu":
            raise DTypeError.of(
                op, f"{op} is only implemented on CPU tensors", str(tensor.device), "Tensor.cpu()"
            )
        if tensor.requires_grad:
            raise OpError.of(
                op, f"Can't call {op}() on a tensor that requires grad", describe(tensor), f"detach().{op}()"
            )


def apply_(self: _C.Tensor, callable: Any) -> _C.Tensor:
    """Replaces each element by `callable` of it, a Python number. Slow: for what no op can do.

    Raises:
        TypeError: for tensors that are not on the CPU.
        RuntimeError: for tensors that require grad.

    Follows `torch.Tensor.apply_`.

    >>> import rustorch as rt
    >>> rt.tensor([1, 2]).apply_(lambda x: x * x)
    tensor([1, 4])
    """
    _check_writable_by_python("apply_", self)
    values = [callable(x) for x in self.reshape(-1).tolist()]
    return self.copy_(self.new_tensor(values).reshape(self.shape))


def map_(self: _C.Tensor, tensor: _C.Tensor, callable: Any) -> _C.Tensor:
    """Replaces each element by `callable` of it and of the element of `tensor`, which is broadcast.

    Raises as `apply_`. Follows `torch.Tensor.map_`.

    >>> import rustorch as rt
    >>> rt.tensor([1, 2]).map_(rt.tensor([3, 4]), max)
    tensor([3, 4])
    """
    _check_writable_by_python("map_", self, tensor)
    pairs = zip(self.reshape(-1).tolist(), tensor.expand(self.shape).reshape(-1).tolist())
    values = [callable(x, y) for x, y in pairs]
    return self.copy_(self.new_tensor(values).reshape(self.shape))


def map2_(self: _C.Tensor, x: _C.Tensor, y: _C.Tensor, callable: Any) -> _C.Tensor:
    """Replaces each element by `callable` of it and of the elements of `x` and `y`, which are broadcast.

    Raises as `apply_`. Follows `torch.Tensor.map2_`.

    >>> import rustorch as rt
    >>> rt.tensor([1, 2]).map2_(rt.tensor([3, 4]), rt.tensor(1), lambda a, b, c: a + b - c)
    tensor([3, 5])
    """
    _check_writable_by_python("map2_", self, x, y)
    columns = [t.expand(self.shape).reshape(-1).tolist() for t in (self, x, y)]
    values = [callable(*row) for row in zip(*columns)]
    return self.copy_(self.new_tensor(values).reshape(self.shape))


# ---- Memory, pickling and copying ----


def _is_view(self: _C.Tensor) -> bool:
    """Whether the tensor is a view of another, its ``_base``."""
    return self._base is not None


def __reduce_ex__(self: _C.Tensor, protocol: Any) -> tuple[Any, ...]:
    return reduce_tensor(self, protocol)


def __deepcopy__(self: _C.Tensor, memo: dict[int, Any]) -> _C.Tensor:
    return deepcopy_tensor(self, memo)


def install() -> None:
    """Hangs the functions of this file on the type; called once by the package."""
    for method in (
        __repr__, __format__, __complex__, __round__, __contains__, __reversed__, numpy, __array__,
        __array_ufunc__, __array_function__, __dlpack_device__, __dlpack__, __reduce_ex__, __deepcopy__,
        _is_view, cuda, apply_, map_, map2_, new,
    ):  # fmt: skip
        method.__qualname__ = f"Tensor.{method.__name__}"
        setattr(Tensor, method.__name__, method)
    # Python 2's names, which code written for PyTorch still calls by name.
    for older, newer in (
        ("__div__", "__truediv__"), ("__rdiv__", "__rtruediv__"), ("__idiv__", "__itruediv__"),
        ("__nonzero__", "__bool__"), ("__long__", "__int__"),
    ):  # fmt: skip
        setattr(Tensor, older, getattr(Tensor, newer))
    Tensor.__array_interface__ = property(_array_interface)
    # Above ndarray's and np.matrix's: results of mixed expressions are tensors.
    Tensor.__array_priority__ = 1000
