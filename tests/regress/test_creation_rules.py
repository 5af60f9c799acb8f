"""What tensors are made of, resized to and warned about, as PyTorch has it."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt


@pytest.mark.parametrize(
    ("scalar", "dtype"),
    [
        (np.float64(0.5), rt.float64),
        (np.float32(1.5), rt.float32),
        (np.int8(-3), rt.int8),
        (np.bool_(1), rt.bool),
    ],
)
def test_asarray_takes_numpy_scalars_by_value(scalar: np.generic, dtype: rt.dtype) -> None:
    made = rt.asarray(scalar)
    assert (made.shape, made.dtype, made.item()) == ((), dtype, scalar.item())
    assert rt.asarray(scalar, dtype=rt.int32).item() == int(scalar)
    with pytest.raises(RuntimeError, match="can't alias NumPy scalars"):
        rt.asarray(scalar, copy=False)


def test_tensors_of_one_element_are_numbers_among_data() -> None:
    made = rt.tensor([rt.ones(1, 1), rt.tensor(2.0), 3.0])
    assert (made.shape, made.tolist()) == ((3,), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="only one element tensors"):
        rt.tensor([rt.ones(2)])


class Unreadable:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, item: int) -> float:
        raise TypeError


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ("text", TypeError, "invalid data type 'str'"),
        ([1, "a"], TypeError, "invalid data type 'str'"),
        ([None], RuntimeError, "Could not infer dtype of NoneType"),
        (Unreadable(), ValueError, "could not determine the shape of object type 'Unreadable'"),
    ],
    ids=["text", "list of text", "None", "unreadable"],
)
def test_data_that_is_no_number(data: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        rt.tensor(data)


def test_lists_that_hold_themselves() -> None:
    inner: list[object] = [0]
    inner.append(inner)
    outer: list[object] = []
    outer.append(outer)
    for data in (inner, [[1, 2], inner], outer):
        with pytest.raises((TypeError, ValueError)):
            rt.tensor(data)


def test_older_constructors_take_no_other_device() -> None:
    for call in (
        lambda: rt.FloatTensor(2, device="cuda"),
        lambda: rt.ones(1).new([1, 2], device="cuda"),
        lambda: rt.ones(1).new(rt.ones(2), device="cpu"),
    ):
        with pytest.raises(RuntimeError, match="legacy constructor"):
            call()
    assert rt.FloatTensor([1, 2], device="cpu").tolist() == [1, 2]


OLDER: dict[str, Callable[[], object]] = {
    "a number": lambda: rt.Tensor(2.5),
    "True": lambda: rt.Tensor(True),
    "None": lambda: rt.Tensor(None),
    "text": lambda: rt.Tensor("a"),
    "a size that is none": lambda: rt.Tensor(2, 2.5),
    "an unknown keyword": lambda: rt.Tensor(2, bogus=1),
    "a number of a dtype": lambda: rt.LongTensor(2.5),
    "a tensor of another dtype": lambda: rt.FloatTensor(rt.ones(2, dtype=rt.float64)),
    "new of another dtype": lambda: rt.ones(2).new(rt.ones(2, dtype=rt.int64)),
}


@pytest.mark.parametrize("call", OLDER.values(), ids=OLDER)
def test_what_older_constructors_are_not_made_of(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        call()


def test_older_constructors_take_sizes_data_and_memory() -> None:
    assert rt.Tensor(rt.Size([2, 3])).shape == (2, 3)
    assert rt.Tensor(np.int64(3)).shape == (3,)
    assert rt.Tensor(size=(2, 3)).shape == (2, 3)
    assert rt.Tensor(2, 3, device="cpu").shape == (2, 3)
    assert rt.Tensor(data=[2, 3]).tolist() == [2, 3]
    assert rt.Tensor((2, 3), device="cpu").tolist() == [2, 3]
    x = rt.ones(3)
    for made in (
        rt.Tensor(x.untyped_storage()),
        rt.FloatTensor(x.untyped_storage()),
        rt.FloatTensor(x),
        x.new(x),
    ):
        assert (made.tolist(), made.data_ptr()) == ([1, 1, 1], x.data_ptr())


def test_the_older_constructor_is_of_the_cpu() -> None:
    for call in (
        lambda: rt.Tensor(device="cuda"),
        lambda: rt.Tensor(2, 3, device="cuda"),
        lambda: rt.Tensor([1.0], device="cuda"),
        lambda: rt.Tensor(rt.ones(2), device="cpu"),
    ):
        with pytest.raises(RuntimeError, match="legacy constructor"):
            call()


def test_subclasses_have_keywords_of_their_own() -> None:
    class Named(rt.Tensor):
        def __init__(self, data: object, label: str = "") -> None:
            self.label = label

    made = Named([1, 2], label="x")
    assert (made.tolist(), made.label) == ([1, 2], "x")


@pytest.mark.parametrize(
    ("data", "expected", "at", "got"),
    [
        ([np.zeros(3), np.zeros(0)], 3, 1, 0),
        ([np.zeros((2, 3)), np.zeros((2, 2))], 3, 2, 2),
        ([[1, 2], [1]], 2, 1, 1),
    ],
    ids=["arrays", "inner dims", "lists"],
)
def test_ragged_data(data: object, expected: int, at: int, got: int) -> None:
    message = f"expected sequence of length {expected} at dim {at} (got {got})"
    with pytest.raises(ValueError, match=re.escape(message)):
        rt.tensor(data)


def test_any_number_but_zero_is_true() -> None:
    assert rt.tensor([2**63, 0, -(2**63) - 1, rt.nan], dtype=rt.bool).tolist() == [True, False, True, True]


def test_sizes_without_end() -> None:
    with pytest.raises(RuntimeError, match="Storage size calculation overflowed with sizes="):
        rt.empty(8, 8, 2**29, 2**29)
    with pytest.raises(RuntimeError, match="overflow"):
        rt.zeros(3).resize_(8, 8, 2**29, 2**29)


def test_a_range_of_another_length_warns() -> None:
    out = rt.empty(2, dtype=rt.int64)
    with pytest.warns(UserWarning, match="number of elements in the out tensor of shape .* is 2"):
        rt.arange(0, 5, out=out)
    assert out.tolist() == [0, 1, 2, 3, 4]


LAST, LAST_3D = rt.channels_last, rt.channels_last_3d


@pytest.mark.parametrize(("shape", "order"), [((2, 3, 4, 5), LAST), ((2, 3, 4, 5, 6), LAST_3D)])
def test_resizing_into_a_memory_format(shape: tuple[int, ...], order: rt.memory_format) -> None:
    template = rt.zeros(shape).contiguous(memory_format=order)
    sized = rt.zeros(template.numel()).resize_(shape, memory_format=order)
    assert sized.stride() == template.stride()
    assert rt.zeros(0).resize_as_(template, memory_format=rt.preserve_format).stride() == template.stride()
    assert rt.zeros(0).resize_as_(template).is_contiguous()
    with pytest.raises(RuntimeError, match="Unsupported memory format"):
        sized.resize_(shape, memory_format=rt.preserve_format)


def test_a_format_of_another_rank_leaves_the_shape() -> None:
    t = rt.zeros(6)
    with pytest.raises(RuntimeError, match="rank 4"):
        t.resize_(2, 3, memory_format=LAST)
    assert t.shape == (6,)


@pytest.mark.parametrize(
    "call",
    [
        lambda out: rt.add(rt.ones(2), 1, out=out),
        lambda out: rt.sum(rt.ones(2, 2), 0, out=out),
        lambda out: rt.cat([rt.ones(2)], out=out),
    ],
)
def test_resizing_an_out_of_elements_warns(
    call: Callable[[rt.Tensor], rt.Tensor], recwarn: pytest.WarningsRecorder
) -> None:
    call(rt.empty(0))
    rt.zeros(2, out=rt.empty(3))  # what makes a tensor may shape it
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"resized since it had shape \[3\].* required output shape \[2\]"):
        assert call(rt.empty(3)).shape == (2,)


def test_draws_beyond_what_a_float_dtype_holds(recwarn: pytest.WarningsRecorder) -> None:
    rt.empty(2, dtype=rt.float16).random_(-2048, 2049)
    rt.empty(2).random_()
    assert not recwarn.list
    with pytest.warns(UserWarning, match=r"to - 1 is out of bounds \[-\(2\^24\), 2\^24\]"):
        rt.empty(2).random_(2**24 + 2)
    with pytest.raises(RuntimeError, match="to - 1 is out of bounds for float16"):
        rt.empty(2, dtype=rt.float16).random_(10**6)


def test_range_is_deprecated() -> None:
    with pytest.warns(UserWarning, match="deprecated"):
        assert rt.range(0, 2).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rt.zeros(1).resize_(2, 4, 2**29, 2**29), RuntimeError, "Storage size calculation"),
        (
            lambda: rt.zeros(0).view(-1, 0),
            RuntimeError,
            "because the unspecified dimension size -1 can be any",
        ),
        (lambda: rt.unravel_index(rt.ones(1), (2,)), TypeError, "expected 'indices' to be integer"),
        (lambda: rt.zeros(3).tensor_split(rt.tensor(1.0)), RuntimeError, "of long, but got Float"),
        (lambda: rt.zeros(2, 0)[:, rt.tensor([1])], IndexError, "for dimension with size 0"),
        (lambda: rt.broadcast_shapes(1.5), RuntimeError, "Input shapes should be of type ints"),
        (
            lambda: rt.ones(1, dtype=rt.int64, requires_grad=True),
            RuntimeError,
            "Only Tensors of floating point",
        ),
    ],
)
def test_texts_of_errors(call: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
