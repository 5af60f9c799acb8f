"""Losses with margins and likelihoods with further parameters; distances of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, FLOATS, INTS, REAL, REAL_OF
from ..harness import result_dtypes
from ..samples import Rng, positive, rand
from .loss import BAD_REDUCTION, LOOSE, REDUCTIONS, reduce
from .view import MATRIX

F = "nn.functional."
VECTOR = tensor([1.0, 2.0])


def signs(rng: Rng, shape: Any, dtype: str) -> Arr:
    return tensor(rng.choice([-1, 1], shape), dtype, grad=False, rigid=True)


def signed(rank: int = 2) -> Any:
    """(input, signs) in all reductions."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for reduction in REDUCTIONS:
            yield S(rand(rng, (2, 3), dtype), signs(rng, (2, 3), dtype), reduction=reduction)
        yield S(rand(rng, (), dtype), signs(rng, (), dtype)).once()

    return samples


def soft_margin(x: np.ndarray, y: np.ndarray, reduction: str = "mean") -> Any:
    return reduce(np.logaddexp(0, -y * x), reduction)


def hinges(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from signed()(dtype, rng)
    yield S(rand(rng, (2, 3), dtype), signs(rng, (2, 3), dtype), 0.4)


def hinge(x: np.ndarray, y: np.ndarray, margin: float = 1.0, reduction: str = "mean") -> Any:
    return reduce(np.where(y == 1, x, np.maximum(0, margin - x)), reduction)


def gaussians(dtype: str, rng: Rng) -> Iterator[Sample]:
    for reduction in REDUCTIONS:
        pair = rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype)
        yield S(*pair, positive(rng, (2, 3), dtype), reduction=reduction)
    yield S(*pair, positive(rng, (2,), dtype), full=True)
    yield S(*pair, positive(rng, (2, 1), dtype))
    yield S(*pair, 0.5).once()
    yield S(*pair, positive(rng, (2, 3), dtype), eps=2.0).value_only()  # held at eps, gradient as if not


def gaussian(
    x: np.ndarray, y: np.ndarray, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    var = np.asarray(var, float)
    var = np.maximum(var[:, None] if var.ndim == 1 else var, eps)
    each = 0.5 * (np.log(var) + (x - y) ** 2 / var) + (0.5 * np.log(2 * np.pi) if full else 0)
    return reduce(each, reduction)


def cosines(dtype: str, rng: Rng) -> Iterator[Sample]:
    y = tensor([1, -1], rigid=True)
    for reduction in REDUCTIONS:
        yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype), y, reduction=reduction)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype), y, -0.9).once()
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), tensor(1, rigid=True)).once()


def cosine(a: np.ndarray, b: np.ndarray, y: np.ndarray, margin: float = 0, reduction: str = "mean") -> Any:
    c = (a * b).sum(-1) / np.sqrt(((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12))
    return reduce(np.where(y == 1, 1 - c, np.maximum(0, c - margin)), reduction)


def multi_margins(dtype: str, rng: Rng) -> Iterator[Sample]:
    y = tensor([0, 2], rigid=True)
    for reduction in REDUCTIONS:
        yield S(rand(rng, (2, 3), dtype), y, reduction=reduction)
    yield S(rand(rng, (2, 3), dtype), y, 2, 0.5, positive(rng, (3,), dtype, grad=False))
    yield S(rand(rng, (3,), dtype), tensor(1, rigid=True)).once()


def multi_margin(
    x: np.ndarray, y: np.ndarray, p: int = 1, margin: float = 1, weight: Any = None, reduction: str = "mean"
) -> Any:
    rows, labels = np.atleast_2d(x), np.atleast_1d(y)
    at = np.arange(len(labels)), labels
    gap = np.maximum(0, margin - rows[at][:, None] + rows) ** p
    gap = gap * (1 if weight is None else weight[labels][:, None])
    gap[at] = 0
    each = gap.sum(1) / rows.shape[1]
    return reduce(each[0] if y.ndim == 0 else each, reduction)


def label_sets(dtype: str, rng: Rng) -> Iterator[Sample]:
    y = tensor([[1, 2, -1], [-1, 0, 1]], rigid=True)
    for reduction in REDUCTIONS:
        yield S(rand(rng, (2, 3), dtype), y, reduction=reduction)
    yield S(rand(rng, (3,), dtype), tensor([2, -1, 0], rigid=True)).once()


def multilabel_margin(x: np.ndarray, y: np.ndarray, reduction: str = "mean") -> Any:
    found = []
    for row, labels in zip(np.atleast_2d(x), np.atleast_2d(y).tolist()):
        own = labels[: labels.index(-1)]
        others = [j for j in range(row.size) if j not in own]
        found.append(sum(max(0.0, 1 - row[i] + row[j]) for i in own for j in others) / row.size)
    return reduce(np.array(found if x.ndim > 1 else found[0]), reduction)


def bits(dtype: str, rng: Rng) -> Iterator[Sample]:
    def target() -> Arr:
        return tensor(rng.integers(0, 2, (2, 3)), dtype, grad=False, rigid=True)

    for reduction in REDUCTIONS:
        yield S(rand(rng, (2, 3), dtype), target(), reduction=reduction)
    yield S(rand(rng, (2, 3), dtype), target(), positive(rng, (3,), dtype, grad=False))


def multilabel_soft(x: np.ndarray, y: np.ndarray, weight: Any = 1.0, reduction: str = "mean") -> Any:
    each = weight * (y * np.logaddexp(0, -x) + (1 - y) * np.logaddexp(0, x))
    return reduce(each.mean(-1), reduction)


def triplets(dtype: str, rng: Rng) -> Iterator[Sample]:
    def three(shape: Any = (2, 3)) -> Any:
        return [rand(rng, shape, dtype) for _ in range(3)]

    for reduction in REDUCTIONS:
        yield S(*three(), reduction=reduction)
    yield S(*three(), 2.0, 1, swap=True).once()
    yield S(*three((3,)), p=3.0).once()


def norm(d: np.ndarray, p: float, keepdim: bool = False) -> np.ndarray:
    return np.linalg.norm(d, p, axis=-1, keepdims=keepdim)


def triplet(
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    far = norm(a - c + eps, p)
    far = np.minimum(far, norm(b - c + eps, p)) if swap else far
    return reduce(np.maximum(0, margin + norm(a - b + eps, p) - far), reduction)


def pairs_of_rows(dtype: str, rng: Rng) -> Iterator[Sample]:
    for p in (2.0, 1.0, 3.0, np.inf):
        yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype), p)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), keepdim=True)
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), 2.0, 0.1).once()


