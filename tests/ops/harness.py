"""Runs rows of the table on a library: builds arguments in every layout, calls, compares, and reports.

`lib` is the module under test (rustorch, or torch where the table itself is checked). One pytest item covers
one (row, aspect); `Failures` collects what went wrong in it, so that a report names dtype, layout and sample.
"""

from __future__ import annotations

import operator
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .case import Arr, D, Make, OpCase, Sample
from .dtypes import REAL_OF, TOLERANCES, cast, category, is_complex, is_float, is_integral, wide
from .layouts import CONTIGUOUS, LAYOUTS, Layout, Placed
from .promotion import DEFAULT_DTYPE, Operand, number, result_type

Paths = dict[int, Placed]  # position of a tensor argument among the leaves -> how it lies in memory


class Failures:
    """Collects the failures of one pytest item and reports them together."""

    def __init__(self, case: OpCase, aspect: str, excuse: Callable[[Exception], bool] | None = None) -> None:
        """`excuse`: says of an exception that it is no failure here (a device that lacks a kernel)."""
        self.case, self.aspect, self.excuse = case, aspect, excuse
        self.ran = 0
        self.excused: list[str] = []  # messages
        self.found: list[tuple[str, str]] = []  # (message, message with its place)

    @contextmanager
    def at(self, call: Sample | None, /, **where: Any) -> Iterator[None]:
        self.ran += 1
        try:
            yield
        except Exception as error:
            if self.excuse is not None and self.excuse(error):
                self.excused.append(str(error))
                return
            place = " ".join(f"{k}={v}" for k, v in where.items())
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            shown = "" if call is None else f"\n    {self.case.called}{call!r}"
            text = f"{kind}{str(error)[:900]}"
            self.found.append((text, f"{place}{shown}\n    {text}"))

    def report(self, shown: int = 6) -> None:
        """Raises if anything failed; of failures with one message it shows the first."""
        if self.found:
            head = f"{self.case.id}, {self.aspect}: {len(self.found)} of {self.ran} failed"
            first = list(dict(reversed(self.found)).values())[::-1][:shown]
            raise AssertionError("\n  ".join([head, *first]))


# Arguments


def samples_of(case: OpCase, dtype: str) -> list[Sample]:
    """The samples of a row in one dtype; the same on every run."""
    with np.errstate(all="ignore"):
        return list(case.samples(dtype, np.random.default_rng(zlib.crc32(f"{case.id}/{dtype}".encode()))))


def map_leaves(value: Any, visit: Callable[[Arr], Any], other: Callable[[Any], Any] = lambda v: v) -> Any:
    """`value` with each Arr in it replaced by visit(arr), in a fixed order, and all else by other(x)."""
    if isinstance(value, Arr):
        return visit(value)
    if isinstance(value, (list, tuple)):
        return type(value)(map_leaves(v, visit, other) for v in value)
    if isinstance(value, dict):
        return {k: map_leaves(v, visit, other) for k, v in value.items()}
    return other(value)


def leaves(sample: Sample) -> list[Arr]:
    found: list[Arr] = []
    map_leaves((sample.args, sample.kwargs), found.append)
    return found


def with_leaves(sample: Sample, arrs: Sequence[Arr]) -> Sample:
    rest = iter(arrs)
    args, kwargs = map_leaves((sample.args, sample.kwargs), lambda _: next(rest))
    return replace(sample, args=args, kwargs=kwargs)


def arrange(sample: Sample, layout: Layout, targets: Sequence[int]) -> tuple[Sample, Paths] | None:
    """The sample with the target leaves in `layout`, and how they lie; None where it does not apply."""
    arrs = leaves(sample)
    paths: Paths = {}
    for i in targets:
        if arrs[i].rigid and not layout.keeps_values:
            continue
        placed = layout.place(arrs[i].values)
        if placed is not None:
            paths[i] = placed
            arrs[i] = replace(arrs[i], values=placed.values)
    return (with_leaves(sample, arrs), paths) if paths else None


