"""Discrete Fourier transforms of one dim and of several, and their frequencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.fft

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, FLOATS, INTS, REAL_OF, is_complex
from ..samples import Rng, rand
from .shape import copying
from .view import BOTH, MATRIX, calls

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


def plane_transforms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    yield S(rand(rng, (3, 3), dtype), (2, 4)).once()
    yield S(rand(rng, (3, 2, 2), dtype), dim=(0, 2)).once()
    yield S(rand(rng, (2, 4), dtype), s=(3, -1), norm="ortho").once()
    yield S(rand(rng, (2, 2, 5), dtype), norm="forward").nograd()
    yield S(rand(rng, (7, 12), dtype)).nograd()


def space_transforms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from plane_transforms(dtype, rng)
    yield S(rand(rng, (4,), dtype)).once()
    yield S(rand(rng, (2, 2, 3), dtype), (2,)).once()  # the last dim
    yield S(rand(rng, (2, 2, 3), dtype), dim=1).once()
    yield S(rand(rng, (2, 2, 3), dtype)).nograd()


def transform(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, n=None, dim=-1, norm=None: f(x, n, dim, norm)


def transform_of_dims(f: Callable[..., Any], default: Any, halved: bool) -> Callable[..., Any]:
    """SciPy's, in which -1 does not stand for the size that is there. `halved`: of the last dim of a
    hermitian argument only half is there."""

    def ref(x: np.ndarray, s: Any = None, dim: Any = default, norm: Any = None) -> Any:
        dims = (dim,) if isinstance(dim, int) else dim
        if dims is None and s is not None:
            dims = tuple(range(-len(s), 0))
        if s is not None:
            there = [x.shape[d] for d in dims]
            there[-1] = 2 * (there[-1] - 1) if halved else there[-1]
            s = tuple(old if n == -1 else n for n, old in zip(s, there))
        return f(x, s, dims, norm)

    return ref


def to_complex(sample: Sample) -> str:
    dtype = sample.args[0].dtype
    return dtype if is_complex(dtype) else "complex128" if dtype == "float64" else "complex64"


def to_real(sample: Sample) -> str:
    return REAL_OF[to_complex(sample)]


def row(name: str, ref: Callable[..., Any], *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=f"fft.{name}",
        errors=(*ERRORS, *errors),
        **{
            "ref": transform(ref),
            "samples": transforms,
            "dtypes": FLOATS + INTS + ("bool",) + COMPLEX,
            "grad": BOTH,
            "result": to_complex,
            "out": True,
            "tol": TOL,
            "strides": False,
            **fields,
        },
    )


def planes(name: str, *errors: Error, **fields: Any) -> list[OpCase]:
    """The transforms of two dims and of any number, as SciPy has them."""
    return [
        OpCase(
            name=f"fft.{name}{suffix}",
            ref=transform_of_dims(getattr(scipy.fft, f"{name}{suffix}"), default, name in ("irfft", "hfft")),
            samples=samples,
            errors=(*ERRORS_OF_DIMS, *errors),
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
        for suffix, default, samples in (("2", (-2, -1), plane_transforms), ("n", None, space_transforms))
    ]


def frequencies(dtype: str, rng: Rng) -> Iterator[Sample]:
    for n in (1, 4, 5):
        yield S(n, dtype=D(dtype))
    yield S(6, 0.5, dtype=D(dtype))
    yield S(3, d=2.0, dtype=D(dtype))


def shift(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, dim=None: f(x, dim)


ERRORS = (
    Error(S(MATRIX, 0), "RuntimeError", "n|point|size"),
    Error(S(MATRIX, dim=2), "IndexError", "dim"),
    Error(S(MATRIX, norm="half"), "RuntimeError", "norm"),
)
ERRORS_OF_DIMS = (
    Error(S(MATRIX, (0, 2)), "RuntimeError", "point"),
    Error(S(MATRIX, (2,), (0, 1)), "RuntimeError", "dim|shape"),
    Error(S(MATRIX, dim=(0, 0)), "RuntimeError", "unique"),
    Error(S(MATRIX, dim=(0, 2)), "IndexError", "dim"),
    Error(S(MATRIX, norm="half"), "RuntimeError", "norm"),
)
COMPLEX_INPUT = Error(S(tensor([1j, 2.0])), "RuntimeError", "real|complex")
COMPLEX_PLANE = Error(S(tensor([[1j, 2.0]])), "RuntimeError", "real|complex")
REAL_ONLY: dict[str, Any] = {"dtypes": FLOATS + INTS + ("bool",), "grad": ("float64",)}
BAD_DIM = Error(S(MATRIX, 2), "IndexError", "dim")
SHIFTS = calls(((4,),), ((5, 2),), ((2, 3), 1), ((3, 2, 2), (0, -1)), ((0, 2),))

CASES = [
    row("fft", np.fft.fft),
    row("ifft", np.fft.ifft),
    row("rfft", np.fft.rfft, COMPLEX_INPUT, **REAL_ONLY),
    row("irfft", np.fft.irfft, result=to_real),
    row("hfft", np.fft.hfft, result=to_real),
    row("ihfft", np.fft.ihfft, COMPLEX_INPUT, **REAL_ONLY),
    *planes("fft"),
    *planes("ifft"),
    *planes("rfft", COMPLEX_PLANE, **REAL_ONLY),
    *planes("irfft", result=to_real),
    *planes("hfft", result=to_real),
    *planes("ihfft", COMPLEX_PLANE, **REAL_ONLY),
    copying(
        "fft.fftshift", shift(np.fft.fftshift), SHIFTS, BAD_DIM, variants=(), strides=False, dtypes=EVERY
    ),
    copying(
        "fft.ifftshift", shift(np.fft.ifftshift), SHIFTS, BAD_DIM, variants=(), strides=False, dtypes=EVERY
    ),
    OpCase(
        name="fft.fftfreq",
        samples=frequencies,
        ref=lambda n, d=1.0, dtype=None: np.fft.fftfreq(n, d),
        dtypes=ALL_FLOATS,
        out=True,
        errors=(Error(S(-1), "RuntimeError", "negative"),),
    ),
    OpCase(
        name="fft.rfftfreq",
        samples=frequencies,
        ref=lambda n, d=1.0, dtype=None: np.fft.rfftfreq(n, d),
        dtypes=ALL_FLOATS,
        out=True,
    ),
]
