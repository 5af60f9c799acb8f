"""Elements as bytes: little-endian, narrow integers packed from the low bits of each byte on."""

from __future__ import annotations

import numpy as np

from rustorch.coreml.mil.types import Array, DataType
from rustorch.errors import ArgumentError

__all__ = ["from_bytes", "packed_size", "to_bytes"]


def packed_size(count: int, dtype: DataType) -> int:
    """The bytes that so many elements take."""
    return (count * dtype.bits + 7) // 8


def from_bytes(raw: Array, dtype: DataType, count: int) -> Array:
    """The elements in `packed_size(count, dtype)` bytes; without a copy where none is needed."""
    if dtype.is_sub_byte:
        return _unpacked(raw, dtype, count)
    if dtype is DataType.BFLOAT16:
        wide: Array = raw.view("<u2").astype(np.uint32) << np.uint32(16)
        return wide.view(np.float32)
    if dtype is DataType.BOOL:
        return np.not_equal(raw, 0)
    return raw.view(dtype.numpy_dtype.newbyteorder("<"))


def to_bytes(array: Array, dtype: DataType) -> Array:
    """The bytes of an array's elements in order. Raises ValueError for what the data type cannot hold."""
    flat = np.ascontiguousarray(array).reshape(-1)
    if dtype.is_sub_byte:
        return _packed(flat, dtype)
    if dtype is DataType.BFLOAT16:
        wide = flat.view(np.uint32)
        if (wide & np.uint32(0xFFFF)).any():
            raise ArgumentError.of("coreml", "these numbers are no bfloat16", hint="to round them first")
        high: Array = (wide >> np.uint32(16)).astype("<u2")
        return high.view(np.uint8)
    return flat.astype(flat.dtype.newbyteorder("<"), copy=False).view(np.uint8)


# Eight elements of n bits lie in n bytes: element j starts at bit j * n, and may go on in the next byte.


def _unpacked(raw: Array, dtype: DataType, count: int) -> Array:
    bits = dtype.bits
    groups = -(-count // 8)
    if raw.size != groups * bits:
        raw = np.concatenate((raw, np.zeros(groups * bits - raw.size, np.uint8)))
    raw = raw.reshape(groups, bits)
    out = np.empty((groups, 8), np.uint8)
    for j in range(8):
        byte, shift = divmod(j * bits, 8)
        out[:, j] = raw[:, byte] >> shift
        if shift + bits > 8:
            out[:, j] |= raw[:, byte + 1] << (8 - shift)
    out &= (1 << bits) - 1
    flat = out.reshape(-1)[:count]
    if not dtype.is_signed:
        return flat
    # The top bit of a narrow signed integer stands for minus its weight.
    half = np.uint8(1 << (bits - 1))
    signed: Array = (flat ^ half).view(np.int8) - half.view(np.int8)
    return signed


def _packed(flat: Array, dtype: DataType) -> Array:
    bits = dtype.bits
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if dtype.is_signed else (0, (1 << bits) - 1)
    if flat.size and not (low <= flat.min() and flat.max() <= high):
        raise ArgumentError.of(
            "coreml", f"{dtype.value} holds {low} to {high}", f"{flat.min()} to {flat.max()}"
        )
    groups = -(-flat.size // 8)
    values: Array = np.zeros(groups * 8, np.uint8)
    values[: flat.size] = flat.view(np.uint8) & np.uint8((1 << bits) - 1)
    values = values.reshape(groups, 8)
    out = np.zeros((groups, bits), np.uint8)
    for j in range(8):
        byte, shift = divmod(j * bits, 8)
        out[:, byte] |= values[:, j] << shift
        if shift + bits > 8:
            out[:, byte + 1] |= values[:, j] >> (8 - shift)
    return out.reshape(-1)[: packed_size(flat.size, dtype)]