def arrangements(
    sample: Sample, layouts: Sequence[Layout] = LAYOUTS
) -> Iterator[tuple[str, Layout, Sample, Paths]]:
    """Every layout on each tensor argument in turn, then on all of them at once. Contiguous comes once."""
    count = len(leaves(sample))
    yield "contiguous", CONTIGUOUS, sample, {}
    targets = [(i,) for i in range(count)] + ([tuple(range(count))] if count > 1 else [])
    for layout in layouts:
        if layout is CONTIGUOUS:
            continue
        for target in targets:
            arranged = arrange(sample, layout, target)
            if arranged is not None:
                which = "all" if len(target) > 1 else str(target[0])
                yield f"{layout.name}[{which}]", layout, *arranged


def to_tensor(lib: Any, arr: Arr, placed: Placed | None = None, requires_grad: bool = False) -> Any:
    """The tensor that shows `arr`, over a storage of its own."""
    storage = arr.values.reshape(-1) if placed is None else placed.storage
    base = lib.from_numpy(np.array(storage, order="C", copy=True))
    if arr.dtype == "bfloat16":
        base = base.to(lib.bfloat16)
    if placed is None:
        t = base.view(arr.values.shape)
    else:
        t = base.as_strided(arr.values.shape, placed.strides, placed.offset)
    return t.detach().requires_grad_() if requires_grad else t


def to_numpy(t: Any) -> np.ndarray:
    """The values of a tensor in the carrier of its dtype."""
    t = t.detach()
    if str(t.device) != "cpu":
        t = t.cpu()
    if dtype_name(t) == "bfloat16":
        t = t.float()
    for lazy in ("resolve_conj", "resolve_neg"):
        t = getattr(t, lazy)() if hasattr(t, lazy) else t
    if getattr(t, "_is_zerotensor", bool)():  # PyTorch's symbolic zero
        t = t.clone()
    return np.array(t.numpy())


def dtype_name(t: Any) -> str:
    return str(t.dtype).rsplit(".", 1)[-1]


def build(
    lib: Any, sample: Sample, paths: Paths | None = None, grad_leaves: Sequence[int] = ()
) -> tuple[list[Any], dict[str, Any], list[Any]]:
    """(args, kwargs, tensors) for a call; `tensors` are the leaves in order."""
    tensors: list[Any] = []

    def make(arr: Arr) -> Any:
        i = len(tensors)
        tensors.append(to_tensor(lib, arr, (paths or {}).get(i), i in grad_leaves))
        return tensors[-1]

    args, kwargs = map_leaves((list(sample.args), sample.kwargs), make, lambda v: special_argument(lib, v))
    return args, kwargs, tensors


def special_argument(lib: Any, value: Any) -> Any:
    if isinstance(value, D):
        return getattr(lib, value.name)
    if isinstance(value, Make):
        return value.build(lib)
    return value


# Calls


def resolve(lib: Any, path: str) -> Callable[..., Any]:
    """The callable at `path`: "add", "nn.functional.relu", "Tensor.view" (or a property), "operator.add"."""
    head, _, rest = path.partition(".")
    if head == "Tensor":

        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            found = getattr(self, rest)
            return found(*args, **kwargs) if callable(found) else found

        return method
    if head == "operator":
        return getattr(operator, rest)
    found = lib
    for part in path.split("."):
        found = getattr(found, part)
    return found


def flatten(result: Any) -> list[Any]:
    """The results in order: tensors, numbers and bools."""
    if isinstance(result, (tuple, list)):
        return [x for r in result for x in flatten(r)]
    return [result]


def is_tensor(x: Any) -> bool:
    return hasattr(x, "stride")


# Expectations


def operand(arr: Arr) -> Operand:
    return Operand(arr.dtype, "dim" if arr.values.ndim else "zerodim")


def result_dtypes(rule: Any, sample: Sample, count: int) -> list[str]:
    """The dtypes that a rule demands of `count` results.

    "promote": of the tensor arguments; "promote_numbers": also of positional numbers; "float": promoted, and
    the default dtype for integers; "float_numbers": both; "sum": promoted, and int64 for integers;
    "real": promoted, then the real part's; "default": the default dtype;
    "first": of the first tensor; a dtype name: that one; a function: of the sample. dtype= overrules a name.
    """
    if isinstance(rule, tuple):
        return [result_dtypes(r, sample, 1)[0] for r in rule]
    if callable(rule):
        found = rule(sample)
        return list(found) if isinstance(found, (tuple, list)) else [found] * count
    asked = sample.kwargs.get("dtype")
    if isinstance(asked, D):
        return [asked.name] * count
    arrs = leaves(sample)
    if rule == "first":
        return [arrs[0].dtype] * count
    if rule == "default":
        return [DEFAULT_DTYPE] * count
    if rule in ("promote", "promote_numbers", "float", "float_numbers", "sum", "real"):
        operands = [operand(a) for a in arrs]
        if rule.endswith("_numbers"):
            operands += [number(a) for a in sample.args if isinstance(a, (bool, int, float, complex))]
        found = result_type(*operands)
        if rule.startswith("float") and is_integral(found):
            found = DEFAULT_DTYPE
        if rule == "sum" and is_integral(found):
            found = "int64"
        if rule == "real":
            found = REAL_OF.get(found, found)
        return [found] * count
    return [rule] * count


