"""Storages with a dtype, as earlier versions of PyTorch had them: `TypedStorage`, `FloatStorage` and others.

A tensor's memory is an `UntypedStorage`; these read it as numbers.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from typing import Any

from rustorch import _C
from rustorch._storage import UntypedStorage, storage_of
from rustorch.errors import DTypeError, OpError

__all__ = [
    "BFloat16Storage",
    "BoolStorage",
    "ByteStorage",
    "CharStorage",
    "ComplexDoubleStorage",
    "ComplexFloatStorage",
    "DoubleStorage",
    "FloatStorage",
    "HalfStorage",
    "IntStorage",
    "LongStorage",
    "ShortStorage",
    "TypedStorage",
    "UntypedStorage",
]


def _values_of(data: Any, dtype: _C.dtype, device: Any) -> _C.Tensor:
    from rustorch import empty, tensor

    if data is None or isinstance(data, int):
        return empty(data or 0, dtype=dtype, device=device)
    if isinstance(data, (_C.Tensor, str)):
        raise DTypeError.of(
            "TypedStorage", "Argument type not recognized", type(data).__name__, "a size or a sequence"
        )
    return tensor(list(data), dtype=dtype, device=device)


class TypedStorage:
    """The memory of tensors, as numbers of one dtype.

    Args:
        data: a size, or a sequence of numbers; nothing for an empty storage.
        wrap_storage: an `UntypedStorage` to read, instead of `data`.
        dtype: of the numbers; the default dtype if it is not given, needed with `wrap_storage`.
        device: where new memory is to be.

    Raises:
        RuntimeError: for arguments that exclude each other.
        TypeError: for data of another type.

    Follows `torch.TypedStorage`, which `Tensor.untyped_storage` has replaced.

    >>> import rustorch as rt
    >>> storage = rt.TypedStorage([1, 2], dtype=rt.int16)
    >>> storage[1], storage.nbytes(), storage.float().tolist()
    (2, 4, [1.0, 2.0])
    """

    dtype: _C.dtype

    def __init__(
        self, data: Any = None, *, wrap_storage: Any = None, dtype: Any = None, device: Any = None
    ) -> None:
        if wrap_storage is None:
            self.dtype = _C.get_default_dtype() if dtype is None else dtype
            self._values = _values_of(data, self.dtype, device)
            return
        if data is not None:
            raise OpError.of("TypedStorage", "No positional arguments should be given with 'wrap_storage'")
        if dtype is None:
            raise OpError.of("TypedStorage", "Argument 'dtype' must be specified with 'wrap_storage'")
        if device is not None:
            raise OpError.of("TypedStorage", "Argument 'device' should not be given with 'wrap_storage'")
        if not isinstance(wrap_storage, UntypedStorage):
            raise DTypeError.of(
                "TypedStorage", "Argument 'wrap_storage' must be UntypedStorage", type(wrap_storage).__name__
            )
        self.dtype = dtype
        self._values = wrap_storage.as_tensor(dtype)

    @property
    def _untyped_storage(self) -> UntypedStorage:
        return storage_of(self._values)

    @property
    def _cdata(self) -> int:
        return self._untyped_storage._cdata

    @property
    def device(self) -> _C.device:
        """Where the memory is."""
        return self._values.device

    @property
    def is_cuda(self) -> bool:
        """Whether it is on an NVIDIA GPU."""
        return self.device.type == "cuda"

    def untyped(self) -> UntypedStorage:
        """The same memory, as bytes."""
        return self._untyped_storage

    def size(self) -> int:
        """How many numbers there are."""
        return int(self._values.numel())

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._untyped_storage.nbytes()

    def element_size(self) -> int:
        """The size of a number in bytes."""
        return int(self._values.element_size())

    def data_ptr(self) -> int:
        """The address of the first number."""
        return self._untyped_storage.data_ptr()

    def resizable(self) -> bool:
        """Whether tensors may exchange the memory for larger (`Tensor.resize_`)."""
        return self._untyped_storage.resizable()

    def is_shared(self) -> bool:
        """Whether other processes see this memory; they never do."""
        return False

    def get_device(self) -> int:
        """The index of the device, -1 for the CPU."""
        return int(self._values.get_device())

    def tolist(self) -> list[Any]:
        """The numbers as a list."""
        values: list[Any] = self._values.tolist()
        return values

    def clone(self) -> TypedStorage:
        """A copy."""
        return _reading(self._values.clone())

    def copy_(self, source: TypedStorage, non_blocking: bool = False) -> TypedStorage:
        """Takes the numbers of another storage of the same size."""
        self._values.copy_(source._values)
        return self

    def fill_(self, value: Any) -> TypedStorage:
        """Sets every number."""
        self._values.fill_(value)
        return self

    def cpu(self) -> TypedStorage:
        """This storage if it is host memory, or else a copy there."""
        return self.to("cpu")

    def to(self, device: Any) -> TypedStorage:
        """This storage if it is on that device, or else a copy there."""
        moved = self._values.to(device)
        return self if moved is self._values else _reading(moved)

    def type(self, dtype: Any = None) -> Any:
        """The name of the storage's type, or the numbers in another dtype."""
        if dtype is None:
            return f"rustorch.{_name_of(self.dtype)}"
        return self._as(dtype)

    def _as(self, dtype: _C.dtype) -> TypedStorage:
        return self if dtype is self.dtype else _reading(self._values.to(dtype))

    def float(self) -> TypedStorage:
        """As float32."""
        return self._as(_C.float32)

    def double(self) -> TypedStorage:
        """As float64."""
        return self._as(_C.float64)

    def half(self) -> TypedStorage:
        """As float16."""
        return self._as(_C.float16)

    def bfloat16(self) -> TypedStorage:
        """As bfloat16."""
        return self._as(_C.bfloat16)

    def long(self) -> TypedStorage:
        """As int64."""
        return self._as(_C.int64)

    def int(self) -> TypedStorage:
        """As int32."""
        return self._as(_C.int32)

    def short(self) -> TypedStorage:
        """As int16."""
        return self._as(_C.int16)

    def char(self) -> TypedStorage:
        """As int8."""
        return self._as(_C.int8)

    def byte(self) -> TypedStorage:
        """As uint8."""
        return self._as(_C.uint8)

    def bool(self) -> TypedStorage:
        """As bool."""
        return self._as(_C.bool)

    def complex_float(self) -> TypedStorage:
        """As complex64."""
        return self._as(_C.complex64)

    def complex_double(self) -> TypedStorage:
        """As complex128."""
        return self._as(_C.complex128)

    @classmethod
    def from_buffer(cls, buffer: Any, byte_order: str = "native", *, dtype: Any = None) -> Any:
        """The numbers in any object with Python's buffer protocol, copied.

        Args:
            buffer: such as bytes.
            byte_order: "native", "little" or "big".
            dtype: of the numbers; that of the class, if it is a `FloatStorage` or another with one.

        Raises:
            ValueError: for another byte order, or a buffer that holds no whole number of them.
        """
        from rustorch._tensor_api import frombuffer
        from rustorch.errors import ArgumentError

        dtype = getattr(cls, "dtype", None) if dtype is None else dtype
        if byte_order not in ("native", "little", "big"):
            raise ArgumentError.of("from_buffer", "unknown byte order", repr(byte_order), "'little' or 'big'")
        data = frombuffer(bytearray(buffer), dtype=_C.uint8)
        if dtype is _C.bool:
            return cls._over(data != 0)
        if byte_order not in ("native", sys.byteorder):
            storage_of(data).byteswap(dtype)
        return cls._over(data.view(dtype))

    @classmethod
    def from_file(cls, filename: Any, shared: builtins.bool = False, size: builtins.int = 0) -> Any:
        """The first `size` numbers in a file, mapped into memory as `rustorch.from_file` does it.

        Raises:
            TypeError: for a class without a dtype of its own.
            RuntimeError: for a negative size, or a file that is too short and not shared.
        """
        from rustorch._mapped_files import from_file

        dtype = getattr(cls, "dtype", None)
        if dtype is None:
            raise DTypeError.of("from_file", "the class has no dtype", cls.__name__, "FloatStorage.from_file")
        return cls._over(from_file(filename, shared, size, dtype=dtype))

    @classmethod
    def _over(cls, values: _C.Tensor) -> Any:
        """A storage over the memory of a vector."""
        made = cls.__new__(cls)
        made.dtype = values.dtype
        made._values = values
        return made

    def __len__(self) -> builtins.int:
        return int(self._values.numel())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise OpError.of(
                "getitem", "slices are only supported in UntypedStorage.__getitem__", "a slice", ".untyped()"
            )
        return self._values[index].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, (slice, builtins.int)):
            raise OpError.of("setitem", f"can't index a {type(self)} with {type(index)}")
        self._values[index] = value

    def __eq__(self, other: Any) -> Any:
        if not isinstance(other, TypedStorage):
            return NotImplemented
        return self.dtype is other.dtype and self.tolist() == other.tolist()

    __hash__ = object.__hash__

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict[Any, Any]) -> Any:
        import copy

        return type(self)._over(copy.deepcopy(self._values, memo))

    def __reduce__(self) -> Any:
        return _restore, (type(self), self._values)

    def __sizeof__(self) -> builtins.int:
        return object.__sizeof__(self) + self.nbytes()

    def __repr__(self) -> str:
        values = "".join(f" {v}\n" for v in self.tolist()) if self.size() <= 1000 else " ...\n"
        where = f"(dtype={self.dtype}, device={self.device})"
        return f"{values}[rustorch.storage.TypedStorage{where} of size {self.size()}]"


