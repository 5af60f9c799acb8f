"""Tensors, automatic differentiation and neural networks, with PyTorch's way of working."""

from __future__ import annotations

import importlib
import os as _os
from math import e, inf, nan, pi
from typing import TYPE_CHECKING, Any

from rustorch import (
    _C,
    _autograd_methods,
    _device_memory,
    _layout,
    _log,
    _storage_methods,
    _tensor_methods,
    errors,
)
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
    set_flush_denormal,
    set_num_threads,
    uint8,
)
from rustorch._composed import *  # noqa: F403
from rustorch._config import show_config
from rustorch._contractions import chain_matmul, einsum, tensordot
from rustorch._determinism import *  # noqa: F403
from rustorch._histograms import histogramdd
from rustorch._index_checks import get_index_checks, set_index_checks
from rustorch._layout import *  # noqa: F403
from rustorch._printing import get_printoptions, set_printoptions
from rustorch._queries import *  # noqa: F403
from rustorch._storage import UntypedStorage
from rustorch._streams import Event, Stream
from rustorch._tensor_api import *  # noqa: F403
from rustorch._type_info import finfo, iinfo
from rustorch._typed_tensors import *  # noqa: F403
from rustorch._version import __version__
from rustorch._view_copies import *  # noqa: F403
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
    from rustorch import (
        autograd,
        coreml,
        cpu,
        cuda,
        datasets,
        fft,
        io,
        jit,
        linalg,
        masked,
        mlcompute,
        nn,
        optim,
        return_types,
        selector,
        special,
        storage,
        testing,
        utils,
    )
    from rustorch._functional_names import *  # noqa: F403
    from rustorch._libraries import get_float32_matmul_precision, set_float32_matmul_precision
    from rustorch._mapped_files import from_file
    from rustorch._op_types.rt import *  # noqa: F403
    from rustorch.io import load, save
    from rustorch.io.models import load_model
    from rustorch.selector import (
        devices,
        explain,
        get_default_device,
        get_routing,
        record_routing,
        reset_routing_stats,
        routing,
        routing_stats,
        set_default_device,
        set_routing,
    )
    from rustorch.storage import *  # noqa: F403
    from rustorch.utils.dlpack import to_dlpack

half, float, double = float16, float32, float64
short, int, long = int16, int32, int64
cfloat, cdouble = complex64, complex128
newaxis = None
OutOfMemoryError = errors.OutOfMemoryError

globals().update({name: op for name, op in _C.namespaces()["rt"].items() if not name.startswith("_")})
_tensor_methods.install()
_storage_methods.install()
_layout.install()
_device_memory.install()

# Imported on first use: `import rustorch` stays fast.
_LAZY = (
    "autograd", "backends", "coreml", "cpu", "cuda", "datasets", "fft", "io", "jit", "linalg", "masked",
    "mlcompute", "nn", "optim", "return_types", "selector", "special", "storage", "testing", "utils",
)  # fmt: skip
_LAZY_NAMES = {
    "_functional_names": (
        "adaptive_avg_pool1d", "adaptive_max_pool1d", "affine_grid_generator", "avg_pool1d", "bilinear",
        "binary_cross_entropy_with_logits", "cosine_embedding_loss", "ctc_loss", "embedding", "grid_sampler",
        "hinge_embedding_loss", "kl_div", "margin_ranking_loss", "max_pool1d", "max_pool2d", "max_pool3d",
        "poisson_nll_loss", "rrelu", "triplet_margin_loss",
    ),
    "_libraries": ("get_float32_matmul_precision", "set_float32_matmul_precision"),
    "_mapped_files": ("from_file",),
    "io": ("load", "save"),
    "io.models": ("load_model",),
    "selector": (
        "devices", "explain", "get_default_device", "get_routing", "record_routing", "reset_routing_stats",
        "routing", "routing_stats", "set_default_device", "set_routing",
    ),
    "storage": (
        "BFloat16Storage", "BoolStorage", "ByteStorage", "CharStorage", "ComplexDoubleStorage",
        "ComplexFloatStorage", "DoubleStorage", "FloatStorage", "HalfStorage", "IntStorage", "LongStorage",
        "ShortStorage", "Storage", "TypedStorage",
    ),
    "utils.dlpack": ("to_dlpack",),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"rustorch.{name}")
    for module, names in _LAZY_NAMES.items():
        if name in names:
            return getattr(importlib.import_module(f"rustorch.{module}"), name)
    raise AttributeError(f"module 'rustorch' has no attribute {name!r}")


_log.start()
if _os.environ.get("RUSTORCH_ROUTING"):
    importlib.import_module("rustorch.selector").set_routing(_os.environ["RUSTORCH_ROUTING"])
