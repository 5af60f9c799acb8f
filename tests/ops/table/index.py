"""Reading and writing at indices and masks. Hypothesis goes further in test_indexing.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, EVERY, INTS, is_complex, is_float
from ..samples import Rng, distinct, index, rand
from .view import BOTH, MATRIX

VECTOR = tensor([1.0, 2.0, 3.0])
FLOAT_INDEX = tensor([0.0])


def fixed(values: Any, dtype: str = "int64") -> Arr:
    return tensor(values, dtype, rigid=True)


def row(name: str, ref: Callable[..., Any] | None, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{"dtypes": EVERY, "grad": BOTH, "variants": (f"Tensor.{name}",), "result": "first", **fields},
    )


def keys(dtype: str, rng: Rng) -> Iterator[Sample]:
    for key in (
        0,
        -1,
        slice(None),
        slice(0, 2),
        slice(None, None, 2),
        slice(5, 9),
        None,
        Ellipsis,
        True,
        False,
        (slice(None), 1),
        (Ellipsis, -1),
        (None, 0, Ellipsis, None),
        (slice(1, None), slice(0, -1)),
        fixed([0, 2, 0]),
        fixed([[0, -1], [1, 1]]),
        [0, 1],
        fixed([True, False, True], "bool"),
        fixed([[True, False], [False, False], [True, True]], "bool"),
        (fixed([0, 2]), fixed([1, 0])),
        (fixed([0, 2]), slice(None)),
        (slice(None), fixed([1, 1, 0])),
        (fixed([[0], [2]]), fixed([1, 0])),
        (0, fixed([1, 0])),
        fixed(1),
        fixed(np.zeros(0)),
        (fixed([1, 2]), None, 0),
        fixed([1, 0], "int32"),
    ):
        yield S(rand(rng, (3, 2), dtype), key).once()
    yield S(rand(rng, (3, 2, 2), dtype), (fixed([0, 2]), slice(None), fixed([1, 0]))).once()
    yield S(rand(rng, (2, 3, 2), dtype), (slice(None), fixed([0, 2]), fixed([1, 0])))
    yield S(rand(rng, (), dtype), Ellipsis).once()
    yield S(rand(rng, (), dtype), None).once()
    yield S(rand(rng, (0, 2), dtype), slice(None)).nograd()


def item_ref(x: np.ndarray, key: Any) -> np.ndarray:
    return np.asarray(x[key])


def puts(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), (fixed([0, 2]),), rand(rng, (2, 2), dtype))
    yield S(rand(rng, (3, 2), dtype), (fixed([0, 2]), fixed([1, 0])), rand(rng, (2,), dtype))
    yield S(rand(rng, (3, 2), dtype), (fixed([0, -1]), fixed([1, 0])), rand(rng, (), dtype))
    yield S(rand(rng, (3, 2), dtype), (fixed([True, False, True], "bool"),), rand(rng, (2,), dtype))
    if dtype != "bool":
        yield S(rand(rng, (3, 2), dtype), (fixed([0, 0, 1]),), rand(rng, (3, 2), dtype), True)
        yield S(rand(rng, (3,), dtype), (fixed([1, 1, 1]),), rand(rng, (1,), dtype), accumulate=True)
    yield S(rand(rng, (2,), dtype), (fixed(np.zeros(0)),), rand(rng, (0,), dtype)).nograd()


def index_put(x: np.ndarray, where: Any, values: Any, accumulate: bool = False) -> np.ndarray:
    x = x.copy()
    if accumulate:
        np.add.at(x, tuple(where), values)
    else:
        x[tuple(where)] = values
    return x


def gathers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), 0, index(rng, (2, 2), 3))
    yield S(rand(rng, (2, 3), dtype), -1, fixed([[0, 0, 2, 1]]))  # smaller than x in the other dim
    yield S(rand(rng, (2, 2, 2), dtype), 1, index(rng, (2, 1, 2), 2)).once()
    yield S(rand(rng, (), dtype), 0, fixed(0)).once()
    yield S(rand(rng, (2, 3), dtype), 1, fixed(np.zeros((2, 0)))).nograd()


def gather(x: np.ndarray, dim: int, idx: np.ndarray) -> np.ndarray:
    if x.ndim == 0:
        return x
    cut = tuple(slice(None) if d == dim % x.ndim else slice(0, n) for d, n in enumerate(idx.shape))
    return np.take_along_axis(x[cut], idx, dim)


def scatters(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Indices without repetition: with it, which value stays is not defined."""
    yield S(rand(rng, (3, 2), dtype), 0, fixed([[0, 2], [1, 0]]), rand(rng, (2, 2), dtype))
    yield S(
        rand(rng, (2, 4), dtype), -1, fixed([[3, 0]]), rand(rng, (2, 3), dtype)
    ).value_only()  # src may be larger
    yield S(rand(rng, (), dtype), 0, fixed(0), rand(rng, (), dtype)).once()
    yield S(rand(rng, (3, 2), dtype), 0, fixed(np.zeros((0, 2))), rand(rng, (1, 2), dtype)).once()


