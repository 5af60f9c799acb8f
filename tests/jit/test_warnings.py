"""What a recording cannot hold is said, with the user's line; what it can hold is not."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.jit import TracerWarning


def said(fn: Callable[..., Any], *inputs: Any) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        rt.jit.trace(fn, inputs, check_trace=False)
    return [w for w in found if issubclass(w.category, TracerWarning)]


def branch(x: Any) -> Any:
    return x + 1 if x.sum() > 0 else x - 1


def as_int(x: Any) -> Any:
    return x * int(x.sum())


def as_float(x: Any) -> Any:
    return x * float(x[0])


def as_item(x: Any) -> Any:
    return x * x[0].item()


def as_list(x: Any) -> Any:
    return x * x.tolist()[0]


def as_index(x: Any) -> Any:
    return x[: rt.argmax(x) + 1]


def as_array(x: Any) -> Any:
    return x + rt.from_numpy(np.asarray(x) * 2)


def as_numpy(x: Any) -> Any:
    return x * x.numpy().sum()


def as_argument(x: Any) -> Any:
    return rt.full((2,), x.sum())


def as_data(x: Any) -> Any:
    return x + rt.tensor([x[0], x[1]])


def compared(x: Any) -> Any:
    return x * rt.allclose(x, x + 1)


def changed_data(x: Any) -> Any:
    y = x.clone()
    y.data = rt.zeros(2)
    return y + x


class Square(rt.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad


def custom_function(x: Any) -> Any:
    return Square.apply(x)


FROZEN = {
    "bool()": branch,
    "int()": as_int,
    "float()": as_float,
    "item()": as_item,
    "tolist()": as_list,
    "a tensor as an index": as_index,
    "an array of a tensor's memory": as_array,
    "array": as_numpy,
    "a tensor where a number is wanted": as_argument,
    "a tensor in a list of data": as_data,
    "allclose()": compared,
    "data: assigning it": changed_data,
    "Square: its backward is not recorded": custom_function,
}


@pytest.mark.parametrize("what", FROZEN)
def test_a_frozen_value_is_named_with_its_line(what: str) -> None:
    fn = FROZEN[what]
    first = said(fn, rt.ones(2))[0]
    lines, start = inspect.getsourcelines(fn)
    assert what in str(first.message)
    assert first.filename == __file__
    assert start < first.lineno < start + len(lines)
    assert f"{__file__}:{first.lineno}" in str(first.message)


FIXED: dict[str, Callable[..., Any]] = {
    "shapes": lambda x: x.reshape(x.shape[0], 1) * len(x) if x.dim() == 1 else x,
    "dtypes": lambda x: x * 2 if x.is_floating_point() and x.dtype == rt.float32 else x,
    "numbers of the program": lambda x: x * float(rt.tensor(2.0)) + rt.arange(3).sum().item(),
    "iteration": lambda x: sum(row * 2 for row in x),
    "identity": lambda x: x if x is not None else 0,
}


@pytest.mark.parametrize("name", FIXED)
def test_what_is_fixed_is_not_warned_of(name: str) -> None:
    assert said(FIXED[name], rt.ones(3)) == []


def test_random_draws_are_said() -> None:
    (warning,) = said(lambda x: rt.nn.functional.dropout(x, 0.5), rt.ones(3))
    assert "dropout(): every run of the graph draws new random numbers" in str(warning.message)


def test_a_generator_does_not_come_along() -> None:
    generator = rt.Generator()
    found = said(lambda x: x + rt.rand(3, generator=generator), rt.ones(3))
    assert any("draws from the default generator" in str(w.message) for w in found)


def test_a_warning_may_be_an_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", TracerWarning)
        with pytest.raises(TracerWarning):
            rt.jit.trace(branch, rt.ones(2))
    assert not rt.jit.is_tracing()


def test_a_graph_that_gives_something_else_is_found() -> None:
    calls = []

    def counts(x: Any) -> Any:
        calls.append(1)
        array = np.asarray(y := x * 2)
        array += len(calls)  # past the ops
        return y

    with pytest.warns(TracerWarning, match="output 0 of the graph is not what the function gave"):
        rt.jit.trace(counts, rt.ones(2))
