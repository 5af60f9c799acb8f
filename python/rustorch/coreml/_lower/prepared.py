"""What is lowered, made ready: composite ops taken apart, and recordings at several shapes walked as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rustorch.coreml._lower.flexible import Differ, merge_steps, refused
from rustorch.coreml._lower.recording import Recording, Step, steps_of
from rustorch.coreml._lower.recurrent import takes
from rustorch.coreml._lower.registry import LOWERINGS
from rustorch.errors import RustorchError

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.jit import Graph

__all__ = ["Prepared", "expanded", "prepared"]

# Composite ops are made of composite ops, this deep.
MAX_DEPTH = 8


def expanded(graph: Graph, examples: Sequence[Tensor] | None, fold: bool = True) -> Graph:
    """The graph with composite ops that have no lowering taken apart, as they run on the examples.
    Constants are folded unless they might depend on the examples' shapes."""
    graph = graph.optimize() if fold else graph.eliminate_dead_code()
    refused: set[str] = set()
    shapes = [tuple(v.shape) for v in graph.outputs]
    for _ in range(MAX_DEPTH):
        unknown = {n.op for n in graph.nodes if n.op not in LOWERINGS and n.form == "plain"} - refused
        if not unknown:
            break
        for name in sorted(unknown):
            try:
                found = graph.decompose([name], examples)
            except RustorchError:  # computed by a kernel: it will be listed as missing
                found = None
            # A shape that depends on values is none that a package could have.
            if found is None or [tuple(v.shape) for v in found.outputs] != shapes:
                refused.add(name)
            else:
                graph = found
        graph = graph.optimize() if fold else graph.eliminate_dead_code()
    return graph


@dataclass
class Prepared:
    """What is walked over: the steps of the first recording, and shapes where they are not its own alone."""

    graphs: list[Graph]
    steps: list[Step]
    shapes: dict[int, tuple[int, ...]]
    apart: list[Recording]


def prepared(recordings: Sequence[Recording], opset: str) -> Prepared:
    """Graphs made ready to be lowered. Recordings at some shapes may stand apart, of other operations than
    the first, as where a slice takes all there is; whether the program holds there has to be seen."""
    last = None
    for fold, partly in ((True, False), (False, False), (True, True), (False, True)):
        graphs = [expanded(r.graph, r.examples, fold) for r in recordings]
        listed = [
            steps_of(g, r.results, [n for n in r.networks if takes(n.module, opset)])
            for g, r in zip(graphs, recordings)
        ]
        if len(recordings) == 1:
            return Prepared(graphs, listed[0], {}, [])
        first = [step.op for step in listed[0]]
        kept = [i for i, steps in enumerate(listed) if not partly or [s.op for s in steps] == first]
        graphs, listed = [graphs[i] for i in kept], [listed[i] for i in kept]
        results = [[*g.outputs[: recordings[0].results], *(v for _, v in g.mutations)] for g in graphs]
        try:
            if len(kept) < 2:
                raise Differ("the default shape runs other operations than all others")
            steps, shapes = merge_steps([g.inputs for g in graphs], listed, results)
        except Differ as error:
            last = last or error
            continue
        return Prepared(graphs, steps, shapes, [r for i, r in enumerate(recordings) if i not in kept])
    assert last is not None
    unrolled = [n.module for n in recordings[0].networks if not takes(n.module, opset)]
    if any(module.proj_size for module in unrolled):
        hint = "a fixed length: Core ML's lstm has no projection (proj_size), and is written out step by step"
        raise refused(last, hint)
    gru = any(module.mode == "GRU" for module in unrolled)
    raise refused(last, 'target="macOS15", where a GRU is one operation' if gru else "")
