"""Ranges with both ends, powers, indices of triangles, and tensors of given strides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, INTS, cast, is_complex, is_float, is_integral
from ..samples import Rng
from .creation import row

A = tensor([1.0])


def closed(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(0, 4, dtype=D(dtype))
    yield S(1, 9, 3, dtype=D(dtype))
    yield S(3, 3, dtype=D(dtype))
    if dtype != "uint8":
        yield S(5, -2, -2, dtype=D(dtype))
    if is_float(dtype):
        yield S(0.5, 3, 0.5, dtype=D(dtype))
        yield S(1, 2.1, 0.25, dtype=D(dtype))


def closed_range(start: float, end: float, step: float = 1, dtype: Any = None) -> np.ndarray:
    return start + step * np.arange(int(np.floor((end - start) / step)) + 1)


def powers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(0, 2, 3, dtype=D(dtype))
    yield S(0, 6, 4, base=2, dtype=D(dtype))
    yield S(2, 2, 1, base=3.0, dtype=D(dtype))
    yield S(0, 1, 0, dtype=D(dtype))
    if is_integral(dtype):
        yield S(0, 1.9, 2, dtype=D(dtype))  # from 0 to 1
    else:
        yield S(-1.5, 1.0, 7, dtype=D(dtype))
        yield S(1, -1, 5, base=0.5, dtype=D(dtype))
    if is_complex(dtype):
        yield S(0, 1 + 2j, 4, dtype=D(dtype))


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, dtype: Any = None) -> np.ndarray:
    if np.issubdtype(dtype, np.integer):
        start, end = int(start), int(end)
    line = np.linspace(start, end, steps)
    found = np.power(np.full_like(line, base), line)
    return np.round(found, 6) if np.issubdtype(dtype, np.integer) else found


def triangles(dtype: str, rng: Rng) -> Iterator[Sample]:
    for size in ((3, 3), (2, 4), (4, 2), (0, 3), (3, 0)):
        yield S(*size, dtype=D(dtype))
    for offset in (-5, -1, 1, 2, 9):
        yield S(3, 4, offset, dtype=D(dtype))
    yield S(row=2, col=2, offset=-1, dtype=D(dtype), device="cpu")


def tril_indices(row: int, col: int, offset: int = 0, **_: Any) -> np.ndarray:
    return np.stack(np.tril_indices(row, offset, col))


def triu_indices(row: int, col: int, offset: int = 0, **_: Any) -> np.ndarray:
    return np.stack(np.triu_indices(row, offset, col))


def numbers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(1, dtype=D(dtype))
    yield S(True, dtype=D(dtype))
    if dtype != "bool":
        yield S(2.5, dtype=D(dtype))
    if is_complex(dtype):
        yield S(1 - 2j, dtype=D(dtype))
    yield S(3)


def strided(dtype: str, rng: Rng) -> Iterator[Sample]:
    for size, stride in (
        ((2, 3), (3, 1)),
        ((2, 3), (1, 2)),
        ((2, 3), (0, 1)),
        ((), ()),
        ((0, 2), (2, 1)),
        ((2,), (5,)),
    ):
        yield S(size, stride, dtype=D(dtype))


def new_strided(dtype: str, rng: Rng) -> Iterator[Sample]:
    x = tensor([1], dtype)
    yield S(x, (2, 3), (1, 2))
    yield S(x, (2,), (3,), dtype=D("int64"))
    yield S(x, (), ())
    yield S(x, (0, 2), (1, 1))


def sized(result: list[np.ndarray], *args: Any, **_: Any) -> None:
    """Of uninitialized memory only the shape is known here; parity compares the strides."""
    assert result[0].shape == args[-2]


RANK = Error(S((2,), (1, 1)), "RuntimeError", "dim")
NEGATIVE = Error(S((-2,), (1,)), "RuntimeError", "negative")
TRIANGLE_ERRORS = (
    Error(S(-1, 2), "RuntimeError", "row"),
    Error(S(1, -2), "RuntimeError", "col"),
    Error(S(2, 2, dtype=D("float32")), "NotImplementedError", "Float"),
)

CASES: list[OpCase] = [
    row(
        "range",
        closed_range,
        closed,
        Error(S(1, 5, 0), "RuntimeError", "step"),
        Error(S(5, 1, 1), "RuntimeError", "bound"),
        Error(S(0, float("inf")), "RuntimeError", "range"),
        dtypes=ALL_FLOATS + INTS,
        out=True,
        tol={"bfloat16": (1.6e-2, 1e-2)},
    ),
    row(
        "logspace",
        logspace,
        powers,
        Error(S(0, 1, -1), "RuntimeError", "steps"),
        Error(S(0, 1), "TypeError"),
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        out=True,
        tol={
            "float16": (2e-3, 1e-2),
            "bfloat16": (1.6e-2, 1e-2),
            "float32": (1e-5, 1e-5),
            "complex64": (1e-5, 1e-4),
        },
    ),
    row(
        "tril_indices",
        tril_indices,
        triangles,
        *TRIANGLE_ERRORS,
        Error(S(2**63 - 1, 100, 2), "RuntimeError", "overflow|64 bits"),
        dtypes=("int32", "int64"),
    ),
    row("triu_indices", triu_indices, triangles, *TRIANGLE_ERRORS, dtypes=("int32", "int64")),
    row(
        "scalar_tensor",
        None,
        numbers,
        Error(S("a"), "TypeError"),
        Error(S(300, dtype=D("int8")), "RuntimeError", "overflow"),
        sample_ref=lambda s: cast(np.asarray(s.args[0]), s.kwargs["dtype"].name if s.kwargs else "float32"),
        result="default",
    ),
    row("empty_strided", None, strided, RANK, NEGATIVE, check=sized, random=True),
    OpCase(
        name="new_empty_strided",
        path="Tensor.new_empty_strided",
        check=sized,
        samples=new_strided,
        dtypes=EVERY,
        result="first",
        random=True,
        speaks_as=("empty_strided",),
        errors=(Error(S(A, (2,), (1, 1)), "RuntimeError", "dim"),),
    ),
]
