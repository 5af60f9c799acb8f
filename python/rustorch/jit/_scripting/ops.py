"""Ops, numbers and lists as nodes of the graph."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import rustorch as rt
from rustorch import _C
from rustorch.errors import RustorchError
from rustorch.jit._scripting import schemas
from rustorch.jit._scripting.blocks import Block
from rustorch.jit._scripting.errors import ScriptError
from rustorch.jit._scripting.schemas import NO_DEFAULT, Parameter
from rustorch.jit._scripting.types import (
    ANY,
    BOOL,
    FLOAT,
    INT,
    NUMBER,
    TENSOR,
    Type,
    list_of,
    unify,
)
from rustorch.jit._scripting.values import (
    Const,
    DictVal,
    Env,
    ListVal,
    ModuleVal,
    Object,
    Sym,
    TupleVal,
    Unset,
    Val,
    type_of,
)

# Operators: on tensors the op, on numbers the script op and Python's own.
BINARY: dict[str, tuple[str, str | None, Callable[[Any, Any], Any]]] = {
    "Add": ("add", "add", operator.add),
    "Sub": ("sub", "sub", operator.sub),
    "Mult": ("mul", "mul", operator.mul),
    "Div": ("div", "div", operator.truediv),
    "FloorDiv": ("floor_divide", "floordiv", operator.floordiv),
    "Mod": ("remainder", "mod", operator.mod),
    "Pow": ("pow", "pow", operator.pow),
    "MatMult": ("matmul", None, operator.matmul),
    "BitAnd": ("bitwise_and", None, operator.and_),
    "BitOr": ("bitwise_or", None, operator.or_),
    "BitXor": ("bitwise_xor", None, operator.xor),
    "LShift": ("bitwise_left_shift", None, operator.lshift),
    "RShift": ("bitwise_right_shift", None, operator.rshift),
}
COMPARE: dict[str, tuple[str, Callable[[Any, Any], Any], str]] = {
    "Lt": ("lt", operator.lt, "gt"),
    "LtE": ("le", operator.le, "ge"),
    "Gt": ("gt", operator.gt, "lt"),
    "GtE": ("ge", operator.ge, "le"),
    "Eq": ("eq", operator.eq, "eq"),
    "NotEq": ("ne", operator.ne, "ne"),
}
_LISTS = {"Tensor": "tensors", "int": "ints", "float": "floats"}
# Why lists cannot be changed that are tuples in Python.
SHAPE, GIVEN = "it is a shape", "it is what an op gave; a copy is list(...)"
# Types whose values equal none of another; numbers are one more.
_KINDS = {"str", "dtype", "device", "None", "Tuple", "List", "DictVal"}


class Accepts:
    """Whether values fit parameters, as the bindings decide of objects."""

    def __init__(self, env: Env) -> None:
        self.env = env

    def name(self, value: Val) -> str:
        return str(type_of(value, self.env)) if not isinstance(value, Object) else repr(value.value)

    def is_int(self, value: Val) -> bool:
        return type_of(value, self.env) == INT

    def is_tensor(self, value: Val) -> bool:
        return type_of(value, self.env) == TENSOR

    def sequence(self, items: Sequence[Val]) -> Val:
        return TupleVal(tuple(items))

    def items(self, value: Val) -> Sequence[Val] | None:
        if isinstance(value, TupleVal):
            return value.items
        if isinstance(value, ListVal) and not isinstance(self.env.cells[value.cell], Sym):
            items: Sequence[Val] = self.env.cells[value.cell]
            return items
        return None

    def __call__(self, parameter: Parameter, value: Val) -> bool:
        found = type_of(value, self.env)
        if isinstance(value, Const) and value.value is None:
            return parameter.optional
        if found.kind == "Optional" and parameter.optional:
            found = found.bare
        kind = parameter.type
        if kind.endswith(("[]", "[*]")):
            return self._list(parameter, kind.partition("[")[0], value, found)
        return {
            "Tensor": found == TENSOR,
            "Operand": found == TENSOR or found.is_number,
            "Scalar": found.is_number,
            "int": found == INT,
            "float": found.is_number,
            "bool": found == BOOL,
            "str": found.kind == "str",
            "DType": found.kind == "dtype",
            "Device": found.kind == "device" or (found.kind == "str" and isinstance(value, Const)),
        }.get(kind, False)

    def _list(self, parameter: Parameter, kind: str, value: Val, found: Type) -> bool:
        if kind == "int" and parameter.size and found == INT:
            return True
        if kind == "float" and parameter.size and found.is_number:
            return True
        fits: Any = {
            "Tensor": lambda item: item == TENSOR,
            "int": lambda item: item.kind in ("int", "bool"),
            "float": lambda item: item.is_number,
        }[kind]
        items = self.items(value)
        if items is None:
            return found.kind == "List" and fits(found.args[0])
        optional = parameter.items_optional
        return all(
            fits(type_of(item, self.env))
            or (optional and type_of(item, self.env).kind == "None")
            or (optional and fits(type_of(item, self.env).bare))
            for item in items
        )


class Ops:
    """The part of the compiler that adds nodes."""

    block: Block
    env: Env
    location: str
    calls: list[str]  # where the functions that are compiled in place were called, the outermost first
    next_cell: int = 0

    def fail(self, what: str, hint: str = "", got: str = "") -> NoReturn:
        where = f"{self.location}, called at {self.calls[0]}" if self.calls else self.location
        raise ScriptError.of("script", f"{what}; at {where}", got, hint)

    # ---- Values ----

    def type(self, value: Val) -> Type:
        return type_of(value, self.env)

    def emit(self, op: str, args: Sequence[Any], type: Type) -> Sym:
        self.block.location = self.location
        try:
            return self.block.emit(op, list(args), [type])[0]
        except RustorchError as error:  # what the node checks: types of its arguments
            self.fail(str(error))

    def arg(self, value: Val) -> list[Any]:
        """A number or one value as an argument."""
        if isinstance(value, Const):
            return ["attribute", value.value]
        return ["value", self.block.use(self.sym(value))]

    def sym(self, value: Val, type: Type | None = None) -> Sym:
        if isinstance(value, ListVal):
            return self.list_sym(value)
        if not isinstance(value, (Const, Sym, Unset)):
            self.fail(
                f"a {self.type(value)} cannot be one value of a graph", "numbers, tensors or lists of them"
            )
        self.block.location = self.location
        return self.block.sym(value, type)

    def wrap(self, value: Any) -> Val:
        """A Python object as a value."""
        if value is None or isinstance(value, (bool, int, float, str, _C.dtype, _C.device)):
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                self.fail("an int does not fit in 64 bits", "a float")
            return Const(value)
        if isinstance(value, tuple):
            names = getattr(type(value), "_fields", ())
            return TupleVal(tuple(map(self.wrap, value)), tuple(names), type(value) if names else tuple)
        if isinstance(value, list):
            return self.new_list([self.wrap(item) for item in value], frozen="it is a constant of the script")
        if isinstance(value, dict):
            items = {key: self.wrap(item) for key, item in value.items()}
            return self.new_dict(items, "it is a constant of the script")
        if isinstance(value, _C.Tensor):
            self.fail(
                "a tensor from outside of the function",
                "passing it as an argument, or a module with a buffer",
            )
        return Object(value)

    # ---- Ops ----

    def call_op(
        self, name: str, texts: Sequence[str], args: list[Val], kwargs: dict[str, Val], method: bool = False,
        inplace: bool = False,
    ) -> Val:  # fmt: skip
        accepts = Accepts(self.env)
        kwargs = {key: value for key, value in kwargs.items() if not self._says_nothing(key, value, texts)}
        reasons = []
        for text in texts:
            schema = schemas.parse(text)
            slots, why = schemas.bind(schema, args, kwargs, accepts, method)
            if slots is not None:
                return self._add(schema, slots, inplace)
            reasons.append(f"{text}: {why}")
        self.fail(f"{name}() does not take these arguments: {'; '.join(reasons)}")

    def _says_nothing(self, key: str, value: Val, texts: Sequence[str]) -> bool:
        known = any(p.name == key for text in texts for p in schemas.parse(text).parameters)
        if known or key not in ("layout", "pin_memory", "memory_format", "requires_grad", "out"):
            return False
        return isinstance(value, Const) and value.value in (None, False)

    def _add(self, schema: schemas.Schema, slots: list[Any], inplace: bool) -> Val:
        self.block.location = self.location
        args = [self.op_argument(p, slot) for p, slot in zip(schema.parameters, slots)]
        form = "inplace" if inplace else "plain"
        made = self.block.emit(schema.record, args, schema.returns, form, schema.random)
        results = [self.from_node(value) for value in made]
        if len(results) == 1:
            return results[0]
        return TupleVal(tuple(results), schema.return_names)

    def from_node(self, value: Sym) -> Val:
        if value.type.kind == "List":
            return self.new_list(value, frozen=GIVEN)
        return value

    def op_argument(self, parameter: Parameter, value: Any) -> list[Any]:
        if value is NO_DEFAULT:
            return ["attribute", parameter.default]
        if isinstance(value, Const):
            if parameter.type == "Device" and isinstance(value.value, str):
                return ["attribute", rt.device(value.value)]
            if parameter.type.endswith("[]") and value.value is not None:
                return ["attribute", (value.value,) * max(parameter.size, 1)]
            if parameter.type == "float" and value.value is not None:
                return ["attribute", float(value.value)]
            return ["attribute", value.value]
        items = Accepts(self.env).items(value)
        if items is not None:
            numbers = parameter.type in ("int[]", "float[]")
            if numbers and all(isinstance(item, Const) for item in items):
                return ["attribute", tuple(item.value for item in items)]  # type: ignore[attr-defined]
            ids = [
                None if isinstance(item, Const) and item.value is None else self.block.use(self.sym(item))
                for item in items
            ]
            return ["values", ids]
        found = self.sym(value)
        if parameter.type in ("int[]", "float[]") and found.type.is_number:
            return ["values", [self.block.use(found)] * max(parameter.size, 1)]
        return ["value", self.block.use(found)]

    def op(
        self, record: str, args: list[Val], kwargs: dict[str, Val] | None = None, inplace: bool = False
    ) -> Val:
        """A call of the op of this record."""
        return self.call_op(record, [_texts()[record]], args, kwargs or {}, inplace=inplace)

    # ---- Numbers ----

    def binary(self, kind: str, a: Val, b: Val) -> Val:
        op, number_op, compute = BINARY[kind]
        ta, tb = self.type(a), self.type(b)
        if isinstance(a, Const) and isinstance(b, Const):
            try:
                value = compute(a.value, b.value)
                if isinstance(value, complex):
                    raise ValueError("the result is complex")
                return self.wrap(value)
            except ZeroDivisionError:
                pass  # is raised when it runs
            except (TypeError, ValueError, OverflowError) as error:
                self.fail(f"{kind}: {error}")
        if TENSOR in (ta, tb) and all(t == TENSOR or t.is_number for t in (ta, tb)):
            return self.op(op, [a, b])
        if ta.is_number and tb.is_number and number_op is not None:
            kinds = {ta.kind, tb.kind}
            if kind == "Div" or "float" in kinds:
                result = FLOAT
            elif "number" in kinds or (kind == "Pow" and not (isinstance(b, Const) and b.value >= 0)):
                result = NUMBER
            else:
                result = INT
            return self.emit(f"script.{number_op}", [self.arg(a), self.arg(b)], result)
        if ta == BOOL and tb == BOOL and kind in ("BitAnd", "BitOr", "BitXor"):
            if kind == "BitXor":
                return self.emit("script.ne", [self.arg(a), self.arg(b)], BOOL)
            return self.emit(
                f"script.{'min' if kind == 'BitAnd' else 'max'}", [self.arg(a), self.arg(b)], BOOL
            )
        sequence = self.sequence_operator(kind, a, b)
        if sequence is not None:
            return sequence
        self.fail(f"the operator {kind} between {ta} and {tb}")

    def compare(self, kind: str, a: Val, b: Val) -> Val:
        op, compute, mirrored = COMPARE[kind]
        ta, tb = self.type(a), self.type(b)
        if isinstance(a, Const) and isinstance(b, Const):
            try:
                return Const(bool(compute(a.value, b.value)))
            except TypeError as error:
                self.fail(str(error))
        if ta == TENSOR:
            return self.op(op, [a, b])
        if tb == TENSOR:
            return self.op(mirrored, [b, a])
        if ta.is_number and tb.is_number:
            return self.emit(f"script.{op}", [self.arg(a), self.arg(b)], BOOL)
        if ta == tb and ta.kind in ("str", "dtype", "device") and op in ("eq", "ne"):
            return self.emit(f"script.{op}.{ta.kind}", [self.arg(a), self.arg(b)], BOOL)
        if op in ("eq", "ne"):
            kinds = {self._kind(a), self._kind(b)}
            if len(kinds) == 2 and "" not in kinds:
                return Const(op == "ne")
            items_a, items_b = Accepts(self.env).items(a), Accepts(self.env).items(b)
            if type(a) is type(b) and items_a is not None and items_b is not None:
                return self._compare_items(op, items_a, items_b)
        self.fail(f"a comparison of {ta} with {tb}")

    def _kind(self, value: Val) -> str:
        """Values of two kinds are never equal; "" where this is not known."""
        found = self.type(value)
        if isinstance(value, ListVal) and (value.frozen or self.dynamic(value)):
            return ""  # such as a shape, which is a tuple in Python
        return "number" if found.is_number else found.kind if found.kind in _KINDS else ""

    def _compare_items(self, op: str, a: Sequence[Val], b: Sequence[Val]) -> Val:
        equal: Val = Const(len(a) == len(b))
        if len(a) == len(b):
            for x, y in zip(a, b):
                one = self.compare("Eq", x, y)
                if self.type(one) != BOOL:
                    self.fail("a comparison of containers of tensors")
                if isinstance(one, Const) and isinstance(equal, Const):
                    equal = Const(one.value and equal.value)
                else:
                    equal = self.emit("script.min", [self.arg(equal), self.arg(one)], BOOL)
        return equal if op == "eq" else self.negated(equal)

    def truth(self, value: Val) -> Val:
        """bool(value), as an `if` asks for it."""
        found = self.type(value)
        if isinstance(value, Const):
            return Const(bool(value.value))
        if found == BOOL:
            return value
        if found.is_number:
            return self.emit("script.to_bool", [self.arg(value)], BOOL)
        if found == TENSOR:
            return self.emit("script.bool_of", [self.arg(value)], BOOL)
        if found.kind == "str":
            return self.emit("script.ne.str", [self.arg(value), ["attribute", ""]], BOOL)
        if isinstance(value, (ListVal, TupleVal, DictVal)):
            return self.truth(self.length(value))
        if isinstance(value, (ModuleVal, Object)):
            return Const(True)
        self.fail(f"the truth of a value of type {found}", "`is not None`")

    def negated(self, condition: Val) -> Val:
        if isinstance(condition, Const):
            return Const(not condition.value)
        return self.emit("script.not", [self.arg(condition)], BOOL)

    def convert(self, kind: str, value: Val) -> Val:
        """int(), float() and bool()."""
        if kind == "bool":
            return self.truth(value)
        if isinstance(value, Const):
            try:
                return self.wrap({"int": int, "float": float}[kind](value.value))
            except (TypeError, ValueError, OverflowError) as error:
                self.fail(str(error))
        found = self.type(value)
        wanted = INT if kind == "int" else FLOAT
        if found == TENSOR:
            return self.emit(f"script.{kind}_of", [self.arg(value)], wanted)
        if found.is_number:
            return value if found == wanted else self.emit(f"script.to_{kind}", [self.arg(value)], wanted)
        self.fail(f"{kind}() of {found}")

    # ---- Lists ----

    def new_cell(self, state: Any) -> int:
        self.next_cell += 1
        self.env.cells[self.next_cell] = state
        return self.next_cell

    def new_list(self, state: Any, item: Type | None = None, frozen: str = "") -> ListVal:
        return ListVal(self.new_cell(state), item, frozen)

    def new_dict(self, items: dict[Any, Val], frozen: str = "") -> DictVal:
        return DictVal(self.new_cell(items), frozen)

    def list_sym(self, value: ListVal, type: Type | None = None) -> Sym:
        """The list as one value of the graph."""
        state = self.env.cells[value.cell]
        if isinstance(state, Sym):
            return state
        return self.static_to_sym(type or self.type(value), state)

    def must_fit(self, value: Val, wanted: Type) -> None:
        """That a list of this type can hold the value."""
        if unify(self.type(value), wanted.args[0]) != wanted.args[0]:
            self.fail(f"{self.type(value)} in a {wanted}", "one type for all items")

    def static_to_sym(self, found: Type, items: Sequence[Val]) -> Sym:
        if found.leaf is None:
            if not items:
                self.fail(
                    "an empty list whose items have no type",
                    "an annotation, `x: List[int] = []`",
                )
            self.fail(f"a {found} whose length is not known", "a list of tensors, ints or floats")
        kind = _LISTS[found.args[0].kind]
        ids = [self.block.use(self.sym(item)) for item in items]
        return self.emit(f"script.list.{kind}", [["values", ids]], found)

    def list_op(self, op: str, list_type: Type, args: Sequence[Any], result: Type | None = None) -> Sym:
        kind = _LISTS[list_type.args[0].kind]
        return self.emit(f"script.{op}.{kind}", args, result or list_type)

    def dynamic(self, value: ListVal) -> bool:
        return isinstance(self.env.cells[value.cell], Sym)

    def length(self, value: Val) -> Val:
        found = self.type(value)
        if isinstance(value, TupleVal):
            return Const(len(value.items))
        if isinstance(value, DictVal):
            return Const(len(self.env.cells[value.cell]))
        if isinstance(value, ListVal):
            if not self.dynamic(value):
                return Const(len(self.env.cells[value.cell]))
            return self.list_op("len", found, [self.arg(value)], INT)
        if found == TENSOR:
            return self.emit("script.len", [self.arg(value)], INT)
        if isinstance(value, Const) and isinstance(value.value, str):
            return Const(len(value.value))
        if isinstance(value, ModuleVal) and hasattr(value.module, "__len__"):
            return Const(len(value.module))
        self.fail(f"len() of {found}")

    def sequence_operator(self, kind: str, a: Val, b: Val) -> Val | None:
        """+ and * of lists and tuples."""
        if kind == "Mult" and isinstance(b, (ListVal, TupleVal)):
            a, b = b, a
        accepts = Accepts(self.env)
        if kind == "Add" and isinstance(a, TupleVal) and isinstance(b, TupleVal):
            return TupleVal(a.items + b.items)
        if kind == "Add" and isinstance(a, ListVal) and isinstance(b, ListVal):
            one, two = accepts.items(a), accepts.items(b)
            item = unify(self.type(a).args[0], self.type(b).args[0])
            if one is not None and two is not None:
                return self.new_list([*one, *two], None if item == ANY else item)
            if item is None or list_of(item).leaf is None:
                self.fail(f"+ of {self.type(a)} and {self.type(b)}")
            found = list_of(item)
            parts = [self.list_sym(side, found) for side in (a, b)]
            return self.new_list(self.list_op("concat", found, list(map(self.arg, parts))), item)
        if kind == "Mult" and isinstance(a, (TupleVal, ListVal)) and self.type(b) == INT:
            items = accepts.items(a)
            if items is not None and isinstance(b, Const) and len(items) * b.value <= 1 << 12:
                many = [*items] * b.value
                return TupleVal(tuple(many)) if isinstance(a, TupleVal) else self.new_list(many, a.item)
            if isinstance(a, ListVal):
                made = self.list_op(
                    "repeat", self.type(a), [["value", self.block.use(self.list_sym(a))], self.arg(b)]
                )
                return self.new_list(made, made.type.args[0])
        return None


_TEXTS: dict[str, str] = {}


def _texts() -> dict[str, str]:
    if not _TEXTS:
        _TEXTS.update((row["name"], row["schema"]) for row in _C.op_table())
    return _TEXTS
