"""What the callables of ops take for their arguments, beyond what the rows of the op table call them with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rustorch as rt

MATRIX = rt.ones(2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: MATRIX.sum(True),
        lambda: MATRIX.sum((True,)),
        lambda: MATRIX.view(True, 6),
        lambda: MATRIX.squeeze(False),
        lambda: MATRIX.permute(True, False),
        lambda: MATRIX.repeat(True, 2),
        lambda: MATRIX.flip(True),
        lambda: rt.zeros(True, 2),
        lambda: MATRIX.select(0, True),
    ],
)
def test_a_bool_is_no_int(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        call()


def test_a_bool_after_an_int_is_one() -> None:
    """As with PyTorch, which looks at the first alone."""
    assert rt.zeros(2, True).shape == (2, 1)
    assert MATRIX.permute(0, True).shape == (2, 3)


@pytest.mark.parametrize("name", ["var", "std"])
def test_a_bool_says_whether_the_spread_is_unbiased(name: str) -> None:
    x = rt.tensor([[1.0, 2.0], [3.0, 6.0]])
    for unbiased in (True, False):
        for result in (getattr(x, name)(unbiased), getattr(rt, name)(x, unbiased)):
            assert result.shape == ()
            assert result == getattr(x, name)(correction=int(unbiased))


def test_nonzero_fills_out_with_one_tensor_only() -> None:
    x, out = rt.tensor([[0, 1], [1, 0]]), rt.empty(0, dtype=rt.int64)
    assert rt.nonzero(x, as_tuple=False, out=out) is out
    assert out.tolist() == [[0, 1], [1, 0]]
    with pytest.raises(RuntimeError):
        rt.nonzero(x, as_tuple=True, out=out)


def test_numpys_names_of_operands() -> None:
    x = rt.arange(6.0).reshape(2, 3)
    for name in ("x", "a", "x1"):
        assert rt.sum(**{name: x}, axis=1, keepdims=True).tolist() == [[3], [12]]
        assert rt.equal(rt.add(**{name: x}, x2=x), x + x)
    assert rt.cdist(x1=x, x2=x).shape == (2, 2)  # its own names
