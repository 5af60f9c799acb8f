"""Launches every kernel of shaders/ with few launches, for tools that look at each of them.

    python tools/gpu_sweep.py --device cuda              the tests that tests/gpu/sweep.txt lists
    python tools/gpu_sweep.py --device cuda --part 2/8   each eighth of them, from the second on
    python tools/gpu_sweep.py --device emulator          the same there; says if a kernel was left out
    python tools/gpu_sweep.py --write                    chooses the list anew, from all tests of tests/gpu

Anything else goes to pytest. On CUDA devices cuBLASLt and cuDNN are off, so that our own kernels run, and
launches are planned for the few cores that the emulator has, so that the same ones do. A run of the whole
list says which kernels were left out; on CUDA devices by the kernels' files (in RUSTORCH_CACHE, or
build/sweep), each of which is touched when a process first uses it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.gpu import census  # noqa: E402

HEADER = "# Tests that launch every kernel between them; written by tools/gpu_sweep.py --write.\n"
OVERHEAD = 30  # what a test costs besides its launches, in launches


def choose(tests: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Few tests that launch every kernel that all of them launch, and launch little else.

    `tests` has the number of launches of each kernel by each test.
    """
    left = {kernel for launched in tests.values() for kernel in launched}
    chosen: list[str] = []
    while left:
        gain = {t: len(left & k.keys()) / (OVERHEAD + sum(k.values())) for t, k in tests.items()}
        best = max(gain, key=lambda t: gain[t])
        chosen.append(best)
        left -= tests[best].keys()
    count = Counter(kernel for t in chosen for kernel in tests[t])
    for t in sorted(chosen, key=lambda t: -sum(tests[t].values())):
        if all(count[kernel] > 1 for kernel in tests[t]):  # what it was taken for, later ones launch too
            chosen.remove(t)
            count.subtract(tests[t].keys())
    return chosen


def part_of(tests: Sequence[str], which: str) -> list[str]:
    """Every n-th test from the i-th on, for which = "i/n"."""
    i, n = (int(x) for x in which.split("/"))
    if not 1 <= i <= n:
        raise ValueError(f"part_of: there is no such part; got {which}; try 1/{max(n, 1)}")
    return list(tests[i - 1 :: n])


class Recorder:
    """Runs only what has a device to choose, and notes the kernels that each test launches."""

    def __init__(self) -> None:
        self.tests: dict[str, dict[str, int]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [
            x
            for x in items
            if isinstance(x, pytest.Function)
            and hasattr(x, "callspec")
            and x.callspec.params.get("device") == "emulator"
        ]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        before = census.launches()
        yield
        after = census.launches()
        self.tests[item.nodeid] = {
            k: n - before[k] for k, n in after.items() if n > before[k] and census.is_ours(k)
        }


def write() -> int:
    """Chooses the list anew."""
    os.environ["RUSTORCH_SWEEP"] = "emulator"
    recorder = Recorder()
    # Streams are tested as the emulator has them.
    status = pytest.main(["tests/gpu", "-n0", "-q", "--ignore=tests/gpu/test_streams.py"], plugins=[recorder])
    if status:
        return int(status)
    chosen = choose(recorder.tests)
    part = census.LIST.with_suffix(".part")
    lines = sorted(census.entry(t) for t in chosen)
    part.write_text(HEADER + "".join(f"{x}\n" for x in lines), encoding="utf-8")
    part.replace(census.LIST)
    total = sum(sum(recorder.tests[t].values()) for t in chosen)
    print(f"{len(chosen)} of {len(recorder.tests)} tests, {total} launches, in {census.LIST}")
    return report_on_emulator()


def loaded_since(start: float, folder: Path) -> set[str]:
    """The kernels whose files a process has read or written since then; they are named kernel-constant-..."""
    files = (f for f in folder.glob("*/*.cubin") if f.stat().st_mtime >= start)
    return {f.stem.partition("-")[0] for f in files}


def report_left_out(kernels: Iterable[str], launched: Container[str]) -> int:
    """Prints the kernels that have not run; 1 if there are any."""
    left = sorted(k for k in kernels if k not in launched)
    print(f"{len(left)} kernels have not run", *left, sep="\n  ")
    return 1 if left else 0


def report_on_emulator() -> int:
    counts = {k: n for k, n in census.launches().items() if census.is_ours(k)}
    return report_left_out(counts, [k for k, n in counts.items() if n])


def sweep(device: str, part: str, options: Sequence[str]) -> int:
    """Runs the listed tests on a device."""
    os.environ["RUSTORCH_SWEEP"] = device
    os.environ["RUSTORCH_CUDA_CORES"] = "2"
    cache = Path(os.environ.setdefault("RUSTORCH_CACHE", str(ROOT / "build" / "sweep")))
    import rustorch as rt

    there = [d.name for d in rt.devices() if d.available]
    if device.partition(":")[0] not in [name.partition(":")[0] for name in there]:
        print(f"no device {device!r} here; there are {', '.join(there)}")
        return 2
    start = time.time() - 1
    status = int(pytest.main([*part_of(census.listed(device), part), "--timeout=1800", *options]))
    if part != "1/1":
        return status
    if device.startswith("cuda"):
        names = (Path(rt.__file__).parent / "shaders" / "kernels.txt").read_text(encoding="utf-8")
        return (
            report_left_out([x.split()[0] for x in names.splitlines()], loaded_since(start, cache)) or status
        )
    return status or (0 if options else report_on_emulator())  # other processes' launches are not seen


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--device", default="emulator", help="where to run")
    parser.add_argument("--part", default="1/1", help="i/n: every n-th test from the i-th on")
    parser.add_argument("--write", action="store_true", help="choose the tests anew")
    options, others = parser.parse_known_args()
    os.chdir(ROOT)
    return write() if options.write else sweep(options.device, options.part, others)


if __name__ == "__main__":
    sys.exit(main())
