"""What two branches leave, as one state of the variables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rustorch.jit._scripting.blocks import Block
from rustorch.jit._scripting.types import NOTHING, Type, list_of, unify
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Env,
    ListVal,
    Missing,
    Sym,
    TupleVal,
    Unset,
    Val,
    leaves,
    rebuilt,
    same,
    type_of,
)

Plan = Callable[[list[Sym]], Any]
FLAGS = ("%returned", "%broken", "%skipped")


def list_type(a: Type, b: Type) -> Type | None:
    """The type of a list that is of one of two types; that of an empty one is open."""
    item = unify(a.args[0], b.args[0])
    return None if item is None or item == NOTHING else list_of(item)


class Merge:
    """How to make the state after a branch, of what the node gives: `pairs` are its results, as they are on
    either side, and their types."""

    def __init__(self, compiler: Any, yes: tuple[Block, Env], no: tuple[Block, Env]) -> None:
        self.compiler = compiler
        self.where = compiler.location
        self.pairs: list[tuple[Any, Any, Type]] = []
        self.yes, self.no = yes[1], no[1]
        for (block, side), (_, other) in ((yes, no), (no, yes)):
            for cell, state in side.cells.items():
                if cell not in other.cells or other.dead:
                    other.cells[cell] = _stand_in(state, block)
            if other.dead:  # nothing of it is read
                other.names = {name: _stand_in(value, block) for name, value in side.names.items()}
        self.cells = {cell: self._cell(cell) for cell in self.yes.cells}
        names = dict.fromkeys([*self.yes.names, *self.no.names])
        self.names = {name: self._name(name) for name in names}

    def merged(self, made: list[Sym]) -> Env:
        env = Env({}, {}, self.yes.declared)
        for side in (self.yes, self.no):
            for cell, others in side.either.items():
                env.either[cell] = env.either.get(cell, frozenset()) | others
        self.compiler.env, current = env, self.compiler.env
        for cell, plan in self.cells.items():
            env.cells[cell] = plan(made)
        for name, plan in self.names.items():
            env.names[name] = plan(made)
        self.compiler.env = current
        return env

    def _side(self, env: Env, name: str) -> Any:
        value = env.names.get(name)
        if name not in (*FLAGS, "%result") and (value is None or isinstance(value, Missing)):
            returned = env.names.get("%returned")
            if isinstance(returned, Const) and returned.value:
                return Unset()  # nothing of that side is read
        if value is not None:
            return value
        if name in FLAGS:
            return Const(False)
        if name.startswith("%state"):
            return self.compiler.state_of(name.split(" ")[1])
        return Unset() if name == "%result" else None

    def _name(self, name: str) -> Plan:
        a, b = self._side(self.yes, name), self._side(self.no, name)
        if a is None or b is None:
            side = "if" if a is None else "else"
            return self._missing(f"the variable '{name}' has no value in the {side} branch of the if")
        for value in (a, b):
            if isinstance(value, Missing):
                return lambda made: value
        start = len(self.pairs)
        plan = self._plan(a, b)
        if plan is not None:
            return plan
        del self.pairs[start:]
        ta, tb = type_of(a, self.yes), type_of(b, self.no)
        if name == "%result":
            self.compiler.fail(f"the function returns {ta} on one way and {tb} on another", "one type")
        return self._missing(f"the variable '{name}' is {ta} in one branch and {tb} in the other of the if")

    def _missing(self, why: str) -> Plan:
        value = Missing(f"{why} at {self.where}")
        return lambda made: value

    def _cell(self, cell: int) -> Plan:
        start = len(self.pairs)
        plan = self._state(self.yes.cells[cell], self.no.cells[cell])
        if plan is None:
            del self.pairs[start:]
            return self._missing("this list or dict is changed in two ways by the if")
        return plan

    def _pair(self, a: Any, b: Any, kind: Type) -> Plan:
        at = len(self.pairs)
        self.pairs.append((a, b, kind))
        return lambda made: made[at]

    def _plan(self, a: Any, b: Any) -> Plan | None:
        """How to make what is a on one side and b on the other; None where that cannot be."""
        if same(a, b):
            return lambda made: a
        a, b = (Unset() if isinstance(x, Sym) and x.type == NOTHING else x for x in (a, b))
        if isinstance(a, Unset) and isinstance(b, TupleVal):
            a = rebuilt(b, iter([Unset() for _ in leaves(b)]))
        if isinstance(b, Unset) and isinstance(a, TupleVal):
            b = rebuilt(a, iter([Unset() for _ in leaves(a)]))
        if isinstance(a, TupleVal) and isinstance(b, TupleVal):
            if len(a.items) != len(b.items) or a.cls is not b.cls:
                return None
            return self._tuple(a, [self._plan(x, y) for x, y in zip(a.items, b.items)])
        if isinstance(a, (ListVal, DictVal)) and isinstance(b, Unset):
            return lambda made: a  # its cell is merged by itself
        if isinstance(b, (ListVal, DictVal)) and isinstance(a, Unset):
            return lambda made: b
        if isinstance(a, DictVal) and isinstance(b, DictVal):
            inner = self._state(self.yes.cells[a.cell], self.no.cells[b.cell])
            if inner is None:
                return None

            def one_of_two(made: list[Sym]) -> Val:
                found: DictVal = self.compiler.new_dict(inner(made), "it is one of two dicts")
                self.compiler.env.note_either((a.cell, b.cell), found.cell)
                return found

            return one_of_two
        if isinstance(a, ListVal) and isinstance(b, ListVal):
            return self._lists(a, b)
        if isinstance(a, (Const, Sym, Unset)) and isinstance(b, (Const, Sym, Unset)):
            kind = unify(a.type, b.type)
            return None if kind is None or kind.leaf is None else self._pair(a, b, kind)
        return None

    def _tuple(self, like: TupleVal, parts: list[Plan | None]) -> Plan | None:
        known = [part for part in parts if part is not None]
        if len(known) != len(parts):
            return None
        return lambda made: TupleVal(tuple(part(made) for part in known), like.names, like.cls)

    def _lists(self, a: ListVal, b: ListVal) -> Plan | None:
        inner = self._state(self.yes.cells[a.cell], self.no.cells[b.cell], a.item or b.item)
        if inner is None:
            return None
        item = a.item or b.item

        def one_of_two(made: list[Sym]) -> Val:
            found: ListVal = self.compiler.new_list(inner(made), item, "it is one of two lists")
            self.compiler.env.note_either((a.cell, b.cell), found.cell)
            return found

        return one_of_two

    def _state(self, a: Any, b: Any, item: Type | None = None) -> Plan | None:
        """The same of what two cells hold."""
        if same(a, b):
            return lambda made: a
        if isinstance(a, Missing) or isinstance(b, Missing):
            missing = a if isinstance(a, Missing) else b
            return lambda made: missing
        if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
            parts = {key: self._plan(a[key], b[key]) for key in a}
            if None in parts.values():
                return None
            return lambda made: {key: plan(made) for key, plan in parts.items() if plan is not None}
        if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            start = len(self.pairs)
            items = [self._plan(x, y) for x, y in zip(a, b)]
            if None not in items:
                return lambda made: [plan(made) for plan in items if plan is not None]
            del self.pairs[start:]
        if isinstance(a, dict) or isinstance(b, dict):
            return None
        kind = list_type(_state_type(a, self.yes, item), _state_type(b, self.no, item))
        return None if kind is None or kind.leaf is None else self._pair(a, b, kind)


def _state_type(state: Any, env: Env, item: Type | None) -> Type:
    if isinstance(state, Sym):
        return state.type
    if isinstance(state, Unset):
        return list_of(item or NOTHING)
    return type_of(ListVal(0, item), Env({}, {0: state}))


def _stand_in(state: Any, block: Block) -> Any:
    """The same for the side that has it not: what the other side made is not there."""
    found: list[Val] = [
        Unset() if isinstance(leaf, Sym) and leaf.block is block else leaf for leaf in leaves(state)
    ]
    return rebuilt(state, iter(found))
