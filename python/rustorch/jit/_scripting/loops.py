"""Loops: unrolled where what they go over is known, else nodes that carry what their bodies change."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from typing import Any

from rustorch import nn
from rustorch.jit._scripting.assignments import Assignments
from rustorch.jit._scripting.blocks import Block, blocks_node
from rustorch.jit._scripting.errors import ScriptError, Unreachable
from rustorch.jit._scripting.merging import list_type
from rustorch.jit._scripting.types import BOOL, INT, NONE, NOTHING, TENSOR, Type, unify
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Env,
    Iteration,
    ListVal,
    Missing,
    ModuleVal,
    Sym,
    TupleVal,
    Unset,
    Val,
    leaves,
    rebuilt,
    same,
    type_of,
)

_CONTAINERS = (nn.ModuleList, nn.Sequential, nn.ModuleDict, nn.ParameterList, nn.ParameterDict)
RETURNED, RESULT, BROKEN, SKIPPED = "%returned", "%result", "%broken", "%skipped"


class _Carried:
    """What is known so far of what a loop carries from turn to turn."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.cells: set[int] = set()
        self.types: dict[tuple[Any, int], Type] = {}  # wider than before the loop
        self.dynamic: dict[int, Type] = {}  # lists whose length changes
        self.shapes: dict[str, Any] = {}  # of what has its first value in the loop


