"""What programs may hold that converters never write: refused by name, or meaning what it says."""

from __future__ import annotations

import numpy as np
import pytest

from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil import program as mil
from rustorch.errors import ArgumentError, DTypeError, OpError, OutOfRangeError, RustorchError

from .mil_build import model_of, run_op

D = mil.DataType
F4 = mil.TensorType(D.FLOAT32, (4,))
BOOL = mil.TensorType(D.BOOL)
STATE = mil.StateType(F4)
X = np.array([1, -2, 3, 0.5], np.float32)


def named(name, type=F4):
    return mil.NamedType(name, type)


def step(op, out, blocks=(), **bindings):
    """An operation; strings are names, lists are several arguments, the rest stands in place."""
    values = {
        key: [
            v if isinstance(v, (str, mil.ListValue, mil.TensorValue)) else mil.immediate(v)
            for v in (value if isinstance(value, list) else [value])
        ]
        for key, value in bindings.items()
    }
    return mil.Operation(
        op, values, [o if isinstance(o, mil.NamedType) else named(o) for o in out], list(blocks)
    )


text = mil.immediate


def program(steps, outputs, **inputs):
    return model_of([named(name, type) for name, type in (inputs or {"x": F4}).items()], steps, outputs)


NUMBERS = mil.ListValue(mil.ListType(mil.TensorType(D.INT32), 2), (mil.immediate(1), mil.immediate(2)))
PAIR = [named("a"), named("b")]
ONE_BOOL = [step("identity", [named("more", BOOL)], x=True)]
LOOP = {"more": mil.Block([named("v")], ["more"], ONE_BOOL), "same": mil.Block([named("w")], ["w"], [])}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([step("relu", ["y"], x=NUMBERS)], r"in relu 'y': .*x needs a tensor; got list<int32, 2>"),
        ([step("relu", ["y"], x=["x", "x"])], "in relu 'y': .*x takes one value; got 2"),
        ([step("relu", ["y"], x="s")], "in relu 'y': .*a state can only be read and written; got 's'"),
        ([step("relu", ["y"], x="text")], "tensors of this type are not supported; got string"),
        ([step("clip", ["y"], x="x", alpha=text([0.5, 1.0]), beta=2.0)], "one value is needed; got 2 values"),
        ([step("clip", ["y"], x="x", alpha="text", beta=2.0)], "a number is needed; got str"),
        ([step("gelu", ["y"], x="x", mode=1.5)], "a string is needed; got float"),
        ([step("softmax", ["y"], x="x", axis=0.5)], r"an integer is needed; got 0\.5"),
        (
            [step("read_state", ["y"], input="x")],
            "in read_state 'y': .*input must be a state of the function",
        ),
        (
            [step("while_loop", ["y"], [LOOP["more"], LOOP["same"]], loop_vars=["x", "x"])],
            "2 variables, 1 and 1 inputs, 1 results",
        ),
        (
            [
                step(
                    "while_loop",
                    ["y"],
                    [mil.Block([named("v")], ["more", "v"], ONE_BOOL), LOOP["same"]],
                    loop_vars=["x"],
                )
            ],
            "the condition needs one result; got 2",
        ),
    ],
)
def test_arguments_of_another_kind(steps, message):
    steps = [
        mil.Operation("const", {}, [named("text", mil.TensorType(D.STRING))], [], {"val": text("a")}),
        *steps,
    ]
    runner = Runner(program(steps, ["y"], x=F4, s=STATE))
    with pytest.raises(RustorchError, match=message):
        runner.predict({"x": X}, state=runner.make_state())


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (
            [step("cond", [*PAIR], [mil.Block([], ["x"], []), mil.Block([], ["x"], [])], pred=True)],
            "in cond 'a, b': .*2 results are declared; got 1",
        ),
        (
            [step("cond", ["a"], [mil.Block([], ["x"], []), mil.Block([], ["x"], [])], pred="x")],
            "in cond 'a': .*one bool is needed",
        ),
        ([step("relu", PAIR, x="x")], "in relu 'a, b': .*2 results are declared; got 1"),
        (
            [step("classify", PAIR, probabilities="x", classes=NUMBERS)],
            "in classify 'a, b': .*2 classes need as many probabilities; got 4",
        ),
        (
            [
                step("make_list", [named("ls", mil.ListType(F4))], init_length=2, elem_shape=[4]),
                step(
                    "list_scatter", [named("a", mil.ListType(F4))], ls="ls", indices=text([0, 1]), value="x"
                ),
            ],
            r"in list_scatter 'a': .*value needs 2 slices; got \[4\]",
        ),
        ([step("pixel_shuffle", ["a"], x="x", upscale_factor=0)], "in pixel_shuffle 'a': "),
    ],
)
def test_results_of_another_kind(steps, message):
    runner = Runner(program(steps, ["a"]))
    with pytest.raises(RustorchError, match=message):
        runner.predict({"x": X})


