"""What composite ops run inside: the same operations, where ops come one by one and not by a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import LOWERINGS, Call, Lowering, Unsupported, lowers_kernel

__all__: list[str] = []

# Kernels that take the first arguments of a composite op, in its order.
_TWINS = {
    "_batched_matmul": ("matmul", ("input", "other")),
    "_hardsigmoid": ("hardsigmoid", ("input",)),
    "_hardswish": ("hardswish", ("input",)),
    "_linear": ("linear", ("input", "weight", "bias")),
    "_mish": ("mish", ("input",)),
    "_prelu": ("prelu", ("input", "weight")),
    "_silu": ("silu", ("input",)),
    "elu": ("elu.functional", ("input", "alpha")),
    "leaky_relu": ("leaky_relu.functional", ("input", "negative_slope")),
}


def _twin(name: str, names: tuple[str, ...]) -> Lowering:
    def lowering(c: Call, **arguments: Any) -> Any:
        return LOWERINGS[name](c, **{key: arguments[key] for key in names})

    return lowering


for _kernel, (_name, _names) in _TWINS.items():
    lowers_kernel(_kernel)(_twin(_name, _names))


@lowers_kernel("_embedding")
def _embedding(c: Call, weight: Var, indices: Var, **_: Any) -> Any:
    return LOWERINGS["embedding"](c, indices, weight)


@lowers_kernel("_convolution")
def _convolution(
    c: Call,
    input: Var,
    weight: Var,
    bias: Var | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Any:
    if not transposed:
        return LOWERINGS["conv2d"](c, input, weight, bias, stride, padding, dilation, groups)
    return LOWERINGS["conv_transpose2d"](
        c, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


@lowers_kernel("_native_layer_norm")
def _layer_norm(
    c: Call, input: Var, normalized_shape: Sequence[int], weight: Var | None, bias: Var | None, eps: float
) -> list[Var]:
    """With the mean and the reciprocal deviation of each row, which the gradient reads."""
    b = c.b
    out = LOWERINGS["layer_norm"](c, input, normalized_shape, weight, bias, eps)
    if not isinstance(out, Var):
        raise Unsupported("several results")
    axes = list(range(-len(normalized_shape), 0))
    mean = b.reduce("reduce_mean", input, axes, True)
    square = b.unary("square", b.binary("sub", input, mean))
    rstd = b.unary("rsqrt", b.reduce("reduce_mean", square, axes, True), epsilon=eps)
    return [out, b.reshape(mean, c.results[1][1]), b.reshape(rstd, c.results[2][1])]
