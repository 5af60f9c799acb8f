"""`rt.load_model`: content decides; what models say about themselves; compiled and older models."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import compression, protobuf, write_package, writer
from rustorch.coreml.mil import program as mil
from rustorch.coreml.mil.parse import parse_program
from rustorch.coreml.mil.text import program_text
from rustorch.coreml.spec import MESSAGES
from rustorch.errors import (
    ArgumentError,
    DeviceNotAvailable,
    FormatError,
    RustorchError,
    UnsupportedOperation,
)

from .samples import D, array, constant, every_feature, every_value, small


def test_content_decides_and_not_the_name(tmp_path):
    write_package(small(), tmp_path / "a.gguf")
    rt.io.safetensors.save_file({"w": rt.ones(2, 3)}, tmp_path / "b.mlpackage")
    (tmp_path / "c.safetensors").write_bytes(writer.spec_bytes(small()))
    package = rt.load_model(tmp_path / "a.gguf")
    weights = rt.load_model(tmp_path / "b.mlpackage")
    single = rt.load_model(tmp_path / "c.safetensors")
    assert (package.metadata.format, single.metadata.format) == ("mlpackage", "mlmodel")
    assert package.model == single.model == small()
    assert weights.metadata.format == "safetensors"
    assert (weights.metadata.shapes, weights.metadata.dtypes) == ({"w": (2, 3)}, {"w": "float32"})
    assert weights["w"].tolist() == [[1, 1, 1]] * 2
    assert weights.metadata.size == os.path.getsize(tmp_path / "b.mlpackage")
    assert "1 tensors, safetensors, not quantized" in repr(weights)
    weights["w"].zero_()
    assert weights["w"].sum() == 6


def test_weights_go_into_modules(tmp_path):
    source, target = rt.nn.Linear(3, 2), rt.nn.Linear(3, 2)
    rt.io.safetensors.save_file(source.state_dict(), tmp_path / "w")
    target.load_state_dict(rt.load_model(tmp_path / "w"))
    assert rt.equal(target.weight, source.weight)


@pytest.mark.parametrize("data", [b"", b"noise", b"PK\x03\x04", b"\x80\x04x", b"\x08", b"GGUF"])
def test_other_files_are_refused(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(FormatError):
        rt.load_model(tmp_path / "file")


def test_other_things_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        rt.load_model(tmp_path / "none")
    with pytest.raises(FormatError, match=r"has no file 'Manifest\.json'"):
        rt.load_model(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArgumentError, match="no regular file"):
        rt.load_model(tmp_path / "pipe")


def test_metadata_of_a_model(tmp_path):
    described = mil.Metadata("what", "1.2", "who", "free", {"key": "value"})
    write_package(small(metadata=described), tmp_path / "m")
    found = rt.load_model(tmp_path / "m").metadata
    assert (found.description, found.version, found.author, found.license) == ("what", "1.2", "who", "free")
    assert (found.inputs, found.outputs, found.states) == (["x"], ["y"], [])
    assert found.shapes == {"x": (2, 3), "y": (2, 4)}
    assert found.dtypes == {"x": "float32", "y": "float32"}
    assert found.user_defined == {"key": "value"}
    assert found.quantization is None
    assert found.size == sum(path.stat().st_size for path in (tmp_path / "m").rglob("*") if path.is_file())


def test_models_of_several_functions(tmp_path):
    write_package(mil.Model(9, every_feature(), every_value()), tmp_path / "m")
    first = rt.load_model(tmp_path / "m").metadata
    assert (first.inputs, first.states) == (["x", "flag"], ["cache"])
    assert (first.shapes["cache"], first.dtypes["cache"]) == ((1, 8), "float16")
    other = rt.load_model(tmp_path / "m", function="other").metadata
    assert (other.inputs, other.shapes["x"]) == (["x"], (1, 3))
    with pytest.raises(ArgumentError, match="no such function; got 'third'; try one of main, other"):
        rt.load_model(tmp_path / "m", function="third")


def _compressed(*operations: mil.Operation) -> mil.Model:
    model = small()
    model.functions["main"].block.operations[0:0] = operations
    return model


def _constexpr(kind: str, inputs=None, attributes=None, shape=(4, 4)) -> mil.Operation:
    result = mil.NamedType(f"{kind}_{shape}", mil.TensorType(D.FLOAT16, shape))
    return mil.Operation(f"constexpr_{kind}", inputs or {}, [result], [], attributes or {})


def _zeros(dtype: D, *shape: int) -> mil.TensorValue:
    return mil.TensorValue(mil.TensorType(dtype, shape), np.zeros(shape, dtype.numpy_dtype))


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([_constexpr("affine_dequantize", attributes={"quantized_data": _zeros(D.INT8, 4, 4)})], "int8"),
        ([_constexpr("blockwise_shift_scale", {"data": [_zeros(D.UINT4, 4, 4)]})], "uint4"),
        ([constant("c", _zeros(D.INT4, 4)), _constexpr("blockwise_shift_scale", {"data": ["c"]})], "int4"),
        ([_constexpr("lut_to_dense", attributes={"lut": _zeros(D.FLOAT16, 64)})], "palettized 6-bit"),
        ([_constexpr("lut_to_dense", {"indices": [_zeros(D.UINT2, 4)]})], "palettized 2-bit"),
        ([_constexpr("cast", attributes={"source_val": _zeros(D.FLOAT16, 4)})], "cast"),
        (
            [_constexpr("sparse_to_dense"), _constexpr("lut_to_dense", {"indices": ["x"]}, shape=(99, 9))],
            "palettized, sparse",
        ),
    ],
)
def test_compression_is_named(tmp_path, operations, expected):
    if expected == "palettized, sparse":
        operations = [operations[0], _constexpr("lut_to_dense", {"indices": []}, shape=(99, 9))]
    write_package(_compressed(*operations), tmp_path / "m")
    assert rt.load_model(tmp_path / "m").metadata.quantization == expected


def test_engines_and_units(tmp_path):
    write_package(small(), tmp_path / "m")
    with pytest.raises(DeviceNotAvailable, match="no connection to Core ML; got engine='coreml'; try"):
        rt.load_model(tmp_path / "m", engine="coreml")
    with pytest.raises(ArgumentError, match="engine is unknown; got 'tpu'"):
        rt.load_model(tmp_path / "m", engine="tpu")
    with pytest.raises(ArgumentError, match="compute_units is unknown; got 'fast'; try one of all, "):
        rt.load_model(tmp_path / "m", compute_units="fast")
    model = rt.load_model(tmp_path / "m", compute_units="cpu_only", engine="rustorch")
    assert (model.engine, model.compute_units) == ("rustorch", "cpu_only")
    assert repr(model).endswith("(x: float32) -> (y))")


def test_older_kinds_of_models_need_coremltools(tmp_path, monkeypatch):
    for name in ("coremltools", "coremltools.proto"):
        monkeypatch.setitem(sys.modules, name, None)
    fields = {"specificationVersion": 4, "neuralNetwork": b""}
    (tmp_path / "m").write_bytes(protobuf.encode(MESSAGES["Model"], fields))
    with pytest.raises(UnsupportedOperation, match="a model of kind neuralNetwork; try pip install coreml"):
        rt.load_model(tmp_path / "m")


class Specification:
    """What coremltools parses a model's specification into."""

    def ParseFromString(self, data: bytes) -> None:
        if b"broken" in data:
            raise ValueError("Error parsing message")
        self.data = data


