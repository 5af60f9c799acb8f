"""Statements: branches as control-flow nodes, early exits as flags."""

from __future__ import annotations

import ast
import contextlib
import inspect
import typing
from collections.abc import Callable
from typing import Any

from rustorch.jit._scripting.blocks import Block, blocks_node
from rustorch.jit._scripting.errors import Unreachable
from rustorch.jit._scripting.loops import BROKEN, RESULT, RETURNED, SKIPPED, Loops
from rustorch.jit._scripting.merging import Merge
from rustorch.jit._scripting.types import BOOL, INT, Type
from rustorch.jit._scripting.values import (
    Const,
    Env,
    Object,
    Sym,
    Val,
)

_LATER: dict[str, str] = {
    "FunctionDef": "a function outside", "ClassDef": "a class outside", "Try": "an if before the call",
    "Global": "an argument", "Nonlocal": "an argument", "Import": "an import outside",
    "ImportFrom": "an import outside", "Delete": "leaving the variable alone", "Match": "if and elif",
}  # fmt: skip
# What a run can raise.
_RAISED = {
    "ArithmeticError", "AssertionError", "AttributeError", "Exception", "IndexError", "KeyError",
    "LookupError", "NotImplementedError", "OverflowError", "RuntimeError", "StopIteration", "TypeError",
    "ValueError", "ZeroDivisionError",
}  # fmt: skip


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


class Statements(Loops):
    """The part of the compiler for statements."""

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
            try:
                if isinstance(node, ast.If):
                    if self._if(node, statements[i + 1 :]):
                        return
                    continue
                visit = getattr(self, f"_do_{type(node).__name__}", None)
                if visit is None:
                    kind = type(node).__name__
                    self.fail(f"the statement {kind} is outside of the subset", _LATER.get(kind, ""))
                visit(node)
            except Unreachable:
                return

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

    # ---- Exits ----

    def _do_Return(self, node: ast.Return) -> None:
        self.env.names[RESULT] = Const(None) if node.value is None else self.evaluate(node.value)
        self.env.names[RETURNED] = Const(True)

    def _do_Break(self, node: ast.Break) -> None:
        self.env.names[BROKEN] = Const(True)

    def _do_Continue(self, node: ast.Continue) -> None:
        self.env.names[SKIPPED] = Const(True)

    def _do_Assert(self, node: ast.Assert) -> None:
        condition = self.condition(node.test)
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
        kind = next(base.__name__ for base in cls.__mro__ if base.__module__ == "builtins")
        if kind not in _RAISED:
            self.fail(f"raise of {kind}", "ValueError, RuntimeError or another of the usual ones")
        return kind

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
        condition = self.condition(node.test)
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
            with contextlib.suppress(Unreachable):
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
