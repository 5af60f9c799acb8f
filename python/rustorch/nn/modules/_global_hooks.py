"""Hooks that all modules run, for debugging and profiling: on calls, backward, and registration."""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol, cast

from rustorch.utils.hooks import RemovableHandle

Table = OrderedDict[int, Any]


class Tables(Protocol):
    """The tables of hooks, by id, are names of `nn.modules.module`: programs put them aside whole there."""

    _global_forward_pre_hooks: Table
    _global_forward_hooks: Table
    _global_forward_hooks_with_kwargs: Table
    _global_forward_hooks_always_called: Table
    _global_backward_pre_hooks: Table
    _global_backward_hooks: Table
    _global_is_full_backward_hook: bool | None
    _global_buffer_registration_hooks: Table
    _global_module_registration_hooks: Table
    _global_parameter_registration_hooks: Table


def tables() -> Tables:
    return cast(Tables, sys.modules["rustorch.nn.modules.module"])


# One look tells whether a call may have hooks of all modules to run.
ON_CALLS: Table = OrderedDict()


def _add(table: Table, hook: Callable[..., Any], *marked: Table) -> RemovableHandle:
    """The hook in its table, and its id in those that say something of it."""
    handle = RemovableHandle(table, extra_dict=list(marked))
    table[handle.id] = hook
    for flags in marked:
        flags[handle.id] = True
    return handle


def registered(table: Table, module: Any, name: str, value: Any) -> Any:
    """What is to be registered: `value`, or what a hook made of it."""
    if not table:
        return value
    for hook in tuple(table.values()):
        made = hook(module, name, value)
        value = value if made is None else made
    return value


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, args)`` before every module's ``forward``, ahead of the module's own hooks.

    >>> seen = []
    >>> with nn.modules.module.register_module_forward_pre_hook(lambda m, args: seen.append(type(m))):
    ...     _ = nn.ReLU()(rt.zeros(1))
    >>> seen == [nn.ReLU]
    True
    """
    return _add(tables()._global_forward_pre_hooks, hook, ON_CALLS)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Call ``hook(module, args, output)`` after every module's ``forward``, ahead of the module's own hooks.

    What it returns replaces the output. ``with_kwargs`` and ``always_call`` are those of
    ``Module.register_forward_hook``.
    """
    marked = [ON_CALLS]
    if with_kwargs:
        marked.append(tables()._global_forward_hooks_with_kwargs)
    if always_call:
        marked.append(tables()._global_forward_hooks_always_called)
    return _add(tables()._global_forward_hooks, hook, *marked)


def _set_kind(full: bool) -> None:
    if tables()._global_backward_hooks and tables()._global_is_full_backward_hook is not full:
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please "
            "use only one of them."
        )
    tables()._global_is_full_backward_hook = full


def register_module_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """The older form; prefer :func:`register_module_full_backward_hook`."""
    _set_kind(False)
    return _add(tables()._global_backward_hooks, hook, ON_CALLS)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_output)`` for every module, as ``Module.register_full_backward_pre_hook``."""
    return _add(tables()._global_backward_pre_hooks, hook, ON_CALLS)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, grad_input, grad_output)`` for every module, as
    ``Module.register_full_backward_hook``."""
    _set_kind(True)
    return _add(tables()._global_backward_hooks, hook, ON_CALLS)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, buffer)`` when a module gets a buffer; what it returns is registered."""
    return _add(tables()._global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, submodule)`` when a module gets a child; what it returns is registered."""
    return _add(tables()._global_module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Call ``hook(module, name, parameter)`` when a module gets a parameter; what it returns is registered.

    >>> hook = nn.modules.module.register_module_parameter_registration_hook
    >>> with hook(lambda module, name, p: p.requires_grad_(False)):
    ...     layer = nn.Linear(1, 1)
    >>> layer.weight.requires_grad
    False
    """
    return _add(tables()._global_parameter_registration_hooks, hook)
