"""Expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import _C
from rustorch.jit._scripting.indexing import Indexing
from rustorch.jit._scripting.ops import SHAPE, Accepts
from rustorch.jit._scripting.types import BOOL, DEVICE, DTYPE, INT, TENSOR, list_of
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    ListVal,
    Method,
    Missing,
    ModuleVal,
    Object,
    SliceVal,
    Sym,
    TupleVal,
    Unset,
    Val,
)

_UNKNOWN: dict[str, str] = {
    "Lambda": "a function with a name",
    "Yield": "a list",
    "Await": "a plain function",
    "SetComp": "a list",
    "Set": "a list",
    "DictComp": "a loop",
    "NamedExpr": "an assignment",
    "Starred": "the items by name",
    "GeneratorExp": "a list",
}


class Expressions(Indexing):
    """The part of the compiler for expressions."""

    def evaluate(self, node: ast.expr) -> Val:
        self.at(node)
        visit = getattr(self, f"_{type(node).__name__}", None)
        if visit is None:
            kind = type(node).__name__
            self.fail(f"{kind} is outside of the subset", _UNKNOWN.get(kind, "plain expressions"))
        value: Val = visit(node)
        self.at(node)
        if isinstance(value, (ListVal, DictVal)) and isinstance(self.env.cells[value.cell], Missing):
            self.fail(self.env.cells[value.cell].why, "one way to change it")
        return value

    def at(self, node: ast.AST) -> None:
        raise NotImplementedError

    def lookup(self, name: str) -> Val:
        raise NotImplementedError

    def branch(self, condition: Val, then: Callable[[], Any], otherwise: Callable[[], Any]) -> None:
        raise NotImplementedError

    def _Constant(self, node: ast.Constant) -> Val:
        if node.value is Ellipsis:
            return Const(Ellipsis)
        if isinstance(node.value, (bytes, complex)):
            self.fail(f"a constant of type {type(node.value).__name__}")
        return self.wrap(node.value)

    def _Name(self, node: ast.Name) -> Val:
        return self.lookup(node.id)

    def _Tuple(self, node: ast.Tuple) -> Val:
        return TupleVal(tuple(self.evaluate(item) for item in node.elts))

    def _List(self, node: ast.List) -> Val:
        return self.new_list([self.evaluate(item) for item in node.elts])

    def _Dict(self, node: ast.Dict) -> Val:
        items: dict[Any, Val] = {}
        for key, value in zip(node.keys, node.values):
            if key is None:
                self.fail("** in a dict", "its items by name")
            made = self.evaluate(key)
            if not isinstance(made, Const):
                self.fail("a dict needs keys that are known while compiling", "constants")
            items[made.value] = self.evaluate(value)
        return self.new_dict(items)

    def _Slice(self, node: ast.Slice) -> Val:
        parts = [
            Const(None) if part is None else self.evaluate(part)
            for part in (node.lower, node.upper, node.step)
        ]
        parts = [self.convert("int", p) if self.type(p) in (TENSOR, BOOL) else p for p in parts]
        for part in parts:
            if self.type(part).bare.kind not in ("int", "None"):
                self.fail(f"a bound of a slice is {self.type(part)}", "an int")
        if isinstance(parts[2], Const) and parts[2].value == 0 and parts[2].value is not None:
            self.fail("a slice with step 0")
        return SliceVal(*parts)

    def _Subscript(self, node: ast.Subscript) -> Val:
        return self.subscript(self.evaluate(node.value), self.evaluate(node.slice))

    def _BinOp(self, node: ast.BinOp) -> Val:
        left = self.evaluate(node.left)
        return self.binary(type(node.op).__name__, left, self.evaluate(node.right))

    def _UnaryOp(self, node: ast.UnaryOp) -> Val:
        if isinstance(node.op, ast.Not):
            return self.negated(self.condition(node.operand))
        value = self.evaluate(node.operand)
        kind = type(node.op).__name__
        if isinstance(value, Const) and isinstance(value.value, (int, float)):
            if kind == "Invert" and isinstance(value.value, float):
                self.fail("~ of a float")
            return self.wrap(
                {"USub": lambda x: -x, "UAdd": lambda x: +x, "Invert": lambda x: ~x}[kind](value.value)
            )
        found = self.type(value)
        if found == TENSOR:
            return self.op({"USub": "neg", "UAdd": "positive", "Invert": "bitwise_not"}[kind], [value])
        if found.is_number and kind == "USub":
            return self.emit("script.neg", [self.arg(value)], INT if found == BOOL else found)
        if found.is_number and kind == "UAdd" and found != BOOL:
            return value
        self.fail(f"{kind} of {found}")

    def _Compare(self, node: ast.Compare) -> Val:
        return self._comparisons(node, self.evaluate(node.left), 0)

    def _comparisons(self, node: ast.Compare, left: Val, at: int) -> Val:
        """Those from this one on: a < b < c stops at the first that is false."""
        right = self.evaluate(node.comparators[at])
        result = self._one_comparison(node.ops[at], left, right)
        if at + 1 == len(node.ops):
            return result
        return self._joined(result, lambda: self._comparisons(node, right, at + 1), True)

    def _one_comparison(self, op: ast.cmpop, left: Val, right: Val) -> Val:
        kind = type(op).__name__
        if kind in ("Is", "IsNot"):
            return self._is(left, right, kind == "IsNot")
        if kind in ("In", "NotIn"):
            found = self._in(left, right)
            return self.negated(found) if kind == "NotIn" else found
        return self.compare(kind, left, right)

    def _is(self, left: Val, right: Val, negate: bool) -> Val:
        none = Const(None)
        if none.same(left):
            left, right = right, left
        result: Val
        if none.same(right):
            found = self.type(left)
            if found.kind == "None":
                result = Const(True)
            elif found.kind == "Optional":
                result = self.emit("script.is_none", [self.arg(left)], BOOL)
            else:
                result = Const(False)
        elif isinstance(left, Const) and isinstance(right, Const):
            result = Const(left.same(right))
        elif isinstance(left, Object) and isinstance(right, Object):
            result = Const(left.value is right.value)
        elif isinstance(left, ModuleVal) and isinstance(right, ModuleVal):
            result = Const(left.module is right.module)
        elif isinstance(left, Sym) and left.is_same(right):
            result = Const(True)
        else:
            self.fail("`is` between values", "==")
        return self.negated(result) if negate else result

    def _in(self, item: Val, container: Val) -> Val:
        if isinstance(container, DictVal):
            if isinstance(item, Const):
                return Const(item.value in self.env.cells[container.cell])
            self.fail("`in` a dict with a key that is not known while compiling")
        if isinstance(container, Const) and isinstance(container.value, str) and isinstance(item, Const):
            return Const(item.value in container.value)
        items = Accepts(self.env).items(container)
        if items is None:
            self.fail(f"`in` {self.type(container)}", "a loop")
        result: Val = Const(False)
        for other in items:
            one = self.compare("Eq", item, other)
            if self.type(one) == TENSOR:
                self.fail("`in` of tensors", "a loop")
            if isinstance(one, Const):
                if one.value:
                    return one
                continue
            result = (
                one
                if isinstance(result, Const)
                else self.emit("script.max", [self.arg(result), self.arg(one)], BOOL)
            )
        return result

    def condition(self, node: ast.expr) -> Val:
        """Whether an expression holds, as `if` asks."""
        if isinstance(node, ast.BoolOp):
            return self._operands(node, node.values, self.condition)
        return self.truth(self.evaluate(node))

    def _BoolOp(self, node: ast.BoolOp) -> Val:
        return self._operands(node, node.values, self.evaluate)

    def _operands(self, node: ast.BoolOp, values: list[ast.expr], evaluate: Callable[[ast.expr], Val]) -> Val:
        self.at(node)
        first = evaluate(values[0])
        if len(values) == 1:
            return first
        conjunction = isinstance(node.op, ast.And)
        names = self.refinements(values[0], conjunction)
        return self._joined(
            first,
            lambda: self.refined(names, lambda: self._operands(node, values[1:], evaluate)),
            conjunction,
        )

    def _joined(self, first: Val, following: Callable[[], Val], conjunction: bool) -> Val:
        """`first and following()` or `first or following()`: what follows runs only where it has a say.

        The value is one of the two, as in Python; of a bool and a tensor a bool, as in PyTorch's compiler.
        """
        condition = self.truth(first)
        if isinstance(condition, Const):
            return following() if condition.value == conjunction else first
        found = self.type(first)
        last: Val = Const(not conjunction) if found == BOOL else first

        def go_on() -> Val:
            nonlocal last
            value = following()
            if TENSOR in (found, self.type(value)) and BOOL in (found, self.type(value)):
                last = Const(not conjunction)
                return self.truth(value)
            return value

        if not conjunction and found == BOOL:
            return self.value_of(condition, lambda: last, go_on)
        wanted = condition if conjunction else self.negated(condition)
        return self.value_of(wanted, go_on, lambda: last)

    def refinements(self, test: ast.expr, holds: bool) -> list[str]:
        """Names that are not None where the test holds, or does not."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return self.refinements(test.operand, not holds)
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) == holds:
            return [name for value in test.values for name in self.refinements(value, holds)]
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.left, ast.Name):
            none = isinstance(test.comparators[0], ast.Constant) and test.comparators[0].value is None
            wanted = ast.IsNot if holds else ast.Is
            if none and isinstance(test.ops[0], wanted):
                return [test.left.id]
        return []

    def refine(self, names: list[str]) -> None:
        for name in names:
            value = self.env.names.get(name)
            if isinstance(value, Sym) and value.type.kind == "Optional":
                self.env.names[name] = value.typed(value.type.bare)

    def refined(self, names: list[str], evaluate: Callable[[], Val]) -> Val:
        """Evaluated where the names are not None."""
        before = {name: self.env.names[name] for name in names if name in self.env.names}
        self.refine(names)
        value = evaluate()
        self.env.names.update(before)
        return value

    def value_of(self, condition: Val, then: Callable[[], Val], otherwise: Callable[[], Val]) -> Val:
        """`then() if condition else otherwise()`."""
        name = f"%value{self.fresh()}"

        def put(evaluate: Callable[[], Val]) -> Callable[[], None]:
            def store() -> None:
                self.env.names[name] = evaluate()

            return store

        self.branch(condition, put(then), put(otherwise))
        value = self.env.names.pop(name, Unset())
        if isinstance(value, Missing):
            self.fail(value.why.replace(f"the variable '{name}'", "the value"), "one type for both")
        return value

    def fresh(self) -> int:
        self.next_cell += 1
        return self.next_cell

    def _IfExp(self, node: ast.IfExp) -> Val:
        condition = self.condition(node.test)
        yes, no = self.refinements(node.test, True), self.refinements(node.test, False)
        return self.value_of(
            condition,
            lambda: self.refined(yes, lambda: self.evaluate(node.body)),
            lambda: self.refined(no, lambda: self.evaluate(node.orelse)),
        )

    def _ListComp(self, node: ast.ListComp) -> Val:
        return self.comprehension(node)

    def _JoinedStr(self, node: ast.JoinedStr) -> Val:
        text = ""
        for part in node.values:
            value = self.evaluate(part.value if isinstance(part, ast.FormattedValue) else part)
            plain = not isinstance(part, ast.FormattedValue) or (
                part.conversion < 0 and part.format_spec is None
            )
            if not isinstance(value, Const) or not plain:
                self.fail("an f-string of what is not known while compiling", "it in raise, assert or print")
            text += str(value.value)
        return Const(text)

    def comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Val:
        raise NotImplementedError

    # ---- Attributes ----

    def _Attribute(self, node: ast.Attribute) -> Val:
        return self.attribute(self.evaluate(node.value), node.attr)

    def attribute(self, value: Val, name: str) -> Val:
        if isinstance(value, ModuleVal):
            return self.module_attribute(value, name)
        if isinstance(value, Object):
            if not hasattr(value.value, name):
                self.fail(f"{value.value!r} has no attribute '{name}'")
            return self.wrap(getattr(value.value, name))
        if isinstance(value, TupleVal) and name in value.names:
            return value.items[value.names.index(name)]
        if self.type(value) == TENSOR:
            return self._tensor_attribute(value, name)
        if isinstance(value, (ListVal, DictVal, TupleVal)) or isinstance(value, Const):
            if isinstance(value, Const) and not hasattr(value.value, name):
                self.fail(f"{value.value!r} has no attribute '{name}'")
            if isinstance(value, Const) and not callable(getattr(value.value, name)):
                return self.wrap(getattr(value.value, name))
            return Method(value, name)
        if self.type(value) == DEVICE and name == "type":
            self.fail("device.type of a tensor", "a comparison of devices")
        self.fail(f"the attribute '{name}' of {self.type(value)}", _optional_hint(self.type(value).kind))

    def _tensor_attribute(self, value: Val, name: str) -> Val:
        arg = self.arg(value)
        if name == "shape":
            return self.new_list(self.emit("script.size", [arg], list_of(INT)), frozen=SHAPE)
        if name == "dtype":
            return self.emit("script.dtype_of", [arg], DTYPE)
        if name == "device":
            return self.emit("script.device_of", [arg], DEVICE)
        if name == "ndim":
            return self.emit("script.dim", [arg], INT)
        if name == "requires_grad":
            return self.emit("script.requires_grad", [arg], BOOL)
        if name in ("mT", "mH"):
            swapped = self.op("transpose", [value, Const(-2), Const(-1)])
            return swapped if name == "mT" else self.op("conj", [swapped])
        if name == "T":
            return self.op("t", [value])
        if not hasattr(_C.Tensor, name):
            self.fail(f"tensors have no attribute '{name}'")
        if not callable(getattr(_C.Tensor, name)):
            self.fail(
                f"the attribute '{name}' of tensors",
                "one of shape, dtype, device, ndim, requires_grad, T, mT",
            )
        return Method(value, name)

    def module_attribute(self, value: ModuleVal, name: str) -> Val:
        module = value.module
        state = self.env.names.get(f"%state {value.path}{name}")
        if state is not None:
            return state
        if name == "training":
            return self.training_flag(value)
        for table, kind in ((module._parameters, "parameter"), (module._buffers, "buffer")):
            if name in table:
                tensor = table[name]
                if tensor is None:
                    return Const(None)
                return self.state_tensor(kind, f"{value.path}{name}", tensor)
        if name == "_modules":
            children: dict[Any, Val] = {key: self.module_attribute(value, key) for key in module._modules}
            return self.new_dict(children, "they are a module's")
        if name in module._modules:
            child = module._modules[name]
            return Const(None) if child is None else ModuleVal(child, f"{value.path}{name}.")
        if not hasattr(module, name):
            self.fail(f"{type(module).__name__} has no attribute '{name}'")
        found = getattr(module, name)
        if callable(found) and getattr(found, "__self__", None) is module:
            return Method(value, name)
        if isinstance(found, rt.nn.Module):
            self.fail(f"'{name}' is a module that is not registered")
        return self.wrap(found)

    def training_flag(self, value: ModuleVal) -> Val:
        raise NotImplementedError

    def state_tensor(self, kind: str, name: str, tensor: Any) -> Val:
        return self.block.add_tensor(kind, name, tensor, TENSOR)


def _optional_hint(kind: str) -> str:
    return "`if x is not None` before" if kind == "Optional" else ""
