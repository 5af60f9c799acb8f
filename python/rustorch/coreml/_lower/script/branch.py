"""Branches on values as `cond`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml._lower.script.evaluate import entered
from rustorch.coreml._lower.script.numbers import common_kind
from rustorch.coreml._lower.script.pending import shares_memory, write
from rustorch.coreml._lower.script.values import (
    Held,
    Number,
    Refused,
    absent,
    as_tensor,
    is_maybe,
    is_number,
    leaves,
)
from rustorch.coreml.mil.program import Block, DataType, Operation

if TYPE_CHECKING:
    from rustorch.coreml._lower.script.evaluate import Evaluator

__all__ = ["branch", "commit", "described", "value_of"]


def described(x: Any) -> str:
    """A value, for errors."""
    if isinstance(x, Held):
        return f"a tensor of shape {list(x.tensor.shape)} and {str(x.tensor.dtype).rpartition('.')[2]}"
    if isinstance(x, (list, tuple)):
        return f"a list of {len(x)}"
    return f"a number ({x.kind})" if isinstance(x, Number) else repr(x)


def value_of(b: Builder, x: Any, kind: str = "") -> Var:
    """A tensor or number as a value of the program, a number as one of this kind."""
    if isinstance(x, Held):
        return x.lowered
    dtype = {"bool": DataType.BOOL, "int": DataType.INT32, "float": b.float_type}[kind]
    if isinstance(x, Number):
        return b.cast(x.held.lowered, dtype)
    return b.constant({"bool": bool, "int": int, "float": float}[kind](x), dtype)


def commit(ev: Evaluator, node: Any, outer: Held, var: Var, given: list[Any]) -> None:
    """A tensor from outside that a block has written has this value now."""
    for other in leaves(given):
        if isinstance(other, Held) and shares_memory(outer, other):
            raise Refused("a write into a tensor, of which the block uses other views too", node, "clone()")
    write(ev.b, outer, var, ev.live(), node)
    ev.write_back(node, outer)


class _Merge:
    """What two branches give as one: `values` are what each of them gives of a result of the `cond`."""

    def __init__(self, ev: Evaluator, node: Any) -> None:
        self.b, self.node, self.memories = ev.b, node, ev.memories
        self.values: list[tuple[Any, Any, str]] = []
        self.results: list[Held] = []

    def add(self, first: Any, second: Any, kind: str = "") -> Held:
        self.values.append((first, second, kind))
        example = as_tensor({"bool": False, "int": 0, "float": 0.0}[kind]) if kind else first.tensor.clone()
        self.results.append(Held(example, maybe=is_maybe(first) or is_maybe(second)))
        if not kind:
            possible = self.memories.possible(first) | self.memories.possible(second)
            self.memories.relate(self.results[-1], possible)
        return self.results[-1]

    def merged(self, first: Any, second: Any) -> Any:
        if (first is None) != (second is None):
            other = second if first is None else first
            if isinstance(other, Held) or is_number(other):
                none = absent(self.b, other)
                first, second = (none, second) if first is None else (first, none)
        if isinstance(first, Held) and isinstance(second, Held):
            a, b = first.lowered, second.lowered
            if (a.shape, a.dtype) == (b.shape, b.dtype):
                return self.add(first, second)
        elif is_number(first) and is_number(second):
            if not isinstance(first, Number) and type(first) is type(second) and first == second:
                return first
            kind = common_kind(first, second)
            return Number(kind, self.add(first, second, kind), maybe=is_maybe(first) or is_maybe(second))
        elif isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
            if len(first) == len(second):
                return [self.merged(x, y) for x, y in zip(first, second)]
        elif type(first) is type(second) and first == second:
            return first
        raise Refused(
            f"Core ML wants the same type of both branches; one gives {described(first)}, the other "
            f"{described(second)}",
            self.node,
        )


def branch(ev: Evaluator, node: Any, args: dict[str, Any], wanted: Sequence[bool]) -> list[Any]:
    """The results of an `if`: of one block where the examples' shapes decide, else of a `cond`."""
    condition, given, b = args["condition"], args["given"], ev.b
    if not isinstance(condition, Number):
        return ev.run(node.blocks[0 if condition else 1], given)
    ev.flush(condition, given)
    branches: list[tuple[list[Operation], list[Any], list[Any]]] = []
    with ev.attempt():
        for block in node.blocks:
            with b.inside([]) as operations:
                views, inner = list(ev.views), entered(ev, given)
                results = ev.run(block, inner)
                ev.flush(results, inner)
                ev.views = views
            branches.append((operations, inner, results))
    (first_ops, first_given, first), (second_ops, second_given, second) = branches
    merge = _Merge(ev, node)
    merged = [merge.merged(x, y) if used else None for x, y, used in zip(first, second, wanted)]
    changed: dict[int, tuple[Held, Held]] = {}
    for outer, x, y in zip(leaves(given), leaves(first_given), leaves(second_given)):
        if (
            isinstance(outer, Held)
            and (x.var != outer.var or y.var != outer.var)
            and id(outer) not in changed
        ):
            changed[id(outer)] = (outer, merge.add(x, y))
    if not merge.values:
        return merged
    b.at("branch")
    blocks = []
    for side, operations in enumerate((first_ops, second_ops)):
        with b.inside(operations):
            values = [value_of(b, row[side], row[2]) for row in merge.values]
            blocks.append(Block([], b.block_outputs(values), operations))
    pred = b.cast(condition.held.lowered, DataType.BOOL)
    for held, var in zip(merge.results, b.control("cond", {"pred": [pred]}, blocks, values)):
        held.var = var
    for outer, result in changed.values():
        commit(ev, node, outer, result.lowered, given)
    return merged
