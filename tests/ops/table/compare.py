"""Comparisons, logic, bits, and the tests of whole tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, EVERY, INTS, is_float
from ..samples import Rng, rand, special
from .binary import SHAPES_DIFFER, pairs

REAL = ALL_FLOATS + INTS + ("bool",)


def comparisons(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Few different values, so that there are ties; numbers of every category; other dtypes."""

    def few(_: Rng, shape: Any, name: str) -> Any:
        return tensor(rng.integers(0, 3, shape), name)

    yield from pairs(dtype, rng, few)
    yield S(few(rng, (3, 4), dtype), few(rng, (4,), dtype))
    yield S(few(rng, (3, 4), dtype), 1)
    yield S(few(rng, (3, 4), dtype), 0.5)
    yield S(few(rng, (3,), dtype), True)
    yield S(few(rng, (3,), dtype), few(rng, (3,), "float64"))
    yield S(few(rng, (3,), dtype), few(rng, (), "int64"))
    yield S(special(dtype), tensor(special(dtype).values[::-1].copy(), dtype))
    yield S(special(dtype), special(dtype))


def truths(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng, lambda r, s, d: tensor(r.integers(0, 2, s), d))
    yield S(tensor([0, 0, 1, 1], dtype), tensor([False, True, False, True]))
    yield S(special(dtype), special(dtype))


def bits(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    yield S(special(dtype), special(dtype))
    yield S(rand(rng, (2, 3), dtype), 1)
    yield S(rand(rng, (2, 3), dtype), True)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), "int64"))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), "bool"))


def wrap_number(op: Any) -> Any:
    return lambda a, b: op(
        a, np.asarray(b).astype(a.dtype) if isinstance(b, int) and a.dtype.kind in "iu" else b
    )


def closeness(dtype: str, rng: Rng) -> Iterator[Sample]:
    a = rand(rng, (2, 3), dtype)
    yield S(a, a)
    yield S(a, rand(rng, (2, 3), dtype))
    yield S(a, rand(rng, (3,), dtype))
    yield S(rand(rng, (), dtype), rand(rng, (), dtype))
    yield S(rand(rng, (0,), dtype), rand(rng, (0,), dtype))
    if dtype != "bool":
        yield S(tensor([10, 20, 30], dtype), tensor([11, 20, 33], dtype), rtol=0.1, atol=0.0)
        yield S(tensor([10, 20, 30], dtype), tensor([11, 20, 33], dtype), atol=2.0, rtol=0.0)
    if is_float(dtype):
        yield S(special(dtype), special(dtype))
        yield S(special(dtype), special(dtype), equal_nan=True)
        yield S(tensor([np.inf, np.inf], dtype), tensor([np.inf, -np.inf], dtype))


def allclose_cases(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from closeness(dtype, rng)


def equality(dtype: str, rng: Rng) -> Iterator[Sample]:
    a = rand(rng, (2, 3), dtype)
    yield S(a, a)
    yield S(a, rand(rng, (2, 3), dtype))
    yield S(a, rand(rng, (2, 1), dtype))  # other shape: not equal, no broadcast
    yield S(rand(rng, (0, 2), dtype), rand(rng, (0, 2), dtype))
    yield S(tensor(1, dtype), tensor(1, dtype))
    yield S(special(dtype), special(dtype))


def compare(name: str, ref: Any, **fields: Any) -> OpCase:
    defaults: dict[str, Any] = {
        "samples": comparisons,
        "dtypes": REAL,
        "result": "bool",
        "variants": (f"Tensor.{name}", f"operator.{name}"),
        "inplace": f"Tensor.{name}_",
        "out": True,
        "pointwise": True,
        "errors": (SHAPES_DIFFER, Error(S(tensor([1j]), tensor([1j])), "RuntimeError", "complex")),
    }
    return OpCase(name=name, ref=ref, **{**defaults, **fields})


def logic(name: str, ref: Any) -> OpCase:
    return compare(
        name, ref, samples=truths, dtypes=EVERY, variants=(f"Tensor.{name}",), errors=(SHAPES_DIFFER,)
    )


def bitwise(name: str, ref: Any, symbol: str) -> OpCase:
    return compare(
        name,
        wrap_number(ref),
        samples=bits,
        dtypes=INTS + ("bool",),
        result="promote_numbers",
        variants=(f"Tensor.{name}", f"operator.{symbol}"),
        errors=(SHAPES_DIFFER, Error(S(tensor([1.0]), tensor([1.0])), "RuntimeError", "float|dtype")),
    )


CASES = [
    compare("eq", np.equal, dtypes=EVERY, errors=(SHAPES_DIFFER,)),
    compare("ne", np.not_equal, dtypes=EVERY, errors=(SHAPES_DIFFER,)),
    compare("lt", np.less),
    compare("le", np.less_equal),
    compare("gt", np.greater),
    compare("ge", np.greater_equal),
    logic("logical_and", np.logical_and),
    logic("logical_or", np.logical_or),
    logic("logical_xor", np.logical_xor),
    bitwise("bitwise_and", np.bitwise_and, "and_"),
    bitwise("bitwise_or", np.bitwise_or, "or_"),
    bitwise("bitwise_xor", np.bitwise_xor, "xor"),
    OpCase(
        name="isclose",
        ref=lambda a, b, **kw: np.isclose(*float_of(a, b), **kw),
        samples=closeness,
        dtypes=EVERY,
        result="bool",
        variants=("Tensor.isclose",),
        errors=(Error(S(tensor([1.0]), tensor([1.0], "float64")), "RuntimeError", "dtype"),),
    ),
    OpCase(
        name="allclose",
        ref=lambda a, b, **kw: bool(np.allclose(*float_of(a, b), **kw)),
        samples=allclose_cases,
        dtypes=EVERY,
        variants=("Tensor.allclose",),
        errors=(
            Error(S(tensor([1.0]), tensor([1.0], "float64")), "RuntimeError", "dtype"),
            Error(S(tensor([1.0]), tensor([1.0]), rtol=-1.0), "RuntimeError", "rtol"),
        ),
    ),
    OpCase(
        name="equal",
        ref=lambda a, b: bool(np.array_equal(a, b)),
        samples=equality,
        dtypes=EVERY,
        variants=("Tensor.equal",),
        errors=(Error(S(tensor([1.0]), 1.0), "TypeError"),),
    ),
]


def float_of(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences of integers and bools are taken without wrapping."""
    return (a, b) if a.dtype.kind in "fc" else (a.astype(float), b.astype(float))
