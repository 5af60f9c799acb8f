"""Random programs of views and writes: what was recorded gives what eager mode gives."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import rustorch as rt
from rustorch.jit import TracerWarning

from .test_ops import bits

Step = Callable[[list[Any], random.Random], None]


def pick(tensors: list[Any], rng: random.Random) -> Any:
    return rng.choice(tensors)


def view_of(t: Any, rng: random.Random) -> Any:
    """Some view of a tensor."""
    kinds = ["alias", "unsqueeze", "detach", "expand_as"]
    if t.dim() >= 1 and 0 not in t.shape:
        kinds += ["slice", "step", "select", "flip", "chunk", "unbind", "narrow", "split"]
    if t.dim() >= 2:
        kinds += ["transpose", "transpose", "permute", "diagonal", "movedim"]
    if t.is_contiguous():
        kinds += ["flat", "flat"]
    kind = rng.choice(kinds)
    d = rng.randrange(t.dim()) if t.dim() else 0
    size = t.shape[d] if t.dim() else 1
    at = rng.randrange(size) if size else 0
    made = {
        "alias": lambda: t[...],
        "unsqueeze": lambda: t.unsqueeze(0) if t.dim() < 4 else t.squeeze(),
        "detach": lambda: t.detach(),
        "expand_as": lambda: t.expand_as(t),
        "slice": lambda: t[at:],
        "step": lambda: t[::2],
        "select": lambda: t.select(d, at),
        "flip": lambda: t.reshape(t.shape),
        "chunk": lambda: t.chunk(2, dim=d)[-1],
        "unbind": lambda: t.unbind(d)[at],
        "narrow": lambda: t.narrow(d, at, 1),
        "split": lambda: t.split([at, size - at], dim=d)[1],
        "transpose": lambda: t.transpose(0, d),
        "permute": lambda: t.permute(*reversed(range(t.dim()))),
        "diagonal": lambda: t.diagonal(),
        "movedim": lambda: t.movedim(0, d),
        "flat": lambda: t.view(-1),
    }
    return made[kind]()


def write(t: Any, tensors: list[Any], rng: random.Random) -> None:
    kind = rng.choice(["add", "mul", "fill", "copy", "zero", "neg", "item", "mask", "other", "clamp", "out"])
    if kind == "add":
        t.add_(rng.randint(1, 3))
    elif kind == "mul":
        t.mul_(rng.choice([0.5, 2.0, -1.0]))
    elif kind == "fill":
        t.fill_(rng.randint(0, 9))
    elif kind == "copy":
        t.copy_(t.flip(tuple(range(t.dim()))))
    elif kind == "zero":
        t.zero_()
    elif kind == "neg":
        t.neg_()
    elif kind == "item" and t.dim():
        t[-1] = 3.0
    elif kind == "mask":
        t[t > 2] = 1.5
    elif kind == "clamp":
        t.clamp_(-2, 2)
    elif kind == "out":
        rt.abs(t.clone(), out=t)
    else:
        other = pick(tensors, rng)
        t.add_(other.sum())


def program(seed: int) -> Callable[..., list[Any]]:
    def run(x: Any, y: Any) -> list[Any]:
        rng = random.Random(seed)
        tensors = [x * 1, y + 0, x.clone().t()]
        for _ in range(rng.randint(4, 14)):
            t = pick(tensors, rng)
            what = rng.random()
            if what < 0.45:
                v = view_of(t, rng)
                if v.numel():
                    tensors.append(v)
            elif what < 0.85:
                write(t, tensors, rng)
            else:
                tensors.append(t * 2 + pick(tensors, rng).mean())
        return tensors

    return run


@pytest.mark.parametrize("block", range(4))
def test_random_programs(block: int) -> None:
    ran = 0
    for seed in range(block * 60, block * 60 + 60):
        fn = program(seed)
        rt.manual_seed(seed)
        first, second = ((rt.randn(4, 4), rt.randn(3, 4)) for _ in range(2))
        try:
            expected = fn(*second)
        except RuntimeError:
            continue  # an expanded tensor was written
        with warnings.catch_warnings():
            warnings.simplefilter("error", TracerWarning)
            traced = rt.jit.trace(fn, first)
        for graph in (traced.graph, traced.graph.optimize()):
            found = graph(*second)
            assert len(found) == len(expected)
            for a, b in zip(expected, found):
                assert a.shape == b.shape, f"program {seed}"
                assert bits(a) == bits(b), f"program {seed}"
        ran += 1
    assert ran > 40
