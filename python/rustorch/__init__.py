"""Tensors, automatic differentiation and neural networks, with PyTorch's way of working."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from rustorch import _C, errors
from rustorch._C import (
    Generator,
    Size,
    Tensor,
    bfloat16,
    bool,
    complex64,
    complex128,
    device,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    uint8,
)
from rustorch import _autograd_methods  # noqa: F401
from rustorch._tensor_api import *  # noqa: F403
from rustorch._version import __version__
from rustorch.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128

globals().update({name: op for name, op in _C._namespaces["rt"].items() if not name.startswith("_")})

# Imported on first use: `import rustorch` stays fast.
_LAZY = ("autograd", "data", "datasets", "io", "linalg", "fft", "nn", "optim", "special", "utils", "random")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"rustorch.{name}")
    raise AttributeError(f"module 'rustorch' has no attribute {name!r}")


if TYPE_CHECKING:
    from rustorch import autograd, nn, optim, utils