def test_a_compressed_constant_with_results_that_it_has_not():
    declared = [named("a", mil.TensorType(D.FLOAT32, ())), named("b", mil.TensorType(D.FLOAT32, ()))]
    cast = step("constexpr_cast", declared, source_val=np.float16(1), output_dtype=text("fp32"))
    with pytest.raises(OpError, match="in constexpr_cast 'a': 1 results; got 2 declared"):
        Runner(program([cast, step("add", ["y"], x="x", y="a")], ["y"])).predict({"x": X})


def test_a_state_is_a_tensor():
    state = mil.StateType(mil.ListType(F4))
    with pytest.raises(ArgumentError, match=r"a state must be a tensor; got state<list<.*>>"):
        Runner(program([], [], s=state))


def test_an_input_is_a_tensor():
    with pytest.raises(DTypeError, match=r"input 'x' must be a tensor; got list<tensor<fp32, \[4\]>, \?>"):
        Runner(
            program(
                [step("list_length", [named("n", mil.TensorType(D.INT32))], ls="x")],
                ["n"],
                x=mil.ListType(F4),
            )
        )


def test_states_can_be_results_and_not_be_removed():
    steps = [
        step("read_state", ["old"], input="s"),  # which nobody reads
        step("write_state", ["written"], input="s", data="x"),
        step("relu", ["y"], x="written"),
    ]
    runner = Runner(program(steps, ["y", "s"], x=F4, s=STATE))
    state = runner.make_state()
    results = runner.predict({"x": X}, state=state)
    assert np.array_equal(results["y"], np.maximum(X, 0)) and np.array_equal(results["s"], X)
    results["s"][:] = 0
    assert np.array_equal(state["s"].numpy(), X)
    with pytest.raises(ArgumentError, match="states cannot be removed; got s"):
        del state["s"]


def test_constants_that_are_no_tensors_can_be_results():
    key, number = mil.TensorType(D.STRING), mil.TensorType(D.INT32)
    ages = mil.DictionaryValue(
        mil.DictionaryType(key, number), ((text("Ann"), mil.immediate(41)), (text("Bo"), mil.immediate(7)))
    )
    constants = [
        mil.Operation("const", {}, [named(name, value.type)], [], {"val": value})
        for name, value in {"ages": ages, "numbers": NUMBERS}.items()
    ]
    assert Runner(model_of([], constants, ["ages", "numbers"])).predict({}) == {
        "ages": {"Ann": 41, "Bo": 7},
        "numbers": [1, 2],
    }


def test_a_number_may_be_a_compressed_constant_or_stand_in_brackets():
    low = step(
        "constexpr_cast",
        [named("low", mil.TensorType(D.FLOAT32, (1, 1)))],
        source_val=np.full((1, 1), -1, np.float16),
        output_dtype=text("fp32"),
    )
    runner = Runner(program([low, step("clip", ["y"], x="x", alpha="low", beta=text([[2.0]]))], ["y"]))
    assert np.array_equal(runner.predict(X)["y"], np.clip(X, -1, 2))


