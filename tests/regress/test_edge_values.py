"""Values at the edge of what a type holds: huge integers, complex infinities, types without an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

inf, nan = float("inf"), float("nan")


@pytest.mark.parametrize("k", [2**63 - 1, 2**62, 3, -3, -(2**62), -(2**63)])
def test_diagonals_far_outside(k: int) -> None:
    x = np.arange(6.0).reshape(2, 3) + 1
    near = max(-4, min(4, k))
    assert rt.tensor(x).tril(k).tolist() == np.tril(x, near).tolist()
    assert rt.tensor(x).triu(k).tolist() == np.triu(x, near).tolist()


def test_integers_beyond_64_bits() -> None:
    with pytest.raises(
        ValueError, match=r"^int: Overflow when unpacking long long; got 1180591620717411303424"
    ):
        rt.ones(3).sum(2**70)
    with pytest.raises(ValueError, match=r"^int: Overflow"):
        rt.ones(2, 2).transpose(0, -(2**70))
    with pytest.raises(OverflowError, match=r"^scalar: a Python int does not fit in 64 bits"):
        rt.ones(2) + 2**70


def test_negative_numbers_wrap_into_uint8() -> None:
    assert rt.tensor([-1, -255, 7], dtype=rt.uint8).tolist() == [255, 1, 7]
    for value, dtype in ((-256, rt.uint8), (256, rt.uint8), (-129, rt.int8)):
        with pytest.raises(RuntimeError, match="without overflow"):
            rt.tensor([value], dtype=dtype)


def test_any_integer_is_a_float_where_one_is_asked_for() -> None:
    assert rt.nan_to_num(rt.tensor([inf]), posinf=2**70).item() == 2.0**70
    assert rt.nan_to_num(rt.tensor([nan]), -(2**65)).item() == -(2.0**65)


PLACES = [
    complex(a, b) for a in (0.0, -0.0, 1.0, -2.5, inf, -inf, nan) for b in (0.0, 2.0, -1.0, inf, -inf, nan)
]


@pytest.mark.parametrize("name", ["exp", "sinh", "cosh", "tanh", "sin", "cos", "tan"])
def test_complex_functions_at_infinities(name: str) -> None:
    """C99's values (annex G), which NumPy has; the sign of an undefined part is free."""
    z = np.array(PLACES)
    with np.errstate(all="ignore"):
        wanted = getattr(np, name)(z)
    found = getattr(rt, name)(rt.tensor(z)).numpy()
    for place, a, b in zip(z, found, wanted):
        for part in ("real", "imag"):
            x, y = getattr(a, part), getattr(b, part)
            free = name in ("exp", "sinh", "cosh", "sin", "cos") and np.isinf(y) and abs(x) == inf
            assert free or np.isclose(x, y, rtol=1e-14, atol=0, equal_nan=True), (place, a, b)


@pytest.mark.parametrize("dtype", [rt.complex64, rt.complex128])
def test_powers_at_complex_infinities(dtype: Any) -> None:
    z = rt.tensor([complex(inf, 0.0), complex(0.0, inf), complex(inf, inf)], dtype=dtype)
    assert rt.isinf(z ** (2 + 1j)).tolist() == [True, True, True]


UNORDERED: dict[str, Callable[[Any], Any]] = {
    "max": lambda z: z.max(),
    "amin": lambda z: z.amin(),
    "argmax": lambda z: z.argmax(),
    "softmax": lambda z: z.softmax(0),
    "log_softmax": lambda z: z.log_softmax(0),
}


@pytest.mark.parametrize("call", UNORDERED.values(), ids=UNORDERED)
def test_complex_numbers_have_no_order(call: Callable[[Any], Any]) -> None:
    with pytest.raises(NotImplementedError, match="not implemented for 'ComplexFloat'"):
        call(rt.tensor([1 + 2j]))


def test_notation_has_no_say_over_zeros() -> None:
    rt.set_printoptions(sci_mode=True)
    try:
        assert repr(rt.zeros(2)) == "tensor([0., 0.])"
        assert repr(rt.ones(1)) == "tensor([1.0000e+00])"
    finally:
        rt.set_printoptions(profile="default")


@pytest.mark.parametrize("call", [rt.min, rt.max, rt.median, rt.nanmedian])
@pytest.mark.parametrize("values", [[1.0, nan, nan, nan], [nan] * 3])
def test_nan_that_are_the_result_share_its_gradient(call: Any, values: list[float]) -> None:
    x = rt.tensor(values, requires_grad=True)
    y = call(x)
    y.backward()
    shares = [1 / 3 if np.isnan(v) else 0.0 for v in values]
    np.testing.assert_allclose(x.grad.numpy(), shares if np.isnan(y.item()) else [1.0, 0, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("number", [True, False])
def test_complex_powers_of_negative_numbers_have_a_slope(number: bool) -> None:
    e = rt.tensor([0.3 + 0.2j, -0.5 + 1j], dtype=rt.complex128, requires_grad=True)
    base: Any = -1.5 if number else rt.full((2,), -1.5, dtype=rt.float64)
    rt.pow(base, e).sum().backward(rt.tensor(1 + 0j, dtype=rt.complex128))
    value = np.array([0.3 + 0.2j, -0.5 + 1j])
    expected = np.conj(np.power(-1.5 + 0j, value) * np.log(-1.5 + 0j))
    np.testing.assert_allclose(e.grad.numpy(), expected, rtol=1e-12)
