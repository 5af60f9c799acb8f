"""The op table on the emulated GPU: values against each row's oracle, gradients against the CPU engine.

An op or dtype without a kernel says so by an error. `missing.txt` lists the rows that do so in a type that
shaders have, so that none joins or leaves the list unseen.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch
from tests.ops.case import OpCase, Sample
from tests.ops.harness import (
    Failures,
    arrangements,
    assert_close,
    build,
    check_values,
    differentiable_leaves,
    differentiable_results,
    resolve,
    samples_of,
    to_numpy,
    tolerance,
)
from tests.ops.layouts import LAYOUTS
from tests.ops.table import CASES

DTYPES = ("float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool")
# In fewer layouts: their kernels differ from those of int32 in the type alone.
SMALL = ("int8", "int16")
NOT_IN_SHADERS = ("float64", "complex64", "complex128")
MISSING = frozenset(
    line
    for line in (Path(__file__).parent / "missing.txt").read_text().splitlines()
    if line and line[0] != "#"
)


DRAWN = ("normal", "rand", "randint", "randn")  # where no argument is a tensor


class OnDevice:
    """rustorch, with what makes tensors of nothing, or of arrays, on a device."""

    def __init__(self, device: str) -> None:
        self.device = device

    def Generator(self) -> rustorch.Generator:
        return rustorch.Generator(device=self.device)

    def __getattr__(self, name: str) -> Any:
        found = getattr(rustorch, name)
        if name not in DRAWN:
            return found

        def draw(*args: Any, **kwargs: Any) -> Any:
            if any(isinstance(a, rustorch.Tensor) for a in args):
                return found(*args, **kwargs)
            return found(*args, device=self.device, **kwargs)

        return draw

    def from_numpy(self, array: np.ndarray) -> rustorch.Tensor:
        return rustorch.from_numpy(array).to(self.device)


# tools/gpu_sweep.py names a device, and wants few launches.
SWEPT = os.environ.get("RUSTORCH_SWEEP")


@pytest.fixture(params=list(dict.fromkeys(["emulator", "cuda", SWEPT or "cuda"])))
def device(request: pytest.FixtureRequest) -> OnDevice:
    if request.param.startswith("cuda") and not rustorch.cuda.is_available():
        pytest.skip("no NVIDIA GPU")
    return OnDevice(request.param)


def is_excused(error: Exception) -> bool:
    """A kernel that is missing; and the sections of a split, which belong on the CPU as in PyTorch."""
    missing = isinstance(error, rustorch.errors.UnsupportedOperation) and "has no kernel" in str(error)
    return missing or "to be on cpu" in str(error)


def of_other_types(message: str) -> bool:
    return any(t in message for t in NOT_IN_SHADERS)


FEW_LAYOUTS = tuple(x for x in LAYOUTS if x.name in ("contiguous", "stepped"))


def restricted(case: OpCase, dtypes: tuple[str, ...]) -> OpCase:
    return replace(case, dtypes=tuple(d for d in case.dtypes if d in dtypes))


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
def test_values(case: OpCase, device: OnDevice) -> None:
    failures = check_values(
        device, restricted(case, DTYPES), FEW_LAYOUTS if SWEPT else LAYOUTS, excuse=is_excused
    )
    failures.report()
    missing = [m for m in failures.excused if "has no kernel" in m and not of_other_types(m)]
    assert bool(missing) == (case.id in MISSING), f"missing.txt is not true of {case.id}: {missing[:1]}"


@pytest.mark.parametrize("case", [c for c in CASES if set(SMALL) & set(c.dtypes)], ids=lambda c: c.id)
def test_values_of_small_integers(case: OpCase, device: OnDevice) -> None:
    check_values(device, restricted(case, SMALL), FEW_LAYOUTS, is_excused).report()


# What nobody has written would be reported, and rightly: a tensor that is left empty.
@pytest.mark.parametrize("case", [c for c in CASES if "empty" not in c.id], ids=lambda c: c.id)
def test_without_faults(case: OpCase) -> None:
    """No launch touches what it must not: the checked emulator raises if one does."""
    check_values(
        OnDevice("emulator:1"),
        restricted(case, ("float32", "int64")),
        FEW_LAYOUTS,
        is_excused,
    ).report()


def gradients(lib: Any, case: OpCase, sample: Sample, paths: Any) -> list[np.ndarray]:
    """Of a weighted sum of the results, with respect to each tensor that takes part."""
    which = differentiable_leaves(sample)
    args, kwargs, tensors = build(lib, sample, paths, which)
    if case.called.endswith("_"):  # an in-place op must not write to a leaf
        args[0] = args[0].clone()
    if case.random:
        rustorch.manual_seed(0)
    results = differentiable_results(case, rustorch, resolve(rustorch, case.called)(*args, **kwargs))
    results = [r for r in results if not r.is_complex()]
    total = None
    for r in results:
        weights = np.linspace(0.5, 1.5, max(r.numel(), 1), dtype=np.float32)[: r.numel()].reshape(r.shape)
        term = (r * rustorch.from_numpy(weights).to(r.device).to(r.dtype)).sum()
        total = term if total is None else total + term
    if total is None:
        return []
    total.backward()
    return [to_numpy(tensors[i].grad) if tensors[i].grad is not None else np.zeros(0) for i in which]


@pytest.mark.parametrize("case", [c for c in CASES if c.grad], ids=lambda c: c.id)
def test_gradients(case: OpCase, device: OnDevice) -> None:
    failures = Failures(case, "gradients", is_excused)
    for dtype in (d for d in ("float32", "bfloat16", "float16") if d in case.dtypes):
        few = dtype == "float16" or not case.layouts or SWEPT  # kernels as bfloat16's, but for the type
        for i, sample in enumerate(samples_of(case, dtype)):
            if not sample.grad or not differentiable_leaves(sample):
                continue
            wanted = ("contiguous",) if few else ("contiguous", "transposed", "stepped")
            layouts = [x for x in LAYOUTS if x.name in wanted]
            for where, _, arranged, paths in arrangements(sample, layouts):
                with failures.at(arranged, dtype=dtype, layout=where, sample=i):
                    expected = gradients(rustorch, case, arranged, paths)
                    found = gradients(device, case, arranged, paths)
                    for f, e in zip(found, expected, strict=True):
                        assert_close(f, e, dtype, tolerance(case, dtype, grad=True))
    failures.report()
