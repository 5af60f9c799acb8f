"""Views: results that show their argument's memory under another shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import COMPLEX, EVERY, REAL_OF
from ..samples import Rng, rand

BOTH = ("float64", "complex128")
MATRIX = tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
Calls = Callable[[str, Rng], Iterator[Sample]]


def calls(*each: tuple[Any, ...], empty_has_gradient: bool = True) -> Calls:
    """Samples from (shape, *arguments); a dict at the end holds keyword arguments."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for shape, *args in each:
            kwargs = args.pop() if args and isinstance(args[-1], dict) else {}
            sample = S(rand(rng, shape, dtype), *args, **kwargs)
            size = np.prod(shape, dtype=int)
            if size == 0 and not empty_has_gradient:
                sample = sample.value_only()
            yield sample if 0 < size <= 24 else sample.nograd()

    return samples


def view(name: str, ref: Callable[..., Any] | None, samples: Calls, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{
            "dtypes": EVERY,
            "grad": BOTH,
            "view": True,
            "variants": (f"Tensor.{name}",),
            "result": "first",
            **fields,
        },
    )


def method(
    name: str, ref: Callable[..., Any] | None, samples: Calls, *errors: Error, **fields: Any
) -> OpCase:
    return view(name, ref, samples, *errors, **{"path": f"Tensor.{name}", "variants": (), **fields})


def sizes(x: np.ndarray, *shape: Any) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else tuple(shape)


def expand(x: np.ndarray, *shape: Any) -> np.ndarray:
    want = sizes(x, *shape)
    old = (1,) * (len(want) - x.ndim) + x.shape
    return np.broadcast_to(x, tuple(o if n == -1 else n for n, o in zip(want, old, strict=True)))


def squeeze(x: np.ndarray, dim: Any = None) -> np.ndarray:
    if dim is None:
        return np.squeeze(x)
    dims = [d % x.ndim for d in (dim if isinstance(dim, tuple) else (dim,))] if x.ndim else []
    return x.reshape([n for i, n in enumerate(x.shape) if not (i in dims and n == 1)])


