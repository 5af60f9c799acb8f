"""Pooling and its gradients on the emulators against the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import FLOATS, INTEGERS, assert_same, both_devices, draw, gradients

Op = Callable[[rt.Tensor], rt.Tensor]

MAXIMA: list[tuple[Op, tuple[int, ...]]] = [
    (partial(F.max_pool1d, kernel_size=3, stride=2), (2, 3, 9)),
    (partial(F.max_pool2d, kernel_size=2), (2, 3, 6, 7)),
    (partial(F.max_pool2d, kernel_size=(3, 2), stride=(1, 2), padding=1, ceil_mode=True), (3, 7, 6)),
    (partial(F.max_pool2d, kernel_size=3, stride=2, padding=2, dilation=2), (1, 2, 9, 8)),
    (partial(F.max_pool3d, kernel_size=2, stride=1), (1, 2, 3, 4, 3)),
    (partial(F.adaptive_max_pool2d, output_size=(3, 4)), (2, 2, 7, 5)),
]
MEANS: list[tuple[Op, tuple[int, ...]]] = [
    (partial(F.avg_pool1d, kernel_size=3, stride=2), (2, 3, 9)),
    (partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1), (2, 3, 6, 7)),
    (
        partial(F.avg_pool2d, kernel_size=(3, 2), padding=1, ceil_mode=True, count_include_pad=False),
        (3, 7, 6),
    ),
    (partial(F.avg_pool2d, kernel_size=2, stride=3, divisor_override=3), (1, 2, 8, 8)),
    (partial(F.avg_pool3d, kernel_size=2, stride=1), (1, 2, 3, 4, 3)),
    (partial(F.adaptive_avg_pool1d, output_size=4), (2, 3, 7)),
    (partial(F.adaptive_avg_pool2d, output_size=(3, 1)), (2, 2, 7, 5)),
]


@both_devices
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS, ids=str)
@pytest.mark.parametrize("case", range(len(MAXIMA)))
def test_maxima(case: int, dtype: rt.dtype, device: str) -> None:
    op, shape = MAXIMA[case]
    x = draw(shape, dtype)
    want, where = op(x, return_indices=True)
    got, there = op(x.to(device), return_indices=True)
    assert_same(got, want)
    assert_same(there, where)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", range(len(MAXIMA) + len(MEANS)))
def test_gradients(case: int, dtype: rt.dtype, device: str) -> None:
    op, shape = (MAXIMA + MEANS)[case]
    x = draw(shape, dtype)
    for got, want in zip(gradients(op, [x], device), gradients(op, [x], "cpu"), strict=True):
        assert_same(got, want, scale=4)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_second_gradients(dtype: rt.dtype, device: str) -> None:
    x = draw((1, 2, 5, 5), dtype)
    weights = draw((1, 2, 3, 3), dtype, 1)

    def slope(where: str) -> rt.Tensor:
        leaf, scale = x.to(where).requires_grad_(), weights.to(where).requires_grad_()
        y = F.max_pool2d(leaf, 3, 1)
        (g,) = rt.autograd.grad(y, leaf, scale, create_graph=True)
        g.backward(x.to(where))
        return scale.grad

    assert_same(slope(device), slope("cpu"))


@both_devices
def test_layouts_and_nan(device: str) -> None:
    x = draw((6, 5, 2, 3), rt.float32)
    x[2, 2] = np.nan
    for op in (partial(F.max_pool2d, kernel_size=2), partial(F.avg_pool2d, kernel_size=2)):
        assert_same(op(x.to(device).permute(3, 2, 0, 1)), op(x.permute(3, 2, 0, 1)))


@both_devices
def test_types_without_a_kernel(device: str) -> None:
    x = rt.zeros(1, 1, 4, dtype=rt.float64, device=device)
    with pytest.raises(rt.errors.UnsupportedOperation, match=r"no kernel .*float64"):
        F.max_pool1d(x, 2)
