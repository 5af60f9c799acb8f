"""rustorch against torch on one NVIDIA GPU, in one process, and against the GPU's measured copy bandwidth.

    python bench/gpu.py                # a few minutes; the result is written to bench/results/
    python bench/gpu.py --quick        # smaller sizes; printed only
    python bench/gpu.py --only '^rows' # some cases; printed only

Each time is the smallest mean of several runs that end in a wait for the GPU. GB/s count what must be read
and written once. A ratio is torch's time over ours, so above 1 ours is the faster. A missed target is a line
in the report, never an exit status; so is a case that fails. Ops on rows must be as fast as torch's at each
width, and faster in the median over the widths, which has a line of its own. Torch runs kernels of its own,
in eager mode.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

import rustorch as rt
from gpu_cases import convolutions, memory, products
from gpu_cases.case import QUICK, Case, Sizes
from gpu_cases.medians import medians

RESULTS = Path(__file__).parent / "results"
GROUPS: list[Callable[[Sizes], Iterator[Case]]] = [
    memory.calls,
    memory.elementwise,
    memory.reductions,
    memory.rows,
    memory.row_gradients,
    memory.optimizers,
    products.matrices,
    convolutions.linear_maps,
    convolutions.convolutions,
    products.attention,
    products.training,
]


@dataclass
class Result:
    name: str
    us: float
    torch_us: float
    ratio: float
    target: float
    gb_per_s: float
    of_copy: float  # share of the measured copy bandwidth
    tflop_per_s: float


def seconds(f: Callable[[], Any], wait: Callable[[], Any], runs: int = 5) -> float:
    """Of one call: the smallest mean over runs of at least 20 ms each."""
    f(), wait()
    start = time.perf_counter()
    f(), wait()
    count = max(3, math.ceil(0.02 / max(time.perf_counter() - start, 1e-6)))
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        for _ in range(count):
            f()
        wait()
        best = min(best, (time.perf_counter() - start) / count)
    return best


def copy_bandwidth() -> float:
    """GB/s of torch's copy, read and written."""
    source = torch.zeros(1 << 26, device="cuda")
    target = torch.empty_like(source)
    return 8 * source.numel() / seconds(lambda: target.copy_(source), torch.cuda.synchronize) / 1e9


def cases(sizes: Sizes, only: re.Pattern[str]) -> Iterator[Case]:
    """Those whose names match. What a group has used is given back before the next."""
    for group in GROUPS:
        yield from (case for case in group(sizes) if only.search(case.name))
        rt.cuda.empty_cache()
        torch.cuda.empty_cache()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", help="a regular expression that names of cases must contain")
    parser.add_argument("--quick", action="store_true", help="smaller sizes")
    options = parser.parse_args()
    only, sizes = re.compile(options.only), QUICK if options.quick else Sizes()

    copy = copy_bandwidth()
    print(f"{torch.cuda.get_device_name()}, copy {copy:.0f} GB/s")

    results, failed = [], list[str]()
    for case in cases(sizes, only):
        try:
            ours = seconds(case.ours, rt.cuda.synchronize)
            theirs = seconds(case.torch, torch.cuda.synchronize)
        except (RuntimeError, NotImplementedError) as e:  # out of memory, or no such kernel
            failed.append(case.name)
            print(f"  {case.name:<46} failed: {str(e).splitlines()[0]}", flush=True)
            continue
        rate = case.nbytes / ours / 1e9
        r = Result(
            case.name,
            ours * 1e6,
            theirs * 1e6,
            theirs / ours,
            case.target,
            rate,
            rate / copy,
            case.flops / ours / 1e12,
        )
        results.append(r)
        speed = f"{r.tflop_per_s:7.1f} TFLOP/s" if case.flops else f"{rate:7.0f} GB/s {r.of_copy:5.0%}"
        verdict = "met" if r.ratio >= r.target else "missed"
        print(
            f"  {r.name:<46} {r.us:10.1f} us  torch {r.torch_us:10.1f} us  ratio {r.ratio:5.2f}"
            f"  target {r.target:.1f} {verdict:<6} {speed}",
            flush=True,
        )

    over_widths = medians({r.name: r.ratio for r in results})
    for m in over_widths:
        print(
            f"  {m.name:<46} median over {len(m.widths)} widths      ratio {m.ratio:5.2f}"
            f"  target {m.target:.1f} {'met' if m.met else 'missed'}"
        )
    met = sum(r.ratio >= r.target for r in results) + sum(m.met for m in over_widths)
    print(f"{met} of {len(results) + len(over_widths)} targets met, {len(failed)} cases failed")
    if options.only or options.quick:
        return
    device = re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name().lower()).strip("-")
    report = {
        "date": datetime.date.today().isoformat(),
        "gpu": torch.cuda.get_device_name(),
        "copy_gb_per_s": copy,
        "versions": {"rustorch": rt.__version__, "torch": torch.__version__},
        "results": [asdict(r) for r in results],
        "medians": [asdict(m) for m in over_widths],
        "failed": failed,
    }
    path = RESULTS / f"gpu-{report['date']}-{device}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report, indent=1) + "\n")
    part.replace(path)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
