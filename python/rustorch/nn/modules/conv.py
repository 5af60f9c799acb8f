"""Convolution layers over 1, 2 and 3 spatial dimensions."""

from __future__ import annotations

import math
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules.module import Module
from rustorch.nn.modules.utils import _ntuple, _reverse_repeat_tuple
from rustorch.nn.parameter import Parameter

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: checks, parameters, their start, and printing."""

    _ndim: int
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: tuple[int, ...],
        stride: tuple[int, ...],
        padding: Any,
        dilation: tuple[int, ...],
        transposed: bool,
        output_padding: tuple[int, ...],
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError(f"groups must be a positive integer; got {groups}")
        if in_channels % groups != 0:
            raise ValueError(f"in_channels must be divisible by groups; got {in_channels} and {groups}")
        if out_channels % groups != 0:
            raise ValueError(f"out_channels must be divisible by groups; got {out_channels} and {groups}")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of 'same', 'valid'")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError(f"padding='same' is not supported for strided convolutions; got {stride}")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.transposed = transposed
        self.output_padding = output_padding
        self.groups = groups
        self.padding_mode = padding_mode
        self._reversed_padding_repeated_twice = self._explicit_padding()
        channels = (
            (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
        )
        self.weight = Parameter(rt.empty((*channels, *kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(rt.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _explicit_padding(self) -> tuple[int, ...]:
        """The padding as ``F.pad`` reads it: (before, after) per dimension, the last dimension first."""
        if not isinstance(self.padding, str):
            return _reverse_repeat_tuple(self.padding, 2)
        out: list[int] = []
        for d, k in zip(reversed(self.dilation), reversed(self.kernel_size)):
            total = d * (k - 1) if self.padding == "same" else 0
            out += [total // 2, total - total // 2]
        return tuple(out)

    def reset_parameters(self) -> None:
        """Draw weight and bias anew, uniform in +-1/sqrt(fan_in)."""
        # a = sqrt(5) makes He's bound equal to 1/sqrt(fan_in).
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        n = len(self.kernel_size)
        s = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={tuple(self.kernel_size)}, "
            f"stride={tuple(self.stride)}"
        )
        if self.padding != (0,) * n:
            s += f", padding={self.padding}"
        if self.dilation != (1,) * n:
            s += f", dilation={self.dilation}"
        if self.output_padding != (0,) * n:
            s += f", output_padding={self.output_padding}"
        if self.groups != 1:
            s += f", groups={self.groups}"
        if self.bias is None:
            s += ", bias=False"
        if self.padding_mode != "zeros":
            s += f", padding_mode={self.padding_mode}"
        return s

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class _Conv(_ConvNd):
    """The forward convolutions; the number of spatial dimensions is the class's ``_ndim``."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        spread = _ntuple(self._ndim, "spread")
        super().__init__(
            in_channels,
            out_channels,
            spread(kernel_size),
            spread(stride),
            padding if isinstance(padding, str) else spread(padding),
            spread(dilation),
            False,
            spread(0),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _conv(self, *args: Any) -> Tensor:
        raise NotImplementedError

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        return self._conv(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(_Conv):
    """Convolution of (N, C, L) or (C, L); weight (out, in / groups, K).

    ``padding`` is a number, 'same' or 'valid'; ``padding_mode`` one of zeros, reflect, replicate, circular.
    As ``torch.nn.Conv1d``.

    >>> nn.Conv1d(2, 4, 3)(rt.ones(1, 2, 5)).shape == (1, 4, 3)
    True
    """

    _ndim = 1

    def _conv(self, *args: Any) -> Tensor:
        return F.conv1d(*args)


class Conv2d(_Conv):
    """Convolution of (N, C, H, W) or (C, H, W); weight (out, in / groups, KH, KW).

    ``padding`` is a number or pair, 'same' or 'valid'; ``padding_mode`` one of zeros, reflect, replicate,
    circular. As ``torch.nn.Conv2d``.

    >>> nn.Conv2d(2, 4, 3, padding="same")(rt.ones(1, 2, 5, 5)).shape == (1, 4, 5, 5)
    True
    """

    _ndim = 2

    def _conv(self, *args: Any) -> Tensor:
        return F.conv2d(*args)


class Conv3d(_Conv):
    """Convolution of (N, C, D, H, W) or (C, D, H, W); weight (out, in / groups, KD, KH, KW).

    ``padding`` is a number or triple, 'same' or 'valid'; ``padding_mode`` one of zeros, reflect, replicate,
    circular. As ``torch.nn.Conv3d``.

    >>> nn.Conv3d(2, 4, 1)(rt.ones(1, 2, 2, 2, 2)).shape == (1, 4, 2, 2, 2)
    True
    """

    _ndim = 3

    def _conv(self, *args: Any) -> Tensor:
        return F.conv3d(*args)


class _ConvTransposeNd(_ConvNd):
    """The transposed convolutions: gradients of the forward ones with respect to their input."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(
                f'Only "zeros" padding mode is supported for {type(self).__name__}; got {padding_mode!r}'
            )
        spread = _ntuple(self._ndim, "spread")
        super().__init__(
            in_channels,
            out_channels,
            spread(kernel_size),
            spread(stride),
            spread(padding),
            spread(dilation),
            True,
            spread(output_padding),
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that reaches ``output_size``: strides make several sizes possible."""
        if output_size is None:
            return self.output_padding
        n = self._ndim
        batched = input.dim() == n + 2
        wanted = list(output_size)
        lead = 2 if batched else 1
        if len(wanted) == n + lead:
            wanted = wanted[lead:]
        if len(wanted) != n:
            raise ValueError(
                f"ConvTranspose{n}D: for {input.dim()}D input, output_size must have {n} or {n + lead} "
                f"elements (got {len(wanted)})"
            )
        low, high = [], []
        for d in range(n):
            size = (
                (input.shape[d + lead] - 1) * self.stride[d]
                - 2 * self.padding[d]
                + self.dilation[d] * (self.kernel_size[d] - 1)
                + 1
            )
            low.append(size)
            high.append(size + self.stride[d] - 1)
        if any(not a <= w <= b for a, w, b in zip(low, wanted, high)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {low} to {high} (for an "
                f"input of {tuple(input.shape[lead:])})"
            )
        return tuple(w - a for w, a in zip(wanted, low))

    def _conv(self, *args: Any) -> Tensor:
        raise NotImplementedError

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        return self._conv(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            self._output_padding(input, output_size),
            self.groups,
            self.dilation,
        )


class ConvTranspose1d(_ConvTransposeNd):
    """Transposed convolution of (N, C, L) or (C, L); weight (in, out / groups, K).

    ``forward(input, output_size=None)`` picks among the sizes a stride allows. As
    ``torch.nn.ConvTranspose1d``.

    >>> nn.ConvTranspose1d(2, 4, 3)(rt.ones(1, 2, 5)).shape == (1, 4, 7)
    True
    """

    _ndim = 1

    def _conv(self, *args: Any) -> Tensor:
        return F.conv_transpose1d(*args)


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution of (N, C, H, W) or (C, H, W); weight (in, out / groups, KH, KW).

    ``forward(input, output_size=None)`` picks among the sizes a stride allows. As
    ``torch.nn.ConvTranspose2d``.

    >>> up = nn.ConvTranspose2d(2, 4, 3, stride=2)
    >>> up(rt.ones(1, 2, 4, 4), output_size=(10, 10)).shape == (1, 4, 10, 10)
    True
    """

    _ndim = 2

    def _conv(self, *args: Any) -> Tensor:
        return F.conv_transpose2d(*args)


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution of (N, C, D, H, W) or (C, D, H, W); weight (in, out / groups, KD, KH, KW).

    ``forward(input, output_size=None)`` picks among the sizes a stride allows. As
    ``torch.nn.ConvTranspose3d``.

    >>> nn.ConvTranspose3d(2, 4, 2)(rt.ones(1, 2, 2, 2, 2)).shape == (1, 4, 3, 3, 3)
    True
    """

    _ndim = 3

    def _conv(self, *args: Any) -> Tensor:
        return F.conv_transpose3d(*args)
