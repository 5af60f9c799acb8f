"""Inputs of several shapes: recordings at some of the sizes, and one walk over all of them.

What differs between the recordings, sizes of results and integers among the arguments, becomes a `Size`. Size
1 is not recorded where a range has enough others: one element broadcasts, and looks like something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rustorch.coreml._lower.recording import Recording, Step
from rustorch.coreml._lower.sizes import merged
from rustorch.coreml.shapes import EnumeratedShapes, InputShape, RangeDim
from rustorch.errors import ArgumentError, OpError, UnsupportedOperation

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.jit import Value

__all__ = ["Shapes", "merge_steps", "record_all"]

Shape = tuple[int, ...]
# A range is recorded at its ends, if the upper one is not far away, and at some sizes between.
FAR = 4
SAMPLES = 4


class Differ(Exception):
    """The recordings differ in more than sizes; the message says where."""


@dataclass
class Shapes:
    """The shapes of the inputs in each recording, the default ones first; and what they were given as."""

    given: list[InputShape]
    samples: list[list[Shape]]
    # Examples on which a package is verified too, of size 1.
    more: list[Any]


def _fitting(given: InputShape, shape: Shape, name: str) -> None:
    if isinstance(given, EnumeratedShapes):
        ranks = {len(s) for s in given.shapes}
        fits = ranks == {len(shape)}
    elif given is not None:
        fits = len(given) == len(shape) and all(
            isinstance(g, RangeDim) or g == n for g, n in zip(given, shape)
        )
    else:
        fits = True
    if not fits:
        raise ArgumentError.of("export", f"the example of '{name}' does not fit its shape", str(list(shape)))


def _default(given: InputShape, shape: Shape) -> Shape:
    if isinstance(given, EnumeratedShapes):
        shapes = [tuple(s) for s in given.shapes]
        return tuple(given.default) if given.default is not None else shape if shape in shapes else shapes[0]
    if given is None:
        return shape
    sizes = []
    for g, n in zip(given, shape):
        if not isinstance(g, RangeDim):
            sizes.append(n)
        elif g.default is not None:
            sizes.append(g.default)
        else:
            within = g.lower_bound <= n and (g.upper_bound < 0 or n <= g.upper_bound)
            sizes.append(n if within else g.lower_bound)
    return tuple(sizes)


def _candidates(r: RangeDim, default: int) -> tuple[list[int], list[int]]:
    """Sizes to record a range at besides the default: those that must work, and others that may."""
    far = max(FAR * default, r.lower_bound + 8)
    low, high = r.lower_bound, far if r.upper_bound < 0 else r.upper_bound
    near = min(high, far)
    bounds = [low] + ([high] if high == near and r.upper_bound > 0 else [])
    between = [2 * default, near, (low + near) // 2, default + 1, default - 1, default // 2, low + 1, low + 2]
    others = [n for n in between if low <= n <= near and n not in bounds]
    if near - low >= 3:
        bounds = [n for n in bounds if n != 1]
        others = [n for n in others if n != 1]
    return [n for n in bounds if n != default], [n for n in dict.fromkeys(others) if n != default]


def _resized(example: Tensor, shape: Shape) -> Tensor:
    """The example with its elements repeated or left out."""
    import rustorch as rt

    for dim, (have, wanted) in enumerate(zip(tuple(example.shape), shape)):
        if have != wanted:
            example = example.index_select(dim, rt.arange(wanted) % have)
    return example


def _filled(given: Sequence[InputShape], defaults: Sequence[Shape], sizes: Mapping[int, int]) -> list[Shape]:
    """The shapes of the inputs with these sizes of their ranges, by identity."""
    return [
        shape
        if g is None or isinstance(g, EnumeratedShapes)
        else tuple(sizes.get(id(x), n) if isinstance(x, RangeDim) else n for x, n in zip(g, shape))
        for g, shape in zip(given, defaults)
    ]


def record_all(
    record: Callable[[Any], Recording], example_inputs: Any, shapes: Mapping[str, InputShape]
) -> tuple[list[Recording], Shapes]:
    """Recordings of a function at several shapes of its inputs.

    Raises:
        ValueError: for shapes that do not fit the examples.
        RuntimeError: where the function does not run at the bounds of a range, or at one of the shapes.
    """
    from rustorch.jit._structure import fill, flatten

    arguments = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
    found, skeleton = flatten(arguments, "export")
    examples = [tensor for _, tensor in found]
    if len(shapes) != len(examples):
        raise ArgumentError.of("export", f"inputs= needs {len(examples)} names", str(list(shapes)))
    given = list(shapes.values())
    for (name, g), example in zip(shapes.items(), examples):
        _fitting(g, tuple(example.shape), name)
    defaults = [_default(g, tuple(e.shape)) for g, e in zip(given, examples)]
    recordings: list[Recording] = []
    samples: list[list[Shape]] = []

    def add(wanted: list[Shape], optional: bool = False) -> bool:
        if wanted in samples:
            return False
        try:
            made = record(fill(skeleton, [_resized(e, s) for e, s in zip(examples, wanted)]))
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            if optional:
                return False
            listed = ", ".join(f"{n} {list(s)}" for n, s in zip(shapes, wanted))
            raise OpError.of(
                "export",
                "the function does not run at all of its inputs' shapes",
                f"at {listed}: {error}",
                "narrower ranges, and one range for sizes that have to agree",
            ) from error
        recordings.append(made)
        samples.append(wanted)
        return True

    add(defaults)
    ranges: dict[int, RangeDim] = {}
    sizes: dict[int, int] = {}
    for g, shape in zip(given, defaults):
        for x, n in zip(g or (), shape) if not isinstance(g, EnumeratedShapes) else ():
            if isinstance(x, RangeDim):
                ranges[id(x)] = x
                known = sizes.setdefault(id(x), n)
                if known != n:
                    raise ArgumentError.of("export", "one range has two default sizes", f"{known}, {n}")
    joint: dict[int, int] = {}
    more = []
    for i, (key, r) in enumerate(ranges.items()):
        must, may = _candidates(r, sizes[key])
        for n in must:
            add(_filled(given, defaults, {**sizes, key: n}))
        count = len(must)
        for n in may:
            if count < SAMPLES and add(_filled(given, defaults, {**sizes, key: n}), optional=True):
                count += 1
                must.append(n)
        joint[key] = (must or [sizes[key]])[i % max(len(must), 1)]
        if r.lower_bound == 1 and sizes[key] != 1 and 1 not in must:
            more.append(_filled(given, defaults, {**sizes, key: 1}))
    if len(ranges) > 1:
        add(_filled(given, defaults, joint), optional=True)
    lists = [g for g in given if isinstance(g, EnumeratedShapes)]
    if len({len(g.shapes) for g in lists}) > 1:
        raise ArgumentError.of("export", "inputs of enumerated shapes need as many each")
    for i in range(len(lists[0].shapes) if lists else 0):
        add([
            tuple(g.shapes[i]) if isinstance(g, EnumeratedShapes) else shape
            for g, shape in zip(given, defaults)
        ])  # fmt: skip
    alone = [fill(skeleton, [_resized(e, s) for e, s in zip(examples, wanted)]) for wanted in more]
    return recordings, Shapes(given, samples, alone)


# ---- One walk over several recordings ----


def merge_steps(
    inputs: Sequence[Sequence[Value]], steps: Sequence[list[Step]], results: Sequence[Sequence[Value]]
) -> tuple[list[Step], dict[int, Shape]]:
    """The steps of the first recording, with a `Size` wherever another integer stands in the others; and the
    shapes of its values by their ids.

    Raises:
        Differ: where the recordings are not the same otherwise.
    """
    shapes: dict[int, Shape] = {}
    ids: list[dict[int, int]] = [{} for _ in steps]

    def same_value(values: Sequence[Value], where: str) -> None:
        first = values[0]
        for value, known in zip(values, ids):
            if value.kind == "constant" and first.kind == "constant":
                a, b = first.tensor, value.tensor
                assert a is not None and b is not None
                if tuple(a.shape) != tuple(b.shape) or not bool((a == b).all() | ((a != a) & (b != b)).all()):
                    raise Differ(f"{where} takes a constant tensor that depends on the inputs' shapes")
            elif value.kind in ("parameter", "buffer") and value.name == first.name:
                pass
            elif known.get(value.id, -1) != first.id:
                raise Differ(f"{where} takes other values at other shapes")

    def define(values: Sequence[Value]) -> None:
        for value, known in zip(values, ids):
            known[value.id] = values[0].id
        shapes[values[0].id] = tuple(merged(sizes) for sizes in zip(*(v.shape for v in values)))

    def argument(values: Sequence[Any], where: str) -> Any:
        first = values[0]
        if hasattr(first, "kind"):
            same_value(values, where)
            return first
        if type(first) is int and all(type(v) is int for v in values):
            return merged(values)
        if isinstance(first, (list, tuple)) and all(len(v) == len(first) for v in values):
            items = [argument(list(item), where) for item in zip(*values)]
            return items if isinstance(first, list) else tuple(items)
        if any(type(v) is not type(first) or (v != first and v == v) for v in values):
            raise Differ(f"{where} is {', '.join(sorted({str(v) for v in values}))} at different shapes")
        return first

    for values in zip(*inputs):
        define(values)
    if len({len(listed) for listed in steps}) > 1:
        counts = ", ".join(str(len(listed)) for listed in steps)
        first = next((s for s in zip(*steps) if len({x.op for x in s}) > 1), None)
        where = f", from {first[0].op} at {first[0].node.location} on" if first else ""
        raise Differ(f"other operations run at other shapes, {counts} of them{where}")
    made = []
    for parts in zip(*steps):
        step, place = parts[0], f" at {parts[0].node.location}"
        if any(
            p.op != step.op or list(p.inputs) != list(step.inputs) or p.node.form != step.node.form
            or len(p.outputs) != len(step.outputs)
            for p in parts
        ):  # fmt: skip
            raise Differ(f"other operations run at other shapes, {step.op}{place} among them")
        inputs_ = {
            name: argument([p.inputs[name] for p in parts], f"{name}= of {step.op}{place}")
            for name in step.inputs
        }
        for outputs in zip(*(p.outputs for p in parts)):
            if outputs[0] is not None:
                if len({len(v.shape) for v in outputs}) > 1:
                    raise Differ(f"{step.op}{place} has another rank at other shapes")
                define(outputs)
        made.append(Step(step.op, inputs_, step.outputs, step.node, step.module))
    for values in zip(*results):
        same_value(values, "the result")
    return made, shapes


def refused(error: Differ, hint: str = "") -> UnsupportedOperation:
    """The error that a user sees."""
    return UnsupportedOperation.of(
        "export",
        "what was recorded differs with the inputs' shapes in more than sizes",
        str(error),
        hint or "fixed shapes, or one range for sizes that have to agree",
    )