def _restore(cls: Any, values: _C.Tensor) -> Any:
    return cls._over(values)


def _reading(values: _C.Tensor) -> TypedStorage:
    made: TypedStorage = TypedStorage._over(values)
    return made


class _OfOneDtype(type):
    """A storage of the dtype is an instance, whatever made it; so is a tensor's."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, TypedStorage) and instance.dtype is cls.__dict__.get("dtype")


_TYPES: dict[_C.dtype, Any] = {}


def _legacy(name: str, dtype: _C.dtype) -> Any:
    def __init__(self: Any, data: Any = None, *, wrap_storage: Any = None) -> None:
        typed = TypedStorage(data, wrap_storage=wrap_storage, dtype=dtype)
        self._values = typed._values

    doc = f"""A `TypedStorage` of {str(dtype).partition(".")[2]}.

    Follows `torch.{name}`.
    """
    body = {"dtype": dtype, "__init__": __init__, "__doc__": doc, "__module__": __name__}
    made = _TYPES[dtype] = _OfOneDtype(name, (TypedStorage,), body)
    return made


FloatStorage = _legacy("FloatStorage", _C.float32)
DoubleStorage = _legacy("DoubleStorage", _C.float64)
HalfStorage = _legacy("HalfStorage", _C.float16)
BFloat16Storage = _legacy("BFloat16Storage", _C.bfloat16)
LongStorage = _legacy("LongStorage", _C.int64)
IntStorage = _legacy("IntStorage", _C.int32)
ShortStorage = _legacy("ShortStorage", _C.int16)
CharStorage = _legacy("CharStorage", _C.int8)
ByteStorage = _legacy("ByteStorage", _C.uint8)
BoolStorage = _legacy("BoolStorage", _C.bool)
ComplexFloatStorage = _legacy("ComplexFloatStorage", _C.complex64)
ComplexDoubleStorage = _legacy("ComplexDoubleStorage", _C.complex128)


def __getattr__(name: str) -> Any:
    if name == "Storage":  # of numbers as they are by default, now
        return _TYPES[_C.get_default_dtype()]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _name_of(dtype: _C.dtype) -> str:
    return str(_TYPES[dtype].__name__)


def type_of(dtype: _C.dtype) -> Any:
    """The class of storages of a dtype: what `Tensor.storage_type` gives."""
    return _TYPES[dtype]


def typed_storage_of(tensor: _C.Tensor) -> TypedStorage:
    """The memory of a tensor, read in its dtype: what `Tensor.storage` gives."""
    return _reading(storage_of(tensor).as_tensor(tensor.dtype))
