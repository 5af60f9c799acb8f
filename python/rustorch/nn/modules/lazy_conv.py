"""Convolutions that learn their number of input channels from the first input."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn.modules.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from rustorch.nn.modules.lazy import LazyModuleMixin
from rustorch.nn.parameter import UninitializedParameter, is_lazy


class _LazyConvMixin(LazyModuleMixin):
    _ndim: int
    in_channels: int
    out_channels: int
    groups: int
    transposed: bool
    kernel_size: tuple[int, ...]
    weight: Any
    bias: Any

    def _setup(self, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        # The parent was made with no channels and no bias; only now are the real ones named.
        self.out_channels = out_channels
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_channels != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        if not self.has_uninitialized_params():
            return
        n = self._ndim
        if input.dim() not in (n + 1, n + 2):
            raise RuntimeError(
                f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {type(self).__name__}, but "
                f"got input of size: {tuple(input.shape)}"
            )
        self.in_channels = input.shape[-n - 1]
        if self.in_channels % self.groups != 0:
            raise ValueError(
                f"in_channels must be divisible by groups; got {self.in_channels} and {self.groups}"
            )
        per_group = (
            (self.in_channels, self.out_channels // self.groups)
            if self.transposed
            else (self.out_channels, self.in_channels // self.groups)
        )
        with rt.no_grad():
            self.weight.materialize((*per_group, *self.kernel_size))
            if self.bias is not None and is_lazy(self.bias):
                self.bias.materialize((self.out_channels,))
            self.reset_parameters()


class _LazyConv(_LazyConvMixin):
    def __init__(
        self,
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
        super().__init__(0, 0, kernel_size, stride, padding, dilation, groups, False, padding_mode)
        self._setup(out_channels, bias, device, dtype)


class _LazyConvTranspose(_LazyConvMixin):
    def __init__(
        self,
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
        super().__init__(
            0, 0, kernel_size, stride, padding, output_padding, groups, False, dilation, padding_mode
        )
        self._setup(out_channels, bias, device, dtype)


class LazyConv1d(_LazyConv, Conv1d):
    """A Conv1d that learns ``in_channels`` from its first input.

    >>> nn.LazyConv1d(4, 3)(rt.ones(1, 2, 5)).shape == (1, 4, 3)
    True
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyConv, Conv2d):
    """A Conv2d that learns ``in_channels`` from its first input.

    >>> nn.LazyConv2d(4, 3)(rt.ones(1, 2, 5, 5)).shape == (1, 4, 3, 3)
    True
    """

    cls_to_become = Conv2d


class LazyConv3d(_LazyConv, Conv3d):
    """A Conv3d that learns ``in_channels`` from its first input.

    >>> nn.LazyConv3d(4, 1)(rt.ones(1, 2, 2, 2, 2)).shape == (1, 4, 2, 2, 2)
    True
    """

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyConvTranspose, ConvTranspose1d):
    """A ConvTranspose1d that learns ``in_channels`` from its first input.

    >>> nn.LazyConvTranspose1d(4, 3)(rt.ones(1, 2, 5)).shape == (1, 4, 7)
    True
    """

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvTranspose, ConvTranspose2d):
    """A ConvTranspose2d that learns ``in_channels`` from its first input.

    >>> nn.LazyConvTranspose2d(4, 3)(rt.ones(1, 2, 5, 5)).shape == (1, 4, 7, 7)
    True
    """

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvTranspose, ConvTranspose3d):
    """A ConvTranspose3d that learns ``in_channels`` from its first input.

    >>> nn.LazyConvTranspose3d(4, 2)(rt.ones(1, 2, 2, 2, 2)).shape == (1, 4, 3, 3, 3)
    True
    """

    cls_to_become = ConvTranspose3d