def scatter_values(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from scatters(dtype, rng)
    yield S(rand(rng, (3, 2), dtype), 0, fixed([[0, 2]]), True if dtype == "bool" else 3).once()


def repeated(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from scatters(dtype, rng)
    yield S(rand(rng, (3, 2), dtype), 0, fixed([[0, 0], [0, 1]]), rand(rng, (2, 2), dtype))
    yield S(rand(rng, (2, 3), dtype), 1, fixed([[1, 1, 1], [0, 2, 2]]), rand(rng, (2, 3), dtype))


def scattered(combine: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def ref(x: np.ndarray, dim: int, idx: np.ndarray, src: Any) -> np.ndarray:
        shape = x.shape
        x, idx = np.atleast_1d(x.copy()), np.atleast_1d(idx)
        src = np.broadcast_to(src, idx.shape) if np.ndim(src) == 0 else src
        for at in np.ndindex(idx.shape):
            to = list(at)
            to[dim] = idx[at]
            x[tuple(to)] = combine(x[tuple(to)], src[at])
        return x.reshape(shape)

    return ref


def scatter_reduces(dtype: str, rng: Rng) -> Iterator[Sample]:
    other = rand if is_float(dtype) or is_complex(dtype) else distinct  # no ties with x
    ways = ["sum", "prod"]
    if dtype != "bool":
        ways.append("mean")
    if not is_complex(dtype):
        ways += ["amax", "amin"]
    for how in ways:
        for include in (True, False):
            x, src = distinct(rng, (3,), dtype), other(rng, (4,), dtype)
            yield S(x, 0, fixed([0, 2, 0, 0]), src, how, include_self=include)
        x, src = distinct(rng, (2, 3), dtype), other(rng, (2, 2), dtype)
        yield S(x, 1, fixed([[1, 1], [0, 2]]), src, how).once()


REDUCERS = {
    "sum": sum,
    "prod": lambda v: np.prod(v, dtype=v[0].dtype),
    "amax": max,
    "amin": min,
}


def scatter_reduce(
    x: np.ndarray, dim: int, idx: np.ndarray, src: np.ndarray, how: str, include_self: bool = True
) -> Any:
    found: dict[Any, list[Any]] = {}
    for at in np.ndindex(idx.shape):
        to = list(at)
        to[dim] = idx[at]
        found.setdefault(tuple(to), [x[tuple(to)]] if include_self else []).append(src[at])
    out = x.copy()
    for to, values in found.items():
        if how == "mean":
            total = np.sum(values, dtype=x.dtype)
            out[to] = total // len(values) if x.dtype.kind in "iu" else total / len(values)
        elif x.dtype.kind == "b":
            out[to] = any(values) if how in ("sum", "amax") else all(values)
        else:
            out[to] = np.asarray(REDUCERS[how](values)).astype(x.dtype)
    return out


def selects(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), 0, fixed([2, 0, 2]))
    yield S(rand(rng, (2, 3), dtype), -1, fixed([1]))
    yield S(rand(rng, (3,), dtype), 0, fixed([1, 1], "int32")).once()
    yield S(rand(rng, (3, 2), dtype), 0, fixed(np.zeros(0))).nograd()
    yield S(rand(rng, (), dtype), 0, fixed([0])).once()
    yield S(rand(rng, (3, 2), dtype), 0, fixed(1)).once()


def index_select(x: np.ndarray, dim: int, idx: np.ndarray) -> np.ndarray:
    return x if x.ndim == 0 else np.take(x, np.atleast_1d(idx), dim)


def index_adds(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), 0, fixed([2, 0, 2]), rand(rng, (3, 2), dtype))
    yield S(
        rand(rng, (2, 3), dtype),
        -1,
        fixed([1]),
        rand(rng, (2, 1), dtype),
        alpha=True if dtype == "bool" else 2,
    )
    yield S(rand(rng, (3,), dtype), 0, fixed([1, 1], "int32"), rand(rng, (2,), dtype)).once()
    yield S(rand(rng, (3, 2), dtype), 0, fixed(np.zeros(0)), rand(rng, (0, 2), dtype)).nograd()


def index_add(x: np.ndarray, dim: int, idx: np.ndarray, src: np.ndarray, alpha: Any = 1) -> np.ndarray:
    out = np.moveaxis(x.copy(), dim, 0)
    scaled = src if alpha == 1 else src * np.asarray(alpha).astype(src.dtype)
    np.add.at(out, idx, np.moveaxis(scaled, dim, 0))
    return np.moveaxis(out, 0, dim)


MASK = fixed([[True, False], [False, True], [True, True]], "bool")


def fills(dtype: str, rng: Rng) -> Iterator[Sample]:
    value = True if dtype == "bool" else 2
    yield S(rand(rng, (3, 2), dtype), MASK, value)
    yield S(rand(rng, (3, 2), dtype), fixed([True, False], "bool"), rand(rng, (), dtype))
    yield S(rand(rng, (2,), dtype), MASK, value).once()  # x grows to the mask's shape
    yield S(rand(rng, (), dtype), fixed(True, "bool"), value).once()
    yield S(rand(rng, (0, 2), dtype), fixed([True, False], "bool"), value).nograd()
    if is_float(dtype):
        yield S(rand(rng, (3, 2), dtype), MASK, float("-inf")).nograd()
    if dtype in INTS:  # a fraction is cut off
        yield S(rand(rng, (3, 2), dtype), MASK, 1.5)
        yield S(rand(rng, (3, 2), dtype), MASK, tensor(2.5))


def masked_fill(x: np.ndarray, mask: np.ndarray, value: Any) -> np.ndarray:
    return np.where(mask, np.asarray(value).astype(x.dtype), x)


def picks(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), MASK)
    yield S(rand(rng, (3, 2), dtype), fixed([True, False], "bool"))
    yield S(rand(rng, (2,), dtype), MASK).once()
    yield S(rand(rng, (3, 2), dtype), fixed([False, False], "bool")).nograd()
    yield S(rand(rng, (), dtype), fixed(True, "bool")).once()


