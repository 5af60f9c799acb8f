"""The op table on the device "coreml", beside the CPU: every row that Core ML has something for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml.engine import compiled_ops
from rustorch.errors import UnsupportedOperation

from ..ops.case import OpCase, Sample
from ..ops.harness import arrangements, build, flatten, is_tensor, leaves, resolve, samples_of, to_numpy
from ..ops.table import CASES
from .engine_support import OnCoreML

BASES = {name.partition(".")[0] for name in compiled_ops()}
ROWS = [c for c in CASES if c.name.rpartition(".")[2] in BASES and not c.random and "float32" in c.dtypes]
LIB = OnCoreML()


@pytest.fixture(scope="module", autouse=True)
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("programs")
    with rt.coreml.use_reference():
        with rt.coreml.CoreMLBackend(rt.coreml.CoreMLBackendConfig(cache_folder=folder, auto_fallback=False)):
            rt.coreml.reset_stats()
            yield folder


def samples(case: OpCase, dtype: str = "float32") -> list[Sample]:
    """Small, finite, within what float16 holds."""
    found = [
        s
        for s in samples_of(case, dtype)
        if leaves(s)
        and all(
            a.values.size <= 4096 and np.isfinite(a.values).all() and np.abs(a.values).max(initial=0) < 1e3
            for a in leaves(s)
        )
    ]
    return found[:3]


def close(found: Any, expected: Any) -> None:
    assert found.dtype == expected.dtype and tuple(found.shape) == tuple(expected.shape)
    assert found.device.type == "coreml"
    f, e = to_numpy(found), to_numpy(expected)
    if not expected.dtype.is_floating_point:
        np.testing.assert_array_equal(f, e)
        return
    f, e = f.astype(np.float64), e.astype(np.float64)
    scale = max(1.0, float(np.abs(e[np.isfinite(e)]).max(initial=0)))
    np.testing.assert_allclose(f, e, rtol=2e-2, atol=2e-2 * scale)


def check(case: OpCase, sample: Sample, paths: Any = None) -> bool:
    """Whether it ran; what Core ML cannot take says so."""
    args, kwargs, _ = build(rt, sample, paths)
    try:
        expected = flatten(resolve(rt, case.called)(*args, **kwargs))
    except RuntimeError:
        return False
    args, kwargs, _ = build(LIB, sample, paths)
    try:
        found = flatten(resolve(LIB, case.called)(*args, **kwargs))
    except UnsupportedOperation as error:
        assert "coreml" in str(error)
        return False
    assert len(found) == len(expected)
    for f, e in zip(found, expected):
        if is_tensor(e):
            close(f, e)
        else:
            assert f == e or abs(f - e) <= 2e-2 * max(1, abs(e))
    return True


@pytest.mark.parametrize("case", ROWS, ids=[case.id for case in ROWS])
def test_values(case: OpCase) -> None:
    for sample in samples(case):
        check(case, sample)


LAID_OUT = (
    "add", "mul", "exp", "relu", "softmax", "sum", "amax", "mm", "matmul", "where", "conv2d", "layer_norm",
)  # fmt: skip


@pytest.mark.parametrize("name", LAID_OUT)
def test_layouts(name: str) -> None:
    """Transposed, stepped, shifted, expanded and overlapping inputs, zero-dim and empty ones among them."""
    cases = [c for c in ROWS if c.name.rpartition(".")[2] == name]
    assert cases
    ran = 0
    for case in cases[:1]:
        for sample in samples(case)[:2]:
            for _, _, arranged, paths in arrangements(sample):
                ran += check(case, arranged, paths)
    assert ran > 2


def test_most_rows_run() -> None:
    """Of all rows, most become programs: refusals are for arguments that a package cannot hold."""
    ran = [any(check(case, s) for s in samples(case)[:1]) for case in ROWS]
    assert sum(ran) > 0.8 * len(ran), [c.id for c, r in zip(ROWS, ran) if not r]
