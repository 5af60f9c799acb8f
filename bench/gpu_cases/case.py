"""A case, its sizes, and the numbers that both libraries get."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import rustorch as rt

FLOATS = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class Sizes:
    elements: int = 1 << 26
    rows: tuple[int, ...] = (1024, 4096, 16384, 65536)
    matrix: int = 4096
    sequence: int = 4096
    parameters: int = 1_000_000_000
    tensors: int = 400
    layers: int = 12
    batch: int = 8


QUICK = Sizes(1 << 24, (1024, 16384), 2048, 2048, 100_000_000, 100, 2, 2)


@dataclass(frozen=True)
class Case:
    """The same work for each library: a call that queues it on the GPU."""

    name: str
    ours: Callable[[], Any]
    torch: Callable[[], Any]
    nbytes: float = 0  # read and written at least
    flops: float = 0
    target: float = 0  # least ratio


def pair(shape: tuple[int, ...], dtype: str) -> tuple[Any, Any]:
    """Normal random numbers for each."""
    ours = rt.randn(shape, device="cuda").to(getattr(rt, dtype))
    return ours, torch.randn(shape, device="cuda").to(getattr(torch, dtype))


def later(make: Callable[[], Callable[[], Any]]) -> Callable[[], Any]:
    """What `make` makes, made at the first call: for cases that take much memory."""
    made: list[Callable[[], Any]] = []

    def call() -> Any:
        if not made:
            made.append(make())
        return made[0]()

    return call
