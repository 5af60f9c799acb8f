"""Trading channels for resolution, and mixing channels."""

from __future__ import annotations

from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module


class PixelShuffle(Module):
    """(*, C r^2, H, W) to (*, C, H r, W r) (Shi et al., 2016).

    >>> nn.PixelShuffle(2)(rt.ones(1, 4, 1, 1)).shape == (1, 1, 2, 2)
    True
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(*, C, H r, W r) to (*, C r^2, H, W): the reverse of PixelShuffle.

    >>> nn.PixelUnshuffle(2)(rt.ones(1, 1, 2, 2)).shape == (1, 4, 1, 1)
    True
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """(N, C, ...) with the channels of ``groups`` groups interleaved (Zhang et al., 2017).

    >>> nn.ChannelShuffle(2)(rt.arange(4.0).reshape(1, 4, 1)).flatten()
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Tensor) -> Tensor:
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"
