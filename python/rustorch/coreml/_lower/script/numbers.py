"""Script ops on numbers that tensors decide, as ops on zero-dim tensors; and on lists, as Python's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml._lower.script.values import KINDS, Held, Number, Refused, as_tensor, is_number, kind_of

__all__ = ["ARITHMETIC", "READS", "common_kind", "list_op", "power_of"]


def common_kind(*values: Any) -> str:
    """The kind that numbers promote to."""
    return max(map(kind_of, values), key=KINDS.index)


def _widened(x: Tensor, kind: str) -> Tensor:
    return x.to({"bool": rt.bool, "int": rt.int64, "float": rt.float32}[kind])


def _whole(x: Tensor) -> Tensor:
    return (rt.trunc(x) if x.is_floating_point() else x).to(rt.int64)


def _truth(x: Tensor) -> Tensor:
    return x if x.dtype == rt.bool else x != 0


_Row = tuple[Callable[..., Tensor], Callable[..., str]]


def _least_int(*kinds: str) -> str:
    return max("int", *kinds, key=KINDS.index)


def _widest(*kinds: str) -> str:
    return max(kinds, key=KINDS.index)


def _numeric(op: Callable[..., Tensor], kind: Callable[..., str] = _least_int) -> _Row:
    """On both operands as the kind that comes out: Python's bools are ints there."""
    return lambda *xs: op(*(_widened(x, kind(*map(_kind, xs))) for x in xs)), kind


def _kind(x: Tensor) -> str:
    return "float" if x.is_floating_point() else "bool" if x.dtype == rt.bool else "int"


def _fixed(op: Callable[..., Tensor], kind: str) -> _Row:
    return op, lambda *kinds: kind


def _compared(op: Callable[..., Tensor]) -> _Row:
    return lambda a, b: op(_widened(a, _least_int(_kind(a), _kind(b))), b), lambda *kinds: "bool"


def _either(of_bools: Callable[..., Tensor], op: Callable[..., Tensor]) -> _Row:
    both = _numeric(op, _widest)[0]
    return (
        lambda a, b: of_bools(a, b) if a.dtype == b.dtype == rt.bool else both(a, b),
        _widest,
    )


def power_of(n: int) -> _Row:
    """x ** n: of ints an int, unless n is negative. MIL's own power is of floats."""
    if not 0 <= n <= 64:
        return _numeric(lambda x: rt.pow(x, n), lambda *kinds: "float")

    def power(x: Tensor) -> Tensor:
        result, square, rest = rt.ones_like(x), x, n
        while rest:
            result, square, rest = result * square if rest % 2 else result, square * square, rest // 2
        return result

    return _numeric(power)


# By the names of the script ops: what computes it, and the kind of the result from those of the operands.
ARITHMETIC: dict[str, _Row] = {
    "add": _numeric(rt.add),
    "sub": _numeric(rt.sub),
    "mul": _numeric(rt.mul),
    "div": _numeric(rt.div, lambda *kinds: "float"),
    "floordiv": _numeric(rt.floor_divide),
    "mod": _numeric(rt.remainder),
    "pow": _numeric(rt.pow),
    "neg": _numeric(rt.neg),
    "min": _either(rt.logical_and, rt.minimum),
    "max": _either(rt.logical_or, rt.maximum),
    "lt": _compared(rt.lt),
    "le": _compared(rt.le),
    "gt": _compared(rt.gt),
    "ge": _compared(rt.ge),
    "eq": _compared(rt.eq),
    "ne": _compared(rt.ne),
    "not": _fixed(lambda a: rt.logical_not(a), "bool"),
    "to_int": _fixed(_whole, "int"),
    "to_float": _fixed(lambda a: _widened(a, "float"), "float"),
    "to_bool": _fixed(lambda a: _truth(a), "bool"),
}


def _one(x: Tensor) -> Tensor:
    return x.reshape(())  # an error for more elements, as in Python


# Numbers that are read out of a tensor: their kinds, None for that of its dtype.
READS: dict[str, tuple[Callable[[Tensor], Tensor], str | None]] = {
    "item": (lambda x: _widened(_one(x), _kind(x)), None),
    "int_of": (lambda x: _whole(_one(x)), "int"),
    "float_of": (lambda x: _widened(_one(x), "float"), "float"),
    "bool_of": (lambda x: _truth(_one(x)), "bool"),
}


def list_op(node: Any, name: str, args: dict[str, Any], emit: Callable[..., list[Held]]) -> Any:
    """A script op on lists, whose length is always known here. `emit` adds an op."""
    index: Any = args.get("index")
    if name == "list":
        return list(args["items"])
    if name == "concat":
        return [*args["list"], *args["other"]]
    if name == "append":
        return [*args["list"], args["value"]]
    if name == "len":
        return len(args["list"])
    if any(isinstance(args.get(key), Number) for key in ("times", "start", "stop", "step")):
        raise Refused("the length of a list depends on values of tensors", node, "a tensor")
    if name == "repeat":
        return list(args["list"]) * args["times"]
    if name == "slice":
        return list(args["list"])[args["start"] : args["stop"] : args["step"]]
    items = list(args["list"])
    if isinstance(index, Number):
        if name == "set":
            raise Refused("which item of a list is set depends on values of tensors", node, "a tensor")
        return _chosen(node, items, index, emit)
    if name == "get":
        return items[index]
    items[index] = args["value"]
    return items


def _chosen(node: Any, items: list[Any], index: Number, emit: Callable[..., list[Held]]) -> Any:
    """items[index]: a row of all of them as one tensor."""
    tensors = all(isinstance(item, Held) for item in items)
    if not items or not (tensors or all(map(is_number, items))):
        raise Refused("which item of a list is taken depends on values of tensors", node, "a tensor")
    if tensors and len({(tuple(item.tensor.shape), item.tensor.dtype) for item in items}) > 1:
        raise Refused("which of tensors of different shapes is taken depends on values", node)
    kind = "" if tensors else common_kind(*items)
    held = [
        item if isinstance(item, Held) else item.held if isinstance(item, Number) else as_tensor(item)
        for item in items
    ]

    def compute(place: Tensor, *given: Tensor) -> list[Tensor]:
        found = iter(given)
        rows = [next(found) if isinstance(x, Held) else x for x in held]
        if kind:
            rows = [_widened(row, kind) for row in rows]
        place = place if index.natural else rt.where(place < 0, place + len(items), place)
        return [rt.stack(rows).index_select(0, place.reshape(1)).squeeze(0)]

    (result,) = emit(node, compute, [index.held, *(x for x in held if isinstance(x, Held))])
    return Number(kind, result) if kind else result
