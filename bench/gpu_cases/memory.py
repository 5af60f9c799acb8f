"""Work whose limit is the memory: elementwise, reductions, rows and their gradients, optimizers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

import rustorch as rt
from gpu_cases.case import FLOATS, Case, Sizes, later, pair


def calls(_: Sizes) -> Iterator[Case]:
    x, y = pair((16,), "float32")
    yield Case("call/add/16", lambda: x + x, lambda: y + y, target=1)


def elementwise(sizes: Sizes) -> Iterator[Case]:
    n = sizes.elements
    for dtype in FLOATS:
        x, y = pair((n,), dtype)
        size = x.element_size()
        moved = 2.0 * n * size
        yield Case(f"elementwise/add/{dtype}", lambda x=x: x + x, lambda y=y: y + y, moved, target=1)
        yield Case(f"elementwise/exp/{dtype}", lambda x=x: x.exp(), lambda y=y: y.exp(), moved, target=1)
        yield Case(
            f"elementwise/cast to int32/{dtype}",
            lambda x=x: x.to(rt.int32),
            lambda y=y: y.to(torch.int32),
            float(n * (size + 4)),
            target=1,
        )
        other = "float16" if dtype == "float32" else "float32"
        yield Case(
            f"elementwise/cast to {other}/{dtype}",
            partial(x.to, getattr(rt, other)),
            partial(y.to, getattr(torch, other)),
            float(n * (size + (2 if other == "float16" else 4))),
            target=1,
        )


def reductions(sizes: Sizes) -> Iterator[Case]:
    for dtype in FLOATS:
        x, y = pair((sizes.elements,), dtype)
        once = float(sizes.elements * x.element_size())
        yield Case(f"reduce/sum/{dtype}", lambda x=x: x.sum(), lambda y=y: y.sum(), once, target=1)
        yield Case(f"reduce/max/{dtype}", lambda x=x: x.max(), lambda y=y: y.max(), once, target=1)
        yield Case(f"reduce/argmax/{dtype}", lambda x=x: x.argmax(), lambda y=y: y.argmax(), once, target=1)


def _row_calls(lib: Any, x: Any) -> dict[str, Callable[..., Any]]:
    """By name: a function of rows and of the normalization's parameters, if any."""
    f, width = lib.nn.functional, (x.shape[1],)
    return {
        "softmax": lambda x: f.softmax(x, dim=1),
        "log_softmax": lambda x: f.log_softmax(x, dim=1),
        "layer_norm": lambda x, *parameters: f.layer_norm(x, width, *parameters),
        "rms_norm": lambda x, *parameters: f.rms_norm(x, width, *parameters),
    }


def rows(sizes: Sizes) -> Iterator[Case]:
    # More is asked of the median over the widths: at some of them both libraries reach the memory's limit.
    for width in sizes.rows:
        for dtype in ("float32", "bfloat16"):
            x, y = pair((sizes.elements // width, width), dtype)
            moved = 2.0 * sizes.elements * x.element_size()
            mine, theirs = _row_calls(rt, x), _row_calls(torch, y)
            for name in mine:
                yield Case(
                    f"rows/{name}/{width}/{dtype}",
                    partial(mine[name], x),
                    partial(theirs[name], y),
                    moved,
                    target=1,
                )


def _backward(lib: Any, f: Callable[..., Any], x: Any, grad: Any, parameters: int) -> Callable[[], Any]:
    """The gradients of rows, and of a weight and a bias where there are so many parameters."""
    leaves = [x.detach().requires_grad_()]
    leaves += [lib.ones(x.shape[1], device="cuda").to(x.dtype).requires_grad_() for _ in range(parameters)]
    y = f(*leaves)
    return lambda: lib.autograd.grad(y, leaves, grad, retain_graph=True)


def row_gradients(sizes: Sizes) -> Iterator[Case]:
    parameters = {"softmax": 0, "log_softmax": 0, "layer_norm": 2, "rms_norm": 1}
    for width in sizes.rows:
        for dtype in ("float32", "bfloat16"):
            shape = (sizes.elements // width, width)
            (x, y), (g, h) = pair(shape, dtype), pair(shape, dtype)
            mine, theirs = _row_calls(rt, x), _row_calls(torch, y)
            for name, count in parameters.items():
                yield Case(
                    f"backward/{name}/{width}/{dtype}",
                    _backward(rt, mine[name], x, g, count),
                    _backward(torch, theirs[name], y, h, count),
                    3.0 * sizes.elements * x.element_size(),
                    target=1,
                )


def _adamw(lib: Any, sizes: Sizes) -> Callable[[], Any]:
    """A step over parameters that have gradients."""
    numel = sizes.parameters // sizes.tensors
    parameters = [lib.zeros(numel, device="cuda").requires_grad_() for _ in range(sizes.tensors)]
    for p in parameters:
        p.grad = lib.ones(numel, device="cuda")
    step: Callable[[], Any] = lib.optim.AdamW(parameters, fused=True).step
    return step


def optimizers(sizes: Sizes) -> Iterator[Case]:
    # Parameter, gradient and two moments in float32, for each library.
    needed = 2 * 16 * sizes.parameters
    free = torch.cuda.mem_get_info()[0]
    if free < 1.1 * needed:
        print(f"  optimizer/AdamW: left out, {needed / 1e9:.0f} GB needed, {free / 1e9:.0f} GB free")
        return
    # Four are read, three written.
    moved = 28.0 * sizes.parameters
    name = f"optimizer/AdamW, {sizes.parameters / 1e6:.0f}M in {sizes.tensors} tensors/float32"
    ours, theirs = (later(partial(_adamw, lib, sizes)) for lib in (rt, torch))
    yield Case(name, ours, theirs, moved, target=1.2)
