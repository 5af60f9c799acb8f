"""Packages go to coremltools and back: specifications, files of weights, interfaces."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import read_package, write_package, writer
from rustorch.coreml.blob import BlobReader, BlobWriter
from rustorch.coreml.mil import program as mil

from ..coreml.samples import D, every_feature, every_value, small

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")
storage = pytest.importorskip("coremltools.libmilstoragepython")
mb = ct.converters.mil.Builder


def spec_of(path: Path) -> Any:
    return ct.models.MLModel(str(path), skip_model_load=True).get_spec()


def convert(program: Any, target: Any, path: Path, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ct.convert(program, convert_to="mlprogram", minimum_deployment_target=target, **options)
    model.author, model.license, model.version = "who", "free", "1.2"
    model.short_description = "what"
    model.user_defined_metadata["key"] = "välue"
    model.save(str(path))
    return model


def network(target: Any, path: Path) -> dict[str, np.ndarray]:
    """A package of coremltools, and the constants in it by name."""
    rng = np.random.default_rng(0)
    kernel = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    weight = rng.standard_normal((5, 64)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec((1, 3, 6, 6))], opset_version=target)
    def program(x: Any) -> Any:
        y = mb.conv(x=x, weight=kernel, pad_type="valid", name="conv")
        y = mb.relu(x=y)
        y = mb.reshape(x=y, shape=[1, 64])
        flag = mb.greater(x=mb.reduce_max(x=y, axes=[0, 1], keep_dims=False), y=np.float32(0))
        y = mb.cond(pred=flag, _true_fn=lambda: mb.sqrt(x=y), _false_fn=lambda: mb.exp(x=y))
        y = mb.linear(x=y, weight=weight)
        return mb.concat(values=[y, y, y], axis=1, interleave=False, name="out")

    convert(program, target, path, compute_precision=ct.precision.FLOAT32)
    return {"kernel": kernel, "weight": weight}


@pytest.mark.parametrize("target", ["iOS15", "iOS16", "iOS17", "iOS18"])
def test_packages_of_coremltools_are_read_and_written_again(tmp_path: Path, target: str) -> None:
    constants = network(getattr(ct.target, target), tmp_path / "theirs.mlpackage")
    model = read_package(tmp_path / "theirs.mlpackage")
    assert model.spec_version == {"iOS15": 6, "iOS16": 7, "iOS17": 8, "iOS18": 9}[target]
    assert model.metadata.author == "who"
    assert model.metadata.user_defined["key"] == "välue"
    assert [item.name for item in model.description.outputs] == ["out"]
    found = [
        operation.attributes["val"].numpy()
        for operation in model.default_function.block.operations
        if isinstance(operation.attributes.get("val"), mil.BlobFileValue)
    ]
    for constant in constants.values():
        assert any(array.shape == constant.shape and np.array_equal(array, constant) for array in found)
    write_package(model, tmp_path / "ours.mlpackage")
    # Messages compare by their fields: ours is theirs, up to the places in the file of weights.
    theirs, ours = spec_of(tmp_path / "theirs.mlpackage"), spec_of(tmp_path / "ours.mlpackage")
    assert ours == theirs
    loaded = rt.load_model(tmp_path / "ours.mlpackage")
    assert loaded.metadata.shapes == {"x": (1, 3, 6, 6), "out": (1, 15)}


def test_all_features_values_and_types_are_understood(tmp_path: Path) -> None:
    model = mil.Model(9, every_feature(), every_value())
    data = writer.spec_bytes(model)
    spec = ct.proto.Model_pb2.Model.FromString(data)
    assert spec.SerializeToString(deterministic=True)
    assert spec.description.defaultFunctionName == "main"
    main, other = spec.description.functions
    ranges = main.input[0].type.multiArrayType.shapeRange.sizeRanges
    assert [(item.lowerBound, item.upperBound) for item in ranges] == [(1, -1), (0, 0), (3, 3)]
    assert main.state[0].type.stateType.arrayType.shape == [1, 8]
    assert main.output[0].type.dictionaryType.WhichOneof("KeyType") == "stringKeyType"
    assert [size.width for size in other.input[0].type.imageType.enumeratedSizes.sizes] == [4, 8]
    array = other.output[0].type.multiArrayType
    assert (array.intDefaultValue, len(array.enumeratedShapes.shapes)) == (-7, 3)
    assert dict(spec.description.metadata.userDefined) == {"key": "välue", "empty": ""}
    operations = spec.mlProgram.functions["main"].block_specializations["CoreML8"].operations
    assert [operation.type for operation in operations].count("const") == len(D) * 6 + 4
    values = {item.outputs[0].name: item.attributes.get("val") for item in operations if item.outputs}
    for operation in model.functions["main"].block.operations:
        if operation.type == "const" and operation.outputs[0].type == mil.TensorType(D.STRING, (2, 3)):
            strings = values[operation.outputs[0].name].immediateValue.tensor.strings.values
            assert list(strings) == operation.attributes["val"].numpy().ravel().tolist()


_METHODS = {
    D.FLOAT16: "fp16",
    D.FLOAT32: "float",
    **{dtype: dtype.value for dtype in D if dtype.is_integer and dtype.bits <= 32},
}


@pytest.mark.parametrize("dtype", _METHODS, ids=lambda dtype: dtype.value)
def test_files_of_weights(tmp_path: Path, dtype: mil.DataType) -> None:
    rng = np.random.default_rng(0)
    arrays = []
    for count in (1, 7, 13, 64, 1000):
        if dtype.is_float:
            arrays.append(rng.standard_normal(count).astype(dtype.numpy_dtype))
            continue
        low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
        high = (1 << (dtype.bits - dtype.is_signed)) - 1
        arrays.append(rng.integers(low, high, count, endpoint=True, dtype=dtype.numpy_dtype))
    raw = (lambda array: array.view(np.uint16)) if dtype is D.FLOAT16 else (lambda array: array)

    theirs = str(tmp_path / "theirs.bin")
    write = storage._BlobStorageWriter(theirs)
    places = [getattr(write, f"write_{_METHODS[dtype]}_data")(raw(array)) for array in arrays]
    del write
    reader = BlobReader(os.open(theirs, os.O_RDONLY), theirs)
    for place, array in zip(places, arrays):
        np.testing.assert_array_equal(reader.load(place, mil.TensorType(dtype, array.shape)), array)

    with open(tmp_path / "ours.bin", "w+b") as file:
        ours = BlobWriter(file)
        assert [ours.add(array, dtype) for array in arrays] == places
        ours.finish()
    assert (tmp_path / "ours.bin").read_bytes() == Path(theirs).read_bytes()
    read = storage._BlobStorageReader(str(tmp_path / "ours.bin"))
    for place, array in zip(places, arrays):
        np.testing.assert_array_equal(getattr(read, f"read_{_METHODS[dtype]}_data")(place), raw(array))


def test_compressed_weights_are_named(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)

    @mb.program(input_specs=[mb.TensorSpec((1, 64))], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        return mb.linear(x=x, weight=weight)

    model = convert(program, ct.target.iOS17, tmp_path / "plain.mlpackage")
    optimize = ct.optimize.coreml
    quantized = optimize.OptimizationConfig(optimize.OpLinearQuantizerConfig(weight_threshold=10))
    palettized = optimize.OptimizationConfig(
        optimize.OpPalettizerConfig("uniform", nbits=4, weight_threshold=10)
    )
    forms = {
        None: model,
        "int8": optimize.linear_quantize_weights(model, quantized),
        "palettized 4-bit": optimize.palettize_weights(model, palettized),
    }
    for name, made in forms.items():
        path = tmp_path / f"{name}.mlpackage"
        made.save(str(path))
        assert rt.load_model(path).metadata.quantization == name


def test_our_packages_are_parsed_by_coremltools(tmp_path: Path) -> None:
    from coremltools.converters.mil.frontend.milproto.load import load

    write_package(small(), tmp_path / "m.mlpackage")
    model = ct.models.MLModel(str(tmp_path / "m.mlpackage"), skip_model_load=True)
    program = load(model.get_spec(), 8, model.weights_dir)
    linear = next(item for item in program.functions["main"].operations if item.op_type == "linear")
    weight, bias = (item.attributes["val"].numpy() for item in small().default_function.block.operations[:2])
    np.testing.assert_array_equal(linear.weight.val, weight)
    np.testing.assert_array_equal(linear.bias.val, bias)


def test_older_kinds_of_models_are_opened_through_coremltools(tmp_path: Path) -> None:
    features = [("x", ct.models.datatypes.Array(3))], [("y", ct.models.datatypes.Array(3))]
    builder = ct.models.neural_network.NeuralNetworkBuilder(*features)
    builder.add_activation("relu", "RELU", "x", "y")
    path = tmp_path / "old.mlmodel"
    path.write_bytes(builder.spec.SerializeToString())
    loaded = rt.load_model(path)
    assert (loaded.kind, loaded.model) == ("neuralNetwork", None)
    assert loaded.metadata.shapes == {"x": (3,), "y": (3,)}
    assert loaded.spec.neuralNetwork.layers[0].name == "relu"
    with pytest.raises(rt.errors.UnsupportedOperation, match="a model of kind neuralNetwork"):
        loaded.predict({"x": np.zeros(3)})
