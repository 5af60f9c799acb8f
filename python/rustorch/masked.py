"""Reductions and normalizations that leave elements out: those where a mask is False.

Each takes `mask`, a bool tensor that broadcasts with the input; without one it is the plain function. A place
all of whose elements are left out gets the value of an empty reduction (0 for sums, 1 for products, NaN for
means), as in PyTorch's `torch.masked`, which this follows for strided tensors.
"""

from __future__ import annotations

from typing import Any

from rustorch import _C
from rustorch.errors import ArgumentError, DTypeError, OpError

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]

_OPS = _C.namespaces()["rt"]
Dims = Any  # an int, several of them, or None for all


def _mask_of(op: str, input: _C.Tensor, mask: _C.Tensor | None) -> _C.Tensor:
    if mask is None:
        everything: _C.Tensor = _OPS["ones"](input.shape, dtype=_C.bool, device=input.device)
        return everything
    if not isinstance(mask, _C.Tensor):
        raise DTypeError.of(op, "mask must be a tensor", type(mask).__name__)
    if mask.dtype is not _C.bool:
        raise DTypeError.of(op, "mask must be a bool tensor", str(mask.dtype), "mask.bool()")
    if mask.ndim > input.ndim:
        raise IndexError(f"{op}: expected mask dimensionality not greater than input's; got {mask.ndim}")
    return mask.expand(input.shape)


def _dims_of(input: _C.Tensor, dim: Dims) -> list[int]:
    if dim is None or dim == ():
        return list(range(input.ndim))
    named = [dim] if isinstance(dim, int) else list(dim)
    wrapped = []
    for d in named:
        if not -max(input.ndim, 1) <= d < max(input.ndim, 1):
            raise IndexError(f"masked: Dimension out of range; got {d} for {input.ndim} dims")
        wrapped.append(d % max(input.ndim, 1))
    if len(set(wrapped)) < len(wrapped):
        raise OpError.of("masked", "dim appears multiple times in the list of dims", str(named))
    return wrapped if input.ndim else []


def _cast(input: _C.Tensor, dtype: Any) -> _C.Tensor:
    return input if dtype is None else input.to(dtype)


def _summing(input: _C.Tensor, dtype: Any) -> _C.Tensor:
    """Integers are added and multiplied as int64, as `sum` and `prod` do."""
    whole = not input.dtype.is_floating_point and not input.dtype.is_complex
    return _cast(input, _C.int64 if dtype is None and whole else dtype)


def _limit(dtype: _C.dtype, lowest: bool) -> Any:
    from rustorch._type_info import iinfo

    if dtype.is_floating_point:
        return float("-inf") if lowest else float("inf")
    if dtype is _C.bool:
        return not lowest
    return iinfo(dtype).min if lowest else iinfo(dtype).max


