"""Normalisation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import Call, Unsupported, lowers


@lowers("batch_norm")
def _batch_norm(
    c: Call,
    input: Var,
    running_mean: Var | None,
    running_var: Var | None,
    weight: Var | None = None,
    bias: Var | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Var:
    if training or running_mean is None or running_var is None:
        raise Unsupported("statistics of the batch: call eval() on the module first")
    b = c.b
    given = (running_mean, running_var, weight, bias)
    if all(v is None or b.is_constant(v) for v in given) and input.rank <= 5:
        x = b.reshape(input, (*input.shape, 1)) if input.rank == 2 else input
        arguments: dict[str, Any] = {k: v for k, v in (("gamma", weight), ("beta", bias)) if v is not None}
        found = b.op(
            "batch_norm", x.shape, x=x, mean=running_mean, variance=running_var, **arguments, epsilon=eps
        )
        return b.reshape(found, input.shape)
    # As it is written: the operation wants its statistics to be constants.
    if input.rank < 2:
        raise Unsupported("an input without channels")
    wide = (1, input.shape[1], *[1] * (input.rank - 2))
    spread = b.unary("rsqrt", b.reshape(running_var, wide), epsilon=eps)
    centred = b.binary("sub", input, b.reshape(running_mean, wide))
    return _per_channel(c, b.binary("mul", centred, spread), weight, bias)


@lowers("layer_norm")
def _layer_norm(
    c: Call,
    input: Var,
    normalized_shape: Sequence[int],
    weight: Var | None = None,
    bias: Var | None = None,
    eps: float = 1e-5,
) -> Var:
    b = c.b
    axes = list(range(-len(normalized_shape), 0))
    constant = all(v is None or b.is_constant(v) for v in (weight, bias))
    arguments: dict[str, Any] = (
        {k: v for k, v in (("gamma", weight), ("beta", bias)) if v is not None} if constant else {}
    )
    if not constant or (weight is None and bias is not None):
        return _affine(c, b.unary("layer_norm", input, axes=axes, epsilon=eps), weight, bias)
    arguments = {k: v for k, v in (("gamma", weight), ("beta", bias)) if v is not None}
    return b.unary("layer_norm", input, axes=axes, **arguments, epsilon=eps)


def _affine(c: Call, x: Var, weight: Var | None, bias: Var | None) -> Var:
    if weight is not None:
        x = c.b.binary("mul", x, weight)
    return x if bias is None else c.b.binary("add", x, bias)


def _per_channel(c: Call, x: Var, weight: Var | None, bias: Var | None) -> Var:
    shape = [1, x.shape[1]] + [1] * (x.rank - 2)
    w, v = (None if p is None else c.b.reshape(p, shape) for p in (weight, bias))
    return _affine(c, x, w, v)


@lowers("group_norm")
def _group_norm(
    c: Call,
    input: Var,
    num_groups: int,
    weight: Var | None = None,
    bias: Var | None = None,
    eps: float = 1e-5,
) -> Var:
    b = c.b
    n, rest = input.shape[0], math.prod(input.shape[1:])
    lines = b.reshape(input, (n, num_groups, rest // num_groups))
    normal = b.reshape(b.unary("layer_norm", lines, axes=[-1], epsilon=eps), input.shape)
    return _per_channel(c, normal, weight, bias)


@lowers("instance_norm")
def _instance_norm(
    c: Call,
    input: Var,
    running_mean: Var | None = None,
    running_var: Var | None = None,
    weight: Var | None = None,
    bias: Var | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Var:
    if not use_input_stats:
        return _batch_norm(c, input, running_mean, running_var, weight, bias, False, momentum, eps)
    b = c.b
    lines = b.reshape(input, (*input.shape[:2], math.prod(input.shape[2:])))
    normal = b.reshape(b.unary("layer_norm", lines, axes=[-1], epsilon=eps), input.shape)
    return _per_channel(c, normal, weight, bias)


@lowers("rms_norm")
def _rms_norm(
    c: Call, input: Var, normalized_shape: Sequence[int], weight: Var | None = None, eps: float | None = None
) -> Var:
    b = c.b
    axes = list(range(-len(normalized_shape), 0))
    mean = b.reduce("reduce_mean", b.unary("square", input), axes, True)
    if eps is None:
        eps = 2.0**-23  # of float32, as PyTorch takes it from the type of x
    scale = b.unary("rsqrt", b.binary("add", mean, b.number(max(eps, 2.0**-24), mean)), epsilon=0.0)
    return _affine(c, b.binary("mul", input, scale), weight, None)


@lowers("normalize")
def _normalize(c: Call, input: Var, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Var:
    if p not in (1, 2):
        raise Unsupported(f"p={p}")
    b = c.b
    axes = [dim] if isinstance(dim, int) else list(dim)
    size = b.reduce(f"reduce_l{int(p)}_norm", input, axes, True)
    return b.binary("real_div", input, b.binary("maximum", size, b.number(max(eps, 2.0**-24), size)))
