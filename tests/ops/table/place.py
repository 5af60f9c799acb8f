"""Writing a part of a tensor: through a view's window, at indices, from another tensor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..case import Arr, Error, S, Sample, tensor
from ..dtypes import ALL_FLOATS, EVERY, INTS, is_float
from ..samples import Rng, distinct, rand
from .index import VECTOR, fixed, row
from .view import MATRIX

Windows = tuple[tuple[Any, ...], ...]


def windows(*each: tuple[Any, ...]) -> Callable[[str, Rng], Iterator[Sample]]:
    """Samples from (shape of the tensor, shape of what is written, *arguments)."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for i, (shape, part, *args) in enumerate(each):
            kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
            sample = S(rand(rng, shape, dtype), rand(rng, part, dtype), *args, **kwargs)
            sample = sample if 0 not in (*shape, *part) else sample.nograd()
            yield sample if i < 2 else sample.once()

    return samples


def written(window: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """The tensor after writing to the NumPy view that `window` takes of it."""

    def ref(x: np.ndarray, src: np.ndarray, *args: Any, **kwargs: Any) -> np.ndarray:
        out = np.array(x, order="C")
        window(out, *args, **kwargs)[...] = src
        return out

    return ref


def along(x: np.ndarray, dim: int, key: Any) -> np.ndarray:
    return x[(slice(None),) * (dim % x.ndim) + (key, ...)]


def parity_in(
    samples: Callable[[str, Rng], Iterator[Sample]], *dtypes: str
) -> Callable[[str, Rng], Iterator[Sample]]:
    """Gradients are compared to PyTorch in these dtypes alone: others it refuses or gets wrong."""
    return lambda dtype, rng: (
        s if dtype in dtypes else replace(s, parity_grad=False) for s in samples(dtype, rng)
    )


def diagonal(x: np.ndarray, offset: int = 0, dim1: int = 0, dim2: int = 1) -> np.ndarray:
    view = np.diagonal(x, offset, dim1, dim2)
    view.flags.writeable = True
    return view


def strided(x: np.ndarray, size: Any, stride: Any, storage_offset: Any = None) -> np.ndarray:
    flat = x.reshape(-1)[storage_offset or 0 :]
    return np.lib.stride_tricks.as_strided(flat, size, [s * flat.itemsize for s in stride])


def index_copies(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), 0, fixed([2, 0]), rand(rng, (2, 2), dtype))
    yield S(rand(rng, (2, 3), dtype), -1, fixed([1]), rand(rng, (2, 1), dtype))
    yield S(rand(rng, (3,), dtype), 0, fixed([1, 2]), rand(rng, (2,), dtype)).once()
    yield S(rand(rng, (3,), dtype), 0, fixed(1), rand(rng, (), dtype)).once()
    yield S(rand(rng, (), dtype), 0, fixed([0]), rand(rng, (), dtype)).once()
    yield S(rand(rng, (3, 2), dtype), 0, fixed(np.zeros(0)), rand(rng, (0, 2), dtype)).nograd()


def index_copy(x: np.ndarray, dim: int, idx: np.ndarray, src: np.ndarray) -> np.ndarray:
    if x.ndim == 0:
        return src
    out = np.moveaxis(x.copy(), dim, 0)
    out[np.atleast_1d(idx)] = np.moveaxis(src, dim, 0) if src.ndim else src
    return np.moveaxis(out, 0, dim)


def index_fills(dtype: str, rng: Rng) -> Iterator[Sample]:
    value = True if dtype == "bool" else 3
    yield S(rand(rng, (3, 2), dtype), 0, fixed([2, 0, 2]), value)
    yield S(rand(rng, (2, 3), dtype), -1, fixed([1]), rand(rng, (), dtype))
    yield S(rand(rng, (3,), dtype), 0, fixed(1), value).once()
    yield S(rand(rng, (), dtype), 0, fixed([0]), value).once()
    yield S(rand(rng, (3, 2), dtype), 0, fixed(np.zeros(0)), value).nograd()
    if is_float(dtype):
        yield S(rand(rng, (3,), dtype), 0, fixed([-1]), float("nan")).nograd()


def index_fill(x: np.ndarray, dim: int, idx: np.ndarray, value: Any) -> np.ndarray:
    out = np.atleast_1d(x.copy())
    np.moveaxis(out, dim, 0)[np.atleast_1d(idx)] = value
    return out.reshape(x.shape)


def index_reduces(dtype: str, rng: Rng) -> Iterator[Sample]:
    for how in ("prod", "mean", "amax", "amin"):
        for include in (True, False):
            x, src = distinct(rng, (3, 2), dtype), rand(rng, (3, 2), dtype)
            sample = S(x, 0, fixed([0, 2, 0]), src, how, include_self=include)
            yield sample if is_float(dtype) or how != "mean" else positive_sample(sample)
        yield S(distinct(rng, (2, 3), dtype), 1, fixed([1]), rand(rng, (2, 1), dtype, 0.3), how).once()
    yield S(distinct(rng, (3,), dtype), 0, fixed(np.zeros(0)), rand(rng, (0,), dtype), "prod").nograd()


