"""Copies that rearrange elements: joining, repeating, flipping, padding, triangles, diagonals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, INTS
from ..samples import Rng, rand
from .view import BOTH, MATRIX, calls

VECTOR = tensor([1.0, 2.0])


def copying(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{"dtypes": EVERY, "grad": BOTH, "variants": (f"Tensor.{name}",), "result": "first", **fields},
    )


def joined(dims: tuple[Any, ...]) -> Callable[[str, Rng], Iterator[Sample]]:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for dim in dims:
            yield S(
                [rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype)], **({} if dim is None else {"dim": dim})
            )

    return samples


def cats(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from joined((None, 0, 1, -1))(dtype, rng)
    yield S([rand(rng, (1, 2), dtype), rand(rng, (3, 2), dtype), rand(rng, (0, 2), dtype)], 0)
    yield S([rand(rng, (2, 2), dtype), rand(rng, (0,), dtype)], 1).nograd()  # an old courtesy to (0,)
    yield S([rand(rng, (2, 3), dtype)], -2).once()
    yield S((rand(rng, (2,), dtype), rand(rng, (1,), dtype)))
    yield S([rand(rng, (2, 2, 17), dtype), rand(rng, (2, 3, 17), dtype)], 1).nograd()
    for other in ("bool", "int64", "float64", "complex64", "float16"):
        yield S([rand(rng, (2,), dtype), rand(rng, (3,), other)]).nograd()


def stacks(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from joined((None, 0, 1, 2, -1))(dtype, rng)
    yield S([rand(rng, (), dtype), rand(rng, (), dtype)])
    yield S([rand(rng, (0, 2), dtype), rand(rng, (0, 2), dtype)], 1).nograd()


def piles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S([rand(rng, (3,), dtype), rand(rng, (3,), dtype)])
    yield S([rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype)])
    yield S((rand(rng, (), dtype), rand(rng, (), dtype)))
    yield S([rand(rng, (2, 1, 2), dtype), rand(rng, (2, 1, 2), dtype)]).once()


def cat(parts: Any, dim: int = 0) -> np.ndarray:
    return np.concatenate([p for p in parts if p.shape != (0,)] or [parts[0]], axis=dim)


def grids(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2,), dtype), rand(rng, (3,), dtype), indexing="ij")
    yield S(rand(rng, (2,), dtype), rand(rng, (3,), dtype), indexing="xy")
    yield S([rand(rng, (2,), dtype), rand(rng, (1,), dtype), rand(rng, (2,), dtype)], indexing="xy").once()
    yield S(rand(rng, (2,), dtype), rand(rng, (), dtype), indexing="ij").once()


def meshgrid(*parts: Any, indexing: str = "ij") -> Any:
    parts = parts[0] if isinstance(parts[0], (list, tuple)) else parts
    return list(np.meshgrid(*parts, indexing=indexing))


def repeats(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 2)
    yield S(rand(rng, (2, 3), dtype), 2, dim=1)
    yield S(rand(rng, (3, 2), dtype), tensor([1, 0, 2], rigid=True), dim=0)
    yield S(rand(rng, (3,), dtype), tensor([2, 1, 0], rigid=True))
    yield S(rand(rng, (2, 3), dtype), tensor([2], rigid=True), dim=-1)
    yield S(rand(rng, (2, 3), dtype), tensor([1, 2], rigid=True), dim=0, output_size=3)
    yield S(rand(rng, (), dtype), 3).once()
    yield S(rand(rng, (0, 2), dtype), 2, 0).nograd()


def repeat_interleave(x: np.ndarray, n: Any, dim: Any = None, output_size: Any = None) -> np.ndarray:
    return np.repeat(x, n, axis=dim)


def tile(x: np.ndarray, *reps: Any) -> np.ndarray:
    return np.tile(x, reps[0] if isinstance(reps[0], (tuple, list)) else reps)


MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap", "constant": "constant"}


def pads(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), (1, 2))
    yield S(rand(rng, (2, 3), dtype), (1, 0, 0, 2), "constant", True if dtype == "bool" else 7)
    yield S(rand(rng, (2, 4), dtype), (-1, 1))  # negative padding cuts
    yield S(rand(rng, (2, 3, 2), dtype), [0, 0, 1, 1], value=True if dtype == "bool" else 2)
    yield S(rand(rng, (2, 0), dtype), (1, 1)).nograd()


def border_pads(dtype: str, rng: Rng) -> Iterator[Sample]:
    for mode in ("reflect", "replicate", "circular"):
        yield S(rand(rng, (1, 2, 4), dtype), (2, 1), mode=mode)
        yield S(rand(rng, (1, 1, 3, 3), dtype), (1, 2, 0, 1), mode=mode)
        yield S(rand(rng, (2, 4), dtype), (1, 1), mode=mode).once()
        yield S(rand(rng, (1, 1, 2, 3, 3), dtype), (1, 1, 2, 0, 1, 1), mode=mode).nograd()


def pad(x: np.ndarray, widths: Any, mode: str = "constant", value: Any = None) -> np.ndarray:
    ends = list(zip(widths[::2], widths[1::2], strict=True))[::-1]
    ends = [(0, 0)] * (x.ndim - len(ends)) + ends
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in zip(ends, x.shape, strict=True))
    grow = [(max(a, 0), max(b, 0)) for a, b in ends]
    if mode == "constant":
        return np.pad(x[cut], grow, constant_values=0 if value is None else value)
    return np.pad(x[cut], grow, mode=MODES[mode])


def triangle(f: Any) -> Any:
    return lambda x, diagonal=0: f(x, diagonal)


def diag_embed(x: np.ndarray, offset: int = 0, dim1: int = -2, dim2: int = -1) -> np.ndarray:
    n = x.shape[-1] + abs(offset)
    out = np.zeros((*x.shape[:-1], n, n), x.dtype)
    i = np.arange(x.shape[-1])
    out[..., i + max(-offset, 0), i + max(offset, 0)] = x
    return np.moveaxis(out, (-2, -1), (dim1, dim2))


def hots(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([0, 2, 1], rigid=True))
    yield S(tensor([[0, 2], [1, 1]], rigid=True), 5)
    yield S(tensor(1, rigid=True), num_classes=3)
    yield S(tensor(np.zeros((0, 2)), "int64"), 3)


def one_hot(x: np.ndarray, num_classes: int = -1) -> np.ndarray:
    return np.eye(num_classes if num_classes > 0 else int(x.max()) + 1, dtype=np.int64)[x]


def pixel_shuffle(x: np.ndarray, r: int) -> np.ndarray:
    *batch, c, h, w = x.shape
    y = x.reshape(*batch, c // (r * r), r, r, h, w)
    n = len(batch)
    y = np.transpose(y, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return y.reshape(*batch, c // (r * r), h * r, w * r)


def columns(x: np.ndarray, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> np.ndarray:
    two = [v if isinstance(v, (tuple, list)) else (v, v) for v in (kernel, dilation, padding, stride)]
    (kh, kw), (dh, dw), (ph, pw), (sh, sw) = two
    batched = x.ndim == 4
    x = x if batched else x[None]
    x = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    n, c, h, w = x.shape
    oh, ow = (h - dh * (kh - 1) - 1) // sh + 1, (w - dw * (kw - 1) - 1) // sw + 1
    out = np.empty((n, c, kh, kw, oh, ow), x.dtype)
    for i in range(kh):
        for j in range(kw):
            out[:, :, i, j] = x[:, :, i * dh : i * dh + sh * oh : sh, j * dw : j * dw + sw * ow : sw][
                :, :, :oh, :ow
            ]
    out = out.reshape(n, c * kh * kw, oh * ow)
    return out if batched else out[0]


BAD_DIM = Error(S([VECTOR, VECTOR], 2), "IndexError", "dim")
CLONES = calls(((2, 3),), ((),), ((0, 2),), ((2, 1, 3),))

CASES = [
    copying(
        "cat",
        cat,
        cats,
        Error(S([]), "ValueError"),
        Error(S([VECTOR, MATRIX]), "RuntimeError", "dim|size"),
        Error(S([MATRIX, tensor([[1.0]])]), "RuntimeError", "size"),
        BAD_DIM,
        Error(S(VECTOR), "TypeError"),
        result="promote",
        variants=("concat", "concatenate"),
        out=True,
    ),
    copying(
        "stack",
        lambda parts, dim=0: np.stack(parts, axis=dim),
        stacks,
        Error(S([]), "RuntimeError"),
        Error(S([VECTOR, MATRIX]), "RuntimeError", "size|shape"),
        BAD_DIM,
        result="promote",
        variants=(),
        out=True,
    ),
    copying(
        "vstack",
        np.vstack,
        piles,
        Error(S([VECTOR, tensor([1.0])]), "RuntimeError", "size"),
        result="promote",
        variants=("row_stack",),
        out=True,
    ),
    copying(
        "hstack",
        np.hstack,
        piles,
        Error(S([VECTOR, MATRIX]), "RuntimeError", "dim|size"),
        result="promote",
        variants=(),
        out=True,
    ),
    copying(
        "meshgrid",
        meshgrid,
        grids,
        Error(S(MATRIX, VECTOR), "RuntimeError", "dim|1D"),
        Error(S(VECTOR, indexing="zz"), "RuntimeError", "indexing"),
        variants=(),
        view=True,
        covers=("meshgrid",),
    ),
    copying(
        "repeat",
        tile,
        calls(((2, 3), 2, 1), ((3,), 2, 2), ((2,), (2, 1, 1)), ((), 3), ((2, 2), 0, 1), ((0, 1), 1, 2)),
        Error(S(MATRIX, 2), "RuntimeError", "dim"),
        Error(S(MATRIX, -1, 1), "RuntimeError", "negative"),
        path="Tensor.repeat",
        variants=(),
    ),
    copying("tile", tile, calls(((2, 3), (2, 1)), ((2, 3), (2,)), ((3,), (2, 2)), ((), (2,)), ((2,), ()))),
    copying(
        "repeat_interleave",
        repeat_interleave,
        repeats,
        Error(S(VECTOR, tensor([1, 2, 3])), "RuntimeError", "size"),
        Error(S(VECTOR, tensor([-1, 1])), "RuntimeError", "negative"),
        Error(S(MATRIX, 2, 2), "IndexError", "dim"),
    ),
    copying(
        "flip",
        lambda x, d: np.flip(x, d),
        calls(((2, 3), (0,)), ((2, 3), (0, -1)), ((2, 3), ()), ((0, 2), (1,))),
        Error(S(MATRIX, (2,)), "IndexError", "dim"),
        Error(S(MATRIX, (0, 0)), "RuntimeError", "dim"),
        strides=False,
    ),
    copying(
        "roll",
        lambda x, s, d=None: np.roll(x, s, d),
        calls(((2, 3), 1), ((2, 3), -1, 1), ((2, 3), (1, 5), (0, -1)), ((0, 2), 1, 0), ((4,), 9, 0)),
        Error(S(MATRIX, (1, 2)), "RuntimeError", "dim|shift"),
        Error(S(MATRIX, (1,), (0, 1)), "RuntimeError", "dim|shift"),
        Error(S(MATRIX, 1, 2), "IndexError", "dim"),
    ),
    copying(
        "tril",
        triangle(np.tril),
        calls(((3, 3),), ((2, 3), 1), ((2, 3, 2), -1), ((0, 2),), ((3, 2), 5), ((2, 2), -5)),
        Error(S(VECTOR), "RuntimeError", "dim"),
        inplace="Tensor.tril_",
        out=True,
    ),
    copying(
        "triu",
        triangle(np.triu),
        calls(((3, 3),), ((2, 3), 1), ((2, 3, 2), -1), ((0, 2),), ((3, 2), 5), ((2, 2), -5)),
        Error(S(VECTOR), "RuntimeError", "dim"),
        inplace="Tensor.triu_",
        out=True,
    ),
    copying(
        "diag",
        lambda x, k=0: np.diag(x, k),
        calls(((3,),), ((3, 3),), ((2, 3), 1), ((2,), -1), ((3, 2), -1), ((0,),)),
        Error(S(tensor(np.zeros((2, 2, 2)), "float32")), "RuntimeError", "1D or 2D"),
        out=True,
        strides=False,
    ),
    copying(
        "diag_embed",
        diag_embed,
        calls(((3,),), ((2, 2),), ((2, 2), 1), ((2, 2), {"offset": -1, "dim1": 0, "dim2": 2}), ((2, 0),)),
        Error(S(VECTOR, 0, 0, 0), "RuntimeError", "dim"),
        Error(S(VECTOR, 0, 0, 3), "IndexError", "dim"),
        strides=False,
    ),
    copying(
        "nn.functional.pad",
        pad,
        pads,
        Error(S(VECTOR, (1,)), "RuntimeError", "pad|even"),
        Error(S(VECTOR, (1, 1, 1, 1)), "RuntimeError", "pad|dim"),
        Error(S(VECTOR, (-2, -1)), "RuntimeError", "negative|size"),
        variants=(),
    ),
    copying(
        "nn.functional.pad",
        pad,
        border_pads,
        Error(S(tensor(np.zeros((1, 1, 3)), "float32"), (3, 0), "reflect"), "RuntimeError", "pad|size"),
        Error(S(VECTOR, (1, 1), "reflect"), "NotImplementedError"),
        Error(S(VECTOR, (1, 1), "mirror"), "NotImplementedError"),
        label="modes",
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        variants=(),
    ),
    copying(
        "nn.functional.one_hot",
        one_hot,
        hots,
        Error(S(tensor([1.0])), "RuntimeError", "int64|index|dtype"),
        Error(S(tensor([3]), 2), "RuntimeError", "class|num_classes"),
        Error(S(tensor([-1])), "RuntimeError", "negative|class"),
        dtypes=("int64",),
        result="int64",
        grad=(),
        variants=(),
    ),
    copying(
        "nn.functional.pixel_shuffle",
        pixel_shuffle,
        calls(
            ((1, 4, 2, 1), 2), ((4, 2, 2), 2), ((2, 9, 1, 2), 3), ((0, 4, 1, 1), 2), empty_has_gradient=False
        ),
        Error(S(tensor(np.zeros((3, 2, 2)), "float32"), 2), "RuntimeError", "channel|divisible"),
        Error(S(VECTOR, 2), "RuntimeError", "dim"),
        Error(S(tensor(np.zeros((4, 2, 2)), "float32"), 2**32), "ValueError", "too large"),
        variants=("pixel_shuffle",),
    ),
    copying(
        "nn.functional.unfold",
        columns,
        calls(
            ((1, 2, 4, 3), 2),
            ((1, 1, 4, 4), (2, 3), {"dilation": (1, 1), "padding": (1, 0), "stride": (2, 1)}),
            ((2, 3, 3), 2),
            ((1, 1, 5, 5), 2, 2, 1, 2),
        ),
        Error(S(VECTOR, 2), "IndexError", "dim"),
        Error(S(tensor(np.zeros((1, 1, 2, 2)), "float32"), 3), "RuntimeError", "size|kernel|block"),
        dtypes=ALL_FLOATS + COMPLEX + ("bool",),
        variants=(),
    ),
    copying("clone", lambda x: x.copy(), CLONES, pointwise=True, variants=("Tensor.clone",)),
    copying("contiguous", lambda x: x, CLONES, path="Tensor.contiguous", variants=()),
]
