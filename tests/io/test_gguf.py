"""GGUF: every type against a decoder written from the format's definition, and files made to do harm."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.errors import FormatError
from rustorch.io.gguf import GgufFile
from rustorch.io.gguf_blocks import TYPES, dequantize

NUMBERS = {type.name: number for number, type in TYPES.items()}
F32, F16, BF16, Q4_0, Q8_0, Q6_K = (NUMBERS[name] for name in ("F32", "F16", "BF16", "Q4_0", "Q8_0", "Q6_K"))


# ---- Decoding, one element at a time, as the format defines it ----


def half(block: bytes, at: int) -> np.float32:
    return np.float32(np.frombuffer(block, "<f2", 1, at)[0])


def scale_and_least(scales: bytes, i: int) -> tuple[int, int]:
    """Eight pairs of 6 bits: the first four lie whole, the others are in four low and two high bits."""
    if i < 4:
        return scales[i] & 63, scales[i + 4] & 63
    return scales[i + 4] & 15 | scales[i - 4] >> 6 << 4, scales[i + 4] >> 4 | scales[i] >> 6 << 4


def element(kind: str, block: bytes, i: int) -> np.float32:
    """Element i of one block."""
    f = np.float32
    nibble = lambda at: block[at + i % 16] >> (4 * (i // 16)) & 15  # noqa: E731
    if kind == "Q4_0":
        return f(nibble(2) - 8) * half(block, 0)
    if kind == "Q4_1":
        return f(nibble(4)) * half(block, 0) + half(block, 2)
    if kind in ("Q5_0", "Q5_1"):
        at = 2 if kind == "Q5_0" else 4
        fifth = int.from_bytes(block[at : at + 4], "little") >> i & 1
        number = nibble(at + 4) | fifth << 4
        if kind == "Q5_0":
            return f(number - 16) * half(block, 0)
        return f(number) * half(block, 0) + half(block, 2)
    if kind == "Q8_0":
        return f(struct.unpack_from("b", block, 2 + i)[0]) * half(block, 0)
    # Blocks of 256: two halves of 128, read in steps of 32.
    which, rest = divmod(i, 128)
    step, j = divmod(rest, 32)
    group = i // 16
    if kind == "Q2_K":
        two = block[16 + 32 * which + j] >> 2 * step & 3
        scale = block[group]
        return f(two) * (half(block, 80) * f(scale & 15)) - half(block, 82) * f(scale >> 4)
    if kind == "Q3_K":
        two = block[32 + 32 * which + j] >> 2 * step & 3
        high = block[j] >> (4 * which + step) & 1
        packed = block[96:108]
        low = packed[group % 8] >> 4 * (group // 8) & 15
        scale = (low | (packed[8 + group % 4] >> 2 * (group // 4) & 3) << 4) - 32
        return f(two - (0 if high else 4)) * (half(block, 108) * f(scale))
    if kind in ("Q4_K", "Q5_K"):
        at = 16 if kind == "Q4_K" else 48
        eighth = i // 32
        number = block[at + 32 * (eighth // 2) + i % 32] >> 4 * (eighth % 2) & 15
        if kind == "Q5_K":
            number |= (block[16 + i % 32] >> eighth & 1) << 4
        scale, least = scale_and_least(block[4:16], eighth)
        return f(number) * (half(block, 0) * f(scale)) - half(block, 2) * f(least)
    assert kind == "Q6_K"
    low = block[64 * which + 32 * (step % 2) + j] >> 4 * (step // 2) & 15
    high = block[128 + 32 * which + j] >> 2 * step & 3
    scale = struct.unpack_from("b", block, 192 + group)[0]
    return f((low | high << 4) - 32) * (half(block, 208) * f(scale))


QUANTIZED = [type.name for type in TYPES.values() if type.decode is not None]


def random_blocks(kind: str, count: int, seed: int = 0) -> bytes:
    """Blocks of random bits whose scales are numbers."""
    type = TYPES[NUMBERS[kind]]
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (count, type.size), dtype=np.uint8)
    places = {
        "Q4_1": (0, 2),
        "Q5_1": (0, 2),
        "Q2_K": (80, 82),
        "Q3_K": (108,),
        "Q4_K": (0, 2),
        "Q5_K": (0, 2),
    }
    for at in places.get(kind, (208,) if kind == "Q6_K" else (0,)):
        blocks[:, at : at + 2] = rng.standard_normal((count, 1)).astype("<f2").view(np.uint8)
    return blocks.tobytes()


@pytest.mark.parametrize("kind", QUANTIZED)
def test_quantized_blocks_against_their_definition(kind):
    type = TYPES[NUMBERS[kind]]
    raw = random_blocks(kind, 3)
    expected = [
        element(kind, raw[at : at + type.size], i)
        for at in range(0, len(raw), type.size)
        for i in range(type.elements)
    ]
    found = dequantize(np.frombuffer(raw, np.uint8), type)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, np.float32))


# ---- Files ----


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def typed(value: Any) -> bytes:
    """A value with its type in front."""
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<Ii", 5, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + text(value)
    items = [typed(item) for item in value]
    return (
        struct.pack("<I", 9) + items[0][:4] + struct.pack("<Q", len(items)) + b"".join(i[4:] for i in items)
    )


def build(
    tensors: dict[str, tuple[int, tuple[int, ...], bytes]],
    metadata: dict[str, Any] | None = None,
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
    offsets: dict[str, int] | None = None,
    alignment: int = 32,
    raw_metadata: bytes = b"",
) -> bytes:
    """A file; shapes are in our order. The other arguments say what the file is to state wrongly."""
    metadata = metadata or {}
    header = struct.pack("<4sIQQ", b"GGUF", version, *(counts or (len(tensors), len(metadata))))
    header += b"".join(text(key) + typed(value) for key, value in metadata.items()) + raw_metadata
    data = b""
    for name, (number, shape, payload) in tensors.items():
        at = (offsets or {}).get(name, len(data))
        sizes = struct.pack(f"<{len(shape)}Q", *reversed(shape))
        header += text(name) + struct.pack("<I", len(shape)) + sizes + struct.pack("<IQ", number, at)
        data += payload + bytes(-len(payload) % alignment)
    return header + bytes(-len(header) % alignment) + data


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(data)
    return path


def test_tensors_and_metadata(tmp_path):
    rng = np.random.default_rng(0)
    plain = rng.standard_normal((2, 3)).astype(np.float32)
    narrow = plain.astype(np.float16)
    brain = (plain.view(np.uint32) >> 16).astype(np.uint16)
    metadata = {
        "general.architecture": "test",
        "general.author": "somebody",
        "flag": True,
        "number": -3,
        "real": 0.5,
        "words": ["a", "bé", ""],
        "numbers": [1, 2, 3],
        "nested": [[1, 2], [3]],
    }
    tensors = {
        "plain": (F32, (2, 3), plain.tobytes()),
        "narrow": (F16, (3, 2), narrow.tobytes()),
        "brain": (BF16, (2, 3), brain.tobytes()),
        "scalar": (F32, (), np.float32(7).tobytes()),
        "empty": (Q8_0, (0, 32), b""),
        "bytes": (NUMBERS["I8"], (3,), b"\x01\xff\x02"),
        "blocks": (Q8_0, (2, 64), random_blocks("Q8_0", 4)),
        "large": (Q6_K, (5, 256), random_blocks("Q6_K", 5)),
    }
    weights = rt.load_model(write(tmp_path, build(tensors, metadata)))
    assert list(weights) == list(tensors)
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == {
        name: shape for name, (_, shape, _) in tensors.items()
    }
    np.testing.assert_array_equal(weights["plain"].numpy(), plain)
    np.testing.assert_array_equal(weights["narrow"].numpy(), narrow.reshape(3, 2))
    assert weights["brain"].dtype == rt.bfloat16
    np.testing.assert_array_equal(
        weights["brain"].float().numpy(), (brain.astype(np.uint32) << 16).view(np.float32)
    )
    assert weights["scalar"].item() == 7
    assert weights["bytes"].tolist() == [1, -1, 2]
    expected = dequantize(np.frombuffer(random_blocks("Q8_0", 4), np.uint8), TYPES[Q8_0])
    np.testing.assert_array_equal(weights["blocks"].numpy(), expected.reshape(2, 64))

    found = weights.metadata
    assert (found.format, found.quantization, found.author) == ("gguf", "Q6_K, Q8_0", "somebody")
    assert found.dtypes["brain"] == "BF16"
    assert found.shapes["blocks"] == (2, 64)
    assert found.size == len(build(tensors, metadata))
    values = found.user_defined
    assert (values["flag"], values["number"], values["real"]) == (True, -3, 0.5)
    assert values["words"] == ["a", "bé", ""]
    assert values["numbers"].tolist() == [1, 2, 3]
    assert [item.tolist() for item in values["nested"]] == [[1, 2], [3]]


def test_large_tensors_are_decoded_in_pieces(tmp_path):
    blocks = 3 * (1 << 18) // 32 + 5
    raw = random_blocks("Q4_0", blocks)
    weights = rt.load_model(write(tmp_path, build({"w": (Q4_0, (blocks, 32), raw)})))
    expected = dequantize(np.frombuffer(raw, np.uint8), TYPES[Q4_0])
    np.testing.assert_array_equal(weights["w"].numpy().reshape(-1), expected)


def test_each_read_gives_memory_of_its_own(tmp_path):
    weights = rt.load_model(write(tmp_path, build({"w": (F32, (2,), np.ones(2, "f4").tobytes())})))
    weights["w"].zero_()
    assert weights["w"].tolist() == [1, 1]


def test_another_alignment(tmp_path):
    tensors = {"a": (F32, (1,), b"\0\0\x80?"), "b": (F32, (1,), b"\0\0\0@")}
    data = build(tensors, {"general.alignment": 128}, alignment=128)
    weights = rt.load_model(write(tmp_path, data))
    assert [weights[name].item() for name in "ab"] == [1.0, 2.0]


ONE = {"w": (F32, (2,), bytes(8))}
TWO = {"a": (F32, (2,), bytes(8)), "b": (F32, (2,), bytes(8))}
HUGE = 1 << 63
ARRAY = text("k") + struct.pack("<I", 9)


def info(name: str, rank: int, *numbers: int) -> bytes:
    return text(name) + struct.pack("<I", rank) + struct.pack(f"<{len(numbers)}Q", *numbers)


HOSTILE: dict[str, tuple[bytes, str]] = {
    "nothing behind the magic": (b"GGUF", "does not start like one of this format"),
    "version 1": (build(ONE, version=1), "versions 2 and 3 of the format are read; got version 1"),
    "version 0": (build(ONE, version=0), "versions 2 and 3 of the format are read; got version 0"),
    "big-endian": (build(ONE, version=3 << 24), "big-endian"),
    "too many tensors": (build(ONE, counts=(HUGE, 0)), "more entries than the file has room for"),
    "too many values": (build(ONE, counts=(1, HUGE)), "more entries than the file has room for"),
    "more tensors than there are": (build(ONE, counts=(3, 0)), "occurs twice"),
    "header cut short": (build(ONE)[:30], "more entries than|the file is cut short"),
    "data cut short": (build(ONE)[:-30], "lies outside of the file"),
    "key of 2^63 bytes": (
        build(ONE, counts=(1, 1), raw_metadata=struct.pack("<Q", HUGE)),
        "the file is cut short",
    ),
    "key that is no text": (
        build(ONE, counts=(1, 1), raw_metadata=text(b"\xff") + typed(1)),
        "a name is no text",
    ),
    "key twice": (
        build(ONE, counts=(1, 2), raw_metadata=(text("k") + typed(1)) * 2),
        "a key of the metadata occurs twice",
    ),
    "value of an unknown type": (
        build(ONE, counts=(1, 1), raw_metadata=text("k") + struct.pack("<I", 13)),
        "unknown type; got 13",
    ),
    "array of 2^63 numbers": (
        build(ONE, counts=(1, 1), raw_metadata=ARRAY + struct.pack("<IQ", 10, HUGE)),
        "the file is cut short",
    ),
    "array of 2^40 texts": (
        build(ONE, counts=(1, 1), raw_metadata=ARRAY + struct.pack("<IQ", 8, 1 << 40)),
        "an array is longer than the file",
    ),
    "array of an unknown type": (
        build(ONE, counts=(1, 1), raw_metadata=ARRAY + struct.pack("<IQ", 77, 1)),
        "unknown type; got 77",
    ),
    "arrays nested deeply": (
        build(ONE, counts=(1, 1), raw_metadata=ARRAY + struct.pack("<IQ", 9, 1) * 1000),
        "nested too deeply",
    ),
    "alignment of 0": (build(ONE, {"general.alignment": 0}), "must be a power of two; got 0"),
    "alignment of 33": (build(ONE, {"general.alignment": 33}), "must be a power of two; got 33"),
    "alignment of 2^30": (build(ONE, {"general.alignment": 1 << 30}), "must be a power of two"),
    "alignment that is a text": (build(ONE, {"general.alignment": "x"}), "must be a power of two; got 'x'"),
    "five dimensions": (build({"w": (F32, (1,) * 5, bytes(4))}), "has too many dimensions; got 5"),
    "sizes whose product wraps": (
        build({"w": (F32, (1 << 32, 1 << 32, 2), b"")}),
        "has an impossible shape",
    ),
    "size of 2^62": (build({"w": (F32, (1 << 62,), b"")}), "has an impossible shape"),
    "empty tensor with a huge size": (build({"w": (F32, (0, 1 << 62), b"")}), "has an impossible shape"),
    "tensor larger than the file": (build({"w": (F32, (1 << 40,), bytes(8))}), "lies outside of the file"),
    "unknown type of tensor": (build({"w": (99, (2,), bytes(8))}), "unsupported type; got 99; try one of"),
    "removed type of tensor": (build({"w": (4, (32,), bytes(32))}), "has an unsupported type; got 4"),
    "row that is no whole block": (
        build({"w": (Q8_0, (2, 48), bytes(102))}),
        "are no whole number of blocks",
    ),
    "unaligned offset": (build(ONE, offsets={"w": 3}), "is not aligned; got offset 3"),
    "offset beyond the file": (build(ONE, offsets={"w": 1 << 40}), "lies outside of the file"),
    "offset that wraps": (build(ONE, offsets={"w": (1 << 64) - 32}), "lies outside of the file"),
    "tensors that overlap": (build(TWO, offsets={"b": 0}), "overlaps another"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name):
    data, message = HOSTILE[name]
    with pytest.raises(FormatError, match=message):
        rt.load_model(write(tmp_path, data))


def test_a_name_twice(tmp_path):
    one = info("w", 1, 2) + struct.pack("<IQ", F32, 0)
    data = struct.pack("<4sIQQ", b"GGUF", 3, 2, 0) + one * 2 + bytes(200)
    with pytest.raises(FormatError, match="a tensor occurs twice; got 'w'"):
        rt.load_model(write(tmp_path, data))


def test_damaged_files(tmp_path):
    rng = np.random.default_rng(0)
    tensors = {"a": (Q8_0, (2, 32), random_blocks("Q8_0", 2)), "b": (F16, (3,), bytes(6))}
    good = build(tensors, {"general.alignment": 32, "words": ["x", "y"], "numbers": [1, 2]})
    path = write(tmp_path, good)
    read = 0
    with open(path, "r+b", buffering=0) as file:
        for _ in range(3000):
            data = bytearray(good)
            for at in rng.integers(4, len(data), rng.integers(1, 4)):
                data[at] = rng.choice([0, 1, 255, int(rng.integers(0, 256))])
            file.seek(0)
            file.write(data)
            file.truncate(len(data) if rng.integers(0, 8) else int(rng.integers(4, len(data))))
            try:
                found = GgufFile(path)
                for name, entry in found.entries.items():
                    assert found.numpy(name).shape == entry.shape
                read += 1
            except FormatError:
                continue
    assert 100 < read < 2900


def test_files_that_are_cut_short_later(tmp_path):
    path = write(tmp_path, build(ONE))
    weights = rt.load_model(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="cut short while it was read"):
        weights["w"]


def test_options_for_models_to_run_are_refused(tmp_path):
    path = write(tmp_path, build(ONE))
    with pytest.raises(ValueError, match="load_model: a file of weights has nothing to run; got precision="):
        rt.load_model(path, precision="float16")
