"""Covariances and correlations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import NUMERIC, REAL_OF, is_complex, is_integral
from ..samples import Rng, distinct, rand
from .view import BOTH, MATRIX

CUBE = tensor(np.zeros((2, 2, 2)), "float32")
TOL = {
    "float16": (2e-2, 2e-2),
    "bfloat16": (1e-1, 1e-1),
    "float32": (1e-4, 1e-4),
    "complex64": (1e-4, 1e-4),
}


def variables(dtype: str, rng: Rng) -> Iterator[Sample]:
    make = distinct if is_integral(dtype) else rand
    yield S(make(rng, (2, 4), dtype))
    yield S(make(rng, (4,), dtype)).once()
    yield S(make(rng, (3, 3), dtype)).once()


def weighted(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from variables(dtype, rng)
    counts = tensor([1, 2, 0, 3], rigid=True)
    weights = tensor(
        [0.5, 1.0, 2.0, 0.25], REAL_OF.get(dtype, dtype) if not is_integral(dtype) else "float32"
    )
    yield S(rand(rng, (2, 4), dtype), correction=0).once()
    yield S(rand(rng, (2, 4), dtype), fweights=counts).once()
    yield S(rand(rng, (2, 4), dtype), aweights=weights).once()
    yield S(rand(rng, (2, 4), dtype), correction=2, fweights=counts, aweights=weights).once()


def cov(x: np.ndarray, correction: int = 1, fweights: Any = None, aweights: Any = None) -> np.ndarray:
    return np.cov(x, ddof=correction, fweights=fweights, aweights=aweights)


def floating(sample: Sample) -> str:
    dtype = sample.args[0].dtype
    return "float32" if is_integral(dtype) else dtype


def corrcoef(x: np.ndarray) -> np.ndarray:
    r = np.atleast_2d(np.cov(x))
    spread = np.sqrt(np.diagonal(r).real)
    return (r / spread[:, None] / spread).reshape(() if x.ndim < 2 else r.shape)


def coefficients(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Of one variable the coefficient is one, and its derivative nothing but rounding."""
    for sample in variables(dtype, rng):
        yield sample if sample.args[0].values.ndim == 2 and not is_complex(dtype) else sample.value_only()


def row(name: str, ref: Any, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        samples=samples,
        errors=(
            Error(S(CUBE), "RuntimeError", "two or fewer dim"),
            Error(S(tensor([True, False])), "RuntimeError", "bool"),
            *errors,
        ),
        **{"dtypes": NUMERIC, "result": floating, "variants": (f"Tensor.{name}",), "tol": TOL, **fields},
    )


CASES = [
    row(
        "cov",
        cov,
        weighted,
        Error(S(MATRIX, fweights=tensor([1.0, 2.0, 3.0])), "RuntimeError", "integral"),
        Error(S(MATRIX, fweights=tensor([1, 2])), "RuntimeError", "numel"),
        Error(S(MATRIX, fweights=tensor([[1, 2, 3]])), "RuntimeError", "dim"),
        Error(S(MATRIX, fweights=tensor([1, 2, -3])), "RuntimeError", "negative"),
        Error(S(MATRIX, fweights=tensor([0, 0, 0])), "RuntimeError", "zero"),
        Error(S(MATRIX, aweights=tensor([1, 2, 3])), "RuntimeError", "floating"),
        grad=BOTH,
    ),
    row("corrcoef", corrcoef, coefficients, grad=("float64",)),
]
