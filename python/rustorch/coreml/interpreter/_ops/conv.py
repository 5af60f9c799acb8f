"""Convolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._padding import pad_spatial, window_padding
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError

_CONV: dict[int, Callable[..., Tensor]] = {1: rt.conv1d, 2: rt.conv2d, 3: rt.conv3d}
_CONV_TRANSPOSE: dict[int, Callable[..., Tensor]] = {
    1: rt.conv_transpose1d,
    2: rt.conv_transpose2d,
    3: rt.conv_transpose3d,
}


def _spatial_rank(op: str, x: Tensor, weight: Tensor) -> int:
    rank = x.dim() - 2
    if rank not in _CONV or weight.dim() != x.dim():
        raise OpError.of(
            op, "x and weight need the same rank, 3 to 5", f"{list(x.shape)} and {list(weight.shape)}"
        )
    return rank


@mil_op("conv")
def conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: list[int] | None,
    pad_type: str,
    pad: list[int] | None,
    dilations: list[int] | None,
    groups: int,
) -> Tensor:
    rank = _spatial_rank("conv", x, weight)
    strides = strides or [1] * rank
    dilations = dilations or [1] * rank
    padding = window_padding("conv", pad_type, pad, x.shape[2:], weight.shape[2:], strides, dilations)
    before = padding[::2]
    if before != padding[1::2]:
        x = pad_spatial(x, padding)
        before = [0] * rank
    return _CONV[rank](x, weight, bias, strides, before, dilations, groups)


@mil_op("conv_quantized")
def conv_quantized(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    quantization_type: str,
    nbits: int,
    quant_scale: Tensor,
    quant_bias: Tensor | None,
    strides: list[int] | None,
    pad_type: str,
    pad: list[int] | None,
    dilations: list[int] | None,
    groups: int,
) -> Tensor:
    """A convolution with integer weights that stand for ``weight * quant_scale + quant_bias``, by output
    channel, or (quantization_type "lut") for `quant_scale`'s entry of that number.
    """
    if quantization_type == "lut":
        dense = rt.index_select(quant_scale.reshape(-1), 0, weight.long().flatten()).reshape(weight.shape)
    elif quantization_type == "linear":
        by_channel = (-1,) + (1,) * (weight.dim() - 1)
        dense = weight.float() * quant_scale.reshape(by_channel)
        if quant_bias is not None:
            dense = dense + quant_bias.reshape(by_channel)
    else:
        raise ArgumentError.of(
            "conv_quantized", "unknown quantization_type", quantization_type, "linear or lut"
        )
    real_bias = None if bias is None else bias.float()
    return conv(x, dense, real_bias, strides, pad_type, pad, dilations, groups)


def _cropping(
    full: Sequence[int], wanted: list[int] | None, pad_type: str, pad: list[int] | None
) -> list[tuple[int, int]]:
    """The first place and the length, in each dim of the full result, of what is kept."""
    rank = len(full)
    if pad_type not in ("valid", "custom", "same", "same_lower"):
        raise ArgumentError.of(
            "conv_transpose", "unknown pad_type", pad_type, "valid, same, same_lower or custom"
        )
    padding = pad if pad_type == "custom" and pad else [0] * (2 * rank)
    if len(padding) != 2 * rank:
        raise ArgumentError.of("conv_transpose", f"pad needs {2 * rank} numbers", str(pad))
    result = []
    for dim in range(rank):
        before, after = padding[2 * dim], padding[2 * dim + 1]
        length = full[dim] - before - after
        if wanted is not None:
            if pad_type.startswith("same"):
                before = max(0, full[dim] - wanted[dim])
                before = before - before // 2 if pad_type == "same_lower" else before // 2
            length = wanted[dim]
        result.append((before, length))
    return result


@mil_op("conv_transpose")
def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    pad: list[int] | None,
    output_shape: list[int] | None,
    pad_type: str,
    strides: list[int] | None,
    dilations: list[int] | None,
    groups: int,
) -> Tensor:
    rank = _spatial_rank("conv_transpose", x, weight)
    strides = strides or [1] * rank
    dilations = dilations or [1] * rank
    size, kernel = x.shape[2:], weight.shape[2:]
    wanted = None if output_shape is None else output_shape[-rank:]
    if wanted is None and pad_type.startswith("same"):
        wanted = [n * stride for n, stride in zip(size, strides)]
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(size, strides, kernel, dilations)]
    kept = _cropping(full, wanted, pad_type, pad)

    # The common case is what our op does itself: as much cut off before as after, but for a few more after.
    before = [first for first, _ in kept]
    extra = [length - (n - 2 * first) for n, (first, length) in zip(full, kept)]
    if all(0 <= e < max(s, d) for e, s, d in zip(extra, strides, dilations)):
        return _CONV_TRANSPOSE[rank](x, weight, bias, strides, before, extra, groups, dilations)

    y = _CONV_TRANSPOSE[rank](x, weight, None, strides, 0, 0, groups, dilations)
    beyond = [max(0, first + length - n) for n, (first, length) in zip(full, kept)]
    y = pad_spatial(y, [n for after in beyond for n in (0, after)])
    for dim, (first, length) in enumerate(kept):
        y = y.narrow(2 + dim, first, length)
    return y if bias is None else y + bias.reshape((-1,) + (1,) * rank)
