"""Normalisation: to zero mean and unit variance over a layer, batch, groups or instances; to unit length."""

from __future__ import annotations

from collections.abc import Sequence

import rustorch as rt
from rustorch import Tensor

# The distance from 1 to the next number, by dtype.
_EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def _wide(x: Tensor) -> Tensor:
    """The tensor in the type its statistics are computed in."""
    return x.float() if x.dtype in (rt.float16, rt.bfloat16) else x


def _standardized(x: Tensor, dims: list[int], eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """(x - mean) / sqrt(var + eps) over dims, with the mean and the biased variance (dims kept)."""
    mean = x.mean(dims, keepdim=True)
    centered = x - mean
    variance = (centered * centered).mean(dims, keepdim=True)
    return centered * (variance + eps).rsqrt(), mean, variance


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: Sequence[int]) -> Tensor:
    if weight is not None:
        x = x * _wide(weight).reshape(shape)
    if bias is not None:
        x = x + _wide(bias).reshape(shape)
    return x


def _check_shape(
    op: str, input: Tensor, normalized_shape: Sequence[int], *params: Tensor | None
) -> list[int]:
    shape = [int(n) for n in normalized_shape]
    if not shape:
        raise RuntimeError(
            f"{op}: Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
            f"element, but got normalized_shape = {shape}"
        )
    for p in params:
        if p is not None and list(p.shape) != shape:
            raise RuntimeError(
                f"{op}: Expected weight and bias to be of same shape as normalized_shape, but got "
                f"{list(p.shape)} and normalized_shape = {shape}"
            )
    if list(input.shape[-len(shape) :]) != shape or input.dim() < len(shape):
        raise RuntimeError(
            f"{op}: Given normalized_shape={shape}, expected input with shape [*, "
            f"{', '.join(map(str, shape))}], but got input of size{list(input.shape)}"
        )
    return list(range(input.dim() - len(shape), input.dim()))


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Zero mean and unit variance over the last dims, then ``weight x + bias``.

    Ba et al., 2016, arXiv:1607.06450. Follows ``torch.nn.functional.layer_norm``.

    >>> nn.functional.layer_norm(rt.tensor([1.0, 3.0]), (2,))
    tensor([-1.0000,  1.0000])
    """
    dims = _check_shape("layer_norm", input, normalized_shape, weight, bias)
    x = _standardized(_wide(input), dims, eps)[0]
    return _affine(x, weight, bias, list(normalized_shape)).to(input.dtype)


def rms_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """Divided by the root mean square over the last dims (Zhang and Sennrich, 2019, arXiv:1910.07467).

    `eps` defaults to the dtype's epsilon. Follows ``torch.nn.functional.rms_norm``.

    >>> nn.functional.rms_norm(rt.tensor([3.0, 3.0]), (2,))
    tensor([1., 1.])
    """
    dims = _check_shape("rms_norm", input, normalized_shape, weight)
    x = _wide(input)
    small = _EPS[str(input.dtype)[9:]] if eps is None else eps
    x = x * ((x * x).mean(dims, keepdim=True) + small).rsqrt()
    return _affine(x, weight, None, list(normalized_shape)).to(input.dtype)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Zero mean and unit variance over groups of channels of (N, C, *) (Wu and He, 2018, arXiv:1803.08494).

    Follows ``torch.nn.functional.group_norm``.

    >>> nn.functional.group_norm(rt.tensor([[[1.0], [3.0]]]), 1).flatten()
    tensor([-1.0000,  1.0000])
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"group_norm: Expected at least 2 dimensions for input tensor but received {input.dim()}"
        )
    n, c, *rest = input.shape
    if num_groups <= 0 or c % num_groups:
        raise RuntimeError(
            "group_norm: Expected number of channels in input to be divisible by num_groups, but got input "
            f"of shape {list(input.shape)} and num_groups={num_groups}"
        )
    for p in (weight, bias):
        if p is not None and list(p.shape) != [c]:
            raise RuntimeError(
                "group_norm: Expected weight and bias to be a vector of size equal to the number of "
                f"channels in input, but got {list(p.shape)} and input of shape {list(input.shape)}"
            )
    grouped = _wide(input).reshape(n, num_groups, -1)
    x = _standardized(grouped, [2], eps)[0].reshape(input.shape)
    return _affine(x, weight, bias, [1, c] + [1] * len(rest)).to(input.dtype)


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Zero mean and unit variance of each channel over the batch (Ioffe and Szegedy, 2015, arXiv:1502.03167).

    In training the batch's own statistics are used, and the running ones (the variance unbiased) move towards
    them by `momentum`; else the running ones are used. Follows ``torch.nn.functional.batch_norm``.

    >>> nn.functional.batch_norm(rt.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"batch_norm: Expected at least 2 dimensions for input tensor but received {input.dim()}"
        )
    c = input.shape[1]
    for name, p in (
        ("running_mean", running_mean),
        ("running_var", running_var),
        ("weight", weight),
        ("bias", bias),
    ):
        if p is not None and p.numel() != c:
            raise RuntimeError(f"batch_norm: {name} should contain {c} elements not {p.numel()}")
    shape = [1, c] + [1] * (input.dim() - 2)
    x = _wide(input)
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError(
                "batch_norm: Expected running_mean and running_var to be defined when training=False"
            )
        x = (x - _wide(running_mean).reshape(shape)) * (_wide(running_var).reshape(shape) + eps).rsqrt()
        return _affine(x, weight, bias, shape).to(input.dtype)
    dims = [d for d in range(input.dim()) if d != 1]
    count = input.numel() // max(c, 1)
    if count <= 1:
        raise ValueError(
            "batch_norm: Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}"
        )
    x, mean, variance = _standardized(x, dims, eps)
    with rt.no_grad():
        if running_mean is not None:
            running_mean.mul_(1 - momentum).add_(mean.reshape(-1).to(running_mean.dtype), alpha=momentum)
        if running_var is not None:
            unbiased = variance.reshape(-1) * (count / (count - 1))
            running_var.mul_(1 - momentum).add_(unbiased.to(running_var.dtype), alpha=momentum)
    return _affine(x, weight, bias, shape).to(input.dtype)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Zero mean and unit variance of each channel of each sample (Ulyanov et al., 2016, arXiv:1607.08022).

    Follows ``torch.nn.functional.instance_norm``.

    >>> nn.functional.instance_norm(rt.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    if input.dim() < 3:
        raise RuntimeError(
            f"instance_norm: Expected at least 3 dimensions for input tensor but received {input.dim()}"
        )
    n, c, *rest = input.shape
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    count = input.numel() // max(n * c, 1)
    if count <= 1:
        raise ValueError(
            "instance_norm: Expected more than 1 spatial element when training, got input size "
            f"{list(input.shape)}"
        )
    x, mean, variance = _standardized(_wide(input), list(range(2, input.dim())), eps)
    with rt.no_grad():
        if running_mean is not None:
            average = mean.reshape(n, c).mean(0)
            running_mean.mul_(1 - momentum).add_(average.to(running_mean.dtype), alpha=momentum)
        if running_var is not None:
            average = variance.reshape(n, c).mean(0) * (count / (count - 1))
            running_var.mul_(1 - momentum).add_(average.to(running_var.dtype), alpha=momentum)
    return _affine(x, weight, bias, [1, c] + [1] * len(rest)).to(input.dtype)


def _length(x: Tensor, p: float, dim: int) -> Tensor:
    """The p-norm along a dim, kept."""
    if p == 2.0:
        # The root's slope at zero is infinite; a zero vector gets a zero gradient, as from the norm itself.
        square = (
            (x * x.conj()).real.sum(dim, keepdim=True) if x.is_complex() else (x * x).sum(dim, keepdim=True)
        )
        zero = square == 0
        return square.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)
    size = x.abs()
    if p == float("inf"):
        return size.amax(dim, keepdim=True)
    if p == 1.0:
        return size.sum(dim, keepdim=True)
    return size.pow(p).sum(dim, keepdim=True).pow(1.0 / p)


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """Vectors along a dim divided by their p-norm, or by `eps` where that is smaller.

    Follows ``torch.nn.functional.normalize``.

    >>> nn.functional.normalize(rt.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    result = input / _length(input, float(p), dim).clamp_min(eps)
    return result if out is None else out.copy_(result)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between vectors along a dim; inputs broadcast.

    Follows ``torch.nn.functional.cosine_similarity``.

    >>> nn.functional.cosine_similarity(rt.tensor([[1.0, 0.0]]), rt.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """
    x, y = rt.broadcast_tensors(x1, x2)
    kind = rt.result_type(x, y)
    if not (kind.is_floating_point or kind.is_complex):
        raise RuntimeError(
            f"cosine_similarity: expected common dtype to be floating point, yet common dtype is {kind}"
        )
    x, y = x.to(kind), y.to(kind)
    x = x / _length(x, 2.0, dim).clamp_min(eps)
    y = y / _length(y, 2.0, dim).clamp_min(eps)
    return (x * y).sum(dim)
