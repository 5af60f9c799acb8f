"""Whether a program makes sense as a whole: names are defined once, before use, and in sight."""

from __future__ import annotations

from rustorch.coreml.mil.program import Block, Function, Model, Operation, StateType
from rustorch.errors import FormatError

__all__ = ["check_model"]


def _fail(what: str, got: str = "") -> FormatError:
    return FormatError.of("coreml", what, got[:200])


def check_model(model: Model) -> None:
    """Raises ValueError (`FormatError`) unless names are defined and functions are as described."""
    for name, function in model.functions.items():
        _Scope(name).function(function)
    described = model.description.functions or [model.description.function()]
    names = [function.name for function in described]
    if len(set(names)) != len(names):
        raise _fail("a function is described twice", ", ".join(names))
    if model.default_function_name not in names:
        raise _fail("the default function is not described", repr(model.default_function_name))
    for interface in described:
        if interface.name not in model.functions:
            raise _fail("a function is described that the program lacks", repr(interface.name))
        function = model.functions[interface.name]
        states = {item.name for item in function.inputs if isinstance(item.type, StateType)}
        inputs = {item.name for item in function.inputs} - states
        outputs = set(function.block.outputs)
        for kind, features, given in (
            ("inputs", interface.inputs, inputs),
            ("states", interface.states, states),
            ("outputs", interface.outputs, outputs),
        ):
            wanted = {feature.name for feature in features}
            if wanted != given:
                odd = ", ".join(sorted(map(repr, wanted ^ given)))
                raise _fail(
                    f"the {kind} of function {interface.name!r} are not those that are described", odd
                )


class _Scope:
    """The names that can be seen; a block adds its own and takes them away at its end."""

    def __init__(self, function: str) -> None:
        self.function_name = function
        self.names: set[str] = set()

    def fail(self, what: str, got: str) -> FormatError:
        return _fail(f"function {self.function_name!r}: {what}", repr(got))

    def define(self, name: str, added: list[str]) -> None:
        if not name:
            raise self.fail("a value has no name", name)
        if name in self.names:
            raise self.fail("a name is defined twice", name)
        self.names.add(name)
        added.append(name)

    def function(self, function: Function) -> None:
        for block in function.blocks.values():
            added: list[str] = []
            for item in function.inputs:
                self.define(item.name, added)
            self.block(block)
            self.names.difference_update(added)

    def block(self, block: Block) -> None:
        added: list[str] = []
        for item in block.inputs:
            self.define(item.name, added)
        for operation in block.operations:
            self.operation(operation)
            for item in operation.outputs:
                self.define(item.name, added)
        for name in block.outputs:
            if name not in self.names:
                raise self.fail("a block has an output that nothing defines", name)
        self.names.difference_update(added)

    def operation(self, operation: Operation) -> None:
        if not operation.type:
            raise self.fail("an operation has no type", operation.type)
        for bindings in operation.inputs.values():
            for binding in bindings:
                if isinstance(binding, str) and binding not in self.names:
                    raise self.fail(f"{operation.type} uses a name that nothing before defines", binding)
        for block in operation.blocks:
            self.block(block)
