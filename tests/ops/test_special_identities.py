"""Derivatives of Bessel and Airy functions and of orthogonal polynomials, by the identities they obey."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt

sp = rt.special
X = [0.3, 1.9, 2.1, 7.5, 11.8, 24.0, 31.5]

IDENTITIES: dict[str, tuple[Callable[[rt.Tensor], rt.Tensor], Callable[[rt.Tensor], rt.Tensor]]] = {
    "J0' = -J1": (sp.bessel_j0, lambda x: -sp.bessel_j1(x)),
    "J1' = J0 - J1 / x": (sp.bessel_j1, lambda x: sp.bessel_j0(x) - sp.bessel_j1(x) / x),
    "Y0' = -Y1": (sp.bessel_y0, lambda x: -sp.bessel_y1(x)),
    "Y1' = Y0 - Y1 / x": (sp.bessel_y1, lambda x: sp.bessel_y0(x) - sp.bessel_y1(x) / x),
    "K0' = -K1": (sp.modified_bessel_k0, lambda x: -sp.modified_bessel_k1(x)),
    "I0' = I1": (sp.modified_bessel_i0, sp.modified_bessel_i1),
    "T5' = 5 U4": (
        lambda x: sp.chebyshev_polynomial_t(x, 5),
        lambda x: 5 * sp.chebyshev_polynomial_u(x, 4),
    ),
    "H5' = 10 H4": (lambda x: sp.hermite_polynomial_h(x, 5), lambda x: 10 * sp.hermite_polynomial_h(x, 4)),
    "He5' = 5 He4": (lambda x: sp.hermite_polynomial_he(x, 5), lambda x: 5 * sp.hermite_polynomial_he(x, 4)),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_derivative(name: str) -> None:
    function, derivative = IDENTITIES[name]
    x = rt.tensor(X, dtype=rt.float64, requires_grad=True)
    (found,) = rt.autograd.grad(function(x).sum(), x)
    np.testing.assert_allclose(found.numpy(), derivative(x.detach()).numpy(), rtol=1e-9, atol=1e-12)


def test_airy_obeys_its_equation() -> None:
    x = rt.tensor([-20.0, -7.3, -0.4, 0.0, 2.6, 13.0], dtype=rt.float64, requires_grad=True)
    (slope,) = rt.autograd.grad(sp.airy_ai(x).sum(), x, create_graph=True)
    (bend,) = rt.autograd.grad(slope.sum(), x)
    np.testing.assert_allclose(bend.numpy(), (x * sp.airy_ai(x)).detach().numpy(), rtol=1e-9, atol=1e-12)


def test_spherical_bessel_is_flat_at_zero() -> None:
    x = rt.zeros(1, dtype=rt.float64, requires_grad=True)
    sp.spherical_bessel_j0(x).sum().backward()
    assert x.grad is not None and x.grad.item() == 0


def test_high_degrees_and_values_that_overflow_end() -> None:
    high = rt.tensor([1e9, 1e9, 40.0], dtype=rt.float64)
    found = sp.chebyshev_polynomial_t(rt.tensor([0.5, 3.0, 3.0], dtype=rt.float64), high).numpy()
    # 1e-6: an angle that large has lost its last digits
    wanted = [np.cos(1e9 * np.arccos(0.5)), np.inf, np.cosh(40 * np.arccosh(3))]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert not sp.hermite_polynomial_h(rt.tensor([2.0]), 10**6).isfinite().item()
