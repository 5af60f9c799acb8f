"""tools/shaders: what Apple's compiler would refuse is refused, with the reason and the line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .shader_samples import FILES, GOOD, HEAD, KERNEL, STATEMENTS

pytest.importorskip("clang.cindex", reason="needs PyPI's libclang")

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def check():
    sys.path.insert(0, str(ROOT / "tools/shaders"))
    try:
        import check
    finally:
        del sys.path[0]
    return check


def findings(check, folder: Path, text: str) -> list[tuple[int, str]]:
    path = folder / "sample.metal"
    path.write_text(HEAD + text)
    return [(f.line, f.what) for f in check.check(path)]


@pytest.mark.parametrize("name", STATEMENTS)
def test_bad_statement(check, tmp_path: Path, name: str) -> None:
    statement, message = STATEMENTS[name]
    found = findings(check, tmp_path, KERNEL % statement)
    assert any(line == 5 and message in what for line, what in found), found


@pytest.mark.parametrize("name", FILES)
def test_bad_file(check, tmp_path: Path, name: str) -> None:
    text, at, message = FILES[name]
    found = findings(check, tmp_path, text)
    assert any(line == at and message in what for line, what in found), found


@pytest.mark.parametrize("name", GOOD)
def test_good_file(check, tmp_path: Path, name: str) -> None:
    assert findings(check, tmp_path, GOOD[name]) == []


def test_every_shader_is_accepted(check) -> None:
    assert check.sources()
    assert {f for path in check.sources() for f in check.check(path)} == set()


def test_every_header_is_accepted(check, tmp_path: Path) -> None:
    headers = [f'#include "{p.name}"\n' for p in sorted(check.HEADERS.glob("*.h"))]
    assert len(headers) > 10
    assert findings(check, tmp_path, "".join(headers)) == []


def test_command_prints_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.metal"
    path.write_text(HEAD + KERNEL % "goto end; end: ;")
    command = [sys.executable, str(ROOT / "tools/shaders/check.py"), str(path)]
    got = subprocess.run(command, capture_output=True, text=True)
    assert got.returncode == 1
    assert re.search(rf"^{re.escape(str(path))}:5: goto is not for shaders$", got.stdout, re.M), got.stdout
    path.write_text(HEAD + GOOD["plain"])
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_changed_kernel_header_is_noticed(check) -> None:
    with pytest.raises(ValueError, match="no longer says"):
        check.dialect.translate("#define RT_EXPORT(name) something\n", "rt_kernel.h")
