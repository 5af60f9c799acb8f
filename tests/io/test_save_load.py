"""`rt.save` and `rt.load`: any nesting comes back equal, shared memory stays shared, files appear whole."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import stat
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rustorch as rt
from rustorch.io.gguf import GgufFile
from rustorch.io.safetensors import FormatError, SafetensorsFile, load_file, save_file

DTYPES = [
    rt.bool,
    rt.uint8,
    rt.int8,
    rt.int16,
    rt.int32,
    rt.int64,
    rt.float16,
    rt.bfloat16,
    rt.float32,
    rt.float64,
    rt.complex64,
    rt.complex128,
]


def round_trip(obj: Any, **options: Any) -> Any:
    file = io.BytesIO()
    rt.save(obj, file)
    return rt.load(io.BytesIO(file.getvalue()), **options)


def bits(tensor: rt.Tensor) -> tuple[Any, ...]:
    memory = memoryview(
        rt._C._storage_bytes(rt.zeros(tuple(tensor.shape), dtype=tensor.dtype).copy_(tensor.detach()))
    )
    return tensor.dtype, tuple(tensor.shape), bytes(memory)[: tensor.nbytes]


def same(a: Any, b: Any) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, rt.Tensor):
        return bits(a) == bits(b) and a.requires_grad == b.requires_grad
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    return bool(a == b)


@st.composite
def tensors(draw: st.DrawFn) -> rt.Tensor:
    shape = draw(st.lists(st.integers(0, 4), max_size=3))
    dtype = draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = rt.from_numpy(np.asarray(rng.integers(0, 100, shape)).astype("float64"))
    x = rt.empty(*shape, dtype=dtype).copy_(x) if shape else rt.empty((), dtype=dtype).copy_(x)
    return x.transpose(0, 1) if x.ndim >= 2 and draw(st.booleans()) else x


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
KEYS = st.text() | st.integers() | st.booleans() | st.none() | st.tuples(st.integers(), st.text())
TREES = st.recursive(
    SCALARS | tensors() | st.sampled_from([rt.float32, rt.int64]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(st.text(), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(TREES)
def test_any_nesting_comes_back(tree: Any) -> None:
    assert same(tree, round_trip(tree))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype(dtype: rt.dtype, tmp_path: Path) -> None:
    x = rt.empty(2, 3, dtype=dtype).copy_(rt.tensor([[0, 1, 2], [3, 4, 5]]))
    rt.save(x, tmp_path / "x")
    for mmap in (False, True):
        assert same(rt.load(tmp_path / "x", mmap=mmap), x)


def test_checkpoint_with_integer_keys() -> None:
    checkpoint = {
        "model": OrderedDict(w=rt.ones(2, 2), b=rt.zeros(2)),
        "optimizer": {
            "state": {0: {"step": 3, "m": rt.ones(2)}},
            "param_groups": [{"lr": 0.1, "params": [0]}],
        },
        "epoch": 3,
        "best": math.inf,
        "betas": (0.9, 0.999),
        "shape": rt.Size([2, 3]),
        "device": rt.device("cpu"),
    }
    assert same(round_trip(checkpoint), checkpoint)


def test_views_share_memory_again() -> None:
    base = rt.zeros(4, 4)
    a, b = round_trip((base, base[1]))
    b.fill_(7)
    assert a[1].sum().item() == 28 and a[0].sum().item() == 0
    row, column = round_trip([base[1], base[:, 2]])
    row.fill_(5)
    assert column.numpy().tolist() == [0, 5, 0, 0]
    x, y = round_trip([base, base])
    assert x is y


def test_a_view_alone_does_not_bring_its_base() -> None:
    file = io.BytesIO()
    rt.save(rt.zeros(1000, 1000)[0, :3], file)
    assert len(file.getvalue()) < 1000


def test_gradient_flags() -> None:
    x = round_trip(rt.ones(2, requires_grad=True))
    assert x.requires_grad and x.is_leaf


def test_objects_that_need_pickle_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    rt.save(1, path)
    with pytest.raises(TypeError, match=r"without pickle.*a\.0.*got object"):
        rt.save({"a": [object()]}, path)
    assert rt.load(path) == 1, "the old file is still there"
    assert os.listdir(tmp_path) == ["x"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    rt.save(1, path)

    def refuse(*args: Any) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no room"):
        rt.save(2, path)
    monkeypatch.undo()
    assert rt.load(path) == 1 and os.listdir(tmp_path) == ["x"]


def test_a_mapped_file_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "x"
    rt.save({"a": rt.zeros(3)}, path)
    before = path.read_bytes()
    x = rt.load(path, mmap=True)["a"]
    x.add_(1)
    assert x.numpy().tolist() == [1, 1, 1] and path.read_bytes() == before
    with pytest.raises(ValueError, match="mmap needs a file by name"):
        rt.load(io.BytesIO(before), mmap=True)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_pickles_are_refused(protocol: int) -> None:
    data = pickle.dumps({"a": 1}, protocol)
    with pytest.raises(ValueError, match="pickle" if protocol >= 2 else "header"):
        rt.load(io.BytesIO(data))
    with pytest.raises(ValueError, match="pickle"):
        rt.load(io.BytesIO(b"PK\x03\x04" + bytes(100)))


# ---- The format itself ----


def file_of(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype: str = "F32", shape: Any = (1,), offsets: Any = (0, 4)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


HOSTILE = {
    "empty": (b"", "too short"),
    "short": (b"\x01\x02", "too short"),
    "length beyond the file": (file_of({}, length=1000), "beyond the file"),
    "huge length": (file_of({}, length=1 << 62), "larger than the format allows"),
    "not JSON": (file_of(b"{nope"), "not valid JSON"),
    "not UTF-8": (file_of(b'{"\xff": 1}'), "not valid JSON"),
    "too deep": (file_of(b"[" * 100_000), "not valid JSON"),
    "no object": (file_of([]), "no JSON object"),
    "duplicate key": (file_of(b'{"a": 1, "a": 2}'), "occurs twice"),
    "metadata of numbers": (file_of({"__metadata__": {"a": 1}}), "strings to strings"),
    "metadata of a list": (file_of({"__metadata__": []}), "strings to strings"),
    "entry of a number": (file_of({"a": 3}), "must have dtype"),
    "entry with more": (file_of({"a": {**entry(), "x": 1}}, bytes(4)), "must have dtype"),
    "unknown dtype": (file_of({"a": entry("F128")}, bytes(4)), "unknown dtype"),
    "dtype of a list": (file_of({"a": entry(["F32"])}, bytes(4)), "unknown dtype"),
    "negative size": (file_of({"a": entry(shape=[-1])}, bytes(4)), "no list of sizes"),
    "size of a bool": (file_of({"a": entry(shape=[True])}, bytes(4)), "no list of sizes"),
    "size of a float": (file_of({"a": entry(shape=[1.0])}, bytes(4)), "no list of sizes"),
    "overflowing strides": (file_of({"a": entry(shape=[0, 1 << 62, 1 << 62], offsets=[0, 0])}), "too large"),
    "overflowing shape": (file_of({"a": entry(shape=[1 << 62, 1 << 62])}, bytes(4)), "should take"),
    "wrong length": (file_of({"a": entry(shape=[2])}, bytes(4)), "should take 8 bytes"),
    "outside": (file_of({"a": entry(shape=[2], offsets=[0, 8])}, bytes(4)), "outside of the file"),
    "reversed": (file_of({"a": entry(shape=[0], offsets=[4, 0])}, bytes(4)), "outside of the file"),
    "offsets of three": (file_of({"a": entry(offsets=[0, 4, 8])}, bytes(4)), "no pair of sizes"),
    "overlap": (file_of({"a": entry(), "b": entry(shape=[1], offsets=[2, 6])}, bytes(6)), "overlaps"),
    "same bytes": (file_of({"a": entry(), "b": entry()}, bytes(4)), "overlaps"),
    "gap": (file_of({"a": entry(offsets=[4, 8])}, bytes(8)), "gap"),
    "bytes at the end": (file_of({"a": entry()}, bytes(5)), "belong to no tensor"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(name: str, tmp_path: Path) -> None:
    data, reason = HOSTILE[name]
    with pytest.raises(FormatError, match=reason):
        SafetensorsFile(data)
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(FormatError, match="empty" if not data else reason):
        load_file(tmp_path / "x")


def hostile_structure(node: Any) -> bytes:
    metadata = {"rustorch": node if isinstance(node, str) else json.dumps(node)}
    return file_of({"__metadata__": metadata, "a": entry()}, bytes(4))


WINDOW = {"dtype": "float32", "size": [1], "stride": [1], "offset": 0}


@pytest.mark.parametrize(
    "node",
    [
        "{",
        "[" * 100_000,
        {"$tensor": "b"},
        {"$tensor": ["a"]},
        {"$tensor": "a", "extra": 1},
        {"$code": "x"},
        {"$tuple": 3},
        {"$tuple": [], "x": 1},
        {"$dict": [[1]]},
        {"$dict": [[[1], 2]]},
        {"$float": "one"},
        {"$dtype": "Tensor"},
        {"$dtype": "nothing"},
        {"$device": "moon"},
        {"$bytes": "?"},
        {"$complex": ["1"]},
        {"$size": ["x"]},
        {"$set": [[1]]},
        {"$tensor": "a", "window": 3},
        *(
            {"$tensor": "a", "window": {**WINDOW, **change}}
            for change in (
                {"size": [2]},
                {"offset": 1},
                {"offset": -1},
                {"stride": [-1]},
                {"size": [1 << 62], "stride": [1 << 62]},
                {"dtype": "Tensor"},
                {"stride": []},
                {"size": [2], "stride": [1 << 62]},
                {"offset": 1 << 80},
            )
        ),
    ],
    ids=lambda node: repr(node)[:60],
)
def test_hostile_structures(node: Any) -> None:
    with pytest.raises(FormatError):
        rt.load(io.BytesIO(hostile_structure(node)))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_file_never_does_more_than_raise(data: st.DataObject) -> None:
    file = io.BytesIO()
    rt.save({"a": rt.ones(3), "b": [rt.zeros(2, 2), 1.5]}, file)
    damaged = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(0, len(damaged)))]
    try:
        rt.load(io.BytesIO(bytes(damaged)))
    except FormatError:
        pass


@pytest.mark.parametrize("share", [False, True])
def test_misaligned_tensors_are_copied(share: bool, tmp_path: Path) -> None:
    header = {"a": entry("U8", [1], [0, 1]), "b": entry("F64", [1], [1, 9])}
    (tmp_path / "x").write_bytes(file_of(header, b"\x05" + np.float64(2.5).tobytes()))
    found = load_file(tmp_path / "x", share=share)
    assert found["a"].item() == 5 and found["b"].item() == 2.5


def test_other_readers_understand_the_file(tmp_path: Path) -> None:
    numpy_reader = pytest.importorskip("safetensors.numpy")
    save_file({"a": rt.ones(2, 3), "b": rt.tensor([True, False])}, tmp_path / "x", {"note": "hello"})
    found = numpy_reader.load_file(tmp_path / "x")
    assert found["a"].tolist() == [[1.0] * 3] * 2 and found["b"].tolist() == [True, False]
    assert SafetensorsFile(tmp_path / "x").metadata == {"note": "hello"}
    rt.save({"layer": {"weight": rt.ones(2)}}, tmp_path / "y")
    assert numpy_reader.load_file(tmp_path / "y")["layer.weight"].tolist() == [1, 1]


def test_files_of_other_writers(tmp_path: Path) -> None:
    numpy_writer = pytest.importorskip("safetensors.numpy")
    arrays = {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.array(3),
        "e": np.zeros((0, 2), np.int8),
    }
    numpy_writer.save_file(arrays, tmp_path / "x", metadata={"format": "pt"})
    for mmap in (False, True):
        found = rt.load(tmp_path / "x", mmap=mmap)
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name].numpy(), array)
            assert found[name].numpy().dtype == array.dtype


def test_arguments_are_checked(tmp_path: Path) -> None:
    rt.save(rt.ones(2), tmp_path / "x")
    assert rt.load(tmp_path / "x", map_location="cpu").device == rt.device("cpu")
    assert rt.load(tmp_path / "x", {"cpu": "cpu"}).shape == (2,)
    with pytest.raises(TypeError, match="weights_only"):
        rt.load(tmp_path / "x", weights_only="yes")
    with pytest.raises(FileNotFoundError):
        rt.load(tmp_path / "nowhere")
    with pytest.raises(TypeError, match="no such dtype"):
        save_file({"a": rt.zeros(1, dtype=rt.complex128)}, tmp_path / "y")
    with pytest.raises(ValueError, match="no name for a tensor"):
        save_file({"__metadata__": rt.zeros(1)}, tmp_path / "y")


def reloaded(tree: Any, **options: Any) -> Any:
    file = io.BytesIO()
    rt.save(tree, file)
    return rt.load(io.BytesIO(file.getvalue()), **options)


def test_names_that_meet_in_the_file() -> None:
    tree = {"a": {"b": rt.tensor(1)}, "a.b": rt.tensor(2), "__metadata__": rt.tensor(3), "": rt.tensor(4)}
    back = reloaded(tree)
    assert (back["a"]["b"], back["a.b"], back["__metadata__"], back[""]) == (1, 2, 3, 4)


def test_numpy_numbers_and_sets() -> None:
    back = reloaded([np.float32(0.5), np.int64(7), np.bool_(True), np.str_("a"), {3, 1}, frozenset({"a"})])
    assert back == [0.5, 7, True, "a", {1, 3}, {"a"}]
    assert [type(item) for item in back] == [float, int, bool, str, set, set]


@pytest.mark.emulator
@pytest.mark.parametrize("where", ["emulator", {"cpu": "emulator"}, {"cuda:0": "cpu"}])
def test_tensors_go_where_they_are_wanted(where: Any) -> None:
    x = reloaded({"x": rt.arange(3)}, map_location=where)["x"]
    assert x.device.type == ("cpu" if where == {"cuda:0": "cpu"} else "emulator") and x.tolist() == [0, 1, 2]


def test_headers_have_a_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rustorch.io.safetensors.MAX_HEADER", 100)
    with pytest.raises(ValueError, match=r"larger than the format allows; got \d+ bytes"):
        save_file({"a" * 200: rt.ones(1)}, tmp_path / "x")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("call", ["load_file", "save_file", "gguf"])
def test_the_other_byte_order_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, call: str) -> None:
    path = tmp_path / "x"
    if call != "save_file":
        save_file({"a": rt.ones(1)}, path)
    monkeypatch.setattr(sys, "byteorder", "big")
    with pytest.raises(RuntimeError, match="little-endian machines only; got big"):
        if call == "load_file":
            load_file(path)
        elif call == "save_file":
            save_file({"a": rt.ones(1)}, path)
        else:
            GgufFile(path)


# ---- Links, pipes, devices ----


def test_what_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    file, link = tmp_path / "real" / "weights", tmp_path / "latest"
    rt.save({"a": rt.zeros(1)}, file)
    link.symlink_to(file)
    rt.save({"a": rt.ones(1)}, link)
    assert link.is_symlink()
    assert rt.load(file)["a"].tolist() == [1.0]
    assert [p.name for p in (tmp_path / "real").iterdir()] == ["weights"]


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    rt.save({"a": rt.ones(1)}, pipe)
    reader.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert rt.load(io.BytesIO(read[0]))["a"].tolist() == [1.0]
