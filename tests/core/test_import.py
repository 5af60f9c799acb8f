"""`import rustorch` leaves engines for their first use. How long it takes is bench/cpu.py's to say."""

from __future__ import annotations

import subprocess
import sys


def test_import_touches_no_engine() -> None:
    """No tensor memory is taken, and neither NumPy nor a package on top of the core is loaded."""
    code = (
        "import sys, rustorch; "
        "loaded = {'numpy', 'rustorch.nn', 'rustorch.optim'} & set(sys.modules); "
        "print(len(loaded), max(rustorch._C._memory_stats('cpu').values()))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "0 0"
