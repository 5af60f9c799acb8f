"""Ops between branches and loops: they run on examples at once, and are recorded and lowered together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rustorch import _C, Tensor
from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml._lower.prepared import expanded
from rustorch.coreml._lower.recording import steps_of
from rustorch.coreml._lower.script.values import Held, Refused
from rustorch.coreml._lower.walk import Walk
from rustorch.coreml.mil.program import DataType
from rustorch.jit import Graph
from rustorch.jit._recording import located

__all__ = ["Compute", "Pending", "shares_memory", "write"]

# Elements of memory that several tensors show and that may be written: their places are constants.
MAX_SHARED = 1 << 20

Compute = Callable[..., Sequence[Tensor]]


@dataclass
class _Item:
    compute: Compute
    inputs: list[Held]
    outputs: list[Held]
    location: str


@dataclass
class _Writer:
    """Where a tensor is written, for errors."""

    location: str
    op: str = "write"


class Pending:
    """Args:
    b: where operations go.
    missing: what has no lowering, and where; collected.
    """

    def __init__(self, b: Builder, missing: dict[str, str]) -> None:
        self.b, self.missing = b, missing
        self.items: list[_Item] = []

    def add(self, compute: Compute, inputs: Sequence[Held], location: str) -> list[Held]:
        """What the function gives of the tensors. One that it writes, or gives as it is, stays the same."""
        return self.keep(compute, inputs, compute(*(h.tensor for h in inputs)), location)

    def keep(
        self, compute: Compute, inputs: Sequence[Held], results: Sequence[Tensor], location: str
    ) -> list[Held]:
        """The same, with what it gave already."""
        same = {id(h.tensor): h for h in inputs}
        outputs = [same.get(id(t)) or Held(t) for t in results]
        self.items.append(_Item(compute, list(inputs), outputs, location))
        return outputs

    def flush(self, live: Iterable[Held]) -> None:
        """Lowers what waits. `live` are the tensors that are used later on, each once."""
        items, self.items = self.items, []
        if not items:
            return
        live = list(live)
        before = [h for h in live if h.var is not None]
        wanted = [h for h in live if h.var is None]
        inputs = list({id(h): h for item in items for h in item.inputs if h.var is not None}.values())
        fresh = [h.tensor.detach().clone() for h in inputs]

        def call() -> tuple[list[Tensor], None]:
            now = {id(h): t for h, t in zip(inputs, fresh)}
            for item in items:
                with located(item.location):
                    results = item.compute(*(now[id(h)] for h in item.inputs))
                for held, tensor in zip(item.outputs, results):
                    now[id(held)] = tensor
            return [now[id(h)] for h in wanted], None

        named = [(f"value_{i}", t) for i, t in enumerate(fresh)]
        core, _ = _C._trace(call, named, [], [])
        graph = expanded(Graph(core, None, None), [h.tensor for h in inputs])
        walk = Walk(graph, self.b, {})
        walk.missing = self.missing
        for value, held in zip(graph.inputs, inputs):
            walk.values[value.id] = held.lowered
        for value in (*graph.parameters.values(), *graph.buffers.values(), *graph.constants.values()):
            walk.add_constant(value, value.tensor)
        for step in steps_of(graph, len(wanted), []):
            walk.run(step)
        for held, value in zip(wanted, graph.outputs):
            held.var = walk.values[value.id]
        places = {value.id: held for value, held in zip(graph.inputs, inputs)}
        for target, value in graph.mutations:
            held = places[target.id]
            node = _Writer(next((i.location for i in items if held in i.outputs), items[-1].location))
            if any(shares_memory(held, other) for other in inputs):
                raise Refused(
                    "a write into a tensor, of which other views are used here too", node, "clone()"
                )
            write(self.b, held, walk.values[value.id], before, node)


def shares_memory(held: Held, other: Held) -> bool:
    """Whether another tensor shows the same memory."""
    return other is not held and _C._storage_id(other.tensor) == _C._storage_id(held.tensor)


def write(b: Builder, held: Held, var: Var, live: Iterable[Held], node: object) -> None:
    """A tensor has this value from now on, and others have it where they show its memory.

    Raises:
        Refused: where they show it as another dtype, or too much of it.
    """
    held.var = var
    for other in [other for other in live if shares_memory(held, other)]:
        if other.tensor.dtype != held.tensor.dtype or max(_extent(held), _extent(other)) > MAX_SHARED:
            raise Refused(
                "a write into a tensor, other views of which are used later on, beyond a branch or loop",
                node,
                "clone(), or an op that gives a new tensor",
            )
        _follow(b, other, held)


def _extent(held: Held) -> int:
    """How far its memory reaches, in elements."""
    t = held.tensor
    return int(t.storage_offset() + sum((n - 1) * s for n, s in zip(t.shape, t.stride())) + 1)


def _follow(b: Builder, other: Held, held: Held) -> None:
    """Puts the elements of `held` where `other` has them too."""
    import numpy as np

    import rustorch as rt

    cells = rt.arange(max(_extent(held), _extent(other)))
    mine, theirs = (
        cells.as_strided(x.tensor.shape, x.tensor.stride(), x.tensor.storage_offset()).reshape(-1).numpy()
        for x in (held, other)
    )
    place_in_mine = np.full(len(cells), -1)
    place_in_mine[mine] = np.arange(mine.size)
    places = np.flatnonzero(place_in_mine[theirs] >= 0)
    sources = place_in_mine[theirs[places]]
    if not places.size:
        return
    old, new = (b.cast(x.lowered, DataType.INT32) if _is_bool(x) else x.lowered for x in (other, held))
    flat = b.reshape(new, (mine.size,))
    updates = b.op("gather", (places.size,), x=flat, indices=sources.astype(np.int32), axis=0)
    data = b.reshape(old, (theirs.size,))
    flat = b.op(
        "scatter",
        data.shape,
        data=data,
        indices=places.astype(np.int32),
        updates=updates,
        axis=0,
        mode="update",
    )
    other.var = b.cast(b.reshape(flat, old.shape), other.lowered.dtype)


def _is_bool(held: Held) -> bool:
    return held.lowered.dtype is DataType.BOOL