def masked_select(x: np.ndarray, mask: np.ndarray) -> np.ndarray:
    x, mask = np.broadcast_arrays(x, mask)
    return x[mask]


def sources(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), MASK, rand(rng, (4,), dtype))
    yield S(rand(rng, (3, 2), dtype), fixed([True, False], "bool"), rand(rng, (2, 2), dtype))
    yield S(rand(rng, (0, 2), dtype), fixed([True, False], "bool"), rand(rng, (1,), dtype)).nograd()


def masked_scatter(x: np.ndarray, mask: np.ndarray, src: np.ndarray) -> np.ndarray:
    mask = np.broadcast_to(mask, x.shape)
    out = x.copy()
    out[mask] = src.reshape(-1)[: np.count_nonzero(mask)]
    return out


def take_along(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype), fixed([[0, 2], [1, 1]]), 0)
    yield S(rand(rng, (3, 2), dtype), fixed([[1]]), dim=1)  # the index broadcasts
    yield S(rand(rng, (3, 2), dtype), fixed([5, 0, 0]))
    yield S(rand(rng, (1, 3), dtype), fixed([[2], [0]]), -1).once()


def take_along_dim(x: np.ndarray, idx: np.ndarray, dim: Any = None) -> np.ndarray:
    return np.take_along_axis(x, idx, dim) if dim is not None else x.reshape(-1)[idx.reshape(-1)]