UNSIGNED = [D.UINT8, D.UINT16, D.UINT32, D.UINT64]


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_unsigned_integers_come_in_and_out_as_they_are(dtype):
    type = mil.TensorType(dtype, (3,))
    most = 2 ** min(dtype.bits, 63) - 1
    x = np.array([0, 1, most], dtype.numpy_dtype)
    constant = mil.Operation(
        "const", {}, [named("c", type)], [], {"val": mil.TensorValue(type, x[::-1].copy())}
    )
    runner = Runner(program([constant, step("identity", [named("y", type)], x="x")], ["y", "c"], x=type))
    results = runner.predict(x)
    assert results["y"].dtype == results["c"].dtype == x.dtype
    assert results["y"].tolist() == x.tolist() and results["c"].tolist() == x.tolist()[::-1]


@pytest.mark.parametrize("dtype", [D.INT32, D.INT64, D.UINT64])
def test_integers_that_do_not_fit_are_refused(dtype):
    """Wrapped around, the greatest number of 64 bits would be -1."""
    type = mil.TensorType(dtype, (1,))
    runner = Runner(program([step("identity", [named("y", type)], x="x")], ["y"], x=type))
    assert runner.predict(np.array([7], np.uint64))["y"].tolist() == [7]
    with pytest.raises(ArgumentError, match=r"input 'x' holds .* to"):
        runner.predict(np.array([2**64 - 1], np.uint64))


def test_a_gray_image_is_pixels():
    type = mil.TensorType(D.FLOAT32, (1, 1, 2, 3))
    feature = mil.FeatureDescription("x", mil.ImageFeatureType(3, 2, "GRAYSCALE"))
    steps = [step("mul", [named("y", type)], x="x", y=2.0)]
    model = model_of([named("x", type)], steps, ["y"], mil.ModelDescription([feature]))
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(Runner(model).predict(pixels)["y"], pixels[None, None] * 2.0)


# ---- Single operations ----

IMAGE = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
CORNERS = {"sampling_mode": "ALIGN_CORNERS", "box_coordinate_mode": "CORNERS_HEIGHT_FIRST"}
TARGET = {"target_height": 2, "target_width": 2}


@pytest.mark.parametrize(
    ("op", "arguments", "error", "message"),
    [
        ("crop", {"x": IMAGE, "crop_height": [2, 2], "crop_width": [0, 0]}, OpError, "cannot crop 3 x 4"),
        ("crop", {"x": IMAGE, "crop_height": [-1, 0], "crop_width": [0, 0]}, OpError, "cannot crop 3 x 4"),
        (
            "crop_resize",
            {"x": IMAGE[0], "boxes": np.zeros((1, 4), np.float32), **TARGET, **CORNERS},
            OpError,
            r"needs \(N, C, H, W\); got \[2, 3, 4\]",
        ),
        (
            "crop_resize",
            {"x": IMAGE, **TARGET, **CORNERS},
            OpError,
            r"roi needs \(N, 1, 4 or 5, 1, 1\); got None",
        ),
        (
            "crop_resize",
            {
                "x": IMAGE, "boxes": np.zeros((2, 4), np.float32), "box_indices": np.array([0, 1], np.int32),
                **TARGET, **CORNERS,
            },
            OutOfRangeError,
            r"box_indices must be from 0 to 0; got \[0, 1\]",
        ),
        (
            "gather",
            {"x": IMAGE[0, 0], "indices": np.zeros((3, 1), np.int32), "axis": 0, "batch_dims": 1},
            ArgumentError,
            "axis must be behind the batch dims; got 0 and 1",
        ),
        (
            "lstm",
            {
                "x": np.zeros((2, 1, 3), np.float32), "initial_h": np.zeros((1, 4), np.float32),
                "initial_c": np.zeros((1, 4), np.float32), "weight_ih": np.zeros((8, 3), np.float32),
                "weight_hh": np.zeros((8, 2), np.float32), "direction": "bidirectional",
            },
            ArgumentError,
            "bidirectional needs weight_ih_back and weight_hh_back",
        ),
        ("flatten2d", {"x": IMAGE, "axis": 5}, OutOfRangeError, "axis is outside of -4 to 4; got 5"),
        ("flatten2d", {"x": IMAGE, "axis": -5}, OutOfRangeError, "axis is outside of -4 to 4; got -5"),
        (
            "quantize",
            {"input": X, "scale": np.float32(0.5), "output_dtype": "int4"},
            ArgumentError,
            "unknown output_dtype; got int4; try int8 or uint8",
        ),
        (
            "random_categorical",
            {"x": IMAGE[0, 0], "mode": "odds", "size": 2},
            ArgumentError,
            "unknown mode; got odds; try logits or probs",
        ),
        (
            "non_maximum_suppression",
            {
                "boxes": np.zeros((1, 0, 4), np.float32), "scores": np.zeros((1, 0, 2), np.float32),
                "iou_threshold": 0.5, "max_boxes": 3,
            },
            OpError,
            "needs one box at least",
        ),
        (
            "constexpr_blockwise_shift_scale",
            {
                "data": np.zeros((2, 2), np.int8), "scale": np.ones((1, 2), np.float16),
                "offset": np.zeros((2, 1), np.int8),
            },
            OpError,
            r"offset needs the shape of scale; got \[2, 1\]",
        ),
    ],
)  # fmt: skip
def test_operations_that_cannot_be(op, arguments, error, message):
    fixed = tuple(arguments) if op.startswith("constexpr") else ()
    with pytest.raises(error, match=f"in {op} .*{message}"):
        run_op(op, arguments, [np.zeros(1, np.float32)], fixed=fixed)


