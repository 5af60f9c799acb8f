"""Normalisation of each channel of each sample."""

from __future__ import annotations

import warnings
from typing import Any

from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn.modules.batchnorm import _expect_dims, _LazyNormBase, _NormBase


class _InstanceNorm(_NormBase):
    _ndim: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def _check_input_dim(self, input: Tensor) -> None:
        _expect_dims(input, (self._ndim + 1, self._ndim + 2))

    def forward(self, input: Tensor) -> Tensor:
        self._check_input_dim(input)
        batched = input.dim() == self._ndim + 2
        dim = 1 if batched else 0
        if input.shape[dim] != self.num_features:
            text = (
                f"expected input's size at dim={dim} to match num_features ({self.num_features}), but got: "
                f"{input.shape[dim]}."
            )
            if self.affine:
                raise ValueError(text)
            warnings.warn(
                f"input's size at dim={dim} does not match num_features. You can silence this warning by "
                "not passing in num_features, which is not used because affine=False",
                stacklevel=2,
            )
        x = input if batched else input.unsqueeze(0)
        out = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum if self.momentum is not None else 0.0,
            self.eps,
        )
        return out if batched else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each sample of (N, C, L) or (C, L) to zero mean and unit variance (Ulyanov et al.,
    2016).

    >>> [round(v, 2) for v in nn.InstanceNorm1d(1)(rt.tensor([[[1.0, 3.0]]])).flatten().tolist()]
    [-1.0, 1.0]
    """

    _ndim = 1


class InstanceNorm2d(_InstanceNorm):
    """Instance normalisation of (N, C, H, W) or (C, H, W); see :class:`InstanceNorm1d`.

    >>> nn.InstanceNorm2d(3)(rt.ones(2, 3, 2, 2)).shape == (2, 3, 2, 2)
    True
    """

    _ndim = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of (N, C, D, H, W) or (C, D, H, W); see :class:`InstanceNorm1d`.

    >>> nn.InstanceNorm3d(3)(rt.ones(2, 3, 2, 2, 2)).shape == (2, 3, 2, 2, 2)
    True
    """

    _ndim = 3


class _LazyInstanceNorm(_LazyNormBase):
    _ndim: int

    def _channels(self, input: Tensor) -> int:
        return input.shape[-self._ndim - 1]


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """An InstanceNorm1d that learns ``num_features`` from its first input.

    >>> nn.LazyInstanceNorm1d()(rt.ones(2, 3, 4)).shape == (2, 3, 4)
    True
    """

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """An InstanceNorm2d that learns ``num_features`` from its first input.

    >>> nn.LazyInstanceNorm2d()(rt.ones(2, 3, 4, 4)).shape == (2, 3, 4, 4)
    True
    """

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """An InstanceNorm3d that learns ``num_features`` from its first input.

    >>> nn.LazyInstanceNorm3d()(rt.ones(2, 3, 2, 2, 2)).shape == (2, 3, 2, 2, 2)
    True
    """

    cls_to_become = InstanceNorm3d
