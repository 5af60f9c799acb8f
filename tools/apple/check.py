"""Checks the code for macOS on any machine: Objective-C++ against Apple's API, and the link.

python tools/apple/check.py [FILE.mm...]      default: every .mm file of csrc
python tools/apple/check.py --extension       compiles all of the extension as well, and links it (minutes)

Each .mm file is compiled for macOS 14 and 15 on arm64, warnings as errors; then the objects are linked, and
every name must be in a framework, in libc++ or Python, or in rustorch itself. Prints the compiler's messages
and exits 1 if there are any, 2 if it could not run.

Needs the `dev` extra: ziglang is the compiler. The first run fetches six of PyObjC's source archives (4 MB,
MIT, pinned by hash) from PyPI through pip, and makes headers from what they say of Apple's frameworks; they
are kept in .cache/apple and nothing in them is run. Later runs need no network. What this cannot see:
tools/apple/README.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import macho
from toolchain import HERE, ROOT, Toolchain

TARGETS = ["14.0", "15.0"]
# Names that a Mac has where the module is loaded: Python's, and those of libc++ and the C++ runtime.
ELSEWHERE = re.compile(
    r"_?Py|_Z(T[ISTV])?N?K?St|_ZT[IS]P?K?[a-z]$|_Z(nw|na|dl|da)|_Z(TV)?N10__cxxabiv1|__cxa_|__gxx_|__dynamic_cast"
)
OWN = re.compile(r"_Z\w*?2rt")


# The headers that CMakeLists.txt precompiles, by the target that has them.
PRECOMPILED = {"core": ["autograd/vjp.h", "ops/ops.h"], "bindings": ["bindings/python.h"]}


def extension_sources() -> list[Path]:
    """The C++ of CMakeLists.txt on a Mac."""
    folders = [
        "core", "ops", "autograd", "graph", "cpu", "cpu/kernels", "bench", "bindings", "gpu", "gpu/cuda",
        "coreml", "mlcompute",
    ]  # fmt: skip
    return [path for folder in folders for path in sorted(ROOT.glob(f"csrc/{folder}/*.cpp"))]


def precompiled_for(path: Path, dense: str) -> str | None:
    """The target's headers that a file is compiled with; `dense` is the text of DenseKernels.cmake."""
    if path.parent.name == "kernels" or f"/{path.name}\n" in dense or f"/{path.name})" in dense:
        return None
    return "bindings" if path.parent.name == "bindings" else "core"


def extension_flags() -> list[str]:
    """What the C++ needs beyond the .mm files: Python's headers as on a Mac, and CMake's definitions."""
    import pybind11

    include = [str(HERE / "python"), sysconfig.get_path("include"), pybind11.get_include()]
    defines = ["-DRT_USE_ACCELERATE", "-DACCELERATE_NEW_LAPACK", "-DRT_ISA=baseline"]
    return [*defines, *(part for folder in include for part in ("-isystem", folder))]


def unresolved(library: Path, own: bool) -> list[str]:
    """Names that no library has; `own`: those of rustorch too, which the rest of the extension defines."""
    names = macho.unresolved(library)
    return [n for n in names if not ELSEWHERE.match(n) and not (own and OWN.match(n))]


def run(options: argparse.Namespace, folder: Path) -> int:
    tools = Toolchain(options.cache.resolve())
    files = [path.resolve() for path in options.files] or sorted(ROOT.glob("csrc/**/*.mm"))
    flags = extension_flags() if options.extension else []
    jobs = [(path, target, []) for target in TARGETS for path in files]
    if options.extension:
        pch: dict[str | None, list[str]] = {None: flags}
        for name, headers in PRECOMPILED.items():
            made = tools.precompile(headers, TARGETS[0], folder / f"{name}.pch", flags)
            if not made.ok:
                raise RuntimeError(made.text)
            pch[name] = [*flags, "-include-pch", str(folder / f"{name}.pch")]
        dense = (ROOT / "cmake/DenseKernels.cmake").read_text()
        jobs += [(path, TARGETS[0], pch[precompiled_for(path, dense)]) for path in extension_sources()]
    outputs = [folder / f"{i}.o" for i in range(len(jobs))]
    failed = 0
    with ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(lambda job, out: tools.compile(job[0], job[1], out, job[2]), jobs, outputs)
        for (path, target, _), result in zip(jobs, results):
            if not result.ok or result.text:
                failed += 1
                print(f"{path} for macOS {target}:\n{result.text}", flush=True)
    if not failed and files:
        objects = [out for (_, target, _), out in zip(jobs, outputs) if target == TARGETS[0]]
        linked = tools.link(objects, TARGETS[0], folder / "module.so")
        missing = unresolved(folder / "module.so", own=not options.extension) if linked.ok else []
        failed += not linked.ok or bool(missing)
        if not linked.ok:
            print(f"linking:\n{linked.text}")
        for name in missing:
            print(f"linking: nothing defines {name}")
    print(f"{len(files)} .mm files for macOS {' and '.join(TARGETS)}, {len(jobs)} compilations: ", end="")
    print(f"{failed} failed" if failed else "all well")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.mm")
    parser.add_argument(
        "--extension", action="store_true", help="all of the extension, not its .mm files alone"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/apple", help="default: .cache/apple")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="default: one a processor")
    options = parser.parse_args()
    if not importlib.util.find_spec("ziglang"):
        print("the compiler is missing: pip install '.[dev]', or ziglang alone", file=sys.stderr)
        return 2
    start = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            status = run(options, Path(folder))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{time.monotonic() - start:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
