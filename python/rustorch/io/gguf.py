"""The GGUF format: metadata and, mostly quantized, weights of language models; read one tensor at a time.

A file is "GGUF", a version, counts, typed metadata, the tensors' names, shapes, types and offsets, and then
the tensors' bytes (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Nothing in it is code, and all
that a hostile file could get wrong is checked before memory is taken for it.
"""

from __future__ import annotations

import math
import os
import struct
import sys
import weakref
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

import rustorch as rt
from rustorch import _C
from rustorch.errors import FormatError, OpError
from rustorch.io.gguf_blocks import TYPES, Array, BlockType, dequantize

__all__ = ["Entry", "GgufFile"]

MAGIC = b"GGUF"
MAX_DIMS = 4
MAX_NESTING = 4
MAX_ALIGNMENT = 1 << 20
# Elements that are decoded at a time: their temporaries lie in the cache.
_CHUNK = 1 << 18
_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS: dict[int, np.dtype[Any]] = {
    0: np.dtype("u1"),
    1: np.dtype("i1"),
    2: np.dtype("<u2"),
    3: np.dtype("<i2"),
    4: np.dtype("<u4"),
    5: np.dtype("<i4"),
    6: np.dtype("<f4"),
    7: np.dtype("u1"),
    10: np.dtype("<u8"),
    11: np.dtype("<i8"),
    12: np.dtype("<f8"),
}


def _fail(what: str, got: str = "", hint: str = "") -> FormatError:
    return FormatError.of("gguf", what, got[:200], hint)


class Entry(NamedTuple):
    """Where a tensor lies in the file, and what it is."""

    type: BlockType
    shape: tuple[int, ...]
    start: int
    size: int

    @property
    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)


