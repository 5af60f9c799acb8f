"""The whole promotion table: tensors with dims, zero-dim tensors and Python numbers, in every pair of dtypes.

What is expected comes from tests/ops/promotion.py, which is written from the documented rule alone;
tests/parity/test_promotion.py holds it against PyTorch.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, product
from typing import Any

import pytest

import rustorch as rt

from ..ops.dtypes import EVERY, can_cast
from ..ops.harness import dtype_name
from ..ops.promotion import Operand, number, promote, result_type

NUMBERS: tuple[Any, ...] = (True, 2, 1.5, 1 + 2j)


def dtype(name: str) -> Any:
    return getattr(rt, name)


def tensor(operand: Operand) -> Any:
    return rt.ones((2,) if operand.rank == "dim" else (), dtype=dtype(operand.dtype))


@pytest.mark.parametrize("a", EVERY)
def test_promote_types(a: str) -> None:
    for b in EVERY:
        assert rt.promote_types(dtype(a), dtype(b)) == dtype(promote(a, b)), (a, b)


def test_the_expected_table_is_a_lattice() -> None:
    for a, b in product(EVERY, EVERY):
        assert promote(a, b) == promote(b, a)
        assert promote(a, a) == a
        assert promote(a, promote(a, b)) == promote(a, b)


@pytest.mark.parametrize("a", EVERY)
def test_two_tensors(a: str) -> None:
    for b, rank_a, rank_b in product(EVERY, ("dim", "zerodim"), ("dim", "zerodim")):
        left, right = Operand(a, rank_a), Operand(b, rank_b)
        expected = dtype(result_type(left, right))
        assert rt.result_type(tensor(left), tensor(right)) == expected, (left, right)
        assert (tensor(left) * tensor(right)).dtype == expected, (left, right)
        assert (tensor(left) == tensor(right)).dtype == rt.bool


@pytest.mark.parametrize("a", EVERY)
def test_tensor_and_number(a: str) -> None:
    for value, rank in product(NUMBERS, ("dim", "zerodim")):
        operand = Operand(a, rank)
        expected = dtype(result_type(operand, number(value)))
        assert rt.result_type(tensor(operand), value) == expected, (operand, value)
        assert (tensor(operand) * value).dtype == expected, (operand, value)
        assert (value * tensor(operand)).dtype == expected, (operand, value)


def test_two_numbers() -> None:
    for a, b in combinations_with_replacement(NUMBERS, 2):
        assert rt.result_type(a, b) == dtype(result_type(number(a), number(b)))


@pytest.mark.parametrize("a", EVERY)
def test_division_of_integers_gives_the_default_dtype(a: str) -> None:
    operand = Operand(a)
    wanted = "float32" if a in ("bool", "uint8", "int8", "int16", "int32", "int64") else a
    assert dtype_name(tensor(operand) / tensor(operand)) == wanted


def test_the_default_dtype_takes_part() -> None:
    before = rt.get_default_dtype()
    try:
        rt.set_default_dtype(rt.float64)
        assert (rt.ones(2, dtype=rt.int64) * 1.5).dtype == rt.float64
        assert (rt.ones(2, dtype=rt.int64) / 2).dtype == rt.float64
        assert (rt.ones(2, dtype=rt.float32) * 1.5).dtype == rt.float32
        assert rt.tensor(1.5).dtype == rt.float64
        assert rt.result_type(1, 1.5) == rt.float64
    finally:
        rt.set_default_dtype(before)


def test_can_cast() -> None:
    for a, b in product(EVERY, EVERY):
        assert rt.can_cast(dtype(a), dtype(b)) == can_cast(a, b), (a, b)


def test_in_place_keeps_the_dtype_or_refuses() -> None:
    for a, b in product(EVERY, EVERY):
        left, right = tensor(Operand(a)), tensor(Operand(b))
        if can_cast(promote(a, b), a):
            left *= right
            assert dtype_name(left) == a
        else:
            with pytest.raises(RuntimeError):
                left *= right


def test_integers_wrap_around() -> None:
    assert (rt.tensor([127], dtype=rt.int8) + 1).item() == -128
    assert (rt.tensor([255], dtype=rt.uint8) + 1).item() == 0
    assert (rt.tensor([2**63 - 1]) + 1).item() == -(2**63)
    assert (-rt.tensor([-128], dtype=rt.int8)).item() == -128


def test_a_number_that_does_not_fit() -> None:
    with pytest.raises((RuntimeError, OverflowError)):
        rt.tensor([1], dtype=rt.int64) + 2**70


def test_ints_of_more_than_64_bits() -> None:
    """A tensor of floats takes them; an operation or an integer tensor does not."""
    assert rt.tensor([2**70, 1.5]).tolist() == [2.0**70, 1.5]
    assert rt.tensor(-(2**64), dtype=rt.float64).item() == -(2.0**64)
    for call in (
        lambda: rt.ones(1) + 2**64,
        lambda: -(2**65) * rt.ones(1, dtype=rt.int64),
        lambda: rt.ones(1) > 2**64,
        lambda: rt.full((2,), 2**64),
        lambda: rt.ones(1).fill_(2**64),
    ):
        with pytest.raises(OverflowError, match="64 bits"):
            call()
    for values in (2**64, [2**64, 1]):
        with pytest.raises(ValueError, match=r"^tensor: Overflow"):
            rt.tensor(values)
    with pytest.raises(OverflowError):
        rt.tensor(10**400, dtype=rt.float64)
