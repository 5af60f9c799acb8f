"""The safetensors format, read lazily from a memory map and written atomically.

A file is a little-endian 64-bit header length, a JSON header that names every tensor's dtype, shape and
bytes, and then the bytes, without gaps (https://github.com/huggingface/safetensors). Nothing in it is code.
Reading checks all that a hostile file could get wrong before any tensor is made.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import rustorch as rt
from rustorch import _C
from rustorch.errors import ArgumentError, DTypeError, FormatError, OpError

__all__ = ["FormatError", "SafetensorsFile", "load_file", "save_file", "write"]

MAX_HEADER = 100_000_000
DTYPES: dict[str, _C.dtype] = {
    "BOOL": _C.bool,
    "U8": _C.uint8,
    "I8": _C.int8,
    "I16": _C.int16,
    "I32": _C.int32,
    "I64": _C.int64,
    "F16": _C.float16,
    "BF16": _C.bfloat16,
    "F32": _C.float32,
    "F64": _C.float64,
    "C64": _C.complex64,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


def _fail(what: str, got: str = "", hint: str = "") -> FormatError:
    return FormatError.of("safetensors", what, got, hint)


# ---- Reading ----


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _fail("a key occurs twice in the header")
    return found


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _refuse_other_formats(start: bytes) -> None:
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        raise _fail(
            "this is a pickle, which can run any code when it is read, and is not loaded",
            "a file of torch.save or pickle.dump",
            "torch.load(..., weights_only=True) and safetensors.torch.save_file to convert it",
        )


class Entry:
    """Where a tensor lies among the bytes, and what it is."""

    __slots__ = ("begin", "dtype", "end", "shape")

    def __init__(self, name: str, fields: Any, available: int) -> None:
        if not isinstance(fields, dict) or set(fields) != {"dtype", "shape", "data_offsets"}:
            raise _fail(f"tensor {name!r} must have dtype, shape and data_offsets, and nothing else")
        dtype, shape, offsets = fields["dtype"], fields["shape"], fields["data_offsets"]
        if not isinstance(dtype, str) or dtype not in DTYPES:
            raise _fail(f"tensor {name!r} has an unknown dtype", repr(dtype), f"one of {', '.join(DTYPES)}")
        if not isinstance(shape, list) or len(shape) > 64 or not all(map(_is_size, shape)):
            raise _fail(f"the shape of tensor {name!r} is no list of sizes", repr(shape)[:100])
        if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_size, offsets)):
            raise _fail(f"the data_offsets of tensor {name!r} are no pair of sizes", repr(offsets)[:100])
        self.dtype = DTYPES[dtype]
        self.shape = tuple(shape)
        self.begin, self.end = offsets
        if not self.begin <= self.end <= available:
            raise _fail(f"tensor {name!r} lies outside of the file", f"{offsets} of {available} bytes")
        expected = math.prod(shape) * self.dtype.itemsize
        if self.end - self.begin != expected:
            raise _fail(f"tensor {name!r} should take {expected} bytes", f"{self.end - self.begin} bytes")
        if math.prod(size or 1 for size in shape) >= 1 << 63:  # strides, and so offsets, would not fit
            raise _fail(f"the shape of tensor {name!r} is too large", repr(shape)[:100])


def parse_header(data: memoryview) -> tuple[dict[str, Entry], dict[str, str], int]:
    """The checked entries, the metadata, and where the bytes of the tensors start."""
    _refuse_other_formats(bytes(data[:4]))
    if len(data) < 8:
        raise _fail("the file is too short for a header", f"{len(data)} bytes")
    length = int.from_bytes(data[:8], "little")
    if length > MAX_HEADER:
        raise _fail("the header is larger than the format allows", f"{length} bytes")
    if length > len(data) - 8:
        raise _fail("the header ends beyond the file", f"{length} bytes of header in {len(data)} bytes")
    try:
        header = json.loads(bytes(data[8 : 8 + length]).decode("utf-8"), object_pairs_hook=_unique)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise _fail("the header is not valid JSON", str(error)[:200]) from None
    if not isinstance(header, dict):
        raise _fail("the header is no JSON object", type(header).__name__)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _fail("__metadata__ must map strings to strings")
    available = len(data) - 8 - length
    entries = {name: Entry(name, fields, available) for name, fields in header.items()}
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != at:
            what = "overlaps another" if entry.begin < at else "leaves a gap before it"
            raise _fail(f"tensor {name!r} {what}", f"starts at byte {entry.begin} rather than {at}")
        at = entry.end
    if at != available:
        raise _fail("there are bytes that belong to no tensor", f"{available - at} bytes at the end")
    return entries, metadata, 8 + length


def dense_stride(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of a contiguous tensor."""
    stride = [1] * len(shape)
    for d in range(len(stride) - 2, -1, -1):
        stride[d] = stride[d + 1] * max(shape[d + 1], 1)
    return tuple(stride)