def wheres(dtype: str, rng: Rng) -> Iterator[Sample]:
    value = True if dtype == "bool" else 2
    yield S(MASK, rand(rng, (3, 2), dtype), rand(rng, (3, 2), dtype))
    yield S(fixed([True, False], "bool"), rand(rng, (3, 1), dtype), rand(rng, (2,), dtype))
    yield S(MASK, rand(rng, (), dtype), rand(rng, (3, 2), dtype))
    yield S(MASK, value, rand(rng, (3, 2), dtype)).once().no_out()
    yield S(MASK, rand(rng, (2,), dtype), value).once().no_out()
    yield S(fixed(True, "bool"), rand(rng, (), dtype), rand(rng, (), dtype)).once()
    yield S(fixed(np.zeros((0, 2)), "bool"), rand(rng, (2,), dtype), rand(rng, (1, 2), dtype)).nograd()
    for other in ("float64", "int64", "complex64"):
        yield S(fixed([True, False], "bool"), rand(rng, (2,), dtype), rand(rng, (2,), other)).value_only()


def where_result(sample: Sample) -> str:
    from ..harness import operand
    from ..promotion import number, result_type

    return result_type(*[operand(v) if isinstance(v, Arr) else number(v) for v in sample.args[1:]])


def nonzeros(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([[0, 1, 2], [1, 0, 0]], dtype))
    yield S(tensor([0, 0], dtype))
    yield S(tensor(1, dtype))
    yield S(tensor(0, dtype))
    yield S(tensor(np.zeros((0, 2)), dtype))
    yield S(tensor([[0, 1, 2], [1, 0, 0]], dtype), as_tuple=True).no_out()
    if is_float(dtype):
        yield S(tensor([0.0, -0.0, np.nan], dtype))


def nonzero(x: np.ndarray, as_tuple: bool = False) -> Any:
    return list(np.nonzero(x)) if as_tuple else np.argwhere(x)


