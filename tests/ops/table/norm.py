"""Normalizations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX
from ..samples import Rng, positive, rand
from .view import MATRIX

F = "nn.functional."
LOOSE = {"float16": (4e-3, 4e-3), "bfloat16": (3e-2, 4e-2), "float32": (1e-5, 2e-5)}
GRAD_TOL = {"float64": (1e-6, 1e-6)}
VECTOR = tensor([1.0, 2.0, 3.0])


def standardize(x: np.ndarray, axes: tuple[int, ...], eps: float) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def channels(v: Any, x: np.ndarray) -> Any:
    return v.reshape((1, -1) + (1,) * (x.ndim - 2))


def affine(y: np.ndarray, weight: Any, bias: Any) -> np.ndarray:
    y = y if weight is None else y * channels(weight, y)
    return y if bias is None else y + channels(bias, y)


def layers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 4), dtype), (4,), rand(rng, (4,), dtype), rand(rng, (4,), dtype))
    yield S(rand(rng, (2, 4), dtype), [4])
    yield S(rand(rng, (2, 2, 3), dtype), (2, 3), rand(rng, (2, 3), dtype), None, 0.1)
    yield S(rand(rng, (2, 3), dtype), (3,), None, rand(rng, (3,), dtype)).once()
    yield S(rand(rng, (3, 67), dtype), (67,), rand(rng, (67,), dtype), rand(rng, (67,), dtype)).nograd()
    yield S(rand(rng, (0, 3), dtype), (3,)).nograd()


def layer_norm(
    x: np.ndarray, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> np.ndarray:
    y = standardize(x, tuple(range(-len(shape), 0)), eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def rms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 4), dtype), (4,), rand(rng, (4,), dtype), 1e-5)
    yield S(rand(rng, (2, 4), dtype), [4], eps=1e-6)
    yield S(rand(rng, (2, 2, 3), dtype), (2, 3), rand(rng, (2, 3), dtype), eps=0.1)
    yield S(rand(rng, (2, 4), dtype), (4,)).once()
    yield S(rand(rng, (3, 67), dtype), (67,), rand(rng, (67,), dtype)).nograd()


def rms_norm(x: np.ndarray, shape: Any, weight: Any = None, eps: Any = None) -> np.ndarray:
    mean = (x * x).mean(tuple(range(-len(shape), 0)), keepdims=True)
    return x / np.sqrt(mean + (0 if eps is None else eps)) * (1 if weight is None else weight)


def groups(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 4, 3), dtype), 2, rand(rng, (4,), dtype), rand(rng, (4,), dtype))
    yield S(rand(rng, (1, 4, 2, 2), dtype), 4).once()
    yield S(rand(rng, (3, 4), dtype), 1, rand(rng, (4,), dtype), eps=0.1)
    yield S(rand(rng, (2, 6, 9, 5), dtype), 3, rand(rng, (6,), dtype), rand(rng, (6,), dtype)).nograd()


def group_norm(x: np.ndarray, n: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> np.ndarray:
    y = standardize(x.reshape(x.shape[0], n, -1), (2,), eps).reshape(x.shape)
    return affine(y, weight, bias)


def stats(rng: Rng, n: int, dtype: str) -> tuple[Any, Any]:
    return rand(rng, (n,), dtype, grad=False), positive(rng, (n,), dtype, grad=False)


def batches(dtype: str, rng: Rng) -> Iterator[Sample]:
    weight, bias = rand(rng, (3,), dtype), rand(rng, (3,), dtype)
    yield S(rand(rng, (4, 3), dtype), *stats(rng, 3, dtype), weight, bias)
    yield S(rand(rng, (2, 3, 2), dtype), *stats(rng, 3, dtype), weight, bias, False, 0.1, 0.01)
    yield S(rand(rng, (4, 3), dtype), None, None, weight, bias, True)
    yield S(rand(rng, (2, 3, 2, 2), dtype), None, None, training=True)
    yield S(rand(rng, (2, 3, 2), dtype), None, None, weight, training=True, eps=0.1).once()
    yield S(rand(rng, (1, 2, 2, 2, 2), dtype), *stats(rng, 2, dtype)).once()
    yield S(rand(rng, (4, 3, 11, 7), dtype), None, None, weight, bias, True).nograd()


def batch_norm(
    x: np.ndarray,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    if training:
        y = standardize(x, (0, *range(2, x.ndim)), eps)
    else:
        y = (x - channels(mean, x)) / np.sqrt(channels(var, x) + eps)
    return affine(y, weight, bias)


def instances(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3, 4), dtype), weight=rand(rng, (3,), dtype), bias=rand(rng, (3,), dtype))
    yield S(rand(rng, (1, 2, 2, 3), dtype), eps=0.1)
    running = dict(zip(("running_mean", "running_var"), stats(rng, 3, dtype)))
    yield S(rand(rng, (2, 3, 4), dtype), **running, use_input_stats=False).once()
    yield S(rand(rng, (2, 3, 11, 7), dtype), weight=rand(rng, (3,), dtype)).nograd()


def instance_norm(
    x: np.ndarray,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    if use_input_stats:
        return affine(standardize(x, tuple(range(2, x.ndim)), eps), weight, bias)
    return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)


def row(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=F + name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{
            "dtypes": ALL_FLOATS,
            "grad": ("float64",),
            "result": "first",
            "tol": LOOSE,
            "grad_tol": GRAD_TOL,
            **fields,
        },
    )


CASES = [
    row(
        "layer_norm",
        layer_norm,
        layers,
        Error(S(MATRIX, (2,)), "RuntimeError", "shape|normalized_shape"),
        Error(S(MATRIX, (3,), tensor([1.0])), "RuntimeError", "weight|shape"),
        Error(S(MATRIX, ()), "RuntimeError", "normalized_shape|dim"),
        covers=("layer_norm",),
    ),
    row(
        "rms_norm",
        rms_norm,
        rms,
        Error(S(MATRIX, (2,)), "RuntimeError", "shape|normalized_shape"),
        dtypes=ALL_FLOATS + COMPLEX,
        covers=("rms_norm",),
    ),
    row(
        "group_norm",
        group_norm,
        groups,
        Error(S(MATRIX, 2), "RuntimeError", "channel|divisible|group"),
        Error(S(tensor([[1.0, 2.0]]), 1, tensor([1.0])), "RuntimeError", "weight"),
        covers=("group_norm",),
    ),
    row(
        "batch_norm",
        batch_norm,
        batches,
        Error(S(tensor([[1.0, 2.0]]), None, None, training=True), "ValueError", "value|channel|batch"),
        Error(S(MATRIX, VECTOR, None), "RuntimeError", "running_var|running"),
        Error(S(MATRIX, tensor([1.0]), tensor([1.0])), "RuntimeError", "running_mean|size"),
        covers=("batch_norm",),
    ),
    row(
        "instance_norm",
        instance_norm,
        instances,
        Error(S(tensor([[[1.0]]])), "ValueError", "spatial|value|element"),
        covers=("instance_norm",),
    ),
]
