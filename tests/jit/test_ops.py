"""Every op of the op table, recorded and run again: on what it was recorded with, and on other numbers."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import rustorch as rt
from rustorch import _C
from rustorch.jit import TracerWarning

from ..ops.case import OpCase, Sample
from ..ops.harness import build, flatten, is_tensor, leaves, map_leaves, resolve, samples_of, special_argument
from ..ops.table import CASES

# What uninitialised memory holds is nobody's promise; these hold nothing else.
UNINITIALISED = {"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"}


def function_of(case: OpCase, sample: Sample, path: str) -> Any:
    """The call of a sample as a function of its tensors alone."""
    called = resolve(rt, path)

    def call(*tensors: Any) -> list[Any]:
        rest = iter(tensors)
        args, kwargs = map_leaves(
            (list(sample.args), sample.kwargs), lambda _: next(rest), lambda v: special_argument(rt, v)
        )
        return flatten(called(*args, **kwargs))

    return call


def bits(t: Any) -> bytes:
    t = t.detach().contiguous()
    begin = t.storage_offset() * t.itemsize
    return bytes(memoryview(_C._storage_bytes(t)))[begin : begin + t.nbytes]


def check_equal(case: OpCase, expected: list[Any], found: list[Any]) -> None:
    assert len(expected) == len(found)
    for old, new in zip(expected, found):
        if not is_tensor(old):
            assert old == new or old != old
            continue
        assert (old.dtype, old.shape) == (new.dtype, new.shape)
        if case.name.rpartition(".")[2] not in UNINITIALISED:
            assert bits(old) == bits(new), f"{old} became {new}"


def first_sample(case: OpCase) -> Sample | None:
    """The first that has elements, in the dtype most used."""
    dtype = "float32" if "float32" in case.dtypes else case.dtypes[0]
    found = samples_of(case, dtype)
    return next((s for s in found if any(a.values.size > 1 for a in leaves(s))), found[0] if found else None)


def run_case(case: OpCase, path: str) -> None:
    sample = first_sample(case)
    if sample is None:
        pytest.skip("no sample")
    call = function_of(case, sample, path)
    rt.manual_seed(7)
    expected = call(*build(rt, sample)[2])
    if not any(map(is_tensor, expected)):
        return  # a question about a tensor: recordings keep its answer
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", TracerWarning)
        recorded = rt.jit.trace(call, tuple(build(rt, sample)[2]))
    frozen = [w for w in said if issubclass(w.category, TracerWarning) and "random" not in str(w.message)]
    rt.manual_seed(7)
    check_equal(case, expected, recorded(*build(rt, sample)[2]))
    optimized = recorded.graph.optimize()
    rt.manual_seed(7)
    check_equal(case, expected, optimized(*build(rt, sample)[2]))
    if frozen or case.random or any(a.rigid for a in leaves(sample)):
        return
    others = [t.flip(tuple(range(t.dim()))) for t in build(rt, sample)[2]]
    rt.manual_seed(7)
    try:
        expected = call(*[t.clone() for t in others])
    except RuntimeError:
        return  # outside of the op's domain
    rt.manual_seed(7)
    shapes = [tuple(t.shape) for t in expected if is_tensor(t)]
    if shapes == [tuple(v.shape) for v in recorded.graph.outputs]:
        check_equal(case, expected, recorded(*others))


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
def test_a_recorded_op_gives_what_it_gave(case: OpCase) -> None:
    run_case(case, case.called)


INPLACE = [case for case in CASES if case.inplace]


@pytest.mark.parametrize("case", INPLACE, ids=[case.id for case in INPLACE])
def test_a_recorded_write_gives_what_it_gave(case: OpCase) -> None:
    sample = first_sample(case)
    assert sample is not None
    try:
        resolve(rt, case.inplace)(*build(rt, sample)[0], **build(rt, sample)[1])
    except (RuntimeError, TypeError):
        pytest.skip("the first sample does not fit in place")
    run_case(case, case.inplace)
