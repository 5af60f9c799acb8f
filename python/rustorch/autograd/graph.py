"""Looking into and steering what the tape keeps, as ``torch.autograd.graph``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from rustorch import _C
from rustorch.errors import OpError

__all__ = [
    "GradientEdge",
    "Node",
    "RemovableHandle",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]

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


class GradientEdge(NamedTuple):
    """A node's result by itself: ``autograd.backward`` and ``autograd.grad`` take it in a tensor's place."""

    node: Any
    output_nr: int


def get_gradient_edge(tensor: Any) -> GradientEdge:
    """Where the tensor's gradient goes: its node and the number of the result, or its accumulator.

    The edge does not keep the tensor itself. As ``torch.autograd.graph.get_gradient_edge``.

    >>> import rustorch as rt
    >>> x = rt.tensor(3.0, requires_grad=True)
    >>> edge = rt.autograd.graph.get_gradient_edge(x * x)
    >>> rt.autograd.grad(edge, x)
    (tensor(6.),)
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "get_gradient_edge: It is not possible to get the gradient edge for a Tensor that does not "
            "require gradients"
        )
    return GradientEdge(_C._gradient_node(tensor), tensor.output_nr)


def increment_version(tensor: Any) -> None:
    """Tells autograd that a tensor (or each of an iterable) was written by other means.

    >>> import rustorch as rt
    >>> x = rt.ones(1)
    >>> rt.autograd.graph.increment_version(x)
    >>> x._version
    1
    """
    for t in (tensor,) if isinstance(tensor, _C.Tensor) else tensor:
        if t.is_inference() and not _C.is_inference_mode_enabled():
            raise OpError.of(
                "increment_version",
                "Inplace update to inference tensor outside InferenceMode is not allowed. You can make a "
                "clone to get a normal tensor before doing inplace update.",
                "an inference tensor",
                "clone()",
            )
        _C._bump_version(t)


# What this thread answers to saved_tensors_hooks, while they are refused.
_refusal = threading.local()


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Within the block, `saved_tensors_hooks` raise RuntimeError with that message.

    >>> import rustorch as rt
    >>> with rt.autograd.graph.disable_saved_tensors_hooks("not here"):
    ...     try:
    ...         rt.autograd.graph.save_on_cpu().__enter__()
    ...     except RuntimeError as error:
    ...         print(error)
    not here
    """
    before = getattr(_refusal, "message", None)
    _refusal.message = error_message
    try:
        yield
    finally:
        _refusal.message = before


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable[..., None], *, mode: str = "all"
) -> RemovableHandle:
    """Calls `fn` once a backward pass: with all gradients of `tensors` when the last one is known
    (``mode="all"``; None for those that get none), or with the first one (``"any"``).

    Only tensors that the pass reaches are waited for. As ``torch.autograd.graph.register_multi_grad_hook``.

    >>> import rustorch as rt
    >>> a, b = (rt.ones(1, requires_grad=True) for _ in range(2))
    >>> handle = rt.autograd.graph.register_multi_grad_hook([a, b], lambda grads: print(grads))
    >>> (2 * a + 3 * b).sum().backward()
    (tensor([2.]), tensor([3.]))
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = threading.Lock()
    # By backward pass: how many gradients are awaited, and those that came.
    passes: dict[int, tuple[int, int, list[Any]]] = {}
    nodes = [get_gradient_edge(t).node for t in tensors]

    def seen(index: int) -> Callable[[Any], None]:
        def hook(grad: Any) -> None:
            number = _C._current_pass()
            with lock:
                if number not in passes:
                    passes[number] = (sum(map(_C._will_run, nodes)), 0, [None] * len(nodes))
                awaited, count, grads = passes.pop(number)
                count += 1
                grads[index] = grad
                if count < awaited:
                    passes[number] = (awaited, count, grads)
                now = count == 1 if mode == "any" else count == awaited
            if now:
                fn(grad if mode == "any" else tuple(grads))

        return hook

    handles = [t.register_hook(seen(i)) for i, t in enumerate(tensors)]

    def remove() -> None:
        for handle in handles:
            handle.remove()

    return RemovableHandle(remove)


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
        message = getattr(_refusal, "message", None)
        if message is not None:
            raise RuntimeError(message)
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
