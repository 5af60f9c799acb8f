"""What bench/gpu.py holds ops on rows to: the median over widths."""

from __future__ import annotations

import importlib.util
import json
import statistics
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_medians", ROOT / "bench/gpu_cases/medians.py")
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["gpu_medians"] = found
    spec.loader.exec_module(found)
    return found


def test_each_op_direction_and_dtype_has_one(module: ModuleType) -> None:
    ratios = {
        "call/add/16": 9.0,
        "rows/softmax/4096/float32": 1.3,
        "rows/softmax/1024/float32": 1.0,
        "rows/softmax/16384/float32": 1.2,
        "rows/softmax/65536/float32": 1.1,
        "rows/softmax/1024/bfloat16": 1.2,
        "backward/softmax/1024/float32": 1.09,
        "elementwise/cast to int32/float32": 9.0,
    }
    found = module.medians(ratios)
    assert [(m.name, m.widths, m.target, m.met) for m in found] == [
        ("rows/softmax/float32", [1024, 4096, 16384, 65536], 1.2, False),
        ("rows/softmax/bfloat16", [1024], 1.2, True),
        ("backward/softmax/float32", [1024], 1.1, False),
    ]
    assert [m.ratio for m in found] == pytest.approx([1.15, 1.2, 1.09])
    assert module.medians({}) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("bench/results/gpu-*.json")), ids=lambda path: path.stem)
def test_recorded_results_have_the_names_that_it_reads(module: ModuleType, path: Path) -> None:
    ratios = {r["name"]: r["ratio"] for r in json.loads(path.read_text())["results"]}
    found = {m.name: m for m in module.medians(ratios)}
    softmax = found["rows/softmax/float32"]
    assert softmax.widths == [1024, 4096, 16384, 65536]
    assert softmax.ratio == statistics.median(ratios[f"rows/softmax/{w}/float32"] for w in softmax.widths)
