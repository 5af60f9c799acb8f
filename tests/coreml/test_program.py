"""The data model of ML Programs: types, values, equality, and the text that programs print as."""

from __future__ import annotations

import numpy as np
import pytest

from rustorch.coreml.mil import program as mil
from rustorch.errors import ArgumentError, DTypeError

D = mil.DataType


@pytest.mark.parametrize(
    ("name", "bits", "array", "signed"),
    [
        ("bool", 8, np.bool_, False),
        ("fp16", 16, np.float16, True),
        ("fp64", 64, np.float64, True),
        ("bf16", 16, np.float32, True),
        ("fp8e5m2", 8, np.uint8, True),
        ("int4", 4, np.int8, True),
        ("uint1", 1, np.uint8, False),
        ("uint3", 3, np.uint8, False),
        ("uint6", 6, np.uint8, False),
        ("int64", 64, np.int64, True),
        ("uint64", 64, np.uint64, False),
    ],
)
def test_data_types(name, bits, array, signed):
    dtype = D(name)
    assert (dtype.bits, dtype.numpy_dtype, dtype.is_signed) == (bits, np.dtype(array), signed)
    assert dtype.is_sub_byte == (bits < 8)


def test_every_numpy_dtype_maps_back():
    for name in "bool float16 float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64".split():
        assert D.of_numpy(name).numpy_dtype == np.dtype(name)


@pytest.mark.parametrize(
    ("data", "dtype", "shape"),
    [
        (True, D.BOOL, ()),
        (3, D.INT32, ()),
        (0.5, D.FLOAT32, ()),
        ("same", D.STRING, ()),
        ([1, 2], D.INT32, (2,)),
        (["a", "bc"], D.STRING, (2,)),
        (np.zeros((2, 0), np.float16), D.FLOAT16, (2, 0)),
        (np.int64(5), D.INT64, ()),
    ],
)
def test_immediate_values_take_the_types_of_programs(data, dtype, shape):
    value = mil.immediate(data)
    assert value.type == mil.TensorType(dtype, shape)
    assert value.numpy().tolist() == np.asarray(data, dtype=value.numpy().dtype).tolist()


@pytest.mark.parametrize(
    ("data", "dtype", "error"),
    [
        (8, D.INT4, ArgumentError),
        (-1, D.UINT1, ArgumentError),
        (1 << 40, None, ArgumentError),
        (1j, None, DTypeError),
        (None, None, DTypeError),
    ],
)
def test_immediate_values_that_do_not_fit_are_refused(data, dtype, error):
    with pytest.raises(error, match="immediate: "):
        mil.immediate(data, dtype)


def test_tensors_compare_by_bits():
    def value(*items):
        return mil.immediate(np.array(items, np.float32))

    assert value(np.nan, 1) == value(np.nan, 1)
    assert value(0.0) != value(-0.0)
    assert value(1, 2) != value(1, 3)
    assert mil.immediate(1) != mil.immediate(1.0)
    in_file = mil.BlobFileValue(value(1, 2).type, "w", 64, lambda _: np.array([1, 2], np.float32))
    assert in_file == value(1, 2)
    assert value(1, 3) != in_file


def test_tensors_of_other_shapes_or_kinds_differ():
    one = mil.immediate([1.0, 2.0])
    assert one != mil.immediate([[1.0, 2.0]]) and one != mil.immediate([1, 2]) and one != [1.0, 2.0]
    assert mil.immediate(["a", "b"]) == mil.immediate(["a", "b"]) != mil.immediate(["a", "c"])


@pytest.mark.parametrize(
    ("shape", "rank", "count"), [((), 0, 1), ((2, 3), 2, 6), ((None, 3), 2, None), (None, None, None)]
)
def test_shapes_of_types(shape, rank, count):
    type = mil.TensorType(D.INT32, shape)
    assert type.rank == rank and type.is_static == (count is not None)
    if count is None:
        with pytest.raises(ValueError, match="sizes that are known at run time only"):
            _ = type.static_shape
    else:
        assert type.static_shape == shape and type.count == count


def test_vectors_of_strings():
    assert mil.strings(["a", "bc"]) == mil.immediate(["a", "bc"])
    assert mil.strings(iter([])).type == mil.TensorType(D.STRING, (0,))


def test_a_value_must_be_of_its_type():
    with pytest.raises(ArgumentError, match="needs an array of float16"):
        mil.TensorValue(mil.TensorType(D.FLOAT16, (2,)), np.zeros(2, np.float32))


def _conditional() -> mil.Program:
    scalar, vector = mil.TensorType(D.FLOAT32), mil.TensorType(D.FLOAT32, (2,))
    constant = mil.Operation(
        "const",
        outputs=[mil.NamedType("c", vector)],
        attributes={"val": mil.immediate([1.0, -np.inf])},
    )
    branch = mil.Block([], ["c"], [constant])
    cond = mil.Operation(
        "cond",
        {"pred": ["p"], "rest": ["a", mil.immediate(2.5)]},
        [mil.NamedType("y", vector)],
        [branch, mil.Block([], ["x"], [])],
        {"name": mil.immediate("y")},
    )
    inputs = [mil.NamedType("p", mil.TensorType(D.BOOL)), mil.NamedType("x", vector)]
    inputs.append(mil.NamedType("a", scalar))
    function = mil.Function(inputs, "CoreML7", {"CoreML7": mil.Block([], ["y"], [cond])})
    return mil.Program({"main": function})


def test_programs_print_as_text_and_compare():
    assert str(_conditional()) == (
        "program(1.0)\n"
        "{\n"
        "    func main<CoreML7>(bool p, tensor<fp32, [2]> x, fp32 a) {\n"
        "        tensor<fp32, [2]> y = cond(pred = p, rest = (a, fp32(0x1.4000000000000p+1)))"
        '[name = string("y")]\n'
        "            () {\n"
        "                tensor<fp32, [2]> c = const()"
        "[val = tensor<fp32, [2]>([0x1.0000000000000p+0, -inf])];\n"
        "            } -> (c),\n"
        "            () {\n"
        "            } -> (x);\n"
        "    } -> (y);\n"
        "}"
    )
    other = _conditional()
    assert _conditional() == other
    other.functions["main"].block.operations[0].blocks[0].operations[0].attributes["val"] = mil.immediate(
        [1.0, np.inf]
    )
    assert _conditional() != other


def test_the_default_function_and_its_interface():
    array = mil.ArrayFeatureType(D.FLOAT32, (2,))
    description = mil.ModelDescription([mil.FeatureDescription("x", array)])
    model = mil.Model(8, description, _conditional())
    assert model.default_function is model.functions["main"]
    assert description.function().inputs == description.inputs
    with pytest.raises(KeyError):
        description.function("other")
    described = mil.FunctionDescription("other", [mil.FeatureDescription("z", array)])
    several = mil.ModelDescription(functions=[described], default_function_name="other")
    assert several.function() is described
