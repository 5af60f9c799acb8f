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
from rustorch.jit import Graph
from rustorch.jit._recording import located

__all__ = ["Compute", "Pending"]

Compute = Callable[..., Sequence[Tensor]]


@dataclass
class _Item:
    compute: Compute
    inputs: list[Held]
    outputs: list[Held]
    location: str


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

    def flush(self, live: Iterable[Held], node: object) -> None:
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
            written(places[target.id], walk.values[value.id], before, node)


def written(held: Held, var: Var, live: Iterable[Held], node: object) -> None:
    """A tensor has this value from now on. Others that show its memory would have to follow.

    Raises:
        Refused: where there are any.
    """
    storage = _C._storage_id(held.tensor)
    if any(other is not held and _C._storage_id(other.tensor) == storage for other in live):
        raise Refused(
            "a write into a tensor, other views of which are used later on, beyond a branch or loop",
            node,
            "clone(), or an op that gives a new tensor",
        )
    held.var = var
