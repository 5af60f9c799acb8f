"""Which kernels tests launch, by the emulator's own counts, and the list of a few tests that launch all.

`sweep.txt` is that list, chosen by tools/gpu_sweep.py; a whole run of the tests holds it true
(tests/conftest.py).
"""

from __future__ import annotations

import re
from pathlib import Path

LIST = Path(__file__).parent / "sweep.txt"
PLACE = "DEVICE"  # in an id, where the device's name stands


def launches() -> dict[str, int]:
    """How often this process has launched each kernel, on the plain emulator and the checked one."""
    from .emulator import Emulator

    found: dict[str, int] = {}
    for checked in (False, True):
        emulator = Emulator(checked)
        for i, name in enumerate(emulator.kernels()):
            if not name.startswith("bad_"):  # of faulty.metal; some are refused, as they should be
                found[name] = found.get(name, 0) + emulator.table.launch_count(i)
    return found


def is_ours(kernel: str) -> bool:
    """Whether it is one of shaders/; the tests have others, for what shaders are written in."""
    return not kernel.startswith(("probe_", "good_"))


def listed(device: str) -> list[str]:
    """The ids of the list's tests on a device, from the root of the repository."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return [f"tests/gpu/{x.replace(PLACE, device)}" for x in lines if x and not x.startswith("#")]


def entry(node: str) -> str:
    """A line of the list, for the id of a test on the plain emulator."""
    return re.sub(r"(?<=[\[-])emulator(?=[\]-])", PLACE, node.removeprefix("tests/gpu/"))
