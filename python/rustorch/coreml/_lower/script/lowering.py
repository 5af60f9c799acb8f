"""The function of a script, with its interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rustorch import Tensor
from rustorch.coreml._lower.builder import Builder
from rustorch.coreml._lower.interface import input_type
from rustorch.coreml._lower.program import Lowered, Names, add_outputs
from rustorch.coreml._lower.script.branch import value_of
from rustorch.coreml._lower.script.evaluate import Evaluator
from rustorch.coreml._lower.script.numbers import READS
from rustorch.coreml._lower.script.values import Held, Refused, is_maybe, is_number, kind_of, leaves, rebuilt
from rustorch.coreml._lower.walk import add_feed, check_tensor, constant_of, dtype_name, raise_missing
from rustorch.coreml.mil.program import DataType, FeatureDescription
from rustorch.errors import UnsupportedOperation

if TYPE_CHECKING:
    from rustorch.jit import Graph

__all__ = ["Scripted", "lower_script", "scripted"]


_READS = frozenset(f"script.{name}" for name in READS)


@dataclass
class Scripted:
    """A script with what it is called on.

    Attributes:
        graph: with branches or loops.
        values: what its inputs are: tensors, lists of them, and Python's values, which are constants now.
        tensors: for the graph's own.
        call: computes the graph's outputs, on copies.
    """

    graph: Graph
    values: list[Any]
    tensors: list[Tensor]
    call: Callable[[], list[Any]]

    @property
    def examples(self) -> list[Tensor]:
        """The tensors among the inputs."""
        return [x for x in leaves(self.values) if isinstance(x, Tensor)]

    def expected(self) -> list[Tensor]:
        """What it gives on the examples, as a package does: tensors."""
        import rustorch as rt

        with rt.no_grad():
            found = [x for x in _flat(self.call()) if x is not None]
        return [x if isinstance(x, Tensor) else rt.tensor(x) for x in found]


def _flat(x: Any) -> Iterator[Any]:
    """What nested containers hold."""
    if isinstance(x, (list, tuple, dict)):
        for item in x.values() if isinstance(x, dict) else x:
            yield from _flat(item)
    else:
        yield x


def scripted(module: Any, example_inputs: Any) -> Scripted | None:
    """What is to be lowered as a script: what has branches or loops, or reads numbers out of tensors."""
    from rustorch import jit

    graph = module if isinstance(module, jit.Graph) else getattr(module, "graph", None)
    if not isinstance(graph, jit.Graph) or graph._signature is None:
        return None
    if not graph._core.depth and not any(node.record in _READS for node in graph.nodes):
        return None
    args = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    flags = module._flags(graph) if isinstance(module, jit.ScriptModule) else None
    if isinstance(module, jit.ScriptModule):
        tensors = module._tensors()
    else:
        tensors = [value.tensor for value in graph._core.tensors if value.tensor is not None]
    bound = graph._signature.bind(args, {}, flags)
    values = [list(x[1]) if isinstance(x, tuple) else x for x in bound]

    def copied(x: Any) -> Any:
        if isinstance(x, tuple):
            return (x[0], [copied(item) for item in x[1]])
        return x.clone() if isinstance(x, Tensor) else x

    def call() -> list[Any]:
        found: list[Any] = graph._core.run_values(list(map(copied, bound)), list(map(copied, tensors)))
        return found

    return Scripted(graph, values, tensors, call)


def lower_script(
    script: Scripted,
    *,
    opset: str,
    float_type: DataType,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    labels: list[str] | list[int] | None = None,
) -> Lowered:
    """A function that computes what a script does, on inputs of the examples' shapes.

    Raises:
        NotImplementedError: (`UnsupportedOperation`) for what Core ML cannot express, with node and line.
        ValueError: for numbers that the data types cannot hold, or names that do not fit.
    """
    import rustorch as rt

    core = script.graph._core
    b = Builder(opset, float_type)
    ev = Evaluator(b)
    fed_names: list[str] = []
    for value, x in zip(core.inputs, script.values):
        tensors = [isinstance(item, Tensor) for item in leaves(x)]
        fed_names += [
            f"{value.name}_{i}" if isinstance(x, list) else value.name for i, t in enumerate(tensors) if t
        ]
    names = Names(fed_names, len(script.expected()), inputs, outputs, labels)
    names.take(b)
    features: list[FeatureDescription] = []

    def fed(item: Any) -> Any:
        if not isinstance(item, Tensor):
            return item
        name = names.inputs[len(features)]
        check_tensor(item, name)
        var, dtype = add_feed(b, name, dtype_name(item), tuple(item.shape))
        features.append(FeatureDescription(name, input_type(dtype, tuple(item.shape) or (1,), None)))
        return Held(item.detach().cpu().clone(), var)

    given = list(rebuilt(script.values, map(fed, leaves(script.values))))
    kept = []
    for value, tensor in zip(core.tensors, script.tensors):
        used = bool(value.uses) or value in core.outputs
        if used:
            check_tensor(tensor, value.name)
        kept.append(Held(tensor.detach().cpu().clone(), constant_of(b, tensor, value.name) if used else None))
    held = [(name, x) for name, x in zip(fed_names, leaves(given)) if isinstance(x, Held)]
    held += [(value.name, x) for value, x in zip(core.tensors, kept)]
    before = [x.var for _, x in held]
    try:
        with rt.no_grad():
            final = ev.run(core, given, kept)
            ev.flush(final, [x for x in kept if x.var is not None])
    except Refused as error:
        raise UnsupportedOperation.of("export", str(error), hint=error.hint) from None
    written = [name for (name, x), var in zip(held, before) if x.var != var]
    if written:
        own = any(name in fed_names for name in written)
        hint = "clone() of the input first" if own else "eval() on the module first"
        raise UnsupportedOperation.of("export", "the script writes state", ", ".join(written), hint)
    raise_missing(ev.missing)
    pairs = []
    for value, x in zip(core.outputs, final):
        if value.type.endswith("?") and is_maybe(x):
            raise UnsupportedOperation.of("export", "whether a result is None depends on values of tensors")
    for x in leaves(final):
        if not isinstance(x, Held) and not is_number(x):
            raise UnsupportedOperation.of("export", "a package gives tensors and numbers", repr(x))
        number = "" if isinstance(x, Held) else kind_of(x)
        pairs.append((value_of(b, x, number), number or dtype_name(x.tensor)))
    lowered = Lowered([], [], b.function([]), features)
    add_outputs(b, lowered, pairs, names.outputs, labels)
    return lowered
