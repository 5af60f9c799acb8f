"""Parses every shader strictly, for the faults that Apple's compiler would find and others let pass.

python tools/shaders/check.py [FILE.metal...]      default: shaders/*.metal and tests/gpu/shaders/*.metal

clang reads them as C++ for OpenCL against declarations of Metal's library: pointers into different address
spaces do not mix, there is no double and no standard header. The rest of the rules for kernels
(shaders/include/rt_kernel.h) is read from the syntax tree. Prints FILE:LINE: what is wrong, and exits 1 if
anything is. Needs PyPI's libclang, which is in the `dev` extra.
"""

from __future__ import annotations

import sys
from pathlib import Path

from clang.cindex import Diagnostic, Index, TranslationUnit

import dialect
import rules

ROOT = Path(__file__).resolve().parents[2]
HEADERS = ROOT / "shaders/include"


def sources() -> list[Path]:
    return sorted([*ROOT.glob("shaders/*.metal"), *ROOT.glob("tests/gpu/shaders/*.metal")])


def translated(path: Path) -> list[tuple[str, str]]:
    """The shader and all headers that it may include, as clang is to see them."""
    files = [path, *HEADERS.glob("*.h")]
    return [(str(p), dialect.translate(p.read_text(encoding="utf-8"), p.name)) for p in files]


def place(diagnostic: Diagnostic) -> tuple[str, int]:
    """Where a shader caused it: of a fault inside of Metal's library, a note says who asked for it."""
    for d in [diagnostic, *diagnostic.children]:
        file = d.location.file
        if file and not rules.is_library(file.name) and not d.spelling.startswith("in file included"):
            return file.name, d.location.line
    return "", 0


def check(path: Path) -> list[rules.Finding]:
    """What is wrong with one shader and the headers it includes."""
    path = path.resolve()
    unit = Index.create().parse(
        str(path),
        [*dialect.FLAGS, f"-I{HEADERS}"],
        unsaved_files=translated(path),
        options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD,  # for the includes
    )
    found = {
        rules.Finding(*place(d), rules.in_metals_words(d.spelling))
        for d in unit.diagnostics
        if d.severity >= Diagnostic.Warning and not rules.is_excused(d)
    }
    found |= rules.check_includes(unit, HEADERS)
    # What follows a syntax error is of little worth.
    if not any(d.severity >= Diagnostic.Error and not rules.is_excused(d) for d in unit.diagnostics):
        found |= rules.check_tree(unit)
    return sorted(found)


def main(arguments: list[str]) -> int:
    files = [Path(a) for a in arguments] or sources()
    found = {f for path in files for f in check(path)}
    for f in sorted(found):
        name = Path(f.file)
        shown = name.relative_to(ROOT) if name.is_relative_to(ROOT) else name
        print(f"{shown}:{f.line}: {f.what}")
    print(f"{len(files)} shaders, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
    else:
        sys.exit(main(sys.argv[1:]))
