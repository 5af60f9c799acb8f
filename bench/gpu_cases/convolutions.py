"""Convolutions, without TF32 on either side, and linear maps with a bias."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

import rustorch as rt
from gpu_cases.case import FLOATS, Case, Sizes, pair

# (channels, outputs, side, kernel, options), as residual networks have them.
SHAPES: list[tuple[int, int, int, int, dict[str, Any]]] = [
    (64, 64, 56, 3, {"padding": 1}),
    (256, 512, 28, 1, {}),
    (3, 64, 224, 7, {"stride": 2, "padding": 3}),
]


def _step(conv: Callable[..., Any], x: Any, w: Any, grad: Any) -> None:
    x.grad = w.grad = None
    conv(x, w).backward(grad)


def convolutions(sizes: Sizes) -> Iterator[Case]:
    torch.backends.cudnn.allow_tf32 = False
    batch = 4 * sizes.batch
    for dtype in FLOATS:
        for channels, outputs, side, kernel, options in SHAPES:
            (x, y), (w, v) = (
                pair((batch, channels, side, side), dtype),
                pair((outputs, channels, kernel, kernel), dtype),
            )
            mine = partial(rt.nn.functional.conv2d, **options)
            theirs = partial(torch.nn.functional.conv2d, **options)
            out = theirs(y, v)
            name = f"{channels} to {outputs}, {kernel}x{kernel}/{dtype}"
            flops = 2.0 * out.numel() * channels * kernel**2
            yield Case(f"conv/{name}", partial(mine, x, w), partial(theirs, y, v), flops=flops, target=1)
            for t in (x, w, y, v):
                t.requires_grad_()
            grad = rt.ones(tuple(out.shape), device="cuda").to(x.dtype)
            yield Case(
                f"conv with gradients/{name}",
                partial(_step, mine, x, w, grad),
                partial(_step, theirs, y, v, torch.ones_like(out)),
                flops=3 * flops,
                target=1,
            )


def linear_maps(sizes: Sizes) -> Iterator[Case]:
    rows, inner, outer = 1024 * sizes.batch, 768, 3072
    for dtype in FLOATS:
        (x, y), (w, v), (b, c) = (
            pair((rows, inner), dtype),
            pair((outer, inner), dtype),
            pair((outer,), dtype),
        )
        yield Case(
            f"linear with a bias/{rows}x{inner}x{outer}/{dtype}",
            partial(rt.nn.functional.linear, x, w, b),
            partial(torch.nn.functional.linear, y, v, c),
            flops=2.0 * rows * inner * outer,
            target=1,
        )
