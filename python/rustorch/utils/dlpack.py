"""Tensors handed to other libraries, and taken from them, as DLPack capsules."""

from __future__ import annotations

from typing import Any

from rustorch import Tensor
from rustorch._tensor_api import from_dlpack

__all__ = ["from_dlpack", "to_dlpack"]


def to_dlpack(tensor: Tensor, /) -> Any:
    """The memory of a tensor as a DLPack capsule, which may be consumed once.

    Libraries that know `Tensor.__dlpack__` need no capsule: they take the tensor.

    Raises:
        TypeError: for what is no tensor.
        RuntimeError, BufferError: for tensors that DLPack cannot describe, as those that require grad.

    Follows `torch.utils.dlpack.to_dlpack`.

    >>> import rustorch as rt
    >>> from rustorch.utils.dlpack import from_dlpack, to_dlpack
    >>> from_dlpack(to_dlpack(rt.arange(3)))
    tensor([0, 1, 2])
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"to_dlpack: expected a Tensor; got {type(tensor).__name__}")
    return tensor.__dlpack__()
