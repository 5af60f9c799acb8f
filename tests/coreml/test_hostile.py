"""Packages made to do harm: each is refused with an error that says why, and opens nothing outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rustorch as rt
from rustorch.coreml import protobuf, read_package, write_package
from rustorch.coreml.spec import MESSAGES
from rustorch.errors import FormatError

from .samples import small

DATA = "Data/com.apple.CoreML"
SPEC = f"{DATA}/model.mlmodel"
WEIGHTS = f"{DATA}/weights/weight.bin"
MODEL = MESSAGES["Model"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A good package, with a copy of it outside for whatever leads out to find."""
    write_package(small(), tmp_path / "m.mlpackage", sync=False)
    shutil.copytree(tmp_path / "m.mlpackage", tmp_path / "outside")
    return tmp_path / "m.mlpackage"


# ---- Ways to break a package ----

Change = Callable[[Path], None]


def manifest(change: Callable[[dict[str, Any]], None]) -> Change:
    def apply(package: Path) -> None:
        found = json.loads((package / "Manifest.json").read_text())
        change(found)
        (package / "Manifest.json").write_text(json.dumps(found))

    return apply


def root_path(path: str) -> Change:
    return manifest(lambda found: found["itemInfoEntries"][found["rootModelIdentifier"]].update(path=path))


def content(name: str, data: bytes) -> Change:
    return lambda package: (package / name).write_bytes(data) and None


def remove(name: str) -> Change:
    return lambda package: (package / name).unlink()


def link(name: str, outside: bool = True) -> Change:
    """A link in the place of a file or directory, to its copy outside or to itself under another name."""

    def apply(package: Path) -> None:
        target = package.parent / "outside" / name
        if not outside:
            target = package / "moved"
        if outside and (package / name).is_dir():
            shutil.rmtree(package / name)
        elif outside:
            (package / name).unlink()
        else:
            (package / name).rename(target)
        (package / name).symlink_to(target)

    return apply


def replace(name: str, make: Callable[[Path], Any]) -> Change:
    def apply(package: Path) -> None:
        (package / name).unlink()
        make(package / name)

    return apply


def weights(at: int, layout: str, *values: int) -> Change:
    def apply(package: Path) -> None:
        data = bytearray((package / WEIGHTS).read_bytes())
        struct.pack_into(layout, data, at, *values)
        (package / WEIGHTS).write_bytes(data)

    return apply


def spec(change: Callable[[dict[str, Any]], Any]) -> Change:
    def apply(package: Path) -> None:
        fields = protobuf.decode(MODEL, (package / SPEC).read_bytes())
        change(fields)
        (package / SPEC).write_bytes(protobuf.encode(MODEL, fields))

    return apply


def main(change: Callable[[dict[str, Any]], Any]) -> Change:
    return spec(lambda fields: change(fields["mlProgram"]["functions"]["main"]))


def block(change: Callable[[dict[str, Any]], Any]) -> Change:
    return main(lambda function: change(function["block_specializations"]["CoreML7"]))


def operation(index: int, change: Callable[[dict[str, Any]], Any]) -> Change:
    return block(lambda fields: change(fields["operations"][index]))


def value(index: int, change: Callable[[dict[str, Any]], Any]) -> Change:
    """The weight in the file is 0, the bias in the program 1."""
    return operation(index, lambda fields: change(fields["attributes"]["val"]))


def blob(**fields: Any) -> Change:
    return value(0, lambda found: found["blobFileValue"].update(fields))


def feature(change: Callable[[dict[str, Any]], Any]) -> Change:
    return spec(lambda fields: change(fields["description"]["input"][0]))


def array(**fields: Any) -> Change:
    return feature(lambda found: found["type"]["multiArrayType"].update(fields))


def image(**fields: Any) -> Change:
    return feature(lambda found: found.update(type={"imageType": fields}))


def raw(*parts: bytes) -> Change:
    """Bytes in front of a good specification."""
    return lambda package: (
        (package / SPEC).write_bytes(b"".join(parts) + (package / SPEC).read_bytes()) and None
    )


