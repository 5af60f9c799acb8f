"""Dropout of whole channels, and dropout that keeps SELU's statistics."""

from __future__ import annotations

import math
import warnings

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops

# Where SELU saturates: -scale * alpha of Klambauer et al., 2017.
_SELU_FLOOR = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717


def _check_p(name: str, p: float) -> None:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"{name}: dropout probability has to be between 0 and 1, but got {p}")


def _channel_mask(input: Tensor) -> Tensor:
    """Ones of shape (N, C, 1, ...): one number per channel."""
    return rt.ones(tuple(input.shape[:2]) + (1,) * (input.dim() - 2), dtype=input.dtype, device=input.device)


def _feature_dropout(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    if not training or p == 0 or input.numel() == 0:
        return input
    mask = ops.dropout(_channel_mask(input), p, True, False)
    return input.mul_(mask) if inplace else input * mask


def _dropout_nd(
    name: str, n: int, input: Tensor, p: float, training: bool, inplace: bool, batched: bool
) -> Tensor:
    if batched:
        return _feature_dropout(input, p, training, inplace)
    if inplace:
        _feature_dropout(input.unsqueeze(0), p, training, True)
        return input
    return _feature_dropout(input.unsqueeze(0), p, training, False).squeeze(0)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of an (N, C, L) or (C, L) input with probability p and scale the rest by 1/(1-p).

    >>> nn.functional.dropout1d(rt.ones(1, 2, 3), training=False).sum()
    tensor(6.)
    """
    _check_p("dropout1d", p)
    if input.dim() not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input")
    return _dropout_nd("dropout1d", 1, input, p, training, inplace, input.dim() == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of an (N, C, H, W) input with probability p and scale the rest by 1/(1-p).

    >>> nn.functional.dropout2d(rt.ones(1, 2, 2, 2), training=False).sum()
    tensor(8.)
    """
    _check_p("dropout2d", p)
    _warn_dims("dropout2d", input.dim(), (3, 4), "4-D or 3-D")
    return _feature_dropout(input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero whole channels of an (N, C, D, H, W) or (C, D, H, W) input with probability p, scaling the rest.

    >>> nn.functional.dropout3d(rt.ones(1, 2, 1, 1, 1), training=False).sum()
    tensor(2.)
    """
    _check_p("dropout3d", p)
    _warn_dims("dropout3d", input.dim(), (4, 5), "5-D or 4-D")
    return _dropout_nd("dropout3d", 3, input, p, training, inplace, input.dim() != 4)


def _warn_dims(name: str, ndim: int, expected: tuple[int, ...], text: str) -> None:
    if ndim not in expected:
        warnings.warn(
            f"{name}: Received a {ndim}-D input to {name}, which is deprecated; expected {text} input",
            stacklevel=3,
        )


def _alpha_dropout(input: Tensor, ones: Tensor, p: float, inplace: bool) -> Tensor:
    # Klambauer et al., 2017: dropped values go to SELU's floor, then an affine map restores mean and
    # variance.
    if p == 1:
        return input.zero_() if inplace else input * 0
    floor = _SELU_FLOOR
    a = 1.0 / math.sqrt((floor * floor * p + 1) * (1 - p))
    keep = ops.dropout(ones, p, True, False) != 0
    shift = rt.where(keep, -a * floor * p, a * floor * (1 - p)).to(input.dtype)
    scale = keep.to(input.dtype) * a
    return input.mul_(scale).add_(shift) if inplace else input * scale + shift


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps the mean and variance of SELU activations (Klambauer et al., 2017).

    >>> nn.functional.alpha_dropout(rt.ones(2), training=False)
    tensor([1., 1.])
    """
    _check_p("alpha_dropout", p)
    if not training or p == 0 or input.numel() == 0:
        return input
    return _alpha_dropout(input, rt.ones_like(input.detach()), p, inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """As :func:`alpha_dropout`, for whole channels.

    >>> nn.functional.feature_alpha_dropout(rt.ones(1, 2, 3), training=False).sum()
    tensor(6.)
    """
    _check_p("feature_alpha_dropout", p)
    if not training or p == 0 or input.numel() == 0:
        return input
    return _alpha_dropout(input, _channel_mask(input), p, inplace)