def tables(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(fixed([[0, 2], [1, 2]]), rand(rng, (4, 3), dtype))
    yield S(fixed(1), rand(rng, (4, 2), dtype)).once()
    yield S(fixed([3, 0], "int32"), rand(rng, (4, 2), dtype)).once()
    yield S(fixed(np.zeros((0,))), rand(rng, (4, 2), dtype)).nograd()


def padded_tables(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(fixed([1, 2, 1]), rand(rng, (4, 2), dtype), padding_idx=1).nograd()  # row 1 gets no gradient
    yield S(fixed([1, 2, 1]), rand(rng, (4, 2), dtype), padding_idx=-1)
    yield S(fixed([1, 2, 1, 1]), rand(rng, (4, 2), dtype), scale_grad_by_freq=True).nograd()


def bags(dtype: str, rng: Rng) -> Iterator[Sample]:
    weight = lambda: rand(rng, (5, 2), dtype)  # noqa: E731
    for mode in ("sum", "mean", "max"):
        yield S(fixed([0, 2, 4, 1]), weight(), fixed([0, 2]), mode=mode)
        yield S(fixed([[0, 2], [1, 3]]), weight(), mode=mode).once()
        yield S(fixed([0, 2, 4]), weight(), fixed([0, 0, 3]), mode=mode).nograd()  # empty bags
    yield S(
        fixed([0, 2, 4, 1]), weight(), fixed([0, 2]), mode="sum", per_sample_weights=rand(rng, (4,), dtype)
    )
    yield S(fixed([0, 2, 4, 1]), weight(), fixed([0, 2, 4]), mode="sum", include_last_offset=True).once()
    yield S(fixed([0, 2, 2, 1]), weight(), fixed([0, 2]), mode="mean", padding_idx=2).nograd()


def embedding_bag(
    ids: np.ndarray,
    weight: np.ndarray,
    offsets: Any = None,
    mode: str = "mean",
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: Any = None,
) -> np.ndarray:
    if ids.ndim == 2:
        offsets, ids = np.arange(0, ids.size, ids.shape[1]), ids.reshape(-1)
    ends = [*offsets[1:]] if include_last_offset else [*offsets[1:], ids.size]
    out = np.zeros((len(ends), weight.shape[1]), weight.dtype)
    for b, (start, end) in enumerate(zip(offsets, ends)):
        keep = [i for i in range(start, end) if ids[i] != padding_idx]
        if not keep:
            continue
        rows = weight[ids[keep]] * (
            per_sample_weights[keep][:, None] if per_sample_weights is not None else 1
        )
        out[b] = {"sum": np.sum, "mean": np.mean, "max": np.max}[mode](rows, axis=0)
    return out


OUT_OF_RANGE = Error(S(MATRIX, 0, tensor([[2]])), "RuntimeError", "index|bounds|range")
BAD_DIM = Error(S(MATRIX, 2, tensor([[0]])), "IndexError", "dim")
WRONG_DTYPE = Error(S(MATRIX, 0, tensor([[0.0]])), "RuntimeError", "int64|dtype|index")
SRC_DTYPE = Error(S(MATRIX, 0, tensor([[0]]), tensor([[1]])), "RuntimeError", "dtype")

CASES = [
    row(
        "__getitem__",
        item_ref,
        keys,
        Error(S(VECTOR, 3), "IndexError", "range|bounds|size"),
        Error(S(VECTOR, (0, 0)), "IndexError", "indices|dim"),
        Error(S(VECTOR, tensor([5])), "IndexError", "range|bounds"),
        Error(S(VECTOR, tensor([0.5])), "IndexError", "int|bool|index"),
        Error(S(VECTOR, slice(None, None, -1)), "ValueError", "step"),
        Error(S(VECTOR, tensor([True, False])), "IndexError", "shape|mask|size"),
        Error(S(VECTOR, "a"), "TypeError"),
        path="Tensor.__getitem__",
        variants=("operator.getitem",),
        strides=False,
        speaks_as=("index", "select", "slice"),
    ),
    row(
        "index_put",
        index_put,
        puts,
        Error(S(VECTOR, (tensor([5]),), tensor([1.0])), "IndexError", "range|bounds"),
        Error(S(VECTOR, (tensor([0]),), tensor([1])), "RuntimeError", "dtype"),
        Error(S(VECTOR, (tensor([0, 1]),), tensor([1.0, 2.0, 3.0])), "RuntimeError", "shape|size|broadcast"),
        inplace="Tensor.index_put_",
        covers=("__setitem__",),
    ),
    row(
        "gather",
        gather,
        gathers,
        OUT_OF_RANGE,
        BAD_DIM,
        WRONG_DTYPE,
        Error(S(MATRIX, 0, tensor([0])), "RuntimeError", "dim"),
        out=True,
    ),
    row(
        "scatter",
        scattered(lambda old, new: new),
        scatter_values,
        SRC_DTYPE,
        Error(S(MATRIX, 0, tensor([[2]]), tensor([[1.0]])), "RuntimeError", "index|bounds|range"),
        Error(S(MATRIX, 2, tensor([[0]]), tensor([[1.0]])), "IndexError", "dim"),
        Error(S(MATRIX, 0, tensor([[0, 0]]), tensor([[1.0]])), "RuntimeError", "size|shape"),
        inplace="Tensor.scatter_",
        out=True,
    ),
    row(
        "scatter_add",
        scattered(lambda a, b: a | b if isinstance(a, np.bool_) else a + b),
        repeated,
        SRC_DTYPE,
        Error(S(MATRIX, 0, tensor([[2]]), tensor([[1.0]])), "RuntimeError", "index|bounds|range"),
        inplace="Tensor.scatter_add_",
        out=True,
    ),
    row(
        "scatter_reduce",
        scatter_reduce,
        scatter_reduces,
        Error(S(MATRIX, 0, tensor([[0]]), MATRIX, "median"), "RuntimeError", "reduce"),
        Error(S(MATRIX, 0, tensor([[0]]), tensor([[1]]), "sum"), "RuntimeError", "dtype"),
        dtypes=EVERY,
        grad=("float64",),
        inplace="Tensor.scatter_reduce_",
        out=True,
    ),
    row(
        "index_select",
        index_select,
        selects,
        Error(S(MATRIX, 0, tensor([2])), "IndexError", "range|bounds"),
        Error(S(MATRIX, 2, tensor([0])), "IndexError", "dim"),
        Error(S(MATRIX, 0, tensor([[0]])), "IndexError", "dim|1"),
        Error(S(MATRIX, 0, FLOAT_INDEX), "RuntimeError", "int|dtype"),
        out=True,
    ),
    row(
        "index_add",
        index_add,
        index_adds,
        Error(S(MATRIX, 0, tensor([0]), tensor([[1, 2, 3]])), "RuntimeError", "dtype"),
        Error(S(MATRIX, 0, tensor([0, 1]), tensor([[1.0, 2.0, 3.0]])), "RuntimeError", "size|number"),
        Error(S(MATRIX, 2, tensor([0]), MATRIX), "IndexError", "dim"),
        inplace="Tensor.index_add_",
        out=True,
    ),
    row(
        "masked_fill",
        masked_fill,
        fills,
        Error(S(MATRIX, tensor([1.0, 0.0, 1.0]), 1.0), "RuntimeError", "bool"),
        Error(S(MATRIX, tensor([True, False]), 1.0), "RuntimeError", "size|shape|broadcast"),
        Error(S(tensor([1, 2], "int8"), tensor([True, False]), 300), "RuntimeError", "overflow"),
        Error(S(tensor([1, 2], "int8"), tensor([True, False]), tensor(300)), "RuntimeError", "overflow"),
        Error(S(tensor([1, 2]), tensor([True, False]), float("nan")), "RuntimeError", "overflow"),
        Error(S(MATRIX, tensor([True, True, True]), 1j), "RuntimeError", "overflow"),
        inplace="Tensor.masked_fill_",
    ),
    row(
        "masked_select",
        masked_select,
        picks,
        Error(S(MATRIX, tensor([True, False])), "RuntimeError", "size|shape|broadcast"),
        Error(S(MATRIX, tensor([1.0, 1.0, 1.0])), "RuntimeError", "bool"),
        out=True,
    ),
    row(
        "masked_scatter",
        masked_scatter,
        sources,
        Error(S(MATRIX, tensor([True, True, True]), tensor([1.0])), "RuntimeError", "element|number|source"),
        Error(S(MATRIX, tensor([1.0, 1.0, 1.0]), MATRIX), "RuntimeError", "bool"),
        Error(S(MATRIX, tensor([True, True, True]), tensor([1] * 6)), "RuntimeError", "dtype"),
        inplace="Tensor.masked_scatter_",
    ),
    row(
        "take_along_dim",
        take_along_dim,
        take_along,
        Error(S(MATRIX, tensor([0]), 1), "RuntimeError", "dim"),
        Error(S(MATRIX, tensor([[0.0]]), 1), "RuntimeError", "int|dtype"),
        out=True,
    ),
    row(
        "where",
        lambda c, a, b: np.where(c, a, b),
        wheres,
        Error(S(MASK, VECTOR, 1.0), "RuntimeError", "size|shape|broadcast"),
        Error(S(MATRIX, MATRIX, MATRIX), "RuntimeError", "bool"),
        Error(S(tensor([True]), tensor([1], "int8"), 300), "RuntimeError", "overflow"),
        Error(S(tensor([True]), 1e40, tensor([1.0])), "RuntimeError", "overflow"),
        result=where_result,
        variants=(),
        out=True,
        covers=("where",),
    ),
    row(
        "where",
        lambda c: list(np.nonzero(np.atleast_1d(c))),
        lambda d, r: iter([S(tensor([[0, 1], [2, 0]], d)), S(tensor(1, d))]),
        label="indices",
        strides=False,
        result="int64",
        grad=(),
        variants=(),
    ),
    row("nonzero", nonzero, nonzeros, result="int64", grad=(), strides=False, out=True, covers=("argwhere",)),
    row(
        "nn.functional.embedding",
        lambda ids, w: w[ids],
        tables,
        Error(S(tensor([4]), MATRIX), "IndexError", "range|index"),
        Error(S(tensor([-1]), MATRIX), "IndexError", "range|index"),
        Error(S(tensor([0.0]), MATRIX), "RuntimeError", "int|dtype"),
        dtypes=EVERY,
        grad=("float64",),
        result=lambda s: s.args[1].dtype,
        variants=(),
    ),
    row(
        "nn.functional.embedding",
        lambda ids, w, **_: w[ids],
        padded_tables,
        Error(S(tensor([0]), MATRIX, 9), "AssertionError"),
        label="padding_idx",
        dtypes=EVERY,
        grad=("float64",),
        result=lambda s: s.args[1].dtype,
        variants=(),
    ),
    row(
        "nn.functional.embedding_bag",
        embedding_bag,
        bags,
        Error(S(tensor([0, 1]), MATRIX), "ValueError", "offsets"),
        Error(S(tensor([0, 1]), MATRIX, tensor([0]), mode="min"), "ValueError", "mode"),
        Error(S(tensor([[0]]), MATRIX, tensor([0])), "ValueError", "offsets"),
        dtypes=ALL_FLOATS,
        grad=("float64",),
        no_second="PyTorch has none, and none is known to be used",
        result=lambda s: s.args[1].dtype,
        variants=(),
    ),
]