def typed(data_type: int, *sizes: int | None, rank: int | None = None) -> bytes:
    dimensions = [{"unknown": {}} if size is None else {"constant": {"size": size}} for size in sizes]
    tensor = {"dataType": data_type, "rank": len(sizes) if rank is None else rank, "dimensions": dimensions}
    return protobuf.encode(MESSAGES["ValueType"], {"tensorType": tensor})


def list_type(length: int) -> bytes:
    inner = {"tensorType": {"dataType": 23}}
    fields = {"listType": {"type": inner, "length": {"constant": {"size": length}}}}
    return protobuf.encode(MESSAGES["ValueType"], fields)


INTEGER = {"tensorType": {"dataType": 23}}


def number(data_type: int) -> dict[str, Any]:
    """A value of one number, 0."""
    kind = "floats" if data_type == 11 else "ints"
    return {"type": typed(data_type), "immediateValue": {"tensor": {kind: {"values": [0]}}}}


def nested(levels: int) -> bytes:
    data = b""
    for _ in range(levels):
        # A Block that holds an Operation that holds a Block, and so on.
        for number in (4, 3):
            data = bytes([number << 3 | 2]) + _varint(len(data)) + data
    return data


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def nested_program(package: Path) -> None:
    data = nested(3000)
    # It is the value of an entry of a function's blocks, and that one of the program's functions.
    for number in (3, 2):
        data = b"\x12" + _varint(len(data)) + data
        data = bytes([number << 3 | 2]) + _varint(len(data)) + data
    (package / SPEC).write_bytes(b"\x08\x08\xb2\x1f" + _varint(len(data)) + data)


def many_files(package: Path) -> None:
    files = package / DATA / "weights"
    for i in range(70):
        shutil.copy(package / WEIGHTS, files / f"{i}.bin")

    def change(fields: dict[str, Any]) -> None:
        first = fields["operations"][0]
        copies = []
        for i in range(70):
            data = protobuf.encode(MESSAGES["Operation"], first)
            copy = protobuf.decode(MESSAGES["Operation"], data)
            copy["outputs"][0]["name"] = f"copy_{i}"
            copy["attributes"]["val"]["blobFileValue"]["fileName"] = f"@model_path/weights/{i}.bin"
            copies.append(copy)
        fields["operations"] = copies + fields["operations"]

    block(change)(package)


def offset_into_data(package: Path) -> None:
    with open(package / WEIGHTS, "ab") as file:
        file.write(bytes(64))
    blob(offset=128)(package)


def copy_first(fields: dict[str, Any]) -> None:
    fields["operations"].append(fields["operations"][0])


