"""The op table itself is right: PyTorch passes it, and its dtypes are those that PyTorch supports."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ..ops.case import D, OpCase, Sample
from ..ops.dtypes import EVERY, INTS
from ..ops.harness import build, check_values, leaves, resolve, samples_of
from ..ops.layouts import CONTIGUOUS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


# PyTorch takes these too, but gives them no meaning of their own: the bounds' dtype decides.
UNDEFINED = {name: {"bool"} for name in ("clamp", "clamp_min", "clamp_max")}
UNDEFINED["normal"] = UNDEFINED["uniform"] = {"complex64", "complex128"}  # in place only, undocumented
for _name in ("dropout", "poisson_nll_loss", "margin_ranking_loss"):  # as their formulas happen to allow
    UNDEFINED[f"nn.functional.{_name}"] = set(EVERY)
UNDEFINED["linalg.norm"] = {"float16", "bfloat16"}  # of vectors only
UNDEFINED["linalg.matrix_norm"] = {"float16", "bfloat16"}  # the Frobenius norm only
for _name in ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"):
    UNDEFINED[f"nn.functional.{_name}"] = set(INTS)  # without speed, and not on any other device
for _name in ("avg_pool1d", "avg_pool2d", "avg_pool3d"):
    UNDEFINED[f"nn.functional.{_name}"] = {"int64"}
UNDEFINED["nn.functional.grid_sample"] = {"float16", "bfloat16"}  # the coordinates are too coarse to compare
UNDEFINED["nn.functional.affine_grid"] = {"float16", "bfloat16"}  # of dims of several elements only
UNDEFINED["nn.functional.soft_margin_loss"] = {"complex64", "complex128"}  # as its formula happens to allow
UNDEFINED["nn.functional.interpolate"] = {"uint8"}  # rounded in fixed point
UNDEFINED["complex"] = UNDEFINED["view_as_complex"] = {"float16"}  # there is no complex32
UNDEFINED["index_reduce"] = {"bool", "complex64", "complex128"}  # in more than one dim only
UNDEFINED["matrix_exp"] = {"float16", "bfloat16"}  # answers infinities
UNDEFINED["histc"] = {"float16", "bfloat16"}  # puts values near an edge into the wrong bin
for _name in ("bartlett", "blackman", "hamming", "hann", "kaiser"):
    # Halves are rounded at each step; complex windows have one element at most.
    UNDEFINED[f"{_name}_window"] = {"float16", "bfloat16", "complex64", "complex128"}
UNDEFINED["view"] = {"bfloat16"}  # NumPy has no bits of it to view


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_oracle_agrees_with_torch(case: OpCase) -> None:
    if case.torch_errs:
        pytest.skip(case.torch_errs)
    dtypes = tuple(d for d in case.dtypes if d not in case.beyond_torch)
    check_values(torch, replace(case, dtypes=dtypes), (CONTIGUOUS,)).report()


def test_dtypes_are_those_of_torch(case: OpCase) -> None:
    supported = {d for d in EVERY if runs(case, d)}
    assert not supported & set(case.beyond_torch)
    extra, missing = set(case.dtypes) - supported - set(case.beyond_torch), supported - set(case.dtypes)
    assert not extra, f"PyTorch refuses {sorted(extra)}"
    assert missing <= UNDEFINED.get(case.name, set()), f"PyTorch also supports {sorted(missing)}"


def runs(case: OpCase, dtype: str) -> bool:
    """Whether PyTorch answers the row's first sample made of this dtype."""
    try:
        sample = samples_of(case, dtype)[0]
    except (ValueError, TypeError, OverflowError, KeyError, IndexError):
        return False
    if (
        dtype not in case.dtypes
        and dtype not in [a.dtype for a in leaves(sample)]
        and D(dtype) not in asked(sample)
    ):
        return False  # the sample does not depend on the dtype
    args, kwargs, _ = build(torch, sample)
    try:
        resolve(torch, case.called)(*args, **kwargs)
    except (RuntimeError, TypeError, IndexError, ValueError):
        return False
    return True


def asked(sample: Sample) -> list[object]:
    return [*sample.args, *sample.kwargs.values()]