@pytest.mark.parametrize("network", [b"", b"broken"])
def test_older_kinds_of_models_are_parsed_by_coremltools(tmp_path, monkeypatch, network):
    proto = SimpleNamespace(Model_pb2=SimpleNamespace(Model=Specification))
    monkeypatch.setitem(sys.modules, "coremltools", SimpleNamespace(proto=proto))
    monkeypatch.setitem(sys.modules, "coremltools.proto", proto)
    data = protobuf.encode(MESSAGES["Model"], {"specificationVersion": 4, "neuralNetwork": network})
    (tmp_path / "m").write_bytes(data)
    if network:
        with pytest.raises(FormatError, match="cannot read the specification; got Error parsing message"):
            rt.load_model(tmp_path / "m")
        return
    model = rt.load_model(tmp_path / "m")
    assert model.kind == "neuralNetwork" and model.spec.data == data
    with pytest.raises(ArgumentError, match="only ML Programs are compressed; got neuralNetwork"):
        compression._model_of(model, "int8", None)


# ---- Running ----


def test_models_run(tmp_path):
    write_package(small(), tmp_path / "m")
    model = rt.load_model(tmp_path / "m")
    weight, bias = (item.attributes["val"].numpy() for item in small().default_function.block.operations[:2])
    x = np.random.default_rng(0).standard_normal((2, 3), np.float32)
    for result in (model.predict({"x": x}), model.predict(x)):
        np.testing.assert_allclose(result["y"], x @ weight.T + bias, rtol=1e-5, atol=1e-6)
    assert isinstance(model.predict({"x": rt.from_numpy(x)})["y"], rt.Tensor)
    assert isinstance(model.predict(x)["y"], np.ndarray)


