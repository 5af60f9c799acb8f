"""Deterministic mode: how it is set, and what uninitialised memory holds in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import rustorch as rt


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    before = rt.cuda.cudnn.deterministic
    yield
    rt.use_deterministic_algorithms(False)
    rt.utils.deterministic.fill_uninitialized_memory = True
    rt.cuda.cudnn.deterministic = before


def state() -> tuple[bool, bool, int]:
    return (
        rt.are_deterministic_algorithms_enabled(),
        rt.is_deterministic_algorithms_warn_only_enabled(),
        rt.get_deterministic_debug_mode(),
    )


def test_the_mode_is_told_as_it_was_set() -> None:
    assert state() == (False, False, 0)
    rt.use_deterministic_algorithms(True)
    assert state() == (True, False, 2)
    rt.use_deterministic_algorithms(True, warn_only=True)
    assert state() == (True, True, 1)
    rt.use_deterministic_algorithms(False, warn_only=True)
    assert state() == (False, True, 0)
    for number, name in enumerate(("default", "warn", "error")):
        for value in (number, name):
            rt.set_deterministic_debug_mode(value)
            assert state() == (number > 0, number == 1, number)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: rt.use_deterministic_algorithms(1), TypeError),
        (lambda: rt.use_deterministic_algorithms(False, warn_only=1), TypeError),
        (lambda: rt.set_deterministic_debug_mode("loud"), RuntimeError),
        (lambda: rt.set_deterministic_debug_mode(3), RuntimeError),
        (lambda: rt.set_deterministic_debug_mode(None), TypeError),
        (lambda: setattr(rt.utils.deterministic, "fill_uninitialized_memory", 1), RuntimeError),
    ],
)
def test_what_is_no_mode_is_refused(call: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        call()
    assert state() == (False, False, 0)


def test_cudnn_is_held_to_it_and_let_go_again() -> None:
    rt.cuda.cudnn.deterministic = False
    rt.use_deterministic_algorithms(True)
    assert rt.cuda.cudnn.deterministic
    rt.use_deterministic_algorithms(False)
    assert not rt.cuda.cudnn.deterministic


DTYPES = (rt.bool, rt.uint8, rt.int8, rt.int64, rt.float16, rt.bfloat16, rt.float64, rt.complex64)
MAKERS: dict[str, Callable[[rt.dtype], rt.Tensor]] = {
    "empty": lambda d: rt.empty(3, 2, dtype=d),
    "channels_last": lambda d: rt.empty(1, 2, 3, 4, dtype=d, memory_format=rt.channels_last),
    "empty_like": lambda d: rt.empty_like(rt.zeros(3, 2, dtype=d)),
    "empty_strided": lambda d: rt.empty_strided((3, 2), (1, 3), dtype=d),
    "empty_permuted": lambda d: rt.empty_permuted((2, 3, 5), (1, 0, 2), dtype=d),
    "new_empty": lambda d: rt.zeros(1, dtype=d).new_empty(3, 2),
    "resize_": lambda d: rt.zeros(2, dtype=d).resize_(5)[2:],
}


def is_poison(x: rt.Tensor) -> bool:
    if x.is_floating_point() or x.is_complex():
        return bool(x.isnan().all())
    return bool((x == (True if x.dtype is rt.bool else rt.iinfo(x.dtype).max)).all())


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_uninitialised_memory_is_filled_while_it_is_on(make: Callable[[rt.dtype], rt.Tensor]) -> None:
    rt.use_deterministic_algorithms(True)
    assert all(is_poison(make(dtype)) for dtype in DTYPES)


def test_the_old_values_stay_where_a_tensor_grows() -> None:
    rt.use_deterministic_algorithms(True)
    assert rt.tensor([1, 2]).resize_(3).tolist() == [1, 2, rt.iinfo(rt.int64).max]
    assert rt.zeros(2).tolist() == [0, 0]
    assert rt.zeros_like(rt.ones(2)).tolist() == [0, 0]


def test_filling_can_be_left_out() -> None:
    rt.utils.deterministic.fill_uninitialized_memory = False
    rt.use_deterministic_algorithms(True)
    x = rt.zeros(2).resize_(1).resize_(2)
    assert x.tolist() == [0, 0]
    rt.utils.deterministic.fill_uninitialized_memory = True
    assert is_poison(rt.empty(2))
    rt.use_deterministic_algorithms(False)
    assert rt.utils.deterministic.fill_uninitialized_memory