def pairwise(
    a: np.ndarray, b: np.ndarray, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> np.ndarray:
    return norm(a - b + eps, p, keepdim)


def matrices(dtype: str, rng: Rng) -> Iterator[Sample]:
    for p in (2.0, 1.0, 3.0, np.inf):
        yield S(rand(rng, (4, 3), dtype), p)
    yield S(rand(rng, (1, 3), dtype)).value_only()


def pdist(x: np.ndarray, p: float = 2.0) -> np.ndarray:
    i, j = np.triu_indices(len(x), 1)
    return norm(x[i] - x[j], p)


def distance_dtype(sample: Sample) -> str:
    found: str = result_dtypes("float", sample, 1)[0]
    return REAL_OF.get(found, found)


HALF_SUMS = {"float16": (1e-2, 1e-2), "bfloat16": (6e-2, 6e-2), "float32": (1e-5, 1e-5)}


def row(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=F + name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{"dtypes": FLOATS, "grad": ("float64",), "result": "first", "tol": LOOSE, **fields},
    )


CASES = [
    row("soft_margin_loss", soft_margin, signed(), BAD_REDUCTION, dtypes=ALL_FLOATS),
    row("hinge_embedding_loss", hinge, hinges, BAD_REDUCTION, dtypes=ALL_FLOATS),
    row(
        "gaussian_nll_loss",
        gaussian,
        gaussians,
        Error(S(MATRIX, MATRIX, tensor([[-1.0, 1.0]])), "ValueError", "var"),
        Error(S(MATRIX, MATRIX, -1.0), "ValueError", "var"),
        Error(S(MATRIX, MATRIX, tensor([1.0, 1.0, 1.0])), "ValueError", "size"),
        dtypes=ALL_FLOATS,
        tol=HALF_SUMS,
    ),
    row(
        "cosine_embedding_loss",
        cosine,
        cosines,
        Error(S(MATRIX, MATRIX, MATRIX), "RuntimeError", "target"),
        Error(S(MATRIX, VECTOR, tensor([1])), "RuntimeError", "size"),
        dtypes=REAL,
        result="float",
        tol=HALF_SUMS,
    ),
    row(
        "multi_margin_loss",
        multi_margin,
        multi_margins,
        Error(S(MATRIX, tensor([0, 1]), 3), "ValueError", "p"),
        Error(S(MATRIX, tensor([0])), "RuntimeError", "size"),
        Error(S(MATRIX, tensor([0, 9])), "RuntimeError", "range"),
        Error(S(MATRIX, tensor([0, 1]), 1, 1.0, MATRIX), "ValueError", "weight"),
    ),
    row(
        "multilabel_margin_loss",
        multilabel_margin,
        label_sets,
        Error(S(MATRIX, tensor([0])), "RuntimeError", "size"),
        Error(S(tensor([[1.0, 2.0]]), tensor([[1, -7]])), "RuntimeError", "out of range"),
    ),
    row(
        "multilabel_soft_margin_loss", multilabel_soft, bits, BAD_REDUCTION, dtypes=ALL_FLOATS, tol=HALF_SUMS
    ),
    row(
        "triplet_margin_loss",
        triplet,
        triplets,
        Error(S(MATRIX, MATRIX, MATRIX, -1.0), "ValueError", "margin"),
        Error(S(MATRIX, MATRIX, VECTOR), "RuntimeError", "dim"),
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        result=distance_dtype,
        tol=HALF_SUMS,
    ),
    row(
        "pairwise_distance",
        pairwise,
        pairs_of_rows,
        variants=("pairwise_distance",),
        dtypes=ALL_FLOATS + INTS + COMPLEX,
        result=distance_dtype,
        tol=HALF_SUMS,
    ),
    row(
        "pdist",
        pdist,
        matrices,
        Error(S(VECTOR), "RuntimeError", "2D"),
        Error(S(MATRIX, -1.0), "RuntimeError", "p"),
        variants=("pdist",),
        no_second="PyTorch has none",
    ),
]
