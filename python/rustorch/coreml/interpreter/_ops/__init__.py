"""The kernels of all operations, a file for each family. Importing this registers them."""

from rustorch.coreml.interpreter._ops import (
    activation,
    classify,
    constexpr,
    conv,
    elementwise,
    image,
    linear,
    lists,
    norm,
    pool,
    quantization,
    random,
    recurrent,
    reduction,
    scatter_gather,
    tensor_operation,
    transformation,
)
from rustorch.coreml.interpreter.registry import KERNELS

__all__ = [
    "KERNELS",
    "activation",
    "classify",
    "constexpr",
    "conv",
    "elementwise",
    "image",
    "linear",
    "lists",
    "norm",
    "pool",
    "quantization",
    "random",
    "recurrent",
    "reduction",
    "scatter_gather",
    "tensor_operation",
    "transformation",
]
