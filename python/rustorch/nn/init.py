"""Filling tensors with starting values.

Every function changes its tensor in place, without recording a gradient, and returns it. As
``torch.nn.init``.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import rustorch as rt
from rustorch import Tensor

_LINEAR_KINDS = frozenset(
    "linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d sigmoid".split()
)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which to widen a layer's start so that its nonlinearity keeps the variance.

    ``param`` is leaky_relu's slope (default 0.01). Raises ValueError for an unknown name.

    >>> round(nn.init.calculate_gain("relu"), 4)
    1.4142
    """
    if nonlinearity in _LINEAR_KINDS:
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = param
        else:
            raise ValueError(f"calculate_gain: negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    raise ValueError(f"calculate_gain: Unsupported nonlinearity {nonlinearity}")


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """Fill uniformly from [a, b).

    >>> bool((nn.init.uniform_(rt.empty(100), 2, 3) >= 2).all())
    True
    """
    with rt.no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from the normal distribution N(mean, std^2).

    >>> nn.init.normal_(rt.empty(2, 3)).shape == (2, 3)
    True
    """
    with rt.no_grad():
        return tensor.normal_(mean, std, generator=generator)


def _erfinv(y: Tensor) -> Tensor:
    """The inverse of erf on (-1, 1): Winitzki's closed form (error 2e-3), then Halley's iteration."""
    a = 0.147
    log_term = rt.log((1 - y) * (1 + y))
    b = 2 / (math.pi * a) + log_term / 2
    x = rt.sign(y) * rt.sqrt((rt.sqrt(b * b - log_term / a) - b).clamp(min=0))
    for _ in range(3):
        # Each step takes the error to its third power.
        err = (rt.erf(x) - y) * (math.sqrt(math.pi) / 2) * rt.exp(x * x)
        x = x - err / (1 + x * err)
    return x


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Any = None,
) -> Tensor:
    """Fill from N(mean, std^2) restricted to [a, b], by inverting the distribution function.

    >>> bool((nn.init.trunc_normal_(rt.empty(1000), a=-1, b=1).abs() <= 1).all())
    True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may "
            "be incorrect.",
            stacklevel=2,
        )

    def cdf(x: float) -> float:
        return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0

    low, high = 2 * cdf((a - mean) / std) - 1, 2 * cdf((b - mean) / std) - 1
    with rt.no_grad():
        # In double: near +-1 single precision has too few values for the tails.
        y = rt.empty(tensor.shape, dtype=rt.float64, device=tensor.device)
        y.uniform_(low, high, generator=generator)
        # Exactly +-1 has no finite inverse; the clamp below brings the neighbour to the bound.
        y = _erfinv(y.clamp(-1 + 1e-15, 1 - 1e-15))
        return tensor.copy_((y * (std * math.sqrt(2.0)) + mean).clamp(a, b))


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``.

    >>> nn.init.constant_(rt.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    with rt.no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones.

    >>> nn.init.ones_(rt.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros.

    >>> nn.init.zeros_(rt.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity; ValueError unless 2-dimensional.

    >>> nn.init.eye_(rt.empty(2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if tensor.dim() != 2:
        raise ValueError(f"eye_: Only tensors with 2 dimensions are supported; got {tensor.dim()}")
    with rt.no_grad():
        return tensor.copy_(rt.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution weight (3 to 5 dimensions) so that it hands its input channels through.

    ``groups``: the weight's outputs fall into that many groups, each preserving its own inputs.

    >>> w = nn.init.dirac_(rt.empty(2, 2, 3))
    >>> w[0, 0].tolist(), w[0, 1].tolist()
    ([0.0, 1.0, 0.0], [0.0, 0.0, 0.0])
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError(f"dirac_: Only tensors with 3, 4, or 5 dimensions are supported; got {tensor.dim()}")
    sizes = tuple(tensor.shape)
    if sizes[0] % groups != 0:
        raise ValueError(f"dirac_: dim 0 must be divisible by groups; got {sizes[0]} and {groups}")
    per_group = sizes[0] // groups
    centre = tuple(n // 2 for n in sizes[2:])
    with rt.no_grad():
        tensor.zero_()
        for g in range(groups):
            for d in range(min(per_group, sizes[1])):
                place = (g * per_group + d, d, *centre)
                tensor[place] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError(
            "init: Fan in and fan out can not be computed for tensor with fewer than 2 dimensions; got "
            f"{tensor.dim()}"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"init: Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill uniformly in +-gain*sqrt(6/(fan_in+fan_out)) (Glorot and Bengio, 2010).

    >>> bool((nn.init.xavier_uniform_(rt.empty(3, 3)).abs() <= 1).all())
    True
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Fill from a normal of deviation gain*sqrt(2/(fan_in+fan_out)) (Glorot and Bengio, 2010).

    >>> nn.init.xavier_normal_(rt.empty(3, 5)).shape == (3, 5)
    True
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def _warn_if_empty(tensor: Tensor) -> bool:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill uniformly in +-gain*sqrt(3/fan) (He et al., 2015); ``a`` is leaky_relu's slope.

    >>> bool((nn.init.kaiming_uniform_(rt.empty(4, 6)).abs() <= 1).all())
    True
    """
    if _warn_if_empty(tensor):
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Any = None,
) -> Tensor:
    """Fill from a normal of deviation gain/sqrt(fan) (He et al., 2015); ``a`` is leaky_relu's slope.

    >>> nn.init.kaiming_normal_(rt.empty(4, 6), mode="fan_out").shape == (4, 6)
    True
    """
    if _warn_if_empty(tensor):
        return tensor
    std = calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))
    return normal_(tensor, 0.0, std, generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Fill with a (semi-)orthogonal matrix, dimensions after the first flattened (Saxe et al., 2013).

    >>> q = nn.init.orthogonal_(rt.empty(3, 3))
    >>> rt.allclose(q @ q.T, rt.eye(3), atol=1e-5)
    True
    """
    if tensor.dim() < 2:
        raise ValueError(
            f"orthogonal_: Only tensors with 2 or more dimensions are supported; got {tensor.dim()}"
        )
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    cols = tensor.numel() // rows
    with rt.no_grad():
        flat = rt.empty((max(rows, cols), min(rows, cols)), dtype=tensor.dtype, device=tensor.device)
        flat.normal_(0.0, 1.0, generator=generator)
        q, r = rt.linalg.qr(flat)
        # QR is unique only up to the signs of r's diagonal; fixing them makes q uniformly distributed.
        q = q * rt.sign(rt.diagonal(r))
        if rows < cols:
            q = q.t()
        return tensor.copy_(q.reshape(tensor.shape) * gain)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Any = None) -> Tensor:
    """Fill a matrix from N(0, std^2), with a share ``sparsity`` of each column set to zero (Martens, 2010).

    >>> int((nn.init.sparse_(rt.empty(10, 2), 0.3) == 0).sum())
    6
    """
    if tensor.dim() != 2:
        raise ValueError(f"sparse_: Only tensors with 2 dimensions are supported; got {tensor.dim()}")
    rows, cols = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with rt.no_grad():
        tensor.normal_(0.0, std, generator=generator)
        for col in range(cols):
            drop = rt.randperm(rows, device=tensor.device)[:zeros]
            tensor[drop, col] = 0
    return tensor
