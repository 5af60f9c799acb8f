"""In-place forms and out= answer as the functional form does, into memory that was there before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .case import Arr, OpCase, S, tensor
from .dtypes import can_cast, cast, is_float
from .harness import (
    Failures,
    arrange,
    arrangements,
    arrays,
    assert_close,
    assert_same,
    build,
    differentiable_leaves,
    dtype_name,
    flatten,
    map_leaves,
    resolve,
    samples_of,
    to_numpy,
    tolerance,
)
from .layouts import EXPANDED, STEPPED, TRANSPOSED, WRITABLE
from .rows import rows


def functional(case: OpCase, sample: Any) -> Any:
    args, kwargs, _ = build(rt, sample)
    return resolve(rt, case.called)(*args, **kwargs)


@rows(lambda case: bool(case.inplace))
def test_inplace(case: OpCase) -> None:
    """Returns its argument with the functional result, counts a version, spares the memory between."""
    failures = Failures(case, "in place")
    inplace = resolve(rt, case.inplace)
    for dtype in case.inplace_dtypes or case.dtypes:
        for i, sample in enumerate(samples_of(case, dtype)):
            if not isinstance(sample.args[0], Arr) or "dtype" in sample.kwargs:
                continue
            own = sample.args[0]
            expected = functional(case, sample)
            kind = dtype_name(expected)
            fits = tuple(expected.shape) == own.values.shape
            if not (fits and can_cast(kind, own.dtype)):
                if case.pointwise:
                    with failures.at(sample, dtype=dtype, sample=i, expects="RuntimeError"):
                        args, kwargs, _ = build(rt, sample)
                        with pytest.raises(RuntimeError):
                            inplace(*args, **kwargs)
                continue
            wanted = cast(to_numpy(expected), own.dtype)
            for layout in WRITABLE:
                arranged = arrange(sample, layout, [0])
                if arranged is None:
                    continue
                with failures.at(sample, dtype=dtype, layout=layout.name, sample=i):
                    args, kwargs, tensors = build(rt, *arranged)
                    placed, x = arranged[1][0], tensors[0]
                    whole = x.as_strided((placed.storage.size,), (1,), 0)
                    before = x._version
                    answer = inplace(*args, **kwargs)
                    assert answer is x, "did not return its argument"
                    assert x._version > before, "the version did not change"
                    assert dtype_name(x) == own.dtype, f"dtype became {dtype_name(x)}"
                    coarser = kind if is_float(kind) and is_float(own.dtype) else own.dtype
                    assert_close(to_numpy(x), wanted, own.dtype, tolerance(case, coarser))
                    between = ~placed.used()
                    untouched = to_numpy(whole)[between] == placed.storage[between]
                    assert np.all(untouched), "wrote outside its elements"
    assert failures.ran, "no sample runs in place"
    failures.report()


@rows(lambda case: bool(case.inplace) and case.pointwise)
def test_inplace_refuses_overlapping_memory(case: OpCase) -> None:
    """Writing through stride 0 would write one element several times."""
    failures = Failures(case, "in place on expanded memory")
    for i, sample in enumerate(samples_of(case, "float32" if "float32" in case.dtypes else case.dtypes[0])):
        arranged = arrange(sample, EXPANDED, [0]) if isinstance(sample.args[0], Arr) else None
        if arranged is None or sample.args[0].values.size == 0:
            continue
        with failures.at(sample, sample=i):
            args, kwargs, _ = build(rt, *arranged)
            with pytest.raises(RuntimeError):
                resolve(rt, case.inplace)(*args, **kwargs)
    failures.report()


@rows(lambda case: bool(case.inplace) and bool(case.grad))
def test_inplace_on_a_leaf_that_requires_grad(case: OpCase) -> None:
    sample = next(s for s in samples_of(case, case.grad[0]) if s.grad and isinstance(s.args[0], Arr))
    args, kwargs, _ = build(rt, sample, grad_leaves=[0])
    if 0 in differentiable_leaves(sample):
        with pytest.raises(RuntimeError, match="leaf"):
            resolve(rt, case.inplace)(*args, **kwargs)
        with rt.no_grad():
            resolve(rt, case.inplace)(*args, **kwargs)


@rows(lambda case: case.out)
def test_out(case: OpCase) -> None:
    """out= is filled and returned: as it is where the shape fits (any strides), resized where it is empty."""
    failures = Failures(case, "out=")
    fn = resolve(rt, case.called)
    for dtype in case.dtypes:
        for i, sample in enumerate(s for s in samples_of(case, dtype) if s.out):
            expected = functional(case, sample)
            single = not isinstance(expected, (tuple, list))
            for kind in ("empty", "filled", "stepped", "transposed"):
                with failures.at(sample, dtype=dtype, out=kind, sample=i):
                    outs = [out_tensor(e, kind) for e in flatten(expected)]
                    args, kwargs, _ = build(rt, sample)
                    before = [o._version for o in outs]
                    answer = fn(*args, **kwargs, out=outs[0] if single else tuple(outs))
                    for a, o, v in zip(flatten(answer), outs, before, strict=True):
                        assert a is o or a.data_ptr() == o.data_ptr(), "did not return out"
                        assert o.numel() == 0 or o._version > v, "the version of out did not change"
                    if case.random:  # other numbers, of the same distribution
                        assert [(tuple(o.shape), o.dtype) for o in outs] == [
                            (tuple(e.shape), e.dtype) for e in flatten(expected)
                        ]
                        if case.check is not None:
                            plain = map_leaves((list(sample.args), sample.kwargs), lambda a: a.wide())
                            case.check(arrays(outs), *plain[0], **plain[1])
                    else:
                        assert_same(case, outs, flatten(expected))
    failures.report()


def out_tensor(like: Any, kind: str) -> Any:
    """A tensor to write `like` into."""
    if kind == "empty":
        return rt.empty((0,), dtype=like.dtype)
    layout = {"stepped": STEPPED, "transposed": TRANSPOSED}.get(kind)
    arr = tensor(np.zeros(tuple(like.shape)), dtype_name(like))
    arranged = arrange(S(arr), layout, [0]) if layout else None
    return build(rt, *(arranged or (S(arr), {})))[2][0]


# bernoulli draws zeros and ones, which every dtype holds; sums and products are computed in that of out.
COMPUTED_IN_ANY = ("bernoulli", "sum", "prod", "cumsum", "cumprod")


@rows(lambda case: case.out and case.name not in COMPUTED_IN_ANY)
def test_out_of_a_dtype_that_cannot_hold_the_result(case: OpCase) -> None:
    failures = Failures(case, "out= of a wrong dtype")
    for dtype in case.dtypes:
        sample = samples_of(case, dtype)[0]
        expected = flatten(functional(case, sample))
        narrow = [n for n in ("bool", "int64", "float32") if not can_cast(dtype_name(expected[0]), n)]
        if not narrow:
            continue
        with failures.at(sample, dtype=dtype, out=narrow[-1]):
            outs = [rt.empty(e.shape, dtype=e.dtype) for e in expected]
            outs[0] = rt.empty(expected[0].shape, dtype=getattr(rt, narrow[-1]))
            args, kwargs, _ = build(rt, sample)
            with pytest.raises((RuntimeError, TypeError)):
                resolve(rt, case.called)(*args, **kwargs, out=outs[0] if len(outs) == 1 else tuple(outs))
    failures.report()


@rows(lambda case: case.out and bool(case.grad))
def test_out_takes_no_part_in_autograd(case: OpCase) -> None:
    sample = next(s for s in samples_of(case, case.grad[0]) if s.grad)
    expected = functional(case, sample)
    outs = [rt.empty(e.shape, dtype=e.dtype) for e in flatten(expected)]
    args, kwargs, _ = build(rt, sample, grad_leaves=differentiable_leaves(sample))
    with pytest.raises(RuntimeError):
        single = not isinstance(expected, (tuple, list))
        resolve(rt, case.called)(*args, **kwargs, out=outs[0] if single else tuple(outs))


def test_a_new_tensor_is_made_as_out_is() -> None:
    """Without dtype= the dtype of out decides; with one the two have to agree."""
    for made in (
        rt.arange(0.5, 5, out=rt.ones(1, dtype=rt.int64)),
        rt.linspace(0, 4, 5, out=rt.ones(5, dtype=rt.int64)),
        rt.range(0, 4, out=rt.ones(0, dtype=rt.int64)),
    ):
        assert made.dtype is rt.int64
        assert made.tolist() == [0, 1, 2, 3, 4]
    assert rt.zeros(2, out=rt.ones(2, dtype=rt.bool)).tolist() == [False, False]
    assert rt.full((2,), 1.5, out=rt.ones(2, dtype=rt.int32)).tolist() == [1, 1]
    assert rt.eye(2, dtype=rt.int8, out=rt.ones(2, 2, dtype=rt.int8)).tolist() == [[1, 0], [0, 1]]
    with pytest.raises(RuntimeError, match=r"^zeros: dtype Float does not match dtype of out"):
        rt.zeros(2, dtype=rt.float32, out=rt.ones(2, dtype=rt.float64))


def test_arrangements_cover_every_layout() -> None:
    """The layouts themselves: what a placed tensor shows is what it says."""
    sample = S(tensor(np.arange(24.0).reshape(1, 2, 3, 4), "float32"))
    names = {where.split("[")[0] for where, *_ in arrangements(sample)}
    assert len(names) == 8
    for _, _, arranged, paths in arrangements(sample):
        t = build(rt, arranged, paths)[2][0]
        np.testing.assert_array_equal(to_numpy(t), arranged.args[0].values)
        if paths:
            assert t.stride() == paths[0].strides
            assert t.storage_offset() == paths[0].offset
