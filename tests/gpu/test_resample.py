"""Images at other resolutions and at points of grids, beyond what the op table has: many taps, many channels,
points that meet, and the special functions whose series are float32 on GPUs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import rustorch as rt

from .compare import assert_same, both_devices, draw, gradients

RESIZED: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 19, 17), {"size": (3, 4), "mode": "bilinear", "antialias": True}),
    ((1, 2, 12, 9), {"size": (5, 20), "mode": "bicubic", "antialias": True}),
    ((1, 1, 16, 5), {"size": (3, 5), "mode": "lanczos", "antialias": True}),
    ((1, 2, 2, 3, 2), {"size": (9, 8, 7), "mode": "trilinear"}),  # whose gradients have many taps
    ((2, 1, 5), {"size": 11, "mode": "linear", "align_corners": True}),
    ((1, 1, 6, 6), {"scale_factor": 0.5, "mode": "nearest-exact"}),
]


@both_devices
@pytest.mark.parametrize(("shape", "how"), RESIZED, ids=lambda v: str(v))
def test_interpolate(shape: tuple[int, ...], how: dict[str, Any], device: str) -> None:
    def resized(x: rt.Tensor) -> rt.Tensor:
        return rt.nn.functional.interpolate(x, **how)

    x = draw(shape, rt.float32)
    for got, want in zip(gradients(resized, [x], device), gradients(resized, [x], "cpu"), strict=True):
        assert_same(got.cpu(), want)


@both_devices
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_points_that_meet(mode: str, padding: str, device: str) -> None:
    """Many points of few places, some far outside, some nowhere; gradients of both operands."""
    x = draw((2, 5, 3, 2), rt.float32)
    points = draw((2, 4, 9, 2), rt.float32, 1)
    points[0, 0, 0] = float("inf")

    def sampled(x: rt.Tensor, points: rt.Tensor) -> rt.Tensor:
        return rt.nn.functional.grid_sample(x, points, mode=mode, padding_mode=padding, align_corners=False)

    got, want = (gradients(sampled, [x, points], d) for d in (device, "cpu"))
    for g, w in zip(got, want, strict=True):
        assert_same(g.cpu(), w, 3)
    again = gradients(sampled, [x, points], device)
    assert rt.equal(got[1].cpu(), again[1].cpu())


@both_devices
def test_volumes_and_second_derivatives(device: str) -> None:
    x, points = draw((1, 2, 3, 2, 4), rt.float32), draw((1, 1, 2, 3, 3), rt.float32, 1) * 0.7
    found = []
    for d in (device, "cpu"):
        a, b = (t.detach().to(d).requires_grad_() for t in (x, points))
        y = rt.nn.functional.grid_sample(a, b, align_corners=True)
        first = rt.autograd.grad(y.square().sum(), [a, b], create_graph=True)
        sum(g.square().sum() for g in first).backward()
        found.append([y, *first, a.grad, b.grad])
    for got, want in zip(*found, strict=True):
        assert_same(got.cpu().detach(), want.detach(), 20)


def test_not_a_number_is_not_hidden() -> None:
    points = rt.full((1, 1, 1, 2), float("nan"), device="emulator")
    y = rt.nn.functional.grid_sample(rt.ones(1, 1, 2, 2, device="emulator"), points, align_corners=False)
    assert y.isnan().all().item()


def test_series_in_float32() -> None:
    """Both sides of where the formulas change."""
    a = np.array([0.07, 3, 9.9, 10.1, 60, 199, 201, 250, 3e4, 1e9], np.float32)
    for spread in (-2, -0.3, 0.4, 2):
        x = (a + spread * np.sqrt(a)).clip(1e-3).astype(np.float32)
        on_device = [rt.from_numpy(v).to("emulator") for v in (a, x)]
        for name, want in (("igamma", sp.gammainc), ("igammac", sp.gammaincc)):
            got = getattr(rt, name)(*on_device).cpu().numpy()
            np.testing.assert_allclose(got, want(a.astype(float), x.astype(float)), rtol=2e-5)
    x = np.array([0.2, 1, 7, 900], np.float32)
    for n in (1, 9, 10, 11, 31):
        got = rt.polygamma(n, rt.from_numpy(x).to("emulator")).cpu().numpy()
        with np.errstate(over="ignore"):
            want = sp.polygamma(n, x.astype(float)).astype(np.float32)
        np.testing.assert_allclose(got, want, rtol=5e-5)
