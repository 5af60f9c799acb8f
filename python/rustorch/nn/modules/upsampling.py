"""Resizing images and signals."""

from __future__ import annotations

from typing import Any

from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module


class Upsample(Module):
    """Resize the spatial dimensions to ``size`` or by ``scale_factor``.

    ``mode`` is nearest, linear, bilinear, bicubic or trilinear. As ``torch.nn.Upsample``.

    >>> nn.Upsample(scale_factor=2)(rt.tensor([[[1.0, 2.0]]]))
    tensor([[[1., 1., 2., 2.]]])
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.name = type(self).__name__
        self.size = size
        if isinstance(scale_factor, tuple):
            self.scale_factor: Any = tuple(float(f) for f in scale_factor)
        else:
            self.scale_factor = float(scale_factor) if scale_factor else None
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        return F.interpolate(
            input,
            self.size,
            self.scale_factor,
            self.mode,
            self.align_corners,
            recompute_scale_factor=self.recompute_scale_factor,
        )

    def extra_repr(self) -> str:
        if self.scale_factor is not None:
            return f"scale_factor={self.scale_factor!r}, mode={self.mode!r}"
        return f"size={self.size!r}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample with mode 'nearest'.

    >>> nn.UpsamplingNearest2d(scale_factor=2)(rt.ones(1, 1, 1, 1)).shape == (1, 1, 2, 2)
    True
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Upsample with mode 'bilinear' and aligned corners.

    >>> nn.UpsamplingBilinear2d(size=(1, 3))(rt.tensor([[[[0.0, 2.0]]]])).flatten()
    tensor([0., 1., 2.])
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
