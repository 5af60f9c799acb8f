"""The examples in docstrings, in the registry of ops and in the pages of docs/ are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import _C

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
ROOT = Path(__file__).parents[2]
PAGES = [path for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))) if path.exists()]


ON_EMULATOR = {"rustorch._streams"}


def modules() -> list[Any]:
    found = pkgutil.walk_packages(rt.__path__, "rustorch.")
    names = ["rustorch", *(info.name for info in found if not info.name.endswith("__main__"))]
    return [pytest.param(n, marks=[pytest.mark.emulator] if n in ON_EMULATOR else []) for n in names]


def example_names() -> dict[str, Any]:
    return {"rt": rt, "nn": rt.nn, "np": np}


def run(test: doctest.DocTest) -> None:
    rt.manual_seed(0)
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    runner.run(test, out=output.append)
    assert runner.failures == 0, "".join(output)


@pytest.mark.parametrize("name", modules())
def test_module(name: str) -> None:
    module: ModuleType = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=example_names()):
        run(test)


@pytest.mark.parametrize(
    "op", [op for op in _C.op_table() if ">>>" in (op["doc"] or "")], ids=lambda op: op["schema"]
)
def test_op(op: dict[str, Any]) -> None:
    run(doctest.DocTestParser().get_doctest(op["doc"], example_names(), op["name"], None, None))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    # A fence ends an example: the parser would take it for output.
    text = "\n".join("" if line.startswith("```") else line for line in text.splitlines())
    run(doctest.DocTestParser().get_doctest(text, example_names(), path.name, str(path), 0))


def test_readme_example_runs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["loss"].item() < 0.2
