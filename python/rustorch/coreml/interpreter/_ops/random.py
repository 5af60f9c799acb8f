"""Random numbers. A seed of 0 or more gives the same numbers at each call; they are not Core ML's."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_size
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError


def _generator(seed: int, device: str) -> rt.Generator | None:
    return None if seed < 0 else rt.Generator(device).manual_seed(seed)


@mil_op("random_uniform", wants=("device",))
def random_uniform(shape: list[int], low: float, high: float, seed: int, device: str) -> Tensor:
    check_size("random_uniform", shape)
    return low + (high - low) * rt.rand(shape, generator=_generator(seed, device), device=device)


@mil_op("random_normal", wants=("device",))
def random_normal(shape: list[int], mean: float, stddev: float, seed: int, device: str) -> Tensor:
    check_size("random_normal", shape)
    return mean + stddev * rt.randn(shape, generator=_generator(seed, device), device=device)


@mil_op("random_bernoulli", wants=("device",))
def random_bernoulli(shape: list[int], prob: float, seed: int, device: str) -> Tensor:
    check_size("random_bernoulli", shape)
    return (rt.rand(shape, generator=_generator(seed, device), device=device) < prob).float()


@mil_op("random_categorical", wants=("device",))
def random_categorical(x: Tensor, mode: str, size: int, seed: int, device: str) -> Tensor:
    """`size` draws from the distribution in each row, given as its logarithm or ("probs") as it is."""
    if mode not in ("logits", "probs"):
        raise ArgumentError.of("random_categorical", "unknown mode", mode, "logits or probs")
    check_size("random_categorical", [*x.shape[:-1], size])
    weights = rt.softmax(x, -1) if mode == "logits" else x
    rows = weights.reshape(-1, x.shape[-1])
    drawn = rt.multinomial(rows, size, replacement=True, generator=_generator(seed, device))
    return drawn.reshape((*x.shape[:-1], size))
