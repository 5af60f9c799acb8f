"""Every op, in every dtype and layout, answers as its oracle does: values, shapes, dtypes."""

from __future__ import annotations

import numpy as np

import rustorch as rt

from .case import OpCase
from .harness import (
    Failures,
    assert_same,
    build,
    check_values,
    flatten,
    is_tensor,
    resolve,
    samples_of,
    to_numpy,
)
from .rows import rows


def test_values(case: OpCase) -> None:
    failures = check_values(rt, case)
    assert failures.ran, "the row has no samples"
    failures.report()


@rows(lambda case: bool(case.variants))
def test_variants(case: OpCase) -> None:
    """Methods, operators and aliases answer as the function does."""
    failures = Failures(case, "variants")
    for dtype in case.dtypes[:2]:
        for i, sample in enumerate(samples_of(case, dtype)):
            for path in case.variants:
                if path.startswith("operator.") and (sample.kwargs or len(sample.args) > 2):
                    continue
                if path.startswith("Tensor.") and not hasattr(sample.args[0], "dtype"):
                    continue
                with failures.at(sample, path=path, dtype=dtype, sample=i):
                    args, kwargs, _ = build(rt, sample)
                    other = resolve(rt, path)(*args, **kwargs)
                    args, kwargs, _ = build(rt, sample)
                    result = resolve(rt, case.called)(*args, **kwargs)
                    if not case.random:
                        assert_same(case, other, result)
    failures.report()


@rows(lambda case: case.view)
def test_view_shares_memory(case: OpCase) -> None:
    """What is written to the result is seen in the argument, and the argument's version counts it."""
    failures = Failures(case, "view")
    shared = 0
    for i, sample in enumerate(samples_of(case, "float32" if "float32" in case.dtypes else case.dtypes[0])):
        with failures.at(sample, sample=i):
            args, kwargs, tensors = build(rt, sample)
            for r in flatten(resolve(rt, case.called)(*args, **kwargs)):
                if not is_tensor(r) or r.numel() == 0:
                    continue
                before = sum(t._version for t in tensors)
                shown = [to_numpy(t) for t in tensors]
                r.fill_(41 + shared)
                assert not all(map(np.array_equal, shown, map(to_numpy, tensors))), "the result is a copy"
                assert sum(t._version for t in tensors) > before, "the argument's version did not change"
                shared += 1
    assert shared or failures.found, "no sample gave a view with elements"
    failures.report()
