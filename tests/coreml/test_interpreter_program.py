"""What a runner takes, gives, and refuses: inputs, functions, classifiers, broken programs."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil import program as mil
from rustorch.errors import ArgumentError, DTypeError, OpError, OutOfRangeError, UnsupportedOperation

from .mil_build import model_of

D = mil.DataType
F4 = mil.TensorType(D.FLOAT32, (4,))
X = np.array([1, -2, 3, 0.5], np.float32)


def op(kind, out, type=F4, **inputs):
    """An operation; strings are names, all else constants in place."""
    constants = (str, mil.TensorValue)
    bindings = {k: [v if isinstance(v, constants) else mil.immediate(v)] for k, v in inputs.items()}
    return mil.Operation(kind, bindings, [mil.NamedType(out, type)])


def unary(kind="relu", type=F4, feature=None, **inputs):
    """A model of one operation on the input x."""
    description = mil.ModelDescription()
    if feature is not None:
        description.inputs = [feature]
    return model_of([mil.NamedType("x", type)], [op(kind, "y", type, x="x", **inputs)], ["y"], description)


def array_feature(optional=False, **options):
    return mil.FeatureDescription("x", mil.ArrayFeatureType(D.FLOAT32, **options), optional=optional)


def test_arrays_in_arrays_out_and_tensors_in_tensors_out():
    runner = Runner(unary())
    by_name, by_position = runner.predict({"x": X})["y"], runner.predict(X)["y"]
    assert isinstance(by_name, np.ndarray)
    assert np.array_equal(by_name, np.maximum(X, 0))
    assert np.array_equal(by_position, by_name)
    tensor = runner.predict(rt.tensor(X))["y"]
    assert isinstance(tensor, rt.Tensor)
    assert np.array_equal(tensor.numpy(), by_name)
    assert runner.predict([1, -1, 2, -2])["y"].tolist() == [1, 0, 2, 0]
    assert (runner.input_names, runner.output_names, runner.state_names) == (["x"], ["y"], [])


@pytest.mark.parametrize(
    "value",
    [
        X.astype(np.float64),
        X.astype(np.float16),
        X.astype(">f4"),
        np.repeat(X, 2)[::2],
        X[::-1][::-1],
        rt.tensor(X).double(),
    ],
    ids=["float64", "float16", "big endian", "strided", "reversed", "tensor"],
)
def test_layouts_and_widths_of_inputs(value):
    assert np.array_equal(np.asarray(Runner(unary()).predict({"x": value})["y"]), np.maximum(X, 0))


def test_read_only_inputs_stay_as_they_are_and_outputs_can_be_written():
    frozen = X.copy()
    frozen.setflags(write=False)
    y = Runner(unary("identity")).predict({"x": frozen})["y"]
    y[:] = 0
    assert np.array_equal(frozen, X)


def test_outputs_share_no_memory_with_constants():
    constant = mil.Operation("const", outputs=[mil.NamedType("c", F4)], attributes={"val": mil.immediate(X)})
    runner = Runner(model_of([], [constant], ["c"]))
    runner.predict({})["c"][:] = 0
    assert np.array_equal(runner.predict({})["c"], X)


@pytest.mark.parametrize(
    ("inputs", "error", "text"),
    [
        ({}, ArgumentError, r"lacks the inputs \['x'\]"),
        ({"x": X, "z": X}, ArgumentError, r"takes no inputs \['z'\]"),
        ({"x": X[:3]}, ArgumentError, r"input 'x' has shape \[4\]; got \[3\]"),
        ({"x": X[None]}, ArgumentError, r"has shape \[4\]"),
        ({"x": np.array(["a"] * 4)}, DTypeError, "needs numbers"),
        ({"x": X.astype(np.complex64)}, DTypeError, "needs numbers"),
    ],
)
def test_inputs_that_do_not_fit(inputs, error, text):
    with pytest.raises(error, match=text):
        Runner(unary()).predict(inputs)


def test_too_many_inputs_by_position():
    with pytest.raises(ArgumentError, match="takes 1 inputs"):
        Runner(unary()).predict(X, X)
    with pytest.raises(ArgumentError, match="all by position"):
        Runner(unary()).predict({"x": X}, X)


@pytest.mark.parametrize(
    ("dtype", "good", "bad", "error"),
    [
        (D.INT32, np.array([1, 2, 3, 4]), X, DTypeError),
        (D.INT32, np.array([True] * 4), np.full(4, 1 << 40), ArgumentError),
        (D.UINT8, np.array([0, 255, 1, 2]), np.array([0, 256, 1, 2]), ArgumentError),
        (D.INT8, np.array([-128, 127, 1, 2]), np.array([-129, 0, 1, 2]), ArgumentError),
        (D.BOOL, np.array([True, False, True, True]), np.array([1, 0, 1, 1]), DTypeError),
    ],
)
def test_dtypes_of_inputs(dtype, good, bad, error):
    runner = Runner(unary("identity", mil.TensorType(dtype, (4,))))
    y = runner.predict(good)["y"]
    assert y.dtype == dtype.numpy_dtype
    assert np.array_equal(y, good)
    with pytest.raises(error, match="input 'x'"):
        runner.predict(bad)


ANY = mil.TensorType(D.FLOAT32, (None,))


@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ({"shape": (4,), "enumerated_shapes": ((4,), (8,))}, [4, 8], [5, 0]),
        ({"shape": (4,), "shape_range": (mil.SizeRange(2, 6),)}, [2, 6], [1, 7]),
        ({"shape": (4,), "shape_range": (mil.SizeRange(2, None),)}, [2, 600], [1]),
    ],
    ids=["enumerated", "ranged", "open"],
)
def test_flexible_shapes(options, good, bad):
    runner = Runner(unary(type=ANY, feature=array_feature(**options)))
    for size in good:
        assert runner.predict(np.ones(size, np.float32))["y"].shape == (size,)
    for size in bad:
        with pytest.raises(ArgumentError, match="input 'x' takes"):
            runner.predict(np.ones(size, np.float32))


def test_optional_inputs_have_a_default():
    runner = Runner(unary(feature=array_feature(optional=True, shape=(4,), default=2.5)))
    assert runner.predict({})["y"].tolist() == [2.5] * 4
    assert runner.predict({"x": X})["y"].tolist() == np.maximum(X, 0).tolist()


@pytest.mark.parametrize(("space", "order"), [("RGB", [0, 1, 2]), ("BGR", [2, 1, 0])])
def test_images_are_pixels(space, order):
    feature = mil.FeatureDescription("x", mil.ImageFeatureType(3, 2, space))
    runner = Runner(unary("identity", mil.TensorType(D.FLOAT32, (1, 3, 2, 3)), feature))
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    planes = pixels.transpose(2, 0, 1)[None].astype(np.float32)[:, order]
    assert np.array_equal(runner.predict(pixels)["y"], planes)
    assert np.array_equal(runner.predict(planes)["y"], planes)


def test_several_functions():
    double = mil.Function(
        [mil.NamedType("x", F4)],
        "CoreML8",
        {"CoreML8": mil.Block(outputs=["y"], operations=[op("mul", "y", x="x", y=2.0)])},
    )
    model = unary()
    model.program.functions["double"] = double
    assert np.array_equal(Runner(model, "double").predict(X)["y"], 2 * X)
    assert np.array_equal(Runner(model).predict(X)["y"], np.maximum(X, 0))
    model.description.default_function_name = "double"
    assert np.array_equal(Runner(model).predict(X)["y"], 2 * X)
    with pytest.raises(ArgumentError, match="no such function; got 'triple'; try main, double"):
        Runner(model, "triple")


@pytest.mark.parametrize("labels", [["cat", "dog", "owl", "fly"], [10, 20, 30, 40]])
def test_classifiers_give_a_label_and_probabilities(labels):
    values = tuple(mil.immediate(label) for label in labels)
    classes = mil.ListValue(mil.ListType(values[0].type, 4), values)
    key = mil.TensorType(D.STRING if isinstance(labels[0], str) else D.INT64)
    step = mil.Operation(
        "classify",
        {"probabilities": ["x"], "classes": [classes]},
        [
            mil.NamedType("label", key),
            mil.NamedType("odds", mil.DictionaryType(key, mil.TensorType(D.FLOAT64))),
        ],
    )
    model = model_of([mil.NamedType("x", F4)], [step], ["label", "odds"])
    result = Runner(model).predict(X)
    assert result["label"] == labels[2]
    assert result["odds"] == dict(zip(labels, X.tolist()))


def test_half_precision_rounds_after_each_operation():
    half = mil.TensorType(D.FLOAT16, (1,))
    steps = [op("add", "a", half, x="x", y=np.float16(1)), op("sub", "b", half, x="a", y=np.float16(1))]
    model = model_of([mil.NamedType("x", half)], steps, ["b"])
    small = np.array([1e-4], np.float16)
    rounded = Runner(model).predict(small)["b"]
    assert rounded.dtype == np.float16
    assert rounded == 0
    kept = Runner(model, precision="float32").predict(small)["b"]
    assert kept.dtype == np.float32
    assert abs(kept - 1e-4) < 1e-6


@pytest.mark.parametrize(("kind", "at_zero"), [("log", -np.inf), ("rsqrt", np.inf), ("inverse", 1 / 1e-4)])
def test_defaults_of_epsilon_are_of_the_type_of_x(kind, at_zero):
    """1e-45 and 1e-12 are 0 in float16."""
    runner = Runner(unary(kind, mil.TensorType(D.FLOAT16, (1,))))
    np.testing.assert_allclose(runner.predict(np.zeros(1, np.float16))["y"], [at_zero], rtol=2e-3)


def test_values_are_freed_after_their_last_use():
    steps = [op("add", "v0", x="x", y=1.0)]
    steps += [op("add", f"v{i}", x=f"v{i - 1}", y=1.0) for i in range(1, 20)]
    big = mil.TensorType(D.FLOAT32, (1 << 18,))
    for step in steps:
        step.outputs = [mil.NamedType(step.outputs[0].name, big)]
    runner = Runner(model_of([mil.NamedType("x", big)], steps, ["v19"]))
    x = rt.zeros(1 << 18)
    runner.predict(x)
    rt.cpu.reset_peak_memory_stats()
    before = rt.cpu.memory_stats()["allocated"]
    runner.predict(x)
    peak = rt.cpu.memory_stats()["peak_allocated"]
    assert peak - before < 4 * (1 << 20)


def test_a_runner_goes_when_nobody_holds_it():
    runner = Runner(unary())
    runner.predict(X)
    reference = weakref.ref(runner)
    del runner
    gc.collect()
    assert reference() is None


# Broken and hostile programs.


def test_unknown_operations_are_all_named():
    steps = [op("frobnicate", "a", x="x"), op("relu", "b", x="a"), op("transmogrify", "c", x="b")]
    with pytest.raises(UnsupportedOperation, match="frobnicate, transmogrify"):
        Runner(model_of([mil.NamedType("x", F4)], steps, ["c"]))


FP32 = mil.immediate("fp32")


@pytest.mark.parametrize(
    ("steps", "outputs", "text"),
    [
        ([op("relu", "y", x="nobody")], ["y"], "relu 'y' uses a value that is not defined; got 'nobody'"),
        ([op("relu", "y", x="y")], ["y"], "not defined"),
        ([op("relu", "x", x="x")], ["x"], "defined twice; got 'x'"),
        ([op("relu", "y", x="x")], ["z"], "results of a block uses a value that is not defined"),
        ([op("relu", "y")], ["y"], r"relu 'y' lacks \['x'\]"),
        ([op("relu", "y", x="x", alpha=1.0)], ["y"], r"does not take \['alpha'\]"),
        ([mil.Operation("const", outputs=[mil.NamedType("y", F4)])], ["y"], "needs one result and a value"),
        ([op("cond", "y", pred=True)], ["y"], "has 0 blocks"),
        (
            [op("constexpr_cast", "y", source_val="x", output_dtype=mil.immediate("fp32"))],
            ["y"],
            "needs constants",
        ),
    ],
)
def test_programs_that_make_no_sense(steps, outputs, text):
    with pytest.raises(ArgumentError, match=text):
        Runner(model_of([mil.NamedType("x", F4)], steps, outputs))


def test_blocks_nested_without_end():
    block = mil.Block([], ["x"], [])
    for i in range(200):
        block = mil.Block(
            [],
            [f"y{i}"],
            [
                mil.Operation(
                    "cond",
                    {"pred": [mil.immediate(True)]},
                    [mil.NamedType(f"y{i}", F4)],
                    [block, mil.Block([], ["x"], [])],
                )
            ],
        )
    model = model_of([mil.NamedType("x", F4)], block.operations, block.outputs)
    with pytest.raises(ArgumentError, match="more than 64 deep"):
        Runner(model)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (op("fill", "y", shape=[1 << 20, 1 << 20]), OpError),
        (op("fill", "y", shape=[-1, 4]), OpError),
        (op("tile", "y", x="x", reps=[1 << 30]), OpError),
        (op("tile", "y", x="x", reps=[-1]), OpError),
        (op("range_1d", "y", start=0.0, end=1e30, step=1e-3), OpError),
        (op("range_1d", "y", start=0.0, end=1.0, step=0.0), ArgumentError),
        (op("one_hot", "y", indices=[1, 2], one_hot_vector_size=(1 << 31) - 1), OpError),
        (op("pad", "y", x="x", pad=[(1 << 31) - 1, (1 << 31) - 1]), OpError),
        (op("pad", "y", x="x", pad=[4, 0], mode=mil.immediate("reflect")), OpError),
        (op("reshape", "y", x="x", shape=[3]), RuntimeError),
        (op("slice_by_index", "y", x="x", begin=[9], end=[0], squeeze_mask=[True]), OutOfRangeError),
        (op("slice_by_index", "y", x="x", begin=[0, 0], end=[1, 1]), ArgumentError),
        (op("slice_by_index", "y", x="x", begin=[0], end=[1], stride=[0]), ArgumentError),
        (op("gather", "y", x="x", indices=[4]), OutOfRangeError),
        (op("gather", "y", x="x", indices=[-5]), OutOfRangeError),
        (op("gather_nd", "y", x="x", indices=[[7]]), OutOfRangeError),
        (
            op(
                "scatter_nd",
                "y",
                data="x",
                indices=[[7]],
                updates=np.zeros(1, np.float32),
            ),
            OutOfRangeError,
        ),
        (op("split", "y", x="x", num_splits=3, axis=0), ArgumentError),
        (op("transpose", "y", x="x", perm=[0, 1]), RuntimeError),
        (op("conv", "y", x="x", weight=np.zeros((1, 1, 1), np.float32)), OpError),
        (op("squeeze", "y", x="x", axes=[3]), OpError),
        (op("slice_by_size", "y", x="x", begin=[0, 0], size=[1, 1]), ArgumentError),
        (op("crop", "y", x="x", crop_height=[1], crop_width=[1, 1]), OpError),
        (op("dequantize", "y", input="x", scale=[1.0, 2.0], axis=5), OpError),
        (op("batch_to_space", "y", x="x", block_shape=[2, 2], crops=[0, 0]), ArgumentError),
        (op("cumsum", "y", x="x", axis=1), IndexError),
        (op("gelu", "y", x="x", mode=mil.immediate("FAST")), ArgumentError),
        (op("matmul", "y", x="x", y=np.zeros((3, 3), np.float32)), RuntimeError),
        (op("floor_div", "y", mil.TensorType(D.INT32), x=1, y=0), RuntimeError),
        (op("relu", "y", mil.TensorType(D.FLOAT32, (5,)), x="x"), OpError),
        (op("softmax", "y", x="x", axis=3), IndexError),
        (op("softmax", "y", x="x", axis=mil.immediate("last")), TypeError),
        (op("clip", "y", x="x", alpha=[1.0, 2.0], beta=3.0), ArgumentError),
    ],
    ids=lambda value: f"{value.type}" if isinstance(value, mil.Operation) else "",
)
def test_operations_that_cannot_work_say_so(step, error):
    runner = Runner(model_of([mil.NamedType("x", F4)], [step], ["y"]))
    with pytest.raises(error, match=f"in {step.type} 'y': ") as caught:
        runner.predict({"x": X})
    assert isinstance(caught.value, rt.errors.RustorchError)


def test_precision_is_checked():
    with pytest.raises(ArgumentError, match="unknown precision; got int8; try float16 or float32"):
        Runner(unary(), precision="int8")


def test_a_declared_result_of_absurd_size_is_refused_at_once():
    step = op("fill", "y", mil.TensorType(D.FLOAT32, (1 << 20, 1 << 20)), shape=[1 << 20, 1 << 20])
    with pytest.raises(OpError, match="fill 'y': more than 2147483648 elements"):
        Runner(model_of([], [step], ["y"]))


def test_a_tensor_of_weights_is_not_read_as_a_list_of_numbers():
    large = mil.immediate(np.zeros(1 << 21, np.int32))
    runner = Runner(model_of([mil.NamedType("x", F4)], [op("reshape", "y", x="x", shape=large)], ["y"]))
    with pytest.raises(ArgumentError, match="shape takes 1048576 numbers at most; got 2097152"):
        runner.predict(X)


def test_a_loop_that_doubles_a_tensor_without_end():
    """It fails by its size long before it has gone round often."""
    any_size = mil.TensorType(D.FLOAT32, (None,))
    true = op("identity", "more", mil.TensorType(D.BOOL), x=True)
    join = mil.Operation(
        "concat", {"values": ["b"] * 256, "axis": [mil.immediate(0)]}, [mil.NamedType("c", any_size)]
    )
    loop = mil.Operation(
        "while_loop",
        {"loop_vars": ["x"]},
        [mil.NamedType("y", any_size)],
        [
            mil.Block([mil.NamedType("a", any_size)], ["more"], [true]),
            mil.Block([mil.NamedType("b", any_size)], ["c"], [join]),
        ],
    )
    runner = Runner(model_of([mil.NamedType("x", any_size)], [loop], ["y"]))
    with pytest.raises(OpError, match="in concat 'c': concat: more than"):
        runner.predict(np.ones(2, np.float32))
