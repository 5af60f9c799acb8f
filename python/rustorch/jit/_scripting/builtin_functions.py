"""Python's built-in functions and rustorch.tensor, as scripts call them."""

from __future__ import annotations

import builtins
import inspect
import math
import types
import typing
from typing import Any

import rustorch as rt
from rustorch import _C
from rustorch.jit._scripting.ops import GIVEN, SHAPE, Accepts
from rustorch.jit._scripting.statements import Statements
from rustorch.jit._scripting.types import BOOL, FLOAT, INT, NUMBER, TENSOR, Type, unify
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Iteration,
    ListVal,
    ModuleVal,
    Object,
    Sym,
    TupleVal,
    Val,
)

_ZERO, _NONE, _FALSE, _SPACE, _NEWLINE = Const(0), Const(None), Const(False), Const(" "), Const("\n")
_EMPTY = TupleVal(())


class Builtins(Statements):
    """The part of the compiler for built-in functions: each is a method of its name after an underscore."""

    def _builtin(self, callee: Val) -> str | None:
        """The method here that stands for a built-in."""
        fn = callee.value if isinstance(callee, Object) else None
        return _BUILTINS.get(fn) if isinstance(fn, _HASHABLE) else None

    def bound(self, fn: Any, args: list[Val], kwargs: dict[str, Val], name: str) -> dict[str, Any]:
        """The arguments by the names of the parameters that they are for."""
        try:
            return inspect.signature(fn, follow_wrapped=False).bind(*args, **kwargs).arguments
        except TypeError as error:
            self.fail(f"{name}(): {error}")

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
        if isinstance(value, Const):
            return Object(type(value.value))
        if not isinstance(value, ModuleVal):
            self.fail("type() of anything but modules and constants", "isinstance()")
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
        found = self.type(value)
        if found == TENSOR:
            return self.op("abs", [value])
        if not found.is_number:
            self.fail(f"abs() of {found}")
        if isinstance(value, Const):
            return self.wrap(abs(value.value))
        value = self.convert("int", value) if found == BOOL else value
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

    def _sum(self, value: Val, start: Val = _ZERO) -> Val:
        items = Accepts(self.env).items(value)
        if items is None:
            self.fail(f"sum() of {self.type(value)}", "a loop")
        total = start
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
            return Iteration(pairs, watch=over.watch, once=True)
        get = over.get
        return Iteration(
            count=over.count,
            get=lambda turn: TupleVal((self.binary("Add", start, turn), get(turn))),
            watch=over.watch,
            once=True,
        )

    def _zip(self, *values: Val) -> Val:
        parts = [self.iteration(value) for value in values]
        watch = tuple(cell for part in parts for cell in part.watch)
        if all(part.items is not None for part in parts):
            rows = zip(*(part.items or [] for part in parts))
            return Iteration([TupleVal(items) for items in rows], watch=watch, once=True)
        counts = [Const(len(p.items)) if p.items is not None else p.count for p in parts]
        count = counts[0]
        for other in counts[1:]:
            assert count is not None and other is not None
            count = self._extreme("min", (count, other))
        gets = [self._getter(part) for part in parts]

        def get(turn: Val) -> Val:
            return TupleVal(tuple(one(turn) for one in gets))

        return Iteration(count=count, get=get, watch=watch, once=True)

    def _getter(self, part: Iteration) -> Any:
        if part.items is None:
            return part.get
        made = self.new_list(part.items)
        return lambda turn: self.subscript(made, turn)

    def _reversed(self, value: Val) -> Val:
        over = self.iteration(value)
        if over.items is not None:
            return Iteration(over.items[::-1], watch=over.watch, once=True)
        count, get = over.count, over.get
        assert count is not None

        def mirrored(turn: Val) -> Val:
            assert count is not None
            item: Val = get(self.binary("Sub", self.binary("Sub", count, Const(1)), turn))
            return item

        return Iteration(count=count, get=mirrored, watch=over.watch, once=True)

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

    def _tuple(self, value: Val = _EMPTY) -> Val:
        items = self.iteration(value).items
        if items is None:
            self.fail("tuple() of what has no known length", "a list")
        return TupleVal(tuple(items))

    def _isinstance(self, value: Val, cls: Val) -> Val:
        """Decided by the static type; whether an Optional is None is seen when it runs."""
        classes = self._classes(cls)
        if isinstance(value, ModuleVal):
            return Const(isinstance(value.module, classes))
        if isinstance(value, (Object, Const)):
            return Const(isinstance(value.value, classes))
        if isinstance(value, TupleVal):
            return Const(issubclass(value.cls, classes))
        if isinstance(value, ListVal):  # what ops and .shape give are tuples in Python
            return Const(issubclass(tuple if value.frozen in (SHAPE, GIVEN) else list, classes))
        if isinstance(value, DictVal):
            return Const(issubclass(dict, classes))
        found = self.type(value)
        inner = self._is_of(found.bare, classes)
        none = issubclass(type(None), classes)
        if found.kind != "Optional" or inner == none:
            return Const(inner)
        is_none = self.emit("script.is_none", [self.arg(value)], BOOL)
        return is_none if none else self.negated(is_none)

    def _classes(self, cls: Val) -> tuple[type, ...]:
        """What isinstance() takes: a class, or a union or a tuple of them."""
        if isinstance(cls, TupleVal):
            return tuple(one for item in cls.items for one in self._classes(item))
        found = cls.value if isinstance(cls, Object) else None
        if isinstance(found, type) and typing.get_origin(found) is None:
            return (found,)
        if not _is_union(found):
            self.fail("isinstance() takes a class")
        return tuple(one for item in typing.get_args(found) for one in self._classes(self.wrap(item)))

    def _is_of(self, found: Type, classes: tuple[type, ...]) -> bool:
        """Whether values of this static type are of the classes."""
        known: dict[str, list[type]] = {
            "Tensor": [rt.Tensor], "int": [int], "float": [float], "bool": [bool], "str": [str],
            "number": [int, float, bool], "dtype": [_C.dtype], "device": [_C.device], "None": [type(None)],
            "List": [list],
        }  # fmt: skip
        of_type = known.get(found.kind, [])
        answers = {issubclass(one, classes) for one in of_type}
        narrower = any(issubclass(cls, one) and cls is not one for cls in classes for one in of_type[:1])
        if len(answers) != 1 or (narrower and found == TENSOR and answers == {False}):
            self.fail(
                f"isinstance() of {found}, whose class is not known while compiling", "int(...) or float(...)"
            )
        return answers.pop()

    def _device(self, kind: Val, index: Val = _NONE) -> Val:
        if not (isinstance(kind, Const) and isinstance(index, Const)):
            self.fail("device() of what is not known while compiling", "an argument of type rustorch.device")
        try:
            return Const(rt.device(kind.value, *([] if index.value is None else [index.value])))
        except (TypeError, ValueError, RuntimeError) as error:
            self.fail(str(error))

    def _print(self, *values: Val, sep: Val = _SPACE, end: Val = _NEWLINE) -> Val:
        texts: list[str] = []
        for given, default in ((sep, " "), (end, "\n")):
            if not (isinstance(given, Const) and isinstance(given.value, (str, type(None)))):
                self.fail("print() with a separator that is no constant string")
            texts.append(default if given.value is None else given.value)
        for i, value in enumerate(values):
            tail = texts[1] if i + 1 == len(values) else texts[0]
            self.emit("script.print", [self.arg(value), ["attribute", tail]], INT)
        if not values:
            self.emit("script.print", [["attribute", ""], ["attribute", texts[1]]], INT)
        return Const(None)

    def _getattr(self, value: Val, name: Val, *default: Val) -> Val:
        if not (isinstance(name, Const) and isinstance(name.value, str)):
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
            except (TypeError, ValueError, OverflowError) as error:
                self.fail(f"math.{name}: {error}")
        if name in ("floor", "ceil") and self.type(value) == INT:
            return value
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
        kinds = {self.type(item).kind for item in items or ()}
        if "bool" in kinds or len(kinds) > 1:
            if kinds == {"bool"} and isinstance(dtype, Const) and dtype.value is None:
                dtype = Const(rt.bool)
            wanted = "int" if kinds <= {"bool", "int"} else "float"
            data = self.new_list([self.convert(wanted, item) for item in items or ()])
        return self.list_tensor(data, dtype, device)


def _is_union(found: Any) -> bool:
    return typing.get_origin(found) in (typing.Union, getattr(types, "UnionType", typing.Union))


_HASHABLE = (type, type(len), type(lambda: 0))
_BUILTINS: dict[Any, str] = {
    getattr(builtins, name): f"_{name}"
    for name in (
        "len", "int", "float", "bool", "str", "abs", "min", "max", "sum", "range", "enumerate", "zip",
        "reversed", "any", "all", "type", "list", "tuple", "isinstance", "print", "getattr", "hasattr",
    )
}  # fmt: skip
_BUILTINS.update({rt.tensor: "_tensor", rt.device: "_device"})
