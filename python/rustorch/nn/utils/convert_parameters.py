"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

import rustorch as rt
from rustorch import Tensor


def _check_device(param: Tensor, expected: object) -> object:
    if expected is not None and param.device != expected:
        raise TypeError(
            f"Found two parameters on different devices, this is currently not supported; got {expected} and "
            f"{param.device}"
        )
    return param.device


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The parameters, flattened and joined; gradients flow through.

    >>> nn.utils.parameters_to_vector([rt.zeros(2), rt.ones(1, 1)])
    tensor([0., 0., 1.])
    """
    device: object = None
    parts = []
    for param in parameters:
        device = _check_device(param, device)
        parts.append(param.reshape(-1))
    return rt.cat(parts)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make each parameter's data the matching slice of ``vec``, in the order of :func:`parameters_to_vector`.

    >>> p = nn.Parameter(rt.zeros(2))
    >>> nn.utils.vector_to_parameters(rt.tensor([1.0, 2.0]), [p])
    >>> p.tolist()
    [1.0, 2.0]
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected rustorch.Tensor, but got: {type(vec).__name__}")
    device: object = None
    start = 0
    for param in parameters:
        device = _check_device(param, device)
        n = param.numel()
        param.data = vec[start : start + n].view_as(param).data
        start += n
