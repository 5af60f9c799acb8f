"""Smooth activations composed of others, and the gated linear unit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special as sp

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import NUMERIC
from ..samples import Rng, rand
from .activation import HALF, activation, inputs
from .unary import as_float
from .view import MATRIX


def mish(x: np.ndarray) -> np.ndarray:
    return x * np.tanh(np.logaddexp(0, x))


def gates(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 4), dtype))
    yield S(rand(rng, (4, 3), dtype), 0)
    yield S(rand(rng, (2, 2, 3), dtype), dim=1).once()
    yield S(rand(rng, (2,), dtype), -1).once()
    yield S(rand(rng, (0, 2), dtype)).nograd()
    yield S(rand(rng, (3, 38), dtype, -8, 8)).nograd()


def glu(x: np.ndarray, dim: int = -1) -> np.ndarray:
    a, b = np.split(x, 2, axis=dim)
    return a * sp.expit(b)


BOOL = Error(S(tensor([True])), "RuntimeError", "bool")

CASES: list[OpCase] = [
    activation("mish", mish, inputs(specials=False), tol=HALF),
    activation(
        "softsign",
        as_float(lambda x: x / (1 + np.abs(x))),
        inputs(specials=False),
        BOOL,
        result="float",
        dtypes=NUMERIC,
        speaks_as=("abs",),
        tol=HALF,
    ),
    activation(
        "tanhshrink",
        as_float(lambda x: x - np.tanh(x)),
        inputs(specials=False),
        BOOL,
        result="float",
        dtypes=NUMERIC,
        speaks_as=("sub",),
        tol=HALF,
    ),
    activation(
        "glu",
        glu,
        gates,
        Error(S(tensor([1.0, 2.0, 3.0])), "RuntimeError", "even|size"),
        Error(S(tensor(1.0)), "RuntimeError", "0-dim|dim"),
        Error(S(MATRIX, 5), "IndexError", "dim"),
        pointwise=False,
        tol=HALF,
    ),
]
