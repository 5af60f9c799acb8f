"""Packages come back as they were written, the same model gives the same bytes, and appears whole."""

from __future__ import annotations

import copy
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from rustorch.coreml import bits, blob, protobuf, read_package, writer
from rustorch.coreml._exchange import exchanged
from rustorch.coreml.mil import program as mil
from rustorch.coreml.mil.parse import parse_program
from rustorch.coreml.mil.text import program_text
from rustorch.coreml.spec import MESSAGES
from rustorch.errors import ArgumentError, FormatError, UnsupportedOperation

from .samples import D, array, every_feature, every_value, small

SPEC = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


def tree(path: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()
    }


@pytest.mark.parametrize("version", [8, 9])
def test_every_type_value_and_feature_comes_back(tmp_path, version):
    model = mil.Model(version, every_feature(), every_value())
    writer.write_package(model, tmp_path / "m.mlpackage")
    back = read_package(tmp_path / "m.mlpackage")
    assert back == model
    assert back.default_function_name == "main"
    in_files = {
        operation.outputs[0].type.dtype
        for operation in back.functions["main"].block.operations
        if isinstance(operation.attributes.get("val"), mil.BlobFileValue)
    }
    assert in_files == (set(blob.NUMBERS) if version == 9 else {D.FLOAT16, D.FLOAT32, D.INT8, D.UINT8})


@pytest.mark.parametrize(
    "kind",
    [
        mil.DoubleFeatureType(),
        mil.StringFeatureType(),
        mil.DictionaryFeatureType("int64"),
        mil.SequenceFeatureType("string"),
        mil.ImageFeatureType(1, 2, "GRAYSCALE", (), mil.SizeRange(1, 4), mil.SizeRange(2, None)),
        mil.ArrayFeatureType(None, ()),
        mil.ArrayFeatureType(D.FLOAT64, (3,), default=0.1),
        mil.ArrayFeatureType(D.FLOAT32, (3,), default=0.5),
        mil.ArrayFeatureType(D.FLOAT16, (0,), default=0.0),
        mil.ArrayFeatureType(D.INT8, (3,), default=0),
    ],
)
def test_features_come_back(tmp_path, kind):
    model = small()
    model.description.inputs[0].type = kind
    writer.write_package(model, tmp_path / "m")
    assert read_package(tmp_path / "m").description == model.description


def test_texts_of_programs_are_read_back(tmp_path):
    program = every_value()
    assert parse_program(program_text(program)) == program
    writer.write_package(mil.Model(9, every_feature(), program), tmp_path / "m")
    read = read_package(tmp_path / "m").program
    assert "BLOBFILE" in program_text(read)
    loads = [
        value.load
        for operation in read.functions["main"].block.operations
        for value in operation.attributes.values()
        if isinstance(value, mil.BlobFileValue)
    ]
    assert parse_program(program_text(read), loads[0]) == program


def test_the_same_model_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        writer.write_package(mil.Model(9, every_feature(), every_value()), tmp_path / name)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    writer.write_package(read_package(tmp_path / "a"), tmp_path / "c")
    assert tree(tmp_path / "c") == tree(tmp_path / "a")


def test_the_layout_of_a_package(tmp_path):
    writer.write_package(small(), tmp_path / "m")
    files = tree(tmp_path / "m")
    assert set(files) == {"Manifest.json", SPEC, WEIGHTS}
    manifest = json.loads(files["Manifest.json"])
    entry = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
    assert (manifest["fileFormatVersion"], entry["path"]) == ("1.0.0", "com.apple.CoreML/model.mlmodel")
    # One record: the weight of 12 elements; the bias of 4 stands in the program.
    weights = files[WEIGHTS]
    assert struct.unpack_from("<II", weights) == (1, 2)
    assert struct.unpack_from("<IIQQQ", weights, 64) == (0xDEADBEEF, 2, 48, 128, 0)
    value = small().functions["main"].block.operations[0].attributes["val"]
    assert weights[128:] == value.numpy().tobytes()