MODES = ["ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "STRICT_ALIGN_CORNERS", "UNALIGN_CORNERS"]


def places(size, count, mode):
    """Where along a dim results are read, by MIL's definition of the modes."""
    i = np.arange(count)
    if mode.endswith("ALIGN_CORNERS") and not mode.startswith("UN"):
        return i * ((size - 1) / (count - 1))
    if mode == "DEFAULT":
        found = i * size / count
    elif mode == "OFFSET_CORNERS":
        found = (i + 0.5) * (size - 1) / count
    else:
        found = (i + 0.5) * size / count - 0.5
    return np.clip(found, 0, size - 1)


@pytest.mark.parametrize("mode", MODES)
def test_a_vector_is_resized(mode):
    """Without a dim before the one that changes."""
    (y,) = run_op(
        "resize",
        {"x": X, "shape": [7], "resized_dims": 1, "interpolation_mode": "LINEAR", "sampling_mode": mode},
        [np.zeros(7, np.float32)],
    )
    np.testing.assert_allclose(y, np.interp(places(4, 7, mode), np.arange(4), X), rtol=1e-6)


@pytest.mark.parametrize("mode", ["reduce_sum", "reduce_max", "reduce_sum_square"])
@pytest.mark.parametrize("keep", [False, True])
def test_a_scalar_is_reduced_to_itself(mode, keep):
    x = np.array(3, np.float32)
    (y,) = run_op(mode, {"x": x, "keep_dims": keep}, [x])
    assert y.shape == () and y == (9 if mode == "reduce_sum_square" else 3)


def test_indices_that_name_nothing():
    none = np.zeros((0,), np.int32)
    (y,) = run_op("gather", {"x": IMAGE[0, 0], "indices": none, "axis": 1}, [np.zeros((3, 0), np.float32)])
    assert y.shape == (3, 0)


def test_a_sequence_without_steps():
    weights = {"weight_ih": np.ones((4, 3), np.float32), "weight_hh": np.ones((4, 4), np.float32)}
    h = np.arange(4, dtype=np.float32)[None]
    y, last = run_op(
        "rnn",
        {"x": np.zeros((0, 1, 3), np.float32), "initial_h": h, **weights, "output_sequence": True},
        [np.zeros((0, 1, 4), np.float32), h],
    )
    assert y.shape == (0, 1, 4) and np.array_equal(last, h)


@pytest.mark.parametrize("mode", ["reflect", "replicate"])
def test_only_one_dim_is_padded(mode):
    arguments = {"x": IMAGE[0, 0], "pad": [1, 2, 0, 0], "mode": mode}
    want = np.pad(IMAGE[0, 0], [(1, 2), (0, 0)], "reflect" if mode == "reflect" else "edge")
    assert np.array_equal(run_op("pad", arguments, [want])[0], want)