def sum(
    input: _C.Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The sum of what the mask lets through.

    Follows `torch.masked.sum`.

    >>> import rustorch as rt
    >>> rt.masked.sum(rt.tensor([[1, 2], [3, 4]]), 1, mask=rt.tensor([[True, False], [True, True]]))
    tensor([1, 7])
    """
    x = _summing(input, dtype)
    kept = x.masked_fill(~_mask_of("sum", input, mask), 0)
    dims = _dims_of(input, dim)
    return kept.sum(dims, keepdim=keepdim) if dims else kept.clone()


def prod(
    input: _C.Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The product of what the mask lets through.

    Follows `torch.masked.prod`.
    """
    result = _summing(input, dtype).masked_fill(~_mask_of("prod", input, mask), 1)
    for d in sorted(_dims_of(input, dim), reverse=True):
        result = result.prod(d, keepdim=keepdim)
    return result


def cumsum(input: _C.Tensor, dim: int, *, dtype: Any = None, mask: Any = None) -> _C.Tensor:
    """Running sums, for which what is left out counts as 0.

    Follows `torch.masked.cumsum`.
    """
    return _summing(input, dtype).masked_fill(~_mask_of("cumsum", input, mask), 0).cumsum(dim)


def cumprod(input: _C.Tensor, dim: int, *, dtype: Any = None, mask: Any = None) -> _C.Tensor:
    """Running products, for which what is left out counts as 1.

    Follows `torch.masked.cumprod`.
    """
    return _summing(input, dtype).masked_fill(~_mask_of("cumprod", input, mask), 1).cumprod(dim)


def _extreme(op: str, input: _C.Tensor, dim: Dims, keepdim: bool, dtype: Any, mask: Any) -> _C.Tensor:
    x = _cast(input, dtype)
    if x.dtype.is_complex:
        raise DTypeError.of(op, "complex numbers have no order", str(x.dtype))
    kept = x.masked_fill(~_mask_of(op, input, mask), _limit(x.dtype, op == "amax"))
    dims = _dims_of(input, dim)
    found: _C.Tensor = _OPS[op](kept, dims, keepdim) if dims else kept
    return found


def amax(
    input: _C.Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The largest of what the mask lets through.

    Follows `torch.masked.amax`.
    """
    return _extreme("amax", input, dim, keepdim, dtype, mask)


def amin(
    input: _C.Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The smallest of what the mask lets through.

    Follows `torch.masked.amin`.
    """
    return _extreme("amin", input, dim, keepdim, dtype, mask)


def argmax(
    input: _C.Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """Where the largest is of what the mask lets through, as numbers of `dtype` or the input's.

    Follows `torch.masked.argmax`.
    """
    x = _cast(input, dtype)
    kept = x.masked_fill(~_mask_of("argmax", input, mask), _limit(x.dtype, True))
    return kept.argmax(dim, keepdim).to(x.dtype)


def argmin(
    input: _C.Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """Where the smallest is of what the mask lets through, as numbers of `dtype` or the input's.

    Follows `torch.masked.argmin`.
    """
    x = _cast(input, dtype)
    kept = x.masked_fill(~_mask_of("argmin", input, mask), _limit(x.dtype, False))
    return kept.argmin(dim, keepdim).to(x.dtype)


def _floating(op: str, input: _C.Tensor, dtype: Any) -> _C.Tensor:
    x = _cast(input, dtype)
    if not x.dtype.is_floating_point and not x.dtype.is_complex:
        raise ArgumentError.of(op, "expected a floating-point or complex dtype", str(x.dtype), "dtype=")
    return x


def _count(input: _C.Tensor, dim: Dims, mask: _C.Tensor) -> _C.Tensor:
    return sum(mask.to(_C.int64), dim, keepdim=True)


def _settled(result: _C.Tensor, input: _C.Tensor, dim: Dims, keepdim: bool) -> _C.Tensor:
    """A result whose reduced dims are still there, without them unless they are to stay."""
    dims = _dims_of(input, dim)
    return result if keepdim or not dims else result.squeeze(tuple(dims))


def mean(
    input: _C.Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The mean of what the mask lets through.

    Follows `torch.masked.mean`.

    >>> import rustorch as rt
    >>> rt.masked.mean(rt.tensor([1.0, 2.0, 6.0]), mask=rt.tensor([True, False, True]))
    tensor(3.5000)
    """
    x = _floating("mean", input, dtype)
    allowed = _mask_of("mean", input, mask)
    total = sum(x, dim, keepdim=True, mask=allowed) / _count(input, dim, allowed)
    return _settled(total, input, dim, keepdim)


def median(
    input: _C.Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The lower median of what the mask lets through; NaN where that is nothing.

    Follows `torch.masked.median`.
    """
    x = _floating("median", input, dtype)
    hidden = x.masked_fill(~_mask_of("median", input, mask), float("nan"))
    return hidden.nanmedian(dim, keepdim).values


def logsumexp(
    input: _C.Tensor, dim: Dims = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """The logarithm of the sum of the exponentials of what the mask lets through, in the dtype of the input.

    Follows `torch.masked.logsumexp`.
    """
    x = _cast(input, dtype)
    whole = not x.dtype.is_floating_point and not x.dtype.is_complex
    kept = (x.to(_C.float32) if whole else x).masked_fill(~_mask_of("logsumexp", input, mask), float("-inf"))
    return kept.logsumexp(_dims_of(input, dim), keepdim).to(x.dtype)


def norm(
    input: _C.Tensor,
    ord: float = 2.0,
    dim: Dims = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> _C.Tensor:
    """The vector norm of what the mask lets through.

    Follows `torch.masked.norm`.
    """
    x = _floating("norm", input, dtype)
    hidden = float("inf") if ord == float("-inf") else 0
    kept = x.masked_fill(~_mask_of("norm", input, mask), hidden)
    found: _C.Tensor = _C.namespaces()["linalg"]["vector_norm"](kept, ord, _dims_of(input, dim), keepdim)
    return found


def _variance(
    op: str,
    input: _C.Tensor,
    dim: Dims,
    unbiased: bool | None,
    correction: float | None,
    keepdim: bool,
    dtype: Any,
    mask: Any,
) -> _C.Tensor:
    if unbiased is not None and correction is not None:
        raise ArgumentError.of(op, "only one of unbiased and correction is to be given", str(correction))
    if correction is None:
        correction = 0 if unbiased is False else 1
    x = _cast(input, dtype)
    if not x.dtype.is_floating_point and not x.dtype.is_complex:
        x = x.to(_C.get_default_dtype())
    allowed = _mask_of(op, input, mask)
    count = _count(input, dim, allowed)
    center = sum(x, dim, keepdim=True, mask=allowed) / count
    gap = x - center
    squares = (gap * gap.conj()).real if x.dtype.is_complex else gap * gap
    total = sum(squares, dim, keepdim=True, mask=allowed)
    degrees = (count - correction).clamp(min=0)
    return _settled(total / degrees, input, dim, keepdim).to(x.dtype)


def var(
    input: _C.Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> _C.Tensor:
    """The variance of what the mask lets through, divided by its count less `correction` (1 by default).

    Follows `torch.masked.var`.
    """
    return _variance("var", input, dim, unbiased, correction, keepdim, dtype, mask)


def std(
    input: _C.Tensor,
    dim: Dims = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> _C.Tensor:
    """The standard deviation of what the mask lets through.

    Follows `torch.masked.std`.
    """
    return _variance("std", input, dim, unbiased, correction, keepdim, dtype, mask).sqrt()


def softmax(input: _C.Tensor, dim: int, *, dtype: Any = None, mask: Any = None) -> _C.Tensor:
    """Softmax over what the mask lets through; the rest gets 0.

    Follows `torch.masked.softmax`.

    >>> import rustorch as rt
    >>> rt.masked.softmax(rt.tensor([0.0, 5.0, 0.0]), 0, mask=rt.tensor([True, False, True]))
    tensor([0.5000, 0.0000, 0.5000])
    """
    x = _floating("softmax", input, dtype)
    return x.masked_fill(~_mask_of("softmax", input, mask), float("-inf")).softmax(dim)


def log_softmax(input: _C.Tensor, dim: int, *, dtype: Any = None, mask: Any = None) -> _C.Tensor:
    """The logarithm of `softmax`; what is left out gets -inf.

    Follows `torch.masked.log_softmax`.
    """
    x = _floating("log_softmax", input, dtype)
    return x.masked_fill(~_mask_of("log_softmax", input, mask), float("-inf")).log_softmax(dim)


def softmin(input: _C.Tensor, dim: int, *, dtype: Any = None, mask: Any = None) -> _C.Tensor:
    """Softmax of the negative of what the mask lets through; the rest gets 0.

    Follows `torch.masked.softmin`.
    """
    x = _floating("softmin", input, dtype)
    return (-x).masked_fill(~_mask_of("softmin", input, mask), float("-inf")).softmax(dim)


def normalize(
    input: _C.Tensor, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None
) -> _C.Tensor:
    """What the mask lets through, divided by its norm along `dim`, of at least `eps`; the rest gets 0.

    Follows `torch.masked.normalize`.
    """
    x = _floating("normalize", input, dtype)
    allowed = _mask_of("normalize", input, mask)
    length = norm(x, ord, dim, keepdim=True, mask=allowed).clamp(min=eps)
    return x.masked_fill(~allowed, 0) / length


_ALONG = {"cumsum", "cumprod", "softmax", "log_softmax", "softmin", "normalize"}


def _output_mask(op: Any, input: _C.Tensor, *args: Any, **kwargs: Any) -> _C.Tensor:
    """Where the result of one of these functions, of these arguments, is of something.

    The mask itself for functions along a dim; for reductions, whether any element of a place was kept.
    """
    name = op.__name__
    allowed = _mask_of(name, input, kwargs.get("mask"))
    if name in _ALONG:
        return allowed
    rest = args[1:] if name == "norm" else args
    dim = rest[0] if rest else kwargs.get("dim", -1 if name == "median" else None)
    found = allowed
    for d in sorted(_dims_of(input, dim), reverse=True):
        found = found.any(d, keepdim=kwargs.get("keepdim", False))
    return found
