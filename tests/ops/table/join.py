"""Joining tensors, and the ways to pair their elements."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
from scipy.linalg import block_diag as scipy_block_diag

from ..case import Error, S, Sample, tensor
from ..samples import Rng, rand
from .shape import VECTOR, copying, piles
from .view import MATRIX, calls, view

Shapes = tuple[tuple[int, ...], ...]


def several(*groups: Shapes, others: tuple[str, ...] = ()) -> Callable[[str, Rng], Iterator[Sample]]:
    """Samples of several tensors each, one after another; the last once more with other dtypes."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for i, shapes in enumerate(groups):
            sample = S(*(rand(rng, s, dtype) for s in shapes))
            sample = sample if all(0 not in s for s in shapes) else sample.value_only()
            yield sample if i < 2 else sample.once()
        first, *rest = groups[0]
        for other in others:
            yield S(rand(rng, first, dtype), *(rand(rng, s, other) for s in rest)).value_only()

    return samples


def mixed_piles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from piles(dtype, rng)
    yield S([rand(rng, (2, 0), dtype), rand(rng, (2, 0), dtype)]).nograd()
    for other in ("int64", "float64", "complex64"):
        yield S([rand(rng, (2,), dtype), rand(rng, (2,), other)]).nograd()


def cartesian_prod(*parts: np.ndarray) -> np.ndarray:
    if len(parts) == 1:
        return parts[0]
    return np.stack([g.reshape(-1) for g in np.meshgrid(*parts, indexing="ij")], -1)


def combinations(x: np.ndarray, r: int = 2, with_replacement: bool = False) -> np.ndarray:
    if r == 0:
        return x[:0]
    pick = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    chosen = list(pick(range(x.size), r))
    return x[np.array(chosen, np.int64).reshape(-1, r)]


CASES = [
    copying(
        "block_diag",
        scipy_block_diag,
        several(
            ((2, 2), (1, 3)), ((2,), (), (3, 1)), ((2, 1),), ((0, 2), (2, 1)), others=("int64", "float64")
        ),
        Error(S(tensor(np.zeros((1, 1, 1)), "float32")), "RuntimeError", "dim"),
        result="promote",
        variants=(),
    ),
    view(
        "broadcast_tensors",
        lambda *parts: list(np.broadcast_arrays(*parts)),
        several(((2, 1), (3,)), ((), (2,)), ((1, 2), (3, 1, 1), (2,)), ((2,),), ((0, 2), (1, 1))),
        Error(S(VECTOR, tensor([1.0, 2.0, 3.0])), "RuntimeError", "size|shape"),
        result="first",
        variants=(),
    ),
    copying(
        "cartesian_prod",
        cartesian_prod,
        several(((2,), (3,)), ((3,),), ((2,), (1,), (2,)), ((2,), (0,))),
        Error(S(MATRIX, VECTOR), "RuntimeError", "1D|dim"),
        Error(S(VECTOR, tensor([1])), "RuntimeError", "dtype"),
        variants=(),
        strides=False,
    ),
    copying(
        "combinations",
        combinations,
        calls(
            ((4,),),
            ((4,), 3),
            ((3,), 2, True),
            ((3,), 1),
            ((2,), 3),
            ((3,), 0),
            ((0,),),
            empty_has_gradient=False,
        ),
        Error(S(MATRIX), "RuntimeError", "1D|dim"),
        Error(S(VECTOR, -1), "RuntimeError", "negative|r"),
        variants=(),
        strides=False,
    ),
    copying(
        "column_stack",
        np.column_stack,
        mixed_piles,
        Error(S([VECTOR, tensor([1.0])]), "RuntimeError", "size"),
        Error(S([]), "RuntimeError", "empty|non-empty"),
        result="promote",
        variants=(),
        out=True,
    ),
    copying(
        "dstack",
        np.dstack,
        mixed_piles,
        Error(S([VECTOR, tensor([1.0])]), "RuntimeError", "size"),
        Error(S([]), "RuntimeError", "empty|non-empty"),
        result="promote",
        variants=(),
        out=True,
    ),
]
