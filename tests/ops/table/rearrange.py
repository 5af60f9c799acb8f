"""Copies that put elements elsewhere: turned, shuffled, set on diagonals, summed to a shape, sorted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, S, Sample, tensor
from ..dtypes import ALL_FLOATS, INTS, is_float, is_integral
from ..samples import Rng, distinct
from .shape import VECTOR, copying, pad
from .view import MATRIX, calls, view

CUBE = tensor(np.zeros((2, 2, 2)), "float32")
ORDERED = ALL_FLOATS + INTS + ("bool",)


def channel_shuffle(x: np.ndarray, groups: int) -> np.ndarray:
    n, c, *rest = x.shape
    return np.swapaxes(x.reshape(n, groups, c // groups, *rest), 1, 2).reshape(x.shape)


def pixel_unshuffle(x: np.ndarray, r: int) -> np.ndarray:
    *batch, c, h, w = x.shape
    n = len(batch)
    y = x.reshape(*batch, c, h // r, r, w // r, r)
    y = np.transpose(y, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return y.reshape(*batch, c * r * r, h // r, w // r)


def sum_to_size(x: np.ndarray, *shape: Any) -> np.ndarray:
    shape = tuple(shape[0]) if shape and isinstance(shape[0], (tuple, list)) else shape
    lead = x.ndim - len(shape)
    kept = [lead + i for i, n in enumerate(shape) if n == 1]
    kind = np.int64 if x.dtype.kind in "iub" else x.dtype
    return x.sum(axis=(*range(lead), *kept), dtype=kind).reshape(shape)


def summed(sample: Sample) -> str:
    """Sums of integers are int64, but only where there is something to sum."""
    x, *shape = sample.args
    same = x.values.shape == (tuple(shape[0]) if isinstance(shape[0], tuple) else tuple(shape))
    return x.dtype if same or not is_integral(x.dtype) else "int64"


def columns_sorted(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(distinct(rng, (3, 2) if dtype != "bool" else (2, 1), dtype, rigid=True))
    yield S(distinct(rng, (2,), dtype, rigid=True))
    yield S(distinct(rng, (), dtype, rigid=True)).once()
    yield S(tensor([[1, 0], [0, 1], [1, 1]], dtype, rigid=True)).value_only()
    yield S(tensor(np.zeros((0, 2)), dtype)).value_only()
    if is_float(dtype):
        yield S(tensor([np.nan, 1.0, -np.inf, np.inf], dtype, rigid=True)).value_only()


CASES = [
    copying(
        "fliplr",
        np.fliplr,
        calls(((2, 3),), ((2, 1, 2),), ((0, 2),)),
        Error(S(VECTOR), "RuntimeError", "2-d|dim"),
    ),
    copying(
        "flipud",
        np.flipud,
        calls(((2, 3),), ((3,),), ((0, 2),)),
        Error(S(tensor(1.0)), "RuntimeError", "1-d|dim"),
    ),
    copying(
        "rot90",
        lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
        calls(
            ((2, 3),),
            ((2, 3), 2),
            ((2, 3), -1),
            ((2, 1, 3), 3, [0, 2]),
            ((2, 3), 4),
            ((2, 3), {"dims": (1, 0)}),
        ),
        Error(S(VECTOR), "RuntimeError", "dim"),
        Error(S(MATRIX, 1, (0, 0)), "RuntimeError", "dim|axes"),
        Error(S(MATRIX, 1, (0,)), "RuntimeError", "dim"),
        strides=False,
    ),
    view("ravel", lambda x: x.reshape(-1), calls(((2, 3),), ((),), ((4,),), ((0, 2),))),
    copying(
        "adjoint",
        lambda x: np.conj(np.swapaxes(x, -1, -2) if x.ndim else x),
        calls(((2, 3),), ((2, 1, 3),), ((),), ((0, 2),)),
        Error(S(VECTOR), "RuntimeError", "matri"),
        strides=False,
    ),
    copying(
        "channel_shuffle",
        channel_shuffle,
        calls(((1, 4, 2), 2), ((2, 6, 1, 2), 3), ((1, 2, 2, 1, 1), 1)),
        Error(S(CUBE, 0), "RuntimeError", "group"),
        Error(S(CUBE, 3), "RuntimeError", "divisible|group"),
        Error(S(MATRIX, 1), "RuntimeError", "dim"),
        variants=("nn.functional.channel_shuffle",),
    ),
    copying(
        "nn.functional.pixel_unshuffle",
        pixel_unshuffle,
        calls(((1, 1, 4, 2), 2), ((2, 2, 2), 2), ((2, 1, 3, 3), 3)),
        Error(S(CUBE, 3), "RuntimeError", "divisible"),
        Error(S(VECTOR, 2), "RuntimeError", "dim"),
        Error(S(CUBE, 0), "RuntimeError", "factor|positive"),
        variants=("pixel_unshuffle",),
    ),
    copying(
        "constant_pad_nd",
        lambda x, widths, value=0: pad(x, widths, value=value),
        calls(((2, 3), (1, 2)), ((2, 3), [1, 0, 0, 2], 1), ((2, 4), (-1, 1)), ((2, 0), (1, 1)), ((2,), ())),
        Error(S(VECTOR, (1,)), "RuntimeError", "pad|even"),
        Error(S(VECTOR, (1, 1, 1, 1)), "RuntimeError", "pad|dim"),
        Error(S(VECTOR, (-2, -1)), "RuntimeError", "negative|size"),
        variants=(),
    ),
    copying(
        "diagflat",
        np.diagflat,
        calls(((2,),), ((2, 2),), ((2,), 1), ((2, 1), -2), ((),), ((0,),)),
    ),
    copying(
        "narrow_copy",
        lambda x, dim, start, length: np.take(
            x, range(start % max(x.shape[dim], 1), start % max(x.shape[dim], 1) + length), dim
        ),
        calls(((4, 3), 0, 1, 2), ((4, 3), -1, 0, 3), ((4, 3), 0, -2, 1), ((4, 3), 1, 1, 0)),
        Error(S(MATRIX, 0, 1, 2), "RuntimeError", "length|start|range"),
        Error(S(MATRIX, 0, 0, -1), "RuntimeError", "negative|length"),
        out=True,
    ),
    copying(
        "sum_to_size",
        sum_to_size,
        calls(
            ((2, 3), 1, 3),
            ((2, 3), (2, 1)),
            ((2, 2, 3), 3),
            ((2, 3), (1, 1)),
            ((2, 3), 2, 3),
            ((2,), ()),
            ((0, 2), 1, 2),
        ),
        Error(S(MATRIX, 2, 2), "RuntimeError", "size|expand"),
        Error(S(VECTOR, 1, 2), "RuntimeError", "size|expand"),
        path="Tensor.sum_to_size",
        result=summed,
        variants=(),
    ),
    copying(
        "msort",
        lambda x: np.sort(x, 0) if x.ndim else x,
        columns_sorted,
        dtypes=ORDERED,
        grad=("float64",),
        out=True,
    ),
]
