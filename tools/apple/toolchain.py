"""The compiler, PyPI's ziglang (clang with the C and C++ headers of macOS), and what it compiles against."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

import archives
import facts
import headers
import stubs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OTHERS = ["CoreVideo", "Accelerate"]  # frameworks without metadata


def accelerate(folder: Path) -> list[str]:
    """Writes Accelerate.h with what csrc calls, of LAPACK the names alone; returns what the library holds."""
    folder.mkdir(parents=True)
    lines = [(HERE / "preface/blas.h").read_text()]
    lines += [f'extern "C" void {name}_(...) __asm("_{name}$NEWLAPACK");' for name in facts.LAPACK]
    (folder / "Accelerate.h").write_text("\n".join([*lines, ""]))
    return [f"{name}$NEWLAPACK" for name in facts.LAPACK + facts.BLAS]


def prepare(cache: Path) -> Path:
    """The folder with headers (include/) and stubs (lib/); made once for each state of this tool."""
    sources = sorted([*HERE.glob("*.py"), *HERE.glob("preface/**/*.h")])
    key = hashlib.sha256(b"".join(p.read_bytes() for p in sources)).hexdigest()[:12]
    out = cache / f"generated-{key}"
    if out.is_dir():
        return out
    archives.fetch(cache / "archives")
    with tempfile.TemporaryDirectory(dir=cache) as tmp:
        made = Path(tmp, "made")
        shutil.copytree(HERE / "preface", made / "include")
        generator = headers.Generator(made / "include", sorted(HERE.glob("preface/**/*.h")))
        for framework, (project, raw, imports) in facts.FRAMEWORKS.items():
            with tarfile.open(archives.path(cache / "archives", project)) as tar:
                name = next(n for n in tar.getnames() if f"/metadata/{raw}/arm64-" in n)
                metadata = tar.extractfile(name)
                assert metadata is not None
                text = metadata.read().decode()
            stubs.write(made / "lib", framework, *generator.write(framework, text, imports))
        video = (HERE / "preface/CoreVideo/CoreVideo.h").read_text()
        stubs.write(made / "lib", "CoreVideo", stubs.declared(video))
        stubs.write(made / "lib", "Accelerate", accelerate(made / "include/Accelerate"))
        stubs.write(made / "lib", "libobjc", stubs.RUNTIME, ["NSObject"])
        try:
            made.rename(out)
        except OSError:  # another run was faster
            if not out.is_dir():
                raise
    return out


class Result(NamedTuple):
    ok: bool
    text: str


class Toolchain:
    def __init__(self, cache: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / ".gitignore").write_text("*\n")
        zig = str(cache / "zig")
        self.environment = {**os.environ, "ZIG_GLOBAL_CACHE_DIR": zig, "ZIG_LOCAL_CACHE_DIR": zig}
        self.generated = prepare(cache)

    def _run(self, driver: str, *arguments: str | Path) -> Result:
        command = [sys.executable, "-m", "ziglang", driver, *map(str, arguments)]
        got = subprocess.run(
            command, capture_output=True, text=True, errors="replace", env=self.environment, cwd=ROOT
        )
        return Result(got.returncode == 0, got.stdout + got.stderr)

    def precompile(self, headers: list[str], target: str, output: Path, flags: list[str]) -> Result:
        """Headers of csrc, compiled once for files that are given `-include-pch output` as a flag."""
        text = output.with_suffix(".h")
        text.write_text("".join(f'#include "{header}"\n' for header in headers))
        return self.compile(text, target, output, flags)

    def compile(self, source: Path, target: str, output: Path, flags: list[str]) -> Result:
        """Compiles one file as the project's build on a Mac would, for macOS `target` and later."""
        language = {".mm": ["-x", "objective-c++", "-fobjc-arc"], ".h": ["-x", "c++-header"]}
        return self._run(
            "c++",
            *("-target", f"aarch64-macos.{target}", *language.get(source.suffix, []), "-std=c++20"),
            *("-O0", "-g0", "-fno-sanitize=all", "-fvisibility=hidden", "-ffp-contract=off"),
            *("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"),
            *("-Icsrc", "-Ishaders/include", "-isystem", self.generated / "include", *flags),
            *("-c", source, "-o", output),
        )

    def link(self, objects: list[Path], target: str, output: Path) -> Result:
        """Links an extension module, whose undefined names wait until it is loaded: libc++'s too."""
        frameworks = [*facts.FRAMEWORKS, *OTHERS]
        lib = self.generated / "lib"
        return self._run(
            "cc",
            *("-target", f"aarch64-macos.{target}", "-shared", "-undefined", "dynamic_lookup"),
            "-O1",  # no sanitizer of zig's
            "-Wl,--no-gc-sections",
            *(f"-F{lib}", f"-L{lib}", *objects),
            *(part for name in frameworks for part in ("-framework", name)),
            *("-lobjc", "-o", output),
        )
