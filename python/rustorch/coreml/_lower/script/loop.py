"""Loops as `while_loop`, or turn by turn where Core ML has no such loop but the turns are known."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Any

from rustorch import _C
from rustorch.coreml._lower.builder import Var, type_of
from rustorch.coreml._lower.script.branch import commit, described, value_of
from rustorch.coreml._lower.script.evaluate import entered
from rustorch.coreml._lower.script.numbers import common_kind
from rustorch.coreml._lower.script.values import (
    Held,
    Number,
    Refused,
    absent,
    as_tensor,
    is_maybe,
    is_number,
    kind_of,
    leaves,
    rebuilt,
)
from rustorch.coreml.mil.program import Block, DataType, NamedType, Operation

if TYPE_CHECKING:
    from rustorch.coreml._lower.script.evaluate import Evaluator

__all__ = ["loop"]

# Turns of a loop that may be written out.
MAX_TURNS = 1024


def loop(ev: Evaluator, node: Any, args: dict[str, Any]) -> list[Any]:
    """What is carried out of a loop."""
    trips, condition, carried = args["trips"], args["condition"], args["carried"]
    none = isinstance(trips, int) and trips <= 0
    if none or condition is False:
        return list(carried)
    ev.flush(args["given"], carried, trips, condition)
    found = _While(ev, node, args)
    try:
        return found.lowered()
    except Refused as refused:
        # A list that grows, a turn that decides a size: known turns can be written out.
        known = isinstance(trips, int) and not isinstance(condition, Number) and trips <= MAX_TURNS
        if found.done or not known:
            raise
        try:
            with ev.attempt():
                return _unrolled(ev, node, args)
        except Refused:
            raise refused from None


def _unrolled(ev: Evaluator, node: Any, args: dict[str, Any]) -> list[Any]:
    carried = list(args["carried"])
    for turn in range(args["trips"]):
        go_on, *carried = ev.run(node.blocks[0], [turn, *carried, *args["given"]])
        if isinstance(go_on, Number):
            raise Refused("the end of the loop depends on values of tensors", node)
        if not go_on:
            break
    return carried


class _While:
    """One loop. What is carried is first taken for constant where it is Python's; turns show what is not."""

    def __init__(self, ev: Evaluator, node: Any, args: dict[str, Any]) -> None:
        self.ev, self.b, self.node = ev, ev.b, node
        self.trips, self.condition = args["trips"], args["condition"]
        self.carried, self.given = list(args["carried"]), list(args["given"])
        self.before = list(leaves(self.carried))
        self.outside = list(leaves(self.given))
        # Places of those that vary: of what is carried with the kinds of numbers, of what is given.
        self.varying = {
            i: x.kind if isinstance(x, Number) else ""
            for i, x in enumerate(self.before)
            if isinstance(x, (Held, Number))
        }
        self.changed: list[int] = []
        self.moving: set[int] = set()  # variables that are other tensors after a turn
        self.names: dict[int, Set[Any]] = {}  # memories that variables may have after a turn
        self.done = False  # the loop is in the program, and variables are given its results

    def lowered(self) -> list[Any]:
        # Each attempt finds more that varies, or a wider kind of number.
        for _ in range(5 * len(self.before) + len(self.outside) + 2):
            found = self.attempt()
            if found is not None:
                return found
        raise Refused("the types of its variables do not settle", self.node)

    # ---- The body ----

    def attempt(self) -> list[Any] | None:
        """The results; None where more varies than was known."""
        ev, b = self.ev, self.b
        views, body = list(ev.views), self.node.blocks[0]
        with ev.attempt(), b.inside([]) as operations:
            b.at("loop")
            turn = Var(b.name("turn"), DataType.INT32, ())
            inside = [self.variable(i, x) for i, x in enumerate(self.before)]
            given = entered(ev, self.given)
            inner = list(leaves(given))
            for i in self.changed:
                inner[i].var = self.fresh(inner[i].lowered)
            starts = [x.lowered if isinstance(x, Held) else None for x in (*inside, *inner)]
            counter = Number("int", Held(as_tensor(0), turn), natural=True)
            go_on, *after = ev.run(body, [counter, *rebuilt(self.carried, iter(inside)), *given])
            ev.flush(go_on, after, inside, given)
            ev.views = views
        if not self.settled(after, inside, inner, starts):
            return None
        return self.emit(operations, turn, go_on, list(leaves(after)), inside, inner, starts)

    def fresh(self, like: Var) -> Var:
        return Var(self.b.name("carried"), like.dtype, like.shape)

    def variable(self, i: int, x: Any) -> Any:
        """What the body sees of what is carried."""
        if i not in self.varying:
            return x
        kind = self.varying[i]
        if not kind:
            held = Held(x.tensor.clone(), self.fresh(x.lowered), x.maybe)
            if i in self.moving:
                possible = self.ev.memories.possible(x) | self.names.get(i, frozenset())
                self.ev.memories.relate(held, possible)
            else:
                self.ev.memories.same(held, x)
            return held
        example = {"bool": False, "int": 0, "float": 0.0}[kind]
        held = Held(as_tensor(example), self.fresh(value_of(self.b, example, kind)))
        return Number(kind, held, maybe=is_maybe(x))

    def settled(
        self, after: list[Any], inside: list[Any], inner: list[Any], starts: list[Var | None]
    ) -> bool:
        """Whether the body gives what it takes; else what varies as well is noted."""
        flat = list(leaves(after))
        if len(flat) != len(self.before) or _skeleton(after) != _skeleton(self.carried):
            raise Refused("a list changes its length through the loop", self.node, "a tensor for the results")
        good = True
        for i, (x, y) in enumerate(zip(self.before, flat)):
            kind = self.varying.get(i)
            if kind == "":
                old, new = inside[i], y
                if not isinstance(new, Held) or self.type(new) != self.type(old):
                    raise Refused(
                        "a variable changes its type through the loop, from "
                        f"{described(x)} to {described(y)}",
                        self.node,
                        "one shape and dtype from turn to turn",
                    )
                if old.var != starts[i] and new is not old and self.is_shown(i):
                    raise Refused("a write into a tensor that another variable showed", self.node, "clone()")
            elif x is None and (isinstance(y, Held) or is_number(y)):
                self.before[i] = absent(self.b, y)
                self.varying[i], good = "" if isinstance(y, Held) else kind_of(y), False
            elif is_number(y) and is_number(x):
                wanted = common_kind(x, y)
                if kind is None and not isinstance(y, Number) and type(x) is type(y) and x == y:
                    continue
                if kind is None or (common_kind(y) != kind and wanted != kind):
                    self.varying[i], good = wanted, False
            elif type(x) is not type(y) or x != y:
                raise Refused(
                    f"a variable changes through the loop from {described(x)} to {described(y)}", self.node
                )
        self.check_two_names(inside, inner, starts)
        good = self.named_once(flat, inside, inner) and good
        for i, held in enumerate(inner):
            if not isinstance(held, Held) or any(inner[k] is held for k in self.changed):
                continue
            if held.var != starts[len(inside) + i]:
                self.changed.append(i)
                good = False
        return good

    def check_two_names(self, inside: list[Any], inner: list[Any], starts: list[Var | None]) -> None:
        """Refuses a write into a tensor that is carried, and goes into the loop under another name too."""
        places = [*zip(self.before, inside, starts), *zip(self.outside, inner, starts[len(inside) :])]
        for i, x in enumerate(self.before):
            same = [(now, start) for outer, now, start in places if outer is x and isinstance(x, Held)]
            if i in self.varying and len(same) > 1 and any(now.var != start for now, start in same):
                raise Refused("a write into a tensor with two names in the loop", self.node, "clone()")

    def named_once(self, after: list[Any], inside: list[Any], inner: list[Any]) -> bool:
        """Whether no variable becomes another name of a tensor in a way that is new; else it is noted."""
        memories, names = self.ev.memories, {i: set(found) for i, found in self.names.items()}
        tensors = [i for i, kind in self.varying.items() if kind == "" and isinstance(inside[i], Held)]
        possible = {i: memories.possible(after[i]) for i in tensors}
        for i in tensors:
            own = names.setdefault(i, set())
            own |= {memories.of(x) for x in inner if isinstance(x, Held)} & possible[i]
            for j in tensors:
                starts = memories.of(inside[j]) in possible[i]
                if j != i and (starts or possible[i] & possible[j]):
                    if j not in self.moving:  # it is what it was before the loop
                        own |= {memories.of(inside[j])} & possible[i]
                    mark = (id(self), min(i, j), max(i, j))
                    own.add(mark)
                    names.setdefault(j, set()).add(mark)
        moving = {i for i in tensors if memories.of(after[i]) != memories.of(inside[i])} - self.moving
        self.moving |= moving
        settled = all(found == self.names.get(i, set()) for i, found in names.items() if found)
        self.names = dict(names)
        return settled and not moving

    def is_shown(self, i: int) -> bool:
        """Whether another variable has the memory of what is carried: the first turn writes it."""
        others = [x for k, x in enumerate(self.before) if k != i]
        shown = [x for x in self.ev.live(self.given, others) if isinstance(x, Held)]
        storage = _C._storage_id(self.before[i].tensor)
        return any(_C._storage_id(x.tensor) == storage for x in shown)

    @staticmethod
    def type(x: Held) -> tuple[tuple[int, ...], DataType]:
        return x.lowered.shape, x.lowered.dtype

    # ---- The operation ----

    def emit(
        self,
        operations: list[Operation],
        turn: Var,
        go_on: Any,
        after: list[Any],
        inside: list[Any],
        inner: list[Any],
        starts: list[Var | None],
    ) -> list[Any]:
        b, ev = self.b, self.ev
        counted = self.trips is not None or bool(self.node.blocks[0].inputs[0].uses)
        ends = isinstance(self.condition, Number) or go_on is not True
        first: list[Var] = []  # before the loop
        variables: list[Var] = []  # in the body
        with b.inside(operations):
            last: list[Var] = []  # after a turn
            if counted:
                first.append(b.constant(0))
                variables.append(turn)
                last.append(b.binary("add", turn, b.constant(1)))
            if ends:
                first.append(value_of(b, self.condition, "bool"))
                variables.append(Var(b.name("go_on"), DataType.BOOL, ()))
                last.append(value_of(b, go_on, "bool"))
            for i, kind in self.varying.items():
                start = starts[i] if not kind else inside[i].held.lowered
                assert start is not None
                variables.append(start)
                last.append(value_of(b, after[i], kind))
            for i in self.changed:
                start = starts[len(inside) + i]
                assert start is not None
                variables.append(start)
                last.append(inner[i].lowered)
            body = Block(
                [NamedType(v.name, type_of(v)) for v in variables], b.block_outputs(last), operations
            )
        first += [value_of(b, self.before[i], kind) for i, kind in self.varying.items()]
        first += [self.outside[i].lowered for i in self.changed]
        if len(first) == counted + ends:
            return list(self.carried)  # it changes nothing
        b.at("loop")
        blocks = [self.before_a_turn(variables, counted, ends), body]
        self.done = True
        found = iter(b.control("while_loop", {"loop_vars": first}, blocks, variables)[counted + ends :])
        results = list(self.before)
        for i, kind in self.varying.items():
            results[i] = self.result(i, kind, inside[i], after[i], next(found), starts[i])
        outer = [(self.outside[i], next(found)) for i in self.changed]
        for held, var in outer:
            commit(ev, self.node, held, var, [*self.given, *self.carried])
        return list(rebuilt(self.carried, iter(results)))

    def result(self, i: int, kind: str, old: Any, new: Any, var: Var, start: Var | None) -> Any:
        """What was carried, after the loop."""
        before = self.before[i]
        if kind:
            return Number(kind, Held(old.held.tensor, var), maybe=is_maybe(before) or is_maybe(new))
        if new is old and old.var != start:  # it is the same tensor, written
            others = [x for k, x in enumerate(self.before) if k != i]
            commit(self.ev, self.node, before, var, [*self.given, *others])
            return before
        made, memories = Held(new.tensor.clone(), var, before.maybe or new.maybe), self.ev.memories
        memories.relate(made, memories.possible(before) | memories.possible(new))
        return made

    def before_a_turn(self, variables: list[Var], counted: bool, ends: bool) -> Block:
        """The block that says whether there is another turn."""
        b = self.b
        with b.inside([]) as operations:
            inputs = [self.fresh(v) for v in variables]
            parts = []
            if self.trips is not None:
                limit = value_of(b, self.trips, kind_of(self.trips))
                parts.append(b.binary("less", inputs[0], limit, DataType.BOOL))
            if ends:
                parts.append(inputs[int(counted)])
            more = (
                parts[0]
                if len(parts) == 1
                else b.binary("logical_and", parts[0], parts[1])
                if parts
                else None
            )
            outputs = b.block_outputs([b.constant(True) if more is None else more])
        return Block(_types(inputs), outputs, operations)


def _types(variables: list[Var]) -> list[NamedType]:
    return [NamedType(v.name, type_of(v)) for v in variables]


def _skeleton(x: Any) -> Any:
    return [_skeleton(item) for item in x] if isinstance(x, (list, tuple)) else None
