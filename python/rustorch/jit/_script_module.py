"""What trace() and load() return: a graph that is called as the function or module was."""

from __future__ import annotations

import os
from typing import Any, BinaryIO

import rustorch as rt
from rustorch import _C
from rustorch.errors import OpError
from rustorch.jit._graph import Graph

__all__ = ["ScriptFunction", "ScriptModule"]


class ScriptFunction:
    """A recorded function.

    >>> import rustorch as rt
    >>> double = rt.jit.trace(lambda x: x + x, rt.ones(2))
    >>> double(rt.ones(2))
    tensor([2., 2.])
    """

    def __init__(self, graph: Graph, name: str = "function") -> None:
        self.graph = graph
        self.name = name
        self._source: Any = None  # what script() compiled, for scripts that call it

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.graph(*args, **kwargs)

    def save(self, f: str | os.PathLike[str] | BinaryIO) -> None:
        """Write it to a file that `rustorch.jit.load` reads."""
        from rustorch.jit._serialize import save

        save(self, f)

    def __repr__(self) -> str:
        return f"ScriptFunction(name={self.name!r}, nodes={len(self.graph.nodes)})"


def _owner(root: rt.nn.Module, name: str, make: bool = False) -> tuple[rt.nn.Module, str]:
    """The module that holds the parameter or buffer of this dotted name, and its name there."""
    *path, last = name.split(".")
    for part in path:
        child = root._modules.get(part)
        if child is None:
            if not make:
                raise OpError.of("jit", f"the module has no '{name}'")
            child = root._modules[part] = rt.nn.Module()
        root = child
    return root, last


class ScriptModule(rt.nn.Module):
    """A recorded module: its parameters and buffers under their names, and the graph of its forward.

    It shares the tensors of the module that was recorded. `state_dict`, `parameters`, `to` and the rest work
    as in any module; `train` and `eval` set the flag, and what was recorded stays.

    >>> import rustorch as rt
    >>> traced = rt.jit.trace(rt.nn.Linear(2, 1), rt.ones(1, 2))
    >>> [name for name, _ in traced.named_parameters()]
    ['weight', 'bias']
    """

    def __init__(self, graph: Graph, module: rt.nn.Module | None = None, name: str = "") -> None:
        super().__init__()
        self._name = name or (type(module).__name__ if module is not None else "Module")
        if module is not None:
            self._copy_state(module)
            self.training = module.training
        taken = {id(v) for v in (*self.parameters(), *self.buffers())}
        for value in (*graph.parameters.values(), *graph.buffers.values()):
            if id(value.tensor) not in taken:
                self._adopt(value)
        self._graph = graph
        self._methods: dict[str, Graph] = {}
        self._slots: list[tuple[Any, str] | None] = [
            None if value.kind == "constant" else self._slot(value.name) for value in graph._core.tensors
        ]

    def _copy_state(self, module: rt.nn.Module) -> None:
        for path, source in module.named_modules(remove_duplicate=False):
            target, _ = _owner(self, f"{path}." if path else "", make=True)
            target.training = source.training
            target._parameters.update(source._parameters)
            target._buffers.update(source._buffers)
            target._non_persistent_buffers_set.update(source._non_persistent_buffers_set)

    def _adopt(self, value: Any) -> None:
        """A tensor that the recorded code held outside of its parameters and buffers."""
        owner, last = _owner(self, value.name, make=True)
        if value.kind == "parameter":
            tensor = value.tensor
            is_parameter = isinstance(tensor, rt.nn.Parameter)
            owner._parameters[last] = tensor if is_parameter else rt.nn.Parameter(tensor)
        else:
            owner._buffers[last] = value.tensor

    def _slot(self, name: str) -> tuple[Any, str]:
        owner, last = _owner(self, name)
        return (owner._parameters if last in owner._parameters else owner._buffers), last

    def _tensors(self) -> list[_C.Tensor]:
        """What stands for the graph's tensors now: the module's, which may have moved or been replaced."""
        values = self._graph._core.tensors
        found: list[Any] = [
            value.tensor if slot is None else slot[0][slot[1]] for value, slot in zip(values, self._slots)
        ]
        return found

    @property
    def graph(self) -> Graph:
        """The recorded graph."""
        return self._graph

    def _flags(self, graph: Graph) -> list[bool] | None:
        """The `training` of the modules that a scripted graph asks for it."""
        if graph._signature is None:
            return None
        return [_owner(self, path)[0].training for path, _ in graph._signature.flags]

    def _add_method(self, name: str, graph: Graph) -> None:
        """A method besides forward, which `script` compiled."""
        other = ScriptModule(graph, self)

        def method(*args: Any, **kwargs: Any) -> Any:
            return graph._call(args, kwargs, other._tensors(), self._flags(graph))

        self._methods[name] = graph
        object.__setattr__(self, name, method)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self._graph._call(args, kwargs, self._tensors(), self._flags(self._graph))

    def save(self, f: str | os.PathLike[str] | BinaryIO) -> None:
        """Write graph, parameters and buffers to a file that `rustorch.jit.load` reads."""
        from rustorch.jit._serialize import save

        save(self, f)

    def _get_name(self) -> str:
        return f"ScriptModule[{self._name}]"
