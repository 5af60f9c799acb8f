"""Every op of PyTorch's OpInfo database that exists here, on its samples: values, gradients, errors."""

from __future__ import annotations

import functools
import os
import types
from functools import partial
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("quiet")]

from torch.testing._internal.opinfo.core import OpInfo  # noqa: E402

import rustorch as rt  # noqa: E402

from .failures import Failures  # noqa: E402
from .opinfo import (  # noqa: E402
    OPS,
    Call,
    array,
    assert_view,
    compare,
    compare_values,
    counterpart,
    dtypes_of,
    flat,
    gradients,
    lookup,
    ours,
    rebound,
    shares_memory,
    spread,
    tolerance,
)
from .opinfo_differences import INVARIANTS, KNOWN, RANDOM  # noqa: E402

PLAIN_WRAPPER = OpInfo.__dataclass_fields__["gradcheck_wrapper"].default

# More for a thorough run by hand.
SAMPLES = int(os.environ.get("RUSTORCH_OPINFO_SAMPLES", "8"))

every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.formatted_name)


def expected(op: Any, call: Call) -> Any:
    args, kwargs = call.theirs
    return op.op(*args, **kwargs)


def invariant(op: Any, result: Any) -> Any:
    """What of the result is determined: eigenvectors, say, are so up to a factor."""
    return INVARIANTS[op.name](result) if op.name in INVARIANTS else result


