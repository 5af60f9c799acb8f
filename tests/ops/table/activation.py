"""Activations and the softmax family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, INTS, is_float
from ..samples import Rng, positive, rand, special
from .view import MATRIX

F = "nn.functional."
INT = Error(S(tensor([1, 2])), "RuntimeError", "dtype|float|int|implemented")


def inputs(
    *options: dict[str, Any], kinks: tuple[float, ...] = (0.0,), specials: bool = True
) -> Callable[[str, Rng], Iterator[Sample]]:
    """Every rank, each set of options, the kinks (for the subgradient) and the special values."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        yield S(rand(rng, (2, 3), dtype, -5, 5))
        yield S(rand(rng, (), dtype)).once()
        yield S(rand(rng, (0, 2), dtype)).nograd()
        yield S(rand(rng, (43,), dtype, -8, 8)).nograd()
        for option in options:
            yield S(rand(rng, (2, 3), dtype, -5, 5), **option)
        if is_float(dtype):
            yield S(tensor(kinks, dtype)).nograd()
        if is_float(dtype) and specials:
            yield S(special(dtype)).value_only()

    return samples


def activation(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=F + name,
        ref=ref,
        samples=samples,
        errors=errors or (INT,),
        **{"dtypes": ALL_FLOATS, "grad": ("float64",), "pointwise": True, "result": "first", **fields},
    )


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
    return x * sp.ndtr(x)


def softplus(x: np.ndarray, beta: float = 1, threshold: float = 20) -> np.ndarray:
    return np.where(x * beta > threshold, x, np.logaddexp(0, x * beta) / beta)


def hardtanh(x: np.ndarray, min_val: float = -1, max_val: float = 1) -> np.ndarray:
    return np.clip(x, min_val, max_val)


def prelus(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), rand(rng, (1,), dtype))
    yield S(rand(rng, (2, 3, 2), dtype), rand(rng, (3,), dtype))
    yield S(rand(rng, (2, 2), dtype), rand(rng, (), dtype)).once()
    yield S(rand(rng, (0, 3), dtype), rand(rng, (3,), dtype)).nograd()
    yield S(rand(rng, (), dtype), rand(rng, (1,), dtype)).once()


def prelu(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    if w.size > 1:
        w = w.reshape((1, -1) + (1,) * (x.ndim - 2))
    return np.where(x > 0, x, x * (w if w.size > 1 else w.reshape(())))


def dims(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), dim=1)
    yield S(rand(rng, (2, 3), dtype), dim=-2)
    yield S(rand(rng, (2, 2, 3), dtype), dim=1).once()
    yield S(rand(rng, (), dtype), dim=0).once()
    yield S(rand(rng, (0, 3), dtype), dim=1).nograd()
    yield S(rand(rng, (5, 67), dtype, -9, 9), dim=1).nograd()
    yield S(rand(rng, (5, 67), dtype, -9, 9), dim=0).nograd()
    if is_float(dtype):
        yield S(rand(rng, (2, 3), dtype), dim=-1, dtype=D("float64")).once()
        yield S(tensor([[1000.0, 999.0], [-1000.0, -999.0]], dtype), dim=1).nograd()
        yield S(
            tensor([[-np.inf, 1.0], [-np.inf, -np.inf], [np.inf, 1.0], [np.nan, 1.0]], dtype), dim=1
        ).value_only()


def softmax(x: np.ndarray, dim: int, dtype: Any = None) -> np.ndarray:
    return sp.softmax(x, axis=dim if x.ndim else None) if x.size else x


def log_softmax(x: np.ndarray, dim: int, dtype: Any = None) -> np.ndarray:
    if not x.size:
        return x
    axis = dim if x.ndim else None
    top = np.max(x, axis=axis, keepdims=True)
    return x - top - np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True))


def dropouts(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 0.5, False)
    yield S(rand(rng, (2, 3), dtype), p=0.0)
    yield S(rand(rng, (2, 3), dtype), p=1.0)
    yield S(rand(rng, (), dtype), p=0.0).once()
    yield S(positive(rng, (200, 100), dtype, 1, 2), 0.25).value_only()
    yield S(rand(rng, (0, 2), dtype), 0.5).nograd()


def dropped(result: list[np.ndarray], x: np.ndarray, p: float = 0.5, training: bool = True) -> None:
    y = result[0].astype(x.dtype)
    assert y.shape == x.shape
    if not training or p == 0:
        np.testing.assert_array_equal(y, x)
        return
    kept = y != 0
    if p == 1:
        assert not kept.any()
        return
    np.testing.assert_allclose(y[kept], x[kept] / (1 - p), rtol=1e-2)
    if y.size >= 10000:
        assert abs(kept.mean() - (1 - p)) < 5 * (p * (1 - p) / y.size) ** 0.5


def normalizations(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), p=1.0, dim=0)
    yield S(rand(rng, (2, 2, 2), dtype), 3.0, -1)
    if dtype != "float16":  # which cannot hold eps
        yield S(tensor([[0.0, 0.0], [1.0, 2.0]], dtype)).nograd().once()  # eps keeps zero from dividing
    yield S(tensor([[1e-3, 0.0], [1.0, 2.0]], dtype), eps=0.1).nograd()
    yield S(rand(rng, (0, 2), dtype)).nograd()


