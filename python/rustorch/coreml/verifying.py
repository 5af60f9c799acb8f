"""Does a package compute what its module does? If not: from which op on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rustorch.coreml.mil.program import (
    ArrayFeatureType,
    FeatureDescription,
    Model,
    ModelDescription,
    Program,
)
from rustorch.errors import OpError

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.coreml._lower import Lowered, Recording
    from rustorch.jit import Graph

__all__ = ["check_lowered", "check_results"]

# Of the largest number of a result: what roundings of a deep net add up to at most.
TOLERANCES = {"float16": 2e-2, "float32": 1e-4}


def _departure(found: Any, expected: Any) -> float:
    """The largest difference, as a part of the largest number; infinite where NaN or infinities differ."""
    import numpy as np

    f, e = np.asarray(found, np.float64), np.asarray(expected, np.float64)
    if f.shape != (e.shape or (1,)):
        return float("inf")
    f, e = f.ravel(), e.ravel()
    if not np.array_equal(np.isnan(f), np.isnan(e)):
        return float("inf")
    same = (f == e) | np.isnan(e)
    if same.all():
        return 0.0
    if not np.isfinite(f[~same]).all() or not np.isfinite(e[~same]).all():
        return float("inf")
    finite = np.abs(e[np.isfinite(e)])
    return float(np.abs(f[~same] - e[~same]).max() / max(float(finite.max(initial=0.0)), 1e-3))


def _arrays(tensors: Sequence[Tensor]) -> list[Any]:
    return [(t.float() if t.dtype.is_floating_point else t).detach().cpu().numpy() for t in tensors]


def _feeds(model: Model, examples: Sequence[Tensor]) -> dict[str, Any]:
    """The examples as the package takes them."""
    import numpy as np

    feeds = {}
    for feature, array in zip(model.description.inputs, _arrays(examples)):
        assert isinstance(feature.type, ArrayFeatureType) and feature.type.dtype is not None
        feeds[feature.name] = np.ascontiguousarray(array.reshape(array.shape or (1,))).astype(
            feature.type.dtype.numpy_dtype
        )
    return feeds


def check_lowered(
    model: Model,
    lowered: Lowered,
    recordings: Sequence[Recording],
    precision: str,
    more: Sequence[Recording] = (),
) -> None:
    """Runs a package on rustorch's operations beside the graphs that it was made from, and others: at all of
    their shapes, and twice in a row if it keeps states.

    Raises:
        RuntimeError: naming the first op whose result departs by more than the precision explains.
    """
    import rustorch as rt
    from rustorch.coreml.interpreter import Runner

    limit, runner = TOLERANCES[precision], Runner(model)
    graphs = [*lowered.graphs[: len(recordings)], *(r.graph for r in more)]
    with rt.no_grad():
        for graph, recording in zip(graphs, [*recordings, *more]):
            examples = recording.examples
            assert examples is not None
            tensors = _own_states(graph, recording.tensors)
            state = runner.make_state() if runner.state_names else None
            for _ in range(1 if state is None else 2):
                expected = _arrays(_run(graph, tensors, examples, None))[: recording.results]
                found = runner.predict(_feeds(model, examples), state=state)
                given = [_numbers(value, e) for value, e in zip(_without_label(model, found), expected)]
                worst = max((_departure(f, e) for f, e in zip(given, expected)), default=0.0)
                if worst <= limit:
                    continue
                shapes = "" if len(graphs) == 1 else f" at {', '.join(str(list(e.shape)) for e in examples)}"
                where = "" if graph is not lowered.graphs[0] else _first_departure(
                    model, lowered, recording.tensors, examples, limit
                )  # fmt: skip
                raise OpError.of(
                    "export",
                    f"the package gives other results than the module{shapes}, by {worst:.2g} of the largest "
                    "number",
                    where,
                    'precision="float32"' if precision == "float16" else "",
                )


def check_results(
    model: Model, examples: Sequence[Tensor], expected: Sequence[Tensor], precision: str
) -> None:
    """Runs a package on rustorch's operations.

    Raises:
        RuntimeError: where it gives something else.
    """
    from rustorch.coreml.interpreter import Runner

    found = _without_label(model, Runner(model).predict(_feeds(model, examples)))
    wanted = _arrays(expected)
    worst = max((_departure(_numbers(f, e), e) for f, e in zip(found, wanted)), default=0.0)
    if worst > TOLERANCES[precision]:
        raise OpError.of(
            "export",
            f"the package gives other results than the script, by {worst:.2g} of the largest number",
            hint='precision="float32"' if precision == "float16" else "",
        )


def _without_label(model: Model, found: Mapping[str, Any]) -> list[Any]:
    label = model.description.predicted_feature_name
    return [value for name, value in found.items() if name != label]


def _numbers(value: Any, expected: Any) -> Any:
    """A classifier's dictionary as the array that it was made of."""
    import numpy as np

    return np.array(list(value.values())).reshape(expected.shape) if isinstance(value, dict) else value


def _own_states(graph: Graph, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, with copies of those that the graph writes."""
    written = {target.name for target, _ in graph.mutations}
    current = {value.name: tensors.get(value.name, value.tensor) for value in graph._core.tensors}
    return {name: t.clone() if name in written else t for name, t in current.items() if t is not None}


def _run(graph: Graph, tensors: Mapping[str, Tensor], examples: Sequence[Tensor], core: Any) -> list[Tensor]:
    core = core or graph._core
    given = [tensors.get(value.name, value.tensor) for value in core.tensors]
    found: list[Tensor] = core.run(list(examples), given)
    return found


def _first_departure(
    model: Model, lowered: Lowered, tensors: Mapping[str, Tensor], examples: Sequence[Tensor], limit: float
) -> str:
    """Which op it begins with: the graph and the package once more, with every op's result as an output."""
    from rustorch.coreml.interpreter import Runner
    from rustorch.jit._serialize import with_outputs

    graph = lowered.graphs[0]
    names = {out.name for op in lowered.function.block.operations for out in op.outputs}
    steps = []
    for node in graph.nodes:
        for value in node.outputs:
            if value is None or not value.dtype.is_floating_point:
                continue
            var = lowered.values.get(value.id)
            if var is not None and var.name in names:
                steps.append((node, value, var))
    core = with_outputs(graph, [v for _, v, _ in steps])
    expected = _arrays(_run(graph, _own_states(graph, tensors), examples, core))
    function = lowered.function
    block = function.block
    results = {var.name: var for _, _, var in steps}
    every = type(block)(block.inputs, list(results), block.operations)
    features = [FeatureDescription(v.name, ArrayFeatureType(v.dtype, ())) for v in results.values()]
    whole = Model(
        model.spec_version,
        ModelDescription(model.description.inputs, features, model.description.states),
        Program({"main": type(function)(function.inputs, function.opset, {function.opset: every})}),
    )
    runner = Runner(whole)
    state = runner.make_state() if runner.state_names else None
    found = runner.predict(_feeds(model, examples), state=state)
    for (node, _, var), e in zip(steps, expected):
        by = _departure(found[var.name], e)
        if by > limit:
            where = f" at {node.location}" if node.location else ""
            return f"'{node.op}'{where} departs first, by {by:.2g}"
    return "no single op departs by so much: roundings add up"
