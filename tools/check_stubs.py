"""Fails if the stubs in python/rustorch are not what generate_stubs.py makes of the extension.

python tools/check_stubs.py            compare
python tools/check_stubs.py --write    renew them
"""

from __future__ import annotations

import difflib
import sys

from generate_stubs import ROOT, generate, main


def check() -> int:
    package = ROOT / "python/rustorch"
    generated = generate()
    present = {str(path.relative_to(package)) for path in package.glob("_op_types/*.pyi")} | {"_C.pyi"}
    status = 0
    for name in sorted(present | set(generated)):
        path = package / name
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = generated.get(name, "")
        if old != new:
            status = 1
            lines = difflib.unified_diff(
                old.splitlines(), new.splitlines(), str(path), "generated", lineterm="", n=1
            )
            print("\n".join(list(lines)[:40]))
    if status:
        print("The stubs are out of date; renew them with: python tools/check_stubs.py --write")
    return status


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        sys.argv = sys.argv[:1]
        main()
    else:
        sys.exit(check())
