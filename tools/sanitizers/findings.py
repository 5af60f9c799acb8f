"""Prints what AddressSanitizer and UndefinedBehaviorSanitizer reported; fails if any of it is ours.

Errors always are. A leak is ours if our code allocated it: the interpreter keeps much for the life of the
process, and where it has no symbols no suppression can name that.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Frames of the allocation itself, below whoever asked for it.
ALLOCATORS = re.compile(r" in (malloc|calloc|realloc|posix_memalign|aligned_alloc|operator new)\b")
OURS = re.compile(r"rustorch|/csrc/|_C\.cpython")
PYBIND = re.compile(r"pybind11::")  # its registry lives as long as the process


def is_ours(leak: str) -> bool:
    """Whether the first frame above the allocator is in rustorch."""
    frames = [line for line in leak.splitlines() if re.match(r"\s+#\d+ ", line)]
    callers = [f for f in frames if not ALLOCATORS.search(f)]
    return bool(callers) and bool(OURS.search(callers[0])) and not PYBIND.search(callers[0])


def findings(report: str) -> list[str]:
    errors = re.findall(r"^.*runtime error: .*(?:\n    #.*)*", report, re.M)
    errors += re.findall(r"^==\d+==ERROR: AddressSanitizer.*(?:\n.*)*?\nSUMMARY.*", report, re.M)
    leaks = re.findall(r"^(?:Direct|Indirect) leak of .*(?:\n +#.*)*", report, re.M)
    return errors + [leak for leak in leaks if is_ours(leak)]


def main() -> int:
    reports = sorted(Path(sys.argv[1]).iterdir())
    found = [f for path in reports for f in findings(path.read_text(errors="replace"))]
    for f in found:
        print(f, end="\n\n")
    print(f"{len(found)} finding(s) of the sanitizers in {len(reports)} report(s).")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
