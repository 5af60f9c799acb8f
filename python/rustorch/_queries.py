"""Functions that ask something of a tensor or an object, for which PyTorch has names in its main module."""

from __future__ import annotations

import builtins
from typing import Any

from rustorch import _C
from rustorch._storage_methods import is_storage as _is_storage
from rustorch.errors import DTypeError

__all__ = ["get_device", "is_conj", "is_inference", "is_neg", "is_same_size", "is_storage", "typename"]


def _checked(op: str, input: Any) -> _C.Tensor:
    if not isinstance(input, _C.Tensor):
        raise DTypeError.of(op, "argument 'input' must be Tensor", type(input).__name__)
    return input


def is_storage(obj: Any, /) -> builtins.bool:
    """Whether `obj` is a storage.

    Follows `torch.is_storage`.

    >>> import rustorch as rt
    >>> rt.is_storage(rt.ones(1).untyped_storage())
    True
    """
    return _is_storage(obj)


def is_conj(input: _C.Tensor) -> builtins.bool:
    """Whether the tensor only stands for the conjugate of its memory; here conjugates are computed at once.

    Follows `torch.is_conj`.
    """
    return builtins.bool(_checked("is_conj", input).is_conj())


def is_neg(input: _C.Tensor) -> builtins.bool:
    """Whether the tensor only stands for the negative of its memory; here negatives are computed at once.

    Follows `torch.is_neg`.
    """
    return builtins.bool(_checked("is_neg", input).is_neg())


def is_inference(input: _C.Tensor) -> builtins.bool:
    """Whether the tensor was made in `inference_mode`.

    Follows `torch.is_inference`.
    """
    return builtins.bool(_checked("is_inference", input).is_inference())


def is_same_size(input: _C.Tensor, other: _C.Tensor) -> builtins.bool:
    """Whether two tensors have the same shape.

    Follows `torch.is_same_size`.

    >>> import rustorch as rt
    >>> rt.is_same_size(rt.ones(2, 3), rt.ones(3, 2))
    False
    """
    return _checked("is_same_size", input).shape == _checked("is_same_size", other).shape


def get_device(input: _C.Tensor) -> int:
    """The index of the device that the tensor is on, -1 for the CPU.

    Follows `torch.get_device`.
    """
    return int(_checked("get_device", input).get_device())


def typename(obj: Any, /) -> str:
    """The name of an object's type, with its module; a tensor's names its dtype.

    Follows `torch.typename`.

    >>> import rustorch as rt
    >>> rt.typename(rt.ones(1)), rt.typename(rt.nn.Linear)
    ('rustorch.FloatTensor', 'rustorch.nn.modules.linear.Linear')
    """
    if isinstance(obj, _C.Tensor):
        return str(obj.type())
    where = obj if hasattr(obj, "__qualname__") and hasattr(obj, "__module__") else type(obj)
    module = where.__module__ or ""
    return (
        where.__qualname__ if module in ("", "builtins", "__builtin__") else f"{module}.{where.__qualname__}"
    )
