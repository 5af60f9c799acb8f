"""Module-level backward hooks, built from two identity nodes around a module's forward."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import rustorch as rt
from rustorch import Tensor

_tap: Any = None


def _tap_function() -> Any:
    # Made on first use: modules are importable before rustorch.autograd is.
    global _tap
    if _tap is None:
        from rustorch.autograd import Function

        class BackwardHookFunction(Function):
            """Identity on several tensors at once, so that all their gradients arrive together."""

            @staticmethod
            def forward(ctx: Any, callback: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
                ctx.callback = callback
                ctx.set_materialize_grads(False)
                return tuple(t.view_as(t) for t in tensors)

            @staticmethod
            def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
                return (None, *ctx.callback(grads))

        _tap = BackwardHookFunction
    return _tap


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


class BackwardHook:
    """Runs the hooks of one forward call of one module.

    The output tap sees the gradients of the module's outputs first, the input tap those of its inputs last;
    the tensors found directly in the arguments (or directly in the output, alone or in a tuple) take part.
    """

    def __init__(self, module: Any, hooks: Iterable[Callable[..., Any]], pre_hooks: Iterable[Any]) -> None:
        self.module = module
        self.hooks = list(hooks)
        self.pre_hooks = list(pre_hooks)
        self.grad_output: tuple[Any, ...] | None = None
        self.n_inputs = 0
        self.n_outputs = 0
        self.input_index: list[int] | None = None

    def _tapped(
        self, args: tuple[Any, ...], callback: Callable[..., Any]
    ) -> tuple[tuple[Any, ...], list[int] | None]:
        index = [i for i, a in enumerate(args) if isinstance(a, Tensor) and a.requires_grad]
        if not index or not rt.is_grad_enabled():
            return args, None
        tapped = _tap_function().apply(callback, *[args[i] for i in index])
        out = list(args)
        for i, t in zip(index, tapped):
            out[i] = t
        return tuple(out), index

    def _spread(self, index: list[int], values: Iterable[Any], n: int) -> tuple[Any, ...]:
        out = [None] * n
        for i, v in zip(index, values):
            out[i] = v
        return tuple(out)

    def setup_inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        self.n_inputs = len(args)
        args, self.input_index = self._tapped(args, self._on_grad_input)
        return args

    def _on_grad_input(self, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        if self.grad_output is None:
            # The inputs' gradients do not come from this module's outputs (it returned an input, or was
            # bypassed).
            return grads
        assert self.input_index is not None
        grad_input = self._spread(self.input_index, grads, self.n_inputs)
        grad_output, self.grad_output = self.grad_output, None
        for hook in self.hooks:
            result = hook(self.module, grad_input, grad_output)
            if result is None:
                continue
            result = _as_tuple(result)
            if len(result) != len(grad_input):
                raise RuntimeError(
                    "backward hook: Backward hook returned an invalid number of grad_input, got "
                    f"{len(result)}, but expected {len(grad_input)}"
                )
            grad_input = result
        return tuple(grad_input[i] for i in self.input_index)

    def setup_output(self, result: Any) -> Any:
        alone = not isinstance(result, (tuple, list))
        outputs = (result,) if alone else tuple(result)
        self.n_outputs = len(outputs)
        holder: list[list[int]] = []

        def on_grad_output(grads: tuple[Any, ...]) -> tuple[Any, ...]:
            return self._on_grad_output(holder[0], grads)

        outputs, index = self._tapped(outputs, on_grad_output)
        if index is None:
            return result
        holder.append(index)
        if alone:
            return outputs[0]
        if isinstance(result, tuple) and hasattr(result, "_fields"):
            return type(result)(*outputs)
        return type(result)(outputs)

    def _on_grad_output(self, index: list[int], grads: tuple[Any, ...]) -> tuple[Any, ...]:
        grad_output = self._spread(index, grads, self.n_outputs)
        for hook in self.pre_hooks:
            result = hook(self.module, grad_output)
            if result is None:
                continue
            result = _as_tuple(result)
            if len(result) != len(grad_output):
                raise RuntimeError(
                    f"backward pre hook: Backward pre hook returned an invalid number of grad_output, got "
                    f"{len(result)}, but expected {len(grad_output)}"
                )
            grad_output = result
        if self.input_index is None:
            # No input asks for a gradient, so nothing will fire later: the hooks run now and may change
            # nothing.
            nothing = (None,) * self.n_inputs
            for hook in self.hooks:
                result = hook(self.module, nothing, grad_output)
                if result is not None and any(r is not None for r in _as_tuple(result)):
                    raise RuntimeError(
                        "backward hook: Backward hook for Modules where no input requires gradient should "
                        "always return None or None for all gradients."
                    )
        else:
            self.grad_output = grad_output
        return tuple(grad_output[i] for i in index)


def attach_grad_fn_hooks(
    module: Any, hooks: Iterable[Callable[..., Any]], args: tuple[Any, ...], result: Any
) -> None:
    """The older ``register_backward_hook``: hook the node that made the output, whatever its inputs are."""
    var = result
    while not isinstance(var, Tensor):
        var = next(v for v in var.values() if isinstance(v, Tensor)) if isinstance(var, dict) else var[0]
    grad_fn = var.grad_fn
    if grad_fn is None:
        return
    missing = _what_the_node_lacks(args, result, grad_fn)
    if missing:
        warnings.warn(
            f"register_backward_hook: Using {missing} is deprecated; try register_full_backward_hook",
            FutureWarning,
            stacklevel=4,
        )
    for hook in hooks:
        grad_fn.register_hook(lambda gi, go, hook=hook: hook(module, gi, go))


def _what_the_node_lacks(args: tuple[Any, ...], result: Any, grad_fn: Any) -> str:
    """Why the node's gradients are not those of the module's inputs and outputs; empty if they are."""
    results = (result,) if isinstance(result, Tensor) else result
    if not isinstance(results, tuple) or not all(isinstance(r, Tensor) for r in results):
        return (
            "non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors "
            "(some of the grad_output will be missing)"
        )
    if not all(isinstance(a, Tensor) for a in args):
        return (
            "non-full backward hooks on a Module that does not take as input a single Tensor or a tuple of "
            "Tensors (some of the grad_input will be missing)"
        )
    nodes = {r.grad_fn for r in results if r.grad_fn is not None}
    if len(nodes) > 1:
        return (
            "a non-full backward hook when outputs are generated by different autograd Nodes (some "
            "grad_output will be missing)"
        )
    wanted = {a.grad_fn for a in args if a.grad_fn is not None}
    if wanted != {node for node, _ in grad_fn.next_functions}:
        return (
            "a non-full backward hook when the forward contains multiple autograd Nodes (some grad_input "
            "will be missing)"
        )
    return ""
