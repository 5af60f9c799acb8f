"""trace(): running a function once and recording the ops that it runs."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

import rustorch as rt
from rustorch import _C
from rustorch.errors import DTypeError, OpError
from rustorch.jit import _structure
from rustorch.jit._graph import Graph
from rustorch.jit._script_module import ScriptFunction, ScriptModule
from rustorch.nn.parameter import UninitializedParameter

__all__ = ["TracerWarning", "is_tracing", "trace"]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class TracerWarning(UserWarning):
    """Something that a recording cannot hold: a branch on a tensor's value, a draw of random numbers."""


def _user_frame() -> FrameType | None:
    """The innermost frame outside of this package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


_LOCATION: ContextVar[str] = ContextVar("location", default="")


@contextmanager
def located(location: str) -> Iterator[None]:
    """What is recorded meanwhile comes from this "file:line": a script's, which has no frame."""
    token = _LOCATION.set(location)
    try:
        yield
    finally:
        _LOCATION.reset(token)


def _location() -> str:
    if _LOCATION.get():
        return _LOCATION.get()
    frame = _user_frame()
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _warn(message: str) -> None:
    frame = _user_frame()
    if frame is None:
        warnings.warn(f"trace: {message}", TracerWarning, stacklevel=2)
        return
    file, line = frame.f_code.co_filename, frame.f_lineno
    if _LOCATION.get():
        file, _, number = _LOCATION.get().rpartition(":")
        line = int(number)
    text = f"trace: {message}; at {file}:{line}"
    warnings.warn_explicit(text, TracerWarning, file, line, registry=frame.f_globals.setdefault(
        "__warningregistry__", {}
    ))  # fmt: skip


_C._set_trace_hooks(_warn, _location)


def is_tracing() -> bool:
    """Whether this thread is recording a graph."""
    return bool(_C._is_tracing())


def _fresh(tensor: _C.Tensor) -> _C.Tensor:
    """A copy to record on: writes stay off the caller's tensor, and no two inputs are one."""
    copy = tensor.detach().clone()
    if tensor.requires_grad:
        copy.requires_grad_()
        if not tensor.is_leaf:
            copy = copy.clone()
    return copy


