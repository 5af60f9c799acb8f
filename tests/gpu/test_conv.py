"""Convolutions and their gradients on the emulators against the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import FLOATS, INTEGERS, assert_same, both_devices, draw, gradients

OPS = {
    3: (F.conv1d, F.conv_transpose1d),
    4: (F.conv2d, F.conv_transpose2d),
    5: (F.conv3d, F.conv_transpose3d),
}


@dataclass(frozen=True)
class Case:
    x: tuple[int, ...]
    w: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)
    transposed: bool = False
    bias: bool = True

    @property
    def op(self) -> Callable[..., rt.Tensor]:
        f = OPS[len(self.x)][self.transposed]
        return lambda *t: f(*t, **self.options)

    def inputs(self, dtype: rt.dtype) -> list[rt.Tensor]:
        outs = self.w[1] * self.options.get("groups", 1) if self.transposed else self.w[0]
        tensors = [draw(self.x, dtype), draw(self.w, dtype, 1)]
        return [*tensors, draw((outs,), dtype, 2)] if self.bias else tensors

    def __str__(self) -> str:
        return f"{self.x}-{self.w}-{self.options}{'-T' * self.transposed}"


CASES = [
    Case((2, 3, 7), (4, 3, 3)),
    Case((2, 3, 6, 5), (4, 3, 3, 2), {"padding": 1}),
    Case((1, 2, 7, 8), (3, 2, 3, 3), {"stride": (2, 3), "padding": (1, 0), "dilation": (1, 2)}, bias=False),
    Case((1, 2, 4, 5, 3), (2, 2, 2, 3, 2), {"stride": (1, 2, 1), "padding": 1}),
    Case((2, 20, 3, 3), (18, 10, 1, 1), {"groups": 2}),
    Case((2, 4, 6, 6), (4, 1, 3, 3), {"groups": 4, "padding": 1}),  # depthwise
    Case((2, 3, 5, 4), (6, 1, 2, 3), {"groups": 3, "stride": 2}),
    Case((2, 40, 7, 7), (36, 40, 1, 1)),  # larger tiles
    Case((2, 4, 5), (4, 3, 3), {"stride": 2, "output_padding": 1}, transposed=True),
    Case((1, 3, 4, 4), (3, 2, 3, 3), {"stride": (2, 1), "padding": 1, "dilation": (1, 2)}, transposed=True),
    Case((1, 4, 3, 4), (4, 1, 3, 2), {"groups": 4, "stride": 2}, transposed=True),
    Case((1, 2, 2, 3, 2), (2, 2, 2, 2, 2), {"stride": 2}, transposed=True),
]
# A gradient of the weight that is summed in parts; one with larger tiles.
LARGER = [Case((3, 2, 16, 16), (3, 2, 3, 3), bias=False), Case((1, 4, 6, 6), (66, 4, 3, 3), bias=False)]


@both_devices
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward(case: Case, dtype: rt.dtype, device: str) -> None:
    inputs = case.inputs(dtype)
    want = case.op(*inputs)
    assert_same(case.op(*[t.to(device) for t in inputs]), want, scale=10)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", [*CASES, *LARGER], ids=str)
def test_gradients(case: Case, dtype: rt.dtype, device: str) -> None:
    # The bias's gradient is a sum, and no convolution.
    inputs = case.inputs(dtype)[:2]
    for got, want in zip(gradients(case.op, inputs, device), gradients(case.op, inputs, "cpu"), strict=True):
        assert_same(got, want, scale=20)


@both_devices
def test_layouts(device: str) -> None:
    x, w = draw((5, 6, 3, 2), rt.float32), draw((2, 2, 3, 4), rt.float32, 1)
    want = F.conv2d(x.permute(3, 2, 0, 1), w.permute(3, 2, 1, 0))
    assert_same(F.conv2d(x.to(device).permute(3, 2, 0, 1), w.to(device).permute(3, 2, 1, 0)), want, scale=10)


@both_devices
def test_empty(device: str) -> None:
    y = F.conv2d(rt.zeros(0, 3, 4, 4, device=device), rt.zeros(2, 3, 2, 2, device=device))
    assert y.shape == (0, 2, 3, 3)


@both_devices
def test_types_without_a_kernel(device: str) -> None:
    x = rt.zeros(1, 1, 4, dtype=rt.float64, device=device)
    with pytest.raises(rt.errors.UnsupportedOperation, match=r"no kernel .*float64"):
        F.conv1d(x, x)
