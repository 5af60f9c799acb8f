"""First and second derivatives of every differentiable op against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .case import Arr, OpCase
from .dtypes import is_complex
from .harness import (
    Failures,
    arrange,
    build,
    differentiable_leaves,
    function_of_leaves,
    samples_of,
)
from .layouts import STEPPED, TRANSPOSED
from .rows import rows

GRADCHECK_ELEMENTS = 80  # finite differences cost two calls per element


def differentiable(case: OpCase) -> bool:
    return bool(case.grad)


@pytest.fixture(autouse=True)
def seeded() -> None:
    rt.manual_seed(0)


@rows(differentiable)
def test_gradcheck(case: OpCase) -> None:
    failures = Failures(case, "gradcheck")
    for dtype in case.grad:
        for i, sample in enumerate(s for s in samples_of(case, dtype) if s.grad):
            arrangements: list[tuple[str, Any]] = [("contiguous", (sample, {}))]
            which = differentiable_leaves(sample)
            if i == 0 and case.layouts:
                arrangements += [
                    (layout.name, arrange(sample, layout, which)) for layout in (TRANSPOSED, STEPPED)
                ]
            for where, arranged in arrangements:
                if arranged is None:
                    continue
                with failures.at(sample, dtype=dtype, layout=where, sample=i):
                    inputs = leaf_inputs(*arranged)
                    assert rt.autograd.gradcheck(function_of_leaves(rt, case, arranged[0]), inputs)
    assert failures.ran, "no sample for gradcheck"
    failures.report()


@rows(lambda case: differentiable(case) and not case.no_second)
def test_gradgradcheck(case: OpCase) -> None:
    failures = Failures(case, "gradgradcheck")
    for dtype in case.grad:
        for i, sample in enumerate(s for s in samples_of(case, dtype) if s.grad and s.twice):
            with failures.at(sample, dtype=dtype, sample=i):
                assert rt.autograd.gradgradcheck(
                    function_of_leaves(rt, case, sample), leaf_inputs(sample, {})
                )
    assert failures.ran, "no sample for gradgradcheck"
    failures.report()


@rows(lambda case: differentiable(case) and bool(case.inplace))
def test_gradient_of_inplace(case: OpCase) -> None:
    """The in-place form has the gradient of the function."""
    failures = Failures(case, "in-place gradient")
    for dtype in case.grad:
        for i, sample in enumerate(s for s in samples_of(case, dtype) if s.grad):
            if not isinstance(sample.args[0], Arr):
                continue
            with failures.at(sample, dtype=dtype, sample=i):
                inputs = leaf_inputs(sample, {})
                result = function_of_leaves(rt, case, sample)(*inputs)[0]
                fits = (result.shape, result.dtype) == (inputs[0].shape, inputs[0].dtype)
                if 0 in differentiable_leaves(sample) and fits:
                    assert rt.autograd.gradcheck(function_of_leaves(rt, case, sample, case.inplace), inputs)
    failures.report()


@rows(differentiable)
def test_gradients_are_recorded_only_when_wanted(case: OpCase) -> None:
    """No grad_fn under no_grad or without a differentiable argument; one where an argument requires grad."""
    dtype = case.grad[0]
    sample = next(s for s in samples_of(case, dtype) if s.grad)
    which = differentiable_leaves(sample)
    call = function_of_leaves(rt, case, sample)
    assert call(*leaf_inputs(sample, {})), "no result requires grad"
    with rt.no_grad():
        assert all(r.grad_fn is None for r in call(*leaf_inputs(sample, {})))
    plain = build(rt, sample)[2]
    assert not call(*[plain[i] for i in which])


@rows(lambda case: bool(case.refuses_grad))
def test_a_derivative_that_is_refused(case: OpCase) -> None:
    """The result is part of the graph, so that backward cannot pass it in silence."""
    sample = samples_of(case, "float64")[0]
    results = function_of_leaves(rt, case, sample)(*leaf_inputs(sample, {}))
    assert results, "no result requires grad"
    with pytest.raises(RuntimeError, match="derivative"):
        results[0].sum().backward()


@rows(lambda case: "complex128" in case.grad)
def test_samples_reach_complex_gradients(case: OpCase) -> None:
    """The complex samples really hold complex values, so that conjugation errors cannot hide."""
    found = [
        a.values
        for s in samples_of(case, "complex128")
        if s.grad
        for a in s.args
        if hasattr(a, "values") and is_complex(a.dtype)
    ]
    nested = any(isinstance(a, (list, tuple)) for s in samples_of(case, "complex128") for a in s.args)
    assert nested or any(np.any(v.imag != 0) for v in found)


def leaf_inputs(sample: Any, paths: Any) -> tuple[Any, ...]:
    which = differentiable_leaves(sample)
    tensors = build(rt, sample, paths, grad_leaves=which)[2]
    small = sum(tensors[i].numel() for i in which) <= GRADCHECK_ELEMENTS
    assert small, "too large for gradcheck: make it smaller or mark it .nograd()"
    return tuple(tensors[i] for i in which)