def _input_names(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[str]:
    """Names for the positional arguments, as the function calls them."""
    graph = getattr(getattr(fn, "__self__", fn), "graph", None)
    if isinstance(graph, Graph) and graph._signature is not None:
        return [argument.name for argument in graph._signature.arguments][: len(args)]
    try:
        bound = inspect.signature(fn).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return [f"input_{i}" for i in range(len(args))]
    names: list[str] = []
    for name, parameter in bound.signature.parameters.items():
        if name not in bound.arguments:
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{name}_{i}" for i in range(len(bound.arguments[name]))]
        elif parameter.kind is not inspect.Parameter.VAR_KEYWORD:
            names.append(name)
    return names[: len(args)]


def trace(
    fn: Any,
    example_inputs: Any = None,
    *,
    example_kwarg_inputs: Mapping[str, Any] | None = None,
    check_trace: bool = True,
    check_shapes: bool = True,
    _also: Callable[[], list[_C.Tensor]] | None = None,
) -> Any:
    """Runs a function or a module once and records the ops that it runs.

    Args:
        fn: a function of tensors, or a module. Arguments and results may be nested lists, tuples and dicts.
        example_inputs: a tensor, or a tuple of all positional arguments. They are copied.
        example_kwarg_inputs: keyword arguments.
        check_trace: run the graph on the examples too, and warn where it gives anything else.
        check_shapes: refuse inputs of other shapes than the examples', for which the recording may be wrong.

    Returns:
        A `ScriptModule` for a module, with its parameters and buffers; else a `ScriptFunction`.

    What was recorded stays: Python's branches and loops, sizes, and numbers read out of tensors (`item()`,
    `bool(t)`, `int(t)`, arrays of a tensor's memory), of which a `TracerWarning` names the line. In-place
    writes are recorded as the values that they make. Random ops draw anew in every run. Only this thread is
    recorded. Follows `torch.jit.trace`.

    Raises:
        RuntimeError: inside of another recording; for a captured tensor that has a history of its own.
        TypeError: for arguments or results that are no tensors, plain values and containers of them.

    >>> import rustorch as rt
    >>> traced = rt.jit.trace(rt.nn.Linear(3, 2), rt.ones(1, 3))
    >>> [node.op for node in traced.graph.nodes]
    ['linear']
    >>> list(traced.state_dict())
    ['weight', 'bias']
    """
    if isinstance(example_inputs, _C.Tensor):
        example_inputs = (example_inputs,)
    args = tuple(example_inputs) if isinstance(example_inputs, (tuple, list)) else None
    if args is None:
        if example_inputs is not None:
            raise DTypeError.of(
                "trace", "example_inputs is a tensor or a tuple of arguments", type(example_inputs).__name__
            )
        args = ()
    kwargs = dict(example_kwarg_inputs or {})
    if not callable(fn):
        raise DTypeError.of("trace", "expects a function or a module", type(fn).__name__)
    module = fn if isinstance(fn, rt.nn.Module) else None
    target = module.forward if module is not None else fn
    found, skeleton = _structure.flatten([args, kwargs], "trace")
    names = _input_names(target, args, kwargs)
    fresh = [_fresh(tensor) for _, tensor in found]
    inputs = [(_named(path, names), tensor) for (path, _), tensor in zip(found, fresh)]
    call_args, call_kwargs = _structure.fill(skeleton, fresh)

    def call() -> tuple[list[_C.Tensor], tuple[Any, list[_C.Tensor]]]:
        result = fn(*call_args, **call_kwargs)
        outputs, shape = _structure.flatten(result, "trace")
        tensors = [tensor for _, tensor in outputs]
        if _also is not None:  # further outputs of the graph, which a call of it does not give
            tensors += _also()
        return tensors, (shape, tensors)

    parameters = list(module.named_parameters()) if module is not None else []
    for parameter_name, parameter in parameters:
        if isinstance(parameter, UninitializedParameter):
            raise OpError.of(
                "trace",
                f"parameter '{parameter_name}' of a lazy module has no shape yet",
                hint="calling the module once before",
            )
    buffers = list(module.named_buffers()) if module is not None else []
    core, (output, results) = _C._trace(call, inputs, parameters, buffers)
    core = core.eliminate_dead_code()
    graph = Graph(core, skeleton, output, check_shapes)
    if check_trace:
        _check(graph, [tensor for _, tensor in found], results)
    del results
    name = getattr(fn, "__name__", type(fn).__name__)
    return ScriptFunction(graph, name) if module is None else ScriptModule(graph, module)


def _named(path: str, names: list[str]) -> str:
    """'0.1.key' -> 'x.key' of positional argument 1; '1.mask' -> 'mask' of a keyword argument."""
    group, _, rest = path.partition(".")
    if group == "1":
        return rest
    index, _, rest = rest.partition(".")
    name = names[int(index)] if int(index) < len(names) else f"input_{index}"
    return f"{name}.{rest}" if rest else name


def _check(graph: Graph, inputs: list[_C.Tensor], results: list[_C.Tensor]) -> None:
    """Warns where the graph does not give what the function gave: something went past the ops."""
    if graph.mutations or any(node.random for node in graph.nodes):
        return
    with rt.no_grad():
        again = graph._core.run([_fresh(tensor.detach()) for tensor in inputs], None)
    for i, (new, old) in enumerate(zip(again, results)):
        if new.dtype != old.dtype or not rt.equal(_bits(new), _bits(old)):
            _warn(
                f"output {i} of the graph is not what the function gave: something was computed past the "
                "ops, such as through an array"
            )


def _bits(tensor: _C.Tensor) -> _C.Tensor:
    """With NaN, which equals nothing, replaced."""
    tensor = tensor.detach().cpu()
    return rt.nan_to_num(tensor) if tensor.is_floating_point() else tensor