def flatten(x: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    if x.ndim == 0:
        return x.reshape(1)
    a, b = start_dim % x.ndim, end_dim % x.ndim
    return x.reshape(*x.shape[:a], int(np.prod(x.shape[a : b + 1], dtype=int)), *x.shape[b + 1 :])


def unflatten(x: np.ndarray, dim: int, shape: Any) -> np.ndarray:
    d = dim % x.ndim
    return x.reshape(*x.shape[:d], *shape, *x.shape[d + 1 :]) if -1 not in shape or x.size else x


def split(x: np.ndarray, size: Any, dim: int = 0) -> list[np.ndarray]:
    n = x.shape[dim]
    ends = np.cumsum(size) if isinstance(size, (list, tuple)) else np.arange(size, n + size, size)
    starts = [0, *ends[:-1]]
    return [np.take(x, range(a, min(b, n)), dim) for a, b in zip(starts, ends, strict=True)]


def chunk(x: np.ndarray, chunks: int, dim: int = 0) -> list[np.ndarray]:
    return split(x, -(-x.shape[dim] // chunks), dim)


def unfold(x: np.ndarray, dim: int, size: int, step: int) -> np.ndarray:
    if x.ndim == 0:
        return x.reshape(1)[:size]
    dim %= x.ndim
    windows = sliding_window_view(x, size, axis=dim)
    return np.take(windows, range(0, windows.shape[dim], step), dim)


def strided(x: np.ndarray, size: Any, stride: Any, storage_offset: int = 0) -> np.ndarray:
    flat = np.ascontiguousarray(x).reshape(-1)[storage_offset:]
    return as_strided(flat, size, [s * flat.itemsize for s in stride]).copy()


def like_view(op: str) -> Calls:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield S(rand(rng, (2, 3), dtype), tensor(np.zeros((3, 2)), "float32", grad=False))
        yield S(rand(rng, (4,), dtype), tensor(np.zeros((2, 1, 2)), "float32", grad=False)).once()
        yield S(rand(rng, (1,), dtype), tensor(np.zeros(()), "float32", grad=False)).once()

    return samples


def expand_like(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 1), dtype), tensor(np.zeros((3, 2, 2)), "float32", grad=False))
    yield S(rand(rng, (), dtype), tensor(np.zeros((2,)), "float32", grad=False))


def pairs_of_reals(x: np.ndarray) -> np.ndarray:
    return np.stack([x.real, x.imag], axis=-1)


def real_of(sample: Sample) -> str:
    return REAL_OF.get(sample.args[0].dtype, sample.args[0].dtype)


BAD_DIM = Error(S(MATRIX, 2), "IndexError", "dim")
SHAPES = [
    ((2, 3), 3, 2),
    ((2, 3), (6,)),
    ((2, 3), -1),
    ((4, 3), 2, -1, 3),
    ((), 1, 1),
    ((1,), ()),
    ((0, 2), 2, 0),
    ((2, 3), (2, 1, 3)),
]
WRONG_SIZE = Error(S(MATRIX, 4, 2), "RuntimeError", "size|shape|element")
TWO_UNKNOWN = Error(S(MATRIX, -1, -1), "RuntimeError", "-1|infer")
ROWS = ((4, 2), 2), ((5, 2), 2), ((2, 4), 3, -1), ((3, 2), 5), ((4,), 1)

CASES = [
    method(
        "view",
        lambda x, *s: x.reshape(sizes(x, *s)),
        calls(*SHAPES),
        WRONG_SIZE,
        TWO_UNKNOWN,
        Error(S(MATRIX, "a"), "TypeError"),
        layouts=False,
    ),
    method(
        "view",
        None,
        calls(((2, 4), D("int32")), ((4,), D("int32"))),
        label="dtype",
        sample_ref=lambda s: s.args[0].values.view(np.int32),
        dtypes=tuple(d for d in EVERY if d != "bfloat16"),
        result="int32",
        grad=(),
        view=False,
        layouts=False,
    ),
    method("view_as", lambda x, o: x.reshape(o.shape), like_view("view_as"), layouts=False),
    view(
        "reshape",
        lambda x, s: x.reshape(s),
        calls(*[(a, sizes(None, *s)) for a, *s in SHAPES]),
        Error(S(MATRIX, (4, 2)), "RuntimeError", "shape|size|element"),
        Error(S(MATRIX, (-1, -1)), "RuntimeError", "-1|infer"),
    ),
    method("reshape_as", lambda x, o: x.reshape(o.shape), like_view("reshape_as")),
    method(
        "expand",
        expand,
        calls(((2, 1), 2, 3), ((2, 1), -1, 4), ((3,), (2, 3)), ((), 2, 2), ((1, 0), 3, 0), ((2,), 1, -1)),
        Error(S(MATRIX, 2, 4), "RuntimeError", "size|expand"),
        Error(S(MATRIX, 3), "RuntimeError", "dim|size"),
        Error(S(MATRIX, -1, 2, 3), "RuntimeError", "-1|dim"),
    ),
    method("expand_as", lambda x, o: np.broadcast_to(x, o.shape), expand_like),
    view(
        "broadcast_to",
        expand,
        calls(((2, 1), (2, 3)), ((3,), (2, 1, 3)), ((), (2,)), ((1, 0), (3, 0))),
        Error(S(MATRIX, (2, 4)), "RuntimeError", "size|expand|broadcast"),
    ),
    view(
        "transpose",
        lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x,
        calls(((2, 3), 0, 1), ((2, 1, 3), -1, 0), ((2, 3), 1, 1), ((), 0, -1), ((0, 2), 0, 1)),
        Error(S(MATRIX, 0, 2), "IndexError", "dim"),
        covers=("swapaxes", "swapdims", "transpose_", "swapaxes_", "swapdims_"),
    ),
    view(
        "permute",
        lambda x, d: np.transpose(x, d),
        calls(((2, 3), (1, 0)), ((2, 1, 3), (2, 0, 1)), ((2, 3), (-1, 0)), ((), ()), ((0, 2), (1, 0))),
        Error(S(MATRIX, (0,)), "RuntimeError", "dim"),
        Error(S(MATRIX, (0, 0)), "RuntimeError", "dim"),
        Error(S(MATRIX, (0, 2)), "IndexError", "dim"),
    ),
    view(
        "movedim",
        lambda x, a, b: np.moveaxis(x, a, b),
        calls(((2, 1, 3), 0, -1), ((2, 1, 3), (0, 1), (2, 0)), ((2, 3), 1, 0)),
        Error(S(MATRIX, 0, 2), "IndexError", "dim"),
        Error(S(MATRIX, (0, 1), (0,)), "RuntimeError", "dim|source|length"),
    ),
    view(
        "t",
        lambda x: x.T,
        calls(((2, 3),), ((3,),), ((),), ((0, 2),)),
        Error(S(tensor(np.zeros((2, 2, 2)), "float32")), "RuntimeError", "dim"),
    ),
    method("T", lambda x: x.T, calls(((2, 3),), ((3, 1),), ((0, 2),))),
    method(
        "mT",
        lambda x: np.swapaxes(x, -1, -2) if x.ndim else x,
        calls(((2, 3),), ((2, 1, 3),), ((),), ((0, 2),)),
        Error(S(tensor([1.0])), "RuntimeError", "matri"),
    ),
    view(
        "unsqueeze",
        np.expand_dims,
        calls(((2, 3), 0), ((2, 3), -1), ((2, 3), 1), ((), 0), ((0,), 1)),
        Error(S(MATRIX, 3), "IndexError", "dim"),
        Error(S(MATRIX, -4), "IndexError", "dim"),
        covers=("unsqueeze_",),
    ),
    view(
        "squeeze",
        squeeze,
        calls(
            ((2, 1, 3, 1),), ((2, 1, 3), 1), ((2, 1, 3), 0), ((1, 2, 1), (0, -1)), ((),), ((), 0), ((0, 1), 1)
        ),
        BAD_DIM,
        covers=("squeeze_",),
    ),
    view(
        "flatten",
        flatten,
        calls(((2, 1, 3),), ((2, 1, 3), 1), ((2, 1, 3), 0, -2), ((),), ((0, 2),), ((2, 3), -1)),
        Error(S(MATRIX, 1, 0), "RuntimeError", "dim"),
        BAD_DIM,
    ),
    view(
        "unflatten",
        unflatten,
        calls(((2, 6), 1, (2, 3)), ((6,), -1, (-1, 2)), ((4, 1), 0, (2, 2))),
        Error(S(MATRIX, 1, (2, 2)), "RuntimeError", "size|shape"),
        Error(S(MATRIX, 2, (1,)), "IndexError", "dim"),
    ),
    view(
        "split",
        split,
        calls(*ROWS, ((5, 2), [1, 4]), ((2, 5), [2, 0, 3], 1)),
        Error(S(MATRIX, -1), "RuntimeError", "split_size|size"),
        Error(S(MATRIX, [1, 2]), "RuntimeError", "sum|size"),
    ),
    view(
        "chunk", chunk, calls(*ROWS, ((7,), 3), ((1, 2), 2, 1)), Error(S(MATRIX, 0), "RuntimeError", "chunks")
    ),
    view(
        "unbind",
        lambda x, dim=0: [np.take(x, i, dim) for i in range(x.shape[dim])],
        calls(((2, 3),), ((2, 3), 1), ((2, 1, 2), -1), ((3,),)),
        BAD_DIM,
    ),
    view(
        "diagonal",
        lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2),
        calls(
            ((3, 3),),
            ((2, 3), 1),
            ((3, 2), -1),
            ((2, 3, 2), {"offset": 0, "dim1": 0, "dim2": 2}),
            ((2, 2), 5),
            ((2, 0),),
        ),
        Error(S(MATRIX, 0, 0, 0), "RuntimeError", "dim"),
        Error(S(MATRIX, 0, 0, 2), "IndexError", "dim"),
    ),
    method(
        "unfold",
        unfold,
        calls(((5,), 0, 2, 1), ((2, 5), 1, 3, 2), ((4, 2), -2, 2, 3), ((), 0, 1, 1)),
        Error(S(MATRIX, 0, 3, 1), "RuntimeError", "size"),
        Error(S(MATRIX, 0, 1, 0), "RuntimeError", "step"),
        Error(S(MATRIX, 2, 1, 1), "IndexError", "dim"),
    ),
    view(
        "as_strided",
        strided,
        calls(
            ((6,), (2, 3), (3, 1)),
            ((6,), (2, 2), (1, 2), 1),
            ((6,), (3, 3), (1, 1)),
            ((4,), (2, 3), (0, 1)),
            ((4,), (), ()),
            ((4,), (0,), (1,)),
        ),
        Error(S(tensor([1.0]), (2,), (1,)), "RuntimeError", "bounds|storage"),
        Error(S(tensor([1.0]), (1,), (-1,)), "RuntimeError", "negative|stride"),
        Error(S(tensor([1.0]), (1, 1), (1,)), "RuntimeError", "size|stride|length"),
        layouts=False,
    ),
    view(
        "real",
        lambda x: x.real,
        calls(((2, 3),), ((),), ((0, 2),)),
        result=real_of,
        variants=("Tensor.real",),
    ),
    view(
        "imag",
        lambda x: x.imag,
        calls(((2, 3),), ((),), ((0, 2),)),
        result=real_of,
        dtypes=COMPLEX,
        grad=("complex128",),
        variants=("Tensor.imag",),
    ),
    view(
        "view_as_real",
        pairs_of_reals,
        calls(((2, 3),), ((),), ((0, 2),), empty_has_gradient=False),
        Error(S(MATRIX), "RuntimeError", "complex"),
        result=real_of,
        dtypes=COMPLEX,
        grad=("complex128",),
        variants=(),
    ),
    view(
        "narrow",
        lambda x, dim, start, length: np.take(
            x, range(start % x.shape[dim], start % x.shape[dim] + length), dim
        ),
        calls(((4, 3), 0, 1, 2), ((4, 3), -1, 0, 3), ((4, 3), 0, -2, 1)),
        Error(S(MATRIX, 0, 1, 2), "RuntimeError", "length|start|range"),
        Error(S(MATRIX, 2, 0, 1), "IndexError", "dim"),
    ),
    view(
        "select",
        lambda x, dim, index: np.take(x, index, dim),
        calls(((4, 3), 0, 1), ((4, 3), -1, -1), ((2, 3, 2), 1, 2)),
        Error(S(MATRIX, 0, 2), "IndexError", "index|range"),
        Error(S(MATRIX, 2, 0), "IndexError", "dim"),
    ),
    view("detach", lambda x: x, calls(((2, 3),), ((),), ((0, 2),)), grad=(), inplace=""),
]