@every_op
def test_values(op: Any) -> None:
    failures = Failures(op.formatted_name, KNOWN)
    for dtype in dtypes_of(op):
        count = SAMPLES if dtype is torch.float32 else max(2, SAMPLES // 2)
        for sample in spread(op.sample_inputs("cpu", dtype), count):
            call = Call(sample)
            args, kwargs, _ = call.mine()
            try:
                theirs = expected(op, call)
            except (RuntimeError, TypeError, ValueError, IndexError):
                continue
            failures.ran += 1
            try:
                mine = ours(op)(*args, **kwargs)
                if is_random(op, call):
                    compare_kind(mine, theirs)
                    continue
                compare(invariant(op, mine), invariant(op, theirs), partial(tolerance, op))
                assert_view(mine, theirs, call)
            except Exception as error:
                failures.note(f"{op.name}{call}", error)
    failures.report()


def is_random(op: Any, call: Call) -> bool:
    """Whether values are drawn: by the op itself, or by a dropout in it."""
    args, kwargs = call.theirs
    drops = "attention" in op.name and kwargs.get("dropout_p", 0) > 0
    # The dropout of multi_head_attention_forward is its eleventh argument.
    drops |= "multi_head" in op.name and args[10] > 0 and kwargs.get("training", True)
    return op.name in RANDOM or drops


def compare_kind(mine: Any, theirs: Any) -> None:
    for a, b in zip(flat(mine), flat(theirs), strict=True):
        if isinstance(b, torch.Tensor):
            assert tuple(a.shape) == tuple(b.shape)
            assert str(a.dtype).rsplit(".", 1)[-1] == str(b.dtype).rsplit(".", 1)[-1]


@pytest.mark.parametrize("op", [o for o in OPS if o.supports_autograd], ids=lambda op: op.formatted_name)
def test_gradients(op: Any) -> None:
    if op.name in RANDOM:
        pytest.skip("random")
    failures = Failures(op.formatted_name, KNOWN)
    for dtype in (torch.float64, torch.complex128):
        if not op.supports_dtype(dtype, "cpu"):
            continue
        for sample in spread(op.sample_inputs("cpu", dtype, requires_grad=True), max(3, SAMPLES // 2)):
            compare_gradients(op, sample, failures)
    failures.report()


def compare_gradients(op: Any, sample: Any, failures: Failures) -> None:
    call = Call(sample)
    args, kwargs, tensors = call.mine()
    tensors = [(t, m) for t, m in tensors if t.requires_grad]
    try:
        args_, kwargs_ = call.theirs
        theirs = sample.output_process_fn_grad(wrapped(op, op.op, False)(*args_, **kwargs_))
        which = [isinstance(t, torch.Tensor) and t.requires_grad for t in flat(theirs)]
        wanted = gradients(torch, theirs, [t for t, _ in tensors], which)
    except (RuntimeError, TypeError, ValueError, IndexError):
        return
    if wanted is None or is_random(op, call):
        return
    failures.ran += 1
    try:
        mine = sample.output_process_fn_grad(wrapped(op, ours(op), True)(*args, **kwargs))
        found = gradients(rt, mine, [m for _, m in tensors], which)
        # A gradient that is not there and one of zeros are the same statement.
        found = [None] * len(wanted) if found is None else found
        for i, (f, w) in enumerate(zip(found, wanted, strict=True)):
            if w is None and f is None:
                continue
            w = torch.zeros_like(tensors[i][0]) if w is None else w
            f = rt.zeros_like(tensors[i][1]) if f is None else f
            assert tuple(f.shape) == tuple(w.shape), f"gradient {i} has shape {tuple(f.shape)}"
            rtol, atol = tolerance(op, w.dtype)
            try:
                compare_values(array(f), array(w), rtol, atol)
            except AssertionError as error:
                raise AssertionError(f"gradient {i}: {error}") from None
    except Exception as error:
        failures.note(f"{op.name}{call}", error)


def wrapped(op: Any, fn: Any, mine: bool) -> Any:
    """The function of a symmetric (or triangular) part of its input, where only that part has a gradient."""
    wrapper = op.gradcheck_wrapper
    if wrapper is PLAIN_WRAPPER:
        return fn
    if mine:
        wrapper = rebound(wrapper)
    return lambda *args, **kwargs: wrapper(fn, *args, **kwargs)


@every_op
def test_forms(op: Any) -> None:
    """The method, in-place and out= forms answer as PyTorch's do."""
    if op.name in RANDOM:
        pytest.skip("random")
    failures = Failures(op.formatted_name, KNOWN)
    for sample in (s for d in dtypes_of(op)[:1] for s in spread(op.sample_inputs("cpu", d), 3)):
        call = Call(sample)
        for form in ("method", "inplace", "out"):
            theirs = theirs_in_form(op, call, form)
            if theirs is None:
                continue
            failures.ran += 1
            try:
                mine = ours_in_form(op, call, form, theirs)
                compare(invariant(op, mine), invariant(op, theirs), partial(tolerance, op))
            except Exception as error:
                failures.note(f"{form} of {op.name}{call}", error)
    failures.report()


def theirs_in_form(op: Any, call: Call, form: str) -> Any:
    """PyTorch's result in that form; None where it has none for this sample."""
    args, kwargs = call.theirs
    try:
        if form == "method":
            plain = isinstance(sample_input := args[0], torch.Tensor) and op.method_variant is not None
            return op.method_variant(sample_input, *args[1:], **kwargs) if plain else None
        if form == "inplace":
            if op.inplace_variant is None or not isinstance(args[0], torch.Tensor):
                return None
            return op.inplace_variant(args[0].clone(), *args[1:], **kwargs)
        if not op.supports_out:
            return None
        out = empty_like(torch, op.op(*args, **kwargs))
        return op.op(*args, **kwargs, out=out)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError):
        return None


def empty_like(lib: Any, result: Any) -> Any:
    if isinstance(result, (tuple, list)):
        return tuple(empty_like(lib, r) for r in result)
    name = str(result.dtype).rsplit(".", 1)[-1]
    return lib.empty(tuple(result.shape), dtype=getattr(lib, name))


def ours_in_form(op: Any, call: Call, form: str, theirs: Any) -> Any:
    args, kwargs, _ = call.mine()
    if form == "method":
        return getattr(args[0], op.method_variant.__name__)(*args[1:], **kwargs)
    if form == "inplace":
        target = args[0].clone()
        result = in_place(op.inplace_variant)(target, *args[1:], **kwargs)
        assert result is target, "the in-place form must return its tensor"
        return result
    out = empty_like(rt, theirs)
    result = ours(op)(*args, **kwargs, out=out)
    for r, o in zip(flat(result), flat(out), strict=True):
        assert r is o, "the result must be the tensor given as out"
    return result


def in_place(fn: Any) -> Any:
    """Ours for the in-place form of an entry: a method, a function with `inplace`, or a wrapper of one."""
    if isinstance(fn, functools.partial):
        return functools.partial(counterpart(fn.func), **fn.keywords)
    if isinstance(fn, types.FunctionType):
        return rebound(fn)
    return lambda t, *args, **kwargs: getattr(t, fn.__name__)(*args, **kwargs)


@pytest.mark.parametrize(
    "op", [o for o in OPS if o.error_inputs_func is not None], ids=lambda op: op.formatted_name
)
def test_errors(op: Any) -> None:
    failures = Failures(op.formatted_name, KNOWN)
    for error in op.error_inputs("cpu"):
        call = Call(error.sample_input)
        try:
            expected(op, call)
            continue
        except Exception as theirs:
            wanted = next(t for t in type(theirs).__mro__ if t.__module__ == "builtins")
        failures.ran += 1
        try:
            args, kwargs, _ = call.mine()
            ours(op)(*args, **kwargs)
        except wanted:
            continue
        except Exception as mine:
            failures.note(f"{op.name}{call}", AssertionError(f"{wanted.__name__}, not {mine!r}"))
        else:
            failures.note(f"{op.name}{call}", AssertionError(f"no error, PyTorch raises {wanted.__name__}"))
    failures.report()


def test_most_of_the_database_is_compared() -> None:
    assert len(OPS) > 500
    assert lookup("nn.functional.relu") is rt.nn.functional.relu
    assert shares_memory(torch.zeros(2), Call(torch.testing._internal.opinfo.core.SampleInput(0))) is False
