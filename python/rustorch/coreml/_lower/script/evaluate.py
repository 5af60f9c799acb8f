"""A scripted graph run on examples, and lowered on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import rustorch as rt
from rustorch import _C, Tensor
from rustorch.coreml._lower.builder import Builder
from rustorch.coreml._lower.script.calls import DynamicPart, dynamic_part, node_call, replaced
from rustorch.coreml._lower.script.memory import Memories
from rustorch.coreml._lower.script.numbers import ARITHMETIC, READS, list_op, power_of
from rustorch.coreml._lower.script.pending import Compute, Pending
from rustorch.coreml._lower.script.values import (
    Held,
    Number,
    Refused,
    as_tensor,
    is_maybe,
    is_number,
    leaves,
    rebuilt,
)
from rustorch.coreml._lower.walk import constant_of
from rustorch.jit import Value

__all__ = ["Evaluator", "entered"]

_LISTS = frozenset({"list", "get", "set", "append", "concat", "repeat", "slice", "len"})


class Evaluator:
    """Runs graphs and blocks: each variable is a `Held`, a `Number`, a list, or Python's value."""

    def __init__(self, b: Builder) -> None:
        self.b = b
        self.missing: dict[str, str] = {}
        self.pending = Pending(b, self.missing)
        self.frames: list[dict[int, Any]] = []
        self.views: list[DynamicPart] = []
        self.memories = Memories()

    # ---- What is used later ----

    def live(self, *more: Any) -> list[Held]:
        """The tensors that variables hold now, each once."""
        found: dict[int, Held] = {}
        for item in leaves([[list(frame.values()) for frame in self.frames], list(more)]):
            held = item.held if isinstance(item, Number) else item
            if isinstance(held, Held):
                found[id(held)] = held
        return list(found.values())

    def flush(self, *more: Any) -> None:
        """Everything that waits is lowered; `more` is used later besides what variables hold."""
        live = self.live(*more)
        memory = {_C._storage_id(held.tensor) for held in live}
        # Parts that nothing shows any more are not written any more.
        self.views = [v for v in self.views if _C._storage_id(v.part.tensor) in memory]
        parts = [[v.part, v.base, v.index] for v in self.views]
        self.pending.flush(self.live(*more, parts))

    # ---- Graphs ----

    def run(self, core: Any, given: Sequence[Any], tensors: Sequence[Held] | None = None) -> list[Any]:
        """What a graph or block gives. Its tensors are those given, or its own."""
        frame: dict[int, Any] = {v.id: x for v, x in zip(core.inputs, given)}
        for i, value in enumerate(core.tensors):
            frame[value.id] = self.constant(value) if tensors is None else tensors[i]
        last: dict[int, int] = {}
        for node in core.nodes:
            for v in leaves(list(node.inputs.values())):
                if isinstance(v, Value):
                    last[v.id] = node.index
        outputs = core.outputs
        last.update({v.id: len(core.nodes) for v in outputs})
        for dead in [key for key in frame if key not in last]:
            del frame[dead]
        self.frames.append(frame)
        for node in core.nodes:
            args = {name: self.argument(x, frame) for name, x in node.inputs.items()}
            for key in [key for key in frame if last[key] == node.index]:
                del frame[key]
            wanted = [v is not None and v.id in last for v in node.outputs]
            for value, result in zip(node.outputs, self.node(node, args, wanted)):
                if value is not None and value.id in last:
                    frame[value.id] = result
        self.frames.pop()
        return [self.argument(v, frame) for v in outputs]

    def constant(self, value: Any) -> Held:
        return Held(value.tensor.detach(), constant_of(self.b, value.tensor, value.name))

    def argument(self, x: Any, frame: dict[int, Any]) -> Any:
        if isinstance(x, Value):
            return frame[x.id]
        return [self.argument(item, frame) for item in x] if isinstance(x, list) else x

    # ---- Nodes ----

    def node(self, node: Any, args: dict[str, Any], wanted: Sequence[bool]) -> Sequence[Any]:
        """The results of a node, in a row."""
        from rustorch.coreml._lower.script.branch import branch
        from rustorch.coreml._lower.script.loop import loop

        if node.form == "if":
            return branch(self, node, args, wanted)
        if node.form == "loop":
            return loop(self, node, args)
        if node.record.startswith("script."):
            return [self.script_op(node, args)]
        return self.op(node, args)

    def emit(self, node: Any, compute: Compute, inputs: Sequence[Held]) -> list[Held]:
        return self.pending.add(compute, inputs, node.location)

    def op(self, node: Any, args: dict[str, Any]) -> Sequence[Any]:
        view = dynamic_part(node, args)
        if view is not None:
            (view.part,) = self.emit(node, view.read, [view.base, view.index.held])
            self.views.append(view)
            return [view.part]
        found = replaced(node, args)
        if found is not None:
            results: Sequence[Any] = self.emit(node, *found)
        else:
            results = self.called(node, args)
        if node.form == "inplace":
            self.write_back(node, results[0])
        return results

    def called(self, node: Any, args: dict[str, Any]) -> list[Any]:
        """The results of the op itself."""
        call, held = node_call(node, args)
        results = call(*(h.tensor for h in held))
        tensors = [t for t in leaves(results) if isinstance(t, Tensor)]
        if not tensors:
            return list(results)

        def compute(*given: Tensor) -> list[Tensor]:
            return [t for t in leaves(call(*given)) if isinstance(t, Tensor)]

        outputs = iter(self.pending.keep(compute, held, tensors, node.location))
        return _with_held(results, outputs)

    def write_back(self, node: Any, written: Held, done: Sequence[DynamicPart] = ()) -> None:
        """After a write: parts that were taken by an index that tensors decide go back to where they are
        from."""
        self.check_names(node, written)
        storage = _C._storage_id(written.tensor)
        memory = {_C._storage_id(held.tensor) for held in self.live()}
        for view in [view for view in self.views if view not in done]:
            if _C._storage_id(view.part.tensor) == storage:
                self.emit(node, view.write, [view.base, view.index.held, view.part])
                self.write_back(node, view.base, [*done, view])
            elif _C._storage_id(view.base.tensor) == storage and _C._storage_id(view.part.tensor) in memory:
                raise Refused(
                    "a write into a tensor, a part of which, chosen by values, is used later on",
                    node,
                    "clone() of the part",
                )

    def check_names(self, node: Any, written: Held) -> None:
        """Raises where a variable may, or may not, be another name of what is written."""
        own, possible = self.memories.of(written), self.memories.possible(written)
        for held in self.live():
            if self.memories.of(held) != own and self.memories.possible(held) & possible:
                raise Refused(
                    "a write into a tensor that, by what a branch or loop did, another variable may show",
                    node,
                    "clone()",
                )

    # ---- Script ops ----

    def script_op(self, node: Any, args: dict[str, Any]) -> Any:
        name, _, rest = node.record.removeprefix("script.").partition(".")
        if name in ("print", "raise"):
            what = "programs print nothing" if name == "print" else "programs raise no exceptions"
            raise Refused(f"{what} ({_text(args)})", node, "taking it out of what is exported")
        if (name in _LISTS and "list" in args) or name == "list":
            return list_op(node, name, args, self.emit)
        if name == "is_none":
            if is_maybe(args["anything"]):
                raise Refused(
                    "whether a variable is None depends on values of tensors", node, "a number for that"
                )
            return args["anything"] is None
        if name == "none":
            return None
        if name in READS and isinstance(args["input"], Held):
            compute, kind = READS[name]
            held = args["input"]
            if held.tensor.numel() != 1:
                raise Refused(f"a tensor with {held.tensor.numel()} elements is no number", node)
            (result,) = self.emit(node, lambda x: [compute(x)], [held])
            return Number(kind or _kind_of(result.tensor), result)
        if not any(isinstance(x, Number) for x in leaves(list(args.values()))):
            return self.called(node, args)[0]
        if name in ("int", "float", "bool"):
            return args["value"]
        if name == "tensor":
            return self.tensor_of(node, args, rest)
        if name == "math":
            function = getattr(rt, "abs" if args["name"] == "fabs" else args["name"], None)
            if function is None:
                raise Refused(
                    f"math.{args['name']} of a number that tensors decide", node, "the op on tensors"
                )
            (result,) = self.emit(node, lambda x: [function(x.to(rt.float32))], [args["a"].held])
            return Number("float", result)
        if name not in ARITHMETIC:
            raise Refused("a number that tensors decide stands for one that must be known", node)
        return self.arithmetic(node, name, list(args.values()))

    def arithmetic(self, node: Any, name: str, operands: list[Any]) -> Number:
        compute, kind = ARITHMETIC[name]
        if name == "pow" and isinstance(operands[1], int):
            compute, kind = power_of(operands[1])
            operands = operands[:1]
        tensors = [x.held.tensor if isinstance(x, Number) else as_tensor(x) for x in operands]
        held = [x.held for x in operands if isinstance(x, Number)]

        def apply(*given: Tensor) -> list[Tensor]:
            found = iter(given)
            return [compute(*(next(found) if isinstance(x, Number) else as_tensor(x) for x in operands))]

        (result,) = self.pending.keep(apply, held, [compute(*tensors)], node.location)
        natural = name in ("add", "mul") and all(
            x.natural if isinstance(x, Number) else x >= 0 for x in operands
        )
        made = Number(kind(*map(_kind_of, tensors)), result, natural)
        number, *rest = operands if isinstance(operands[0], Number) else operands[::-1]
        if rest and type(rest[0]) is int and made.kind == number.kind == "int":
            if name == "add":
                made.plus(number, rest[0])
            elif name == "sub" and number is operands[0]:
                made.plus(number, -rest[0])
        return made

    def tensor_of(self, node: Any, args: dict[str, Any], rest: str) -> Held:
        """`rt.tensor` of numbers."""
        data = list(args["data"])
        dtype = args["dtype"] or (rt.int64 if rest == "ints" else rt.get_default_dtype())
        held = [x.held for x in data if isinstance(x, Number)]

        def compute(*given: Tensor) -> list[Tensor]:
            found = iter(given)
            return [
                rt.stack([(next(found) if isinstance(x, Number) else as_tensor(x)).to(dtype) for x in data])
            ]

        return self.emit(node, compute, held)[0]

    # ---- For branches and loops ----

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is lowered meanwhile is forgotten where it turns out to be impossible."""
        frames, missing, views = len(self.frames), dict(self.missing), list(self.views)
        try:
            yield
        except BaseException:
            del self.frames[frames:]
            self.pending.items.clear()
            self.missing.clear()
            self.missing.update(missing)
            self.views = views
            raise


def entered(ev: Evaluator, given: list[Any]) -> list[Any]:
    """Variables as a block sees them: tensors that it writes are not written outside before it is done."""
    seen: dict[int, Held] = {}

    def inner(item: Any) -> Any:
        if not isinstance(item, Held):
            return item
        if id(item) not in seen:
            seen[id(item)] = Held(item.tensor.clone(), item.var, item.maybe)
            ev.memories.same(seen[id(item)], item)
        return seen[id(item)]

    return list(rebuilt(given, map(inner, leaves(given))))


def _with_held(results: Sequence[Any], outputs: Iterator[Held]) -> list[Any]:
    items = (next(outputs) if isinstance(x, Tensor) else x for x in leaves(results))
    return list(rebuilt(results, items))


def _kind_of(tensor: Tensor) -> str:
    return "float" if tensor.is_floating_point() else "bool" if tensor.dtype == rt.bool else "int"


def _text(args: dict[str, Any]) -> str:
    shown = (x for x in args.values() if isinstance(x, str) or (is_number(x) and not isinstance(x, Number)))
    return " ".join(map(str, shown)).strip()[:100]
