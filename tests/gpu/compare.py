"""Runs an op on the CPU and on the emulators, and holds the results together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
import pytest

import rustorch as rt

# Plain, and checked; or what tools/gpu_sweep.py runs on.
DEVICES = [os.environ["RUSTORCH_SWEEP"]] if "RUSTORCH_SWEEP" in os.environ else ["emulator", "emulator:1"]
FLOATS = [rt.float32, rt.float16, rt.bfloat16]
INTEGERS = [rt.uint8, rt.int8, rt.int16, rt.int32, rt.int64]
TOLERANCE = {rt.float32: (1e-5, 1e-5), rt.float16: (2e-3, 2e-3), rt.bfloat16: (1.6e-2, 1.6e-2)}

both_devices = pytest.mark.parametrize("device", DEVICES)


def draw(shape: Sequence[int], dtype: rt.dtype, seed: int = 0) -> rt.Tensor:
    """Numbers on the CPU: small whole ones, or normal ones."""
    g = np.random.default_rng(seed)
    if dtype in INTEGERS:
        return rt.tensor(g.integers(0 if dtype == rt.uint8 else -9, 10, shape)).to(dtype)
    return rt.tensor(g.standard_normal(shape).astype(np.float32)).to(dtype)


def numbers(t: rt.Tensor) -> np.ndarray:
    t = t.detach().cpu()
    return (t.to(rt.float32) if t.dtype in FLOATS else t).numpy()


def assert_same(got: rt.Tensor, want: rt.Tensor, scale: float = 1.0) -> None:
    """Of one shape and type, and equal within the type's tolerance, times `scale`."""
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    if want.dtype in FLOATS:
        rtol, atol = TOLERANCE[want.dtype]
        np.testing.assert_allclose(numbers(got), numbers(want), rtol=rtol * scale, atol=atol * scale)
    else:
        np.testing.assert_array_equal(numbers(got), numbers(want))


Make = Callable[[Sequence[int]], rt.Tensor]


def contiguous(shape: Sequence[int], make: Make) -> rt.Tensor:
    return make(shape)


def transposed(shape: Sequence[int], make: Make) -> rt.Tensor:
    return make(shape[::-1]).permute(*range(len(shape) - 1, -1, -1))


def stepped(shape: Sequence[int], make: Make) -> rt.Tensor:
    return make([*shape, 2])[..., 1]


def offset(shape: Sequence[int], make: Make) -> rt.Tensor:
    """Beginning one element into its memory, with rows apart."""
    return make([*shape[:-1], shape[-1] + 2])[..., 1:-1]


Layout = Callable[[Sequence[int], Make], rt.Tensor]
LAYOUTS: list[Layout] = [contiguous, transposed, stepped, offset]


def moved(t: rt.Tensor, layout: Layout, device: str) -> rt.Tensor:
    """On a device in a layout; what lies between its elements is never written."""
    there = layout(t.shape, lambda shape: rt.empty(*shape, dtype=t.dtype, device=device))
    return there.copy_(t.to(device))


def gradients(f: Callable[..., rt.Tensor], inputs: Sequence[rt.Tensor], device: str) -> list[rt.Tensor]:
    """The result on the device, and the gradients of the inputs against a fixed weighting of it."""
    leaves = [t.detach().to(device).requires_grad_() for t in inputs]
    y = f(*leaves)
    y.backward(draw(y.shape, y.dtype, 99).to(device))
    return [y, *[t.grad for t in leaves]]
