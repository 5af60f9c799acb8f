"""How a scripted function is called: its parameters, their types and defaults, and the values they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rustorch import _C
from rustorch.errors import DTypeError
from rustorch.jit._scripting.types import Type, parse


@dataclass(frozen=True)
class Argument:
    name: str
    type: Type
    keyword_only: bool = False
    has_default: bool = False
    default: Any = None


@dataclass(frozen=True)
class Signature:
    """The parameters, and the modules whose `training` the graph reads, with what it was."""

    name: str
    arguments: tuple[Argument, ...]
    flags: tuple[tuple[str, bool], ...] = ()

    def bind(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], flags: Sequence[bool] | None = None
    ) -> list[Any]:
        """The values of the graph's inputs.

        Raises:
            TypeError: for arguments that the function does not take.
        """
        positional = [a for a in self.arguments if not a.keyword_only]
        if len(args) > len(positional):
            raise DTypeError.of(self.name, f"takes {len(positional)} positional arguments", str(len(args)))
        given = dict(zip((a.name for a in positional), args))
        for key, value in kwargs.items():
            if key in given or all(a.name != key for a in self.arguments):
                raise DTypeError.of(self.name, f"got an unexpected keyword argument '{key}'")
            given[key] = value
        values: list[Any] = []
        for argument in self.arguments:
            if argument.name not in given and not argument.has_default:
                raise DTypeError.of(self.name, f"missing argument '{argument.name}'")
            self._put(argument.name, argument.type, given.get(argument.name, argument.default), values)
        return values + list([value for _, value in self.flags] if flags is None else flags)

    def _put(self, name: str, kind: Type, value: Any, values: list[Any]) -> None:
        if kind.kind == "Tuple":
            if not isinstance(value, tuple) or len(value) != len(kind.args):
                self._wrong(name, kind, value)
            for inner, item in zip(kind.args, value):
                self._put(name, inner, item, values)
        elif value is None and kind.kind in ("Optional", "None"):
            values.append(None)
        elif kind.bare.kind == "List":
            item = kind.bare.args[0]
            if not isinstance(value, (list, tuple)) or not all(_fits(item, x) for x in value):
                self._wrong(name, kind, value)
            values.append((kind.bare.leaf, list(value)))
        else:
            if not _fits(kind.bare, value):
                self._wrong(name, kind, value)
            number = kind.bare.kind == "float"
            values.append(float(value) if number and not isinstance(value, float) else value)

    def _wrong(self, name: str, kind: Type, value: Any) -> None:
        raise DTypeError.of(self.name, f"argument '{name}' must be {kind}", type(value).__name__)

    # ---- Files ----

    def encoded(self) -> list[Any]:
        rows = [[a.name, str(a.type), a.keyword_only, a.has_default, a.default] for a in self.arguments]
        return [self.name, rows, [list(flag) for flag in self.flags]]


def decoded(data: Any) -> Signature:
    """What `encoded` gave.

    Raises:
        ValueError: for anything else.
    """
    name, rows, flags = data
    arguments = []
    for argument, kind, keyword_only, has_default, default in rows:
        plain = default is None or isinstance(default, (bool, int, float, str, _C.dtype, _C.device))
        if not (isinstance(argument, str) and isinstance(kind, str) and plain):
            raise ValueError("a parameter is a name, a type and a default")
        if type(keyword_only) is not bool or type(has_default) is not bool:
            raise ValueError("a parameter is a name, a type and a default")
        arguments.append(Argument(argument, parse(kind), keyword_only, has_default, default))
    if not isinstance(name, str) or len({a.name for a in arguments}) != len(arguments):
        raise ValueError("a name is missing, or occurs twice")
    for path, value in flags:
        if not isinstance(path, str) or type(value) is not bool:
            raise ValueError("a flag is the path of a module and a bool")
    return Signature(name, tuple(arguments), tuple((path, value) for path, value in flags))


def inputs_of(signature: Signature) -> list[str]:
    """The types of the graph's inputs."""
    kinds: list[str] = []

    def put(kind: Type) -> None:
        if kind.kind == "Tuple":
            for inner in kind.args:
                put(inner)
        else:
            leaf = kind.leaf
            if leaf is None:
                raise ValueError(f"{kind} is no type of an argument")
            kinds.append(leaf)

    for argument in signature.arguments:
        put(argument.type)
    return kinds + ["bool"] * len(signature.flags)


def _fits(kind: Type, value: Any) -> bool:
    """Whether a Python object is of a type; a number as PyTorch takes one."""
    if kind.kind == "Tensor":
        return isinstance(value, _C.Tensor)
    if kind.kind == "bool":
        return isinstance(value, bool)
    if kind.kind == "int":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    if kind.kind == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind.kind == "number":
        return isinstance(value, (int, float))
    classes: dict[str, Any] = {"str": str, "dtype": _C.dtype, "device": _C.device}
    return kind.kind in classes and isinstance(value, classes[kind.kind])
