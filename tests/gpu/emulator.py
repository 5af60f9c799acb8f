"""Launches shaders on the emulator's library, by its C interface (csrc/gpu/emulator/emulator.h)."""

from __future__ import annotations

import ctypes as c
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import rustorch

Sizes = tuple[int, ...]
FOLDER = Path(rustorch.__file__).parent / "lib"


class _Uint3(c.Structure):
    _fields_ = [(k, c.c_uint32) for k in "xyz"]


class _Launch(c.Structure):
    _fields_ = [
        ("kernel", c.c_char_p),
        ("buffers", c.POINTER(c.c_void_p)),
        ("bytes", c.POINTER(c.c_uint64)),
        ("count", c.c_int),
        ("groups", _Uint3),
        ("threads", _Uint3),
        ("constants", c.POINTER(c.c_uint64)),
        ("constant_count", c.c_int),
        ("shuffle", c.c_uint32),
    ]


class _Kernel(c.Structure):
    _fields_ = [("name", c.c_char_p)]


class _Table(c.Structure):
    _fields_ = [
        ("checked", c.c_bool),
        ("kernel_count", c.CFUNCTYPE(c.c_int)),
        ("kernel_at", c.CFUNCTYPE(c.POINTER(_Kernel), c.c_int)),
        ("launch_count", c.CFUNCTYPE(c.c_uint64, c.c_int)),
        ("validate", c.CFUNCTYPE(c.c_int, c.POINTER(_Launch), c.c_char_p, c.c_size_t)),
        ("run", c.CFUNCTYPE(c.c_int, c.POINTER(_Launch), c.c_uint64, c.c_uint64, c.c_char_p, c.c_size_t)),
        ("add_memory", c.CFUNCTYPE(None, c.c_void_p, c.c_uint64, c.c_bool)),
        ("remove_memory", c.CFUNCTYPE(None, c.c_void_p)),
        ("note_written", c.CFUNCTYPE(None, c.c_void_p, c.c_uint64)),
    ]


class Fault(Exception):
    """What the emulator found wrong."""


class Emulator:
    def __init__(self, checked: bool) -> None:
        name = "librustorch_emulator_checked.so" if checked else "librustorch_emulator.so"
        library = c.CDLL(str(FOLDER / name))
        library.rustorch_emulator.restype = c.POINTER(_Table)
        self.table = library.rustorch_emulator().contents

    def kernels(self) -> list[str]:
        return [self.table.kernel_at(i).contents.name.decode() for i in range(self.table.kernel_count())]

    def launch(
        self,
        kernel: str,
        buffers: Sequence[np.ndarray | bytes],
        groups: Sizes,
        threads: Sizes,
        *,
        unwritten: Sequence[int] = (),
        constants: Sequence[int] = (),
        shuffle: int = 0,
    ) -> None:
        """Buffers are arrays; bytes are the value of a constant reference. `unwritten`: indices of
        buffers whose contents mean nothing before the launch."""
        kept = [np.frombuffer(b, np.uint8) if isinstance(b, bytes) else b for b in buffers]
        count = len(kept)
        launch = _Launch(
            kernel.encode(),
            (c.c_void_p * count)(*[b.ctypes.data for b in kept]),
            (c.c_uint64 * count)(*[b.nbytes for b in kept]),
            count,
            _Uint3(*(*groups, 1, 1)[:3]),
            _Uint3(*(*threads, 1, 1)[:3]),
            (c.c_uint64 * len(constants))(*constants),
            len(constants),
            shuffle,
        )
        error = c.create_string_buffer(1000)
        with self._registered(
            [b for b in buffers if isinstance(b, np.ndarray)], [buffers[i] for i in unwritten]
        ):
            if self.table.validate(c.byref(launch), error, len(error)):
                raise Fault(error.value.decode())
            if self.table.run(c.byref(launch), 0, math.prod(groups), error, len(error)):
                raise Fault(error.value.decode())

    @contextmanager
    def _registered(self, arrays: list[np.ndarray], unwritten: list[np.ndarray | bytes]) -> Iterator[None]:
        for a in arrays:
            self.table.add_memory(a.ctypes.data, a.nbytes, not any(a is u for u in unwritten))
        try:
            yield
        finally:
            for a in arrays:
                self.table.remove_memory(a.ctypes.data)


def uints(*values: int) -> bytes:
    return np.array(values, np.uint32).tobytes()
