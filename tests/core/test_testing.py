"""rustorch.testing: what is close, what the error says, and tensors made for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.testing import assert_close, make_tensor

NAN, INF = float("nan"), float("inf")

CLOSE: list[tuple[Any, Any, dict[str, Any]]] = [
    (1, 1, {}),
    (1, 1.0, {"check_dtype": False}),
    (1.0, 1.0 + 1e-8, {}),
    (1.0, 1.5, {"rtol": 0.0, "atol": 0.6}),
    (None, None, {}),
    ([], (), {}),
    ((1, [rt.ones(2)]), [1, (rt.ones(2),)], {}),
    ({"a": rt.ones(2), "b": 1j}, {"b": 1j, "a": rt.ones(2)}, {}),
    (rt.ones(0), rt.ones(0), {}),
    (rt.tensor([1.0, INF, -INF]), rt.tensor([1 + 1e-6, INF, -INF]), {}),
    (rt.tensor([1.0, NAN]), rt.tensor([1.0, NAN]), {"equal_nan": True}),
    (NAN, NAN, {"equal_nan": True}),
    (rt.ones(2, dtype=rt.bfloat16), rt.tensor([1.0, 1.0078125], dtype=rt.bfloat16), {}),
    (rt.ones(2, dtype=rt.float16), rt.ones(2, dtype=rt.float64) + 5e-4, {"check_dtype": False}),
    (rt.tensor([1 + 1j]), rt.tensor([1 + 1.000001j]), {}),
    (rt.tensor([True, False]), rt.tensor([1, 0]), {"check_dtype": False}),
    (rt.ones(2, 3).t(), rt.ones(3, 2), {}),
    (np.ones(2), np.ones(2), {}),
]

APART: list[tuple[Any, Any, dict[str, Any], str]] = [
    (
        rt.ones(2, 2),
        rt.tensor([[1.0, 1], [1, 2]]),
        {},
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 4 (25.0%)\n"
        "Greatest absolute difference: 1.0 at index (1, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.5 at index (1, 1) (up to 1.3e-06 allowed)",
    ),
    (
        rt.ones(2, dtype=rt.int64),
        rt.tensor([1, 4]),
        {},
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 3 at index (1,)\nGreatest relative difference: 0.75 at index (1,)",
    ),
    (
        rt.tensor([INF, 1.0]),
        rt.tensor([INF, 2.0]),
        {"rtol": 0.0, "atol": 0.0},
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 1.0 at index (1,)\nGreatest relative difference: 0.5 at index (1,)",
    ),
    (
        rt.tensor(1.0),
        rt.tensor(2.0),
        {},
        "Scalars are not close!\n\nExpected 2.0 but got 1.0.\n"
        "Absolute difference: 1.0 (up to 1e-05 allowed)\nRelative difference: 0.5 (up to 1.3e-06 allowed)",
    ),
    (
        1,
        2,
        {},
        "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\nRelative difference: 0.5",
    ),
    (
        [1, 1.0],
        [1, 0.0],
        {},
        "Scalars are not close!\n\nExpected 0.0 but got 1.0.\n"
        "Absolute difference: 1.0 (up to 1e-07 allowed)\nRelative difference: inf (up to 1e-07 allowed)\n\n"
        "The failure occurred for item [1]",
    ),
    (
        {"a": [rt.ones(1), 1]},
        {"a": [rt.ones(1), 2]},
        {},
        "Scalars are not equal!\n\nExpected 2 but got 1.\n"
        "Absolute difference: 1\nRelative difference: 0.5\n\nThe failure occurred for item ['a'][1]",
    ),
    (rt.tensor(NAN), rt.tensor(NAN), {"msg": "other"}, "other"),
    (rt.ones(2), rt.ones(3), {"msg": lambda m: "X " + m}, None),
    (rt.ones(2), rt.ones(3), {}, "The values for attribute 'shape' do not match: {} != {}."),
    (rt.ones(2), rt.ones(2).double(), {}, "The values for attribute 'dtype' do not match: {} != {}."),
    (rt.ones(2, 3).t(), rt.ones(3, 2), {"check_stride": True}, "'stride()' do not match: (1, 3) != (2, 1)."),
    (1, 1.0, {}, "The (d)types do not match: <class 'int'> != <class 'float'>."),
    (
        {"a": 1},
        {"b": 1},
        {},
        "The keys of the mappings do not match:\nMissing keys in the actual mapping: ['b']\n"
        "Additional keys in the actual mapping: ['a']",
    ),
    ([1], [1, 2], {}, "The length of the sequences mismatch: 1 != 2"),
    (None, 1, {}, "None mismatch: None is not 1"),
    (rt.tensor([INF]), rt.tensor([1.0]), {}, "Mismatched elements: 1 / 1 (100.0%)"),
    (1.0, INF, {}, "Expected inf but got 1.0."),
]


@pytest.mark.parametrize("row", range(len(CLOSE)))
def test_close(row: int) -> None:
    actual, expected, options = CLOSE[row]
    assert_close(actual, expected, **options)


@pytest.mark.parametrize("row", range(len(APART)))
def test_apart(row: int) -> None:
    actual, expected, options, text = APART[row]
    with pytest.raises(AssertionError) as error:
        assert_close(actual, expected, **options)
    if text is None:
        text = f"X The values for attribute 'shape' do not match: {actual.shape} != {expected.shape}."
    elif "{}" in text:
        name = "shape" if "shape" in text else "dtype"
        text = text.format(getattr(actual, name), getattr(expected, name))
    assert text in str(error.value)


@pytest.mark.parametrize("dtype", [rt.float32, rt.complex64, rt.bfloat16, rt.bool, rt.uint8])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,)])
def test_made_tensors_of_one_element_or_none(dtype: rt.dtype, shape: tuple[int, ...]) -> None:
    for noncontiguous in (False, True):
        t = make_tensor(shape, dtype=dtype, exclude_zero=True, noncontiguous=noncontiguous)
        assert t.shape == shape and t.dtype is dtype and bool((t != 0).all())


@pytest.mark.emulator
def test_devices_count_unless_told() -> None:
    a, b = rt.ones(2), rt.ones(2, device="emulator")
    with pytest.raises(AssertionError, match="attribute 'device' do not match: cpu != emulator"):
        assert_close(a, b)
    assert_close(a, b, check_device=False)


def test_what_cannot_be_compared() -> None:
    for actual, expected in [
        (rt.ones(2), [1.0, 1.0]),
        ("a", "a"),
        (rt.ones(2), np.ones(2)),
        ([1, {2}], [1, {2}]),
    ]:
        with pytest.raises(TypeError, match=r"cannot be compared.*try two tensors"):
            assert_close(actual, expected)
    with pytest.raises(TypeError, match="list and tuple are different types"):
        assert_close([1], (1,), allow_subclasses=False)
    with pytest.raises(ValueError, match="but got no atol"):
        assert_close(1, 1, rtol=0.1)
    with pytest.raises(ValueError, match="but got no rtol"):
        assert_close(1, 1, atol=0.1)


KINDS = [rt.bool, rt.uint8, rt.int8, rt.int64, rt.float16, rt.bfloat16, rt.float32, rt.float64, rt.complex64]


@pytest.mark.parametrize("dtype", KINDS, ids=str)
def test_made_tensors(dtype: rt.dtype) -> None:
    t = make_tensor((40, 25), dtype=dtype)
    parts = np.asarray(rt.view_as_real(t) if dtype.is_complex else t.double())
    low = 0 if dtype in (rt.bool, rt.uint8) else -9
    high = {rt.bool: 1, rt.uint8: 9, rt.int8: 9, rt.int64: 9}.get(dtype, 9.0)
    assert t.dtype is dtype and t.shape == (40, 25) and t.is_contiguous()
    assert parts.min() >= low and parts.max() <= high and parts.std() > (high - low) / 5
    apart = make_tensor(
        4, 5, dtype=dtype, noncontiguous=True, exclude_zero=True, low=0, high=1 + (dtype is rt.bool)
    )
    assert apart.shape == (4, 5) and apart.stride() == (10, 2) and bool((apart != 0).all())


def test_made_tensors_of_one_number_warn() -> None:
    with pytest.warns(FutureWarning, match="low==high"):
        assert make_tensor(2, dtype=rt.float32, low=1.5, high=1.5).tolist() == [1.5, 1.5]
    with pytest.raises(ValueError, match="must be less than"):
        make_tensor(2, dtype=rt.int64, low=1, high=1)
    with pytest.raises(ValueError, match="must be less than"):
        make_tensor(2, dtype=rt.float16, low=1e6, high=1e7)


@pytest.mark.parametrize("dtype", [rt.float32, rt.bfloat16, rt.complex64, rt.int64, rt.bool])
def test_made_tensors_may_be_numbers(dtype: rt.dtype) -> None:
    for made in (make_tensor((), dtype=dtype), make_tensor(dtype=dtype)):
        assert (made.shape, made.dtype) == ((), dtype)


@pytest.mark.emulator
def test_made_tensors_follow_the_device() -> None:
    t = make_tensor((), dtype=rt.int64, low=3, high=4, device="emulator")
    assert t.device == rt.device("emulator") and t.item() == 3


def test_made_tensors_follow_options() -> None:
    t = make_tensor(
        2, 3, 4, 4, dtype=rt.float32, requires_grad=True, memory_format=rt.channels_last, low=1, high=2
    )
    assert t.requires_grad and t.is_leaf and t.is_contiguous(memory_format=rt.channels_last)
    assert float(t.min()) >= 1 and float(t.max()) < 2
    assert make_tensor(100, dtype=rt.uint8, low=-5, high=1000).max() > 200
    with pytest.raises(ValueError, match="exclude each other"):
        make_tensor(2, dtype=rt.float32, noncontiguous=True, memory_format=rt.contiguous_format)
    with pytest.raises(ValueError, match="must be less than `high`"):
        make_tensor(2, dtype=rt.float32, low=3, high=2)
    with pytest.raises(ValueError, match="cannot be NaN"):
        make_tensor(2, dtype=rt.float32, low=NAN)