def _assigned(statements: list[Any]) -> set[str]:
    """The names that statements assign to."""
    return {
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _unset_like(value: Any) -> Any:
    """A value of this structure, without values yet."""
    return rebuilt(value, iter([Unset() for _ in leaves(value)]))


def _cells_in(value: Any) -> list[int]:
    """The lists and dicts that a value holds."""
    if isinstance(value, TupleVal):
        return [cell for item in value.items for cell in _cells_in(item)]
    return [value.cell] if isinstance(value, (ListVal, DictVal)) else []


def _alike(a: Any, b: Any) -> bool:
    """Whether two states have one structure, whatever their leaves."""
    leaf = (Const, Sym, Unset)
    if isinstance(a, leaf) and isinstance(b, leaf):
        return True
    if isinstance(a, TupleVal) and isinstance(b, TupleVal):
        return len(a.items) == len(b.items) and all(map(_alike, a.items, b.items))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_alike, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(_alike(a[key], b[key]) for key in a)
    return same(a, b)


class _Again(Exception):
    """The loop is to be compiled again: it carries more than was thought."""


class Loops(Assignments):
    """The part of the compiler for loops and what is written as one."""

    carried: dict[tuple[str, ...], _Carried]
    frames: list[Any]

    def state_of(self, path: str) -> Val:
        raise NotImplementedError

    def execute(self, statements: list[ast.stmt]) -> None:
        raise NotImplementedError

    def _going_on(self, run: Callable[[], Any]) -> None:
        raise NotImplementedError

    def given_by(self, block: Block, env: Env, value: Any, kind: Type) -> Sym:
        raise NotImplementedError

    def _do_While(self, node: ast.While) -> None:
        if node.orelse:
            self.fail("else after a loop", "a flag")
        test = self.condition(node.test)
        if isinstance(test, Const) and not test.value:
            return
        self._loop(
            Const(None),
            test,
            _assigned(node.body),
            lambda turn: self.execute(node.body),
            lambda: self.condition(node.test),
        )

    def _do_For(self, node: ast.For) -> None:
        if node.orelse:
            self.fail("else after a loop", "a flag")
        over = self.iteration(self.evaluate(node.iter))

        def body(item: Val) -> None:
            self.assign(node.target, item)
            self.execute(node.body)

        self._over(over, body, _assigned([node]))

    def _over(self, over: Iteration, body: Callable[[Val], None], assigned: set[str]) -> None:
        where, watched = self.location, {cell: self.env.cells[cell] for cell in over.watch}

        def turn(item: Val) -> None:
            body(item)
            if not all(same(self.env.cells.get(cell), state) for cell, state in watched.items()):
                self.location = where
                self.fail("a list is changed while a loop goes over it", "a copy, list(...)")

        if over.items is not None:
            before = self.env.names.get(BROKEN, Const(False))
            self.env.names[BROKEN] = Const(False)
            self._unrolled(over.items, turn)
            self.env.names[BROKEN] = before
            return
        assert over.count is not None
        self._loop(over.count, Const(True), assigned, lambda at: turn(over.get(at)), None)

    def _unrolled(self, items: list[Val], body: Callable[[Val], None]) -> None:
        if not items or self.env.dead:
            return
        skipped = self.env.names.get(SKIPPED, Const(False))
        self.env.names[SKIPPED] = Const(False)
        body(items[0])
        self.env.names[SKIPPED] = skipped
        self.branch(
            self._gone(), lambda: None, lambda: self._going_on(lambda: self._unrolled(items[1:], body))
        )

    def _gone(self) -> Val:
        """Whether the loop was left."""
        found: Val = Const(False)
        for name in (BROKEN, RETURNED):
            flag = self.env.names.get(name, Const(False))
            if isinstance(flag, Const):
                if flag.value:
                    return flag
            elif isinstance(found, Const):
                found = flag
            else:
                found = self.emit("script.max", [self.arg(found), self.arg(flag)], BOOL)
        return found

    def _loop(
        self,
        trips: Val,
        condition: Val,
        assigned: set[str],
        body: Callable[[Val], None],
        test: Callable[[], Val] | None,
    ) -> None:
        outer, before, where, cell = self.block, self.env, self.location, self.next_cell
        key, depth = (*self.calls, where, str(outer.depth)), len(self.frames)
        # What an earlier try of a loop around this one found out mostly still holds.
        for carried in dict.fromkeys((self.carried.get(key), None)):
            try:
                self._settle(carried or _Carried(), key, trips, condition, assigned, body, test)
                return
            except ScriptError:
                if carried is None:
                    raise
                self.block, self.env, self.location = outer, before, where
                self.next_cell = cell
                del self.frames[depth:], self.calls[depth - 1 :]

    def _settle(
        self,
        carried: _Carried,
        key: tuple[str, ...],
        trips: Val,
        condition: Val,
        assigned: set[str],
        body: Callable[[Val], None],
        test: Callable[[], Val] | None,
    ) -> None:
        outer, before, where, cell = self.block, self.env, self.location, self.next_cell
        known = before.names
        state = {name for name in carried.names if name.startswith("%state")}
        carried.names |= {name for name in assigned if name in known}
        carried.names &= {*known, RESULT, RETURNED, *state}
        carried.names -= {name for name in carried.names if isinstance(known.get(name), Missing)}
        carried.cells &= set(before.cells)
        carried.dynamic = {c: kind for c, kind in carried.dynamic.items() if self._can_be(before, c, kind)}
        self.carried[key] = carried
        for _ in range(200):
            self.block, self.env, self.location = outer, before.copy(), where
            self.next_cell = cell
            try:
                self._try_loop(trips, condition, carried, body, test)
            except _Again:
                continue
            result = self.env
            self.block, self.env = outer, before
            before.replace(result)
            return
        raise AssertionError("every try carries more, of what is finite")

    def _can_be(self, env: Env, cell: int, kind: Type) -> bool:
        """Whether a list that was found to change its length is one of this type."""
        state = env.cells.get(cell)
        if not isinstance(state, list):
            return False
        return list_type(type_of(ListVal(cell), env), kind) == kind

    def _try_loop(
        self,
        trips: Val,
        condition: Val,
        carried: _Carried,
        body: Callable[[Val], None],
        test: Callable[[], Val] | None,
    ) -> None:
        outer, before, where = self.block, self.env, self.location
        inner = Block(outer)
        self.block = inner
        turn = inner.add_input("turn", INT)
        starts: list[Sym] = []
        shapes: dict[Any, Any] = {}
        env = before.copy()

        def enter(key: Any, value: Any) -> Any:
            """The state at the start of a turn, and what it is before the first."""
            shapes[key] = value
            found = []
            for i, leaf in enumerate(leaves(value)):
                kind, wider = type_of(leaf, before), carried.types.get((key, i))
                if wider is not None and unify(kind, wider) == wider:
                    kind = wider
                if kind.leaf is None:
                    kind = NOTHING if kind == NONE else kind
                self.block = outer
                starts.append(self.sym(leaf, kind))
                self.block = inner
                name = key if isinstance(key, str) else "list"
                found.append(
                    inner.add_input(
                        name.strip("%"), kind if kind.leaf else Type("Optional", (TENSOR,))
                    ).typed(kind)
                )
            return rebuilt(value, iter(found))

        for cell in carried.cells:
            state = before.cells[cell]
            if cell in carried.dynamic and isinstance(state, list):
                state = self.static_to_sym_in(outer, before, carried.dynamic[cell], state)
            env.cells[cell] = enter(cell, state)
        for name in sorted(carried.names):
            value = before.names.get(name)
            if value is None:
                value = Const(False) if name in (BROKEN, SKIPPED, RETURNED) else Unset()
            if name.startswith("%state") and isinstance(value, Unset):
                value = self.state_of(name.split(" ")[1])
            open_value = isinstance(value, Unset) or (isinstance(value, Sym) and value.type == NOTHING)
            if open_value and name in carried.shapes:
                value = carried.shapes[name]
            env.names[name] = enter(name, value)
        at_start = env.copy()
        self.block, self.env = inner, env
        for name in (BROKEN, SKIPPED, RETURNED):
            env.names[name] = Const(False)
        with contextlib.suppress(Unreachable):
            body(turn)
        env = self.env
        if env.dead:
            env.dead = False
            go: Val = Const(False)
            env.names, env.cells = dict(at_start.names), {**env.cells, **at_start.cells}
        else:
            env.names.pop(SKIPPED)
            gone = self._gone()
            env.names.pop(BROKEN)
            if isinstance(gone, Const):
                go = Const(False) if gone.value else Const(True) if test is None else test()
            elif test is None:
                go = self.negated(gone)
            else:
                go = self.value_of(gone, lambda: Const(False), test)
        env = self.env
        self.location = where
        self._find_carried(carried, at_start, env, before)
        outputs: list[Sym] = []
        kinds: list[Type] = []
        for key in shapes:
            ended_value = env.names[key] if isinstance(key, str) else env.cells[key]
            was = at_start.names[key] if isinstance(key, str) else at_start.cells[key]
            self._carry(carried, key, was, ended_value, at_start.cells, outputs, kinds)
        go_sym = self.sym(go)
        outer.location = where
        own = [self._own(outer, trips), self._own(outer, condition)]
        made = blocks_node(outer, "loop", own, starts, [(inner, [go_sym, *outputs])], kinds)
        self.block = outer
        after = before.copy()
        results = iter(made)
        for key, value in shapes.items():
            state = rebuilt(value, results)
            if isinstance(key, str):
                after.names[key] = state
            else:
                after.cells[key] = state
        for name in env.names:
            if name not in after.names and not name.startswith("%"):
                after.names[name] = Missing(
                    f"the variable '{name}' is first given a value in the loop at {where}"
                )
        self.env = after

    def _own(self, outer: Block, value: Val) -> list[Any]:
        if isinstance(value, Const):
            return ["attribute", value.value]
        assert isinstance(value, Sym)
        return ["value", outer.use(value)]

    def static_to_sym_in(self, block: Block, env: Env, kind: Type, items: list[Val]) -> Sym:
        inner, current = self.block, self.env
        self.block, self.env = block, env
        made = self.static_to_sym(kind, items)
        self.block, self.env = inner, current
        return made

    def _find_carried(self, carried: _Carried, start: Env, end: Env, before: Env) -> None:
        """What the body changed besides what was known to be carried."""
        again = False
        for name, value in end.names.items():
            old = before.names.get(name, Const(False) if name == RETURNED else None)
            if (
                name in carried.names
                or isinstance(old, Missing)
                or (old is None and name != RESULT and not name.startswith("%state"))
            ):
                continue
            if old is None or not same(value, old):
                carried.names.add(name)
                again = True
        for cell in before.cells:
            if cell not in carried.cells and not same(end.cells[cell], before.cells[cell]):
                carried.cells.add(cell)
                again = True
        if again:
            raise _Again

    def _carry(
        self,
        carried: _Carried,
        key: Any,
        was: Any,
        ended: Any,
        first_cells: Any,
        outputs: list[Sym],
        kinds: list[Type],
    ) -> None:
        what = f"the variable '{key}'" if isinstance(key, str) else "a list or dict"
        what = "what is returned" if key == RESULT else what
        if isinstance(ended, Missing):
            self.fail(ended.why, "one way to change it")
        if isinstance(was, Unset) or (isinstance(was, Sym) and was.type == NOTHING):
            if isinstance(ended, (TupleVal, ListVal, DictVal)) and isinstance(key, str):
                if any(cell not in first_cells for cell in _cells_in(ended)):
                    self.fail(
                        "a list or dict that is made in a loop is returned from it",
                        "one made before the loop",
                    )
                carried.shapes[key] = _unset_like(ended)
                carried.types = {at: kind for at, kind in carried.types.items() if at[0] != key}
                raise _Again
        if not isinstance(key, str) and isinstance(was, list) and not _alike(was, ended):
            types = [type_of(ListVal(key), Env({}, {key: was})), type_of(ListVal(key), Env({}, {key: ended}))]
            declared = next(
                (
                    v.item
                    for v in self.env.names.values()
                    if isinstance(v, ListVal) and v.cell == key and v.item
                ),
                None,
            )
            kind = list_type(*types)
            if declared is not None and (kind is None or kind.leaf is None):
                kind = Type("List", (declared,))
            if kind is None or kind.leaf is None:
                self.fail(
                    f"a list of {types[0]} becomes one of {types[1]} in the loop",
                    "a list of tensors, ints or floats",
                )
            carried.dynamic[key] = kind
            raise _Again
        if isinstance(was, ListVal) and isinstance(ended, ListVal) and was.cell != ended.cell:
            # Another list under the name: its own cell, carried as this variable.
            self.fail(
                f"{what} is another list after a turn of the loop", "list.append and list.extend, or slices"
            )
        if not _alike(was, ended):
            if isinstance(was, (Const, Sym, Unset, TupleVal)) and isinstance(
                ended, (Const, Sym, Unset, TupleVal)
            ):
                self.fail(
                    f"{what} is {self.type(was)} before the loop and {self.type(ended)} after a turn",
                    "one type",
                )
            self.fail(f"{what} changes its structure in the loop")
        again = False
        for i, (a, b) in enumerate(zip(leaves(was), leaves(ended))):
            kind_a, kind_b = type_of(a, self.env), type_of(b, self.env)
            kind = unify(kind_a, kind_b)
            if kind is None or (kind != kind_a and kind.leaf is None):
                self.fail(f"{what} is {kind_a} before the loop and {kind_b} after a turn", "one type")
            if kind != kind_a:
                carried.types[(key, i)] = kind
                again = True
                continue
            outputs.append(self.sym(b, kind))
            kinds.append(kind)
        if again:
            raise _Again

    def iteration(self, value: Val) -> Iteration:
        """How to go over a value."""
        if isinstance(value, Iteration):
            if value.once and value.used:
                self.fail("an iterator is gone over again", "list(...) of it")
            value.used = True
            return value
        if isinstance(value, TupleVal):
            return Iteration(list(value.items))
        if isinstance(value, ModuleVal) and isinstance(value.module, _CONTAINERS):
            names: list[str] = list(value.module._modules)
            if isinstance(value.module, nn.ParameterList):
                names = [str(i) for i in range(len(value.module))]
            if isinstance(value.module, (nn.ModuleDict, nn.ParameterDict)):
                return Iteration([Const(key) for key in value.module])
            return Iteration([self.module_attribute(value, name) for name in names])
        if isinstance(value, DictVal):
            return Iteration([Const(key) for key in self.env.cells[value.cell]])
        if isinstance(value, ListVal):
            if not self.dynamic(value):
                return Iteration(list(self.env.cells[value.cell]), watch=(value.cell,))
            made = self.list_sym(value)
            return self._over_list(made, (value.cell,))
        if self.type(value) == TENSOR:
            parts = self.op("unbind", [value])
            return self._over_list(self.sym(parts), ())
        self.fail(f"a loop over {self.type(value)}", "range(...), a list or a tensor")

    def _over_list(self, made: Sym, watch: tuple[int, ...]) -> Iteration:
        count = self.list_op("len", made.type, [self.arg(made)], INT)

        def get(turn: Val) -> Val:
            return self.list_op("get", made.type, [self.arg(made), self.arg(turn)], made.type.args[0])

        return Iteration(count=count, get=get, watch=watch)

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Val:
        if len(node.generators) != 1 or node.generators[0].is_async:
            self.fail("a comprehension with several loops", "nested for")
        part = node.generators[0]
        over = self.iteration(self.evaluate(part.iter))
        names = {n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)}
        hidden = {name: self.env.names.pop(name) for name in names if name in self.env.names}
        declared = self.env.declared
        self.env.declared = {name: kind for name, kind in declared.items() if name not in names}
        result = self.new_list([])
        self.env.names["%list"] = result

        def body(item: Val) -> None:
            self.assign(part.target, item)

            def add() -> None:
                self.append(result, self.evaluate(node.elt))

            def filtered(tests: list[ast.expr]) -> None:
                if not tests:
                    return add()
                self.branch(self.condition(tests[0]), lambda: filtered(tests[1:]), lambda: None)

            filtered(part.ifs)

        self._over(over, body, set())
        for name in names:
            self.env.names.pop(name, None)
        self.env.names.pop("%list", None)
        self.env.names.update(hidden)
        self.env.declared = declared
        return result