def oracle(case: OpCase, sample: Sample) -> list[Any]:
    """What `ref` answers, on the arguments in wide dtypes."""
    if case.sample_ref is not None:
        with np.errstate(all="ignore"):
            return flatten(case.sample_ref(sample))
    assert case.ref is not None
    args, kwargs = map_leaves(
        (list(sample.args), sample.kwargs),
        lambda a: a.wide(),
        lambda v: wide(v.name).type if isinstance(v, D) else v,
    )
    with np.errstate(all="ignore"):
        return flatten(case.ref(*args, **kwargs))


def tolerance(case: OpCase, dtype: str, grad: bool = False) -> tuple[float, float]:
    table = case.grad_tol if grad else case.tol
    return table.get(dtype, TOLERANCES.get(dtype, (0.0, 0.0)))


def assert_close(actual: np.ndarray, expected: np.ndarray, dtype: str, tol: tuple[float, float]) -> None:
    """Same shape, and values within tolerance (exact for integers and bool); NaN equals NaN."""
    assert actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}"
    if is_integral(dtype):
        same = actual == expected
    else:
        with np.errstate(all="ignore"):
            actual, expected = actual.astype(wide(dtype)), expected.astype(wide(dtype))
            same = np.isclose(actual, expected, rtol=tol[0], atol=tol[1], equal_nan=True)
    if not np.all(same):
        worst = np.argwhere(~np.asarray(same))[:3]
        shown = ", ".join(
            f"{tuple(int(j) for j in w)}: {actual[tuple(w)]} expected {expected[tuple(w)]}" for w in worst
        )
        raise AssertionError(f"{np.count_nonzero(~np.asarray(same))} of {same.size} values differ: {shown}")


def assert_result(case: OpCase, sample: Sample, result: Any, expected: Sequence[Any]) -> None:
    """The flattened `result` has the expected values, shapes and dtypes."""
    got = flatten(result)
    assert len(got) == len(expected), f"{len(got)} results, expected {len(expected)}"
    dtypes = result_dtypes(case.result, sample, len(got))
    for r, e, dtype in zip(got, expected, dtypes, strict=True):
        if isinstance(e, D):
            assert str(r).rsplit(".", 1)[-1] == e.name, f"{r}, expected {e.name}"
            continue
        if not is_tensor(r):
            assert type(r) is type(e), f"a {type(r).__name__}, expected a {type(e).__name__}"
            same = r == e or (r != r and e != e)
            assert same, f"{r!r}, expected {e!r}"
            continue
        assert dtype_name(r) == dtype, f"dtype {dtype_name(r)}, expected {dtype}"
        assert_close(to_numpy(r), cast(np.asarray(e), dtype), dtype, tolerance(case, dtype))


def assert_dtypes(case: OpCase, sample: Sample, result: Any) -> None:
    got = flatten(result)
    for r, dtype in zip(got, result_dtypes(case.result, sample, len(got)), strict=True):
        if is_tensor(r):
            assert dtype_name(r) == dtype, f"dtype {dtype_name(r)}, expected {dtype}"


def arrays(result: Any) -> list[Any]:
    return [to_numpy(r) if is_tensor(r) else r for r in flatten(result)]


# Aspects