CASES: dict[str, tuple[Change, str]] = {
    # The manifest.
    "no manifest": (remove("Manifest.json"), "has no file 'Manifest.json'"),
    "manifest is no JSON": (content("Manifest.json", b"{"), "Manifest.json is no valid JSON"),
    "manifest is no text": (content("Manifest.json", b"\xff\xfe{}"), "Manifest.json is no valid JSON"),
    "manifest nested deeply": (content("Manifest.json", b"[" * 200000), "Manifest.json is no valid JSON"),
    "manifest with a huge number": (content("Manifest.json", b"1" * 10000), "Manifest.json is no valid JSON"),
    "manifest with a key twice": (content("Manifest.json", b'{"a": 1, "a": 2}'), "a key occurs twice"),
    "manifest is a list": (content("Manifest.json", b"[]"), "Manifest.json is no JSON object"),
    "manifest is too large": (
        content("Manifest.json", b" " * (17 << 20)),
        "larger than any such file has a reason to be",
    ),
    "manifest of version 2": (manifest(lambda m: m.update(fileFormatVersion="2.0.0")), "of version 1"),
    "manifest of no version": (manifest(lambda m: m.update(fileFormatVersion=1)), "must be of version 1"),
    "manifest without entries": (manifest(lambda m: m.update(itemInfoEntries=[])), "must have item"),
    "manifest without a root": (manifest(lambda m: m.pop("rootModelIdentifier")), "rootModelIdentifier"),
    "manifest with an unknown root": (
        manifest(lambda m: m.update(rootModelIdentifier="x")),
        "has no path for the root model",
    ),
    "manifest with a path that is a number": (
        manifest(lambda m: m["itemInfoEntries"][m["rootModelIdentifier"]].update(path=3)),
        "has no path for the root model",
    ),
    # Paths that lead out.
    "absolute path": (root_path("/etc/passwd"), "leads out of the package, or nowhere"),
    "path through ..": (
        root_path("../../outside/Data/com.apple.CoreML/model.mlmodel"),
        "leads out of the package, or nowhere",
    ),
    "path through .. inside": (root_path("com.apple.CoreML/../com.apple.CoreML/model.mlmodel"), "leads out"),
    "path with a zero": (root_path("a\0b"), "leads out of the package, or nowhere"),
    "path with a backslash": (root_path("..\\..\\outside"), "leads out of the package, or nowhere"),
    "path with half a character": (root_path("\udcff"), "has no file|leads nowhere"),
    "empty path": (root_path(""), "leads out of the package, or nowhere"),
    "path to a directory": (root_path("com.apple.CoreML"), "is no regular file"),
    "path through a file": (root_path("com.apple.CoreML/model.mlmodel/x"), "has no file"),
    "path of great length": (root_path("a" * 5000), "has no file"),
    "manifest is a link": (link("Manifest.json"), "goes through a symbolic link"),
    "model is a link": (link(SPEC), "goes through a symbolic link"),
    "model is a link within": (link(SPEC, outside=False), "goes through a symbolic link"),
    "directory is a link": (link(DATA), "goes through a symbolic link"),
    "data folder is a link": (link("Data"), "goes through a symbolic link"),
    "weights are a link": (link(WEIGHTS), "goes through a symbolic link"),
    "weights are a link to nothing": (
        replace(WEIGHTS, lambda path: path.symlink_to("nothing")),
        "goes through a symbolic link",
    ),
    "weights' directory is a link": (link(f"{DATA}/weights"), "goes through a symbolic link"),
    "weights outside by ..": (
        blob(fileName="@model_path/../../../outside/" + WEIGHTS),
        "leads out of the package, or nowhere",
    ),
    "weights at an absolute path": (blob(fileName="/etc/passwd"), "weights must lie below @model_path/"),
    "weights at a hidden absolute path": (blob(fileName="@model_path//etc/passwd"), "leads out of"),
    "weights without a name": (blob(fileName=""), "weights must lie below @model_path/"),
    "weights elsewhere": (blob(fileName="@model_path/weights/other.bin"), "has no file"),
    "too many files of weights": (many_files, "there are too many files of weights; got more than 64"),
    # Things that are no files.
    "model is a pipe": (replace(SPEC, os.mkfifo), "is no regular file"),
    "model is a directory": (replace(SPEC, os.mkdir), "is no regular file"),
    "model is missing": (remove(SPEC), "has no file"),
    "weights are a pipe": (replace(WEIGHTS, os.mkfifo), "is no regular file"),
    "weights are missing": (remove(WEIGHTS), "has no file"),
    # The file of weights.
    "weights are empty": (content(WEIGHTS, b""), "shorter than its header"),
    "weights are cut short": (
        lambda package: os.truncate(package / WEIGHTS, 150),
        "data lies outside of the file; got 48 bytes at 128 of 150",
    ),
    "weights of version 1": (weights(4, "<I", 1), "must be of version 2; got version 1"),
    "offset beyond the file": (blob(offset=1 << 62), "no record can start there"),
    "offset beyond 64 bits": (blob(offset=(1 << 64) - 64), "no record can start there"),
    "offset in the header": (blob(offset=0), "no record can start there"),
    "offset between records": (blob(offset=65), "no record can start there"),
    "offset of no record": (offset_into_data, "no record starts there; got offset 128"),
    "record of another type": (weights(68, "<I", 1), "the record should hold fp32; got fp16"),
    "record of an unknown type": (weights(68, "<I", 99), "got unknown type 99"),
    "record of 2^63 bytes": (weights(72, "<Q", 1 << 63), "data lies outside of the file"),
    "record of too few bytes": (weights(72, "<Q", 44), "takes 48 bytes; got 44 bytes"),
    "record with data far away": (weights(80, "<Q", 1 << 40), "data lies outside of the file"),
    "record with data that wraps": (weights(80, "<Q", (1 << 64) - 64), "data lies outside of the file"),
    "record with unaligned data": (weights(80, "<Q", 129), "data lies outside of the file"),
    "record with unused bits": (weights(88, "<Q", 3), "wrong number of unused bits"),
    # The wire format.
    "empty specification": (content(SPEC, b""), "there is no model of a known kind"),
    "noise": (content(SPEC, bytes(range(1, 256))), "protobuf: "),
    "number that never ends": (raw(b"\x08" + b"\xff" * 20), "a number has more than ten bytes"),
    "number of 70 bits": (raw(b"\x08" + b"\xff" * 9 + b"\x7f"), "a number has more than 64 bits"),
    "number cut short": (content(SPEC, b"\x08\xff"), "a number is cut short"),
    "message longer than the file": (content(SPEC, b"\x12\xff\xff\xff\xff\x7f"), "ends beyond what holds it"),
    "unknown field longer than the file": (content(SPEC, b"\xfa\x07\x7f"), "ends beyond what holds it"),
    "field number 0": (raw(b"\x00\x00"), "a field of an impossible number"),
    "group": (raw(b"\xfb\x07"), "a field of an unknown wire type"),
    "wrong wire type": (raw(b"\x0a\x00"), "with the wrong wire type"),
    "version twice": (raw(b"\x08\x08"), "specificationVersion is given twice"),
    "version of 40 bits": (content(SPEC, b"\x08\xff\xff\xff\xff\xff\x01"), "has more than 32 bits"),
    "text that is none": (feature(lambda f: f.update(name="\udcff")), "can't encode"),
    "blocks nested 3000 deep": (nested_program, "messages are nested too deeply; got more than 100 levels"),
    "two kinds of models": (spec(lambda f: f.update(pipeline=b"")), "fields that exclude each other"),
    # The interface.
    "input without a name": (feature(lambda f: f.pop("name")), "a feature has no name"),
    "input without a type": (feature(lambda f: f.pop("type")), "has no type"),
    "input twice": (
        spec(lambda f: f["description"]["input"].append(f["description"]["input"][0])),
        "two input features have the same name",
    ),
    "input of a negative size": (array(shape=[-1]), "has an impossible shape"),
    "input of 2^60 elements": (array(shape=[1 << 60]), "has an impossible shape"),
    "input of 100 dimensions": (array(shape=[1] * 100), "has too many dimensions"),
    "input of an unknown type": (array(dataType=7), "has an unknown data type; got 7"),
    "input with a range upside down": (
        array(shapeRange={"sizeRanges": [{"lowerBound": 5, "upperBound": 2}]}),
        "has an impossible range of sizes; got 5 to 2",
    ),
    "input with two forms of freedom": (
        array(shapeRange={}, enumeratedShapes={}),
        "fields that exclude each other are given",
    ),
    "image of an unknown color": (image(width=1, height=1, colorSpace=3), "has an unknown color space"),
    "image of a negative size": (image(width=-1, height=1, colorSpace=10), "has an impossible shape"),
    "input that the program lacks": (
        feature(lambda f: f.update(name="z")),
        "the inputs of function 'main' are not those that are described; got 'x', 'z'",
    ),
    "description of a missing function": (
        spec(lambda f: f["description"].update(functions=[{"name": "main"}, {"name": "gone"}])),
        "are not those that are described",
    ),
    "default function that is not there": (
        spec(lambda f: f["description"].update(functions=[{"name": "gone"}], defaultFunctionName="other")),
        "the default function is not described; got 'other'",
    ),
    "no version": (spec(lambda f: f.pop("specificationVersion")), "version of the specification is missing"),
    # The program.
    "program of version 2": (spec(lambda f: f["mlProgram"].update(version=2)), "must be of version 1; got 2"),
    "no block for the opset": (main(lambda f: f.update(opset="x")), "has no block for its opset; got 'x'"),
    "undefined name": (
        operation(2, lambda f: f["inputs"]["x"]["arguments"][0].update(name="nope")),
        "linear uses a name that nothing before defines; got 'nope'",
    ),
    "name used before its definition": (
        block(lambda f: f["operations"].reverse()),
        "linear uses a name that nothing before defines",
    ),
    "name of its own result": (
        operation(2, lambda f: f["inputs"]["x"]["arguments"][0].update(name="y")),
        "linear uses a name that nothing before defines; got 'y'",
    ),
    "name defined twice": (block(copy_first), "a name is defined twice; got 'weight'"),
    "result without a name": (operation(0, lambda f: f["outputs"][0].pop("name")), "a value has no name"),
    "result without a type": (operation(0, lambda f: f["outputs"][0].pop("type")), "a value has no type"),
    "operation without a type": (operation(2, lambda f: f.pop("type")), "an operation has no type"),
    "input bound to nothing": (
        operation(2, lambda f: f["inputs"].update(x={"arguments": [{}]})),
        "an input is bound to nothing",
    ),
    "output that nothing defines": (
        block(lambda f: f.update(outputs=["gone"])),
        "a block has an output that nothing defines; got 'gone'",
    ),
    # Types and values.
    "value of a huge dimension": (value(0, lambda f: f.update(type=typed(11, 1 << 60))), "larger than any"),
    "value of a huge product": (
        value(0, lambda f: f.update(type=typed(11, 1 << 40, 1 << 40))),
        "a value is larger than any memory",
    ),
    "empty value of a huge product": (
        value(1, lambda f: f.update(type=typed(11, 0, 1 << 40, 1 << 40))),
        "a value is larger than any memory",
    ),
    "value of too many elements": (
        value(1, lambda f: f.update(type=typed(11, 1 << 36))),
        "has 68719476736 elements; got 4 values",
    ),
    "weight of another shape": (
        value(0, lambda f: f.update(type=typed(11, 5, 3))),
        "takes 60 bytes; got 48 bytes",
    ),
    "value of an unknown size": (value(1, lambda f: f.update(type=typed(11, None))), "whose sizes are known"),
    "value of an unknown type": (value(1, lambda f: f.update(type=typed(99, 4))), "has an unknown data type"),
    "value of an empty type": (value(1, lambda f: f.update(type=b"")), "a type is empty"),
    "value of a lying rank": (
        value(1, lambda f: f.update(type=typed(11, 4, rank=2))),
        "the rank of a tensor is not the number of its sizes; got rank 2, 1 sizes",
    ),
    "value of 17 dimensions": (
        value(1, lambda f: f.update(type=typed(11, *[1] * 17))),
        "the rank of a tensor is not the number of its sizes",
    ),
    "value without data": (value(1, lambda f: f.pop("immediateValue")), "as something else; got nothing"),
    "value with data twice": (
        value(1, lambda f: f.update(blobFileValue={})),
        "fields that exclude each other are given",
    ),
    "floats as integers": (value(1, lambda f: f.update(type=typed(23, 4))), "cannot be given as floats"),
    "integers out of range": (
        value(
            1,
            lambda f: f.update(
                type=typed(25, 1), immediateValue={"tensor": {"ints": {"values": [8]}}}
            ),
        ),
        "int4 holds -8 to 7; got 8 to 8",
    ),
    "bytes of the wrong number": (
        value(
            1,
            lambda f: f.update(
                type=typed(10, 2), immediateValue={"tensor": {"bytes": {"values": b"abc"}}}
            ),
        ),
        "takes 4 bytes; got 3 bytes",
    ),
    "list of a lying length": (
        value(1, lambda f: f.update(type=list_type(1 << 40), immediateValue={"list": {}})),
        "has another length; got 0",
    ),
    "numbers as text": (
        value(1, lambda f: f.update(immediateValue={"tensor": {"strings": {"values": ["a"] * 4}}})),
        "cannot be given as strings",
    ),
    "text as bytes": (
        value(
            1,
            lambda f: f.update(
                type=typed(2, 4), immediateValue={"tensor": {"bytes": {"values": b"abcd"}}}
            ),
        ),
        "cannot be given as bytes",
    ),
    "numbers of 32 bits as bfloat16": (
        value(1, lambda f: f.update(type=typed(13, 4))),
        "has numbers that are no bfloat16",
    ),
    "list of other items": (
        value(1, lambda f: f.update(type=list_type(1), immediateValue={"list": {"values": [number(11)]}})),
        "the items of a value are not of the types that it states; got 1",
    ),
    "dictionary of other entries": (
        value(
            1,
            lambda f: f.update(
                type=protobuf.encode(
                    MESSAGES["ValueType"],
                    {"dictionaryType": {"keyType": INTEGER, "valueType": INTEGER}},
                ),
                immediateValue={"dictionary": {"values": [{"key": number(23), "value": number(11)}]}},
            ),
        ),
        "has entries of other types",
    ),
    "state without a type": (
        feature(lambda f: f.update(type={"stateType": {}})),
        "state 'x' has no type",
    ),
    "range of 100 dimensions": (
        array(shapeRange={"sizeRanges": [{"lowerBound": 1, "upperBound": 2}] * 100}),
        "feature 'x' has too many dimensions; got 100",
    ),
    "function that is described twice": (
        spec(
            lambda f: f["description"].update(
                functions=[{"name": "main"}, {"name": "main"}], defaultFunctionName="main"
            )
        ),
        "a function is described twice; got main, main",
    ),
    "list in a file": (
        value(0, lambda f: f.update(type=list_type(12))),
        "only tensors can lie in a file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_hostile_packages_are_refused(package, name, monkeypatch):
    change, message = CASES[name]
    if name == "text that is none":
        # The encoder itself refuses such a text, so that the bytes are patched.
        data = (package / SPEC).read_bytes()
        (package / SPEC).write_bytes(data.replace(b"\x0a\x01x\x1a", b"\x0a\x01\xff\x1a", 1))
        message = "FeatureDescription.name is no text"
    else:
        change(package)
    opened = _spy(monkeypatch)
    with pytest.raises(FormatError, match=message):
        rt.load_model(package)
    _check_opened(opened, package)


def _spy(monkeypatch) -> list[tuple[str, int | None]]:
    opened: list[tuple[str, int | None]] = []
    original = os.open

    def spied(path, flags, mode=0o777, *, dir_fd=None):
        opened.append((os.fspath(path), dir_fd))
        descriptor = original(path, flags, mode, dir_fd=dir_fd)
        if dir_fd is not None:
            assert flags & os.O_NOFOLLOW
            assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        return descriptor

    monkeypatch.setattr(os, "open", spied)
    # `supports_dir_fd` is asked for this function.
    monkeypatch.setattr(os, "supports_dir_fd", os.supports_dir_fd | {spied})
    return opened


def _check_opened(opened: list[tuple[str, int | None]], package: Path) -> None:
    """The package's own directory was opened by its name, and all else one step down from a directory."""
    assert opened[0] == (str(package), None)
    for path, directory in opened[1:]:
        assert directory is not None
        assert path not in ("", ".", "..")
        assert not re.search(r"[/\0]", path)


def test_the_good_package_is_read(package, monkeypatch):
    opened = _spy(monkeypatch)
    model = read_package(package)
    monkeypatch.undo()
    assert model == small()
    _check_opened(opened, package)
    assert {path for path, _ in opened[1:]} == {
        "Manifest.json", "Data", "com.apple.CoreML", "model.mlmodel", "weights", "weight.bin",
    }  # fmt: skip


def test_descriptors_are_closed(package):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("the system does not list descriptors")
    (package / WEIGHTS).unlink()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with pytest.raises(FormatError):
            read_package(package)
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_directory_that_is_swapped_for_a_link_is_not_followed(package):
    """The directory is opened once; what takes its place afterwards is not looked at."""
    value = read_package(package).functions["main"].block.operations[0].attributes["val"]
    shutil.move(package / "Data", package.parent / "old")
    (package / "Data").symlink_to("/etc")
    assert value.numpy().shape == (4, 3)


def test_memory_is_bounded_by_the_file(package):
    import tracemalloc

    data = b"\x0a\x00" * 200_000
    block_data = b"\x1a" + _varint(len(data)) + data
    (package / SPEC).write_bytes(b"\x08\x08\xb2\x1f" + _varint(len(block_data)) + block_data)
    tracemalloc.start()
    with pytest.raises(FormatError):
        read_package(package)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200 * len(data)
