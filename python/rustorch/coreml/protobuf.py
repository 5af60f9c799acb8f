"""The wire format of protocol buffers, both ways, driven by tables of messages.

A message is a dict of its fields by name; repeated numbers are NumPy arrays. Reading takes nothing on trust:
every length lies within what holds it, messages nest to a limit, a field that may occur once occurs once, and
the number of fields that a file may unfold into is bounded. Unknown fields are passed over, as newer versions
of a format may add some. (https://protobuf.dev/programming-guides/encoding)
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rustorch.coreml.mil.types import Array
from rustorch.errors import FormatError

__all__ = ["Field", "Kind", "Message", "decode", "encode"]

# Messages within messages; protobuf's own readers stop here too.
MAX_DEPTH = 100
# An operation takes some hundred bytes in memory where its field takes two: this bounds a specification to a
# few GB, and is several times what the largest programs have.
MAX_FIELDS = 5_000_000


class Kind(enum.Enum):
    """How the payload of a field is to be read; the value is its name in the tables."""

    INT32 = "int32"
    INT64 = "int64"
    UINT64 = "uint64"
    BOOL = "bool"
    FLOAT = "float"
    DOUBLE = "double"
    STRING = "string"
    BYTES = "bytes"
    MESSAGE = "message"


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_WIRE = {Kind.FLOAT: _FIXED32, Kind.DOUBLE: _FIXED64}
_WIRE |= dict.fromkeys((Kind.INT32, Kind.INT64, Kind.UINT64, Kind.BOOL), _VARINT)
_WIRE |= dict.fromkeys((Kind.STRING, Kind.BYTES, Kind.MESSAGE), _LENGTH)
_ARRAYS: dict[Kind, np.dtype[Any]] = {
    Kind.INT32: np.dtype(np.int32),
    Kind.INT64: np.dtype(np.int64),
    Kind.UINT64: np.dtype(np.uint64),
    Kind.BOOL: np.dtype(np.bool_),
    Kind.FLOAT: np.dtype("<f4"),
    Kind.DOUBLE: np.dtype("<f8"),
}


class Field:
    """One line of a table: `repeated` fields are lists or arrays, `entry` fields maps from strings."""

    __slots__ = (
        "entry",
        "kind",
        "message",
        "name",
        "number",
        "packed",
        "payload",
        "repeated",
        "sized",
        "tag",
        "text_entry",
    )

    def __init__(
        self,
        number: int,
        name: str,
        kind: Kind,
        *,
        message: Message | None = None,
        repeated: bool = False,
        entry: bool = False,
    ) -> None:
        self.number, self.name, self.kind, self.message = number, name, kind, message
        self.repeated, self.entry = repeated, entry
        self.text_entry = entry and message is not None and message.fields[1].kind is Kind.STRING
        self.packed = repeated and kind in _ARRAYS
        # For writing: whether a length comes before the payload, and what makes one.
        self.sized = self.packed or _WIRE[kind] == _LENGTH
        self.payload = _PAYLOADS.get(kind, _whole_bytes)
        self.tag = _varint_bytes(number << 3 | (_LENGTH if self.packed else _WIRE[kind]))


class Message:
    """The table of a message's fields."""

    __slots__ = ("by_tag", "fields", "name", "numbers", "packed")

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: list[Field] = []
        self.by_tag: dict[int, Field] = {}
        self.numbers: set[int] = set()
        self.packed: list[Field] = []

    def add(self, field: Field) -> None:
        """Adds a line to the table."""
        self.fields.append(field)
        self.fields.sort(key=lambda item: item.number)
        self.numbers.add(field.number)
        self.by_tag[field.number << 3 | _WIRE[field.kind]] = field
        if field.packed:
            # Readers take repeated numbers packed or one by one.
            self.packed.append(field)
            self.by_tag[field.number << 3 | _LENGTH] = field


def _fail(what: str, got: str = "") -> FormatError:
    return FormatError.of("protobuf", what, got)


# ---- Reading ----


def decode(message: Message, data: bytes) -> dict[str, Any]:
    """The fields of a message that are there, by name. Raises ValueError (`FormatError`) if malformed."""
    return _Decoder(data).message(message, 0, len(data), 0)


