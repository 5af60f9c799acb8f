"""The block formats of GGUF: from bytes to numbers, with NumPy.

Weights are stored in blocks of 32 or 256, each with scales of its own. The functions here take blocks as rows
of bytes and give rows of float32 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["TYPES", "BlockType", "dequantize"]

Array: TypeAlias = npt.NDArray[Any]


class BlockType(NamedTuple):
    """A type of tensors in a file: `elements` of them lie in `size` bytes."""

    name: str
    elements: int
    size: int
    dtype: str
    decode: Callable[[Array], Array] | None = None


def _half(blocks: Array, at: int) -> Array:
    """The float16 at a byte of every block, as a column of float32."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float32)


def _nibbles(packed: Array) -> Array:
    """All low halves of a row of bytes, and then all high halves."""
    return np.concatenate((packed & 15, packed >> 4), axis=-1)


def _fifth_bits(blocks: Array, at: int) -> Array:
    """The 32 bits from a byte of every block on, each as 0 or 16."""
    return np.unpackbits(blocks[:, at : at + 4], axis=1, bitorder="little") << 4


def _q4_0(blocks: Array) -> Array:
    return (_nibbles(blocks[:, 2:]).astype(np.float32) - 8) * _half(blocks, 0)


def _q4_1(blocks: Array) -> Array:
    return _nibbles(blocks[:, 4:]).astype(np.float32) * _half(blocks, 0) + _half(blocks, 2)


def _q5_0(blocks: Array) -> Array:
    values = _nibbles(blocks[:, 6:]) | _fifth_bits(blocks, 2)
    return (values.astype(np.float32) - 16) * _half(blocks, 0)


def _q5_1(blocks: Array) -> Array:
    values = _nibbles(blocks[:, 8:]) | _fifth_bits(blocks, 4)
    return values.astype(np.float32) * _half(blocks, 0) + _half(blocks, 2)


def _q8_0(blocks: Array) -> Array:
    return blocks[:, 2:].view(np.int8).astype(np.float32) * _half(blocks, 0)


# Blocks of 256 have 8 or 16 groups, each with a scale that is itself a small integer times the block's.


def _pairs_of_bits(packed: Array) -> Array:
    """64 bytes of four 2-bit numbers each as 16 groups of 16: halves, then bit positions, then bytes."""
    halves = packed.reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    out: Array = (halves & 3).reshape(-1, 16, 16)
    return out


def _q2_k(blocks: Array) -> Array:
    scales = blocks[:, :16]
    step = _half(blocks, 80) * (scales & 15)
    least = _half(blocks, 82) * (scales >> 4)
    values = _pairs_of_bits(blocks[:, 16:80]).astype(np.float32)
    out: Array = (values * step[:, :, None] - least[:, :, None]).reshape(-1, 256)
    return out


def _q3_k(blocks: Array) -> Array:
    high_bits = blocks[:, :32].reshape(-1, 1, 32) >> np.arange(8, dtype=np.uint8).reshape(1, 8, 1)
    # A bit that is not set takes 4 away.
    below = ((~high_bits & 1) << 2).reshape(-1, 16, 16)
    packed = blocks[:, 96:108]
    low = _nibbles(packed[:, :8])
    high = packed[:, 8:].reshape(-1, 1, 4) >> np.array([0, 2, 4, 6], np.uint8).reshape(1, 4, 1)
    scales = (low | (high & 3).reshape(-1, 16) << 4).astype(np.float32) - 32
    step = _half(blocks, 108) * scales
    values = _pairs_of_bits(blocks[:, 32:96]).astype(np.float32) - below
    out: Array = (values * step[:, :, None]).reshape(-1, 256)
    return out


def _six_bit_scales(packed: Array) -> tuple[Array, Array]:
    """Eight scales and eight minima of 6 bits each from 12 bytes."""
    first, second, third = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scales = np.concatenate((first & 63, (third & 15) | (first >> 6) << 4), axis=1)
    least = np.concatenate((second & 63, (third >> 4) | (second >> 6) << 4), axis=1)
    return scales, least


def _q4_k(blocks: Array, high: Array | None = None) -> Array:
    scales, least = _six_bit_scales(blocks[:, 4:16])
    step, lower = _half(blocks, 0) * scales, _half(blocks, 2) * least
    values = _nibbles(blocks[:, -128:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    if high is not None:
        values = values | high
    out: Array = (values.astype(np.float32) * step[:, :, None] - lower[:, :, None]).reshape(-1, 256)
    return out


def _q5_k(blocks: Array) -> Array:
    bits = blocks[:, 16:48].reshape(-1, 1, 32) >> np.arange(8, dtype=np.uint8).reshape(1, 8, 1)
    return _q4_k(blocks, (bits & 1) << 4)


def _q6_k(blocks: Array) -> Array:
    low = _nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    high = blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    values = (low | (high & 3) << 4).reshape(-1, 16, 16).astype(np.float32) - 32
    step = _half(blocks, 208) * blocks[:, 192:208].view(np.int8)
    out: Array = (values * step[:, :, None]).reshape(-1, 256)
    return out


# By the number that stands for them in files.
TYPES = {
    0: BlockType("F32", 1, 4, "float32"),
    1: BlockType("F16", 1, 2, "float16"),
    2: BlockType("Q4_0", 32, 18, "float32", _q4_0),
    3: BlockType("Q4_1", 32, 20, "float32", _q4_1),
    6: BlockType("Q5_0", 32, 22, "float32", _q5_0),
    7: BlockType("Q5_1", 32, 24, "float32", _q5_1),
    8: BlockType("Q8_0", 32, 34, "float32", _q8_0),
    10: BlockType("Q2_K", 256, 84, "float32", _q2_k),
    11: BlockType("Q3_K", 256, 110, "float32", _q3_k),
    12: BlockType("Q4_K", 256, 144, "float32", _q4_k),
    13: BlockType("Q5_K", 256, 176, "float32", _q5_k),
    14: BlockType("Q6_K", 256, 210, "float32", _q6_k),
    24: BlockType("I8", 1, 1, "int8"),
    25: BlockType("I16", 1, 2, "int16"),
    26: BlockType("I32", 1, 4, "int32"),
    27: BlockType("I64", 1, 8, "int64"),
    28: BlockType("F64", 1, 8, "float64"),
    30: BlockType("BF16", 1, 2, "bfloat16"),
}


def dequantize(raw: Array, type: BlockType) -> Array:
    """Blocks of bytes as float32.

    Args:
        raw: uint8, of a whole number of blocks.
        type: a quantized type of `TYPES`.

    >>> import numpy as np
    >>> from rustorch.io.gguf_blocks import TYPES, dequantize
    >>> block = np.frombuffer(np.float16(0.5).tobytes() + bytes(range(32)), np.uint8)
    >>> dequantize(block, TYPES[8])[:4]
    array([0. , 0.5, 1. , 1.5], dtype=float32)
    """
    assert type.decode is not None
    # Scales from a hostile file may be infinite: so are the numbers then, without a warning.
    with np.errstate(all="ignore"):
        return type.decode(raw.reshape(-1, type.size)).astype(np.float32, copy=False).reshape(-1)