def positive_sample(sample: Sample) -> Sample:
    """Means of integers are rounded down; of negative ones that is not the same everywhere."""
    args = [
        tensor(np.abs(a.values), a.dtype) if isinstance(a, Arr) and not a.rigid else a for a in sample.args
    ]
    return S(*args, **sample.kwargs)


def index_reduce(
    x: np.ndarray, dim: int, idx: np.ndarray, src: np.ndarray, how: str, include_self: bool = True
) -> np.ndarray:
    out, x, src = (np.moveaxis(a, dim, 0) for a in (x.copy(), x, src))
    for i in np.unique(idx):
        rows = [x[i]] * include_self + [src[j] for j in np.flatnonzero(idx == i)]
        if how == "mean":
            total = np.sum(rows, axis=0, dtype=x.dtype)
            out[i] = total // len(rows) if x.dtype.kind in "iu" else total / len(rows)
        else:
            out[i] = {"prod": np.prod, "amax": np.max, "amin": np.min}[how](rows, axis=0).astype(x.dtype)
    return np.moveaxis(out, 0, dim)


def puts(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), fixed([0, 5, 2]), rand(rng, (3,), dtype))
    yield S(rand(rng, (2, 3), dtype), fixed([[0, -1]]), rand(rng, (1, 2), dtype))
    yield S(rand(rng, (2, 3), dtype), fixed([1, 1, 4]), rand(rng, (3,), dtype), True)
    yield S(rand(rng, (3,), dtype), fixed(1), rand(rng, (), dtype), accumulate=True).once()
    yield S(rand(rng, (), dtype), fixed([0]), rand(rng, (1,), dtype)).once()
    yield S(rand(rng, (3,), dtype), fixed(np.zeros(0)), rand(rng, (0,), dtype)).nograd()


def put(x: np.ndarray, idx: np.ndarray, src: np.ndarray, accumulate: bool = False) -> np.ndarray:
    out = x.copy().reshape(-1)
    if accumulate:
        np.add.at(out, idx.reshape(-1), src.reshape(-1))
    else:
        out[idx.reshape(-1)] = src.reshape(-1)
    return out.reshape(x.shape)


def takes(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), fixed([0, 5, 0, -1]))
    yield S(rand(rng, (2, 3), dtype), fixed([[1, 2], [4, 4]]))
    yield S(rand(rng, (3,), dtype), fixed(1)).once()
    yield S(rand(rng, (), dtype), fixed([0, 0])).once()
    yield S(rand(rng, (2, 3), dtype), fixed(np.zeros((0, 2)))).nograd()


def diagonals(dtype: str, rng: Rng) -> Iterator[Sample]:
    value = True if dtype == "bool" else 3
    yield S(rand(rng, (3, 3), dtype), value)
    yield S(rand(rng, (2, 3), dtype), value).once()
    yield S(rand(rng, (7, 3), dtype), value).once()
    yield S(rand(rng, (7, 3), dtype), value, True).once()
    yield S(rand(rng, (3, 3, 3), dtype), value, wrap=True).nograd()
    yield S(rand(rng, (0, 2), dtype), value).nograd()


def fill_diagonal(x: np.ndarray, value: Any, wrap: bool = False) -> np.ndarray:
    out = np.array(x, order="C")
    if out.size:
        np.fill_diagonal(out, value, wrap)
    return out


def copies(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (), dtype)).once()
    yield S(rand(rng, (), dtype), rand(rng, (), dtype), True).once()
    yield S(rand(rng, (0, 2), dtype), rand(rng, (1, 2), dtype)).nograd()
    for other in ("float64", "int32", "complex64", "bool"):
        yield S(rand(rng, (3,), dtype), rand(rng, (3,), other, 0.3)).value_only()


def copy_(x: np.ndarray, src: np.ndarray, non_blocking: bool = False) -> np.ndarray:
    return np.broadcast_to(src.real if src.dtype.kind == "c" and x.dtype.kind not in "cb" else src, x.shape)


NO_INDEX = fixed([0])

