"""Compressed constants, bit by bit: decoded as each form says, in NumPy, and rounded once."""

from __future__ import annotations

import numpy as np
import pytest

from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil import program as mil
from rustorch.errors import OpError

from .mil_build import model_of

D = mil.DataType
generator = np.random.default_rng(3)
FLOATS = [np.float32, np.float16]


def decoded(op, arguments, results, attributes=False, precision=None):
    """The operation's results, through a sum with zeros, since outputs are not constants in real programs."""
    operation = mil.Operation(op, {}, [mil.NamedType(f"c{i}", t) for i, t in enumerate(results)])
    for name, value in arguments.items():
        value = value if isinstance(value, mil.TensorValue) else mil.immediate(value)
        if attributes:
            operation.attributes[name] = value
        else:
            operation.inputs[name] = [value]
    outputs = [f"c{i}" for i in range(len(results))]
    return list(Runner(model_of([], [operation], outputs), precision=precision).predict({}).values())


def sizes(*shape):
    return np.array(shape, np.uint32)


def tensor(dtype, shape):
    return mil.TensorType(D.of_numpy(dtype), shape)


def same(got, want):
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("attributes", [True, False])
@pytest.mark.parametrize("axis", [0, 1])
def test_affine_dequantize(dtype, attributes, axis):
    data = generator.integers(-128, 128, (4, 6)).astype(np.int8)
    count = data.shape[axis]
    scale = generator.uniform(0.01, 0.1, count).astype(dtype)
    zero = generator.integers(-9, 9, count).astype(np.int8)
    shape = (-1, 1) if axis == 0 else (1, -1)
    want = ((data.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape).astype(np.float32)).astype(
        dtype
    )
    arguments = {"quantized_data": data, "zero_point": zero, "scale": scale, "axis": axis}
    (got,) = decoded("constexpr_affine_dequantize", arguments, [tensor(dtype, data.shape)], attributes)
    same(got, want)


def test_affine_dequantize_with_scalars():
    data = np.arange(256, dtype=np.uint8).reshape(16, 16)
    arguments = {"quantized_data": data, "zero_point": np.uint8(128), "scale": np.float32(0.1), "axis": 0}
    (got,) = decoded("constexpr_affine_dequantize", arguments, [tensor(np.float32, (16, 16))])
    same(got, (data.astype(np.float32) - 128) * np.float32(0.1))


@pytest.mark.parametrize("dtype", [D.INT4, D.UINT4, D.INT8, D.UINT8, D.UINT1, D.UINT3])
@pytest.mark.parametrize("blocks", [(1, 1), (4, 1), (2, 3), (4, 6)])
@pytest.mark.parametrize("shifted", [True, False])
def test_blockwise_shift_scale(dtype, blocks, shifted):
    low = -(1 << (dtype.bits - 1)) if dtype.is_signed else 0
    codes = generator.integers(low, low + (1 << dtype.bits), (4, 6)).astype(dtype.numpy_dtype)
    scale = generator.uniform(0.01, 0.1, blocks).astype(np.float16)
    arguments = {"data": mil.immediate(codes, dtype), "scale": scale}
    value = codes.astype(np.float32)
    steps = (4 // blocks[0], 6 // blocks[1])
    if shifted:
        offset = generator.integers(low, low + (1 << dtype.bits), blocks).astype(dtype.numpy_dtype)
        arguments["offset"] = mil.immediate(offset, dtype)
        value = value - np.kron(offset, np.ones(steps, np.float32))
    want = (value * np.kron(scale.astype(np.float32), np.ones(steps, np.float32))).astype(np.float16)
    (got,) = decoded("constexpr_blockwise_shift_scale", arguments, [tensor(np.float16, (4, 6))])
    same(got, want)


def packed(values, bits):
    """Numbers as bytes, the lowest bits first."""
    stream = (values.reshape(-1, 1) >> np.arange(bits)) & 1
    return np.packbits(stream.astype(np.uint8).reshape(-1), bitorder="little")


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 8])
@pytest.mark.parametrize("dtype", FLOATS)
def test_lut_to_dense_of_ios16(bits, dtype):
    codes = generator.integers(0, 1 << bits, (3, 5)).astype(np.int64)
    lut = generator.standard_normal(1 << bits).astype(dtype)
    arguments = {"indices": packed(codes, bits), "lut": lut, "shape": sizes(3, 5)}
    (got,) = decoded("constexpr_lut_to_dense", arguments, [tensor(dtype, (3, 5))], attributes=True)
    same(got, lut[codes])


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8])
@pytest.mark.parametrize("groups", [(1, 1), (2, 1), (1, 3), (4, 6)])
@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("axis", [0, -1])
def test_lut_to_dense_of_ios18(bits, groups, width, axis):
    codes = generator.integers(0, 1 << bits, (4, 6)).astype(np.uint8)
    lut = generator.standard_normal((*groups, 1 << bits, width)).astype(np.float16)
    axis = axis % 2
    shape = [4, 6]
    shape[axis] *= width
    want = np.empty(shape, np.float16)
    for i, j in np.ndindex(4, 6):
        entry = lut[i * groups[0] // 4, j * groups[1] // 6, codes[i, j]]
        for k in range(width):
            want[(i * width + k, j) if axis == 0 else (i, j * width + k)] = entry[k]
    arguments = {"indices": mil.immediate(codes, D(f"uint{bits}")), "lut": lut}
    if width > 1:
        arguments["vector_axis"] = axis
    (got,) = decoded("constexpr_lut_to_dense", arguments, [tensor(np.float16, tuple(shape))])
    same(got, want)


MASK = generator.integers(0, 2, (4, 6)).astype(np.uint8)
COUNT = int(MASK.sum())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8])
@pytest.mark.parametrize("old", [True, False])
def test_sparse_to_dense(dtype, old):
    values = (10 * generator.standard_normal(COUNT)).astype(dtype)
    want = np.zeros(MASK.shape, dtype)
    want[MASK != 0] = values
    if old:
        arguments = {
            "nonzero_data": values,
            "mask": packed(MASK.astype(np.int64), 1),
            "shape": np.array([4, 6], np.uint32),
        }
    else:
        arguments = {"nonzero_data": values, "mask": mil.immediate(MASK, D.UINT1)}
    (got,) = decoded("constexpr_sparse_to_dense", arguments, [tensor(dtype, (4, 6))], attributes=old)
    same(got, want)