def normalize(x: np.ndarray, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> np.ndarray:
    norm = np.sum(np.abs(x) ** p, axis=dim, keepdims=True) ** (1 / p)
    return x / np.maximum(norm, eps)


HALF = {"float16": (2e-3, 1e-3), "bfloat16": (1.6e-2, 1e-2)}
BAD_DIM = Error(S(MATRIX, dim=2), "IndexError", "dim")

CASES = [
    activation(
        "relu",
        lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)) if x.dtype.kind == "f" else np.maximum(x, 0),
        inputs(),
        Error(S(tensor([1j])), "RuntimeError", "complex"),
        dtypes=ALL_FLOATS + INTS,
        variants=("relu", "Tensor.relu"),
        inplace="Tensor.relu_",
        covers=("nn.functional.relu_",),
    ),
    activation(
        "silu",
        lambda x: x / (1 + np.exp(-x)),
        inputs(),
        dtypes=ALL_FLOATS + COMPLEX,
        grad=("float64",),
        tol=HALF,
    ),
    activation(
        "gelu",
        gelu,
        inputs({"approximate": "tanh"}, specials=False),
        INT,
        Error(S(MATRIX, approximate="erf"), "RuntimeError", "approximate"),
        out=True,
        tol=HALF,
    ),
    activation(
        "softplus",
        softplus,
        inputs({"beta": 2}, {"beta": 0.5, "threshold": 1.0}, kinks=(0.0, 30.0)),
        out=True,
        tol=HALF,
    ),
    activation(
        "hardtanh",
        hardtanh,
        inputs({"min_val": -2.0, "max_val": 0.5}, kinks=(-1.0, 1.0)),
        Error(S(MATRIX, 1.0, -1.0), "ValueError", "min|max"),
        Error(S(tensor([1], "int8"), -300, 300), "RuntimeError", "overflow"),
        inplace="nn.functional.hardtanh_",
        dtypes=ALL_FLOATS + INTS[1:],
        tol=HALF,
    ),
    activation(
        "hardsigmoid",
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        inputs(kinks=(-3.0, 3.0)),
        tol=HALF,
        no_second="PyTorch has none",
    ),
    activation(
        "hardswish",
        lambda x: x * np.clip(x + 3, 0, 6) / 6,
        inputs(kinks=(-3.0, 3.0)),
        tol={"float16": (2e-3, 4e-3), "bfloat16": (1.6e-2, 3e-2)},
    ),
    activation(
        "leaky_relu",
        lambda x, negative_slope=0.01: np.where(x > 0, x, x * negative_slope),
        inputs({"negative_slope": 0.3}),
        inplace="nn.functional.leaky_relu_",
        tol=HALF,
    ),
    activation(
        "elu",
        lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
        inputs({"alpha": 0.5}),
        inplace="nn.functional.elu_",
        tol=HALF,
    ),
    activation("logsigmoid", lambda x: -np.logaddexp(0, -x), inputs(), out=True, strides=False, tol=HALF),
    activation(
        "prelu",
        prelu,
        prelus,
        Error(S(MATRIX, tensor([1.0, 2.0])), "RuntimeError", "weight|channel|parameter"),
        Error(S(tensor(1.0), tensor([1.0, 2.0])), "RuntimeError", "zero-dim|dim"),
        variants=("prelu",),
    ),
    OpCase(
        name="softmax",
        samples=dims,
        ref=softmax,
        dtypes=ALL_FLOATS,
        result="first",
        grad=("float64",),
        variants=("Tensor.softmax", "nn.functional.softmax", "special.softmax"),
        out=True,
        tol=HALF,
        errors=(BAD_DIM, Error(S(tensor([1, 2]), dim=0), "RuntimeError", "dtype|implemented")),
    ),
    OpCase(
        name="log_softmax",
        samples=dims,
        ref=log_softmax,
        dtypes=ALL_FLOATS,
        result="first",
        grad=("float64",),
        variants=("Tensor.log_softmax", "nn.functional.log_softmax", "special.log_softmax"),
        out=True,
        tol=HALF,
        errors=(BAD_DIM, Error(S(tensor([1, 2]), dim=0), "RuntimeError", "dtype|implemented")),
    ),
    OpCase(
        name=F + "dropout",
        samples=dropouts,
        check=dropped,
        dtypes=ALL_FLOATS,
        result="first",
        grad=("float64",),
        random=True,
        variants=(),
        errors=(
            Error(S(MATRIX, 1.5), "ValueError", "p|probabilit"),
            Error(S(MATRIX, -0.1), "ValueError", "p|probabilit"),
        ),
    ),
    OpCase(
        name=F + "normalize",
        samples=normalizations,
        ref=normalize,
        dtypes=ALL_FLOATS + COMPLEX,
        result="first",
        grad=("float64",),
        out=True,
        tol=HALF,
        errors=(BAD_DIM,),
    ),
]
