"""Integer arithmetic: divisors, multiples and shifts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import INTS
from ..samples import Rng, rand
from .binary import binary, pairs


def wide_pairs(dtype: str, rng: Rng) -> Iterator[Sample]:
    def some(r: Rng, shape: Any, name: str) -> Any:
        return rand(r, shape, name, -40, 40)

    yield from pairs(dtype, rng, some)
    a = tensor([0, 0, 6, 12, 7, 100], dtype)
    yield S(a, tensor([0, 5, 0, 18, 13, 75], dtype))
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), "int64"))
    yield S(rand(rng, (3,), dtype), rand(rng, (), "uint8"))
    if dtype != "uint8":
        yield S(tensor([-12, 12, -12, -1], dtype), tensor([18, -18, -18, 0], dtype))


def shifts(dtype: str, rng: Rng) -> Iterator[Sample]:
    def amount(r: Rng, shape: Any, name: str) -> Any:
        return tensor(r.integers(0, 6, shape), name)

    yield from pairs(dtype, rng, amount)
    yield S(rand(rng, (2, 3), dtype, -100, 100), 2)
    yield S(rand(rng, (3,), dtype, -100, 100), amount(rng, (3,), "int64"))
    yield S(3, amount(rng, (2, 2), dtype)).no_out()
    if dtype != "uint8":
        yield S(tensor([-1, -2, -128, 127], dtype), tensor([1, 3, 7, 7], dtype))
    # All bits leave; a sign stays when it moves right.
    bits = np.iinfo(dtype).bits
    yield S(tensor([1, 3, 100], dtype), tensor([bits, bits + 1, 100], dtype))
    if dtype != "uint8":
        yield S(tensor([-1, -3, 5], dtype), tensor([bits, -1, -1], dtype))


def shifted(left: bool) -> Any:
    def ref(a: Any, b: Any) -> Any:
        kind = np.result_type(*[x for x in (a, b) if not isinstance(x, int)])
        info = np.iinfo(kind)
        wide, by = np.broadcast_arrays(np.asarray(a).astype(object), np.asarray(b).astype(object))

        def one(x: int, n: int) -> int:
            if n < 0 or n >= info.bits:
                return 0 if left or x >= 0 else -1
            y = x << n if left else x >> n
            return (y - info.min) % (1 << info.bits) + info.min

        return np.array([one(x, n) for x, n in zip(wide.flat, by.flat)], dtype=kind).reshape(wide.shape)

    return ref


def integer(name: str, ref: Any, *errors: Error, **fields: Any) -> OpCase:
    defaults = {"dtypes": INTS, "grad": (), "variants": (f"Tensor.{name}",)}
    return binary(name, ref, errors=(SHAPES_DIFFER_INT, *errors), **{**defaults, **fields})


SHAPES_DIFFER_INT = Error(S(tensor([1, 2]), tensor([1, 2, 3])), "RuntimeError", "broadcast|shape|size")
FLOAT = Error(S(tensor([1.0]), tensor([2.0])), "RuntimeError", "implemented|integer|dtype")

CASES: list[OpCase] = [
    integer("gcd", np.gcd, FLOAT, samples=wide_pairs, result="promote"),
    integer("lcm", np.lcm, FLOAT, samples=wide_pairs, result="promote"),
    integer(
        "bitwise_left_shift",
        shifted(True),
        FLOAT,
        samples=shifts,
        variants=("Tensor.bitwise_left_shift", "operator.lshift"),
    ),
    integer(
        "bitwise_right_shift",
        shifted(False),
        FLOAT,
        samples=shifts,
        variants=("Tensor.bitwise_right_shift", "operator.rshift"),
    ),
]
