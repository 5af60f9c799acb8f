"""Questions about elements, tensors and dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Arr, D, Error, OpCase, S, Sample, tensor
from ..dtypes import (
    ALL_FLOATS,
    EVERY,
    FLOATS,
    INTS,
    can_cast,
    is_complex,
    is_float,
)
from ..harness import operand
from ..promotion import number, promote, result_type
from ..samples import Rng, rand, special
from .unary import REAL, domain, unary

COMPLEX_REFUSED = Error(S(tensor([1j])), "RuntimeError", "complex")
NOT_A_TENSOR = Error(S(1.0), "TypeError")


def test_of(name: str, ref: Any, **fields: Any) -> OpCase:
    """A question asked of every element."""
    return unary(name, ref, **{"result": "bool", "dtypes": REAL, "inplace": "", **fields})


def reals(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain()(dtype, rng)
    if is_complex(dtype):
        yield S(tensor([0, 1 + 0j, 1j, complex(1, -0.0), complex(np.nan, 0), complex(0, np.nan)], dtype))


def signs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from domain(specials=False)(dtype, rng)
    if is_float(dtype):
        yield S(tensor([-0.0, 0.0, np.inf, -np.inf], dtype))
    if dtype in FLOATS:
        yield S(tensor([np.copysign(np.nan, -1), np.copysign(np.nan, 1)], dtype))


def signbit(x: np.ndarray) -> np.ndarray:
    return np.signbit(x) if x.dtype.kind == "f" else x < 0


def members(dtype: str, rng: Rng) -> Iterator[Sample]:
    def few(shape: tuple[int, ...], name: str = dtype) -> Arr:
        return tensor(rng.integers(0, 6, shape), name)

    yield S(few((2, 3)), few((4,)))
    yield S(few((2, 3)), few((2, 2)), invert=True)
    yield S(few(()), few((3,)))
    yield S(few((5,)), few(()))
    yield S(few((3, 2)), few((40,)))  # many: sorted instead of compared one by one
    yield S(few((0, 2)), few((3,)))
    yield S(few((2,)), few((0,)))
    yield S(few((2,)), few((0,)), invert=True)
    yield S(tensor([1, 2, 5], dtype), tensor([2, 1], dtype), assume_unique=True)
    yield S(few((4,)), 3)
    yield S(3, few((4,)))
    yield S(few((4,)), few((3,), "int64"))
    if is_float(dtype):
        yield S(special(dtype), tensor([np.nan, np.inf, 0.0, 1.5], dtype))  # NaN is in nothing


def isin(a: Any, b: Any, assume_unique: bool = False, invert: bool = False) -> np.ndarray:
    found = np.any(np.asarray(a)[..., None] == np.asarray(b).reshape(-1), axis=-1)
    return ~found if invert else found


def single(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor(1, dtype))
    yield S(tensor([0], dtype))
    yield S(tensor([[1]], dtype))
    if is_float(dtype):
        yield S(tensor(-0.0, dtype))
        yield S(tensor(np.nan, dtype))
    if is_complex(dtype):
        yield S(tensor([1j], dtype))


def shapes(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 4), (2, 1, 3)):
        yield S(rand(rng, shape, dtype))


def of_dtype(name: str, answer: Any) -> OpCase:
    return OpCase(
        name=name,
        samples=shapes,
        sample_ref=lambda s: answer(s.args[0].dtype),
        dtypes=EVERY,
        variants=(f"Tensor.{name}",),
        errors=(NOT_A_TENSOR,),
    )


def pairs_of_dtypes(dtype: str, rng: Rng) -> Iterator[Sample]:
    for other in EVERY:
        yield S(D(dtype), D(other))


def with_operands(dtype: str, rng: Rng) -> Iterator[Sample]:
    for other in EVERY:
        if {dtype, other} & {"float16", "bfloat16"} and (is_complex(dtype) or is_complex(other)):
            continue  # complex32, which is not here
        yield S(rand(rng, (2,), dtype), rand(rng, (3, 1), other))
        yield S(rand(rng, (2,), dtype), rand(rng, (), other))
        yield S(rand(rng, (), dtype), rand(rng, (), other))
    for n in (True, 2, 2.5):
        yield S(rand(rng, (2,), dtype), n)
        yield S(n, rand(rng, (), dtype))
    yield S(1, 2.5)


def operand_of(x: Any) -> Any:
    return operand(x) if isinstance(x, Arr) else number(x)


CASES: list[OpCase] = [
    test_of("isposinf", lambda x: x == np.inf, errors=(COMPLEX_REFUSED, NOT_A_TENSOR)),
    test_of("isneginf", lambda x: x == -np.inf, errors=(COMPLEX_REFUSED, NOT_A_TENSOR)),
    test_of("isreal", np.isreal, samples=reals, dtypes=EVERY, out=False),
    test_of("signbit", signbit, samples=signs, errors=(COMPLEX_REFUSED, NOT_A_TENSOR)),
    OpCase(
        name="isin",
        ref=isin,
        samples=members,
        dtypes=ALL_FLOATS + INTS,
        result="bool",
        out=True,
        errors=(Error(S(tensor([1j]), tensor([1j])), "RuntimeError", "complex|Complex"),),
        speaks_as=("sort",),
    ),
    OpCase(
        name="is_nonzero",
        ref=lambda x: bool(x.reshape(-1)[0] != 0),
        samples=single,
        dtypes=EVERY,
        variants=("Tensor.is_nonzero",),
        errors=(
            Error(S(tensor([1.0, 2.0])), "RuntimeError", "ambiguous"),
            Error(S(tensor(np.zeros(0), "float32")), "RuntimeError", "ambiguous"),
        ),
    ),
    OpCase(
        name="numel",
        ref=lambda x: int(x.size),
        samples=shapes,
        dtypes=EVERY,
        variants=("Tensor.numel", "Tensor.nelement"),
        errors=(NOT_A_TENSOR,),
    ),
    of_dtype("is_floating_point", is_float),
    of_dtype("is_complex", is_complex),
    of_dtype("is_signed", lambda d: d not in ("uint8", "bool")),
    OpCase(
        name="can_cast",
        sample_ref=lambda s: can_cast(s.args[0].name, s.args[1].name),
        samples=pairs_of_dtypes,
        dtypes=EVERY,
        result="bool",
        errors=(Error(S(D("int8"), 1), "TypeError"),),
    ),
    OpCase(
        name="promote_types",
        sample_ref=lambda s: D(promote(s.args[0].name, s.args[1].name)),
        samples=lambda d, r: (s for s in pairs_of_dtypes(d, r) if not half_with_complex(s)),
        dtypes=EVERY,
        result="bool",
        errors=(Error(S(D("int8"), 1), "TypeError"),),
    ),
    OpCase(
        name="result_type",
        sample_ref=lambda s: D(result_type(operand_of(s.args[0]), operand_of(s.args[1]))),
        samples=with_operands,
        dtypes=EVERY,
        result="bool",
        errors=(Error(S(tensor([1.0]), "a"), "TypeError"),),
    ),
]


def half_with_complex(sample: Sample) -> bool:
    """Of these PyTorch makes complex32, which is not here."""
    names = {a.name for a in sample.args}
    return bool(names & {"float16", "bfloat16"}) and any(map(is_complex, names))
