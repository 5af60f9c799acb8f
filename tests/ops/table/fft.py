"""Discrete Fourier transforms of one dim."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import COMPLEX, FLOATS, INTS, REAL_OF, is_complex
from ..samples import Rng, rand
from .view import BOTH, MATRIX

TOL = {
    "complex64": (1e-5, 1e-4),
    "float32": (1e-5, 1e-4),
    "complex128": (1e-10, 1e-10),
    "float64": (1e-10, 1e-10),
}


def transforms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (4,), dtype))
    yield S(rand(rng, (5,), dtype)).once()  # odd
    yield S(rand(rng, (2, 4), dtype), 3)  # cut
    yield S(rand(rng, (2, 4), dtype), n=6, dim=1)  # padded
    yield S(rand(rng, (4, 2), dtype), dim=0)
    for norm in ("ortho", "forward", "backward"):
        yield S(rand(rng, (4,), dtype), norm=norm).once()
    yield S(rand(rng, (2, 64), dtype)).nograd()
    yield S(rand(rng, (97,), dtype)).nograd()  # a prime
    yield S(rand(rng, (2, 1), dtype), n=2).once()


def transform(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, n=None, dim=-1, norm=None: f(x, n, dim, norm)


def to_complex(sample: Sample) -> str:
    dtype = sample.args[0].dtype
    return dtype if is_complex(dtype) else "complex128" if dtype == "float64" else "complex64"


def to_real(sample: Sample) -> str:
    return REAL_OF[to_complex(sample)]


def row(name: str, ref: Callable[..., Any], *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=f"fft.{name}",
        ref=transform(ref),
        samples=transforms,
        errors=(*ERRORS, *errors),
        **{
            "dtypes": FLOATS + INTS + ("bool",) + COMPLEX,
            "grad": BOTH,
            "result": to_complex,
            "out": True,
            "tol": TOL,
            "strides": False,
            **fields,
        },
    )


ERRORS = (
    Error(S(MATRIX, 0), "RuntimeError", "n|point|size"),
    Error(S(MATRIX, dim=2), "IndexError", "dim"),
    Error(S(MATRIX, norm="half"), "RuntimeError", "norm"),
)
COMPLEX_INPUT = Error(S(tensor([1j, 2.0])), "RuntimeError", "real|complex")

CASES = [
    row("fft", np.fft.fft),
    row("ifft", np.fft.ifft),
    row("rfft", np.fft.rfft, COMPLEX_INPUT, dtypes=FLOATS + INTS + ("bool",), grad=("float64",)),
    row("irfft", np.fft.irfft, result=to_real),
]