CASES = [
    row(
        "diagonal_scatter",
        written(diagonal),
        windows(
            ((3, 3), (3,)),
            ((2, 3), (2,), 1),
            ((3, 2), (2,), -1),
            ((2, 2, 2), (2, 2), {"dim1": 0, "dim2": 2}),
            ((2, 0), (0,)),
        ),
        Error(S(MATRIX, tensor([1.0])), "RuntimeError", "size"),
        Error(S(MATRIX, tensor([1.0]), 0, 2), "IndexError", "dim"),
        strides=False,
    ),
    row(
        "select_scatter",
        written(along),
        parity_in(
            windows(((3, 2), (2,), 0, 1), ((2, 3), (2,), -1, -1), ((2,), (), 0, 0), ((2, 0), (0,), 0, 1)),
            "float64",
        ),
        Error(S(MATRIX, tensor([1.0]), 0, 0), "RuntimeError", "size"),
        Error(S(MATRIX, tensor([1.0]), 0, 2), "IndexError", "range|index"),
        Error(S(MATRIX, tensor([1.0]), 2, 0), "IndexError", "dim"),
        strides=False,
    ),
    row(
        "slice_scatter",
        written(lambda x, dim=0, start=None, end=None, step=1: along(x, dim, slice(start, end, step))),
        parity_in(
            windows(
                ((3, 2), (2, 2), 0, 1),
                ((2, 4), (2, 2), 1, 0, 4, 2),
                ((3,), (3,)),
                ((3,), (1,), {"dim": -1, "end": -2}),
                ((3,), (0,), 0, 2, 1),
            ),
            "float64",
        ),
        Error(S(MATRIX, tensor([1.0, 2.0]), 0, 0, 1), "RuntimeError", "size"),
        Error(S(MATRIX, MATRIX, 2), "IndexError", "dim"),
        Error(S(MATRIX, MATRIX, 0, 0, 2, 0), "RuntimeError", "step"),
        strides=False,
        out=True,
    ),
    row(
        "as_strided_scatter",
        written(strided),
        parity_in(
            windows(
                ((3, 3), (2, 2), (2, 2), (1, 2)),
                ((6,), (2, 3), (2, 3), (3, 1)),
                ((2, 3), (2,), [2], [2], 1),
                ((2,), (), (), ()),
            )
        ),
        Error(S(MATRIX, tensor([1.0]), (2,), (1,)), "RuntimeError", "size"),
        Error(S(MATRIX, tensor([1.0]), (1,), (-1,)), "RuntimeError", "negative|stride"),
        Error(S(MATRIX, tensor([1.0]), (9,), (1,)), "RuntimeError", "bounds|storage|size"),
        layouts=False,
        strides=False,
    ),
    row(
        "index_copy",
        index_copy,
        index_copies,
        Error(S(MATRIX, 0, NO_INDEX, tensor([[1, 2, 3]])), "RuntimeError", "dtype|type"),
        Error(S(MATRIX, 0, fixed([0, 1]), tensor([[1.0, 2.0, 3.0]])), "IndexError", "size|number|index"),
        Error(S(MATRIX, 2, NO_INDEX, MATRIX), "IndexError", "dim"),
        Error(S(MATRIX, 0, fixed([2]), tensor([[1.0, 2.0, 3.0]])), "IndexError", "range|bounds|index"),
        inplace="Tensor.index_copy_",
        out=True,
        strides=False,
    ),
    row(
        "index_fill",
        index_fill,
        index_fills,
        Error(S(MATRIX, 2, NO_INDEX, 1.0), "IndexError", "dim"),
        Error(S(MATRIX, 0, fixed([2]), 1.0), "IndexError", "range|bounds|index"),
        Error(S(MATRIX, 0, NO_INDEX, VECTOR), "RuntimeError", "dim"),
        Error(S(MATRIX, 0, tensor([0.0]), 1.0), "IndexError", "int64|dtype"),
        inplace="Tensor.index_fill_",
        out=True,
        strides=False,
    ),
    row(
        "index_reduce",
        index_reduce,
        index_reduces,
        Error(S(MATRIX, 0, NO_INDEX, tensor([[1.0, 2.0, 3.0]]), "sum"), "RuntimeError", "reduce"),
        Error(S(MATRIX, 0, NO_INDEX, tensor([[1, 2, 3]]), "prod"), "RuntimeError", "dtype|type"),
        Error(S(MATRIX, 2, NO_INDEX, MATRIX, "prod"), "IndexError", "dim"),
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
        inplace="Tensor.index_reduce_",
        out=True,
        strides=False,
    ),
    row(
        "put",
        put,
        puts,
        Error(S(MATRIX, fixed([6]), tensor([1.0])), "IndexError", "range|bounds"),
        Error(S(MATRIX, fixed([0, 1]), tensor([1.0])), "IndexError", "element|size|number"),
        Error(S(MATRIX, NO_INDEX, tensor([1])), "RuntimeError", "dtype|type"),
        inplace="Tensor.put_",
        strides=False,
    ),
    row(
        "take",
        lambda x, idx: x.reshape(-1)[idx],
        takes,
        Error(S(MATRIX, fixed([6])), "IndexError", "range|bounds"),
        Error(S(MATRIX, tensor([0.0])), "RuntimeError", "long|int64|dtype"),
        Error(S(tensor(np.zeros(0), "float32"), NO_INDEX), "IndexError", "empty"),
        out=True,
    ),
    row(
        "fill_diagonal",
        fill_diagonal,
        diagonals,
        Error(S(VECTOR, 1.0), "RuntimeError", "dim"),
        Error(S(tensor(np.zeros((2, 3, 2)), "float32"), 1.0), "RuntimeError", "dim|equal|size"),
        path="Tensor.fill_diagonal_",
        inplace="Tensor.fill_diagonal_",
        variants=(),
        layouts=False,
    ),
    row(
        "copy",
        copy_,
        copies,
        Error(S(MATRIX, tensor([1.0, 2.0])), "RuntimeError", "size|shape|broadcast"),
        dtypes=EVERY,
        path="Tensor.copy_",
        inplace="Tensor.copy_",
        variants=(),
        layouts=False,
    ),
]
