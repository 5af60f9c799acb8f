"""Attention and its gradients on the emulators against the CPU's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import FLOATS, assert_same, both_devices, draw, gradients, moved, offset


@dataclass(frozen=True)
class Case:
    q: tuple[int, ...]
    k: tuple[int, ...]
    values: int = 0  # columns of the value; as many as the key's if 0
    causal: bool = False
    mask: tuple[int, ...] = ()
    numbers: bool = False  # the mask's, instead of truth values
    shared: bool = False  # key heads serve groups

    def inputs(self, dtype: rt.dtype) -> list[rt.Tensor]:
        v = (*self.k[:-1], self.values or self.k[-1])
        return [draw(self.q, dtype), draw(self.k, dtype, 1), draw(v, dtype, 2)]

    def op(self, dtype: rt.dtype, device: str) -> Callable[..., rt.Tensor]:
        mask = None
        if self.mask:
            g = draw(self.mask, rt.float32, 3)
            mask = (g.to(dtype) if self.numbers else g > -0.5).to(device)
        return partial(
            F.scaled_dot_product_attention, attn_mask=mask, is_causal=self.causal, enable_gqa=self.shared
        )


CASES = [
    Case((2, 3, 5, 4), (2, 3, 7, 4)),
    Case((33, 9), (40, 9), causal=True),
    Case((40, 8), (35, 8), values=12, causal=True),
    Case((2, 5, 70), (2, 34, 70), values=20),  # chunks of the inner dim, unaligned
    Case((1, 3, 72), (1, 37, 72), values=136),  # parts of the result's columns
    Case((2, 4, 3, 8), (2, 2, 5, 8), shared=True),
    Case((1, 4, 34, 4), (1, 2, 34, 4), shared=True, causal=True),
    Case((2, 2, 6, 4), (2, 2, 9, 4), mask=(2, 1, 6, 9)),
    Case((2, 2, 6, 4), (2, 2, 9, 4), mask=(6, 1), numbers=True),
    # 16-bit blocks: rows of two groups, several tiles, ends within tiles.
    Case((1, 140, 16), (1, 150, 16), causal=True),
    Case((1, 20, 72), (1, 60, 72), values=128),
    Case((1, 70, 128), (1, 50, 128), causal=True),
    Case((1, 4, 34, 8), (1, 2, 34, 8), shared=True, causal=True),
    Case((2, 1, 2, 1, 2, 1, 2, 1, 3, 4), (2, 1, 2, 1, 2, 1, 2, 1, 3, 4), causal=True),
]


@both_devices
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_results_and_gradients(case: int, dtype: rt.dtype, device: str) -> None:
    c = CASES[case]
    got = gradients(c.op(dtype, device), c.inputs(dtype), device)
    want = gradients(c.op(dtype, "cpu"), c.inputs(dtype), "cpu")
    for a, b in zip(got, want, strict=True):
        assert_same(a, b, scale=10)


@both_devices
def test_layouts(device: str) -> None:
    q, k, v = Case((2, 3, 4, 8), (2, 3, 6, 8)).inputs(rt.float32)
    want = F.scaled_dot_product_attention(q, k, v)
    assert_same(F.scaled_dot_product_attention(*[moved(t, offset, device) for t in (q, k, v)]), want)
    # (batch, row, head, column), as a projection gives them; a key of one head for all.
    q, k = (t.permute(0, 2, 1, 3).contiguous().permute(0, 2, 1, 3) for t in (q, k))
    want = F.scaled_dot_product_attention(q, k[:, :1], v)
    there = [t.permute(0, 2, 1, 3).to(device).permute(0, 2, 1, 3) for t in (q, k)]
    assert_same(F.scaled_dot_product_attention(there[0], there[1][:, :1], v.to(device)), want)


@both_devices
def test_rows_that_attend_to_nothing(device: str) -> None:
    q, k, v = Case((4, 8), (40, 8)).inputs(rt.float32)
    mask = np.random.default_rng(0).random((4, 40)) > 0.5
    mask[1] = False
    mask[2, :35] = False  # nothing in the first tile
    results = {}
    for where in ("cpu", device):
        f = partial(F.scaled_dot_product_attention, attn_mask=rt.tensor(mask).to(where))
        results[where] = gradients(f, [q, k, v], where)
    for got, want in zip(results[device], results["cpu"], strict=True):
        assert_same(got, want, scale=4)


@both_devices
def test_large_scores_and_nan(device: str) -> None:
    q, k, v = Case((9, 8), (70, 8)).inputs(rt.float32)
    q = q * 50
    assert_same(
        F.scaled_dot_product_attention(*[t.to(device) for t in (q, k, v)]),
        F.scaled_dot_product_attention(q, k, v),
        scale=30,
    )
    q[3, 2] = np.nan  # of one row alone
    assert_same(
        F.scaled_dot_product_attention(*[t.to(device) for t in (q, k, v)]),
        F.scaled_dot_product_attention(q, k, v),
        scale=30,
    )


@both_devices
def test_types_without_a_kernel(device: str) -> None:
    x = rt.zeros(2, 4, dtype=rt.float64, device=device)
    with pytest.raises(rt.errors.UnsupportedOperation, match=r"no kernel .*float64"):
        F.scaled_dot_product_attention(x, x, x)
