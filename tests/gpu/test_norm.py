"""Normalization on compute devices, beside the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES

F = rt.nn.functional
TOLERANCE = {rt.float32: 1e-5, rt.float16: 2e-3, rt.bfloat16: 1.6e-2}
FLOATS = list(TOLERANCE)
RNG = np.random.default_rng(11)
# Rows that a simdgroup keeps, with 8, 16 and 32 values a lane; that a group keeps; that none does.
WIDTHS = [1, 6, 64, 250, 300, 512, 1000, 1024, 1100, 3000]
LONG = [9001, 16400, 33000]


def values(shape: tuple[int, ...], dtype: rt.dtype) -> rt.Tensor:
    return rt.tensor(RNG.normal(0.5, 1, shape).astype(np.float32)).to(dtype)


def same(got: rt.Tensor | None, expected: rt.Tensor | None, scale: float = 1) -> None:
    assert got is not None and expected is not None
    assert got.dtype == expected.dtype and got.shape == expected.shape
    t = TOLERANCE[expected.dtype]
    a, b = (x.detach().cpu().to(rt.float32).numpy() for x in (got, expected))
    np.testing.assert_allclose(a, b, rtol=t, atol=t * scale)


def compare(f: Any, tensors: list[rt.Tensor | None], device: str, scale: float = 1) -> None:
    """The result and all gradients of f, with the tensors here and there."""
    here = [t if t is None else t.detach().requires_grad_() for t in tensors]
    there = [t if t is None else t.to(device).detach().requires_grad_() for t in tensors]
    y, z = f(*here), f(*there)
    same(z, y, scale)
    g = values(tuple(y.shape), y.dtype)
    y.backward(g)
    z.backward(g.to(device))
    for a, b in zip(here, there, strict=True):
        if a is not None and b is not None:
            same(b.grad, a.grad, 10 * scale)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("center", [True, False], ids=["layer", "rms"])
def test_rows(device: str, dtype: rt.dtype, center: bool) -> None:
    for n in [*WIDTHS, *LONG]:
        if n == 1 and center:
            continue  # the variance of nothing but itself: noise divided by noise
        shape = (2 if n > 300 else 6, n)
        x, w, b = values(shape, dtype), values((n,), dtype), values((n,), dtype)
        if center:
            compare(lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b), [x, w, b], device)
        else:
            compare(lambda x, w, n=n: F.rms_norm(x, (n,), w, 1e-5), [x, w], device)


@pytest.mark.parametrize("device", DEVICES)
def test_weight_and_bias(device: str) -> None:
    x, w, b = values((3, 4, 40), rt.float32), values((40,), rt.float32), values((40,), rt.float32)
    for weight, bias in [(None, None), (w, None), (None, b)]:
        compare(lambda x, w, b: F.layer_norm(x, (40,), w, b), [x, weight, bias], device)
    compare(lambda x: F.rms_norm(x, (4, 40)), [x], device)
    wide = values((4, 40), rt.float32)
    compare(lambda x, w: F.layer_norm(x, (4, 40), w), [x, wide], device)
    # float32 parameters of smaller values, where packs are whole and where they are not.
    for dtype in [rt.float16, rt.bfloat16]:
        for n in [40, 43]:
            x, w, b = values((5, n), dtype), values((n,), rt.float32), values((n,), rt.float32)
            compare(lambda x, w, b, n=n: F.layer_norm(x, (n,), w, b), [x, w, b], device)


@pytest.mark.parametrize("device", DEVICES)
def test_many_rows(device: str) -> None:
    """Their gradients of weight and bias are summed in parts."""
    x, w, b = values((700, 24), rt.float32), values((24,), rt.float32), values((24,), rt.float32)
    compare(lambda x, w, b: F.layer_norm(x, (24,), w, b), [x, w, b], device, scale=4)
    compare(lambda x, w: F.rms_norm(x, (24,), w), [x, w], device, scale=4)


@pytest.mark.parametrize("device", DEVICES)
def test_layouts_and_offsets(device: str) -> None:
    base = values((9, 6, 50), rt.float32)
    w = values((53,), rt.float32)
    there, w_there = base.to(device), w.to(device)
    views: list[Callable[[rt.Tensor], rt.Tensor]] = [
        lambda t: t.transpose(0, 2),
        lambda t: t[1:, ::2, 3:],
        lambda t: t[:, :1].expand(9, 4, 50),
        lambda t: t[:0],
    ]
    for view in views:
        x, y = view(base), view(there)
        n = x.shape[-1]
        same(F.layer_norm(y, (n,), w_there[3 : 3 + n]), F.layer_norm(x, (n,), w[3 : 3 + n]))
        same(F.rms_norm(y, (n,), w_there[:n]), F.rms_norm(x, (n,), w[:n]))


@pytest.mark.parametrize("device", DEVICES)
def test_rows_far_from_zero_and_not_finite(device: str) -> None:
    for n in [50, 2000, 33000]:
        x = values((4, n), rt.float32) + 1000.0
        x[1, n // 2], x[2, 3] = float("nan"), float("inf")
        x[3] = 7.0
        same(F.layer_norm(x.to(device), (n,)), F.layer_norm(x, (n,)), scale=200)
        same(F.rms_norm(x.to(device), (n,)), F.rms_norm(x, (n,)))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_groups(device: str, dtype: rt.dtype) -> None:
    for shape, groups in [
        ((3, 6, 5, 4), 2),
        ((2, 8, 30), 4),
        ((4, 6), 3),
        ((2, 4, 40, 40), 1),
        ((1, 3, 99), 3),
    ]:
        x, w, b = values(shape, dtype), values(shape[1:2], dtype), values(shape[1:2], dtype)
        compare(lambda x, w, b, g=groups: F.group_norm(x, g, w, b), [x, w, b], device, scale=4)
    compare(lambda x: F.group_norm(x, 2), [values((2, 4, 9), dtype)], device)
    compare(lambda x, b: F.group_norm(x, 2, None, b), [values((2, 4, 9), dtype), values((4,), dtype)], device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_channels(device: str, dtype: rt.dtype) -> None:
    for shape in [(6, 5), (40, 3), (3, 4, 300), (9, 3, 5), (2, 3, 41, 43), (300, 16)]:
        x, w, b = values(shape, dtype), values(shape[1:2], dtype), values(shape[1:2], dtype)
        mean, var = values(shape[1:2], dtype), values(shape[1:2], dtype).abs() + 0.5
        compare(lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), [x, w, b], device, scale=4)
        compare(
            lambda x, w, b, m=mean, v=var: F.batch_norm(x, m.to(x.device), v.to(x.device), w, b),
            [x, w, b],
            device,
            scale=4,
        )
    x = values((4, 3, 6, 5), rt.float32)
    compare(lambda x: F.batch_norm(x.permute(0, 3, 1, 2), None, None, training=True), [x], device, scale=4)


def test_what_there_is_no_kernel_for() -> None:
    x = rt.ones(2, 3, dtype=rt.float64).to("emulator")
    with pytest.raises(NotImplementedError, match=r"layer_norm: .*no kernel 'row_norm_8_float64'"):
        F.layer_norm(x, (3,))
