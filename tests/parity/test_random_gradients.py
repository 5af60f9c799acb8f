"""PyTorch gives draws the gradient of zero that tests/ops demands of ours, to the same arguments."""

from __future__ import annotations

import types

import pytest

from ..ops.test_random_gradients import DRAWS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


@pytest.mark.parametrize("name", [n for n in DRAWS if n != "bernoulli.p"])  # which PyTorch refuses
def test_the_gradient_is_zero(name: str) -> None:
    code = DRAWS[name].__code__
    inputs = [torch.full((2, 3), 0.5, requires_grad=True) for _ in range(code.co_argcount)]
    drawn = types.FunctionType(code, {"rt": torch})(*inputs)
    (drawn * 3).sum().backward()
    assert all(x.grad is not None and not x.grad.any() for x in inputs)