def test_models_run_beside_the_caller(tmp_path):
    write_package(small(), tmp_path / "m")
    model = rt.load_model(tmp_path / "m")
    x = np.ones((2, 3), np.float32)
    futures = [model.predict_async(i * x) for i in range(3)]
    for i, future in enumerate(futures):
        assert np.array_equal(future.result(30)["y"], model.predict(i * x)["y"])
    with pytest.raises(ArgumentError, match=r"input 'x' has shape \[2, 3\]; got \[3, 3\]"):
        model.predict_async(np.ones((3, 3), np.float32)).result(30)


def counting() -> mil.Model:
    """Adds x to what it keeps, and returns the sum."""
    vector = mil.TensorType(D.FLOAT16, (2,))
    x, total = mil.NamedType("x", vector), mil.NamedType("total", mil.StateType(vector))
    operations = [
        mil.Operation("read_state", {"input": ["total"]}, [mil.NamedType("before", vector)]),
        mil.Operation("add", {"x": ["before"], "y": ["x"]}, [mil.NamedType("y", vector)]),
        mil.Operation("write_state", {"input": ["total"], "data": ["y"]}),
    ]
    function = mil.Function([x, total], "CoreML8", {"CoreML8": mil.Block([], ["y"], operations)})
    state = mil.FeatureDescription("total", mil.StateFeatureType(mil.ArrayFeatureType(D.FLOAT16, (2,))))
    interface = mil.ModelDescription([array("x", (2,), D.FLOAT16)], [array("y", (2,), D.FLOAT16)], [state])
    return mil.Model(9, interface, mil.Program({"main": function}))


def test_models_with_a_state(tmp_path):
    write_package(counting(), tmp_path / "m")
    model = rt.load_model(tmp_path / "m")
    x = np.array([1, 2], np.float16)
    running, other = model.stateful(), model.stateful()
    assert [running.predict(x)["y"].tolist() for _ in range(3)] == [[1, 2], [2, 4], [3, 6]]
    assert other.predict(x)["y"].tolist() == [1, 2]
    running.reset()
    assert running.predict({"x": x})["y"].tolist() == [1, 2]
    state = model.make_state()
    model.predict(x, state=state)
    assert state["total"].tolist() == [1, 2]
    assert compression._errors(counting(), counting(), None) == {"y": 0.0}


# ---- Compiled models ----