def test_a_tensor_that_occurs_twice_is_written_once(tmp_path):
    model = small()
    operations = model.functions["main"].block.operations
    again = mil.Operation("const", outputs=[mil.NamedType("again", operations[0].outputs[0].type)])
    again.attributes["val"] = operations[0].attributes["val"]
    operations.insert(1, again)
    writer.write_package(model, tmp_path / "m")
    assert struct.unpack_from("<I", (tmp_path / "m" / WEIGHTS).read_bytes()) == (1,)
    assert read_package(tmp_path / "m") == model


def test_packages_are_replaced_whole(tmp_path):
    path = tmp_path / "m.mlpackage"
    writer.write_package(small(), path)
    (path / "old").write_text("of the old one")
    other = small(metadata=mil.Metadata(author="another"))
    writer.write_package(other, path)
    assert read_package(path) == other
    broken = small()
    broken.functions["main"].block.outputs = ["nothing"]
    with pytest.raises(FormatError, match="nothing defines"):
        writer.write_package(broken, path)
    assert read_package(path) == other
    assert os.listdir(tmp_path) == ["m.mlpackage"]
    assert not (path / "old").exists()


def test_packages_change_places_where_the_file_system_cannot_do_that_at_once(tmp_path, monkeypatch):
    """The old one moves aside, and back if the new one cannot come."""
    path, model = tmp_path / "m.mlpackage", small()
    monkeypatch.setattr(writer, "exchanged", lambda new, old: False)
    writer.write_package(model, path)
    other = copy.deepcopy(model)
    other.metadata.author = "somebody"
    writer.write_package(other, path)
    assert read_package(path) == other and os.listdir(tmp_path) == [path.name]

    rename, calls = os.rename, []

    def fail_third(source, target):
        calls.append(source)
        if len(calls) == 3:
            raise OSError("the disk is full")
        rename(source, target)

    monkeypatch.setattr(os, "rename", fail_third)
    with pytest.raises(OSError, match="full"):
        writer.write_package(model, path)
    assert read_package(path) == other and os.listdir(tmp_path) == [path.name]


def test_directories_change_places_or_are_what_they_were(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / f"of {name}").touch()
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    done = exchanged(a, b)
    assert (os.listdir(a), os.listdir(b)) == ((["of b"], ["of a"]) if done else (["of a"], ["of b"]))
    if done:
        with pytest.raises(FileNotFoundError, match="absent"):
            exchanged(a, str(tmp_path / "absent"))


