"""Calls: of ops, methods, modules, and of Python functions, which are compiled in place."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any

from rustorch import _C
from rustorch.jit._scripting.builtin_functions import Builtins
from rustorch.jit._scripting.loops import RESULT, RETURNED
from rustorch.jit._scripting.ops import Accepts, _texts
from rustorch.jit._scripting.types import INT, NUMBER, TENSOR, list_of
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    ListVal,
    Method,
    ModuleVal,
    Object,
    Sym,
    TupleVal,
    Val,
)
from rustorch.jit._scripting_api import annotate

_MATH = {"sqrt", "exp", "log", "log2", "log10", "sin", "cos", "tan", "tanh", "fabs", "floor", "ceil"}
_TENSOR_QUERIES = {
    "dim": ("script.dim", INT), "ndimension": ("script.dim", INT), "numel": ("script.numel", INT),
    "nelement": ("script.numel", INT), "item": ("script.item", NUMBER),
}  # fmt: skip


class Calls(Builtins):
    """The part of the compiler for calls."""

    def _Call(self, node: ast.Call) -> Val:
        callee = self.evaluate(node.func)
        if isinstance(callee, Object) and callee.value is annotate and len(node.args) == 2:
            return self.declared(self.evaluate(node.args[1]), self.annotated_type(node.args[0]))
        args: list[Val] = []
        for item in node.args:
            if isinstance(item, ast.Starred):
                several = Accepts(self.env).items(self.evaluate(item.value))
                if several is None:
                    self.fail("* of a list whose length is not known")
                args += several
            elif isinstance(item, ast.GeneratorExp) and self._builtin(callee):
                args.append(self.comprehension(item))  # of those that take all items
            else:
                args.append(self.evaluate(item))
        kwargs: dict[str, Val] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            given: dict[Any, Val] = {keyword.arg: value}
            if keyword.arg is None:
                if not isinstance(value, DictVal):
                    self.fail("** of something that is no dict")
                given = self.env.cells[value.cell]
            for name in given:
                if name in kwargs or not isinstance(name, str):
                    self.fail(f"the keyword argument {name!r} is given twice, or is no name")
            kwargs.update(given)
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
        known = self._builtin(Object(fn))
        if known is not None:
            method = getattr(self, known)
            self.bound(method, args, kwargs, known[1:])
            made: Val = method(*args, **kwargs)
            return made
        special = self.special(fn, args, kwargs)
        if special is not None:
            return special
        if hasattr(type(fn), "__schemas__"):
            name = fn.__name__
            inplace = name.endswith("_") and not name.endswith("__")
            return self.call_op(name, fn.__schemas__, args, kwargs, inplace=inplace)
        if getattr(fn, "__module__", None) == "math" and getattr(fn, "__name__", "") in _MATH:
            if len(args) != 1 or kwargs:
                self.fail(f"math.{fn.__name__}() takes one argument", got=str(len(args) + len(kwargs)))
            return self._math(fn.__name__, *args)
        if inspect.isclass(fn) and issubclass(fn, tuple) and hasattr(fn, "_fields"):
            fields: Any = fn
            given = {name: self.wrap(value) for name, value in fields._field_defaults.items()}
            given.update(self.bound(fn, args, kwargs, fn.__name__))
            return TupleVal(tuple(given[name] for name in fields._fields), fields._fields, fn)
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

    # ---- Methods ----

    def call_method(self, owner: Val, name: str, args: list[Val], kwargs: dict[str, Val]) -> Val:
        if isinstance(owner, ModuleVal):
            return self.inline(getattr(owner.module, name).__func__, args, kwargs, owner)
        if self.type(owner) == TENSOR:
            return self._tensor_method(owner, name, args, kwargs)
        plain = [item.value for item in args if isinstance(item, Const)]
        named = {key: item.value for key, item in kwargs.items() if isinstance(item, Const)}
        if isinstance(owner, Const) and len(plain) == len(args) and len(named) == len(kwargs):
            try:
                found = getattr(owner.value, name)(*plain, **named)
            except Exception as error:
                self.fail(f"{name}(): {error}")
            return self.new_list(list(map(self.wrap, found))) if isinstance(found, list) else self.wrap(found)
        if isinstance(owner, ListVal) and not kwargs:
            return self._list_method(owner, name, args)
        if isinstance(owner, DictVal) and not kwargs:
            return self._dict_method(owner, name, args)
        self.fail(f"the method '{name}' of {self.type(owner)} with these arguments")

    def _tensor_method(self, owner: Val, name: str, args: list[Val], kwargs: dict[str, Val]) -> Val:
        if name in _TENSOR_QUERIES and not args and not kwargs:
            op, kind = _TENSOR_QUERIES[name]
            return self.emit(op, [self.arg(owner)], kind)
        if name == "size":
            given = self.bound(_size, args, kwargs, "size")
            if "dim" not in given:
                return self.attribute(owner, "shape")
            if self.type(given["dim"]) != INT:
                self.fail(f"size() of the dim {self.type(given['dim'])}", "an int")
            return self.emit("script.size.dim", [self.arg(owner), self.arg(given["dim"])], INT)
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
        if name == "pop" and len(args) <= 1:
            self.may_change(owner)
            if not isinstance(state, Sym):
                at = args[0] if args else Const(-1)
                if isinstance(at, Const) and self.type(at) == INT and -len(state) <= at.value < len(state):
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
        if name == "insert" and len(args) == 2 and not isinstance(state, Sym):
            at, item = args
            if isinstance(at, Const) and self.type(at) == INT:
                self.may_change(owner)
                changed = list(state)
                changed.insert(at.value, item)
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
            f"the method '{name}' of a list with these arguments",
            "append, extend, insert, pop, copy, clear, reverse",
        )

    def _dict_method(self, owner: DictVal, name: str, args: list[Val]) -> Val:
        items = self.env.cells[owner.cell]
        views: dict[str, Callable[[], Val]] = {
            "keys": lambda: TupleVal(tuple(map(Const, items))),
            "values": lambda: TupleVal(tuple(items.values())),
            "items": lambda: TupleVal(tuple(TupleVal((Const(key), value)) for key, value in items.items())),
            "copy": lambda: self.new_dict(dict(items)),
        }
        if name in views and not args:
            return views[name]()
        if name == "get" and len(args) in (1, 2) and isinstance(args[0], Const):
            found: Val = items.get(args[0].value, args[1] if len(args) > 1 else Const(None))
            return found
        if name == "update" and len(args) == 1 and isinstance(args[0], DictVal):
            self.may_change(owner)
            self.env.cells[owner.cell] = {**items, **self.env.cells[args[0].cell]}
            return Const(None)
        self.fail(f"the method '{name}' of a dict", "keys, values, items, get, update, copy")

    # ---- Modules ----

    def forward_of(self, module: Any) -> Any:
        """The function that a call of the module runs."""
        if "forward" in vars(module) or not inspect.isfunction(type(module).forward):
            self.fail(f"{type(module).__name__} has a forward of its own", "a forward of its class")
        return type(module).forward

    def call_module(self, owner: ModuleVal, args: list[Val], kwargs: dict[str, Val]) -> Val:
        module = owner.module
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        if any(getattr(module, name, None) for name in hooks):
            self.fail(f"the module '{owner.path.rstrip('.')}' has hooks", "removing them before")
        made = self.special(module, args, kwargs)
        if made is not None:
            return made
        return self.inline(self.forward_of(module), args, kwargs, owner)


def _size(dim: Any = None) -> None:
    """The parameters of Tensor.size."""


__all__ = ["RESULT", "RETURNED", "Calls", "list_of"]
