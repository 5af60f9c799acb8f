"""Ops of rustorch in a script: through a graph of the one node, or with numbers that tensors decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import _C, Tensor
from rustorch.coreml._lower.script.pending import Compute
from rustorch.coreml._lower.script.values import Held, Number, Refused, leaves
from rustorch.jit._scripting import schemas

__all__ = ["DynamicPart", "dynamic_part", "node_call", "replaced"]


def node_call(node: Any, args: dict[str, Any]) -> tuple[Callable[..., Any], list[Held]]:
    """A function of tensors that calls the node's op and gives its results, and the tensors for it.

    Raises:
        Refused: where a number that tensors decide stands for an attribute.
    """
    builder = _C._GraphBuilder()
    held: list[Held] = []

    def place(item: Held | None) -> int | None:
        if item is None:
            return None
        held.append(item)
        builder.add_input(f"value_{len(held)}", "Tensor")
        return len(held) - 1

    def encoded(name: str, kind: str, value: Any) -> list[Any]:
        if isinstance(value, Number) and kind in ("Tensor", "Operand", "Tensor[]"):
            value = value.held
        if any(isinstance(item, Number) for item in leaves(value)):
            raise Refused(
                f"argument '{name}' depends on values of tensors, and would decide a shape or an attribute",
                node,
                "a number that is known, or a tensor in its place",
            )
        if isinstance(value, Held):
            return ["value", place(value)]
        if kind == "Tensor[]" and value is not None:
            return ["values", [place(item) for item in value]]
        return ["attribute", value if not isinstance(value, list) else tuple(value)]

    parameters = schemas.parse(node.schema).parameters
    encodings = [encoded(p.name, p.type, args[p.name]) for p in parameters]
    src = place(args["src"]) if node.form == "scatter" else None
    rest = {
        "args": encodings,
        "grad": False,
        "random": node.random,
        "src": src,
        "part": node.part,
        "writes": node._writes,
        "counts": node._counts,
        "types": [None if v is None else v.type for v in node.outputs],
    }
    builder.add_node(node.record, node.form, rest)
    for i in range(sum(v is not None for v in node.outputs)):
        builder.add_output(len(held) + i)
    core = builder.finish()
    return lambda *tensors: core.run_values(list(tensors), None), held


class DynamicPart:
    """A part of a tensor along one dim, at a place that tensors decide: x.select(dim, index), or `length`
    places from there on. It is a copy, `part`, writes into which go back."""

    part: Held

    def __init__(self, base: Held, dim: int, index: Number, length: int | None = None) -> None:
        self.base, self.index, self.length = base, index, length
        self.dim = dim % max(base.tensor.dim(), 1)

    def _places(self, index: Tensor) -> Tensor:
        first = index.reshape(1)
        if not self.index.natural:
            first = rt.where(first < 0, first + self.base.tensor.shape[self.dim], first)
        return first if self.length is None else first + rt.arange(self.length)

    def read(self, x: Tensor, index: Tensor) -> list[Tensor]:
        part = x.index_select(self.dim, self._places(index))
        return [part.squeeze(self.dim) if self.length is None else part]

    def write(self, x: Tensor, index: Tensor, part: Tensor) -> list[Tensor]:
        part = part.unsqueeze(self.dim) if self.length is None else part
        return [x.index_copy_(self.dim, self._places(index), part)]


def dynamic_part(node: Any, args: dict[str, Any]) -> DynamicPart | None:
    """What a view shows, if tensors decide where it begins but not how long it is."""
    if node.form != "plain" or node.record not in ("select", "narrow", "slice"):
        return None
    first = args["index" if node.record == "select" else "start"]
    if not isinstance(first, Number):
        return None
    if node.record == "select":
        return DynamicPart(args["input"], args["dim"], first)
    length = args.get("length")
    if node.record == "slice":
        last = args["end"]
        if not isinstance(last, Number) or args["step"] != 1 or last.origin is not first.origin:
            return None
        length = last.offset - first.offset
    if not isinstance(length, int) or not 0 < length <= args["input"].tensor.shape[args["dim"]]:
        return None
    return DynamicPart(args["input"], args["dim"], first, length)


def _filled(like: Callable[..., Tensor], names: tuple[str, ...], value: str) -> Any:
    def replace(node: Any, args: dict[str, Any]) -> tuple[Compute, list[Held]]:
        fixed = {k: v for k, v in args.items() if k not in (*names, value) and v is not None}
        if any(isinstance(x, Number) for x in leaves(list(fixed.values()))):
            raise Refused("a size depends on values of tensors", node)
        number = args[value]
        dtype = fixed.pop("dtype", None)
        if dtype is None and not names:
            dtype = {"bool": rt.bool, "int": rt.int64, "float": rt.float32}[number.kind]

        def compute(*given: Tensor) -> list[Tensor]:
            options = {} if dtype is None else {"dtype": dtype}
            zeros = like(*given[:-1], **fixed, **options)
            return [rt.where(rt.ones_like(zeros, dtype=rt.bool), given[-1].to(zeros.dtype), zeros)]

        return compute, [*(args[name] for name in names), number.held]

    return replace


def _masked_fill(node: Any, args: dict[str, Any]) -> tuple[Compute, list[Held]]:
    def compute(x: Tensor, mask: Tensor, value: Tensor) -> list[Tensor]:
        return [rt.where(mask, value.to(x.dtype), x)]

    return compute, [args["input"], args["mask"], args["value"].held]


# Ops with a number for an attribute that has to be one: what computes the same from a tensor.
_REPLACED: dict[str, tuple[str, Callable[[Any, dict[str, Any]], tuple[Compute, list[Held]]]]] = {
    "full": ("fill_value", _filled(rt.zeros, (), "fill_value")),
    "full_like": ("fill_value", _filled(rt.zeros_like, ("input",), "fill_value")),
    "fill": ("value", _filled(rt.zeros_like, ("input",), "value")),
    "masked_fill.Scalar": ("value", _masked_fill),
}


def replaced(node: Any, args: dict[str, Any]) -> tuple[Compute, list[Held]] | None:
    """The call as another one, if a number in it has to be a tensor."""
    row = _REPLACED.get(node.record)
    if row is None or not isinstance(args.get(row[0]), Number):
        return None
    compute, held = row[1](node, args)
    if node.form != "inplace":
        return compute, held
    return lambda x, *more: [x.copy_(compute(x, *more)[0])], held
