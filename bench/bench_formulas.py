"""Time of one pass of the scalar formulas over a million elements, one thread, beside NumPy and PyTorch.

    python bench/bench_formulas.py [--size 1000000] [--names exp_,tanh_] [--flags "-mavx2 -mfma"]

Builds tests/cpp/test_formulas.cpp with the flags of the CPU kernels; prints nanoseconds for each element (the
best of several interleaved runs, so that a busy machine disturbs all columns alike).
"""

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FLAGS = "-std=c++20 -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off -fPIC -shared"
NAMES = "exp_,log_,tanh_,gelu_,gelu_tanh_,sigmoid_,sin_,erf_,pow_,expm1_,log1p_,lgamma_"
POSITIVE = ("log_", "pow_", "log1p_", "lgamma_")


def build(flags: str, folder: str) -> ctypes.CDLL:
    target = str(Path(folder) / "formulas.so")
    source = [str(ROOT / "tests" / "cpp" / "test_formulas.cpp"), "-I", str(ROOT / "shaders" / "include")]
    subprocess.run(["g++", *FLAGS.split(), *flags.split(), *source, "-o", target], check=True)
    return ctypes.CDLL(target)


def contenders(library: ctypes.CDLL, name: str, a: Any, b: Any, out: Any) -> dict[str, Callable[[], Any]]:
    function = getattr(library, name + {"float32": "f32", "float64": "f64"}[a.dtype.name])
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, out)]
    runs: dict[str, Callable[[], Any]] = {"rustorch": lambda: function(*pointers, ctypes.c_int64(a.size))}
    plain = name.rstrip("_")
    operands = (a, b) if plain == "pow" else (a,)
    in_numpy = getattr(np, "power" if plain == "pow" else plain, None)
    if in_numpy is not None:
        runs["numpy"] = lambda: in_numpy(*operands, out=out)
    try:
        import torch
    except ImportError:
        return runs
    torch.set_num_threads(1)
    tensors = tuple(torch.from_numpy(x) for x in operands)
    result = torch.from_numpy(out)
    if plain.startswith("gelu"):
        kind = "tanh" if plain.endswith("tanh") else "none"
        runs["torch"] = lambda: torch.nn.functional.gelu(tensors[0], approximate=kind)
    elif hasattr(torch, plain):
        runs["torch"] = lambda: getattr(torch, plain)(*tensors, out=result)
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--names", default=NAMES)
    parser.add_argument("--flags", default="-march=native -mprefer-vector-width=512")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        library = build(options.flags, folder)
        for name in options.names.split(","):
            for dtype in (np.float32, np.float64):
                a, b = rng.standard_normal((2, options.size)).astype(dtype)
                a = np.abs(a) + dtype(0.01) if name in POSITIVE else a
                out = np.empty_like(a)
                runs = contenders(library, name, a, b, out)
                best = dict.fromkeys(runs, float("inf"))
                for _ in range(15):
                    for label, run in runs.items():
                        start = time.perf_counter()
                        run()
                        best[label] = min(best[label], time.perf_counter() - start)
                figures = "  ".join(f"{label} {t / a.size * 1e9:6.2f}" for label, t in best.items())
                print(f"{name:12s} {np.dtype(dtype).name}  ns/element: {figures}", flush=True)


if __name__ == "__main__":
    main()
