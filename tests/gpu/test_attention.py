"""Attention and its gradients on the emulators against the CPU's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F

from .compare import (
    FLOATS,
    Layout,
    Make,
    assert_same,
    both_devices,
    contiguous,
    draw,
    gradients,
    moved,
    numbers,
    offset,
    transposed,
)


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


def heads_last(shape: Sequence[int], make: Make) -> rt.Tensor:
    """(batch, row, head, column) in memory."""
    b, h, t, d = shape
    return make((b, t, h, d)).transpose(1, 2)


def projection(shape: Sequence[int], make: Make) -> rt.Tensor:
    """One of query, key and value that one product has made."""
    b, h, t, d = shape
    return make((b, t, 3, h, d))[:, :, 1].transpose(1, 2)


def rows_first(shape: Sequence[int], make: Make) -> rt.Tensor:
    b, h, t, d = shape
    return make((t, b, h, d)).permute(1, 2, 0, 3)


# The order of the dims in the memory of a result, by the layout of what it is like.
ORDER = {heads_last: (0, 2, 1, 3), projection: (0, 2, 1, 3), rows_first: (2, 0, 1, 3)}


def dense_like(layout: Layout, shape: tuple[int, ...]) -> tuple[int, ...]:
    order = ORDER.get(layout, (0, 1, 2, 3))
    steps, step = [0] * 4, 1
    for d in reversed(order):
        steps[d] = step
        step *= shape[d]
    return tuple(steps)


def attention_and_gradients(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, g: np.ndarray, seen: np.ndarray
) -> list[np.ndarray]:
    """In float64, where `seen`; a row that sees nothing is zero."""
    heads = k.shape[1]
    k, v = (np.repeat(t, q.shape[1] // heads, axis=1) for t in (k, v))
    scale = q.shape[-1] ** -0.5
    scores = np.where(seen, q @ k.swapaxes(-1, -2) * scale, -np.inf)
    highest = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(highest), highest, 0))
    weights /= np.maximum(weights.sum(-1, keepdims=True), 1e-300)
    out = weights @ v
    slopes = weights * (g @ v.swapaxes(-1, -2) - (g * out).sum(-1, keepdims=True)) * scale

    def gathered(t: np.ndarray) -> np.ndarray:
        return t.reshape(t.shape[0], heads, -1, *t.shape[2:]).sum(2)

    return [out, slopes @ k, gathered(slopes.swapaxes(-1, -2) @ q), gathered(weights.swapaxes(-1, -2) @ g)]


@dataclass(frozen=True)
class Laid:
    layouts: tuple[Layout, Layout, Layout, Layout]  # of query, key, value and the result's gradient
    q: tuple[int, ...]
    k: tuple[int, ...]
    values: int
    causal: bool = False
    masked: bool = False
    one_slope: bool = False  # the gradient of all rows, as that of a sum is


LAID = [
    Laid((projection, projection, projection, heads_last), (1, 2, 70, 64), (1, 2, 70, 64), 64, causal=True),
    Laid((heads_last, contiguous, rows_first, contiguous), (2, 2, 20, 40), (2, 2, 70, 40), 40),
    Laid((rows_first, rows_first, rows_first, projection), (2, 2, 17, 96), (2, 2, 34, 96), 128, causal=True),
    Laid((contiguous, heads_last, heads_last, rows_first), (1, 2, 66, 128), (1, 2, 20, 128), 64, causal=True),
    Laid((projection, heads_last, projection, offset), (1, 4, 34, 16), (1, 2, 65, 16), 16, causal=True),
    Laid((heads_last, projection, heads_last, contiguous), (1, 6, 20, 8), (1, 2, 30, 8), 24, one_slope=True),
    Laid((offset, offset, offset, offset), (2, 2, 20, 12), (2, 2, 30, 12), 9),
    Laid((transposed, transposed, transposed, transposed), (2, 2, 20, 8), (2, 2, 30, 8), 16, causal=True),
    Laid((heads_last, heads_last, projection, heads_last), (2, 2, 20, 8), (2, 2, 30, 8), 8, masked=True),
]
LAID_ERROR = {rt.float32: 1e-6, rt.float16: 2e-3, rt.bfloat16: 1.5e-2}


def check_laid(c: Laid, dtype: rt.dtype, device: str) -> None:
    """Values against float64; results are dense, in the order of what they are like."""
    shapes = c.q, c.k, (*c.k[:3], c.values), (*c.q[:3], c.values)
    drawn = [draw(shape, dtype, seed) for seed, shape in enumerate(shapes)]
    there = [moved(t, layout, device) for t, layout in zip(drawn, c.layouts)]
    if c.one_slope:
        drawn[3], there[3] = (t[3][..., :1, :].expand(*shapes[3]) for t in (drawn, there))
    seen = np.tri(c.q[2], c.k[2], dtype=bool) if c.causal else np.ones((c.q[2], c.k[2]), bool)
    mask = None
    if c.masked:
        seen = np.random.default_rng(5).random(seen.shape) > 0.3
        seen[3] = False
        mask = rt.tensor(np.ascontiguousarray(seen.T)).to(device).T
    leaves = [t.detach().requires_grad_() for t in there[:3]]
    y = F.scaled_dot_product_attention(
        *leaves, attn_mask=mask, is_causal=c.causal, enable_gqa=c.q[1] != c.k[1]
    )
    got = [y, *rt.autograd.grad(y, leaves, there[3])]
    want = attention_and_gradients(*(numbers(t).astype(np.float64) for t in drawn), seen)
    for t, w, layout in zip(got, want, (c.layouts[0], *c.layouts[:3]), strict=True):
        assert np.linalg.norm(numbers(t) - w) <= LAID_ERROR[dtype] * np.linalg.norm(w)
        assert t.stride() == dense_like(layout, w.shape)


@pytest.mark.parametrize("dtype", [rt.float32, rt.bfloat16], ids=str)
@pytest.mark.parametrize("case", range(len(LAID)))
def test_results_lie_as_the_operands(case: int, dtype: rt.dtype) -> None:
    check_laid(LAID[case], dtype, "emulator")


@pytest.mark.parametrize("dtype", [rt.float32, rt.float16], ids=str)
def test_results_lie_as_the_operands_and_no_access_is_wrong(dtype: rt.dtype) -> None:
    like = (projection, heads_last, projection, heads_last)
    check_laid(Laid(like, (1, 2, 9, 8), (1, 2, 12, 8), 16, causal=True), dtype, "emulator:1")


@both_devices
def test_rows_of_one_element(device: str) -> None:
    q, k, v = Case((1, 3, 4, 1), (1, 3, 6, 1), values=8).inputs(rt.float32)
    got = F.scaled_dot_product_attention(moved(q, transposed, device), k.to(device), v.to(device))
    assert_same(got, F.scaled_dot_product_attention(q, k, v))
    assert got.stride(-1) == 1


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
