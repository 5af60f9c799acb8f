"""export(): a module or function as a Core ML package."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rustorch.coreml.mil.program import DataType, Metadata, Model, ModelDescription, Program
from rustorch.coreml.shapes import InputShape
from rustorch.coreml.writer import write_package
from rustorch.errors import ArgumentError, OpError

if TYPE_CHECKING:
    from rustorch import nn
    from rustorch.coreml._lower import Labels, Lowered, Recording, Shapes
    from rustorch.jit import Graph, ScriptFunction, ScriptModule

    # A module, a function, or what was recorded of one.
    Exportable: TypeAlias = "nn.Module | ScriptModule | ScriptFunction | Graph | Callable[..., Any]"

__all__ = ["TARGETS", "export", "to_model"]

# The oldest system that a package runs on: its version of the specification and its opset.
TARGETS = {
    "macOS12": (6, "CoreML5"),
    "iOS15": (6, "CoreML5"),
    "macOS13": (7, "CoreML6"),
    "iOS16": (7, "CoreML6"),
    "macOS14": (8, "CoreML7"),
    "iOS17": (8, "CoreML7"),
    "macOS15": (9, "CoreML8"),
    "iOS18": (9, "CoreML8"),
}


def to_model(
    module: Exportable | Mapping[str, tuple[Any, ...]],
    example_inputs: Any = (),
    *,
    precision: Literal["float16", "float32"] = "float16",
    target: str = "macOS14",
    inputs: Sequence[str] | Mapping[str, InputShape] | None = None,
    outputs: Sequence[str] | None = None,
    states: bool | Sequence[str] | None = None,
    classifier_labels: Labels | None = None,
    default_function: str | None = None,
    metadata: Metadata | None = None,
    verify: bool = False,
) -> Model:
    """What `export` writes, as a model in memory. Arguments and errors are those of `export`.

    >>> import rustorch as rt
    >>> model = rt.coreml.to_model(rt.nn.ReLU(), rt.ones(2, 3))
    >>> [operation.type for operation in model.default_function.block.operations if operation.type != "const"]
    ['cast', 'relu', 'cast']
    """
    if precision not in ("float16", "float32"):
        raise ArgumentError.of("export", "precision is 'float16' or 'float32'", repr(precision))
    if target not in TARGETS:
        raise ArgumentError.of("export", "target is unknown", repr(target), f"one of {', '.join(TARGETS)}")
    options: dict[str, Any] = {
        "inputs": inputs,
        "outputs": outputs,
        "states": states,
        "classifier_labels": classifier_labels,
    }
    common: dict[str, Any] = {"precision": precision, "target": target, "verify": verify}
    if not isinstance(module, Mapping):
        if default_function is not None:
            raise ArgumentError.of("export", "default_function is for several functions", default_function)
        model = _single(module, example_inputs, **options, **common)
        model.description.metadata = metadata or Metadata()
        return model
    from rustorch.coreml.several import combined

    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ArgumentError.of(
            "export",
            "each of several functions has options of its own",
            ", ".join(given),
            '{"name": (module, example_inputs, {"outputs": ...})}',
        )
    if TARGETS[target][1] < "CoreML8" or not module:
        raise ArgumentError.of("export", "several functions need a newer system", target, 'target="macOS15"')
    models = {}
    for name, (function, examples, *rest) in module.items():
        own = dict(rest[0]) if rest else {}
        unknown = sorted(set(own) - set(options))
        if unknown:
            raise ArgumentError.of(
                "export", f"function '{name}' has unknown options", ", ".join(unknown), ", ".join(options)
            )
        models[name] = _single(function, examples, **{**options, **own}, **common)
    return combined(models, default_function, metadata or Metadata())


def _single(
    module: Any,
    example_inputs: Any,
    *,
    precision: str,
    target: str,
    inputs: Sequence[str] | Mapping[str, InputShape] | None,
    outputs: Sequence[str] | None,
    states: bool | Sequence[str] | None,
    classifier_labels: Labels | None,
    verify: bool,
) -> Model:
    """A model of one function."""
    from rustorch.coreml._lower import labels_of, lower_graph, lower_script, record, scripted
    from rustorch.coreml.verifying import check_lowered, check_results

    labels = None if classifier_labels is None else labels_of(classifier_labels)
    version, opset = TARGETS[target]
    common: dict[str, Any] = {
        "opset": opset,
        "float_type": DataType.FLOAT16 if precision == "float16" else DataType.FLOAT32,
        "inputs": None if inputs is None else list(inputs),
        "outputs": outputs,
        "labels": labels,
    }
    script = scripted(module, example_inputs)
    if script is not None:
        _check_fixed(module, inputs)
        if states:
            raise ArgumentError.of(
                "export",
                "a script with branches or loops keeps no states",
                hint="inputs and outputs for them",
            )
        lowered = lower_script(script, **common)
        model = _model_of(version, lowered, labels is not None)
        if verify:
            check_results(model, script.examples, script.expected(), precision)
        return model
    recordings, shapes = _recordings(module, example_inputs, inputs)
    if verify and recordings[0].examples is None:
        raise ArgumentError.of("export", "to verify needs example inputs, a tensor or a tuple of tensors")
    given = None if shapes is None else shapes.given
    lowered = lower_graph(recordings, shapes=given, states=states, **common)
    model = _model_of(version, lowered, labels is not None)
    if verify or lowered.apart:
        more = [record(module, e) for e in shapes.more] if verify and shapes else []
        merged = [r for r in recordings if r not in lowered.apart] if verify else []
        check_lowered(model, lowered, merged, precision, [*lowered.apart, *more])
    return model


def _model_of(version: int, lowered: Lowered, is_classifier: bool) -> Model:
    description = ModelDescription(lowered.inputs, lowered.outputs, lowered.states)
    if is_classifier:
        label, odds, *_ = lowered.outputs
        description.predicted_feature_name = label.name
        description.predicted_probabilities_name = odds.name
    return Model(version, description, Program({"main": lowered.function}))


def _check_fixed(module: Any, inputs: Sequence[str] | Mapping[str, InputShape] | None) -> None:
    if isinstance(inputs, Mapping) and any(shape is not None for shape in inputs.values()):
        raise ArgumentError.of(
            "export",
            "what was recorded has the shapes that it was recorded with",
            type(module).__name__,
            "the module or function itself, for inputs of several shapes",
        )


def _recordings(
    module: Any, example_inputs: Any, inputs: Sequence[str] | Mapping[str, InputShape] | None
) -> tuple[list[Recording], Shapes | None]:
    """What is lowered: one recording, or several where shapes of inputs are given."""
    from rustorch import jit
    from rustorch.coreml._lower import record, record_all

    if not isinstance(inputs, Mapping) or all(shape is None for shape in inputs.values()):
        return [record(module, example_inputs)], None
    if isinstance(module, (jit.Graph, jit.ScriptModule, jit.ScriptFunction)):
        _check_fixed(module, inputs)
    return record_all(lambda examples: record(module, examples), example_inputs, inputs)


def export(
    module: Exportable | Mapping[str, tuple[Any, ...]],
    example_inputs: Any = (),
    path: str | os.PathLike[str] | None = None,
    *,
    precision: Literal["float16", "float32"] = "float16",
    target: str = "macOS14",
    inputs: Sequence[str] | Mapping[str, InputShape] | None = None,
    outputs: Sequence[str] | None = None,
    states: bool | Sequence[str] | None = None,
    classifier_labels: Labels | None = None,
    default_function: str | None = None,
    metadata: Metadata | None = None,
    verify: bool = False,
) -> None:
    """Write a module or function as an `.mlpackage` (an ML Program) for Core ML.

    What is recorded by `rustorch.jit.trace` is lowered op by op, recurrent networks as wholes; shapes are
    those of the examples. Of what `rustorch.jit.script` gave, branches and loops on values become `cond` and
    `while_loop`. The package takes and gives float32 (float16 where the recorded tensors are), int32 for
    integers and bools.

    Args:
        module: a module (call `eval()` on it first), a function, or what `rustorch.jit.trace` or
            `rustorch.jit.script` gave. Or several by their names, each as (module, example_inputs) or
            (module, example_inputs, options), the options a dict with `inputs`, `outputs`, `states` and
            `classifier_labels` of its own; equal weights are in the package once. From macOS 15 and iOS 18
            on.
        example_inputs: a tensor or a tuple of them, as for `rustorch.jit.trace`; not looked at for what was
            recorded already, unless it is verified.
        path: of the package; one that is there is replaced once the new one is complete.
        precision: what it computes in. "float16" is what the Neural Engine runs.
        target: the oldest system that it must run on: "macOS12" to "macOS15", "iOS15" to "iOS18".
        inputs, outputs: names, in order. By default those of the function's parameters, and "output".
            `inputs` may give shapes to the names, for inputs whose sizes vary: of ints and `RangeDim`, an
            `EnumeratedShapes`, or None for that of the example. The module is then recorded at several sizes.
        states: names of buffers that the module writes, such as the keys and values of a cache; True for all
            of them. They become Core ML's states, which are float16, begin with zeros, and last from one
            prediction to the next (`CoreMLModel.stateful`). From macOS 15 and iOS 18 on.
        classifier_labels: of the probabilities that the first output consists of, or a file with one label a
            line. In its place the package gives "classLabel", the likeliest, and "classLabel_probs", a
            dictionary of all.
        default_function: the one of several that runs where none is named; the first otherwise.
        metadata: author, description and the like (`rustorch.coreml.mil.program.Metadata`).
        verify: run the program on rustorch's operations beside what was recorded, and raise where they
            disagree, with the name of the first op that departs.

    Raises:
        NotImplementedError: (`UnsupportedOperation`) naming all ops at once that Core ML has nothing for, or
            what in a script it cannot express, such as a shape that changes through a loop, with its line.
        ValueError: for unknown names, and numbers that float16 cannot hold.
        RuntimeError: for a package that computes something else, with `verify`.

    >>> import os, tempfile
    >>> import rustorch as rt
    >>> net = rt.nn.Sequential(rt.nn.Linear(4, 8), rt.nn.ReLU(), rt.nn.Linear(8, 2)).eval()
    >>> path = os.path.join(tempfile.mkdtemp(), "net.mlpackage")
    >>> rt.coreml.export(net, rt.ones(1, 4), path, verify=True)
    >>> model = rt.load_model(path)
    >>> model.predict({"input": rt.ones(1, 4)})["output"].shape
    rustorch.Size([1, 2])
    """
    if path is None:
        raise ArgumentError.of("export", "needs a path")
    model = to_model(
        module,
        example_inputs,
        precision=precision,
        target=target,
        inputs=inputs,
        outputs=outputs,
        states=states,
        classifier_labels=classifier_labels,
        default_function=default_function,
        metadata=metadata,
        verify=verify,
    )
    try:
        write_package(model, path)
    except RecursionError:
        raise OpError.of("export", "the program is nested too deeply") from None
