"""Tensors from nothing: constants, ranges, and the like of other tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, INTS, is_complex, is_float, is_integral
from ..samples import Rng, rand

SIZES: tuple[Any, ...] = ((2, 3), ([2, 3],), (0,), ((),), (4, 0, 2))


def constants(*values: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for size in SIZES:
            yield S(*size, *values, dtype=D(dtype))
        wants_grad = is_float(dtype) or is_complex(dtype)
        yield S(2, 2, dtype=D(dtype), device="cpu", requires_grad=wants_grad).no_out()

    return samples


def shape_of(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if size and isinstance(size[0], (list, tuple)) else tuple(size)


def constant(value: Any) -> Any:
    return lambda *size, dtype=None, **_: np.full(shape_of(size), value)


def fulls(dtype: str, rng: Rng) -> Iterator[Sample]:
    value = True if dtype == "bool" else 3 if is_integral(dtype) else 1 - 2j if is_complex(dtype) else 2.5
    for size in ((2, 3), [2], (), (0, 3)):
        yield S(size, value, dtype=D(dtype))


def inferred(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Without a dtype the value decides."""
    for value in (True, 3, 2.5, 1j):
        yield S((2,), value)


def inferred_dtype(sample: Sample) -> str:
    return {bool: "bool", int: "int64", float: "float32", complex: "complex64"}[type(sample.args[1])]


