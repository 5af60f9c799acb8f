"""einsum and tensordot in all their forms of calls, against NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

generator = np.random.default_rng(3)
A, B, C = (generator.standard_normal(shape) for shape in [(2, 3, 4), (4, 3, 5), (5, 2)])
SQUARE = generator.standard_normal((3, 3))


def tensors(arguments: Any) -> list[Any]:
    return [rt.tensor(a) if isinstance(a, np.ndarray) else a for a in arguments]


@pytest.mark.parametrize(
    "arguments",
    [
        (A, [0, 1, 2], B, [2, 1, 3], [0, 3]),
        (A, [0, 1, 2], B, [2, 1, 3]),  # without an output: what occurs once, in order
        (A, [0, 1, 2], B, [2, 1, 3], C, [3, 0], []),
        (A, [Ellipsis, 1, 2], B, [2, 1, 3], [Ellipsis, 3]),
        (SQUARE, [0, 0]),
        (SQUARE, [51, 0], [0, 51]),
        (SQUARE, [51, 0], SQUARE, [0, 26]),  # capital letters come first
    ],
)
def test_einsum_by_lists(arguments: tuple[Any, ...]) -> None:
    np.testing.assert_allclose(rt.einsum(*tensors(arguments)).numpy(), np.einsum(*arguments))


@pytest.mark.parametrize("form", [lambda *operands: operands, lambda *operands: [list(operands)]])
def test_einsum_by_equation(form: Callable[..., Any]) -> None:
    got = rt.einsum("abc,cbd,da->", *form(*tensors([A, B, C])))
    np.testing.assert_allclose(got.numpy(), np.einsum("abc,cbd,da->", A, B, C))


@pytest.mark.parametrize(
    ("a", "b", "dims", "numpys"),
    [
        (A, B, rt.tensor([[1, 2], [1, 0]]), ([1, 2], [1, 0])),
        (A, B, ([1, 2], [1, 0]), ([1, 2], [1, 0])),
        (A, B, (2, 0), (2, 0)),
        (A, B, (rt.tensor(2), rt.tensor(0)), (2, 0)),
        (A, B, 1, 1),
        (A, B, rt.tensor(1), 1),
        (A, C, 0, 0),
    ],
)
def test_tensordot(a: np.ndarray, b: np.ndarray, dims: Any, numpys: Any) -> None:
    got = rt.tensordot(*tensors([a, b]), dims=dims)
    np.testing.assert_allclose(got.numpy(), np.tensordot(a, b, numpys))
    out = rt.empty(0, dtype=rt.float64)
    assert rt.tensordot(*tensors([a, b]), dims=dims, out=out) is out
    assert rt.equal(out, got)


X = rt.ones(2, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rt.einsum("ij"), ValueError, r"got 1 argument\(s\); try einsum"),
        (lambda: rt.einsum(X, [0, 52]), ValueError, r"range \[0, 52\); got 52; try"),
        (lambda: rt.einsum(X, [0, -1]), ValueError, "got -1"),
        (lambda: rt.einsum(X, [0, "a"]), ValueError, "got 'a'"),
        (lambda: rt.tensordot(X, X, ([0], [0], [0])), RuntimeError, "a number or a pair of lists"),
        (lambda: rt.tensordot(X, X, -1), RuntimeError, "expects dims >= 0, but got dims=-1"),
        (lambda: rt.tensordot(X, X, 3), RuntimeError, "but got dims=3"),
    ],
)
def test_refused(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
