"""Orders, sets and counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, FLOATS, INTS, is_float
from ..samples import Rng, distinct
from .view import MATRIX

ORDERED = ALL_FLOATS + INTS + ("bool",)
BAD_DIM = Error(S(MATRIX, 2), "IndexError", "dim")


def separate(rng: Rng, shape: Any, dtype: str) -> Any:
    """Distinct values; for bool as many as there are."""
    return distinct(rng, shape, dtype, rigid=True)


def sorts(dtype: str, rng: Rng) -> Iterator[Sample]:
    if dtype != "bool":
        yield S(separate(rng, (2, 3), dtype))
        yield S(separate(rng, (3, 2), dtype), 0)
        yield S(separate(rng, (2, 3), dtype), dim=-1, descending=True)
        yield S(separate(rng, (100,), dtype)).nograd()
    yield S(tensor([1, 0, 1, 0, 1], dtype), stable=True).nograd()
    yield S(tensor([1, 0, 1, 0, 1], dtype), stable=True, dim=0, descending=True).nograd()
    yield S(separate(rng, (), dtype)).once()
    yield S(separate(rng, (0, 2), dtype), 1).nograd()
    if is_float(dtype):
        yield S(tensor([np.nan, 1.0, -np.inf, np.inf], dtype)).value_only()  # NaN counts as the largest
        yield S(tensor([np.nan, 1.0, -np.inf, np.inf], dtype), descending=True).value_only()


def order(x: np.ndarray, dim: int = -1, descending: bool = False, stable: bool = True) -> np.ndarray:
    if x.ndim == 0:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    return x.shape[dim] - 1 - np.flip(np.argsort(np.flip(x, dim), axis=dim, kind="stable"), dim)


def sort(x: np.ndarray, **kw: Any) -> Any:
    i = order(x, **kw)
    return (x if x.ndim == 0 else np.take_along_axis(x, i, kw.get("dim", -1))), i


def positional(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=-1, descending=False, stable=True: f(
        x, dim=dim, descending=descending, stable=stable
    )


def tops(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(separate(rng, (5,), dtype), 2)
    yield S(separate(rng, (2, 4), dtype), 3, -1)
    yield S(separate(rng, (4, 2), dtype), 2, dim=0, largest=False)
    yield S(separate(rng, (40,), dtype), 7).nograd()
    yield S(separate(rng, (3,), dtype), 0).nograd()
    yield S(separate(rng, (), dtype), 1).once()
    if is_float(dtype):
        yield S(tensor([np.nan, 1.0, -np.inf, np.inf], dtype, rigid=True), 2).value_only()


def topk(x: np.ndarray, k: int, dim: int = -1, largest: bool = True) -> Any:
    if x.ndim == 0:
        return x, np.zeros((), np.int64)
    i = np.take(order(x, dim, largest), range(k), dim)
    return np.take_along_axis(x, i, dim), i


def sets(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor(rng.integers(0, 4 if dtype != "bool" else 2, (9,)), dtype))
    yield S(tensor(rng.integers(0, 3 if dtype != "bool" else 2, (2, 4)), dtype), return_inverse=True)
    yield S(tensor([2, 0, 2, 1, 0, 2], dtype), return_counts=True)
    yield S(tensor([[2, 0], [1, 1]], dtype), True, True, True)
    yield S(tensor([[1, 0], [0, 1], [1, 0]], dtype), dim=0)
    yield S(tensor([[1, 0, 1], [0, 1, 0]], dtype), return_inverse=True, return_counts=True, dim=1)
    yield S(tensor(np.zeros(0), dtype), return_counts=True)
    yield S(tensor(1, dtype))


def unique(
    x: np.ndarray,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any:
    if dim is None:
        values, inverse, counts = np.unique(x.reshape(-1), return_inverse=True, return_counts=True)
        inverse = inverse.reshape(x.shape)
    else:
        values, inverse, counts = np.unique(x, axis=dim, return_inverse=True, return_counts=True)
    return [values, *([inverse] if return_inverse else []), *([counts] if return_counts else [])]


def runs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([1, 1, 0, 0, 0, 1], dtype), return_inverse=True, return_counts=True)
    yield S(tensor([[1, 1], [0, 1]], dtype))


def counts(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([0, 2, 2, 5], dtype))
    yield S(tensor([0, 2, 2], dtype), minlength=7)
    yield S(tensor([0, 1, 1], dtype), tensor([0.5, 1.5, 2.5], "float64", grad=False))
    yield S(tensor([0, 1, 1], dtype), tensor([0.5, 1.5, 2.5], "float32", grad=False), 4)
    yield S(tensor(np.zeros(0), dtype))
    yield S(tensor(np.zeros(0), dtype), minlength=2)


def bincount_result(sample: Sample) -> str:
    if len(sample.args) < 2:
        return "int64"
    return "float32" if sample.args[1].dtype == "float32" else "float64"


def searches(dtype: str, rng: Rng) -> Iterator[Sample]:
    edges = tensor([1, 3, 3, 5], dtype, rigid=True)
    yield S(edges, tensor([[0, 1, 3], [4, 5, 6]], dtype, rigid=True))
    yield S(edges, tensor([1, 3], dtype, rigid=True), right=True)
    yield S(edges, tensor([1, 3], dtype, rigid=True), side="right")
    yield S(edges, 3)
    yield S(edges, tensor([1, 3], dtype, rigid=True), out_int32=True)
    yield S(edges, tensor(np.zeros((0,)), dtype))
    rows = tensor([[1, 3, 5], [2, 4, 6]], dtype, rigid=True)
    yield S(rows, tensor([[3, 6], [3, 6]], dtype, rigid=True))
    yield S(
        tensor([5, 1, 3], dtype, rigid=True),
        tensor([2, 4], dtype, rigid=True),
        sorter=tensor([1, 2, 0], rigid=True),
    )
    if is_float(dtype):
        yield S(edges, tensor([np.nan, np.inf, -np.inf], dtype, rigid=True))


def searchsorted(
    edges: np.ndarray,
    values: Any,
    right: bool = False,
    side: Any = None,
    out_int32: bool = False,
    sorter: Any = None,
) -> np.ndarray:
    side = side or ("right" if right else "left")
    edges = edges[sorter] if sorter is not None else edges
    if edges.ndim == 1:
        return np.searchsorted(edges, values, side)
    return np.stack([np.searchsorted(e, v, side) for e, v in zip(edges, values)])


def int_width(sample: Sample) -> str:
    return "int32" if sample.kwargs.get("out_int32") else "int64"


def buckets(dtype: str, rng: Rng) -> Iterator[Sample]:
    edges = tensor([1, 3, 5], dtype, rigid=True)
    yield S(tensor([[0, 1, 3], [4, 5, 6]], dtype, rigid=True), edges)
    yield S(tensor([1, 3], dtype, rigid=True), edges, right=True)
    yield S(tensor([1, 3], dtype, rigid=True), edges, out_int32=True)
    yield S(3, edges).no_out()
    yield S(tensor(np.zeros((0, 2)), dtype), edges)


def histograms(dtype: str, rng: Rng) -> Iterator[Sample]:
    x = tensor(rng.uniform(-2.9, 2.9, (2, 6)), dtype, rigid=True)
    yield S(x, 4)
    yield S(x, bins=3, min=-2, max=2)
    yield S(x)
    yield S(x, 5, 0.5, 1.5)
    yield S(tensor([1.0, 1.0, 1.0], dtype, rigid=True), 3)  # one value: a unit to either side
    yield S(tensor([0.0, 1.0, 2.0, 3.0], dtype, rigid=True), 3, 0, 3)  # the last edge belongs to the last bin
    yield S(tensor(np.zeros(0), dtype, rigid=True), 2, 0, 1)
    yield S(tensor(0.3, dtype, rigid=True), 2, 0, 1)
    yield S(tensor([np.nan, 0.1, np.inf, -np.inf], dtype, rigid=True), 2, 0, 1)


def histc(x: np.ndarray, bins: int = 100, min: float = 0, max: float = 0) -> np.ndarray:
    low, high = (min, max) if min != max else (x.min(), x.max())
    if low == high:
        low, high = low - 1, high + 1
    return np.histogram(x[(x >= low) & (x <= high)], bins, (low, high))[0]


def row(name: str, ref: Any, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name, ref=ref, samples=samples, errors=errors, **{"variants": (f"Tensor.{name}",), **fields}
    )


CASES = [
    row(
        "sort",
        positional(sort),
        sorts,
        BAD_DIM,
        dtypes=ORDERED,
        result=("first", "int64"),
        grad=("float64",),
        out=True,
    ),
    row("argsort", positional(order), sorts, BAD_DIM, dtypes=ORDERED, result="int64"),
    row(
        "topk",
        topk,
        tops,
        Error(S(MATRIX, 4), "RuntimeError", "k"),
        Error(S(MATRIX, 1, 2), "IndexError", "dim"),
        dtypes=ALL_FLOATS + INTS,
        result=("first", "int64"),
        grad=("float64",),
        out=True,
    ),
    row(
        "unique",
        unique,
        sets,
        Error(S(MATRIX, dim=2), "IndexError", "dim"),
        dtypes=ORDERED,
        result=lambda s: [s.args[0].dtype, "int64", "int64"][
            : 1 + sum(bool(v) for k, v in s.kwargs.items() if k.startswith("return")) + 2 * (len(s.args) > 1)
        ],
        strides=False,
    ),
    row(
        "unique_consecutive",
        lambda x, return_inverse=False, return_counts=False: consecutive(x, return_counts),
        runs,
        dtypes=ORDERED,
        result=lambda s: (
            [s.args[0].dtype, "int64", "int64"][: 1 + 2 * len(s.kwargs)] if s.kwargs else s.args[0].dtype
        ),
    ),
    row(
        "bincount",
        lambda x, w=None, minlength=0: np.bincount(x, w, minlength),
        counts,
        Error(S(tensor([-1])), "RuntimeError", "negative"),
        Error(S(tensor([[1]])), "RuntimeError", "1-d|dim"),
        Error(S(tensor([1]), minlength=-1), "RuntimeError", "minlength|negative"),
        Error(S(tensor([1]), tensor([1.0, 2.0])), "RuntimeError", "size|length|shape"),
        dtypes=INTS,
        result=bincount_result,
    ),
    row(
        "searchsorted",
        searchsorted,
        searches,
        Error(S(tensor([1.0]), tensor([1.0]), side="middle"), "RuntimeError", "side"),
        Error(S(tensor([1.0]), tensor([1.0]), side="left", right=True), "RuntimeError", "side|right"),
        Error(S(MATRIX, tensor([[1.0]])), "RuntimeError", "shape|dim"),
        dtypes=ALL_FLOATS + INTS,
        result=int_width,
        variants=(),
        out=True,
    ),
    row(
        "bucketize",
        lambda x, b, right=False, out_int32=False: np.searchsorted(b, x, "right" if right else "left"),
        buckets,
        Error(S(tensor([1.0]), MATRIX), "RuntimeError", "dim"),
        dtypes=ALL_FLOATS + INTS,
        result=int_width,
        variants=(),
        out=True,
    ),
    row(
        "histc",
        histc,
        histograms,
        Error(S(MATRIX, 0), "RuntimeError", "bins"),
        Error(S(MATRIX, 2, 3, 1), "RuntimeError", "max|min"),
        Error(S(tensor([1.0, np.inf]), 2), "RuntimeError", "finite"),
        dtypes=FLOATS,
        out=True,
    ),
]


def consecutive(x: np.ndarray, everything: bool) -> Any:
    flat = x.reshape(-1)
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    if not everything:
        return flat[starts]
    counts = np.diff(np.r_[starts, flat.size])
    return [flat[starts], np.repeat(np.arange(starts.size), counts).reshape(x.shape), counts]