def check_values(
    lib: Any,
    case: OpCase,
    layouts: Sequence[Layout] = LAYOUTS,
    excuse: Callable[[Exception], bool] | None = None,
) -> Failures:
    """The row in all its dtypes and the given layouts against its oracle, or its property (`check`).
    Where it has neither, every layout must answer as the contiguous one does."""
    failures = Failures(case, "values", excuse)
    fn = resolve(lib, case.called)
    for dtype in case.dtypes:
        for i, sample in enumerate(samples_of(case, dtype)):
            if case.random:
                lib.manual_seed(i)
            expected: list[Any] | None = None
            use = layouts if case.layouts else (CONTIGUOUS,)
            for where, layout, arranged, paths in arrangements(sample, use):
                with failures.at(arranged, dtype=dtype, layout=where, sample=i):
                    args, kwargs, tensors = build(lib, arranged, paths)
                    if case.ref is not None or case.sample_ref is not None:
                        if expected is None and layout.keeps_values:
                            expected = oracle(case, arranged)
                        wanted = expected if layout.keeps_values else oracle(case, arranged)
                        result = fn(*args, **kwargs)
                        assert_result(case, arranged, result, wanted or [])
                    elif case.check is not None:
                        result = fn(*args, **kwargs)
                        assert_dtypes(case, arranged, result)
                        plain = map_leaves((list(arranged.args), arranged.kwargs), lambda a: a.wide())
                        case.check(arrays(result), *plain[0], **plain[1])
                    else:
                        result = fn(*args, **kwargs)
                        assert_dtypes(case, arranged, result)
                        if not case.random:
                            a, k, _ = build(lib, arranged)
                            assert_same(case, result, fn(*a, **k))
                    if not paths and not case.called.endswith("_"):
                        for t, arr in zip(tensors, leaves(arranged), strict=True):
                            may_be_nan = category(arr.dtype) >= 2
                            unchanged = np.array_equal(to_numpy(t), arr.values, equal_nan=may_be_nan)
                            assert unchanged, f"an argument was changed: {arr}"
    return failures


def assert_same(case: OpCase, result: Any, other: Any, grad: bool = False) -> None:
    """Two results (of any library) agree in shape, dtype and value."""
    got, want = flatten(result), flatten(other)
    assert len(got) == len(want), f"{len(got)} results, expected {len(want)}"
    for r, w in zip(got, want, strict=True):
        if type(w).__name__ == "dtype":
            assert str(r).rsplit(".", 1)[-1] == str(w).rsplit(".", 1)[-1], f"{r}, expected {w}"
            continue
        if not is_tensor(w):
            assert type(r) is type(w) and (r == w or (r != r and w != w)), f"{r!r}, expected {w!r}"
            continue
        assert is_tensor(r), f"a {type(r).__name__}, expected a tensor"
        name = dtype_name(w)
        assert dtype_name(r) == name, f"dtype {dtype_name(r)}, expected {name}"
        assert_close(to_numpy(r), to_numpy(w), name, tolerance(case, name, grad))


def differentiable_leaves(sample: Sample) -> list[int]:
    return [i for i, a in enumerate(leaves(sample)) if a.grad and category(a.dtype) >= 2]


def differentiable_results(case: OpCase, lib: Any, result: Any) -> list[Any]:
    if case.grad_of is not None:
        result = case.grad_of(lib, result)
    return [
        r
        for r in flatten(result)
        if is_tensor(r) and r.requires_grad and (is_float(dtype_name(r)) or is_complex(dtype_name(r)))
    ]


def function_of_leaves(
    lib: Any, case: OpCase, sample: Sample, path: str = ""
) -> Callable[..., tuple[Any, ...]]:
    """The op as a function of its differentiable tensors alone, for gradcheck."""
    fn = resolve(lib, path or case.called)
    which = differentiable_leaves(sample)

    def call(*inputs: Any) -> tuple[Any, ...]:
        given = dict(zip(which, inputs, strict=True))
        position = iter(range(len(leaves(sample))))

        def place(arr: Arr) -> Any:
            i = next(position)
            if i not in given:
                return to_tensor(lib, arr)
            return given[i] if case.grad_via is None else case.grad_via(given[i])

        args, kwargs = map_leaves(
            (list(sample.args), sample.kwargs), place, lambda v: special_argument(lib, v)
        )
        if (path or case.called).endswith("_"):  # an in-place op must not write to a leaf
            args[0] = args[0].clone()
        if case.random:
            lib.manual_seed(0)
        return tuple(differentiable_results(case, lib, fn(*args, **kwargs)))

    return call
