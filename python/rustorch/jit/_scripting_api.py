"""script(): compiling functions and modules, with their control flow, into graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import rustorch as rt
from rustorch.errors import DTypeError
from rustorch.jit._script_module import ScriptFunction, ScriptModule
from rustorch.jit._scripting.errors import ScriptError

__all__ = ["ScriptError", "annotate", "export", "ignore", "is_scripting", "script", "unused"]

F = TypeVar("F", bound=Callable[..., Any])


def script(obj: Any) -> Any:
    """Compiles a function or a module from its source into a graph that holds its branches and loops.

    Args:
        obj: a function made by ``def``, or a module, whose ``forward`` is compiled.

    Returns:
        A `ScriptFunction`, or a `ScriptModule` that shares the module's parameters and buffers.

    ``if``, ``while`` and ``for`` become nodes with blocks; a run computes what the Python function computes,
    and gradients flow through the ops that ran. Arguments are tensors unless annotations say otherwise: int,
    float, bool, str, Optional, List and Tuple. The subset of Python is in ``docs/graph.md``. Follows
    `torch.jit.script`.

    Raises:
        ScriptError: (a RuntimeError) for what is outside of the subset, with its file and line.
        TypeError: for anything but a function or a module.

    Example::

        @rt.jit.script
        def collatz(x):
            steps = 0
            while x > 1:
                if x % 2 == 0:
                    x = x // 2
                else:
                    x = 3 * x + 1
                steps += 1
            return steps

        collatz(rt.tensor(27))  # 111
    """
    import inspect

    from rustorch.jit._scripting.compiler import Compiler

    if isinstance(obj, (ScriptFunction, ScriptModule)):
        return obj
    if isinstance(obj, rt.nn.Module):
        graph = Compiler().compile(owner=obj)
        made = ScriptModule(graph, obj)
        for name, method in inspect.getmembers(type(obj), inspect.isfunction):
            if getattr(method, "_rustorch_jit", "") == "export":
                made._add_method(name, Compiler().compile(method, obj))
        return made
    if not inspect.isfunction(obj):
        raise DTypeError.of("script", "expects a function or a module", type(obj).__name__)
    compiled = ScriptFunction(Compiler().compile(obj), obj.__name__)
    compiled._source = obj
    return compiled


def is_scripting() -> bool:
    """Whether the code that asks is compiled by `script`: False in Python, True in a graph.

    >>> import rustorch as rt
    >>> rt.jit.is_scripting()
    False
    """
    return False


def _mark(fn: F, mark: str) -> F:
    fn._rustorch_jit = mark  # type: ignore[attr-defined]
    return fn


def ignore(fn: F) -> F:
    """Marks a function that scripts must not compile: calling it from one is an error while compiling.

    Unlike PyTorch's, the graph never calls back into Python.
    """
    return _mark(fn, "ignore")


def unused(fn: F) -> F:
    """Marks a function that scripts do not compile: calling it from a graph raises RuntimeError."""
    return _mark(fn, "unused")


def export(fn: F) -> F:
    """Marks a method that is compiled besides ``forward``."""
    return _mark(fn, "export")


def annotate(the_type: Any, the_value: Any) -> Any:
    """The value, with a type that `script` takes for it: ``annotate(List[int], [])``.

    >>> import rustorch as rt
    >>> rt.jit.annotate(list[int], [])
    []
    """
    return the_value
