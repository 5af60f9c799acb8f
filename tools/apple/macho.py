"""The names that a linked arm64 library leaves for others to define."""

from __future__ import annotations

import struct
from pathlib import Path

MAGIC = 0xFEEDFACF  # 64 bits, little-endian
LC_SYMTAB = 2
TYPE_MASK, UNDEFINED = 0x0E, 0
NO_LIBRARY = (0, 0xFE)  # the place of a name that none of the libraries had


def unresolved(library: Path) -> list[str]:
    """Names in C's spelling, without the underscore that macOS puts first."""
    data = library.read_bytes()
    magic, _, _, _, commands = struct.unpack_from("<IiiII", data)
    if magic != MAGIC:
        raise ValueError(f"{library} is no 64-bit Mach-O file")
    at, names = 32, []
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, at)
        if command == LC_SYMTAB:
            symbols, count, strings, _ = struct.unpack_from("<IIII", data, at + 8)
            for i in range(count):
                offset, type_, _, description, _ = struct.unpack_from("<IBBHQ", data, symbols + 16 * i)
                if type_ & TYPE_MASK == UNDEFINED and description >> 8 in NO_LIBRARY:
                    start = strings + offset
                    names.append(data[start : data.index(b"\0", start)].decode().removeprefix("_"))
        at += size
    return sorted(names)