def compiled(path: Path, **changes) -> Path:
    """A directory as Core ML's compiler makes it, as far as its files are text."""
    write_package(small(), path.parent / "source")
    source = path.parent / "source" / "Data" / "com.apple.CoreML"
    path.mkdir()
    (path / "weights").mkdir()
    (path / "weights" / "weight.bin").write_bytes((source / "weights" / "weight.bin").read_bytes())
    read = rt.coreml.read_package(path.parent / "source")
    text = program_text(read.program).replace("main<CoreML7>", "main<ios17>")
    # As compilers write it: a scalar may be a tensor without dimensions.
    text = text.replace('string("weight")', 'tensor<string, []>("weight")')
    (path / "model.mil").write_text(text)
    (path / "coremldata.bin").write_bytes(b"opaque")
    fields = {"dataType": "Float32", "type": "MultiArray", "isOptional": "0", "shortDescription": ""}
    metadata = {
        "specificationVersion": 8,
        "author": "who",
        "shortDescription": "what",
        "license": "free",
        "version": "1.2",
        "modelType": {"name": "MLModelType_mlProgram"},
        "inputSchema": [{"name": "x", "shape": "[2, 3]", **fields}],
        "outputSchema": [{"name": "y", "shape": "[2, 4]", **fields}],
        "userDefinedMetadata": {"key": "value"},
        **changes,
    }
    (path / "metadata.json").write_text(json.dumps([metadata]))
    return path


def test_compiled_models(tmp_path):
    loaded = rt.load_model(compiled(tmp_path / "m.mlmodelc"))
    assert loaded.model.program == small().program
    assert loaded.model.spec_version == 8
    assert loaded.description.inputs == [array("x", (2, 3))]
    found = loaded.metadata
    assert (found.format, found.author, found.user_defined) == ("mlmodelc", "who", {"key": "value"})


def test_compiled_models_without_text(tmp_path):
    path = compiled(tmp_path / "m.mlmodelc")
    (path / "model.mil").unlink()
    with pytest.raises(UnsupportedOperation, match=r"read from model\.mil alone; got .* try the package"):
        rt.coreml.read_package(path)
    loaded = rt.load_model(path)
    assert (loaded.model, loaded.spec, loaded.metadata.author) == (None, None, "who")
    assert loaded.metadata.shapes == {"x": (2, 3), "y": (2, 4)}
    with pytest.raises(
        UnsupportedOperation, match=r"predict: only ML Programs whose text .* try the package"
    ):
        loaded.predict(np.zeros((2, 3), np.float32))


