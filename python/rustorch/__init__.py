"""Tensors, automatic differentiation and neural networks, with PyTorch's way of working."""

from __future__ import annotations

import importlib
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from rustorch import _C, _autograd_methods, _layout, _log, _tensor_methods, errors
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
    from_numpy,
    get_default_dtype,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    set_default_dtype,
    set_num_threads,
    uint8,
)
from rustorch._composed import *  # noqa: F403
from rustorch._config import devices, show_config
from rustorch._contractions import chain_matmul, einsum, tensordot
from rustorch._layout import *  # noqa: F403
from rustorch._printing import get_printoptions, set_printoptions
from rustorch._storage import UntypedStorage
from rustorch._tensor_api import *  # noqa: F403
from rustorch._type_info import finfo, iinfo
from rustorch._typed_tensors import *  # noqa: F403
from rustorch._version import __version__
from rustorch.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from rustorch.random import (
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)

if TYPE_CHECKING:
    from rustorch import autograd, coreml, cpu, cuda, datasets, fft, io, linalg, nn, optim, special, utils
    from rustorch._op_types.rt import *  # noqa: F403
    from rustorch.io import load, save
    from rustorch.io.models import load_model

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
newaxis = None

globals().update({name: op for name, op in _C.namespaces()["rt"].items() if not name.startswith("_")})
_tensor_methods.install()
_layout.install()

# Imported on first use: `import rustorch` stays fast.
_LAZY = (
    "autograd", "coreml", "cpu", "cuda", "datasets", "fft", "io", "linalg", "nn", "optim", "special", "utils",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"rustorch.{name}")
    if name == "load_model":
        return importlib.import_module("rustorch.io.models").load_model
    if name in ("save", "load"):
        return getattr(importlib.import_module("rustorch.io"), name)
    raise AttributeError(f"module 'rustorch' has no attribute {name!r}")


_log.start()