@pytest.mark.parametrize("width", [1, 2])
def test_lut_to_sparse(width):
    codes = generator.integers(0, 4, COUNT).astype(np.uint8)
    lut = generator.standard_normal((1, 1, 4, width)).astype(np.float16)
    mask = np.repeat(MASK, width, 0)
    dense = np.zeros(mask.shape, np.float16)
    for (i, j), code in zip(np.argwhere(MASK), codes):
        dense[i * width : (i + 1) * width, j] = lut[0, 0, code]
    arguments = {
        "indices_mask": mil.immediate(MASK, D.UINT1),
        "indices_nonzero_data": mil.immediate(codes, D.UINT2),
        "lut": lut,
    }
    if width > 1:
        arguments["vector_axis"] = 0
    results = [mil.TensorType(D.UINT1, mask.shape), tensor(np.float16, (COUNT * width,))]
    got_mask, got = decoded("constexpr_lut_to_sparse", arguments, results)
    same(got_mask, mask)
    same(got, dense[mask != 0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_sparse_blockwise_shift_scale(dtype):
    codes = generator.integers(-8, 8, COUNT).astype(np.int8)
    scale, offset = generator.uniform(0.1, 1, (2, 1)).astype(dtype), np.array([[1], [-2]], np.int8)
    dense = np.zeros(MASK.shape, np.float32)
    dense[MASK != 0] = codes
    dense = (dense - np.repeat(offset, 2, 0)) * np.repeat(scale, 2, 0).astype(np.float32)
    arguments = {
        "data_mask": mil.immediate(MASK, D.UINT1),
        "nonzero_data": mil.immediate(codes, D.INT4),
        "scale": scale,
        "offset": mil.immediate(offset, D.INT4),
    }
    results = [mil.TensorType(D.UINT1, MASK.shape), tensor(dtype, (COUNT,))]
    got_mask, got = decoded("constexpr_sparse_blockwise_shift_scale", arguments, results)
    same(got_mask, MASK)
    same(got, dense.astype(dtype)[MASK != 0])


def test_cast():
    values = generator.standard_normal((2, 3)).astype(np.float16)
    arguments = {"source_val": values, "output_dtype": "fp32"}
    (got,) = decoded("constexpr_cast", arguments, [tensor(np.float32, (2, 3))], attributes=True)
    same(got, values.astype(np.float32))


def test_weights_are_the_same_in_both_precisions():
    """What the file holds is float16: computing in float32 keeps its rounding."""
    arguments = {"data": np.arange(6, dtype=np.int8).reshape(2, 3), "scale": np.full((1, 1), 0.1, np.float16)}
    results = [tensor(np.float16, (2, 3))]
    (half,) = decoded("constexpr_blockwise_shift_scale", arguments, results)
    (wide,) = decoded("constexpr_blockwise_shift_scale", arguments, results, precision="float32")
    same(wide, half.astype(np.float32))


def test_compressed_forms_build_on_each_other():
    """Sparse and palettized: a table's entries at the places of a mask, then dense."""
    codes = generator.integers(0, 4, COUNT).astype(np.uint8)
    lut = generator.standard_normal((1, 1, 4, 1)).astype(np.float16)
    sparse = mil.Operation(
        "constexpr_lut_to_sparse",
        {
            "indices_mask": [mil.immediate(MASK, D.UINT1)],
            "indices_nonzero_data": [mil.immediate(codes, D.UINT2)],
            "lut": [mil.immediate(lut)],
        },
        [
            mil.NamedType("m", mil.TensorType(D.UINT1, (4, 6))),
            mil.NamedType("v", tensor(np.float16, (COUNT,))),
        ],
    )
    dense = mil.Operation(
        "constexpr_sparse_to_dense",
        {"nonzero_data": ["v"], "mask": ["m"]},
        [mil.NamedType("w", tensor(np.float16, (4, 6)))],
    )
    vector, result = tensor(np.float16, (6,)), tensor(np.float16, (4,))
    linear = mil.Operation("linear", {"x": ["x"], "weight": ["w"]}, [mil.NamedType("y", result)])
    x = generator.standard_normal(6).astype(np.float16)
    runner = Runner(model_of([mil.NamedType("x", vector)], [sparse, dense, linear], ["y"]))
    weight = np.zeros((4, 6), np.float32)
    weight[MASK != 0] = lut[0, 0, codes, 0]
    np.testing.assert_allclose(runner.predict(x)["y"], weight @ x.astype(np.float32), rtol=1e-3, atol=1e-3)


def load_counter(array):
    """A value in a file that counts how often it is read."""
    reads = []
    type = tensor(array.dtype, array.shape)

    def load(value):
        reads.append(value)
        return array

    return mil.BlobFileValue(type, "@model_path/weights/weight.bin", 64, load), reads


def test_weights_are_read_when_they_are_first_needed_and_once():
    value, reads = load_counter(np.arange(4, dtype=np.float32))
    constant = mil.Operation("const", outputs=[mil.NamedType("w", value.type)], attributes={"val": value})
    add = mil.Operation("add", {"x": ["x"], "y": ["w"]}, [mil.NamedType("y", value.type)])
    runner = Runner(model_of([mil.NamedType("x", value.type)], [constant, add], ["y"]))
    assert reads == []
    for _ in range(3):
        runner.predict(np.zeros(4, np.float32))
    assert len(reads) == 1


CODES = np.zeros((2, 2), np.uint8)
BYTES = np.zeros(9, np.uint8)


def ones(*shape):
    return np.ones(shape, np.float16)


@pytest.mark.parametrize(
    ("op", "text", "arguments"),
    [
        ("blockwise_shift_scale", "must divide", {"data": CODES, "scale": ones(3, 1)}),
        ("lut_to_dense", "rank 4", {"indices": CODES, "lut": ones(1, 4, 1)}),
        ("lut_to_dense", "4 entries", {"indices": CODES + np.uint8(4), "lut": ones(1, 1, 4, 1)}),
        ("lut_to_dense", "vector_axis", {"indices": CODES, "lut": ones(1, 1, 4, 2)}),
        ("lut_to_dense", "more bytes", {"indices": BYTES, "lut": ones(4), "shape": sizes(100, 100)}),
        ("lut_to_dense", "power of two", {"indices": BYTES, "lut": ones(3), "shape": sizes(3)}),
        ("lut_to_dense", "elements", {"indices": BYTES, "lut": ones(4), "shape": sizes(1 << 31, 1 << 31)}),
        ("sparse_to_dense", "0 places", {"nonzero_data": ones(3), "mask": CODES}),
        (
            "affine_dequantize",
            "along axis",
            {"quantized_data": CODES, "zero_point": np.uint8(0), "scale": ones(3), "axis": 0},
        ),
    ],
)
def test_forms_that_do_not_fit_are_refused(op, text, arguments):
    with pytest.raises(OpError, match=rf"in constexpr_{op}.*{text}"):
        decoded(f"constexpr_{op}", arguments, [tensor(np.float16, (2, 2))])
