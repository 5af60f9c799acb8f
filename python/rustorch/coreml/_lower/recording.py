"""What is exported, as it was recorded: a graph, and the recurrent networks in it as wholes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rustorch.errors import DTypeError

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.jit import Graph, Node, Value

__all__ = ["Network", "Recording", "Step", "record", "steps_of"]


@dataclass(frozen=True)
class Network:
    """A call of a recurrent module. Its tensors are outputs of the graph, and named by their places there.

    Attributes:
        module: an `RNN`, `LSTM` or `GRU`.
        input: the sequence.
        state: the initial state; None for zeros.
        outputs: the sequence of results, then the final state.
    """

    module: Any
    input: int
    state: tuple[int, ...] | None
    outputs: tuple[int, ...]


@dataclass(eq=False)
class Recording:
    """A graph with what is known of the tensors in it.

    Attributes:
        results: how many of the graph's outputs, from the first on, are those of the function; the others
            belong to `networks`.
        tensors: parameters and buffers by name, as they are now.
        examples: the tensors that it was recorded on, if they are known.
    """

    graph: Graph
    results: int
    networks: list[Network] = field(default_factory=list)
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    examples: list[Tensor] | None = None


@dataclass
class Step:
    """What is lowered at once: a call of an op, or of a network.

    Attributes:
        op: name of the op's record with its overload, or of the network.
        inputs: arguments by name: values, lists of them, or Python's numbers.
        outputs: None where an op gives no tensor.
        node: the call in the graph; of a network the one that gives its results.
        module: the network.
    """

    op: str
    inputs: dict[str, Any]
    outputs: list[Value | None]
    node: Node
    module: Any = None

    @property
    def values(self) -> list[Value]:
        """The tensors among the arguments."""
        flat = [v for x in self.inputs.values() for v in (x if isinstance(x, (list, tuple)) else [x])]
        return [v for v in flat if hasattr(v, "kind")]


def _is_scripted(module: Any) -> bool:
    """Whether it is a scripted graph, which has no shapes: it is recorded as a function is."""
    from rustorch import jit

    graph = module if isinstance(module, jit.Graph) else getattr(module, "graph", None)
    if not isinstance(graph, jit.Graph) or graph._signature is None:
        return False
    return True


def record(module: Any, example_inputs: Any) -> Recording:
    """Traces a module or function; what was traced already is taken as it is. Buffers keep their values."""
    import rustorch as rt
    from rustorch import jit
    from rustorch.nn.modules._recurrent_steps import OBSERVER

    scripted = _is_scripted(module)
    found = Recording(module, 0) if isinstance(module, jit.Graph) and not scripted else None
    if isinstance(module, (jit.ScriptModule, jit.ScriptFunction)) and not scripted:
        found = Recording(module.graph, 0, tensors=_state(module))
    if found is not None:
        found.results = len(found.graph.outputs)
        found.examples = _examples(found.graph, example_inputs)
        return found
    if not callable(module):
        raise DTypeError.of("export", "a module, a function or a graph is exported", type(module).__name__)
    calls: list[tuple[Any, Any, Any, Any, Any]] = []
    networks: list[Network] = []

    def boundaries() -> list[Tensor]:
        tensors: list[Tensor] = []

        def place(tensor: Tensor) -> int:
            tensors.append(tensor)
            return len(tensors) - 1

        for network, x, state, out, final in calls:
            given = None if state is None else tuple(map(place, state))
            networks.append(Network(network, place(x), given, tuple(map(place, (out, *final)))))
        return tensors

    kept = [(b, b.clone()) for b in module.buffers()] if isinstance(module, rt.nn.Module) else []
    token = OBSERVER.set(lambda *call: calls.append(call))
    try:
        with rt.no_grad():
            traced = jit.trace(module, example_inputs, _also=boundaries)
    finally:
        OBSERVER.reset(token)
        with rt.no_grad():
            for buffer, before in kept:
                buffer.copy_(before)
    graph = traced.graph
    extra = sum(1 + len(n.state or ()) + len(n.outputs) for n in networks)
    results = len(graph.outputs) - extra
    moved = [
        Network(
            n.module,
            n.input + results,
            None if n.state is None else tuple(i + results for i in n.state),
            tuple(i + results for i in n.outputs),
        )
        for n in networks
    ]
    return Recording(graph, results, moved, _state(traced), _examples(graph, example_inputs))


def _state(traced: Any) -> dict[str, Tensor]:
    from rustorch import jit

    if not isinstance(traced, jit.ScriptModule):
        return {}
    return {**dict(traced.named_parameters()), **dict(traced.named_buffers())}


def _examples(graph: Graph, example_inputs: Any) -> list[Tensor] | None:
    """The example tensors in order, if they are those of the graph."""
    import rustorch as rt
    from rustorch.jit._structure import flatten

    given = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    found = [tensor for _, tensor in flatten([list(given), {}], "export")[0]]
    fits = len(found) == len(graph.inputs) and all(
        isinstance(t, rt.Tensor) and tuple(t.shape) == tuple(v.shape) and t.dtype == v.dtype
        for t, v in zip(found, graph.inputs)
    )
    return found if fits else None


def steps_of(graph: Graph, results: int, networks: Sequence[Network]) -> list[Step]:
    """What the results and writes of a graph depend on, in order, with each of `networks` as one step."""
    outputs = graph.outputs
    whole: dict[int, Step] = {}  # by the values that a network gives
    for network in networks:
        inputs: dict[str, Any] = {"input": outputs[network.input]}
        if network.state is not None:
            inputs["state"] = [outputs[i] for i in network.state]
        values: list[Value | None] = [outputs[i] for i in network.outputs]
        last = outputs[network.outputs[0]].node
        assert last is not None  # a network computes its results
        made = Step(network.module.mode.lower(), inputs, values, last, network.module)
        whole.update({v.id: made for v in values if v is not None})
    single = {v.id: n for n in graph.nodes for v in n.outputs if v is not None}
    wanted = [*outputs[:results], *(v for _, v in graph.mutations)]
    calls: dict[int, Step] = {}
    needed: set[int] = set()  # identities of steps
    while wanted:
        value = wanted.pop()
        step: Step | None = whole.get(value.id) or _call(single.get(value.id), calls)
        if step is not None and id(step) not in needed:
            needed.add(id(step))
            wanted += step.values
    found: list[Step] = []
    for node in graph.nodes:
        for out in node.outputs:
            network_step = None if out is None else whole.get(out.id)
            if network_step is not None and id(network_step) in needed:
                needed.discard(id(network_step))
                found.append(network_step)
        if node.index in calls:
            found.append(calls[node.index])
    return found


def _call(node: Node | None, calls: dict[int, Step]) -> Step | None:
    if node is None:
        return None
    if node.index not in calls:
        calls[node.index] = Step(node.op, dict(node.inputs), list(node.outputs), node)
    return calls[node.index]
