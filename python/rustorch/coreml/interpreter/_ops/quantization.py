"""Quantized activations."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops.constexpr import along_axis
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError

_RANGES = {"int8": (-128, 127), "uint8": (0, 255)}


@mil_op("quantize")
def quantize(
    input: Tensor, zero_point: Tensor | None, scale: Tensor, axis: int | None, output_dtype: str
) -> Tensor:
    """``clip(round(x / scale) + zero_point)``, halves to even."""
    if output_dtype not in _RANGES:
        raise ArgumentError.of("quantize", "unknown output_dtype", output_dtype, "int8 or uint8")
    low, high = _RANGES[output_dtype]
    steps = rt.round(input / along_axis(scale, input, axis, "quantize"))
    if zero_point is not None:
        steps = steps + along_axis(zero_point.float(), input, axis, "quantize")
    return rt.clamp(steps, low, high)


@mil_op("dequantize")
def dequantize(input: Tensor, zero_point: Tensor | None, scale: Tensor, axis: int | None) -> Tensor:
    """``(x - zero_point) * scale``."""
    x = input.float()
    if zero_point is not None:
        x = x - along_axis(zero_point.float(), x, axis, "dequantize")
    return x * along_axis(scale, x, axis, "dequantize")