class SafetensorsFile(Mapping[str, _C.Tensor]):
    """The tensors of a file by name, each read when it is asked for.

    Args:
        source: a path, which is memory-mapped, or the bytes of a file.
        share: whether tensors lie over the memory map (and pages are read when they are touched) rather than
            in memory of their own. In-place writes never reach the file.

    Raises:
        ValueError: (`FormatError`) for anything that does not follow the format.

    >>> import os, tempfile
    >>> import rustorch as rt
    >>> from rustorch.io.safetensors import SafetensorsFile, save_file
    >>> path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
    >>> save_file({"a": rt.ones(2)}, path)
    >>> SafetensorsFile(path)["a"]
    tensor([1., 1.])
    """

    def __init__(self, source: str | os.PathLike[str] | bytes, *, share: bool = False) -> None:
        if sys.byteorder != "little":
            raise OpError.of("safetensors", "is supported on little-endian machines only", sys.byteorder)
        self._share = share
        memory: Any
        if isinstance(source, bytes):
            memory = bytearray(source)
        else:
            with open(source, "rb") as file:
                if os.fstat(file.fileno()).st_size == 0:
                    raise _fail("the file is empty", str(source))
                # Private pages: a tensor can be written, the file cannot.
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        with memoryview(memory) as view:
            self._entries, self.metadata, start = parse_header(view)
            size = len(view)
        self._start = start
        self._bytes = _C._frombuffer(memory, _C.uint8, -1, 0) if size else None

    def __getitem__(self, name: str) -> _C.Tensor:
        return self.over(self.storage(name), name)

    def over(self, storage: _C.Tensor, name: str) -> _C.Tensor:
        """The tensor of this name, over bytes that `storage(name)` gave."""
        entry = self._entries[name]
        return _C._tensor_over(storage, entry.dtype, entry.shape, dense_stride(entry.shape), 0)

    def storage(self, name: str) -> _C.Tensor:
        """The bytes of a tensor, as a storage of their own."""
        entry = self._entries[name]
        if entry.begin == entry.end:
            return rt.empty(0, dtype=_C.uint8, device="cpu")
        part = _C._storage_part(self._bytes, self._start + entry.begin, self._start + entry.end)
        # A file may place a tensor at an address that its dtype cannot be read from.
        aligned = _C._data_pointer(part) % entry.dtype.itemsize == 0
        return part if self._share and aligned else part.clone()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Where every tensor lies, and what it is."""
        return self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def load_file(path: str | os.PathLike[str], *, share: bool = False) -> dict[str, _C.Tensor]:
    """All tensors of a safetensors file by name, in the order of its header."""
    return dict(SafetensorsFile(path, share=share))


# ---- Writing ----


def _bytes_of(tensor: _C.Tensor) -> memoryview:
    with rt.no_grad():
        host = (tensor if tensor.device.type == "cpu" else tensor.to("cpu")).contiguous()
    begin = _C._geometry(host)[1] * host.itemsize
    return memoryview(_C._storage_bytes(host))[begin : begin + host.nbytes]


def write(
    file: BinaryIO, tensors: Mapping[str, _C.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes a whole file to an open binary file."""
    if sys.byteorder != "little":
        raise OpError.of("safetensors", "is supported on little-endian machines only", sys.byteorder)
    # Wide types first, so that every tensor lies at an address its dtype can be read from.
    order = sorted(tensors, key=lambda name: -tensors[name].itemsize)
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offsets, at = {}, 0
    for name in order:
        offsets[name] = [at, at + tensors[name].nbytes]
        at += tensors[name].nbytes
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise ArgumentError.of("safetensors", "this is no name for a tensor", repr(name))
        if tensor.dtype not in NAMES:
            raise DTypeError.of(
                "safetensors", "the format has no such dtype", str(tensor.dtype), "view_as_real"
            )
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": offsets[name],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * ((56 - len(text)) % 64)  # the bytes start at a multiple of 64
    if len(text) > MAX_HEADER:
        raise ArgumentError.of(
            "safetensors", "the header is larger than the format allows", f"{len(text)} bytes"
        )
    file.write(len(text).to_bytes(8, "little"))
    file.write(text)
    for name in order:
        with _bytes_of(tensors[name]) as view:
            file.write(view)


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` once it is complete, and not before.

    Links stay: what they lead to is replaced. Pipes and devices are written as they are.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as special:
            yield special
        return
    descriptor, temporary = tempfile.mkstemp(
        dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}."
    )
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        try:
            mode = os.stat(target).st_mode & 0o7777
        except FileNotFoundError:
            umask = os.umask(0)
            os.umask(umask)
            mode = 0o666 & ~umask
        os.chmod(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def save_file(
    tensors: Mapping[str, _C.Tensor], path: str | os.PathLike[str], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes tensors by name; the file appears whole or not at all.

    Tensors that share memory are written each on its own; `rustorch.save` keeps what they share.
    """
    with replacing(path) as file:
        write(file, tensors, metadata)
