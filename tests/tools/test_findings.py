"""Which lines of the sanitizers' reports count as ours (tools/sanitizers/findings.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "sanitizers" / "findings.py"

OVERFLOW = """csrc/cpu/x.cpp:7:3: runtime error: signed integer overflow: 1 + 2147483647
    #0 0x7f in rt::cpu::add /src/csrc/cpu/x.cpp:7
    #1 0x7f in main
"""
OVERRUN = """==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x60
READ of size 4 at 0x60 thread T0
    #0 0x7f in rt::cpu::read /src/csrc/cpu/y.cpp:9
SUMMARY: AddressSanitizer: heap-buffer-overflow /src/csrc/cpu/y.cpp:9 in rt::cpu::read
"""
OUR_LEAK = """Direct leak of 64 byte(s) in 1 object(s) allocated from:
    #0 0x7f in malloc asan_malloc_linux.cpp:69
    #1 0x7f in rt::make_storage /src/csrc/core/storage.cpp:3
    #2 0x52 (/usr/bin/python3.12+0x52a6df)
"""
INTERPRETERS_LEAK = """Direct leak of 43 byte(s) in 1 object(s) allocated from:
    #0 0x7f in malloc asan_malloc_linux.cpp:69
    #1 0x52 (/usr/bin/python3.12+0x5a6cb1)
    #2 0x7f in rt::py::make /src/csrc/bindings/x.cpp:3
"""


@pytest.mark.parametrize(
    ("report", "found"),
    [("", 0), (OVERFLOW, 1), (OVERRUN, 1), (OUR_LEAK, 1), (INTERPRETERS_LEAK, 0), (OVERFLOW + OUR_LEAK, 2)],
    ids=["nothing", "undefined behaviour", "overrun", "our leak", "the interpreter's leak", "two"],
)
def test_findings(tmp_path: Path, report: str, found: int) -> None:
    (tmp_path / "report.12").write_text(report)
    run = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines()[-1].startswith(f"{found} finding(s)")
    assert run.returncode == (1 if found else 0)
