"""What expressions of a script are while it is compiled: values of the graph, constants, containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rustorch import _C
from rustorch.jit._scripting.types import (
    ANY,
    BOOL,
    DEVICE,
    DTYPE,
    FLOAT,
    INT,
    NONE,
    NOTHING,
    STR,
    Type,
    list_of,
    unify,
)

if TYPE_CHECKING:
    from rustorch.jit._scripting.blocks import Block


class Val:
    """Anything that an expression can be."""


@dataclass(frozen=True)
class Const(Val):
    """A number, string, dtype, device or None that is known now."""

    value: Any

    @property
    def type(self) -> Type:
        value = self.value
        if value is None:
            return NONE
        if isinstance(value, _C.dtype):
            return DTYPE
        if isinstance(value, _C.device):
            return DEVICE
        return {bool: BOOL, int: INT, float: FLOAT, str: STR}.get(type(value), NOTHING)

    def same(self, other: Val) -> bool:
        return isinstance(other, Const) and type(self.value) is type(other.value) and (
            repr(self.value) == repr(other.value)
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sym(Val):
    """A value of the graph that is being built."""

    block: Block
    id: int
    type: Type

    def typed(self, type: Type) -> Sym:
        return Sym(self.block, self.id, type)

    def is_same(self, other: Val) -> bool:
        return isinstance(other, Sym) and other.block is self.block and other.id == self.id


class Unset(Val):
    """What a variable is where it has no value yet, but will have when it is read."""

    type = NOTHING


@dataclass(frozen=True, eq=False)
class Missing(Val):
    """A variable that may not be read, and why."""

    why: str


@dataclass(frozen=True, eq=False)
class TupleVal(Val):
    items: tuple[Val, ...]
    names: tuple[str, ...] = ()
    cls: Any = tuple


@dataclass(frozen=True, eq=False)
class ListVal(Val):
    """A list, by its cell: names that are bound to one list see its changes."""

    cell: int
    item: Type | None = None
    frozen: str = ""  # why it cannot be changed


@dataclass(frozen=True, eq=False)
class DictVal(Val):
    cell: int
    frozen: str = ""  # why it cannot be changed


@dataclass(frozen=True, eq=False)
class ModuleVal(Val):
    module: Any
    path: str  # "" or "a.b."


@dataclass(frozen=True, eq=False)
class Object(Val):
    """A Python object: a module of Python's, a function, a class."""

    value: Any


@dataclass(frozen=True, eq=False)
class Method(Val):
    owner: Val
    name: str


@dataclass(frozen=True, eq=False)
class SliceVal(Val):
    start: Val
    stop: Val
    step: Val


@dataclass
class Iteration(Val):
    """What `for` goes over: all items now, or a count and how to get one."""

    items: list[Val] | None = None
    count: Val | None = None
    get: Any = None  # turn -> item
    watch: tuple[int, ...] = ()  # the cells of the lists
    once: bool = False  # nothing is left of it when it was gone over
    used: bool = False


@dataclass
class Env:
    """The variables of a function, and the lists and dicts of the whole script."""

    names: dict[str, Val] = field(default_factory=dict)
    cells: dict[int, Any] = field(default_factory=dict)
    declared: dict[str, Type] = field(default_factory=dict)
    dead: bool = False  # nothing runs here any more: raise
    # Of a list or dict that was one of two by a branch: cells of both, and the cell that holds which it was.
    either: dict[int, frozenset[int]] = field(default_factory=dict)

    def copy(self) -> Env:
        return Env(dict(self.names), dict(self.cells), self.declared, self.dead, dict(self.either))

    def replace(self, other: Env) -> None:
        self.names, self.cells, self.dead = other.names, other.cells, other.dead
        self.either = other.either

    def note_either(self, cells: tuple[int, int], made: int) -> None:
        for cell in cells:
            self.either[cell] = self.either.get(cell, frozenset()) | {made}

    def changed(self, cell: int) -> None:
        """What may be this list or dict under another name is not known any more."""
        for other in self.either.get(cell, ()):
            if not isinstance(self.cells.get(other), Missing):
                self.cells[other] = Missing(
                    "this may be a list or dict that was changed since the if that chose it"
                )
                self.changed(other)


def type_of(value: Val, env: Env) -> Type:
    """The static type; of containers the type of what they hold."""
    if isinstance(value, (Const, Sym, Unset)):
        return value.type
    if isinstance(value, TupleVal):
        return Type("Tuple", tuple(type_of(item, env) for item in value.items))
    if isinstance(value, ListVal):
        state = env.cells[value.cell]
        if isinstance(state, Sym):
            return state.type
        item = value.item
        if isinstance(state, Missing):
            return list_of(ANY)
        for found in state:
            kind = type_of(found, env)
            item = kind if item is None else unify(item, kind)
            if item is None:
                return list_of(ANY)
        return list_of(item) if item is not None else Type("List", (NOTHING,))
    return Type(type(value).__name__)


def leaves(value: Any) -> Iterator[Val]:
    """The values and constants in a value or in a cell's state, in order."""
    if isinstance(value, TupleVal):
        for item in value.items:
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, (Const, Sym, Unset)):
        yield value


def rebuilt(value: Any, found: Iterator[Val]) -> Any:
    """The value with other leaves."""
    if isinstance(value, TupleVal):
        return TupleVal(tuple(rebuilt(item, found) for item in value.items), value.names, value.cls)
    if isinstance(value, list):
        return [rebuilt(item, found) for item in value]
    if isinstance(value, dict):
        return {key: rebuilt(item, found) for key, item in value.items()}
    if isinstance(value, (Const, Sym, Unset)):
        return next(found)
    return value


def same(a: Any, b: Any) -> bool:
    """Whether two states of a variable or cell are one and the same."""
    if a is b:
        return True
    if isinstance(a, Const):
        return a.same(b)
    if isinstance(a, Sym):
        return a.is_same(b) and a.type == b.type
    if isinstance(a, TupleVal) and isinstance(b, TupleVal):
        return a.cls is b.cls and len(a.items) == len(b.items) and all(map(same, a.items, b.items))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (ListVal, DictVal)) and type(a) is type(b):
        return a.cell == b.cell
    if isinstance(a, ModuleVal) and isinstance(b, ModuleVal):
        return a.module is b.module
    if isinstance(a, Object) and isinstance(b, Object):
        return a.value is b.value
    if isinstance(a, Method) and isinstance(b, Method):
        return a.name == b.name and same(a.owner, b.owner)
    return type(a) is type(b) and isinstance(a, (Unset, Missing))
