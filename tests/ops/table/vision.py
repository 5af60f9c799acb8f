"""Columns added into images, grids of affine maps, alignments of sequences."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, FLOATS
from ..samples import Rng, rand
from .conv import ones
from .loss import LOOSE, REDUCTIONS, log_softmax, reduce

F = "nn.functional."


def folds(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (1, 8, 2), dtype), (3, 2), 2)
    yield S(rand(rng, (1, 4, 4), dtype), 4, 2, stride=2)
    yield S(rand(rng, (2, 6, 9), dtype), (4, 5), (2, 3), 1, (1, 1), (2, 2)).nograd()
    yield S(rand(rng, (4, 9), dtype), (5, 5), 2, dilation=2).once()


def pair(v: Any) -> tuple[int, int]:
    return (v, v) if isinstance(v, int) else tuple(v)


def fold(
    x: np.ndarray, output_size: Any, kernel: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> np.ndarray:
    (h, w), (kh, kw), (dh, dw), (ph, pw), (sh, sw) = map(
        pair, (output_size, kernel, dilation, padding, stride)
    )
    columns = x if x.ndim == 3 else x[None]
    out = np.zeros((columns.shape[0], columns.shape[1] // (kh * kw), h + 2 * ph, w + 2 * pw), x.dtype)
    rows, cols = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1, (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    parts = columns.reshape(columns.shape[0], -1, kh, kw, rows, cols)
    for i, j in itertools.product(range(kh), range(kw)):
        out[:, :, i * dh : i * dh + rows * sh : sh, j * dw : j * dw + cols * sw : sw] += parts[:, :, i, j]
    out = out[:, :, ph : ph + h, pw : pw + w]
    return out if x.ndim == 3 else out[0]


def maps(dtype: str, rng: Rng) -> Iterator[Sample]:
    for align in (True, False):
        yield S(rand(rng, (2, 2, 3), dtype), (2, 1, 3, 2), align_corners=align)
        yield S(rand(rng, (1, 3, 4), dtype), (1, 1, 2, 1, 3), align).once()


def affine(theta: np.ndarray, size: Any, align_corners: bool) -> np.ndarray:
    axes = []
    for n in size[2:]:
        if n == 1:
            axes.append(np.zeros(1))
        else:
            edge = 1.0 if align_corners else 1 - 1 / n
            axes.append(np.linspace(-edge, edge, n))
    at = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(size[2:])], -1)
    return np.einsum("nij,...j->n...i", theta, at)


def sequences(dtype: str, rng: Rng) -> Iterator[Sample]:
    def logs(*shape: int) -> Arr:
        return tensor(log_softmax(rng.standard_normal(shape), -1), dtype)

    padded = tensor([[1, 1], [2, 1], [0, 0]], rigid=True)
    for reduction in REDUCTIONS:
        yield S(logs(5, 3, 3), padded, (5, 4, 3), (2, 2, 0), reduction=reduction)
    joined, lengths = tensor([0, 2, 1], rigid=True), tensor([4, 4], rigid=True)
    yield S(logs(4, 2, 4), joined, lengths, tensor([1, 2], rigid=True), 3)
    yield S(logs(4, 3), tensor([1, 2], rigid=True), (4,), (2,))
    yield S(logs(2, 1, 2), tensor([[1, 1]], rigid=True), (2,), (2,), zero_infinity=True).nograd()
    yield S(logs(2, 1, 2), tensor([[1, 1]], rigid=True), (2,), (2,)).value_only()


def ctc(
    p: np.ndarray,
    targets: np.ndarray,
    steps: Any,
    labels: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """The sum over all paths that collapse to the target."""
    single = p.ndim == 2
    p = p[:, None] if single else p
    steps, labels = np.atleast_1d(steps).tolist(), np.atleast_1d(labels).tolist()
    starts = np.cumsum([0, *labels])
    found = []
    for i, (t, n) in enumerate(zip(steps, labels)):
        target = (targets[i] if targets.ndim == 2 else targets[starts[i] :])[:n].tolist()
        total = 0.0
        for path in itertools.product(range(p.shape[2]), repeat=t):
            if [k for k, _ in itertools.groupby(path) if k != blank] == target:
                total += np.exp(sum(p[j, i, k] for j, k in enumerate(path)))
        found.append(-np.log(total) if total else 0.0 if zero_infinity else np.inf)
    each = np.array(found)
    if reduction == "mean":
        return (each / np.maximum(labels, 1)).mean()
    return each[0] if single and reduction == "none" else reduce(each, reduction)


def row(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=F + name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{"dtypes": FLOATS, "grad": ("float64",), "result": "first", "tol": LOOSE, **fields},
    )


THETA = ones(1, 2, 3)
LOGS = ones(2, 1, 3)

CASES = [
    row(
        "fold",
        fold,
        folds,
        Error(S(ones(1, 4, 2), 2, 2), "RuntimeError", "blocks"),
        Error(S(ones(1, 3, 1), 2, 2), "RuntimeError", "divisible"),
        Error(S(ones(4), 2, 2), "RuntimeError", "2D or 3D"),
        Error(S(ones(1, 4, 1), (2, 2, 2), 2), "RuntimeError", "output_size"),
        Error(S(ones(1, 4, 1), 2, 2**32), "RuntimeError", "overflow"),
        dtypes=ALL_FLOATS + COMPLEX + ("bool",),
        grad=("float64", "complex128"),
        strides=False,
    ),
    row(
        "affine_grid",
        affine,
        maps,
        Error(S(ones(1, 2, 2), (1, 1, 2, 2), True), "ValueError", "matrices"),
        Error(S(THETA, (1, 1, 2), True), "NotImplementedError", "4D and 5D"),
        Error(S(THETA, (1, 1, 0, 2), True), "ValueError", "size"),
        Error(S(tensor([[[1, 0, 0], [0, 1, 0]]]), (1, 1, 2, 2), True), "ValueError", "floating"),
        tol={"float32": (1e-5, 1e-5)},
    ),
    row(
        "ctc_loss",
        ctc,
        # PyTorch's gradient is right behind log_softmax alone, where both agree.
        lambda dtype, rng: (s.no_parity_grad() for s in sequences(dtype, rng)),
        Error(S(LOGS, tensor([[1]]), (2, 2), (1,)), "RuntimeError", "batch"),
        Error(S(LOGS, tensor([[1]]), (3,), (1,)), "RuntimeError", "input_lengths"),
        Error(S(LOGS, tensor([[1]]), (2,), (2,)), "RuntimeError", "size"),
        Error(S(LOGS, tensor([[1]]), (2,), (1,), 5), "RuntimeError", "label range"),
        Error(S(LOGS, tensor([[1]]), (2,), (1,), reduction="max"), "ValueError", "reduction"),
        no_second="PyTorch has none",
    ),
]