def test_compiled_models_of_older_kinds(tmp_path):
    path = compiled(tmp_path / "m.mlmodelc", modelType={"name": "MLModelType_neuralNetwork"})
    (path / "model.mil").unlink()
    loaded = rt.load_model(path)
    assert (loaded.kind, loaded.metadata.inputs) == ("neuralNetwork", ["x"])
    with pytest.raises(UnsupportedOperation, match="got a model of kind neuralNetwork; try Core ML on a Mac"):
        loaded.predict(np.zeros((2, 3), np.float32))


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("Image", {"width": "4", "height": "3", "colorspace": "BGR"}, mil.ImageFeatureType(4, 3, "BGR")),
        ("Dictionary", {"keyType": "String"}, mil.DictionaryFeatureType("string")),
        ("Sequence", {"formattedType": "Sequence (Int64)"}, mil.SequenceFeatureType("int64")),
        ("Int64", {}, mil.Int64FeatureType()),
        ("Double", {}, mil.DoubleFeatureType()),
        ("String", {}, mil.StringFeatureType()),
        (
            "MultiArray",
            {"dataType": "Int32", "shape": "[1, 2]", "enumeratedShapes": "[[1, 2], [3, 4]]"},
            mil.ArrayFeatureType(D.INT32, (1, 2), ((1, 2), (3, 4))),
        ),
        (
            "State",
            {"dataType": "Float16", "shape": "[]"},
            mil.StateFeatureType(mil.ArrayFeatureType(D.FLOAT16, ())),
        ),
    ],
)
def test_features_of_compiled_models(tmp_path, kind, fields, expected):
    schema = [{"name": "x", "type": kind, **fields}]
    changes = {"stateSchema": schema, "inputSchema": []} if kind == "State" else {"inputSchema": schema}
    path = compiled(tmp_path / "m", **changes)
    from rustorch.coreml.reader import open_model

    description = open_model(path).description
    assert [item.type for item in description.inputs + description.states] == [expected]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"specificationVersion": "8"}, "the version of the specification is missing"),
        ({"inputSchema": 3}, "inputSchema is no list of features"),
        ({"inputSchema": [{"name": "x", "type": "Tensor"}]}, "of an unknown type; got 'Tensor'"),
        ({"inputSchema": [{"name": "", "type": "Int64"}]}, "of the same name, or of none"),
        ({"inputSchema": [{"name": "x", "type": "MultiArray", "dataType": "F"}]}, "an unknown data type"),
        ({"inputSchema": [{"name": "x", "type": "MultiArray", "shape": "[-1]"}]}, "is no list of sizes"),
        ({"inputSchema": [{"name": "x", "type": "MultiArray", "shape": "[[[["}]}, "is no list of sizes"),
        (
            {"inputSchema": [{"name": "x", "type": "MultiArray", "enumeratedShapes": "3"}]},
            "shapes are no list; got 3",
        ),
        ({"inputSchema": [{"name": "x", "type": "Image", "width": "a"}]}, "an image has no size"),
        ({"author": ["x"]}, "author is no text"),
        ({"userDefinedMetadata": {"x": 1}}, "does not map texts to texts"),
        ({"outputSchema": []}, "the outputs of function 'main' are not those that are described; got 'y'"),
    ],
)
def test_hostile_compiled_models_are_refused(tmp_path, changes, message):
    with pytest.raises(FormatError, match=message):
        rt.load_model(compiled(tmp_path / "m", **changes))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("metadata.json", b"[{}, {}]", "one model should be described; got 'list'"),
        ("metadata.json", b"[3]", "one model should be described; got 'int'"),
        ("model.mil", b"program(1.0) \xff", r"model\.mil is no text"),
    ],
)
def test_hostile_files_of_compiled_models_are_refused(tmp_path, name, data, message):
    path = compiled(tmp_path / "m")
    (path / name).write_bytes(data)
    with pytest.raises(FormatError, match=message):
        rt.load_model(path)


def test_the_only_function_of_a_compiled_model_may_have_any_name(tmp_path):
    path = compiled(tmp_path / "m")
    (path / "model.mil").write_text((path / "model.mil").read_text().replace("main<", "forward<"))
    model = rt.load_model(path)
    assert model.model.default_function_name == "forward"
    assert model.predict(np.ones((2, 3), np.float32))["y"].shape == (2, 4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("program(1.0)", "program(2.0)", "line 1: programs must be of version 1; got '2.0'"),
        ("program(1.0)", "", "a program should start here"),
        ("weights/weight.bin", "../../source/Data/com.apple.CoreML/weights/weight.bin", "leads out"),
        ("@model_path/weights", "/etc", "weights must lie below @model_path/"),
        ("uint64(64)", "uint64(128)", "no record can start there"),
        ("uint64(64)", "uint64(18446744073709551616)", "a uint64 should stand here"),
        ("uint64(64)", "fp32(64)", "an offset should stand before this"),
        ("[4, 3]", "[4, 3000000000000]", "takes 48000000000000 bytes; got 48 bytes"),
        ("[4, 3]", "[4, 99999999999999999999]", "a size should stand here"),
        ("weight = weight", "weight = gone", "uses a name that nothing before defines; got 'gone'"),
        ("-> (y)", "-> (z)", "a block has an output that nothing defines; got 'z'"),
        ("-> (y)", "", "'->' should stand here"),
        ("x = x", "x = x, x = x", "input 'x' is given twice"),
        ("linear(", "linear", "'\\(' should stand here"),
        ('("bias")', '("bias)', "this is no part of a program|should stand here"),
        ("tensor<fp32, [4]>(", "tensor<fp32, [5]>(", "has the sizes"),
        ("tensor<fp32, [4]>(", "tensor<fp32, [2, 2]>(", "'\\[' should stand here"),
        ("tensor<fp32, [4]>(", "tensor<bool, [4]>(", "a bool should stand here"),
        ("tensor<fp32, [4]>(", "tensor<int8, [4]>(", "a int8 should stand here"),
        ("tensor<fp32, [4]>(", "tensor<fp99, [4]>(", "a data type should stand here; got 'fp99'"),
        ("tensor<fp32, [4]>(", "state<tensor<fp32, [4]>>(", "a state has no value"),
    ],
)
def test_hostile_texts_are_refused(tmp_path, old, new, message):
    path = compiled(tmp_path / "m")
    text = (path / "model.mil").read_text()
    assert old in text
    (path / "model.mil").write_text(text.replace(old, new))
    with pytest.raises(FormatError, match=message):
        rt.load_model(path)


