"""Building blocks of networks: modules, parameters, functions, initialisation. As ``torch.nn``."""

from rustorch.nn import functional, init, modules, parameter, utils
from rustorch.nn.modules import *  # noqa: F403
from rustorch.nn.modules import __all__ as _module_names
from rustorch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "modules",
    "parameter",
    "utils",
    *_module_names,
]
