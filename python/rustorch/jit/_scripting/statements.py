"""Statements: assignment, branches and loops as control-flow nodes, early exits as flags."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Callable
from typing import Any

from rustorch.jit._scripting.blocks import Block, blocks_node
from rustorch.jit._scripting.errors import ScriptError
from rustorch.jit._scripting.expressions import Expressions
from rustorch.jit._scripting.merging import Merge, list_type
from rustorch.jit._scripting.ops import BINARY, Accepts
from rustorch.jit._scripting.types import BOOL, INT, NONE, NOTHING, TENSOR, Type, from_annotation, unify
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Env,
    Iteration,
    ListVal,
    Missing,
    ModuleVal,
    Object,
    Sym,
    TupleVal,
    Unset,
    Val,
    leaves,
    rebuilt,
    same,
    type_of,
)

RETURNED, RESULT, BROKEN, SKIPPED = "%returned", "%result", "%broken", "%skipped"
_INPLACE = {"Add", "Sub", "Mult", "Div", "FloorDiv", "Mod", "Pow", "BitAnd", "BitOr", "BitXor"}
_LATER: dict[str, str] = {
    "FunctionDef": "a function outside", "ClassDef": "a class outside", "Try": "an if before the call",
    "Global": "an argument", "Nonlocal": "an argument", "Import": "an import outside",
    "ImportFrom": "an import outside", "Delete": "leaving the variable alone", "Match": "if and elif",
}  # fmt: skip


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


def _only_tells(statements: list[ast.stmt]) -> bool:
    """Whether statements put a message together and raise it, which needs no graph."""
    if len(statements) < 2 or not isinstance(statements[-1], ast.Raise):
        return False
    harmless = {"join", "format", "str", "tuple", "list", "len", "dim", "size", "type"}
    for node in statements[:-1]:
        if not (isinstance(node, ast.Assign) and all(isinstance(t, ast.Name) for t in node.targets)):
            return False
        for call in ast.walk(node.value):
            name = (
                getattr(call.func, "attr", getattr(call.func, "id", ""))
                if isinstance(call, ast.Call)
                else "str"
            )
            if name not in harmless:
                return False
    return True


def _always_exits(statements: list[ast.stmt]) -> bool:
    """Whether no way through the statements comes to their end."""
    for node in statements:
        if isinstance(node, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
            return True
        if isinstance(node, ast.If) and _always_exits(node.body) and _always_exits(node.orelse):
            return True
    return False


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


class Statements(Expressions):
    """The part of the compiler for statements."""

    carried: dict[tuple[str, ...], _Carried]
    calls: list[str]
    frames: list[Any]

    def execute(self, statements: list[ast.stmt]) -> None:
        if _only_tells(statements):
            statements = statements[-1:]
        for i, node in enumerate(statements):
            if self.env.dead:
                return
            flags = {name: self.env.names.get(name, Const(False)) for name in (RETURNED, BROKEN, SKIPPED)}
            if any(isinstance(f, Const) and f.value for f in flags.values()):
                return
            unknown = {name: flag for name, flag in flags.items() if not isinstance(flag, Const)}
            if unknown:
                return self._guarded(unknown, statements[i:])
            self.at(node)
            if isinstance(node, ast.If) and self._if(node, statements[i + 1 :]):
                return
            if isinstance(node, ast.If):
                continue
            visit = getattr(self, f"_do_{type(node).__name__}", None)
            if visit is None:
                kind = type(node).__name__
                self.fail(f"the statement {kind} is outside of the subset", _LATER.get(kind, ""))
            visit(node)

    def _guarded(self, unknown: dict[str, Val], rest: list[ast.stmt]) -> None:
        """The rest of the statements, where none of the flags is up."""
        exited: Val | None = None
        for flag in unknown.values():
            both = [] if exited is None else [self.arg(exited), self.arg(flag)]
            exited = flag if exited is None else self.emit("script.max", both, BOOL)
        assert exited is not None

        def gone() -> None:
            if len(unknown) == 1:
                self.env.names.update(dict.fromkeys(unknown, Const(True)))

        self.branch(exited, gone, lambda: self._going_on(lambda: self.execute(rest)))

    def _going_on(self, run: Callable[[], Any]) -> None:
        """Runs where no flag is up."""
        for name in (RETURNED, BROKEN, SKIPPED):
            if name in self.env.names:
                self.env.names[name] = Const(False)
        run()

    def _do_Pass(self, node: ast.Pass) -> None:
        pass

    def _do_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):
            self.evaluate(node.value)

    # ---- Assignment ----

    def _do_Assign(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _do_AnnAssign(self, node: ast.AnnAssign) -> None:
        try:
            wanted = from_annotation(self.annotation(node.annotation))
        except TypeError as error:
            self.fail(str(error))
        if isinstance(node.target, ast.Name):
            self.env.declared[node.target.id] = wanted
        if node.value is not None:
            self.assign(node.target, self.declared(self.evaluate(node.value), wanted))

    def declared(self, value: Val, wanted: Type) -> Val:
        """The value as one of a type that an annotation names."""
        found = self.type(value)
        if isinstance(value, ListVal) and wanted.kind == "List":
            if not self.dynamic(value) and not self.env.cells[value.cell]:
                return ListVal(value.cell, wanted.args[0], value.frozen)
            if self.dynamic(value) and found != wanted:
                self.fail(f"a {found} is annotated as {wanted}")
            return value
        if wanted.kind == "Optional" and isinstance(value, (Const, Sym)) and wanted.leaf is not None:
            if unify(found, wanted) is None:
                self.fail(f"a {found} is annotated as {wanted}")
            return self.sym(value, wanted).typed(wanted)
        if wanted.leaf is not None and found.kind != wanted.kind:
            if wanted.kind == "float" and found.kind in ("int", "bool") and isinstance(value, Const):
                return Const(float(value.value))
            if unify(found, wanted) != wanted:
                self.fail(f"a {found} is annotated as {wanted}", f"{wanted}(...)" if wanted.is_number else "")
        return value

    def assign(self, target: ast.expr, value: Val) -> None:
        self.at(target)
        if isinstance(target, ast.Name):
            wanted = self.env.declared.get(target.id)
            if wanted is not None:
                value = self.declared(value, wanted)
            self.env.names[target.id] = value
        elif isinstance(target, (ast.Tuple, ast.List)):
            if any(isinstance(item, ast.Starred) for item in target.elts):
                self.fail("a starred target", "a slice")
            for item, part in zip(target.elts, self.unpacked(value, len(target.elts))):
                self.assign(item, part)
        elif isinstance(target, ast.Subscript):
            self.write_subscript(self.evaluate(target.value), self.evaluate(target.slice), value)
        elif isinstance(target, ast.Attribute):
            self.write_attribute(self.evaluate(target.value), target.attr, value)
        else:
            self.fail(f"an assignment to {type(target).__name__}")

    def write_attribute(self, owner: Val, name: str, value: Val) -> None:
        if not isinstance(owner, ModuleVal):
            self.fail(f"an assignment to the attribute '{name}' of {self.type(owner)}", "a new variable")
        tensor = owner.module._buffers.get(name)
        if tensor is None or self.type(value) != TENSOR:
            self.fail(
                f"an assignment to self.{name}", "register_buffer() and a tensor: only buffers are state"
            )
        self.state_tensor("buffer", f"{owner.path}{name}", tensor)
        self.env.names[f"%state {owner.path}{name}"] = value

    def unpacked(self, value: Val, count: int) -> list[Val]:
        items = Accepts(self.env).items(value)
        if items is not None:
            if len(items) != count:
                self.fail(f"{len(items)} values for {count} targets")
            return list(items)
        if self.type(value) == TENSOR:
            value = self.op("unbind", [value])
        if not isinstance(value, ListVal):
            self.fail(f"{self.type(value)} cannot be unpacked")
        made = self.list_sym(value)
        length = self.list_op("len", made.type, [self.arg(made)], INT)
        self.emit("script.expect_length", [self.arg(length), ["attribute", count]], INT)
        item = made.type.args[0]
        return [
            self.list_op("get", made.type, [self.arg(made), ["attribute", i]], item) for i in range(count)
        ]

    def _do_AugAssign(self, node: ast.AugAssign) -> None:
        kind = type(node.op).__name__
        target = node.target
        owner = key = None
        if isinstance(target, ast.Subscript):
            owner, key = self.evaluate(target.value), self.evaluate(target.slice)
            old = self.subscript(owner, key)
        else:
            old = self.evaluate(target)
        value = self.evaluate(node.value)
        if isinstance(old, ListVal) and kind == "Add":
            self.extend(old, value)
            return
        if self.type(old) == TENSOR and kind in _INPLACE:
            new = self.op(BINARY[kind][0], [old, value], inplace=True)
        else:
            new = self.binary(kind, old, value)
        if owner is not None and key is not None:
            self.write_subscript(owner, key, new)
        elif isinstance(target, ast.Attribute) and self.type(old) == TENSOR and kind in _INPLACE:
            return  # the tensor itself was written
        else:
            self.assign(target, new)

    def extend(self, target: ListVal, value: Val) -> None:
        self.may_change(target)
        if not isinstance(value, ListVal):
            items = Accepts(self.env).items(value)
            if items is None:
                self.fail(f"a list extended by {self.type(value)}")
            value = self.new_list(list(items))
        whole = self.sequence_operator("Add", ListVal(target.cell, target.item), value)
        assert isinstance(whole, ListVal)
        self.env.cells[target.cell] = self.env.cells[whole.cell]

    # ---- Exits ----

    def _do_Return(self, node: ast.Return) -> None:
        self.env.names[RESULT] = Const(None) if node.value is None else self.evaluate(node.value)
        self.env.names[RETURNED] = Const(True)

    def _do_Break(self, node: ast.Break) -> None:
        self.env.names[BROKEN] = Const(True)

    def _do_Continue(self, node: ast.Continue) -> None:
        self.env.names[SKIPPED] = Const(True)

    def _do_Assert(self, node: ast.Assert) -> None:
        condition = self.truth(self.evaluate(node.test))
        message = "" if node.msg is None else self.message(node.msg)
        self.branch(condition, lambda: None, lambda: self.raises("AssertionError", message))
        if not self.env.dead:
            self.refine(self.refinements(node.test, True))

    def _do_Raise(self, node: ast.Raise) -> None:
        error, message = node.exc, ""
        if error is None:
            self.fail("raise without an exception")
        if isinstance(error, ast.Call):
            message = self.message(error.args[0]) if error.args else ""
            error = error.func
        self.raises(self.exception_kind(error), message)

    def exception_kind(self, node: ast.expr) -> str:
        """The built-in exception that it is, or derives from, or that a function says it returns."""
        found = self.evaluate(node)
        cls = found.value if isinstance(found, Object) else None
        if inspect.isfunction(cls):
            cls = typing.get_type_hints(cls).get("return")
        if not (inspect.isclass(cls) and issubclass(cls, Exception)):
            self.fail("raise of something that is no exception")
        for base in cls.__mro__:
            if base.__module__ == "builtins" and base is not Exception:
                return base.__name__
        return "Exception"

    def raises(self, kind: str, message: str) -> None:
        self.emit("script.raise", [["attribute", kind], ["attribute", message]], INT)
        self.env.dead = True

    def message(self, node: ast.expr) -> str:
        """The text of an exception: what is not constant stands there as its source."""
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.JoinedStr):
            return "".join(self.message(part) for part in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.message(node.left) + self.message(node.right)
        return "{" + ast.unparse(node.value if isinstance(node, ast.FormattedValue) else node) + "}"

    def _do_With(self, node: ast.With) -> None:
        import rustorch as rt

        if len(node.items) == 1 and isinstance(node.items[0].context_expr, ast.Call):
            called = self.evaluate(node.items[0].context_expr.func)
            if (
                isinstance(called, Object)
                and called.value is rt.no_grad
                and node.items[0].optional_vars is None
            ):
                before = self.block.grad
                self.block.grad = False
                self.execute(node.body)
                self.block.grad = before
                return
        self.fail("the only `with` is `with rustorch.no_grad()`")

    # ---- If ----

    def _if(self, node: ast.If, rest: list[ast.stmt]) -> bool:
        """Whether the rest of the statements was compiled as well, into the branch that goes on."""
        condition = self.truth(self.evaluate(node.test))
        body, orelse, all_of_it = node.body, node.orelse, False
        if not isinstance(condition, Const) and rest:
            if _always_exits(body):
                orelse, all_of_it = [*orelse, *rest], True
            elif orelse and _always_exits(orelse):
                body, all_of_it = [*body, *rest], True
        yes, no = self.refinements(node.test, True), self.refinements(node.test, False)

        def run(names: list[str], statements: list[ast.stmt]) -> Callable[[], None]:
            def inside() -> None:
                self.refine(names)
                self.execute(statements)

            return inside

        self.branch(condition, run(yes, body), run(no, orelse))
        return all_of_it

    def branch(self, condition: Val, then: Callable[[], Any], otherwise: Callable[[], Any]) -> None:
        """Compiles one side if the condition is known now, else both and what they change."""
        if isinstance(condition, Const):
            (then if condition.value else otherwise)()
            return
        outer, before, where = self.block, self.env, self.location
        sides: list[tuple[Block, Env]] = []
        for run in (then, otherwise):
            self.block, self.env = Block(outer), before.copy()
            run()
            sides.append((self.block, self.env))
        (yes, yes_env), (no, no_env) = sides
        self.block, self.env, self.location = outer, before, where
        if yes_env.dead and no_env.dead:
            before.dead = True
            yes_outputs, no_outputs, types = [], [], []
        else:
            merge = Merge(self, (yes, yes_env), (no, no_env))
            yes_outputs = [self.given_by(yes, yes_env, a, kind) for a, _, kind in merge.pairs]
            no_outputs = [self.given_by(no, no_env, b, kind) for _, b, kind in merge.pairs]
            types = [kind for _, _, kind in merge.pairs]
        self.block, self.env, self.location = outer, before, where
        outer.location = where
        sides_made = [(yes, yes_outputs), (no, no_outputs)]
        made = blocks_node(outer, "if", [self.arg(condition)], [], sides_made, types)
        if not before.dead:
            before.replace(merge.merged(made))

    def given_by(self, block: Block, env: Env, value: Any, kind: Type) -> Sym:
        """The value, or a list of known length, as one that a block gives."""
        self.block, self.env = block, env
        return self.static_to_sym(kind, value) if isinstance(value, list) else self.sym(value, kind)

    # ---- Loops ----

    def _do_While(self, node: ast.While) -> None:
        if node.orelse:
            self.fail("else after a loop", "a flag")
        test = self.evaluate_test(node.test)
        if isinstance(test, Const) and not test.value:
            return
        self._loop(
            Const(None),
            test,
            _assigned(node.body),
            lambda turn: self.execute(node.body),
            lambda: self.evaluate_test(node.test),
        )

    def evaluate_test(self, node: ast.expr) -> Val:
        return self.truth(self.evaluate(node))

    def _do_For(self, node: ast.For) -> None:
        if node.orelse:
            self.fail("else after a loop", "a flag")
        over = self.iteration(self.evaluate(node.iter))

        def body(item: Val) -> None:
            self.assign(node.target, item)
            self.execute(node.body)

        self._over(over, body, _assigned([node]))

    def _over(self, over: Iteration, body: Callable[[Val], None], assigned: set[str]) -> None:
        watched = None if over.watch is None else self.env.cells[over.watch]

        def turn(item: Val) -> None:
            body(item)
            if over.watch is not None and not same(self.env.cells.get(over.watch), watched):
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
        key, depth = (*self.calls, where), len(self.frames)
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
        self.fail("the types of the variables of this loop do not settle", "annotations")

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
                kind = carried.types.get((key, i)) or type_of(leaf, before)
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
            if kind is None and declared is not None:
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
            return value
        if isinstance(value, TupleVal):
            return Iteration(list(value.items))
        if isinstance(value, ModuleVal):
            names = [name for name, child in value.module._modules.items() if child is not None]
            return Iteration([ModuleVal(value.module._modules[n], f"{value.path}{n}.") for n in names])
        if isinstance(value, DictVal):
            return Iteration([Const(key) for key in self.env.cells[value.cell]])
        if isinstance(value, ListVal):
            if not self.dynamic(value):
                return Iteration(list(self.env.cells[value.cell]), watch=value.cell)
            made = self.list_sym(value)
            return self._over_list(made, value.cell)
        if self.type(value) == TENSOR:
            parts = self.op("unbind", [value])
            return self._over_list(self.sym(parts), None)
        self.fail(f"a loop over {self.type(value)}", "range(...), a list or a tensor")

    def _over_list(self, made: Sym, cell: int | None) -> Iteration:
        count = self.list_op("len", made.type, [self.arg(made)], INT)

        def get(turn: Val) -> Val:
            return self.list_op("get", made.type, [self.arg(made), self.arg(turn)], made.type.args[0])

        return Iteration(count=count, get=get, watch=cell)

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Val:
        if len(node.generators) != 1 or node.generators[0].is_async:
            self.fail("a comprehension with several loops", "nested for")
        part = node.generators[0]
        over = self.iteration(self.evaluate(part.iter))
        names = {n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)}
        hidden = {name: self.env.names.pop(name) for name in names if name in self.env.names}
        result = self.new_list([])
        self.env.names["%list"] = result

        def body(item: Val) -> None:
            self.assign(part.target, item)

            def add() -> None:
                self.append(result, self.evaluate(node.elt))

            def filtered(tests: list[ast.expr]) -> None:
                if not tests:
                    return add()
                self.branch(self.evaluate_test(tests[0]), lambda: filtered(tests[1:]), lambda: None)

            filtered(part.ifs)

        self._over(over, body, set())
        for name in names:
            self.env.names.pop(name, None)
        self.env.names.pop("%list", None)
        self.env.names.update(hidden)
        return result

    def append(self, target: ListVal, value: Val) -> None:
        self.may_change(target)
        state = self.env.cells[target.cell]
        if isinstance(state, Sym):
            wanted = state.type.args[0]
            if unify(self.type(value), wanted) != wanted:
                self.fail(f"a {self.type(value)} in a {state.type}")
            args = [self.arg(state), self.arg(value)]
            self.env.cells[target.cell] = self.list_op("append", state.type, args)
        else:
            self.env.cells[target.cell] = [*state, value]

    def state_of(self, path: str) -> Val:
        raise NotImplementedError

    def annotation(self, node: ast.expr) -> Any:
        raise NotImplementedError
