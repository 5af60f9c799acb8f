"""Gradients of several views of one tensor: one buffer is made, and each is added where it lies."""

from __future__ import annotations

import numpy as np
import pytest

import rustorch as rt

from .emulator import Emulator


def launches(emulator: Emulator) -> dict[str, int]:
    rt.ones(1, device="emulator").cpu()  # what was enqueued has run
    return {name: emulator.table.launch_count(i) for i, name in enumerate(emulator.kernels())}


@pytest.mark.parametrize("dtype", [rt.float16, rt.bfloat16], ids=str)
def test_queries_keys_and_values(dtype: rt.dtype) -> None:
    emulator = Emulator(False)
    w = np.random.default_rng(0).integers(-4, 5, (3, 2, 2, 16, 8)).astype(np.float32)
    x = rt.randn(2, 16, 3 * 16).to("emulator").to(dtype).requires_grad_()
    heads = x.reshape(2, 16, 3, 2, 8)
    parts = [heads[:, :, j].transpose(1, 2) for j in range(3)]
    given = [rt.tensor(part).to("emulator").to(dtype) for part in w]
    before = launches(emulator)
    (g,) = rt.autograd.grad(parts, x, given)
    after = launches(emulator)
    work = {name: n - before[name] for name, n in after.items() if n != before[name]}
    assert work.pop("copy_2") == 2  # the zeros, and the newest part in them
    assert work.pop({rt.float16: "add_half", rt.bfloat16: "add_bfloat"}[dtype]) == 2
    assert set(work) <= {"copy_4"}  # of launches() itself
    expected = w.transpose(1, 3, 0, 2, 4).reshape(2, 16, 48)
    np.testing.assert_array_equal(g.cpu().to(rt.float32).numpy(), expected)
