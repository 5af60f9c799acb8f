"""Registering hooks on a module, and the call path that runs them."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from rustorch import Tensor
from rustorch.nn.modules._backward_hooks import BackwardHook, attach_grad_fn_hooks
from rustorch.nn.modules._global_hooks import ON_CALLS, tables
from rustorch.utils.hooks import RemovableHandle


class _Hooks:
    _forward_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_hooks_with_kwargs: OrderedDict[int, bool]
    _forward_hooks_always_called: OrderedDict[int, bool]
    _forward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
    _backward_hooks: OrderedDict[int, Callable[..., Any]]
    _backward_pre_hooks: OrderedDict[int, Callable[..., Any]]
    _is_full_backward_hook: bool | None
    forward: Callable[..., Any]

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces the arguments.

        With ``with_kwargs`` the call is ``hook(module, args, kwargs)`` and a replacement is ``(args,
        kwargs)``.

        >>> m = nn.Identity()
        >>> handle = m.register_forward_pre_hook(lambda mod, args: args[0] + 1)
        >>> m(rt.zeros(1))
        tensor([1.])
        """
        handle = RemovableHandle(self._forward_pre_hooks, extra_dict=self._forward_pre_hooks_with_kwargs)
        self._forward_pre_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(
        self,
        hook: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces the output.

        With ``with_kwargs`` the call is ``hook(module, args, kwargs, output)``. ``always_call`` runs the
        hook also when ``forward`` raised.

        >>> m = nn.Identity()
        >>> handle = m.register_forward_hook(lambda mod, args, out: out * 2)
        >>> m(rt.ones(1))
        tensor([2.])
        """
        handle = RemovableHandle(
            self._forward_hooks,
            extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called],
        )
        self._forward_hooks[handle.id] = hook
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Call ``hook(module, grad_output)`` when the gradients of the outputs are known; it may replace
        them.
        """
        handle = RemovableHandle(self._backward_pre_hooks)
        self._backward_pre_hooks[handle.id] = hook
        if prepend:
            self._backward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """Call ``hook(module, grad_input, grad_output)`` when the gradients of the inputs are known.

        A returned tuple replaces ``grad_input``. Gradients of positional tensor arguments only; None
        elsewhere.
        """
        if self._is_full_backward_hook is False:
            raise RuntimeError(
                "register_full_backward_hook: Cannot use both regular backward hooks and full backward "
                "hooks on a single Module. Please use only one of them."
            )
        self._is_full_backward_hook = True
        handle = RemovableHandle(self._backward_hooks)
        self._backward_hooks[handle.id] = hook
        if prepend:
            self._backward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_backward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """The older form, hooked on the output's node; prefer :meth:`register_full_backward_hook`."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(
                "register_backward_hook: Cannot use both regular backward hooks and full backward hooks on "
                "a single Module. Please use only one of them."
            )
        self._is_full_backward_hook = False
        handle = RemovableHandle(self._backward_hooks)
        self._backward_hooks[handle.id] = hook
        return handle

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._forward_hooks
            or self._forward_pre_hooks
            or self._backward_hooks
            or self._backward_pre_hooks
            or ON_CALLS
        ):
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        called: set[int] = set()
        result: Any = None
        try:
            for hook_id, hook in (
                *tables()._global_forward_pre_hooks.items(),
                *self._forward_pre_hooks.items(),
            ):
                args, kwargs = self._run_pre_hook(hook_id, hook, args, kwargs)
            full, regular = self._backward_hooks_by_kind()
            pre = [*tables()._global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]
            backward: BackwardHook | None = None
            if full or pre:
                backward = BackwardHook(self, full, pre)
                args = backward.setup_inputs(args)
            result = self.forward(*args, **kwargs)
            for hook_id, hook in (
                *tables()._global_forward_hooks.items(),
                *self._forward_hooks.items(),
            ):
                called.add(hook_id)
                replaced = self._run_forward_hook(hook_id, hook, args, kwargs, result)
                if replaced is not None:
                    result = replaced
            if backward is not None:
                if not isinstance(result, (Tensor, tuple, list)):
                    warnings.warn(
                        "For backward hooks to be called, module output should be a Tensor or a tuple of "
                        f"Tensors but received {type(result)}",
                        stacklevel=2,
                    )
                result = backward.setup_output(result)
            if regular:
                attach_grad_fn_hooks(self, regular, args, result)
            return result
        except Exception:
            always = {
                *tables()._global_forward_hooks_always_called,
                *self._forward_hooks_always_called,
            } - called
            for hook_id, hook in (
                *tables()._global_forward_hooks.items(),
                *self._forward_hooks.items(),
            ):
                if hook_id in always:
                    try:
                        replaced = self._run_forward_hook(hook_id, hook, args, kwargs, result)
                        if replaced is not None:
                            result = replaced
                    except Exception as ex:  # the first error is the one to show
                        warnings.warn(
                            "module forward hook with ``always_call=True`` raised an exception that was "
                            f"silenced as another error was raised in forward: {ex}",
                            stacklevel=2,
                        )
            raise

    def _backward_hooks_by_kind(self) -> tuple[list[Callable[..., Any]], list[Callable[..., Any]]]:
        """Full backward hooks and those of the older form, first the ones of all modules."""
        shared, own = list(tables()._global_backward_hooks.values()), list(self._backward_hooks.values())
        shared_full = tables()._global_is_full_backward_hook is True
        own_full = self._is_full_backward_hook is True
        full = (shared if shared_full else []) + (own if own_full else [])
        return full, ([] if shared_full else shared) + ([] if own_full else own)

    def _run_pre_hook(
        self, hook_id: int, hook: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if hook_id in self._forward_pre_hooks_with_kwargs:
            both = hook(self, args, kwargs)
            if both is None:
                return args, kwargs
            if isinstance(both, tuple) and len(both) == 2:
                return both
            raise RuntimeError(
                f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {both}."
            )
        new_args = hook(self, args)
        if new_args is None:
            return args, kwargs
        return (new_args if isinstance(new_args, tuple) else (new_args,)), kwargs

    def _run_forward_hook(
        self,
        hook_id: int,
        hook: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Any,
    ) -> Any:
        if (
            hook_id in self._forward_hooks_with_kwargs
            or hook_id in tables()._global_forward_hooks_with_kwargs
        ):
            return hook(self, args, kwargs, result)
        return hook(self, args, result)
