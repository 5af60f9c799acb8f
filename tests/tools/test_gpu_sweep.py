"""How tools/gpu_sweep.py chooses tests, and shares them out."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from tests.gpu import census

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_sweep", ROOT / "tools/gpu_sweep.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@pytest.mark.parametrize(
    ("tests", "chosen"),
    [
        ({}, []),
        ({"nothing": {}}, []),
        ({"one": {"a": 1}, "both": {"a": 1, "b": 1}}, ["both"]),
        ({"many": {"a": 500, "b": 1}, "a": {"a": 1}, "b": {"b": 1}}, ["a", "b"]),
        # The first choice is needed no more once the others are there.
        ({"ab": {"a": 1, "b": 1}, "ac": {"a": 9, "c": 9}, "bd": {"b": 9, "d": 9}}, ["ac", "bd"]),
    ],
    ids=["none", "no launch", "more by one", "fewer launches", "one too many"],
)
def test_few_tests_launch_every_kernel(
    tool: ModuleType, tests: dict[str, dict[str, int]], chosen: list[str]
) -> None:
    assert sorted(tool.choose(tests)) == chosen


def test_parts_are_the_whole(tool: ModuleType) -> None:
    tests = [str(i) for i in range(10)]
    parts = [tool.part_of(tests, f"{i}/3") for i in (1, 2, 3)]
    assert sorted((t for part in parts for t in part), key=int) == tests and [len(p) for p in parts] == [
        4,
        3,
        3,
    ]
    assert tool.part_of(tests, "1/1") == tests
    for none in ("0/3", "4/3", "1/0"):
        with pytest.raises(ValueError, match=f"no such part; got {none}"):
            tool.part_of(tests, none)


def test_what_ran_is_known_by_files(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, time in [
        ("old.cubin", 1),
        ("new.cubin", 9),
        ("form-1-20.cubin", 9),
        ("form-2.cubin", 1),
        ("x.part", 9),
    ]:
        (tmp_path / "version").mkdir(exist_ok=True)
        (tmp_path / "version" / name).touch()
        os.utime(tmp_path / "version" / name, (time, time))
    launched = tool.loaded_since(5, tmp_path)
    assert launched == {"new", "form"}
    assert tool.report_left_out(["new", "old", "form"], launched) == 1
    assert capsys.readouterr().out == "1 kernels have not run\n  old\n"
    assert tool.report_left_out(["new"], launched) == 0


def test_lines_of_the_list_hold_for_any_device() -> None:
    lines = census.LIST.read_text(encoding="utf-8").splitlines()[1:]
    assert lines == sorted(set(lines)) and all("[" in x and census.PLACE in x for x in lines)
    assert [census.entry(test) for test in census.listed("emulator")] == lines
    assert (
        census.entry("tests/gpu/test_x.py::test_y[emulator-24-emulators]")
        == "test_x.py::test_y[DEVICE-24-emulators]"
    )
    assert not any("emulator" in test for test in census.listed("cuda"))
