"""Complex tensors and their parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import FLOATS
from ..samples import Rng, positive, rand
from .unary import BOTH, domain, unary


def parts(dtype: str, rng: Rng, first: Any = rand) -> Iterator[Sample]:
    yield S(first(rng, (2, 3), dtype), rand(rng, (2, 3), dtype))
    yield S(first(rng, (2, 1), dtype), rand(rng, (3,), dtype))
    yield S(first(rng, (), dtype), rand(rng, (), dtype)).once()
    yield S(first(rng, (0, 2), dtype), rand(rng, (2,), dtype)).nograd()
    yield S(first(rng, (37,), dtype), rand(rng, (37,), dtype)).nograd()


def special_parts(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from parts(dtype, rng)
    a = tensor([np.inf, np.nan, -0.0, 1.0], dtype)
    yield S(a, tensor([np.nan, -np.inf, 0.0, -0.0], dtype)).value_only()


def together(real: np.ndarray, imag: np.ndarray) -> np.ndarray:
    found = np.empty(np.broadcast_shapes(real.shape, imag.shape), np.complex128)
    found.real, found.imag = real, imag
    return found


def polar(size: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return together(size * np.cos(angle), size * np.sin(angle))


def complex_dtype(sample: Sample) -> str:
    return "complex64" if sample.args[0].dtype == "float32" else "complex128"


def pair_rows(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype, rigid=True))
    yield S(rand(rng, (2,), dtype, rigid=True)).once()
    yield S(rand(rng, (2, 3, 2), dtype, rigid=True)).once()
    yield S(rand(rng, (0, 2), dtype, rigid=True)).nograd()


def of_parts(name: str, ref: Any, samples: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        samples=samples,
        dtypes=FLOATS,
        result=complex_dtype,
        grad=("float64",),
        out=True,
        errors=(
            Error(S(tensor([1.0]), tensor([1.0], "float64")), "RuntimeError", "type"),
            Error(S(tensor([1]), tensor([1])), "RuntimeError", "Float"),
            Error(S(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError", "size"),
        ),
        speaks_as=("mul",),
    )


CASES: list[OpCase] = [
    of_parts("complex", together, special_parts),
    of_parts("polar", polar, lambda d, r: parts(d, r, positive)),
    unary("conj_physical", np.conj, grad=BOTH, strides=False),  # PyTorch gives a real tensor itself
    unary("resolve_neg", lambda x: x, samples=domain(), grad=BOTH, inplace="", out=False),
    OpCase(
        name="view_as_complex",
        ref=lambda x: together(x[..., 0], x[..., 1]),
        samples=pair_rows,
        dtypes=FLOATS,
        result=complex_dtype,
        grad=("float64",),
        view=True,
        layouts=False,
        variants=(),
        errors=(
            Error(S(tensor([[1.0, 2.0, 3.0]])), "RuntimeError", "size 2"),
            Error(S(tensor(1.0)), "RuntimeError", "dim"),
            Error(S(tensor([1, 2])), "RuntimeError", "float"),
        ),
    ),
]
