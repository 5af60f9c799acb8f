"""Storages as Python sees them: the bytes that a tensor and its views share."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import Any

from rustorch import _C
from rustorch.errors import ArgumentError, OpError, UnsupportedOperation

__all__ = ["UntypedStorage", "storage_of"]


class UntypedStorage:
    """The memory of one or more tensors, as bytes. Tensors that share memory have the same storage object.

    Args:
        data: a number of bytes, a sequence of byte values, or nothing for an empty storage.
        device: where new memory is to be.

    Follows `torch.UntypedStorage`.

    >>> import rustorch as rt
    >>> x = rt.zeros(4)
    >>> x.untyped_storage().nbytes(), x[2:].untyped_storage() is x.untyped_storage()
    (16, True)
    """

    bytes: _C.Tensor

    def __new__(cls, data: Any = 0, *, device: Any = None) -> UntypedStorage:
        made = object.__new__(cls)
        if isinstance(data, _C.Tensor):
            made.bytes = data
        elif isinstance(data, int):
            made.bytes = _C.namespaces()["rt"]["empty"](data, dtype=_C.uint8, device=device)
        else:
            made.bytes = _C._tensor_from_data(list(data), _C.uint8)
            made.bytes = made.bytes if device is None else made.bytes.to(device)
        _storages.setdefault(_C._storage_id(made.bytes), made)
        return made

    def __init__(self, data: Any = 0, *, device: Any = None) -> None:
        pass  # all is done by __new__, so that subclasses may take other arguments

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """The first bytes of a file, mapped into memory as `rustorch.from_file` does it."""
        from rustorch._mapped_files import mapped_bytes

        return cls(mapped_bytes("from_file", filename, shared, nbytes))

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return int(_C._data_pointer(self.bytes))

    def nbytes(self) -> int:
        """How many bytes there are."""
        return int(self.bytes.numel())

    def size(self) -> int:
        """How many elements there are: bytes."""
        return self.nbytes()

    def element_size(self) -> int:
        """The size of an element: one byte."""
        return 1

    @property
    def device(self) -> _C.device:
        """Where the memory is."""
        return self.bytes.device

    @property
    def _cdata(self) -> int:
        return int(_C._storage_id(self.bytes))

    def is_shared(self) -> bool:
        """Whether other processes see this memory; they never do."""
        return False

    def resize_(self, size: int) -> UntypedStorage:
        """Memory does not grow or shrink under its tensors: any other size than the present one is refused.

        Raises:
            NotImplementedError: if `size` is not the present size.
        """
        if size != self.nbytes():
            raise UnsupportedOperation.of(
                "resize_", "a storage keeps its size", f"{size} for {self.nbytes()} bytes", "Tensor.resize_()"
            )
        return self

    def resizable(self) -> bool:
        """Whether tensors may exchange the memory for larger (`Tensor.resize_`); not if an array shows it."""
        return bool(_C._storage_resizable(self.bytes))

    def untyped(self) -> UntypedStorage:
        """Itself."""
        return self

    def type(self) -> str:
        """The name of its type."""
        return "rustorch.UntypedStorage"

    @property
    def is_cuda(self) -> bool:
        """Whether it is on an NVIDIA GPU."""
        return self.device.type == "cuda"

    def get_device(self) -> int:
        """The index of the device, -1 for the CPU."""
        return int(self.bytes.get_device())

    def as_tensor(self, dtype: _C.dtype) -> _C.Tensor:
        """The whole memory as a vector of a dtype; bytes left over at the end are not in it."""
        count = self.nbytes() // dtype.itemsize
        return _C._tensor_over(self.bytes, dtype, (count,), (1,), 0)

    def byteswap(self, dtype: _C.dtype) -> None:
        """Reverses the bytes of every number of a dtype, in place; each part of a complex one by itself."""
        size = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
        whole = self.bytes[: self.nbytes() // size * size].view(-1, size)
        whole.copy_(whole.flip(1))

    def to(self, device: Any) -> UntypedStorage:
        """This storage if it is on that device, or else a copy there."""
        moved = self.bytes.to(device)
        return self if moved is self.bytes else storage_of(moved)

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + self.nbytes()

    def clone(self) -> UntypedStorage:
        """A copy of the bytes."""
        return storage_of(self.bytes.clone())

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> UntypedStorage:
        """Takes the bytes of another storage of the same size."""
        if source.nbytes() != self.nbytes():
            raise ArgumentError.of(
                "copy_", "storages of different sizes", f"{source.nbytes()} and {self.nbytes()} bytes"
            )
        self.bytes.copy_(source.bytes)
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Sets every byte."""
        self.bytes.fill_(value)
        return self

    def cpu(self) -> UntypedStorage:
        """This storage if it is host memory, or else a copy there."""
        return storage_of(self.bytes.to("cpu"))

    def tolist(self) -> list[int]:
        """The bytes as numbers."""
        values: list[int] = self.bytes.tolist()
        return values

    def __len__(self) -> int:
        return self.nbytes()

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __getitem__(self, index: int | slice) -> Any:
        if not isinstance(index, slice):
            return self.bytes[index].item()
        begin, end, step = index.indices(self.nbytes())
        if step != 1:
            raise OpError.of("getitem", "a slice of a storage has a step of one", f"{step}")
        return storage_of(_C._storage_part(self.bytes, begin, max(begin, end)))

    def __setitem__(self, index: int | slice, value: int) -> None:
        self.bytes[index] = value

    def __repr__(self) -> str:
        values = "".join(f" {v}\n" for v in self.tolist()) if self.nbytes() <= 1000 else " ...\n"
        return f"{values}[rustorch.UntypedStorage(device={self.device}) of size {self.nbytes()}]"

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        device = str(self.device)
        data = memoryview(self.bytes if device == "cpu" else self.bytes.to("cpu"))
        if protocol < 5:
            return restore_storage, (bytes(data), device)
        import pickle

        # Out of band if the pickler was given a place for buffers.
        return restore_storage, (pickle.PickleBuffer(data), device)


# By the storage's identity, which is not used twice while a handle keeps its storage alive.
_storages: weakref.WeakValueDictionary[int, UntypedStorage] = weakref.WeakValueDictionary()


def storage_of(tensor: _C.Tensor) -> UntypedStorage:
    key = _C._storage_id(tensor)
    storage = _storages.get(key)
    if storage is None:
        storage = _storages[key] = UntypedStorage(_C._storage_bytes(tensor))
    return storage


def restore_storage(data: Any, device: str) -> UntypedStorage:
    """The memory with these bytes, copied: what pickle hands over may be read-only or shared."""
    view = memoryview(data)
    if view.nbytes == 0:
        return UntypedStorage(_C.namespaces()["rt"]["empty"](0, dtype=_C.uint8, device=device))
    copied = _C._frombuffer(view, _C.uint8, -1, 0).clone()
    return UntypedStorage(copied if device == "cpu" else copied.to(device))