def test_nothing_but_packages_is_replaced(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("file", "full", "link"):
        with pytest.raises(ArgumentError, match=r"write_package: .* try another path"):
            writer.write_package(small(), tmp_path / name)
    writer.write_package(small(), tmp_path / "empty")
    assert read_package(tmp_path / "empty") == small()
    assert (tmp_path / "full" / "file").read_text() == "mine"


def test_reading_writes_nothing(tmp_path):
    writer.write_package(small(), tmp_path / "m")
    before = tree(tmp_path)
    for directory, _, names in os.walk(tmp_path):
        for name in names:
            os.chmod(os.path.join(directory, name), 0o444)
        os.chmod(directory, 0o555)
    model = read_package(tmp_path / "m")
    assert model.functions["main"].block.operations[0].attributes["val"].numpy().shape == (4, 3)
    for directory, _, _ in os.walk(tmp_path):
        os.chmod(directory, 0o755)
    assert tree(tmp_path) == before


def test_weights_stay_readable_when_the_package_is_gone(tmp_path):
    writer.write_package(small(), tmp_path / "m")
    model = read_package(tmp_path / "m")
    (tmp_path / "m" / WEIGHTS).unlink()
    assert model == small()


def test_weights_that_are_cut_short_later_are_an_error_and_no_crash(tmp_path):
    writer.write_package(small(), tmp_path / "m")
    value = read_package(tmp_path / "m").functions["main"].block.operations[0].attributes["val"]
    os.truncate(tmp_path / "m" / WEIGHTS, 100)
    with pytest.raises(FormatError, match="the file was cut short while it was read"):
        value.numpy()


def test_models_can_be_copied_and_changed(tmp_path):
    writer.write_package(small(), tmp_path / "m")
    model = read_package(tmp_path / "m")
    other = copy.deepcopy(model)
    assert other == model
    other.functions["main"].block.operations[0].attributes["val"] = mil.immediate(
        np.zeros((4, 3), np.float32)
    )
    assert other != model
    assert model == small()


def test_a_package_behind_a_link_can_be_read(tmp_path):
    writer.write_package(small(), tmp_path / "m")
    (tmp_path / "link").symlink_to(tmp_path / "m")
    assert read_package(tmp_path / "link") == small()


def test_single_files(tmp_path):
    path = tmp_path / "m.mlmodel"
    path.write_bytes(writer.spec_bytes(small()))
    assert read_package(path) == small()
    neural = protobuf.encode(MESSAGES["Model"], {"specificationVersion": 4, "neuralNetwork": b""})
    path.write_bytes(neural)
    with pytest.raises(UnsupportedOperation, match="got a model of kind neuralNetwork; try coremltools"):
        read_package(path)


def test_a_missing_package_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_package(tmp_path / "none")


@pytest.mark.parametrize("dtype", [dtype for dtype in D if dtype.is_sub_byte])
def test_narrow_integers_are_packed_from_the_low_bit_on(dtype):
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    for count in (0, 1, 7, 8, 9, 50):
        values = np.random.default_rng(count).integers(low, low + (1 << dtype.bits), count)
        packed = bits.to_bytes(values.astype(dtype.numpy_dtype), dtype)
        stream = "".join(f"{byte:08b}"[::-1] for byte in packed)
        digits = [stream[i * dtype.bits : (i + 1) * dtype.bits][::-1] for i in range(count)]
        assert [int(text, 2) for text in digits] == [value % (1 << dtype.bits) for value in values.tolist()]
        assert packed.size == bits.packed_size(count, dtype)
        assert bits.from_bytes(packed, dtype, count).tolist() == values.tolist()


def test_numbers_beyond_their_type_are_not_written(tmp_path):
    model = small()
    bad = mil.TensorValue(mil.TensorType(D.UINT3, (12,)), np.full(12, 8, np.uint8))
    model.functions["main"].block.operations.insert(
        0, mil.Operation("const", outputs=[mil.NamedType("bad", bad.type)], attributes={"val": bad})
    )
    with pytest.raises(ArgumentError, match="uint3 holds 0 to 7; got 8 to 8"):
        writer.write_package(model, tmp_path / "m")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("message", "fields", "error"),
    [
        ("Metadata", {"author": "\udcff"}, "author is no text"),
        ("ArrayFeatureType", {"intDefaultValue": 1 << 31}, "intDefaultValue has more than 32 bits"),
    ],
)
def test_what_messages_cannot_hold_is_refused(message, fields, error):
    with pytest.raises(FormatError, match=error):
        protobuf.encode(MESSAGES[message], fields)


def test_varints_against_their_definition():
    def varint(value: int) -> bytes:
        value %= 1 << 64
        parts = []
        while True:
            value, digit = value >> 7, value & 127
            parts.append(digit | (128 if value else 0))
            if not value:
                return bytes(parts)

    rng = np.random.default_rng(0)
    for count in (1, 63, 64, 1000):
        values = rng.integers(-(1 << 63), (1 << 63) - 1, count, endpoint=True) >> rng.integers(0, 64, count)
        payload = b"".join(varint(int(value)) for value in values)
        encoded = b"\x0a" + varint(len(payload)) + payload
        assert protobuf.encode(MESSAGES["LongInts"], {"values": values}) == encoded
        assert protobuf.decode(MESSAGES["LongInts"], encoded)["values"].tolist() == values.tolist()
        unpacked = b"".join(b"\x08" + varint(int(value)) for value in values)
        assert protobuf.decode(MESSAGES["LongInts"], unpacked)["values"].tolist() == values.tolist()


