"""rustorch against torch, MLX and NumPy on this CPU, with the project's targets and whether they are met.

    python bench/cpu.py                    # everything with 1 and 2 threads: about ten minutes
    python bench/cpu.py --threads 1 --only '^call'

All libraries take turns in one process (`python -m rustorch.bench --compare`); where they cannot live in
one, each gets its own. Thread counts are pinned for all. The result is written to bench/results/ with the
versions, the date and the CPU. A missed target is a line in the report, never an exit status.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
IMPORT_RUNS = 10


@dataclass(frozen=True)
class Target:
    """Our time, at most this share of the other library's."""

    key: str  # group/name/size in rustorch.bench.cases
    library: str
    share: float


TARGETS = (
    Target("call/add/1", "torch", 0.35),
    Target("call/add/1", "numpy", 1.3),
    Target("call/add, with grad/1", "torch", 0.4),
    Target("call/index/10", "torch", 0.5),
    Target("call/view/10", "torch", 0.5),
    Target("call/relu/10", "torch", 0.5),
    Target("call/sum/10", "torch", 0.5),
    Target("call/matmul/4x4", "torch", 0.5),
    Target("call/chain, with grads/1000 nodes", "torch", 0.4),
)
IMPORT_SHARE_OF_TORCH = 1 / 3
IMPORT_SECONDS = 0.150


def run_bench(threads: int, only: str, compare: str) -> dict[str, Any] | None:
    """One benchmark process; None if it died."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        command = [sys.executable, "-m", "rustorch.bench", "--threads", str(threads), "--json", str(output)]
        command += ["--only", only]
        if compare:
            command += ["--compare", compare]
        if subprocess.run(command, check=False).returncode < 0 or not output.exists():
            return None
        document: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return document


def compare(threads: int, only: str) -> dict[str, Any]:
    """All libraries in one process or, if that dies, one process for each of torch and MLX."""
    document = run_bench(threads, only, "torch,mlx")
    if document:
        return document | {"processes": "one"}
    print("The libraries do not live in one process; each gets its own.")
    document = run_bench(threads, only, "")
    if not document:
        sys.exit("rustorch.bench failed; see above")
    for library in ("torch", "mlx"):
        other = run_bench(threads, only, library)
        if not other:
            print(f"{library} could not be timed.")
            continue
        for row, other_row in zip(document["ops"], other["ops"]):
            if library in other_row["others"]:
                row["others"][library] = other_row["others"][library]
    return document | {"processes": "one a library"}


def import_seconds(module: str) -> float | None:
    """The median time of `import module` over fresh processes; None if it is not installed."""
    code = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    times = []
    for _ in range(IMPORT_RUNS + 1):
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        if result.returncode:
            return None
        times.append(float(result.stdout))
    return statistics.median(times[1:])  # the first one fills the file cache


def verdict(name: str, value: str, target: str, met: bool) -> dict[str, Any]:
    print(f"  {'met   ' if met else 'MISSED'}  {name:<42}{value:>34}   target {target}")
    return {"name": name, "value": value, "target": target, "met": met}


def check_ops(document: dict[str, Any]) -> list[dict[str, Any]]:
    rows = {f"{row['group']}/{row['name']}/{row['size']}": row for row in document["ops"]}
    checks = []
    for target in TARGETS:
        row = rows.get(target.key)
        if not row or target.library not in row["others"]:
            continue
        ours, other = row["seconds"], row["others"][target.library]["seconds"]
        value = f"{1e6 * ours:.3f} of {1e6 * other:.3f} us = {ours / other:.2f}"
        met = ours <= target.share * other
        checks.append(verdict(f"{target.key} : {target.library}", value, f"{target.share:.2f}", met))
    return checks


def check_imports(times: dict[str, float | None]) -> list[dict[str, Any]]:
    ours, torch = times["rustorch"], times["torch"]
    if ours is None:
        return []
    checks = [
        verdict(
            "import rustorch",
            f"{1e3 * ours:.0f} ms",
            f"{1e3 * IMPORT_SECONDS:.0f} ms",
            ours <= IMPORT_SECONDS,
        )
    ]
    if torch is not None:
        value = f"{1e3 * ours:.0f} of {1e3 * torch:.0f} ms = {ours / torch:.2f}"
        met = ours <= IMPORT_SHARE_OF_TORCH * torch
        checks.append(verdict("import rustorch : torch", value, f"{IMPORT_SHARE_OF_TORCH:.2f}", met))
    return checks


def result_path(machine: dict[str, Any]) -> Path:
    cpu = re.sub(r"[^a-z0-9]+", "-", str(machine["cpu"]).lower()).strip("-")
    return RESULTS / f"cpu-{machine['date'][:10]}-{cpu}.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts (default: 1 2)")
    parser.add_argument(
        "--only", default="^(?!training)", help="regular expression for group/name/size (default: all ops)"
    )
    parser.add_argument("--output", type=Path, help="JSON file (default: bench/results/cpu-DATE-CPU.json)")
    options = parser.parse_args()

    imports = {module: import_seconds(module) for module in ("rustorch", "numpy", "torch", "mlx.core")}
    runs = []
    for threads in options.threads:
        document = compare(threads, options.only)
        print(f"\nTargets, {threads} thread{'s' if threads > 1 else ''}")
        document["targets"] = check_ops(document)
        runs.append(document)
    print("\nImport time, median of 10 processes")
    targets = check_imports(imports)

    checks = [check for run in runs for check in run["targets"]] + targets
    print(f"\n{sum(check['met'] for check in checks)} of {len(checks)} targets met")
    path = options.output or result_path(runs[0]["machine"])
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"machine": runs[0].pop("machine"), "imports": imports, "import_targets": targets, "runs": runs}
    for run in runs[1:]:
        run.pop("machine")
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
