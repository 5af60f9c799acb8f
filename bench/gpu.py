"""rustorch against torch on one NVIDIA GPU, in one process, and against the GPU's measured copy bandwidth.

    python bench/gpu.py                # about a minute; the result is written to bench/results/
    python bench/gpu.py --only '^rows'

Each time is the smallest mean of several runs that end in a wait for the GPU. GB/s count what must be read
and written once. A ratio is torch's time over ours, so above 1 ours is the faster. A missed target is a line
in the report, never an exit status. What torch runs are its own kernels, in eager mode.
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
from functools import partial
from pathlib import Path
from typing import Any

import torch

import rustorch as rt

RESULTS = Path(__file__).parent / "results"
ELEMENTS = 1 << 26
ROWS = (1024, 4096, 16384, 65536)
FLOATS = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Case:
    name: str
    ours: Callable[[], Any]
    torch: Callable[[], Any]
    nbytes: float = 0  # read and written at least
    flops: float = 0
    target: float = 0  # least ratio


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


def pair(shape: tuple[int, ...], dtype: str) -> tuple[Any, Any]:
    """Normal random numbers for each."""
    ours = rt.randn(shape, device="cuda").to(getattr(rt, dtype))
    return ours, torch.randn(shape, device="cuda").to(getattr(torch, dtype))


def copy_bandwidth() -> float:
    """GB/s of torch's copy, read and written."""
    source = torch.zeros(ELEMENTS, device="cuda")
    target = torch.empty_like(source)
    return 8 * ELEMENTS / seconds(lambda: target.copy_(source), torch.cuda.synchronize) / 1e9


def elementwise() -> Iterator[Case]:
    for dtype in FLOATS:
        x, y = pair((ELEMENTS,), dtype)
        size = x.element_size()
        moved = 2.0 * ELEMENTS * size
        yield Case(f"elementwise/add/{dtype}", lambda x=x: x + x, lambda y=y: y + y, moved, target=1)
        yield Case(f"elementwise/exp/{dtype}", lambda x=x: x.exp(), lambda y=y: y.exp(), moved, target=1)
        yield Case(
            f"elementwise/cast to int32/{dtype}",
            lambda x=x: x.to(rt.int32),
            lambda y=y: y.to(torch.int32),
            float(ELEMENTS * (size + 4)),
            target=1,
        )
        other = "float16" if dtype == "float32" else "float32"
        yield Case(
            f"elementwise/cast to {other}/{dtype}",
            partial(x.to, getattr(rt, other)),
            partial(y.to, getattr(torch, other)),
            float(ELEMENTS * (size + (2 if other == "float16" else 4))),
            target=1,
        )


def reductions() -> Iterator[Case]:
    for dtype in FLOATS:
        x, y = pair((ELEMENTS,), dtype)
        once = float(ELEMENTS * x.element_size())
        yield Case(f"reduce/sum/{dtype}", lambda x=x: x.sum(), lambda y=y: y.sum(), once, target=1)
        yield Case(f"reduce/max/{dtype}", lambda x=x: x.max(), lambda y=y: y.max(), once, target=1)
        yield Case(f"reduce/argmax/{dtype}", lambda x=x: x.argmax(), lambda y=y: y.argmax(), once, target=1)


def rows() -> Iterator[Case]:
    for width in ROWS:
        for dtype in ("float32", "bfloat16"):
            x, y = pair((ELEMENTS // width, width), dtype)
            moved = 2.0 * ELEMENTS * x.element_size()
            mine, theirs = rt.nn.functional, torch.nn.functional
            for name in ("softmax", "log_softmax"):
                yield Case(
                    f"rows/{name}/{width}/{dtype}",
                    partial(getattr(mine, name), x, dim=1),
                    partial(getattr(theirs, name), y, dim=1),
                    moved,
                    target=1.2,
                )
            for name in ("layer_norm", "rms_norm"):
                yield Case(
                    f"rows/{name}/{width}/{dtype}",
                    partial(getattr(mine, name), x, (width,)),
                    partial(getattr(theirs, name), y, (width,)),
                    moved,
                    target=1.2,
                )


def calls() -> Iterator[Case]:
    x, y = pair((16,), "float32")
    yield Case("call/add/16", lambda: x + x, lambda: y + y, target=1)


def matrices() -> Iterator[Case]:
    for dtype in ("float32", "bfloat16"):
        a, b = pair((4096, 4096), dtype)
        yield Case(
            f"matmul/4096/{dtype}", lambda a=a: a @ a, lambda b=b: b @ b, flops=2.0 * 4096**3, target=1
        )
        q, p = pair((1, 16, 4096, 64), dtype)
        flops = 2 * 2.0 * 16 * 4096 * 4096 * 64 / 2
        yield Case(
            f"attention/4096x64, causal/{dtype}",
            lambda q=q: rt.nn.functional.scaled_dot_product_attention(q, q, q, is_causal=True),
            lambda p=p: torch.nn.functional.scaled_dot_product_attention(p, p, p, is_causal=True),
            flops=flops,
            target=0.7,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default="", help="a regular expression that names of cases must contain")
    only = re.compile(parser.parse_args().only)

    copy = copy_bandwidth()
    print(f"{torch.cuda.get_device_name()}, copy {copy:.0f} GB/s")

    results = []
    for case in (c for group in (calls, elementwise, reductions, rows, matrices) for c in group()):
        if not only.search(case.name):
            continue
        ours = seconds(case.ours, rt.cuda.synchronize)
        theirs = seconds(case.torch, torch.cuda.synchronize)
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
            f"  {r.name:<40} {r.us:10.1f} us  torch {r.torch_us:10.1f} us  ratio {r.ratio:5.2f}"
            f"  target {r.target:.1f} {verdict:<6} {speed}",
            flush=True,
        )

    met = sum(r.ratio >= r.target for r in results)
    print(f"{met} of {len(results)} targets met")
    device = re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name().lower()).strip("-")
    report = {
        "date": datetime.date.today().isoformat(),
        "gpu": torch.cuda.get_device_name(),
        "copy_gb_per_s": copy,
        "versions": {"rustorch": rt.__version__, "torch": torch.__version__},
        "results": [asdict(r) for r in results],
    }
    path = RESULTS / f"gpu-{report['date']}-{device}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(report, indent=1) + "\n")
    part.replace(path)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
