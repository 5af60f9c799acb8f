"""Methods of Tensor that concern gradients; the rest of Tensor comes from the op table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rustorch import _C

__all__: list[str] = []


def _method(fn: Callable[..., Any]) -> Callable[..., Any]:
    setattr(_C.Tensor, fn.__name__, fn)
    return fn


@_method
def backward(
    self: Any,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds this tensor's gradients to the ``.grad`` of the leaves it was made from.

    `gradient` weighs the elements and may be left out for a single one. Follows ``torch.Tensor.backward``.

    >>> import rustorch as rt
    >>> x = rt.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """
    if inputs is None and not create_graph:
        # The common call, without the checks of many outputs.
        grads = (gradient,)
        if gradient is None or isinstance(gradient, _C.Tensor):
            _C._run_backward((self,), grads, (), bool(retain_graph), False, True, True)
            return
    from rustorch.autograd import backward as run

    run(self, gradient, retain_graph, create_graph, inputs)


@_method
def requires_grad_(self: Any, requires_grad: bool = True) -> Any:
    """Sets whether gradients are computed for this tensor; returns it.

    >>> import rustorch as rt
    >>> rt.ones(1).requires_grad_().requires_grad
    True
    """
    self.requires_grad = requires_grad
    return self


@_method
def detach(self: Any) -> Any:
    """The same memory without history; writes through either are seen by both.

    >>> import rustorch as rt
    >>> rt.ones(1, requires_grad=True).detach().requires_grad
    False
    """
    return _C._detach(self)


@_method
def detach_(self: Any) -> Any:
    """Drops this tensor's history, in place."""
    return _C._detach_(self)


@_method
def retain_grad(self: Any) -> None:
    """Keeps the gradient of this non-leaf in ``.grad``.

    >>> import rustorch as rt
    >>> y = rt.ones(1, requires_grad=True) * 2
    >>> y.retain_grad()
    >>> (y * y).sum().backward()
    >>> y.grad
    tensor([4.])
    """
    _C._retain_grad(self)


@_method
def register_hook(self: Any, hook: Callable[[Any], Any]) -> Any:
    """Calls ``hook(grad)`` when this tensor's gradient is known; what it returns takes the gradient's place.

    >>> import rustorch as rt
    >>> x = rt.ones(1, requires_grad=True)
    >>> handle = x.register_hook(lambda g: g * 10)
    >>> x.sum().backward()
    >>> x.grad
    tensor([10.])
    """
    from rustorch.autograd.graph import RemovableHandle

    return RemovableHandle(_C._add_tensor_hook(self, hook).remove)


@_method
def register_post_accumulate_grad_hook(self: Any, hook: Callable[[Any], None]) -> Any:
    """Calls ``hook(tensor)`` after a gradient was added to this leaf's ``.grad``."""
    from rustorch.autograd.graph import RemovableHandle

    return RemovableHandle(_C._add_post_accumulate_hook(self, hook).remove)


@_method
def is_inference(self: Any) -> bool:
    """Whether this tensor was made under `inference_mode`."""
    return bool(self.is_inference_)
