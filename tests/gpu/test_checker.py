"""Kernels with one planted fault each (shaders/faulty.metal): the emulator must name it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pytest

from .emulator import Emulator, Fault, uints


def floats(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)


@dataclass(frozen=True)
class Planted:
    kernel: str
    inputs: tuple[np.ndarray | bytes, ...]
    says: str  # a regular expression
    threads: int = 256
    groups: int = 1
    unwritten: tuple[int, ...] = ()
    plain: bool = False  # found without the checker too


X, OUT = floats(256), floats(256)
COUNTS = np.zeros(256, np.uint32)
FAULTS = [
    Planted(
        "bad_return_before_barrier",
        (OUT, uints(200)),
        r"threadgroup_barrier at faulty\.metal:\d+ but thread 200 "
        "has returned",
        plain=True,
    ),
    Planted("bad_divergent_simd", (OUT,), "a simdgroup function .* but thread 16 has returned", plain=True),
    Planted("bad_missing_barrier", (X, OUT), "threadgroup array 't' at byte 4, which nobody has written"),
    Planted(
        "bad_lucky_order",
        (X, OUT),
        "race on threadgroup array 't' at byte 0: it reads what thread 0 .* writes",
    ),
    Planted("bad_mem_none", (X, OUT), "race on threadgroup array 't'"),
    Planted(
        "bad_group_race",
        (OUT,),
        "race on buffer 0 at byte 0: it reads what thread 0 of threadgroup 0 writes",
        threads=32,
        groups=2,
    ),
    Planted(
        "bad_past_end", (floats(255),), r"writes 4 bytes outside of all bound buffers \(byte 1020 of buffer 0"
    ),
    Planted(
        "bad_tg_index", (OUT,), r"writes outside of its threadgroup arrays \(byte 256 of 't'", threads=64
    ),
    Planted("bad_tg_index", (OUT,), "1 to 1024 threads, not 1025", threads=1025, plain=True),
    Planted("bad_too_much_memory", (OUT,), "40960 bytes of threadgroup memory"),
    Planted("bad_write_to_input", (X, OUT), "writes buffer 0, which is bound for reading"),
    Planted(
        "bad_read_of_nothing", (OUT,), "reads buffer 0 at byte 0, which nobody has written", unwritten=(0,)
    ),
    Planted(
        "bad_half_atomic",
        (COUNTS[:1], COUNTS),
        "race on buffer 0 at byte 0: it (reads|writes) what thread 0",
    ),
    Planted("bad_simdgroup_barrier", (X, OUT), "threadgroup array 't' at byte 128, which nobody has written"),
    Planted("bad_alignment", (X, OUT), "8 bytes is not aligned"),
    Planted("bad_past_end", (OUT, OUT), "takes 1 buffers, not 2", plain=True),
    Planted("bad_return_before_barrier", (OUT, b"\0"), "parameter 1 has 4 bytes, not 1", plain=True),
    Planted("no_such_kernel", (), "no kernel is named no_such_kernel", plain=True),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.kernel}-{f.says[:20]}")
def test_a_planted_fault_is_named(checked: Emulator, fault: Planted) -> None:
    with pytest.raises(Fault) as found:
        checked.launch(
            fault.kernel, fault.inputs, (fault.groups,), (fault.threads,), unwritten=fault.unwritten
        )
    assert re.search(fault.says, str(found.value)), str(found.value)
    assert fault.kernel in str(found.value)


@pytest.mark.parametrize("shuffle", [0, 1, 2, 3])
def test_the_order_of_lanes_hides_no_race(checked: Emulator, shuffle: int) -> None:
    for kernel in ("bad_lucky_order", "bad_mem_none", "bad_missing_barrier"):
        with pytest.raises(Fault, match=kernel):
            checked.launch(kernel, (X, OUT), (1,), (256,), shuffle=shuffle)


def test_the_emulator_goes_on_after_a_fault(checked: Emulator) -> None:
    with pytest.raises(Fault):
        checked.launch("bad_return_before_barrier", (OUT, uints(200)), (1,), (256,))
    out = np.empty(256, np.float32)
    checked.launch("good_simdgroup_barrier", (X, out), (1,), (256,), unwritten=(1,))
    np.testing.assert_array_equal(out, X.reshape(-1, 2)[:, ::-1].ravel())


def test_every_faulty_kernel_is_planted_here(checked: Emulator) -> None:
    assert {k for k in checked.kernels() if k.startswith("bad_")} <= {f.kernel for f in FAULTS}
