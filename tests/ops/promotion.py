"""Type promotion, written from its documented rule and independent of the library.

Operands fall in three ranks: tensors with dimensions, zero-dim tensors, Python numbers. A lower rank
takes part only when its category (bool < integer < float < complex) is above that of all higher ranks.
Within a rank the lattice below decides. There is no complex32: where PyTorch answers it, this says complex64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .dtypes import COMPLEX_OF, SIGNED, category, is_complex, is_float

DEFAULT_DTYPE = "float32"
_FLOAT_WIDTH = {"float16": 16, "bfloat16": 16, "float32": 32, "float64": 64}


@dataclass(frozen=True)
class Operand:
    """dtype name and rank: "dim" (a tensor with dimensions), "zerodim" or "number"."""

    dtype: str
    rank: str = "dim"


def number(value: Any) -> Operand:
    """The operand a Python number stands for."""
    if isinstance(value, bool):
        return Operand("bool", "number")
    if isinstance(value, int):
        return Operand("int64", "number")
    if isinstance(value, float):
        return Operand(DEFAULT_DTYPE, "number")
    if isinstance(value, complex):
        return Operand(COMPLEX_OF[DEFAULT_DTYPE], "number")
    raise TypeError(f"not a number: {value!r}")


def promote(a: str, b: str) -> str:
    """The smallest dtype that both dtypes promote to."""
    if a == b:
        return a
    low, high = sorted((a, b), key=category)
    if category(low) != category(high):
        # A float keeps its width when it meets a complex: float64 with complex64 is complex128.
        return promote(COMPLEX_OF.get(low, "complex64"), high) if is_complex(high) and is_float(low) else high
    if is_complex(a):
        return "complex128"
    if is_float(a):
        if _FLOAT_WIDTH[a] == _FLOAT_WIDTH[b]:
            return "float32"  # float16 with bfloat16: neither holds the other
        return max((a, b), key=_FLOAT_WIDTH.__getitem__)
    if "uint8" in (a, b):
        other = b if a == "uint8" else a
        return "int16" if other == "int8" else other
    return max((a, b), key=SIGNED.index)


def result_type(*operands: Operand) -> str:
    """The dtype in which an elementwise op on `operands` computes."""
    result: str | None = None
    for rank in ("dim", "zerodim", "number"):
        of_rank: str | None = None
        for op in operands:
            if op.rank == rank:
                of_rank = op.dtype if of_rank is None else promote(of_rank, op.dtype)
        if of_rank is None:
            continue
        if result is None:
            result = of_rank
        elif category(of_rank) > category(result):
            # A number or a zero-dim tensor lifts the category; the width of a float stays.
            lifts_float = is_complex(of_rank) and is_float(result)
            result = COMPLEX_OF.get(result, "complex64") if lifts_float else of_rank
    if result is None:
        raise ValueError("result_type of nothing")
    return result