def likes(*values: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield S(rand(rng, (2, 3), dtype), *values)
        yield S(rand(rng, (), dtype), *values)
        yield S(rand(rng, (0, 2), dtype), *values)
        yield S(rand(rng, (2,), dtype), *values, dtype=D("float64"))
        yield S(rand(rng, (2, 3, 2), dtype), *values, requires_grad=False, device="cpu")

    return samples


def like(value: Any) -> Any:
    return lambda x, *_, dtype=None, **__: np.full(x.shape, value)


def news(*values: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        x = rand(rng, (2,), dtype)
        yield S(x, (2, 3), *values)
        yield S(x, (), *values)
        yield S(x, (0, 2), *values)
        yield S(x, (2,), *values, dtype=D("int64"))

    return samples


def new(value: Any) -> Any:
    return lambda x, size, *_, dtype=None: np.full(size, value)


def ranges(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(5, dtype=D(dtype))
    yield S(2, 7, dtype=D(dtype))
    yield S(1, 9, 3, dtype=D(dtype))
    yield S(0, dtype=D(dtype))
    if dtype != "uint8":
        yield S(5, -2, -2, dtype=D(dtype))
        yield S(-3, 3, dtype=D(dtype))
    if is_float(dtype):
        yield S(0.5, 3, 0.5, dtype=D(dtype))
        yield S(start=1, end=2.1, step=0.25, dtype=D(dtype))


def plain_ranges(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Integers give int64, any float gives the default dtype."""
    for args in ((4,), (1, 4), (4, 0, -1), (4.0,), (0, 1, 0.25), (1, 3, 1.0), (3.5,)):
        yield S(*args)


def arange(*args: Any, dtype: Any = None, **named: Any) -> np.ndarray:
    if named:
        args = (named["start"], named["end"], named["step"])
    start, end, step = args if len(args) == 3 else (*args, 1) if len(args) == 2 else (0, *args, 1)
    return start + step * np.arange(max(0, int(np.ceil((end - start) / step))))


def plain_range_dtype(sample: Sample) -> str:
    return "float32" if any(isinstance(a, float) for a in sample.args) else "int64"


def lines(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(0, 8, 5, dtype=D(dtype))
    yield S(2, 6, steps=3, dtype=D(dtype))
    yield S(3, 9, 1, dtype=D(dtype))
    yield S(0, 1, 0, dtype=D(dtype))
    if not is_integral(dtype):
        yield S(-2.5, 7.0, 20, dtype=D(dtype))
        yield S(1.0, -1.0, 9, dtype=D(dtype))
    if is_complex(dtype):
        yield S(0, 1 + 2j, 4, dtype=D(dtype))
    if dtype in INTS and dtype != "uint8":
        yield S(4.3, -3.9, 50, dtype=D(dtype))  # between 4 and -3


def linspace(start: Any, end: Any, steps: int, dtype: Any = None) -> np.ndarray:
    if np.issubdtype(dtype, np.integer):
        start, end = int(start), int(end)
    return np.linspace(start, end, steps)


def eyes(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(3, dtype=D(dtype))
    yield S(2, 3, dtype=D(dtype))
    yield S(3, 1, dtype=D(dtype))
    yield S(0, dtype=D(dtype))


def row(name: str, ref: Any, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(name=name, ref=ref, samples=samples, errors=errors, **{"dtypes": EVERY, **fields})


def any_values(result: list[np.ndarray], *args: Any, **kwargs: Any) -> None:
    """Of uninitialized memory only the shape is known."""
    size = kwargs.get("size", args)
    if len(args) == 1 and isinstance(args[0], np.ndarray):
        wanted = args[0].shape
    elif args and isinstance(args[0], np.ndarray):
        wanted = tuple(args[1])
    else:
        wanted = shape_of(tuple(size))
    assert result[0].shape == wanted


NEGATIVE = Error(S(-1), "RuntimeError", "negative|dimension")
NOT_A_SIZE = Error(S("a"), "TypeError")
A = tensor([1.0])

CASES = [
    row(
        "zeros",
        constant(0),
        constants(),
        NEGATIVE,
        NOT_A_SIZE,
        Error(S(2, dtype="float"), "TypeError"),
        out=True,
    ),
    row("ones", constant(1), constants(), NEGATIVE, NOT_A_SIZE, out=True),
    row("empty", None, constants(), NEGATIVE, NOT_A_SIZE, check=any_values, random=True, out=True),
    row(
        "full",
        lambda size, value, **_: np.full(size, value),
        fulls,
        Error(S((-1,), 0), "RuntimeError", "negative|dimension"),
        Error(S((2,), "a"), "TypeError"),
        Error(S((2,)), "TypeError"),
        out=True,
    ),
    row(
        "full",
        lambda size, value: np.full(size, value),
        inferred,
        label="inferred",
        dtypes=("float32",),
        result=inferred_dtype,
    ),
    row("zeros_like", like(0), likes(), Error(S(1.0), "TypeError"), result="first"),
    row("ones_like", like(1), likes(), Error(S(1.0), "TypeError"), result="first"),
    row(
        "full_like",
        lambda x, v, dtype=None, **_: np.full(x.shape, v),
        likes(1),
        Error(S(A), "TypeError"),
        result="first",
    ),
    row("empty_like", None, likes(), check=any_values, random=True, result="first"),
    row(
        "new_zeros",
        new(0),
        news(),
        Error(S(A, -1), "RuntimeError", "negative|dimension"),
        path="Tensor.new_zeros",
        result="first",
    ),
    row(
        "new_ones",
        new(1),
        news(),
        Error(S(A, -1), "RuntimeError", "negative|dimension"),
        path="Tensor.new_ones",
        result="first",
    ),
    row(
        "new_full",
        lambda x, size, v, dtype=None: np.full(size, v),
        news(1),
        path="Tensor.new_full",
        result="first",
    ),
    row("new_empty", None, news(), check=any_values, random=True, path="Tensor.new_empty", result="first"),
    row(
        "arange",
        arange,
        ranges,
        Error(S(1, 5, 0), "RuntimeError", "step|zero"),
        Error(S(5, 1, 1), "RuntimeError", "bound|step|sign"),
        Error(S(0, float("inf")), "RuntimeError", "inf|finite|range|size"),
        Error(S(0, 64, 0.5, dtype=D("int64")), "ValueError", "step"),
        dtypes=ALL_FLOATS + INTS,
        out=True,
        tol={"bfloat16": (1.6e-2, 1e-2)},
    ),
    row("arange", arange, plain_ranges, label="inferred", dtypes=("float32",), result=plain_range_dtype),
    row(
        "linspace",
        linspace,
        lines,
        Error(S(0, 1, -1), "RuntimeError", "steps|negative"),
        Error(S(0, 300, 5, dtype=D("int8")), "RuntimeError", "overflow"),
        Error(S(0, 1), "TypeError"),
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        out=True,
        tol={"float16": (2e-3, 1e-3)},
    ),
    row(
        "eye",
        lambda n, m=None, dtype=None: np.eye(n, m),
        eyes,
        Error(S(-1), "RuntimeError", "negative|n"),
        Error(S(2, -1), "RuntimeError", "negative|m"),
        out=True,
    ),
]