@pytest.mark.parametrize("opening", ["list<", "tuple<", "state<", "dict<"])
def test_types_nested_deeply_are_refused(opening):
    text = f"program(1.0) {{ func main<ios17>({opening * 100_000}"
    with pytest.raises(FormatError, match="nested too deeply"):
        parse_program(text)


def test_blocks_nested_deeply_are_refused():
    text = "program(1.0) { func main<ios17>() " + "{ a() () " * 100_000
    with pytest.raises(FormatError, match="nested too deeply"):
        parse_program(text)


def test_damaged_texts():
    text = program_text(small().program)
    rng = np.random.default_rng(0)
    tokens = re.findall(r'"[^"]*"|\w+|\W', text)
    outcomes: dict[str, int] = {}
    for _ in range(600):
        changed = list(tokens)
        for _ in range(rng.integers(1, 3)):
            at, other = rng.integers(0, len(tokens), 2)
            changed[at] = str(rng.choice([tokens[other], "", "(", "[", "?", "0x", "nan", "-"]))
        try:
            parse_program("".join(changed))
            outcome = "read"
        except RustorchError as error:
            outcome = str(error).partition(": ")[2].partition(": ")[2].partition(";")[0]
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert len(outcomes) > 10


# ---- What compression changes, apart from coremltools (tests/parity/test_coreml_compression.py) ----


def classifier() -> mil.Model:
    """The row of a table that an index names, as odds of three labels."""
    table = mil.immediate(np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float32))
    row, index = mil.TensorType(D.FLOAT32, (1, 3)), mil.TensorType(D.INT32, (1,))
    labels = mil.ListValue(mil.ListType(mil.TensorType(D.STRING), 3), tuple(map(mil.immediate, "abc")))
    text = mil.TensorType(D.STRING)
    operations = [
        mil.Operation("gather", {"x": [table], "indices": ["i"]}, [mil.NamedType("y", row)]),
        mil.Operation(
            "classify",
            {"probabilities": ["y"], "classes": [labels]},
            [
                mil.NamedType("label", text),
                mil.NamedType("odds", mil.DictionaryType(text, mil.TensorType(D.FLOAT64))),
            ],
        ),
    ]
    block = mil.Block([], ["y", "label", "odds"], operations)
    function = mil.Function([mil.NamedType("i", index)], "CoreML7", {"CoreML7": block})
    return mil.Model(8, mil.ModelDescription([array("i", (1,), D.INT32)]), mil.Program({"main": function}))


def test_errors_of_compressed_models():
    """Of the largest number of each array; indices are 0 where no inputs are given."""
    before, after = classifier(), classifier()
    table = after.functions["main"].block.operations[0].inputs["x"][0].data
    table[0, 0] = 0.75
    assert compression._errors(before, after, None) == {"y": 0.5}
    assert compression._errors(before, after, {"i": np.array([1], np.int32)}) == {"y": 0.0}


def test_inputs_that_cannot_be_made_up():
    picture = mil.FeatureDescription("x", mil.ImageFeatureType(4, 3, "RGB"))
    with pytest.raises(ArgumentError, match=r"input 'x' is no array; .* try inputs=\{\.\.\.\}"):
        compression._random(picture, np.random.default_rng(0))


def test_compression_without_coremltools(monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(UnsupportedOperation, match=r"coremltools, which cannot be imported.*try pip install"):
        compression._coremltools()
