"""Splitting along a dim: pieces that show their argument's memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..samples import Rng, rand
from .view import MATRIX, calls, split, view

VECTOR = tensor([1.0, 2.0])
CUBE = tensor(np.zeros((2, 2, 3)), "float32")


def tensor_split(
    x: np.ndarray, given: Any = None, dim: int = 0, sections: Any = None, indices: Any = None
) -> Any:
    given = next(g for g in (given, sections, indices) if g is not None)
    return np.array_split(x, given, axis=dim)


def at_tensors(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (5, 2), dtype), tensor([1, 3], rigid=True))
    yield S(rand(rng, (2, 5), dtype), tensor(2, rigid=True), -1)
    yield S(rand(rng, (4,), dtype), tensor([3, 1, 9], rigid=True), dim=0).once()


def numpy_split(name: str, *shapes: tuple[int, ...]) -> OpCase:
    """hsplit, vsplit and dsplit are NumPy's own."""
    ref = getattr(np, name)
    samples = [(s, where) for s in shapes for where in (2, [1, 2])]
    samples += [(shapes[0], keyword) for keyword in ({"sections": 2}, {"indices": [0, 1]})]
    too_small = tensor(1.0) if name == "hsplit" else VECTOR if name == "vsplit" else MATRIX
    return view(
        name,
        lambda x, given=None, sections=None, indices=None: ref(x, given or sections or indices),
        calls(*samples),
        Error(S(too_small, 2), "RuntimeError", "dim"),
        Error(S(CUBE, 4), "RuntimeError", "divisible|divide|size"),
        Error(S(CUBE, 0), "RuntimeError", "divisible|divide|size|section"),
    )


PIECES = (
    ((5, 2), 2),
    ((5, 2), 7),
    ((2, 5), 3, -1),
    ((4,), (1, 3)),
    ((5, 2), [3, 1]),
    ((2, 4), [-1], 1),
    ((4, 2), []),
    ((4, 2), {"sections": 2, "dim": 1}),
    ((4, 2), {"indices": (1, 2)}),
    ((0, 2), 2),
)

CASES = [
    view(
        "tensor_split",
        tensor_split,
        calls(*PIECES),
        Error(S(MATRIX, 0), "RuntimeError", "section"),
        Error(S(MATRIX, 2, 2), "IndexError", "dim"),
        Error(S(tensor(1.0), 2), "RuntimeError", "dim"),
        Error(S(MATRIX, 2.0), "TypeError"),
    ),
    view(
        "tensor_split",
        lambda x, at, dim=0: np.array_split(x, at, axis=dim),
        at_tensors,
        Error(S(MATRIX, tensor([1.0])), "RuntimeError", "long|int"),
        Error(S(MATRIX, tensor([[1]])), "RuntimeError", "dim"),
        label="tensor",
    ),
    numpy_split("hsplit", (4, 4), (4,), (2, 4, 2)),
    numpy_split("vsplit", (4, 2), (2, 1, 3)),
    numpy_split("dsplit", (2, 1, 4), (1, 2, 4, 2)),
    view(
        "split_with_sizes",
        lambda x, split_sizes, dim=0: split(x, split_sizes, dim),
        calls(
            ((5, 2), [1, 4]), ((2, 5), (2, 0, 3), 1), ((2, 5), {"split_sizes": [5], "dim": -1}), ((0, 2), [0])
        ),
        Error(S(MATRIX, [1, 2]), "RuntimeError", "sum|size"),
        Error(S(MATRIX, [3, -1]), "RuntimeError", "negative|sum"),
        Error(S(MATRIX, [2], 2), "IndexError", "dim"),
    ),
]
