"""Indices out of bounds on devices that run behind the program: when they become errors, and which."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F

from . import cuda

DEVICES = [
    "emulator",
    "emulator:1",
    pytest.param("cuda", marks=pytest.mark.skipif(bool(cuda.why_not()), reason=cuda.why_not() or "")),
]


@pytest.fixture(params=["now", "later"])
def when(request: pytest.FixtureRequest) -> Iterator[str]:
    rt.set_index_checks(request.param)
    yield request.param
    rt.set_index_checks("later")


def rows(device: str) -> rt.Tensor:
    return rt.arange(20.0).reshape(4, 5).to(device)


def at(device: str, *indices: int) -> rt.Tensor:
    return rt.tensor(indices).to(device)


def assigned(x: rt.Tensor, index: rt.Tensor) -> rt.Tensor:
    x[index] = 1.0
    return x


# What the call is, the indices, its error.
CASES: dict[str, tuple[Callable[[str, rt.Tensor], object], tuple[int, ...], type[Exception], str]] = {
    "index": (
        lambda d, i: rows(d)[i],
        (1, 4),
        IndexError,
        "index 4 is out of bounds for dimension 0 with size 4",
    ),
    "negative": (
        lambda d, i: rows(d)[:, i],
        (-5, -6),
        IndexError,
        "index -6 is out of bounds for dimension 1",
    ),
    "assignment": (lambda d, i: assigned(rows(d), i), (0, 9), IndexError, "index 9 is out of bounds"),
    "index_select": (
        lambda d, i: rt.index_select(rows(d), 1, i),
        (5,),
        IndexError,
        "index 5 is out of bounds",
    ),
    "index_add": (
        lambda d, i: rows(d).index_add(0, i, rt.ones(2, 5).to(d)),
        (3, 4),
        RuntimeError,
        "index 4 is out of bounds for dimension 0 with size 4",
    ),
    "gather": (
        lambda d, i: rt.gather(rows(d), 1, i.reshape(1, 3)),
        (0, -1, 4),
        RuntimeError,
        "index -1 is out of bounds for dimension 1 with size 5",
    ),
    "scatter": (
        lambda d, i: rows(d).scatter(0, i.reshape(1, 2), 7.0),
        (3, 2**40),
        RuntimeError,
        f"index {2**40} is out of bounds for dimension 0 with size 4",
    ),
    "take": (lambda d, i: rt.take(rows(d), i), (19, 20), IndexError, "index 20 is out of bounds"),
    "searchsorted": (
        lambda d, i: rt.searchsorted(rows(d)[0], rows(d)[0], sorter=i),
        (0, 1, 2, 3, 5),
        RuntimeError,
        "index 5 is out of bounds for dimension 0 with size 5",
    ),
    "embedding": (lambda d, i: F.embedding(i, rows(d)), (0, 4), IndexError, "index 4 is out of bounds"),
    "cross_entropy": (
        lambda d, i: F.cross_entropy(rows(d), i),
        (0, 1, -100, 5),
        IndexError,
        "Target 5 is out of bounds",
    ),
    "nll_loss": (
        lambda d, i: F.nll_loss(rows(d), i),
        (0, 1, -1, 2),
        IndexError,
        "Target -1 is out of bounds",
    ),
}

WAITS: dict[str, Callable[[str], object]] = {
    "synchronize": lambda d: rt._C._synchronize(d),
    "item": lambda d: rt.ones((), device=d).item(),
    "copy": lambda d: rt.ones(3, device=d).cpu(),
    "first stream": lambda d: rt.Stream._of_handle(rt._C.device(d), 0).synchronize(),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CASES)
def test_every_op_that_checks(device: str, name: str, when: str) -> None:
    call, indices, error, message = CASES[name]
    index = at(device, *indices)
    if when == "now":
        with pytest.raises(error, match=message) as caught:
            call(device, index)
        assert "earlier" not in str(caught.value)
    else:
        call(device, index)
        with pytest.raises(error, match=rf"{message}(.|\n)*an earlier call on device(.|\n)*set_index_checks"):
            rt._C._synchronize(device)
    # The error is told once, and the device goes on.
    rt._C._synchronize(device)
    np.testing.assert_array_equal(rows(device)[at(device, 3, -4)].cpu().numpy(), rows("cpu")[[3, 0]].numpy())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wait", WAITS)
def test_every_way_to_wait(device: str, wait: str) -> None:
    rows(device)[at(device, 4)]
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        WAITS[wait](device)
    WAITS[wait](device)


@pytest.mark.parametrize("device", DEVICES)
def test_events_tell_too(device: str) -> None:
    event = rt.Event(device)
    rows(device)[at(device, 4)]
    event.record()
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        event.synchronize()


@pytest.mark.parametrize("device", DEVICES)
def test_no_other_memory_is_touched(device: str) -> None:
    x = rows(device)
    x[at(device, 7, 2)] = -1.0
    with pytest.raises(IndexError, match="index 7"):
        rt._C._synchronize(device)
    np.testing.assert_array_equal(x.cpu().numpy()[[1, 3]], rows("cpu").numpy()[[1, 3]])


@pytest.mark.parametrize("device", DEVICES)
def test_indices_of_a_dimension_without_elements(device: str) -> None:
    with pytest.raises(IndexError, match="index is out of bounds for dimension with size 0"):
        rt.empty(0, 3, device=device)[at(device, 0)]


@pytest.mark.parametrize("device", DEVICES)
def test_more_kinds_of_checks_than_are_kept_at_a_time(device: str) -> None:
    zero = at(device, 0)
    for size in range(1, 400):
        rt.ones(size, device=device)[zero]
    rt.ones(333, device=device)[at(device, 333)]
    with pytest.raises(IndexError, match="index 333 is out of bounds for dimension 0 with size 333"):
        rt._C._synchronize(device)


@pytest.mark.parametrize("device", DEVICES)
def test_indices_that_repeat_are_checked_once_and_stay_repeated(device: str) -> None:
    x = rows("cpu")
    index = rt.tensor([[1], [0], [3]]).expand(3, 5)
    same = rt.gather(x.to(device), 0, index.to(device)[:, :1].expand(3, 5))
    np.testing.assert_array_equal(same.cpu().numpy(), rt.gather(x, 0, index).numpy())
    wrapped = x.to(device)[at(device, -1).expand(4), at(device, -5, -4, -3, -2)]
    np.testing.assert_array_equal(wrapped.cpu().numpy(), x[-1, :4].numpy())


def test_long_indices_are_waited_for() -> None:
    index = rt.zeros(2**22 + 1, dtype=rt.int64, device="emulator")
    index[-1] = 5
    with pytest.raises(IndexError, match="index 5 is out of bounds for dimension 0 with size 5"):
        rt.index_select(rt.ones(5, device="emulator"), 0, index)


def test_the_mode_is_checked() -> None:
    assert rt.get_index_checks() == "later"
    with pytest.raises(ValueError, match="'now' or 'later'; got 'never'"):
        rt.set_index_checks("never")
