"""Statements that give names, attributes and places in lists their values."""

from __future__ import annotations

import ast
from typing import Any

from rustorch.jit._scripting.expressions import Expressions
from rustorch.jit._scripting.ops import BINARY, Accepts
from rustorch.jit._scripting.types import INT, TENSOR, Type, from_annotation, unify
from rustorch.jit._scripting.values import (
    Const,
    ListVal,
    ModuleVal,
    Sym,
    Val,
)

_INPLACE = set(BINARY) - {"MatMult"}


class Assignments(Expressions):
    """The part of the compiler for assignment."""

    def annotation(self, node: ast.expr) -> Any:
        raise NotImplementedError

    def annotated_type(self, node: ast.expr) -> Type:
        try:
            return from_annotation(self.annotation(node))
        except TypeError as error:
            self.fail(str(error))

    def _do_Assign(self, node: ast.Assign) -> None:
        value = self.evaluate(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _do_AnnAssign(self, node: ast.AnnAssign) -> None:
        wanted = self.annotated_type(node.annotation)
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
            if unify(found, wanted) != wanted:
                self.fail(f"a {found} is annotated as {wanted}")
            return self.sym(value, wanted).typed(wanted) if found.kind == "None" else value
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
        else:
            assert isinstance(target, ast.Attribute)
            self.write_attribute(self.evaluate(target.value), target.attr, value)

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
        if isinstance(old, ListVal) and kind == "Mult":
            self.may_change(old)
            many = self.binary(kind, old, value)
            assert isinstance(many, ListVal)
            self.env.cells[old.cell] = self.env.cells[many.cell]
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

    def append(self, target: ListVal, value: Val) -> None:
        self.may_change(target)
        state = self.env.cells[target.cell]
        if isinstance(state, Sym):
            self.must_fit(value, state.type)
            args = [self.arg(state), self.arg(value)]
            self.env.cells[target.cell] = self.list_op("append", state.type, args)
        else:
            self.env.cells[target.cell] = [*state, value]
