"""Losses and distances."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, FLOATS
from ..samples import Rng, positive, rand
from .activation import log_softmax
from .view import MATRIX

F = "nn.functional."
REDUCTIONS = ("mean", "sum", "none")
BAD_REDUCTION = Error(S(MATRIX, MATRIX, reduction="max"), "ValueError", "reduction")
LOOSE = {"float16": (2e-3, 2e-3), "bfloat16": (2e-2, 2e-2)}
LOGITS = tensor([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]])


def reduce(loss: np.ndarray, reduction: str) -> Any:
    return {"none": lambda v: v, "sum": np.sum, "mean": np.mean}[reduction](loss)


def loss(f: Callable[..., Any]) -> Callable[..., Any]:
    """The oracle from the loss of each element."""

    def ref(
        x: np.ndarray, y: np.ndarray, *args: Any, reduction: str = "mean", weight: Any = None, **options: Any
    ) -> Any:
        each = f(x, y, *args, **options)
        return reduce(each if weight is None else each * weight, reduction)

    return ref


def pairs(*options: dict[str, Any], first: Any = rand, second: Any = rand) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for reduction in REDUCTIONS:
            yield S(first(rng, (2, 3), dtype), second(rng, (2, 3), dtype), reduction=reduction)
        yield S(first(rng, (), dtype), second(rng, (), dtype)).once()
        yield S(first(rng, (0, 2), dtype), second(rng, (0, 2), dtype), reduction="sum").nograd()
        # Most targets want no gradient.
        yield S(first(rng, (2, 3), dtype), second(rng, (2, 3), dtype, grad=False))
        for option in options:
            yield S(first(rng, (2, 3), dtype), second(rng, (2, 3), dtype), **option)
            yield S(first(rng, (2, 3), dtype), second(rng, (2, 3), dtype, grad=False), **option)

    return samples


def unit(rng: Rng, shape: Any, dtype: str, **flags: Any) -> Arr:
    return rand(rng, shape, dtype, 0.1, 0.9, **flags)


def bces(first: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield from pairs(first=first, second=unit)(dtype, rng)
        yield S(first(rng, (2, 3), dtype), unit(rng, (2, 3), dtype), positive(rng, (3,), dtype, grad=False))
        target = unit(rng, (2, 3), dtype, grad=False)
        yield S(first(rng, (2, 3), dtype), target, positive(rng, (3,), dtype, grad=False))
        yield S(first(rng, (2, 3), dtype), target, positive(rng, (3,), dtype), reduction="none").once()

    return samples


def bce(x: np.ndarray, y: np.ndarray, weight: Any = None, reduction: str = "mean") -> Any:
    each = -(y * np.maximum(np.log(x), -100) + (1 - y) * np.maximum(np.log1p(-x), -100))
    return reduce(each if weight is None else each * weight, reduction)


def bce_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from bces(unit)(dtype, rng)
    yield S(
        tensor([0.0, 1.0, 0.0, 1.0], dtype), tensor([0.0, 1.0, 1.0, 0.0], dtype)
    ).value_only()  # the log is held at -100


def bce_logits_samples(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from bces(rand)(dtype, rng)
    yield S(
        rand(rng, (2, 3), dtype), unit(rng, (2, 3), dtype), pos_weight=positive(rng, (3,), dtype, grad=False)
    )
    yield S(
        rand(rng, (2, 3), dtype),
        unit(rng, (2, 3), dtype, grad=False),
        pos_weight=positive(rng, (3,), dtype, grad=False),
    )
    yield S(tensor([200.0, -200.0], dtype), tensor([0.0, 1.0], dtype), reduction="none").nograd()


def bce_logits(
    x: np.ndarray, y: np.ndarray, weight: Any = None, reduction: str = "mean", pos_weight: Any = 1.0
) -> Any:
    each = (1 - y) * x + (1 + (pos_weight - 1) * y) * np.logaddexp(0, -x)
    return reduce(each if weight is None else each * weight, reduction)


def classes(rng: Rng, shape: Any, count: int) -> Arr:
    return tensor(rng.integers(0, count, shape), "int64", rigid=True)


def nlls(first: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for reduction in REDUCTIONS:
            yield S(first(rng, (4, 3), dtype), classes(rng, (4,), 3), reduction=reduction)
            yield S(first(rng, (2, 3, 2), dtype), classes(rng, (2, 2), 3), reduction=reduction).once()
        weight = positive(rng, (3,), dtype, grad=False)
        target = tensor([0, 2, 1, 2], rigid=True)
        yield S(first(rng, (4, 3), dtype), target, weight)
        yield S(first(rng, (4, 3), dtype), target, weight=weight, ignore_index=2)
        yield S(first(rng, (4, 3), dtype), tensor([0, -100, 1, -100], rigid=True), reduction="none")
        yield S(first(rng, (3,), dtype), classes(rng, (), 3)).once()
        yield S(first(rng, (1, 3, 2, 2), dtype), classes(rng, (1, 2, 2), 3), weight=weight).once()

    return samples


def nll(
    x: np.ndarray, y: np.ndarray, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
) -> Any:
    x, y = (x[None], y[None]) if x.ndim == 1 else (x, y)
    keep = y != ignore_index
    index = np.where(keep, y, 0)
    w = (np.ones(x.shape[1]) if weight is None else weight)[index] * keep
    each = -np.take_along_axis(x, index[:, None], 1)[:, 0] * w
    if reduction == "none":
        return each
    return each.sum() / w.sum() if reduction == "mean" else each.sum()


def entropies(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from nlls(rand)(dtype, rng)
    yield S(rand(rng, (4, 3), dtype), classes(rng, (4,), 3), label_smoothing=0.2)
    yield S(
        rand(rng, (4, 3), dtype),
        tensor([0, 2, -100, 1], rigid=True),
        positive(rng, (3,), dtype, grad=False),
        label_smoothing=0.1,
    )
    for reduction in REDUCTIONS:
        soft = unit(rng, (2, 3), dtype)
        yield S(rand(rng, (2, 3), dtype), soft, reduction=reduction)
        yield S(
            rand(rng, (2, 3), dtype),
            soft,
            positive(rng, (3,), dtype, grad=False),
            reduction=reduction,
            label_smoothing=0.1,
        ).once()


def cross_entropy(
    x: np.ndarray,
    y: np.ndarray,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0,
) -> Any:
    axis = 0 if x.ndim == 1 else 1
    logp = log_softmax(x, axis)
    if y.dtype.kind == "f":
        y = y * (1 - label_smoothing) + label_smoothing / x.shape[axis]
        w = np.ones(x.shape[axis]) if weight is None else weight
        each = -(logp * y * w).sum(axis)
        return each.sum() / (each.size) if reduction == "mean" else reduce(each, reduction)
    hard = nll(logp, y, weight, ignore_index, reduction)
    if not label_smoothing:
        return hard
    w = np.ones(x.shape[axis]) if weight is None else weight
    keep = y != ignore_index
    smooth = -(logp * w).sum(axis) * keep
    if reduction == "mean":
        smooth = smooth.sum() / (w[np.where(keep, y, 0)] * keep).sum()
    elif reduction == "sum":
        smooth = smooth.sum()
    return (1 - label_smoothing) * hard + label_smoothing / x.shape[axis] * smooth


def kls(dtype: str, rng: Rng) -> Iterator[Sample]:
    for reduction in (*REDUCTIONS, "batchmean"):
        yield S(rand(rng, (2, 3), dtype, -3, -0.1), unit(rng, (2, 3), dtype), reduction=reduction)
        target = unit(rng, (2, 3), dtype, grad=False)
        yield S(rand(rng, (2, 3), dtype, -3, -0.1), target, reduction=reduction)
    yield S(
        rand(rng, (2, 3), dtype, -3, -0.1),
        rand(rng, (2, 3), dtype, -3, -0.1),
        reduction="sum",
        log_target=True,
    )
    yield S(rand(rng, (2,), dtype), tensor([0.0, 1.0], dtype), reduction="sum").nograd()  # 0 log 0 is 0
    target = rand(rng, (2, 3), dtype, -3, -0.1, grad=False)
    yield S(rand(rng, (2, 3), dtype, -3, -0.1), target, reduction="none", log_target=True)


def kl_div(x: np.ndarray, y: np.ndarray, reduction: str = "mean", log_target: bool = False) -> Any:
    each = (
        np.exp(y) * (y - x) if log_target else np.where(y > 0, y * np.log(np.where(y > 0, y, 1)), 0) - y * x
    )
    return each.sum() / x.shape[0] if reduction == "batchmean" else reduce(each, reduction)


def smooth_l1(x: np.ndarray, y: np.ndarray, beta: float = 1.0) -> Any:
    d = np.abs(x - y)
    return np.where(d < beta, 0.5 * d * d / beta, d - 0.5 * beta) if beta else d


def huber(x: np.ndarray, y: np.ndarray, delta: float = 1.0) -> Any:
    d = np.abs(x - y)
    return np.where(d < delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def poisson(
    x: np.ndarray, y: np.ndarray, log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Any:
    each = np.exp(x) - y * x if log_input else x - y * np.log(x + eps)
    if full:
        stirling = y * np.log(y) - y + 0.5 * np.log(2 * np.pi * y)
        each = each + np.where(y > 1, stirling, 0)
    return each


def rankings(dtype: str, rng: Rng) -> Iterator[Sample]:
    y = tensor([1, -1, 1], dtype, grad=False, rigid=True)
    for reduction in REDUCTIONS:
        yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), y, reduction=reduction)
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), y, 0.5)
    yield S(
        rand(rng, (2, 3), dtype),
        rand(rng, (2, 3), dtype),
        tensor([[1, -1, 1]] * 2, dtype, grad=False, rigid=True),
        margin=1.0,
    ).once()


def ranking(a: np.ndarray, b: np.ndarray, y: np.ndarray, margin: float = 0.0, reduction: str = "mean") -> Any:
    return reduce(np.maximum(0, -y * (a - b) + margin), reduction)


def cosines(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (1, 3), dtype), dim=-1)
    yield S(rand(rng, (3, 2), dtype), rand(rng, (3, 2), dtype), 0)
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), 0, 1e-4).once()
    if dtype != "float16":  # which cannot hold eps
        yield S(tensor([[0.0, 0.0], [1.0, 0.0]], dtype), tensor([[1.0, 2.0], [0.0, 2.0]], dtype)).value_only()


def cosine(a: np.ndarray, b: np.ndarray, dim: int = 1, eps: float = 1e-8) -> Any:
    a, b = np.broadcast_arrays(a, b)
    norm = np.maximum(np.linalg.norm(a, axis=dim), eps) * np.maximum(np.linalg.norm(b, axis=dim), eps)
    return (a * b).sum(dim) / norm


def distances(dtype: str, rng: Rng) -> Iterator[Sample]:
    for p in (2.0, 1.0, 3.0, float("inf"), 0.0):
        sample = S(rand(rng, (3, 2), dtype), rand(rng, (2, 2), dtype), p)
        yield sample if p else sample.value_only()
    yield S(rand(rng, (2, 3, 2), dtype), rand(rng, (2, 2, 2), dtype)).once()
    yield S(rand(rng, (1, 3, 2), dtype), rand(rng, (2, 2, 2), dtype), p=2.0).once()
    yield S(rand(rng, (0, 2), dtype), rand(rng, (3, 2), dtype)).nograd()
    yield S(rand(rng, (40, 3), dtype), rand(rng, (30, 3), dtype)).nograd()  # by a matrix product
    yield S(
        rand(rng, (30, 3), dtype), rand(rng, (30, 3), dtype), compute_mode="donot_use_mm_for_euclid_dist"
    ).nograd()


def cdist(a: np.ndarray, b: np.ndarray, p: float = 2.0, compute_mode: str = "") -> Any:
    d = np.abs(a[..., :, None, :] - b[..., None, :, :])
    if p == 0:
        return (d != 0).sum(-1).astype(float)
    return d.max(-1) if p == np.inf else (d**p).sum(-1) ** (1 / p)


def row(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=fields.pop("full_name", F + name),
        ref=ref,
        samples=samples,
        errors=errors,
        **{"dtypes": ALL_FLOATS, "grad": ("float64",), "result": "promote", "tol": LOOSE, **fields},
    )


SHAPES = Error(S(MATRIX, tensor([1.0, 2.0])), "RuntimeError", "size|shape|broadcast")

CASES = [
    row("mse_loss", loss(lambda x, y: (x - y) ** 2), pairs(), SHAPES, BAD_REDUCTION),
    row(
        "l1_loss",
        loss(lambda x, y: np.abs(x - y)),
        pairs(),
        SHAPES,
        BAD_REDUCTION,
        dtypes=ALL_FLOATS + COMPLEX,
        grad=("float64", "complex128"),
        result="real",
    ),
    row(
        "smooth_l1_loss",
        loss(smooth_l1),
        pairs({"beta": 0.5}, {"beta": 0.0}),
        SHAPES,
        BAD_REDUCTION,
        Error(S(MATRIX, MATRIX, beta=-1.0), "RuntimeError", "beta"),
    ),
    row(
        "huber_loss",
        loss(huber),
        pairs({"delta": 0.5}, {"delta": 2.0}),
        SHAPES,
        BAD_REDUCTION,
        Error(S(MATRIX, MATRIX, delta=0.0), "RuntimeError", "delta"),
    ),
    row(
        "binary_cross_entropy",
        bce,
        bce_samples,
        Error(S(MATRIX, MATRIX), "RuntimeError", "0 and 1|\\[0, 1\\]"),
        Error(S(tensor([0.5, 0.5]), tensor([0.0, 1.5])), "RuntimeError", "target should be between"),
        Error(S(tensor([0.5]), tensor([0.5, 0.5])), "ValueError", "size|shape"),
    ),
    row(
        "binary_cross_entropy_with_logits",
        bce_logits,
        bce_logits_samples,
        Error(S(MATRIX, tensor([1.0])), "ValueError", "size|shape"),
        BAD_REDUCTION,
    ),
    row(
        "nll_loss",
        nll,
        nlls(lambda r, s, d: rand(r, s, d, -3, -0.1)),
        Error(S(LOGITS, tensor([3, 0])), "IndexError", "class|range|bounds"),
        Error(S(LOGITS, tensor([0])), "ValueError", "batch|size"),
        Error(S(LOGITS, tensor([0, 0]), reduction="max"), "ValueError", "reduction"),
        Error(S(LOGITS, tensor([0, 1]), tensor([1.0])), "RuntimeError", "weight"),
        result="first",
    ),
    row(
        "cross_entropy",
        cross_entropy,
        entropies,
        Error(S(LOGITS, tensor([3, 0])), "IndexError", "class|range|bounds"),
        Error(S(LOGITS, tensor([0])), "ValueError", "batch|size"),
        Error(S(LOGITS, tensor([0, 0]), label_smoothing=1.5), "RuntimeError", "label_smoothing"),
        Error(S(LOGITS, LOGITS, ignore_index=1), "RuntimeError", "ignore_index"),
        speaks_as=("nll_loss",),
        result="first",
    ),
    row("kl_div", kl_div, kls, Error(S(MATRIX, MATRIX, reduction="max"), "ValueError", "reduction")),
    row(
        "poisson_nll_loss",
        loss(poisson),
        pairs(
            {"full": True},
            {"log_input": False},
            {"log_input": False, "eps": 0.1},
            {"log_input": False, "reduction": "none"},
            first=positive,
            second=positive,
        ),
        BAD_REDUCTION,
    ),
    row(
        "margin_ranking_loss",
        ranking,
        rankings,
        Error(S(tensor([1.0]), tensor([[1.0]]), tensor([1.0])), "RuntimeError", "size|dim"),
        result="first",
    ),
    row(
        "cosine_similarity",
        cosine,
        cosines,
        Error(S(MATRIX, tensor([1.0, 2.0])), "RuntimeError", "size|shape|broadcast"),
        Error(S(MATRIX, MATRIX, 2), "IndexError", "dim"),
        variants=("cosine_similarity",),
    ),
    row(
        "",
        cdist,
        distances,
        Error(S(MATRIX, tensor([[1.0]])), "RuntimeError", "column|size"),
        Error(S(tensor([1.0]), MATRIX), "RuntimeError", "2D"),
        Error(S(MATRIX, MATRIX, -1.0), "RuntimeError", "p|negative"),
        Error(S(MATRIX, MATRIX, compute_mode="no"), "ValueError", "compute_mode"),
        full_name="cdist",
        dtypes=FLOATS,
        tol={"float32": (1e-4, 1e-4)},
        no_second="PyTorch has none",
    ),
]
