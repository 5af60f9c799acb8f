"""Padding layers; sizes are (before, after) per dimension, the last dimension first."""

from __future__ import annotations

from typing import Any

from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn.modules.module import Module
from rustorch.nn.modules.utils import _ntuple


class _PadNd(Module):
    _ndim: int
    _mode: str

    def __init__(self, padding: Any) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._ndim, "padding")(padding)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPadNd(Module):
    _ndim: int
    value: float

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__()
        self.padding = _ntuple(2 * self._ndim, "padding")(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """``value`` around (N, C, L) or (C, L).

    >>> nn.ConstantPad1d((1, 0), 5.0)(rt.zeros(1, 1, 1)).flatten()
    tensor([5., 0.])
    """

    _ndim = 1


class ConstantPad2d(_ConstantPadNd):
    """``value`` around (N, C, H, W) or (C, H, W).

    >>> nn.ConstantPad2d(1, 1.0)(rt.zeros(1, 1, 1)).sum()
    tensor(8.)
    """

    _ndim = 2


class ConstantPad3d(_ConstantPadNd):
    """``value`` around (N, C, D, H, W) or (C, D, H, W).

    >>> nn.ConstantPad3d(1, 1.0)(rt.zeros(1, 1, 1, 1)).sum()
    tensor(26.)
    """

    _ndim = 3


class _ZeroPadNd(_ConstantPadNd):
    def __init__(self, padding: Any) -> None:
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPadNd):
    """Zeros around (N, C, L) or (C, L).

    >>> nn.ZeroPad1d((1, 0))(rt.ones(1, 1, 1)).flatten()
    tensor([0., 1.])
    """

    _ndim = 1


class ZeroPad2d(_ZeroPadNd):
    """Zeros around (N, C, H, W) or (C, H, W).

    >>> nn.ZeroPad2d(1)(rt.ones(1, 1, 1)).shape == (1, 3, 3)
    True
    """

    _ndim = 2


class ZeroPad3d(_ZeroPadNd):
    """Zeros around (N, C, D, H, W) or (C, D, H, W).

    >>> nn.ZeroPad3d(1)(rt.ones(1, 1, 1, 1)).shape == (1, 3, 3, 3)
    True
    """

    _ndim = 3


class ReflectionPad1d(_PadNd):
    """The reflection of (N, C, L) or (C, L) about its edge values.

    >>> nn.ReflectionPad1d((2, 0))(rt.arange(3.0).reshape(1, 3))
    tensor([[2., 1., 0., 1., 2.]])
    """

    _ndim, _mode = 1, "reflect"


class ReflectionPad2d(_PadNd):
    """The reflection of (N, C, H, W) or (C, H, W) about its edge values.

    >>> nn.ReflectionPad2d(1)(rt.ones(1, 2, 2)).shape == (1, 4, 4)
    True
    """

    _ndim, _mode = 2, "reflect"


class ReflectionPad3d(_PadNd):
    """The reflection of (N, C, D, H, W) or (C, D, H, W) about its edge values.

    >>> nn.ReflectionPad3d(1)(rt.ones(1, 2, 2, 2)).shape == (1, 4, 4, 4)
    True
    """

    _ndim, _mode = 3, "reflect"


class ReplicationPad1d(_PadNd):
    """The edge values of (N, C, L) or (C, L) repeated.

    >>> nn.ReplicationPad1d((2, 0))(rt.arange(2.0).reshape(1, 2))
    tensor([[0., 0., 0., 1.]])
    """

    _ndim, _mode = 1, "replicate"


class ReplicationPad2d(_PadNd):
    """The edge values of (N, C, H, W) or (C, H, W) repeated.

    >>> nn.ReplicationPad2d(1)(rt.ones(1, 2, 2)).shape == (1, 4, 4)
    True
    """

    _ndim, _mode = 2, "replicate"


class ReplicationPad3d(_PadNd):
    """The edge values of (N, C, D, H, W) or (C, D, H, W) repeated.

    >>> nn.ReplicationPad3d(1)(rt.ones(1, 2, 2, 2)).shape == (1, 4, 4, 4)
    True
    """

    _ndim, _mode = 3, "replicate"


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self._ndim + 1, self._ndim + 2):
            raise ValueError(
                f"expected {self._ndim + 1}D or {self._ndim + 2}D input (got {input.dim()}D input)"
            )
        return F.pad(input, self.padding, "circular")


class CircularPad1d(_CircularPadNd):
    """The other end of (N, C, L) or (C, L) wrapped around.

    >>> nn.CircularPad1d((1, 0))(rt.arange(3.0).reshape(1, 3))
    tensor([[2., 0., 1., 2.]])
    """

    _ndim = 1


class CircularPad2d(_CircularPadNd):
    """The other ends of (N, C, H, W) or (C, H, W) wrapped around.

    >>> nn.CircularPad2d(1)(rt.ones(1, 2, 2)).shape == (1, 4, 4)
    True
    """

    _ndim = 2


class CircularPad3d(_CircularPadNd):
    """The other ends of (N, C, D, H, W) or (C, D, H, W) wrapped around.

    >>> nn.CircularPad3d(1)(rt.ones(1, 2, 2, 2)).shape == (1, 4, 4, 4)
    True
    """

    _ndim = 3
