"""Tensors over the bytes of a file, mapped into memory."""

from __future__ import annotations

import mmap
import os
from typing import Any

from rustorch import _C
from rustorch.errors import OpError

__all__ = ["from_file"]


def mapped_bytes(op: str, filename: Any, shared: bool, size: int) -> _C.Tensor:
    """The first `size` bytes of a file. What is written to them goes to the file if they are shared."""
    if size < 0:
        raise OpError.of(op, "a size is negative", str(size))
    # A shared file is made, and made longer, as needed.
    flags = os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY
    descriptor = os.open(filename, flags | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        length = os.fstat(descriptor).st_size
        if length < size and not shared:
            raise OpError.of(op, f"the file has {length} bytes", f"a size of {size} bytes", "shared=True")
        if size == 0:
            empty: _C.Tensor = _C.namespaces()["rt"]["empty"](0, dtype=_C.uint8)
            return empty
        if length < size:
            os.ftruncate(descriptor, size)
        access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
        return _C._frombuffer(mmap.mmap(descriptor, size, access=access), _C.uint8, -1, 0)
    finally:
        os.close(descriptor)


def from_file(
    filename: Any,
    shared: bool | None = None,
    size: int = 0,
    *,
    dtype: _C.dtype | None = None,
    requires_grad: bool = False,
) -> _C.Tensor:
    """A one-dimensional tensor over the bytes of a file, mapped into memory and read as they are used.

    Args:
        filename: the file's path.
        shared: whether what is written to the tensor goes to the file, and is seen by all who map it. Such a
            file is made, or made longer, if need be. By default the tensor's writes are its own.
        size: how many elements.
        dtype: of the elements; the default dtype if it is not given.
        requires_grad: whether gradients are to be computed.

    Raises:
        OSError: if the file cannot be opened.
        RuntimeError: for a negative size, or a file that is too short and not shared.

    Follows `torch.from_file`.

    >>> import os, tempfile
    >>> import rustorch as rt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "numbers")
    ...     _ = rt.from_file(path, shared=True, size=2, dtype=rt.int16).fill_(3)
    ...     rt.from_file(path, size=2, dtype=rt.int16)
    tensor([3, 3], dtype=rustorch.int16)
    """
    dtype = _C.get_default_dtype() if dtype is None else dtype
    result = mapped_bytes("from_file", filename, bool(shared), size * dtype.itemsize).view(dtype)
    return result.requires_grad_(True) if requires_grad else result
