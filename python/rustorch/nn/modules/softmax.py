"""Softmax layers."""

from __future__ import annotations

from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn._functional.activation import implicit_softmax_dim
from rustorch.nn.modules.module import Module


class _Softmax(Module):
    dim: int | None

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("dim", None)

    def _dim(self, input: Tensor) -> int:
        # Without a dim torch picks one by the number of dimensions, and warns.
        if self.dim is None:
            return implicit_softmax_dim(type(self).__name__.lower(), input.dim(), 5)
        return self.dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_Softmax):
    """``exp(x_i) / sum_j exp(x_j)`` along ``dim``.

    >>> nn.Softmax(dim=0)(rt.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self._dim(input))


class LogSoftmax(_Softmax):
    """The logarithm of softmax along ``dim``, computed without overflow.

    >>> nn.LogSoftmax(dim=0)(rt.zeros(2))
    tensor([-0.6931, -0.6931])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self._dim(input))


class Softmin(_Softmax):
    """Softmax of ``-x`` along ``dim``.

    >>> nn.Softmin(dim=0)(rt.zeros(2))
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self._dim(input))


class Softmax2d(Module):
    """Softmax over the channels of an (N, C, H, W) or (C, H, W) input.

    >>> nn.Softmax2d()(rt.zeros(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.5000])
    """

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)
