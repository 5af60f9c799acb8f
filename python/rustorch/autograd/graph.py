"""Looking into and steering what the tape keeps, as ``torch.autograd.graph``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rustorch import _C

__all__ = ["Node", "RemovableHandle", "save_on_cpu", "saved_tensors_hooks"]

Node = _C.Node


class RemovableHandle:
    """Takes a hook away again: by `remove`, or at the end of a ``with`` block."""

    def __init__(self, remove: Callable[[], None]) -> None:
        self._remove: Callable[[], None] | None = remove

    def remove(self) -> None:
        """Removes the hook; a second call does nothing."""
        if self._remove is not None:
            self._remove()
            self._remove = None

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


class saved_tensors_hooks:
    """Within the block, tensors kept for backward go through `pack_hook` and come back through `unpack_hook`.

    >>> import rustorch as rt
    >>> x = rt.tensor([2.0], requires_grad=True)
    >>> with rt.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), lambda v: rt.tensor(v)):
    ...     y = x * x
    >>> y.sum().backward()
    >>> x.grad
    tensor([4.])
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        _C._push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exc: object) -> None:
        _C._pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Within the block, tensors kept for backward wait in host memory.

    >>> import rustorch as rt
    >>> x = rt.ones(1, requires_grad=True)
    >>> with rt.autograd.graph.save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2.])
    """

    def __init__(self, pin_memory: bool = False) -> None:
        super().__init__(lambda t: (t.device, t.to("cpu")), lambda kept: kept[1].to(kept[0]))


def _register_node_hook(self: Any, fn: Callable[[Any, Any], Any]) -> RemovableHandle:
    """Calls ``fn(grad_inputs, grad_outputs)`` after the node has run; its result replaces grad_inputs."""
    return RemovableHandle(self._add_post_hook(fn).remove)


def _register_node_prehook(self: Any, fn: Callable[[Any], Any]) -> RemovableHandle:
    """Calls ``fn(grad_outputs)`` before the node runs; what it returns replaces them."""
    return RemovableHandle(self._add_pre_hook(fn).remove)


Node.register_hook = _register_node_hook  # type: ignore[method-assign]  # what the core declares
Node.register_prehook = _register_node_prehook  # type: ignore[method-assign]  # what the core declares
