"""The op table against PyTorch: values, shapes, dtypes, strides, derivatives, error types."""

from __future__ import annotations

import builtins
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from ..ops.case import Arr, OpCase, Sample
from ..ops.dtypes import is_float
from ..ops.harness import (
    Failures,
    Paths,
    arrange,
    arrangements,
    assert_same,
    build,
    differentiable_leaves,
    flatten,
    function_of_leaves,
    is_tensor,
    resolve,
    samples_of,
    to_numpy,
)
from ..ops.layouts import CHANNELS_LAST, EXPANDED, LAYOUTS, OFFSET, STEPPED, TRANSPOSED
from ..ops.rows import rows

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """PyTorch warns about things the table does on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def call(lib: Any, case: OpCase, sample: Sample, paths: Paths | None = None) -> Any:
    args, kwargs, _ = build(lib, sample, paths)
    return resolve(lib, case.called)(*args, **kwargs)


def assert_strides(result: Any, expected: Any, exact: bool) -> None:
    """Equal strides; of dims that are longer than one unless `exact`, as the others address nothing."""
    for r, e in zip(flatten(result), flatten(expected), strict=True):
        # An empty array comes into PyTorch with strides of zero, which its views keep.
        if not is_tensor(e) or e.numel() == 0:
            continue
        mine, theirs = tuple(r.stride()), tuple(e.stride())
        if not exact:
            mine = tuple(s for s, n in zip(mine, e.shape, strict=True) if n > 1)
            theirs = tuple(s for s, n in zip(theirs, e.shape, strict=True) if n > 1)
        assert mine == theirs, f"strides {tuple(r.stride())}, PyTorch has {tuple(e.stride())}"
        if exact:
            assert r.storage_offset() == e.storage_offset(), "storage offset"


@rows(lambda case: not case.random)
def test_results(case: OpCase) -> None:
    """Values, shapes and dtypes for contiguous arguments; the table's dtypes are those PyTorch supports."""
    failures = Failures(case, "parity of results")
    for dtype in (d for d in case.dtypes if d not in case.beyond_torch):
        for i, sample in enumerate(samples_of(case, dtype)):
            with failures.at(sample, dtype=dtype, sample=i):
                expected = call(torch, case, sample)
                result = call(rt, case, sample)
                if case.grad_of is None and not case.torch_errs:
                    assert_same(case, result, expected)
                elif case.grad_of is not None and sample.parity_grad:
                    assert_same(case, case.grad_of(rt, result), case.grad_of(torch, expected))
                else:
                    assert [tuple(r.shape) for r in flatten(result)] == [
                        tuple(r.shape) for r in flatten(expected)
                    ]
                if case.strides:
                    assert_strides(result, expected, exact=case.view)
    failures.report()


@rows(lambda case: case.layouts and case.strides and (case.view or case.pointwise))
def test_strides(case: OpCase) -> None:
    """Views have PyTorch's strides and offsets in every layout; pointwise results keep the memory order."""
    failures = Failures(case, "parity of strides")
    use = LAYOUTS if case.view else (TRANSPOSED, CHANNELS_LAST, STEPPED, OFFSET, EXPANDED)
    dtype = "float32" if "float32" in case.dtypes else case.dtypes[0]
    for i, sample in enumerate(samples_of(case, dtype)):
        for where, _, arranged, paths in arrangements(sample, use):
            with failures.at(arranged, layout=where, sample=i):
                expected = call(torch, case, arranged, paths)
                assert_strides(call(rt, case, arranged, paths), expected, exact=case.view)
    failures.report()


def cotangent(lib: Any, at: int, result: Any) -> Any:
    """A vector for the result at this place, the same one in both libraries."""
    rng = np.random.default_rng(7 + at)
    v = rng.uniform(0.5, 1.5, tuple(result.shape))
    v = v + 1j * rng.uniform(0.5, 1.5, v.shape) if result.is_complex() else v
    return lib.from_numpy(np.array(v)).to(result.dtype)


def derivatives(lib: Any, case: OpCase, sample: Sample, paths: Paths, order: int) -> list[np.ndarray | None]:
    """Gradients (order 1), or gradients of a weighted sum of the gradients (order 2)."""
    which = differentiable_leaves(sample)
    tensors = build(lib, sample, paths, grad_leaves=which)[2]
    inputs = [tensors[i] for i in which]
    found = list(function_of_leaves(lib, case, sample)(*inputs))
    for level in range(order):
        outputs = [(i, r) for i, r in enumerate(found) if r is not None and r.requires_grad]
        if not outputs:
            return []
        vectors = [cotangent(lib, i, r) for i, r in outputs]
        results = [r for _, r in outputs]
        found = lib.autograd.grad(results, inputs, vectors, create_graph=level + 1 < order, allow_unused=True)
    return [None if g is None else to_numpy(g) for g in found]