@pytest.mark.parametrize(
    ("message", "data", "error"),
    [
        ("LongInts", b"\x0a\x0b" + b"\xff" * 10 + b"\x01", "values has a number of more than ten bytes"),
        ("LongInts", b"\x0a\x0a" + b"\xff" * 9 + b"\x7f", "values has a number of more than 64 bits"),
        ("LongInts", b"\x0a\x01\xff", "values is cut short within a number"),
        ("Ints", b"\x0a\x06" + b"\x80" * 5 + b"\x01", "values has a number of more than 32 bits"),
        ("Ints", b"\x0a\x05" + b"\xff" * 4 + b"\x0f", "values has a number of more than 32 bits"),
        ("Doubles", b"\x0a\x07" + bytes(7), "values is no whole number of elements; got 7 bytes of 8"),
        ("Doubles", b"\x09" + bytes(7), "values is cut short; got 7 bytes of 8"),
        ("ArrayFeatureType", b"\x9d\x03\x00", "floatDefaultValue is cut short; got 1 bytes of 4"),
    ],
)
def test_numbers_that_are_none(message, data, error):
    with pytest.raises(FormatError, match=error):
        protobuf.decode(MESSAGES[message], data)


def test_numbers_below_zero_have_ten_bytes():
    data = b"\x0a\x0b" + b"\xff" * 9 + b"\x01\x05"
    assert protobuf.decode(MESSAGES["Ints"], data)["values"].tolist() == [-1, 5]


def test_fields_are_counted(monkeypatch):
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 3)
    assert protobuf.decode(MESSAGES["SizeRange"], b"\x08\x01\xf8\x07\x01\xf8\x07\x01") == {"lowerBound": 1}
    with pytest.raises(FormatError, match="there are too many fields; got more than 3"):
        protobuf.decode(MESSAGES["SizeRange"], b"\x08\x01" + b"\xf8\x07\x01" * 3)


def test_long_files_are_read_in_parts(tmp_path, monkeypatch):
    """As where one call gives less than it was asked for."""
    original = os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: original(file, min(size, 7), at))
    writer.write_package(small(), tmp_path / "m")
    assert read_package(tmp_path / "m") == small()


def test_what_a_file_of_weights_cannot_hold(tmp_path):
    with (tmp_path / "weights").open("wb") as file:
        made = blob.BlobWriter(file)
        assert made.add(np.zeros((0, 3), np.float32), D.FLOAT32) == 64
        with pytest.raises(RuntimeError, match="a file of weights cannot hold string"):
            made.add(np.array(["a"], dtype=object), D.STRING)
        made.finish()


def test_numbers_of_32_bits_are_no_bfloat16():
    with pytest.raises(ArgumentError, match="these numbers are no bfloat16; try to round them first"):
        bits.to_bytes(np.array([1.0, 1.1], np.float32), D.BFLOAT16)


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda m: setattr(m.functions["main"].block.operations[2], "type", ""), "an operation has no type"),
        (
            lambda m: setattr(m.description.inputs[0], "type", mil.ArrayFeatureType(D.BOOL, (2, 3))),
            "features are of .*; got bool",
        ),
        (
            lambda m: m.description.functions.extend([mil.FunctionDescription("main")] * 2),
            "a function is described twice; got main, main",
        ),
    ],
)
def test_models_that_cannot_be_written(tmp_path, break_it, error):
    model = small()
    break_it(model)
    with pytest.raises(FormatError, match=error):
        writer.write_package(model, tmp_path / "m")
    assert os.listdir(tmp_path) == []


def test_unknown_fields_are_passed_over():
    data = protobuf.encode(MESSAGES["SizeRange"], {"lowerBound": 3})
    extra = b"\xf8\x07\x01" + b"\xfa\x07\x02hi" + b"\xfd\x07abcd" + b"\xf9\x07abcdefgh"
    assert protobuf.decode(MESSAGES["SizeRange"], extra + data) == {"lowerBound": 3}


def test_flexible_shapes_are_kept(tmp_path):
    model = small()
    ranges = (mil.SizeRange(1, 8), mil.SizeRange(3, 3))
    model.description.inputs = [array("x", (2, 3), shape_range=ranges)]
    model.functions["main"].inputs = [mil.NamedType("x", mil.TensorType(D.FLOAT32, (None, 3)))]
    writer.write_package(model, tmp_path / "m")
    assert read_package(tmp_path / "m") == model