class _Decoder:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.fields_left = MAX_FIELDS

    def message(self, message: Message, at: int, end: int, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise _fail("messages are nested too deeply", f"more than {MAX_DEPTH} levels")
        data, by_tag = self.data, message.by_tag
        found: dict[str, Any] = {}
        while at < end:
            self.fields_left -= 1
            if self.fields_left < 0:
                raise _fail("there are too many fields", f"more than {MAX_FIELDS}")
            tag = data[at]
            at += 1
            if tag >= 128:
                tag, at = self.varint(at - 1, end)
            field = by_tag.get(tag)
            if field is None:
                at = self.skip(message, tag, at, end)
                continue
            wire, name = tag & 7, field.name
            if wire == _LENGTH:
                if at < end and data[at] < 128:
                    size = data[at]
                    at += 1
                else:
                    size, at = self.varint(at, end)
                start, at = at, at + size
                if at > end:
                    raise _fail(
                        f"{message.name}.{name} ends beyond what holds it", f"{size} bytes of {end - start}"
                    )
                if field.kind is Kind.MESSAGE:
                    assert field.message is not None
                    value: Any = self.message(field.message, start, at, depth + 1)
                elif field.kind is Kind.STRING:
                    try:
                        value = data[start:at].decode("utf-8")
                    except UnicodeDecodeError as error:
                        raise _fail(f"{message.name}.{name} is no text", str(error)) from None
                elif field.kind is Kind.BYTES:
                    value = data[start:at]
                else:
                    value = self.packed(field, start, at)
            else:
                value, at = self.number(field, wire, at, end)
            if field.repeated:
                found.setdefault(name, []).append(value)
            elif field.entry:
                entries = found.setdefault(name, {})
                key = value.get("key", "")
                if key in entries:
                    raise _fail(f"{message.name}.{name} has a key twice", repr(key)[:100])
                entries[key] = value.get("value", "" if field.text_entry else {})
            elif name in found:
                raise _fail(f"{message.name}.{name} is given twice")
            else:
                found[name] = value
        for field in message.packed:
            if field.name in found:
                found[field.name] = _joined(found[field.name], field)
        return found

    def varint(self, at: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            if at >= end:
                raise _fail("a number is cut short")
            byte = self.data[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                if value >> 64:
                    raise _fail("a number has more than 64 bits")
                return value, at
            shift += 7
            if shift > 63:
                raise _fail("a number has more than ten bytes")

    def number(self, field: Field, wire: int, at: int, end: int) -> tuple[Any, int]:
        if wire == _VARINT:
            value, at = self.varint(at, end)
            if field.kind is Kind.BOOL:
                return bool(value), at
            if field.kind is not Kind.UINT64 and value >> 63:
                value -= 1 << 64
            if field.kind is Kind.INT32 and not -(1 << 31) <= value < 1 << 31:
                raise _fail(f"{field.name} has more than 32 bits", str(value))
            return value, at
        size = 8 if wire == _FIXED64 else 4
        if end - at < size:
            raise _fail(f"{field.name} is cut short", f"{end - at} bytes of {size}")
        return struct.unpack_from("<d" if size == 8 else "<f", self.data, at)[0], at + size

    def skip(self, message: Message, tag: int, at: int, end: int) -> int:
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise _fail(f"{message.name} has a field of an impossible number", str(number))
        if number in message.numbers:
            raise _fail(f"{message.name} has field {number} with the wrong wire type", str(wire))
        if wire == _VARINT:
            return self.varint(at, end)[1]
        if wire == _LENGTH:
            size, at = self.varint(at, end)
        elif wire in (_FIXED32, _FIXED64):
            size = 4 if wire == _FIXED32 else 8
        else:
            raise _fail(f"{message.name} has a field of an unknown wire type", str(wire))
        if size > end - at:
            raise _fail(
                f"field {number} of {message.name} ends beyond what holds it", f"{size} bytes of {end - at}"
            )
        return at + size

    def packed(self, field: Field, at: int, end: int) -> Array:
        dtype = _ARRAYS[field.kind]
        if _WIRE[field.kind] != _VARINT:
            if (end - at) % dtype.itemsize:
                raise _fail(
                    f"{field.name} is no whole number of elements", f"{end - at} bytes of {dtype.itemsize}"
                )
            return np.frombuffer(self.data, dtype, (end - at) // dtype.itemsize, at)
        return _from_varints(np.frombuffer(self.data, np.uint8, end - at, at), field)


def _from_varints(raw: Array, field: Field) -> Array:
    last = raw < 128
    if raw.size and not last[-1]:
        raise _fail(f"{field.name} is cut short within a number")
    if last.all():
        values = raw.astype(np.uint64)
    else:
        ends = np.flatnonzero(last)
        starts = np.concatenate((np.zeros(1, ends.dtype), ends[:-1] + 1))
        lengths = ends - starts + 1
        longest = int(lengths.max())
        if longest > 10:
            raise _fail(f"{field.name} has a number of more than ten bytes")
        values = np.zeros(ends.size, np.uint64)
        for i in range(longest):
            here = lengths > i
            part = raw[starts[here] + i].astype(np.uint64) & np.uint64(127)
            if i == 9 and (part > 1).any():
                raise _fail(f"{field.name} has a number of more than 64 bits")
            values[here] |= part << np.uint64(7 * i)
    return _as_kind(values.view(np.int64), field)


def _as_kind(values: Array, field: Field) -> Array:
    """Numbers of 64 bits as those of the field."""
    if field.kind is Kind.BOOL:
        return np.not_equal(values, 0)
    if field.kind is Kind.INT32:
        narrow = values.astype(np.int32)
        if not np.array_equal(narrow, values):
            raise _fail(f"{field.name} has a number of more than 32 bits")
        return narrow
    return values.view(_ARRAYS[field.kind])


def _joined(parts: list[Any], field: Field) -> Array:
    """Packed pieces and single numbers, in their order, as one array."""
    if len(parts) == 1 and isinstance(parts[0], np.ndarray):
        return parts[0]
    dtype = _ARRAYS[field.kind]
    return np.concatenate([np.atleast_1d(np.asarray(part, dtype)) for part in parts])


# ---- Writing ----


def encode(message: Message, values: Mapping[str, Any]) -> bytes:
    """A message as bytes: fields in the order of their numbers, maps in their own; None is left out."""
    out = bytearray()
    for field in message.fields:
        value = values.get(field.name)
        if value is None:
            continue
        if field.packed:
            payloads: list[bytes] = [_packed_bytes(value, field)]
        elif field.entry:
            assert field.message is not None
            payloads = [encode(field.message, {"key": key, "value": item}) for key, item in value.items()]
        elif field.repeated:
            payloads = [field.payload(item, field) for item in value]
        else:
            payloads = [field.payload(value, field)]
        for payload in payloads:
            out += field.tag
            if field.sized:
                out += _varint_bytes(len(payload))
            out += payload
    return bytes(out)


def _message_bytes(value: Mapping[str, Any], field: Field) -> bytes:
    assert field.message is not None
    return encode(field.message, value)


def _real_bytes(value: float, field: Field) -> bytes:
    return np.asarray(value, _ARRAYS[field.kind]).tobytes()


def _whole_bytes(value: int, field: Field) -> bytes:
    if field.kind is Kind.INT32 and not -(1 << 31) <= value < 1 << 31:
        raise _fail(f"{field.name} has more than 32 bits", str(value))
    return _varint_bytes(int(value))


def _text_bytes(text: str, field: Field) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _fail(f"{field.name} is no text", str(error)) from None


_PAYLOADS: dict[Kind, Callable[[Any, Field], bytes]] = {
    Kind.MESSAGE: _message_bytes,
    Kind.STRING: _text_bytes,
    Kind.BYTES: lambda value, field: bytes(value),
    Kind.FLOAT: _real_bytes,
    Kind.DOUBLE: _real_bytes,
}


def _varint_bytes(value: int) -> bytes:
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


_ONE_BYTE = [bytes([i]) for i in range(128)]


def _packed_bytes(values: Array | Sequence[Any], field: Field) -> bytes:
    array = np.asarray(values).reshape(-1)
    if _WIRE[field.kind] != _VARINT:
        return array.astype(_ARRAYS[field.kind], copy=False).tobytes()
    if array.size < 64:
        return b"".join(map(_varint_bytes, array.tolist()))
    wide = array.astype(np.int64 if array.dtype != np.uint64 else np.uint64, copy=False).view(np.uint64)
    shifts = np.arange(10, dtype=np.uint64) * np.uint64(7)
    digits = ((wide[:, None] >> shifts) & np.uint64(127)).astype(np.uint8)
    used = np.maximum(10 - np.argmax(digits[:, ::-1] != 0, axis=1), 1)
    used[~digits.any(axis=1)] = 1
    place = np.arange(10)
    digits |= np.where(place < used[:, None] - 1, np.uint8(128), np.uint8(0))
    chosen: Array = digits[place < used[:, None]]
    return chosen.tobytes()
