"""Sliding blocks: taking them out and summing them back."""

from __future__ import annotations

from typing import Any

from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module


class Fold(Module):
    """``(N, C * kernel, L)`` blocks summed into ``(N, C, *output_size)``, where they overlap too.

    >>> nn.Fold((2, 2), (2, 2))(rt.ones(1, 4, 1)).flatten()
    tensor([1., 1., 1., 1.])
    """

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(Module):
    """The sliding blocks of (N, C, H, W) as columns: (N, C * kernel, number of blocks).

    >>> nn.Unfold((2, 2))(rt.ones(1, 1, 2, 3)).shape == (1, 4, 2)
    True
    """

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, "
            f"stride={self.stride}"
        )
