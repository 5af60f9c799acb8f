"""Files of weights: a header, and records at multiples of 64 bytes, each with a header of its own.

A file starts with {u32 number of records, u32 version 2}, padded to 64 bytes. A record is {u32 0xDEADBEEF,
u32 data type, u64 bytes, u64 where its data starts, u64 unused bits at its end}, padded to 64 bytes; a
program refers to it by where it starts. Elements are little-endian, narrow ones packed from the low bit on.
"""

from __future__ import annotations

import os
import struct
import weakref
from typing import BinaryIO, NamedTuple

import numpy as np

from rustorch.coreml.bits import from_bytes, packed_size, to_bytes
from rustorch.coreml.mil.types import Array, DataType, TensorType
from rustorch.errors import FormatError, OpError

__all__ = ["DTYPES", "BlobReader", "BlobWriter", "Record"]

ALIGNMENT = 64
VERSION = 2
SENTINEL = 0xDEADBEEF
_RECORD = struct.Struct("<IIQQQ")

DTYPES = {
    1: DataType.FLOAT16,
    2: DataType.FLOAT32,
    3: DataType.UINT8,
    4: DataType.INT8,
    5: DataType.BFLOAT16,
    6: DataType.INT16,
    7: DataType.UINT16,
    8: DataType.INT4,
    9: DataType.UINT1,
    10: DataType.UINT2,
    11: DataType.UINT4,
    12: DataType.UINT3,
    13: DataType.UINT6,
    14: DataType.INT32,
    15: DataType.UINT32,
    16: DataType.FLOAT8E4M3FN,
    17: DataType.FLOAT8E5M2,
}
NUMBERS = {dtype: number for number, dtype in DTYPES.items()}


class Record(NamedTuple):
    """A checked record: its elements lie in `size` bytes from `start` on."""

    dtype: DataType
    start: int
    size: int


class BlobReader:
    """Reads records of an open file, each when it is asked for.

    Args:
        descriptor: of the file, which is closed with the reader.
        name: of the file, for errors.

    Bytes are read into memory of their own rather than mapped: a file that is cut short meanwhile is an error
    and no crash.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor, self.name = descriptor, name
        self._close = weakref.finalize(self, os.close, descriptor)
        self.size = os.fstat(descriptor).st_size
        if self.size < ALIGNMENT:
            raise self._fail("the file is shorter than its header", f"{self.size} bytes")
        self.count, version = struct.unpack("<II", self._read(0, 8).tobytes())
        if version != VERSION:
            raise self._fail(f"weights must be of version {VERSION}", f"version {version}")

    def _fail(self, what: str, got: str = "") -> FormatError:
        return FormatError.of("coreml", f"{self.name}: {what}", got)

    def _read(self, start: int, size: int) -> Array:
        out = np.empty(size, np.uint8)
        at = 0
        while at < size:
            # One call reads less than 2 GiB.
            part = os.pread(self._descriptor, min(size - at, 1 << 30), start + at)
            if not part:
                raise self._fail("the file was cut short while it was read")
            if len(part) == size:
                return np.frombuffer(part, np.uint8)
            out[at : at + len(part)] = np.frombuffer(part, np.uint8)
            at += len(part)
        return out

    def record(self, offset: int, type: TensorType) -> Record:
        """The record at an offset, all of it within the file and just what a tensor of this type takes."""
        if offset % ALIGNMENT or not ALIGNMENT <= offset <= self.size - ALIGNMENT:
            raise self._fail("no record can start there", f"offset {offset} of {self.size} bytes")
        sentinel, number, size, start, unused = _RECORD.unpack(self._read(offset, _RECORD.size).tobytes())
        if sentinel != SENTINEL:
            raise self._fail("no record starts there", f"offset {offset}")
        if DTYPES.get(number) is not type.dtype:
            held = DTYPES[number].value if number in DTYPES else f"unknown type {number}"
            raise self._fail(f"the record should hold {type.dtype.value}", held)
        if start % ALIGNMENT or start > self.size or size > self.size - start:
            raise self._fail(
                "the record's data lies outside of the file", f"{size} bytes at {start} of {self.size}"
            )
        expected = packed_size(type.count, type.dtype)
        if size != expected:
            raise self._fail(f"{type} takes {expected} bytes", f"{size} bytes")
        if unused != (size * 8 - type.count * type.dtype.bits if type.dtype.is_sub_byte else 0):
            raise self._fail(f"the record of {type} has the wrong number of unused bits", str(unused))
        return Record(type.dtype, start, size)

    def load(self, offset: int, type: TensorType) -> Array:
        """The tensor of the record at an offset. Raises ValueError (`FormatError`) where it is not there."""
        record = self.record(offset, type)
        if record.size == 0:
            return np.zeros(type.static_shape, type.dtype.numpy_dtype)
        array = from_bytes(self._read(record.start, record.size), type.dtype, type.count)
        return array.reshape(type.static_shape)

    def close(self) -> None:
        """Closes the file; nothing can be read any more."""
        self._close()


class BlobWriter:
    """Writes records to an empty seekable file, and its header at the end.

    >>> import io
    >>> import numpy as np
    >>> from rustorch.coreml.blob import BlobWriter
    >>> from rustorch.coreml.mil.types import DataType
    >>> file = io.BytesIO()
    >>> writer = BlobWriter(file)
    >>> [writer.add(np.ones(3, np.float16), DataType.FLOAT16) for _ in range(2)]
    [64, 192]
    >>> writer.finish()
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._count = 0
        self._end = ALIGNMENT
        self._padding = 0
        file.write(bytes(ALIGNMENT))

    def add(self, array: Array, dtype: DataType) -> int:
        """Appends a tensor; returns where its record starts. Raises RuntimeError for other data types."""
        if dtype not in NUMBERS:
            raise OpError.of("coreml", f"a file of weights cannot hold {dtype.value}")
        raw = to_bytes(array, dtype)
        offset = self._end
        unused = raw.nbytes * 8 - array.size * dtype.bits if dtype.is_sub_byte else 0
        start = offset + ALIGNMENT
        header = _RECORD.pack(SENTINEL, NUMBERS[dtype], raw.nbytes, start, unused)
        # The last record ends with its data: what aligns a record is written in front of it.
        self._file.write(bytes(self._padding) + header + bytes(ALIGNMENT - len(header)))
        self._file.write(raw.data)
        self._padding = -raw.nbytes % ALIGNMENT
        self._end = start + raw.nbytes + self._padding
        self._count += 1
        return offset

    def finish(self) -> None:
        """Writes the header."""
        self._file.seek(0)
        self._file.write(struct.pack("<II", self._count, VERSION))