class _Cursor:
    """Takes values from a file one after the other, never more than there is."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor, self.size, self.at = descriptor, size, 0
        self._buffer, self._begin = b"", 0

    @property
    def left(self) -> int:
        return self.size - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise _fail("the file is cut short", f"{count} bytes at {self.at} of {self.size}")
        offset = self.at - self._begin
        if offset + count > len(self._buffer):
            self._begin, offset = self.at, 0
            self._buffer = _read(self._descriptor, self.at, min(max(count, 1 << 16), self.left))
        self.at += count
        return self._buffer[offset : offset + count]

    def number(self, layout: str) -> Any:
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))[0]

    def bytes(self) -> bytes:
        return self.take(self.number("Q"))

    def name(self) -> str:
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise _fail("a name is no text", str(error)) from None

    def value(self, kind: int, depth: int = 0) -> Any:
        """A value of the metadata; arrays of numbers are NumPy arrays."""
        if kind == _STRING:
            # Vocabularies hold pieces of characters.
            return self.bytes().decode("utf-8", errors="replace")
        if kind == _ARRAY:
            return self._array(depth)
        if kind not in _NUMBERS:
            raise _fail("a value of the metadata has an unknown type", str(kind))
        value = np.frombuffer(self.take(_NUMBERS[kind].itemsize), _NUMBERS[kind])[0].item()
        return bool(value) if kind == _BOOL else value

    def _array(self, depth: int) -> Any:
        kind, count = self.number("I"), self.number("Q")
        if depth == MAX_NESTING:
            raise _fail("arrays of the metadata are nested too deeply", f"more than {MAX_NESTING} levels")
        if kind in _NUMBERS:
            array = np.frombuffer(self.take(count * _NUMBERS[kind].itemsize), _NUMBERS[kind])
            return array != 0 if kind == _BOOL else array
        # A string takes 8 bytes and more, an array 12.
        if count > self.left // 8:
            raise _fail("an array is longer than the file", f"{count} elements in {self.left} bytes")
        return [self.value(kind, depth + 1) for _ in range(count)]


def _read(descriptor: int, start: int, size: int) -> bytes:
    parts = []
    while size:
        # One call reads less than 2 GiB.
        part = os.pread(descriptor, min(size, 1 << 30), start)
        if not part:
            raise _fail("the file was cut short while it was read")
        parts.append(part)
        start, size = start + len(part), size - len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class GgufFile(Mapping[str, _C.Tensor]):
    """The tensors of a file by name, each read and decoded when it is asked for.

    Args:
        path: of the file.

    Attributes:
        metadata: the values of the file by key; arrays of numbers are NumPy arrays.
        entries: type, shape and place of every tensor.

    F32, F16, BF16, F64 and integers come as they are; Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q2_K to Q6_K come as
    float32. A tensor's shape is the reverse of the file's, which names the fastest dimension first.

    Raises:
        OSError: where the file cannot be read.
        ValueError: (`FormatError`) for anything that does not follow the format, or is of another type.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        if sys.byteorder != "little":
            raise OpError.of("gguf", "is supported on little-endian machines only", sys.byteorder)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._close = weakref.finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size
        cursor = _Cursor(self._descriptor, self.size)
        tensors, values = self._header(cursor)
        self.metadata = self._metadata(cursor, values)
        self.entries = self._entries(cursor, tensors)

    @staticmethod
    def _header(cursor: _Cursor) -> tuple[int, int]:
        if cursor.left < 24 or cursor.take(4) != MAGIC:
            raise _fail("the file does not start like one of this format")
        version = cursor.number("I")
        if version & 0xFFFF == 0 and version:
            raise _fail("files of big-endian machines are not read", hint="to convert it to little-endian")
        if version not in (2, 3):
            raise _fail("versions 2 and 3 of the format are read", f"version {version}")
        tensors, values = cursor.number("Q"), cursor.number("Q")
        # A tensor takes 24 bytes of header and more, a value 13.
        if tensors * 24 + values * 13 > cursor.left:
            raise _fail(
                "there are more entries than the file has room for", f"{tensors} tensors, {values} values"
            )
        return tensors, values

    @staticmethod
    def _metadata(cursor: _Cursor, count: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(count):
            key = cursor.name()
            if key in found:
                raise _fail("a key of the metadata occurs twice", repr(key))
            found[key] = cursor.value(cursor.number("I"))
        return found

    def _entries(self, cursor: _Cursor, count: int) -> dict[str, Entry]:
        alignment = self.metadata.get("general.alignment", 32)
        powers = isinstance(alignment, int) and 0 < alignment <= MAX_ALIGNMENT
        if not powers or alignment & (alignment - 1):
            raise _fail("general.alignment must be a power of two", repr(alignment))
        found: dict[str, Entry] = {}
        for _ in range(count):
            name = cursor.name()
            if name in found:
                raise _fail("a tensor occurs twice", repr(name))
            found[name] = self._entry(cursor, name, alignment)
        base = -(-cursor.at // alignment) * alignment
        end = base
        for name, entry in sorted(found.items(), key=lambda item: (item[1].start, item[1].size)):
            start = base + entry.start
            if start + entry.size > self.size:
                raise _fail(f"tensor {name!r} lies outside of the file", f"{entry.size} bytes at {start}")
            if start < end:
                raise _fail(f"tensor {name!r} overlaps another", f"starts at byte {start} before {end}")
            end = start + entry.size
        return {name: entry._replace(start=base + entry.start) for name, entry in found.items()}

    @staticmethod
    def _entry(cursor: _Cursor, name: str, alignment: int) -> Entry:
        rank = cursor.number("I")
        if rank > MAX_DIMS:
            raise _fail(f"tensor {name!r} has too many dimensions", str(rank))
        sizes = [cursor.number("Q") for _ in range(rank)]
        number, offset = cursor.number("I"), cursor.number("Q")
        if number not in TYPES:
            known = ", ".join(type.name for type in TYPES.values())
            raise _fail(f"tensor {name!r} has an unsupported type", str(number), f"one of {known}")
        type = TYPES[number]
        if math.prod(max(size, 1) for size in sizes) >= 1 << 60:
            raise _fail(f"tensor {name!r} has an impossible shape", str(sizes))
        if (sizes[0] if sizes else 1) % type.elements:
            raise _fail(f"rows of {name!r} are no whole number of blocks", f"{sizes} of {type.name}")
        if offset % alignment:
            raise _fail(
                f"tensor {name!r} is not aligned", f"offset {offset}, which is no multiple of {alignment}"
            )
        size = math.prod(sizes) // type.elements * type.size
        return Entry(type, tuple(reversed(sizes)), offset, size)

    def numpy(self, name: str) -> Array:
        """A tensor as an array of its own; bfloat16 as its bits in uint16."""
        entry = self.entries[name]
        if entry.type.decode is None:
            dtype = np.dtype(np.uint16 if entry.type.dtype == "bfloat16" else entry.type.dtype)
            raw = bytearray(_read(self._descriptor, entry.start, entry.size)) if entry.size else b""
            return np.frombuffer(raw, dtype).reshape(entry.shape)
        out = np.empty(entry.numel, np.float32)
        step = _CHUNK // entry.type.elements
        blocks = entry.numel // entry.type.elements
        for first in range(0, blocks, step):
            last = min(first + step, blocks)
            start, size = entry.start + first * entry.type.size, (last - first) * entry.type.size
            raw_blocks = np.frombuffer(_read(self._descriptor, start, size), np.uint8)
            out[first * entry.type.elements : last * entry.type.elements] = dequantize(raw_blocks, entry.type)
        return out.reshape(entry.shape)

    def __getitem__(self, name: str) -> _C.Tensor:
        array = self.numpy(name)
        if array.size == 0:
            return rt.empty(self.entries[name].shape, dtype=getattr(rt, self.entries[name].type.dtype))
        if self.entries[name].type.dtype == "bfloat16":
            return _C._from_numpy(array.view(np.int16)).view(rt.bfloat16)
        return _C._from_numpy(array)

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def close(self) -> None:
        """Closes the file; tensors cannot be read any more."""
        self._close()
