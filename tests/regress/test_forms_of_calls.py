"""Calls that PyTorch takes, or refuses, and that once went otherwise here."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable

import pytest

import rustorch as rt


@pytest.mark.parametrize("dtype", [rt.int8, rt.int16, rt.int32, rt.uint8])
def test_narrow_integers_of_arange_are_counted_by_the_numbers_given(dtype: rt.dtype) -> None:
    assert rt.arange(3.5, dtype=dtype).tolist() == [0, 1, 2, 3]
    assert rt.arange(0.5, 4, 1.5, dtype=dtype).tolist() == [0, 1, 2]
    assert rt.arange(3.5, dtype=rt.int64).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "fill", [lambda out: rt.arange(0, 4, out=out), lambda out: rt.linspace(0, 3, 4, out=out)]
)
def test_a_range_fills_out_in_its_shape(fill: Callable[[rt.Tensor], object]) -> None:
    x = rt.zeros(2, 3)
    fill(x.narrow(1, 1, 2))
    assert x.tolist() == [[0, 0, 1], [0, 2, 3]]


def test_none_stands_for_a_list_that_is_empty_by_default() -> None:
    x = rt.arange(4).reshape(2, 2)
    assert rt.roll(x, 1, None).tolist() == [[3, 0], [1, 2]]
    assert rt.amax(x, None).item() == 3
    with pytest.raises(TypeError):
        rt.permute(x, None)


def test_swapped_axes_by_name() -> None:
    assert rt.swapaxes(rt.zeros(2, 3), axis0=0, axis1=1).shape == (3, 2)


def test_tensors_without_elements_join_along_any_dim() -> None:
    assert rt.cat((rt.zeros(0), rt.zeros(0)), dim=1).shape == (0,)
    with pytest.raises(IndexError):
        rt.cat((rt.zeros(1), rt.zeros(0)), dim=1)


@pytest.mark.parametrize("number", [int, float])
@pytest.mark.parametrize("size", [0, 2])
def test_only_one_element_is_a_number(number: type, size: int) -> None:
    with pytest.raises(ValueError, match="only one element tensors"):
        number(rt.zeros(size))


def test_uniform_refuses_ranges_that_overflow() -> None:
    with pytest.raises(RuntimeError, match="to-from"):
        rt.ones(2).uniform_(-3e38, 3e38)
    with pytest.raises(RuntimeError, match="from is out of bounds for float16"):
        rt.ones(2, dtype=rt.float16).uniform_(-7e4, 0)


def test_masks_of_bytes_are_deprecated() -> None:
    with pytest.warns(UserWarning, match="uint8 is now deprecated"):
        assert rt.arange(3)[rt.tensor([1, 0, 1], dtype=rt.uint8)].tolist() == [0, 2]


def test_movedim_names_the_list_that_repeats_a_dim() -> None:
    with pytest.raises(RuntimeError, match="movedim: repeated dim in `destination`"):
        rt.movedim(rt.zeros(2, 2), (0, 1), (0, -2))


@pytest.mark.parametrize("space", ["rt", "Tensor", "linalg", "special", "fft", "nn.functional"])
def test_pickled_ops_are_those_of_their_namespace(space: str) -> None:
    for name, op in rt._C.namespaces()[space].items():
        assert pickle.loads(pickle.dumps(op)) is op, name
        assert copy.deepcopy(op) is op, name


WORDS: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "a lone tensor": (
        lambda: rt.dstack(rt.ones(2)),
        TypeError,
        "dstack(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor",
    ),
    "a number": (
        lambda: rt.exp(1),
        TypeError,
        "exp(): argument 'input' (position 1) must be Tensor, not int",
    ),
    "a size": (
        lambda: rt.zeros("a"),
        TypeError,
        "zeros(): argument 'size' (position 1) must be tuple of ints, not str",
    ),
    "a method": (
        lambda: rt.ones(2).unflatten("a", (1, 2)),
        TypeError,
        "unflatten(): argument 'dim' (position 1) must be int, not str",
    ),
    "a keyword": (
        lambda: rt.zeros(2, dtype=3),
        TypeError,
        "zeros(): argument 'dtype' must be rustorch.dtype, not int",
    ),
    "an operand": (
        lambda: rt.add(rt.ones(1), "a"),
        TypeError,
        "add(): argument 'other' (position 2) must be Tensor, not str",
    ),
    "a fill value": (
        lambda: rt.full((2,), "a"),
        TypeError,
        "full(): argument 'fill_value' (position 2) must be Number, not str",
    ),
    "no overload": (
        lambda: rt.where(rt.ones(2) > 0, "a", other="b"),
        TypeError,
        "where() received an invalid combination of arguments - got (Tensor, str, other=str), but expected",
    ),
    "hsplit": (
        lambda: rt.hsplit(rt.tensor(1), 2),
        RuntimeError,
        "torch.hsplit requires a tensor with at least 1 dimension, but got a tensor with 0 dimensions!",
    ),
    "vsplit": (
        lambda: rt.vsplit(rt.ones(3, 2), 2),
        RuntimeError,
        "torch.vsplit attempted to split along dimension 0, but the size of the dimension 3 is not divisible",
    ),
    "tensor_split": (
        lambda: rt.tensor_split(rt.ones(3), rt.ones(2)),
        RuntimeError,
        "tensor_split expected tensor_indices_or_sections to have dtype of long, but got Float",
    ),
    "block_diag": (
        lambda: rt.block_diag(rt.ones(1), rt.ones(1, 1, 1)),
        RuntimeError,
        "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input 1 has 3 dimensions",
    ),
    "as_strided": (
        lambda: rt.as_strided(rt.ones(4), (2, 2), (2, -1)),
        RuntimeError,
        "Negative strides are not supported at the moment, got strides: [2, -1]",
    ),
    "linspace": (
        lambda: rt.linspace(0, 1j, 3, dtype=rt.float32),
        RuntimeError,
        "torch.linspace(): inferred dtype",
    ),
    "complex": (
        lambda: rt.complex(rt.ones(2), rt.ones(2, dtype=rt.float64)),
        RuntimeError,
        "Expected object of scalar type Float but got scalar type Double for second argument",
    ),
    "polar": (
        lambda: rt.polar(rt.ones(2, dtype=rt.uint8), rt.ones(2, dtype=rt.uint8)),
        RuntimeError,
        "Expected both inputs to be Half, Float or Double tensors but got Byte and Byte",
    ),
    "conv2d": (
        lambda: rt.nn.functional.conv2d(rt.ones(1, 1, 3, 3, dtype=rt.float64), rt.ones(1, 1, 2, 2)),
        RuntimeError,
        "Input type (Double) and weight type (Float) should be the same",
    ),
    "nonzero": (
        lambda: rt.nonzero(rt.ones(3), as_tuple=True, out=rt.empty(0, dtype=rt.int64)),
        RuntimeError,
        "nonzero does not support the out kwarg when as_tuple is True",
    ),
    "a mask and values": (
        lambda: rt.zeros(4, dtype=rt.int64).__setitem__(rt.ones(4) > 0, rt.tensor([])),
        RuntimeError,
        "shape mismatch: value tensor of shape [0] cannot be broadcast to indexing result of shape [4]",
    ),
    "deterministic": (
        lambda: rt.use_deterministic_algorithms(1),
        TypeError,
        "argument 'mode' (position 1) must be bool, not int",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WORDS.values(), ids=WORDS)
def test_words_that_pytorchs_users_search_for(
    call: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
