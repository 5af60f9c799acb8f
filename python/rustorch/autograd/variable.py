"""The older name of a tensor that records."""

from __future__ import annotations

from typing import Any

from rustorch import _C


class _TensorsAreVariables(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _C.Tensor)


class Variable(metaclass=_TensorsAreVariables):
    """A tensor that shares `data`'s memory and starts a graph of its own; tensors are variables today.

    Follows `torch.autograd.Variable`, which code from before tensors were variables still calls.

    >>> import rustorch as rt
    >>> v = rt.autograd.Variable(rt.ones(1), requires_grad=True)
    >>> v.requires_grad, isinstance(v, rt.Tensor), isinstance(rt.ones(1), rt.autograd.Variable)
    (True, True, True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = False) -> Any:
        if data is None:
            return _C.namespaces()["rt"]["empty"](0)
        return data.detach().requires_grad_(requires_grad)
