"""What we export, as coremltools reads it: its own inference of types and shapes agrees with ours."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import rustorch as rt
from rustorch.coreml import RangeDim, export

from ..coreml.test_export import NETS, CachedGpt, Gpt, made
from ..coreml.test_functions import gpt
from ..coreml.test_lowering import CALLS
from ..coreml.test_shapes import CALLS as SIZES
from ..coreml.test_shapes import NETS as SHAPES

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")


def check(path: Path) -> None:
    from coremltools.converters.mil.frontend.milproto.load import load

    model = ct.models.MLModel(str(path), skip_model_load=True)
    spec = model.get_spec()
    # It builds each operation again, infers what it gives, and refuses a program that says otherwise.
    program = load(spec, spec.specificationVersion, model.weights_dir)
    found = [tuple(v.shape) for v in program.functions["main"].outputs]
    stated = [tuple(f.type.multiArrayType.shape) for f in spec.description.output]
    # Of shapes that vary the interface says nothing.
    assert [f if all(isinstance(n, int) for n in f) else () for f in found] == stated


@pytest.mark.parametrize("precision, target", [("float16", "macOS12"), ("float32", "macOS15")])
@pytest.mark.parametrize("name", NETS)
def test_nets(name: str, precision: Any, target: str, tmp_path: Path) -> None:
    net, x = made(name)
    path = tmp_path / "net.mlpackage"
    export(net, x, path, precision=precision, target=target)
    check(path)


@pytest.mark.parametrize("name", CALLS)
def test_calls(name: str, tmp_path: Path) -> None:
    call, inputs = CALLS[name]
    path = tmp_path / "call.mlpackage"
    export(call, tuple(inputs), path)
    check(path)


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str, tmp_path: Path) -> None:
    net, example, shape, _ = SHAPES[name]
    path = tmp_path / "net.mlpackage"
    export(net, example, path, inputs={"x": shape}, target="iOS15")
    check(path)


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str, tmp_path: Path) -> None:
    f = SIZES[name]
    names = "ab"[: f.__code__.co_argcount]
    shapes = {name: (RangeDim(2, 12), 3) for name in names}
    path = tmp_path / "call.mlpackage"
    export(f, tuple(rt.ones(n, 3) for n, _ in zip((4, 5), names)), path, inputs=shapes, target="iOS18")
    check(path)


@pytest.mark.parametrize("precision", ["float16", "float32"])
def test_states(precision: Any, tmp_path: Path) -> None:
    path = tmp_path / "gpt.mlpackage"
    inputs = (rt.tensor([[1]]), rt.tensor([0]))
    export(CachedGpt(Gpt()).eval(), inputs, path, states=True, target="macOS15", precision=precision)
    check(path)
    spec = ct.models.MLModel(str(path), skip_model_load=True).get_spec()
    assert [s.name for s in spec.description.state] == ["keys", "values"]


@pytest.mark.parametrize("labels", [["a", "b", "c"], [7, 8, 9]], ids=["strings", "integers"])
def test_classifiers_are_as_coremltools_writes_them(labels: Any, tmp_path: Path) -> None:
    """Beside its own conversion of the same network: the operation, and the interface."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(torch.nn.Softmax(-1), torch.ones(1, 3))
        model = ct.convert(
            traced,
            inputs=[ct.TensorType("x", (1, 3))],
            classifier_config=ct.ClassifierConfig(labels),
            minimum_deployment_target=ct.target.iOS17,
            skip_model_load=True,
        )
    path = tmp_path / "ours.mlpackage"
    export(lambda x: x.softmax(-1), rt.ones(1, 3), path, classifier_labels=labels)
    theirs, ours = model.get_spec(), ct.models.MLModel(str(path), skip_model_load=True).get_spec()
    for field in ("output", "predictedFeatureName", "predictedProbabilitiesName"):
        assert getattr(ours.description, field) == getattr(theirs.description, field)

    def classify(spec: Any) -> Any:
        block = spec.mlProgram.functions["main"].block_specializations["CoreML7"]
        (operation,) = (o for o in block.operations if o.type == "classify")
        return operation.inputs["classes"], list(operation.outputs)

    assert classify(ours) == classify(theirs)


def test_functions(tmp_path: Path) -> None:
    from coremltools.converters.mil.frontend.milproto.load import load

    path = tmp_path / "both.mlpackage"
    export(gpt(), path=path, target="macOS15")
    model = ct.models.MLModel(str(path), skip_model_load=True)
    spec = model.get_spec()
    program = load(spec, spec.specificationVersion, model.weights_dir)
    assert set(program.functions) == {"prefill", "decode"}
    assert spec.description.defaultFunctionName == "prefill"
