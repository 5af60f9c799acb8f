"""Fold and unfold on the emulators against the CPU's."""

from __future__ import annotations

from typing import Any

import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import FLOATS, assert_same, both_devices, draw, gradients

GEOMETRIES: list[dict[str, Any]] = [
    {"kernel_size": 2},
    {"kernel_size": (3, 2), "padding": (2, 1), "stride": (2, 1)},
    {"kernel_size": (2, 3), "dilation": (2, 1), "padding": 1, "stride": 2},
]


@both_devices
@pytest.mark.parametrize("dtype", [*FLOATS, rt.float64, rt.bool, rt.complex128], ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_unfold(geometry: dict[str, Any], dtype: rt.dtype, device: str) -> None:
    x = draw((2, 3, 6, 5), rt.float32).to(dtype)
    got = F.unfold(x.to(device), **geometry).cpu()
    assert got.dtype == dtype
    assert rt.equal(got, F.unfold(x, **geometry))


@both_devices
@pytest.mark.parametrize("dtype", [*FLOATS, rt.bool], ids=str)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_fold(geometry: dict[str, Any], dtype: rt.dtype, device: str) -> None:
    columns = F.unfold(draw((2, 3, 6, 5), rt.float32), **geometry).to(dtype)
    want = F.fold(columns, (6, 5), **geometry)
    got = F.fold(columns.to(device), (6, 5), **geometry)
    if dtype == rt.bool:
        assert rt.equal(got.cpu(), want)
    else:
        assert_same(got, want)


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_gradients(dtype: rt.dtype, device: str) -> None:
    geometry = GEOMETRIES[1]
    x = draw((2, 3, 6, 5), dtype)
    columns = F.unfold(x, **geometry)
    for f, t in (
        (lambda t: F.unfold(t, **geometry), x),
        (lambda t: F.fold(t, (6, 5), **geometry), columns),
    ):
        for got, want in zip(gradients(f, [t], device), gradients(f, [t], "cpu"), strict=True):
            assert_same(got, want, scale=2)


@both_devices
def test_empty_and_missing(device: str) -> None:
    assert F.unfold(rt.zeros(0, 2, 4, 4, device=device), 2).shape == (0, 8, 9)
    with pytest.raises(rt.errors.UnsupportedOperation, match=r"no kernel .*float64"):
        F.fold(rt.zeros(1, 4, 4, dtype=rt.float64, device=device), 3, 2)
