"""Calls that PyTorch takes, or refuses, and that once went otherwise here."""

from __future__ import annotations

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
