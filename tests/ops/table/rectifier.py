"""Activations made of pieces: rectifiers and shrinkages."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, INTS, is_float, is_integral
from ..samples import Rng, rand, special
from .activation import HALF, INT, F, activation, inputs
from .view import MATRIX

SCALE, ALPHA = 1.0507009873554805, 1.6732632423543772


def selu(x: np.ndarray) -> np.ndarray:
    return SCALE * np.where(x > 0, x, ALPHA * np.expm1(x))


def celu(x: np.ndarray, alpha: float = 1.0) -> np.ndarray:
    return np.where(x > 0, x, alpha * np.expm1(x / alpha))


def threshold(x: np.ndarray, threshold: float, value: float) -> np.ndarray:
    return np.where(x <= threshold, np.asarray(value).astype(x.dtype), x)


def thresholds(dtype: str, rng: Rng) -> Iterator[Sample]:
    one = 1 if is_integral(dtype) else 0.5
    yield S(rand(rng, (2, 3), dtype), one, 20)
    yield S(rand(rng, (), dtype), one, -7 if dtype != "uint8" else 7).once()
    yield S(rand(rng, (0, 2), dtype), 0, 1).nograd()
    yield S(rand(rng, (43,), dtype), one, 2).nograd()
    yield S(rand(rng, (2, 3), dtype), threshold=one, value=3).once()
    if is_float(dtype):
        yield S(tensor([0.5, 0.0, 1.0], dtype), 0.5, 2.0).nograd()
        yield S(special(dtype), 0.5, 2.0).value_only()


def shrunk_hard(x: np.ndarray, lambd: float = 0.5) -> np.ndarray:
    return np.where((x >= -lambd) & (x <= lambd), 0, x)


def shrunk_soft(x: np.ndarray, lambd: float = 0.5) -> np.ndarray:
    return np.where(np.isnan(x), x, np.sign(x) * np.maximum(np.abs(x) - lambd, 0))


def relu6(x: np.ndarray) -> np.ndarray:
    return np.clip(x, 0, 6)


THRESHOLD_ERRORS = (
    Error(S(MATRIX, 1.0), "TypeError"),
    Error(S(MATRIX, 1.0, "a"), "TypeError"),
    Error(S(tensor([1], "int8"), 0, 300), "RuntimeError", "overflow"),
)

CASES: list[OpCase] = [
    activation("selu", selu, inputs(), inplace=F + "selu_", tol=HALF),
    OpCase(
        name="selu",
        samples=inputs(),
        ref=selu,
        dtypes=ALL_FLOATS,
        result="first",
        grad=("float64",),
        inplace="selu_",
        pointwise=True,
        tol=HALF,
        speaks_as=("elu",),
        errors=(INT,),
    ),
    activation(
        "celu",
        celu,
        inputs({"alpha": 0.5}, {"alpha": 2.0}),
        INT,
        Error(S(MATRIX, 0.0), "RuntimeError", "alpha|zero"),
        inplace=F + "celu_",
        tol=HALF,
    ),
    OpCase(
        name="celu",
        samples=inputs({"alpha": 0.5}),
        ref=celu,
        dtypes=ALL_FLOATS,
        result="first",
        grad=("float64",),
        inplace="celu_",
        pointwise=True,
        tol=HALF,
        errors=(INT, Error(S(MATRIX, 0.0), "RuntimeError", "alpha|zero")),
    ),
    activation(
        "threshold",
        threshold,
        thresholds,
        *THRESHOLD_ERRORS,
        dtypes=ALL_FLOATS + INTS,
        inplace=F + "threshold_",
    ),
    OpCase(
        name="threshold",
        samples=thresholds,
        ref=threshold,
        dtypes=ALL_FLOATS + INTS,
        result="first",
        grad=("float64",),
        inplace="threshold_",
        out=True,
        pointwise=True,
        errors=THRESHOLD_ERRORS,
    ),
    activation(
        "relu6",
        relu6,
        inputs(kinks=(0.0, 6.0)),
        Error(S(tensor([1j])), "RuntimeError"),
        dtypes=ALL_FLOATS + INTS,
        speaks_as=("hardtanh",),
    ),
    activation(
        "hardshrink",
        shrunk_hard,
        inputs({"lambd": 1.5}, kinks=(-0.5, 0.5)),
        out=True,
        variants=("hardshrink", "Tensor.hardshrink"),
    ),
    activation(
        "softshrink",
        shrunk_soft,
        inputs({"lambd": 1.5}, kinks=(-0.5, 0.5, 0.0)),
        INT,
        Error(S(MATRIX, -1.0), "RuntimeError", "lambd"),
        out=True,
    ),
]
