"""The expected promotion table against torch.result_type and torch.promote_types."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from ..ops.dtypes import EVERY, can_cast
from ..ops.promotion import Operand, number, promote, result_type

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

NUMBERS: tuple[Any, ...] = (True, 2, 1.5, 1 + 2j)


def dtype(name: str) -> Any:
    return getattr(torch, name)


def tensor(operand: Operand) -> Any:
    return torch.ones((2,) if operand.rank == "dim" else (), dtype=dtype(operand.dtype))


def test_promote_types() -> None:
    for a, b in product(EVERY, EVERY):
        assert torch.promote_types(dtype(a), dtype(b)) == dtype(promote(a, b)), (a, b)


@pytest.mark.parametrize("ranks", list(product(("dim", "zerodim"), repeat=2)))
def test_pairs_of_tensors(ranks: tuple[str, str]) -> None:
    for a, b in product(EVERY, EVERY):
        left, right = Operand(a, ranks[0]), Operand(b, ranks[1])
        if torch.result_type(tensor(left), tensor(right)) == torch.complex32:
            continue  # not among our dtypes
        assert torch.result_type(tensor(left), tensor(right)) == dtype(result_type(left, right)), (
            left,
            right,
        )


@pytest.mark.parametrize("rank", ["dim", "zerodim"])
def test_tensor_and_number(rank: str) -> None:
    for a, value in product(EVERY, NUMBERS):
        if a == "float16" and isinstance(value, complex):
            continue  # complex32
        operand = Operand(a, rank)
        assert torch.result_type(tensor(operand), value) == dtype(result_type(operand, number(value))), (
            a,
            value,
        )


def test_numbers() -> None:
    for a, b in product(NUMBERS, NUMBERS):
        assert torch.result_type(a, b) == dtype(result_type(number(a), number(b)))


def test_can_cast() -> None:
    for a, b in product(EVERY, EVERY):
        assert torch.can_cast(dtype(a), dtype(b)) == can_cast(a, b), (a, b)
