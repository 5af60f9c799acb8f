"""Graphs in the making: one a block of control flow, each of which sees the values of those around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch import _C
from rustorch.jit._scripting.types import NONE, NOTHING, Type
from rustorch.jit._scripting.values import Const, Sym, Unset, Val

_CONSTANTS = {bool: "script.bool", int: "script.int", float: "script.float", str: "script.str"}


class Block:
    """A graph in the making."""

    def __init__(self, outer: Block | None = None) -> None:
        self.outer = outer
        self.depth: int = 0 if outer is None else outer.depth + 1
        self.builder = _C._GraphBuilder()
        self.given: list[tuple[Sym, int]] = []  # values from around it, and their inputs here
        self.location = ""
        self.grad: bool = True if outer is None else outer.grad
        self.tensors: dict[str, Sym] = {}

    def add_input(self, name: str, type: Type) -> Sym:
        at = self.builder.size()
        leaf = type.leaf
        assert leaf is not None
        self.builder.add_input(name, leaf)
        return Sym(self, at, type)

    def add_tensor(self, kind: str, name: str, tensor: Any, type: Type) -> Sym:
        """A parameter or buffer; those of a script are all in its outermost graph."""
        if self.outer is not None:
            return self.outer.add_tensor(kind, name, tensor, type)
        if name not in self.tensors:
            at = self.builder.size()
            self.builder.add_tensor(kind, name, tensor)
            self.tensors[name] = Sym(self, at, type)
        return self.tensors[name]

    def use(self, value: Sym) -> int:
        """The number of the value here; one from around becomes an input."""
        if value.block is self:
            return value.id
        for outside, at in self.given:
            if outside.is_same(value):
                return at
        if self.outer is None:
            raise AssertionError("a value of a block that has ended")
        self.outer.use(value)  # it must be known there
        at = self.add_input("given", value.type).id
        self.given.append((value, at))
        return at

    def constant(self, value: Any, type: Type | None = None) -> Sym:
        const = Const(value)
        if value is None:
            return self.emit("script.none", [], [type or const.type])[0]
        op = _CONSTANTS.get(value.__class__)
        if op is None:
            op = "script.dtype" if isinstance(value, _C.dtype) else "script.device"
        return self.emit(op, [["attribute", value]], [const.type])[0]

    def sym(self, value: Val, type: Type | None = None) -> Sym:
        """The value as one of the graph."""
        if isinstance(value, Const):
            return self.constant(value.value, type)
        # What is None or nothing is so in every type that it may come to have.
        empty = isinstance(value, Sym) and value.type in (NOTHING, NONE)
        open_value = empty and type not in (None, NOTHING, NONE)
        if isinstance(value, Unset) or open_value:
            return self.emit("script.none", [], [type or NOTHING])[0]
        assert isinstance(value, Sym)
        return value

    def emit(
        self,
        op: str,
        args: list[Any],
        types: Sequence[Type],
        form: str = "plain",
        random: bool = False,
        **rest: Any,
    ) -> list[Sym]:
        """Adds a node, and gives its results."""
        leaves = [type.leaf for type in types]
        if NOTHING in types:
            leaves = [leaf or "Tensor?" for leaf in leaves]
        fields = {
            "args": args,
            "grad": self.grad,
            "random": random,
            "src": None,
            "part": 0,
            "writes": [],
            "counts": [-1 if leaf == "Tensor" else -2 for leaf in leaves] if op != "script.none" else [-2],
            "types": leaves,
            "location": self.location,
            **rest,
        }
        if form in ("if", "loop"):
            fields["counts"] = []
        self.builder.add_node(op, form, fields)
        end = self.builder.size()
        return [Sym(self, end - len(types) + i, type) for i, type in enumerate(types)]

    def finish(self, outputs: Sequence[Sym]) -> Any:
        for value in outputs:
            self.builder.add_output(self.use(value))
        return self.builder.finish()


def blocks_node(
    block: Block,
    form: str,
    own: list[Any],
    carried: Sequence[Sym],
    made: Sequence[tuple[Block, Sequence[Sym]]],
    types: Sequence[Type],
) -> list[Sym]:
    """Adds control flow: the blocks are given all that any of them takes from around."""
    wanted: list[Sym] = []
    for inner, outputs in made:
        for value in outputs:
            inner.use(value)
        for outside, _ in inner.given:
            if not any(outside.is_same(known) for known in wanted):
                wanted.append(outside)
    fixed = len(carried) + (form == "loop")
    finished = []
    for inner, outputs in made:
        at = []
        for value in wanted:  # in one order in all blocks
            inner.use(value)
            at.append(next(i for i, (known, _) in enumerate(inner.given) if known.is_same(value)))
        inner.builder.order_inputs([*range(fixed), *(fixed + i for i in at)])
        finished.append(inner.finish(outputs))
    given = [["value", block.use(value)] for value in (*carried, *wanted)]
    return block.emit(form, [*own, *given], types, form, blocks=finished)