def compare_derivatives(case: OpCase, order: int) -> None:
    failures = Failures(case, f"parity of derivatives of order {order}")
    for dtype in case.grad:
        for i, sample in enumerate(
            s for s in samples_of(case, dtype) if s.parity_grad and (order == 1 or s.twice)
        ):
            use = (None, TRANSPOSED, EXPANDED) if i == 0 and order == 1 and case.layouts else (None,)
            for layout in use:
                which = differentiable_leaves(sample)
                arranged = (sample, {}) if layout is None else arrange(sample, layout, which)
                if arranged is None or not which:
                    continue
                where = layout.name if layout else "contiguous"
                with failures.at(sample, dtype=dtype, layout=where, sample=i):
                    try:
                        expected = derivatives(torch, case, *arranged, order)
                    except RuntimeError as error:
                        if PYTORCH_HAS_NONE.search(str(error)):
                            continue
                        raise
                    found = derivatives(rt, case, *arranged, order)
                    assert_derivatives(found, expected, case.grad_tol.get(dtype, (1e-7, 1e-7)))
    failures.report()


# Derivatives that are ours alone.
PYTORCH_HAS_NONE = re.compile("derivative for .* is not implemented|is not differentiable with respect to")


# A derivative with respect to a half is rounded to one, and what led to it in each library's own order.
def half_tolerance(e: np.ndarray) -> float:
    if e.dtype == np.float16:
        return 2e-3
    # bfloat16 travels as float32.
    return 1e-2 if e.dtype == np.float32 and not np.any(e.view(np.uint32) & 0xFFFF) else 0.0


def assert_derivatives(found: list[Any], expected: list[Any], tol: tuple[float, float]) -> None:
    """A gradient that is not there and one of zeros are the same statement."""
    zeros = [np.zeros(()) if e is None else e for e in expected]
    assert len(found) == len(expected) or not np.any([np.any(e) for e in zeros])
    for j, (f, e) in enumerate(zip(found, zeros)):
        f = np.zeros_like(e) if f is None else f
        rtol = max(tol[0], half_tolerance(e))
        np.testing.assert_allclose(f, e, rtol, tol[1], equal_nan=True, err_msg=f"gradient of tensor {j}")


@rows(lambda case: bool(case.grad) and not case.random)
def test_gradients(case: OpCase) -> None:
    compare_derivatives(case, 1)


@rows(lambda case: bool(case.grad) and not case.no_second and not case.random)
def test_second_derivatives(case: OpCase) -> None:
    compare_derivatives(case, 2)


@rows(lambda case: bool(case.errors))
def test_error_types(case: OpCase) -> None:
    """A wrong call raises PyTorch's builtin exception (its NotImplementedError is a RuntimeError)."""
    failures = Failures(case, "parity of errors")
    for i, error in enumerate(case.errors):
        with failures.at(error.sample, error=i):
            theirs = outcome(torch, case.called, error.sample)
            wanted = getattr(builtins, error.type)
            assert isinstance(theirs, wanted), f"the table says {error.type}, PyTorch answers {theirs!r}"
            with pytest.raises(wanted):
                call(rt, case, error.sample)
    failures.report()


@rows(lambda case: bool(case.inplace) and not case.random)
def test_inplace_results(case: OpCase) -> None:
    """In-place forms accept and refuse the same calls as PyTorch's, with the same result."""
    failures = Failures(case, "parity in place")
    for dtype in case.inplace_dtypes or case.dtypes:
        for i, sample in enumerate(samples_of(case, dtype)):
            if not isinstance(sample.args[0], Arr):
                continue
            with failures.at(sample, dtype=dtype, sample=i):
                theirs = outcome(torch, case.inplace, sample)
                mine = outcome(rt, case.inplace, sample)
                assert isinstance(mine, type(theirs)) or not isinstance(theirs, Exception), (
                    f"{theirs!r}: {mine!r}"
                )
                if not isinstance(theirs, Exception):
                    assert_same(case, mine, theirs)
    failures.report()


def outcome(lib: Any, path: str, sample: Sample) -> Any:
    """What a call returns, or the exception it raises."""
    args, kwargs, _ = build(lib, sample)
    try:
        return resolve(lib, path)(*args, **kwargs)
    except (RuntimeError, TypeError, ValueError, IndexError, AssertionError) as error:
        return error


def test_bfloat16_travels_exactly() -> None:
    """The carrier of bfloat16 rounds as PyTorch does."""
    from ..ops.dtypes import round_bfloat16

    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32)
    np.testing.assert_array_equal(round_bfloat16(x), torch.from_numpy(x).bfloat16().float().numpy())
    assert is_float("bfloat16")
