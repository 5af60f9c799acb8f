"""Calls: of ops, methods, modules, built-ins, and of Python functions, which are compiled in place."""

from __future__ import annotations

import ast
import builtins
import inspect
import math
from typing import Any

import rustorch as rt
from rustorch import _C
from rustorch.jit._scripting.loops import RESULT, RETURNED
from rustorch.jit._scripting.ops import Accepts, _texts
from rustorch.jit._scripting.statements import Statements
from rustorch.jit._scripting.types import BOOL, FLOAT, INT, NUMBER, TENSOR, from_annotation, list_of, unify
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Iteration,
    ListVal,
    Method,
    ModuleVal,
    Object,
    Sym,
    TupleVal,
    Val,
)

_ZERO, _NONE, _FALSE, _SPACE, _NEWLINE = Const(0), Const(None), Const(False), Const(" "), Const("\n")
_MATH = {"sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "fabs", "floor", "ceil"}
_TENSOR_QUERIES = {
    "dim": ("script.dim", INT), "ndimension": ("script.dim", INT), "numel": ("script.numel", INT),
    "nelement": ("script.numel", INT), "item": ("script.item", NUMBER),
}  # fmt: skip


class Calls(Statements):
    """The part of the compiler for calls."""

    def _Call(self, node: ast.Call) -> Val:
        callee = self.evaluate(node.func)
        args: list[Val] = []
        for item in node.args:
            if isinstance(item, ast.Starred):
                found = Accepts(self.env).items(self.evaluate(item.value))
                if found is None:
                    self.fail("* of a list whose length is not known")
                args += found
            else:
                args.append(self.evaluate(item))
        kwargs: dict[str, Val] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, DictVal):
                kwargs.update(self.env.cells[value.cell])
            else:
                self.fail("** of something that is no dict")
        self.at(node)
        return self.call(callee, args, kwargs)

    def call(self, callee: Val, args: list[Val], kwargs: dict[str, Val]) -> Val:
        if isinstance(callee, Method):
            return self.call_method(callee.owner, callee.name, args, kwargs)
        if isinstance(callee, ModuleVal):
            return self.call_module(callee, args, kwargs)
        if isinstance(callee, Object):
            return self.call_object(callee.value, args, kwargs)
        self.fail(f"a call of {self.type(callee)}")

    def call_object(self, fn: Any, args: list[Val], kwargs: dict[str, Val]) -> Val:
        known = _BUILTINS.get(fn) if isinstance(fn, _HASHABLE) else None
        if known is not None:
            made: Val = getattr(self, known)(*args, **kwargs)
            return made
        special = self.special(fn, args, kwargs)
        if special is not None:
            return special
        if hasattr(type(fn), "__schemas__"):
            name = fn.__name__
            inplace = name.endswith("_") and not name.endswith("__")
            return self.call_op(name, fn.__schemas__, args, kwargs, inplace=inplace)
        if getattr(fn, "__module__", None) == "math" and getattr(fn, "__name__", "") in _MATH:
            return self._math(fn.__name__, *args)
        if inspect.isclass(fn) and issubclass(fn, tuple) and hasattr(fn, "_fields"):
            bound = inspect.signature(fn).bind(*args, **kwargs)
            return TupleVal(tuple(bound.arguments[name] for name in fn._fields), fn._fields, fn)
        if inspect.isfunction(fn):
            return self.inline(fn, args, kwargs)
        self.fail(
            f"a call of {getattr(fn, '__qualname__', fn)!r}",
            "rustorch's functions, or Python functions in the subset",
        )

    def special(self, fn: Any, args: list[Val], kwargs: dict[str, Val]) -> Val | None:
        """Functions of rustorch.jit, and what it made."""
        raise NotImplementedError

    def inline(self, fn: Any, args: list[Val], kwargs: dict[str, Val], owner: Val | None = None) -> Val:
        raise NotImplementedError

    # ---- Built-ins ----

    def _len(self, value: Val) -> Val:
        return self.length(value)

    def _int(self, value: Val) -> Val:
        return self.convert("int", value)

    def _float(self, value: Val) -> Val:
        return self.convert("float", value)

    def _bool(self, value: Val) -> Val:
        return self.convert("bool", value)

    def _str(self, value: Val) -> Val:
        if not isinstance(value, Const):
            self.fail("str() of a value that is not known while compiling")
        return Const(str(value.value))

    def _type(self, value: Val) -> Val:
        if not isinstance(value, ModuleVal):
            self.fail("type() of anything but modules", "isinstance()")
        return Object(type(value.module))

    def _any(self, value: Val) -> Val:
        return self._fold_bools(value, "max", True)

    def _all(self, value: Val) -> Val:
        return self._fold_bools(value, "min", False)

    def _fold_bools(self, value: Val, op: str, stops: bool) -> Val:
        items = Accepts(self.env).items(value)
        if items is None:
            self.fail(f"any() and all() of {self.type(value)}", "a loop")
        result: Val = Const(not stops)
        for item in map(self.truth, items):
            if isinstance(item, Const):
                if item.value == stops:
                    return item
            elif isinstance(result, Const):
                result = item
            else:
                result = self.emit(f"script.{op}", [self.arg(result), self.arg(item)], BOOL)
        return result

    def _abs(self, value: Val) -> Val:
        if isinstance(value, Const):
            return self.wrap(abs(value.value))
        if self.type(value) == TENSOR:
            return self.op("abs", [value])
        negative = self.emit("script.neg", [self.arg(value)], self.type(value))
        return self.emit("script.max", [self.arg(value), self.arg(negative)], self.type(value))

    def _min(self, *values: Val) -> Val:
        return self._extreme("min", values)

    def _max(self, *values: Val) -> Val:
        return self._extreme("max", values)

    def _extreme(self, kind: str, values: tuple[Val, ...]) -> Val:
        if len(values) == 1:
            items = Accepts(self.env).items(values[0])
            if not items:
                self.fail(f"{kind}() of {self.type(values[0])}", "several arguments")
            values = tuple(items)
        result = values[0]
        for value in values[1:]:
            types = self.type(result), self.type(value)
            if not all(t.is_number for t in types):
                self.fail(f"{kind}() of {types[0]} and {types[1]}", f"rustorch.{kind}imum")
            if isinstance(result, Const) and isinstance(value, Const):
                result = Const({"min": min, "max": max}[kind](result.value, value.value))
            else:
                result = self.emit(
                    f"script.{kind}", [self.arg(result), self.arg(value)], unify(*types) or NUMBER
                )
        return result

    def _sum(self, value: Val) -> Val:
        items = Accepts(self.env).items(value)
        if items is None:
            self.fail(f"sum() of {self.type(value)}", "a loop")
        total: Val = Const(0)
        for item in items:
            total = self.binary("Add", total, item)
        return total

    def _range(self, *args: Val) -> Val:
        if not 1 <= len(args) <= 3 or any(self.type(a) != INT for a in args):
            self.fail("range() takes one to three ints", got=", ".join(str(self.type(a)) for a in args))
        start, stop = (Const(0), args[0]) if len(args) == 1 else args[:2]
        step = args[2] if len(args) == 3 else Const(1)
        if isinstance(step, Const) and step.value == 0:
            self.fail("range() with step 0")
        if isinstance(step, Const) and step.value == 1:
            zero = isinstance(start, Const) and start.value == 0
            count = stop if zero else self.binary("Sub", stop, start)
        else:  # ceil((stop - start) / step)
            count = self.binary("FloorDiv", self.binary("Sub", start, stop), step)
            count = (
                Const(-count.value)
                if isinstance(count, Const)
                else self.emit("script.neg", [self.arg(count)], INT)
            )
        if isinstance(count, Const):
            count = Const(max(0, count.value))

        def get(turn: Val) -> Val:
            if isinstance(step, Const) and step.value == 1:
                return (
                    turn if isinstance(start, Const) and start.value == 0 else self.binary("Add", start, turn)
                )
            return self.binary("Add", start, self.binary("Mult", turn, step))

        return Iteration(count=count, get=get)

    def _enumerate(self, value: Val, start: Val = _ZERO) -> Val:
        over = self.iteration(value)
        if over.items is not None:
            pairs: list[Val] = [
                TupleVal((self.binary("Add", start, Const(i)), item)) for i, item in enumerate(over.items)
            ]
            return Iteration(pairs, watch=over.watch)
        get = over.get
        return Iteration(
            count=over.count,
            get=lambda turn: TupleVal((self.binary("Add", start, turn), get(turn))),
            watch=over.watch,
        )

    def _zip(self, *values: Val) -> Val:
        parts = [self.iteration(value) for value in values]
        if all(part.items is not None for part in parts):
            return Iteration([TupleVal(items) for items in zip(*(part.items or [] for part in parts))])
        counts = [Const(len(p.items)) if p.items is not None else p.count for p in parts]
        count = counts[0]
        for other in counts[1:]:
            assert count is not None and other is not None
            count = self._extreme("min", (count, other))
        gets = [self._getter(part) for part in parts]
        return Iteration(count=count, get=lambda turn: TupleVal(tuple(get(turn) for get in gets)))

    def _getter(self, part: Iteration) -> Any:
        if part.items is None:
            return part.get
        made = self.new_list(part.items)
        return lambda turn: self.subscript(made, turn)

    def _reversed(self, value: Val) -> Val:
        over = self.iteration(value)
        if over.items is not None:
            return Iteration(over.items[::-1])
        count, get = over.count, over.get
        assert count is not None

        def mirrored(turn: Val) -> Val:
            assert count is not None
            item: Val = get(self.binary("Sub", self.binary("Sub", count, Const(1)), turn))
            return item

        return Iteration(count=count, get=mirrored)

    def _list(self, value: Val | None = None) -> Val:
        if value is None:
            return self.new_list([])
        if isinstance(value, ListVal):
            return self.new_list(self.env.cells[value.cell], value.item)
        over = self.iteration(value)
        if over.items is not None:
            return self.new_list(list(over.items))
        result = self.new_list([])
        self.env.names["%list"] = result
        self._over(over, lambda item: self.append(result, item), set())
        self.env.names.pop("%list", None)
        return result

    def _tuple(self, value: Val) -> Val:
        items = self.iteration(value).items
        if items is None:
            self.fail("tuple() of what has no known length", "a list")
        return TupleVal(tuple(items))

    def _isinstance(self, value: Val, cls: Val) -> Val:
        """Decided by the static type."""
        if isinstance(cls, TupleVal):
            return Const(any(self._isinstance(value, item) == Const(True) for item in cls.items))
        if not isinstance(cls, Object):
            self.fail("isinstance() takes a class")
        if isinstance(value, ModuleVal):
            return Const(isinstance(value.module, cls.value))
        found = self.type(value)
        if cls.value is tuple or cls.value is list or cls.value is dict:
            return Const(isinstance(value, {tuple: TupleVal, list: ListVal, dict: DictVal}[cls.value]))
        try:
            wanted = from_annotation(cls.value)
        except TypeError:
            return Const(False)
        if found.kind == "Optional" and found.bare == wanted:
            return self.negated(self.emit("script.is_none", [self.arg(value)], BOOL))
        return Const(found == wanted or (wanted == INT and found == BOOL))

    def _print(self, *values: Val, sep: Val = _SPACE, end: Val = _NEWLINE) -> Val:
        if not (isinstance(sep, Const) and isinstance(end, Const)):
            self.fail("print() with a separator that is not constant")
        for i, value in enumerate(values):
            tail = end.value if i + 1 == len(values) else sep.value
            self.emit("script.print", [self.arg(value), ["attribute", tail]], INT)
        if not values:
            self.emit("script.print", [["attribute", ""], ["attribute", end.value]], INT)
        return Const(None)

    def _getattr(self, value: Val, name: Val, *default: Val) -> Val:
        if not isinstance(name, Const):
            self.fail("getattr() of a name that is not constant")
        if default and isinstance(value, (ModuleVal, Object)):
            found = value.module if isinstance(value, ModuleVal) else value.value
            if not hasattr(found, name.value):
                return default[0]
        return self.attribute(value, name.value)

    def _hasattr(self, value: Val, name: Val) -> Val:
        if isinstance(value, (ModuleVal, Object)) and isinstance(name, Const):
            return Const(hasattr(value.module if isinstance(value, ModuleVal) else value.value, name.value))
        self.fail("hasattr() of anything but modules")

    def _math(self, name: str, value: Val) -> Val:
        if isinstance(value, Const):
            try:
                return self.wrap(getattr(math, name)(value.value))
            except (ValueError, OverflowError) as error:
                self.fail(str(error))
        result = INT if name in ("floor", "ceil") else FLOAT
        return self.emit("script.math", [["attribute", name], self.arg(self.convert("float", value))], result)

    def _tensor(
        self,
        data: Val,
        dtype: Val = _NONE,
        device: Val = _NONE,
        requires_grad: Val = _FALSE,
    ) -> Val:
        """rustorch.tensor of a number or of a flat list of numbers."""
        if not (isinstance(requires_grad, Const) and not requires_grad.value):
            self.fail("tensor(requires_grad=True)", "a parameter of a module")
        found = self.type(data)
        if isinstance(data, (Const, Sym)) and found.is_number:
            if found == NUMBER and isinstance(dtype, Const) and dtype.value is None:
                self.fail("a tensor of a number that may be int or float", "int(...), float(...) or dtype=")
            if isinstance(dtype, Const) and dtype.value is None and found != FLOAT:
                dtype = Const(rt.bool if found == BOOL else rt.int64)
            return self.op("full", [TupleVal(()), data], {"dtype": dtype, "device": device})
        if isinstance(data, TupleVal):
            data = self.new_list(list(data.items))
        items = Accepts(self.env).items(data)
        if items and any(isinstance(item, (ListVal, TupleVal)) for item in items):
            rows = [self._tensor(item, dtype, device) for item in items]
            return self.op("stack", [TupleVal(tuple(rows))])
        if items and unify_all([self.type(item) for item in items]) is None:
            data = self.new_list([self.convert("float", item) for item in items])
        return self.list_tensor(data, dtype, device)

    # ---- Methods ----

    def call_method(self, owner: Val, name: str, args: list[Val], kwargs: dict[str, Val]) -> Val:
        if isinstance(owner, ModuleVal):
            return self.inline(getattr(type(owner.module), name), args, kwargs, owner)
        if self.type(owner) == TENSOR:
            return self._tensor_method(owner, name, args, kwargs)
        if isinstance(owner, ListVal):
            return self._list_method(owner, name, args)
        if isinstance(owner, DictVal):
            return self._dict_method(owner, name, args)
        if (
            isinstance(owner, Const)
            and isinstance(owner.value, str)
            and all(isinstance(a, Const) for a in args)
        ):
            return self.wrap(getattr(owner.value, name)(*(a.value for a in args)))  # type: ignore[attr-defined]
        self.fail(f"the method '{name}' of {self.type(owner)}")

    def _tensor_method(self, owner: Val, name: str, args: list[Val], kwargs: dict[str, Val]) -> Val:
        if name in _TENSOR_QUERIES and not args:
            op, kind = _TENSOR_QUERIES[name]
            return self.emit(op, [self.arg(owner)], kind)
        if name == "size":
            if args or kwargs:
                dim = args[0] if args else kwargs["dim"]
                return self.emit("script.size.dim", [self.arg(owner), self.arg(dim)], INT)
            return self.attribute(owner, "shape")
        if name == "__len__":
            return self.length(owner)
        method: Any = getattr(_C.Tensor, name, None)
        if hasattr(type(method), "__schemas__"):
            inplace = name.endswith("_") and not name.endswith("__")
            return self.call_op(name, method.__schemas__, [owner, *args], kwargs, True, inplace)
        if name in _texts() and name not in ("backward",):
            return self.op(name, [owner, *args], kwargs)
        self.fail(f"the method '{name}' of tensors", "the ops of rustorch")

    def _list_method(self, owner: ListVal, name: str, args: list[Val]) -> Val:
        state = self.env.cells[owner.cell]
        if name == "append" and len(args) == 1:
            self.append(owner, args[0])
            return Const(None)
        if name == "extend" and len(args) == 1:
            self.extend(owner, args[0])
            return Const(None)
        if name == "copy" and not args:
            return self.new_list(state, owner.item)
        if name == "clear" and not args:
            self.may_change(owner)
            found = self.type(owner)
            self.env.cells[owner.cell] = self.static_to_sym(found, []) if self.dynamic(owner) else []
            return Const(None)
        if name == "numel" and not args:
            return self.length(owner)
        if name == "pop":
            self.may_change(owner)
            if not isinstance(state, Sym):
                at = args[0] if args else Const(-1)
                if isinstance(at, Const) and -len(state) <= at.value < len(state):
                    self.env.cells[owner.cell] = [
                        x for i, x in enumerate(state) if i != at.value % len(state)
                    ]
                    found_item: Val = state[at.value]
                    return found_item
            elif not args:
                item = self.subscript(owner, Const(-1))
                ends = [self.arg(state), ["attribute", None], ["attribute", -1], ["attribute", 1]]
                self.env.cells[owner.cell] = self.list_op("slice", state.type, ends)
                return item
        if name == "insert" and not isinstance(state, Sym) and isinstance(args[0], Const):
            self.may_change(owner)
            changed = list(state)
            changed.insert(args[0].value, args[1])
            self.env.cells[owner.cell] = changed
            return Const(None)
        if name == "reverse" and not args:
            self.may_change(owner)
            if isinstance(state, Sym):
                ends = [self.arg(state), ["attribute", None], ["attribute", None], ["attribute", -1]]
                self.env.cells[owner.cell] = self.list_op("slice", state.type, ends)
            else:
                self.env.cells[owner.cell] = state[::-1]
            return Const(None)
        self.fail(
            f"the method '{name}' of a list with these arguments", "append, extend, pop, copy, clear, reverse"
        )

    def _dict_method(self, owner: DictVal, name: str, args: list[Val]) -> Val:
        items = self.env.cells[owner.cell]
        if name == "keys":
            return TupleVal(tuple(Const(key) for key in items))
        if name == "values":
            return TupleVal(tuple(items.values()))
        if name == "items":
            return TupleVal(tuple(TupleVal((Const(key), value)) for key, value in items.items()))
        if name == "get" and args and isinstance(args[0], Const):
            found: Val = items.get(args[0].value, args[1] if len(args) > 1 else Const(None))
            return found
        if name == "update" and args and isinstance(args[0], DictVal):
            self.env.cells[owner.cell] = {**items, **self.env.cells[args[0].cell]}
            return Const(None)
        if name == "copy":
            return self.new_dict(dict(items))
        self.fail(f"the method '{name}' of a dict", "keys, values, items, get, update")

    # ---- Modules ----

    def call_module(self, owner: ModuleVal, args: list[Val], kwargs: dict[str, Val]) -> Val:
        module = owner.module
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        if any(getattr(module, name, None) for name in hooks):
            self.fail(f"the module '{owner.path.rstrip('.')}' has hooks", "removing them before")
        made = self.special(module, args, kwargs)
        if made is not None:
            return made
        return self.inline(type(module).forward, args, kwargs, owner)


def unify_all(types: list[Any]) -> Any:
    found = types[0]
    for other in types[1:]:
        found = None if found is None else unify(found, other)
    return found


_HASHABLE = (type, type(len), type(lambda: 0))
_BUILTINS: dict[Any, str] = {
    getattr(builtins, name): f"_{name}"
    for name in (
        "len", "int", "float", "bool", "str", "abs", "min", "max", "sum", "range", "enumerate", "zip",
        "reversed", "any", "all", "type", "list", "tuple", "isinstance", "print", "getattr", "hasattr",
    )
}  # fmt: skip
_BUILTINS[rt.tensor] = "_tensor"
__all__ = ["RESULT", "RETURNED", "Calls", "list_of"]
