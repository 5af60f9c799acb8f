"""GGUF against the format's own package: quantized blocks, and files that it writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rustorch as rt
from rustorch.io.gguf_blocks import TYPES, dequantize

gguf = pytest.importorskip("gguf")


@pytest.mark.parametrize("number", [number for number, type in TYPES.items() if type.decode is not None])
@pytest.mark.filterwarnings("ignore:.*encountered")
def test_blocks_of_random_bits(number: int) -> None:
    raw = np.random.default_rng(number).integers(0, 256, (300, TYPES[number].size), dtype=np.uint8)
    expected = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(number))
    np.testing.assert_array_equal(dequantize(raw.reshape(-1), TYPES[number]), expected.reshape(-1))


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((4, 64)).astype(np.float32)
    writer = gguf.GGUFWriter(str(path), "test")
    writer.add_author("who")
    writer.add_array("words", ["a", "b"])
    writer.add_tensor("plain", weight)
    writer.add_tensor("narrow", weight.astype(np.float16))
    packed = gguf.quants.quantize(weight, gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("packed", packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    weights = rt.load_model(path)
    assert (weights.metadata.author, weights.metadata.quantization) == ("who", "Q8_0")
    assert weights.metadata.user_defined["words"] == ["a", "b"]
    np.testing.assert_array_equal(weights["plain"].numpy(), weight)
    np.testing.assert_array_equal(weights["narrow"].numpy(), weight.astype(np.float16))
    expected = gguf.quants.dequantize(packed, gguf.GGMLQuantizationType.Q8_0)
    np.testing.assert_array_equal(weights["packed"].numpy(), expected)
