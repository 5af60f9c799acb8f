"""`__array_function__`: NumPy's functions on tensors, by a table of those that have an op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import rustorch as rt
from rustorch import _C
from rustorch._numpy.convert import fall_back, is_tensor
from rustorch._numpy.ufuncs import operand

__all__ = ["call"]

_TABLE: dict[str, Callable[..., Any]] = {}


def _handles(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def note(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in names:
            _TABLE[f"numpy.{name}"] = function
        return function

    return note


def call(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """By an op if one takes these arguments, else by NumPy."""
    name = f"{function.__module__}.{function.__name__}"
    handler = _TABLE.get(name)
    if handler is not None and kwargs.get("out") is None:
        given = {key: value for key, value in kwargs.items() if key != "out"}
        try:
            return handler(*args, **given)
        except TypeError:
            pass  # arguments or dtypes that only NumPy takes
    return fall_back(name.replace("numpy", "np", 1), function, args, kwargs)


def _tensor(obj: Any) -> Any:
    found = operand(obj)
    return found if is_tensor(found) else rt.tensor(found)


def _op(space: str, name: str) -> Callable[..., Any]:
    """An op of a namespace."""
    found: Callable[..., Any] = _C.namespaces()[space][name]
    return found


def _tensors(items: Any) -> list[Any]:
    return [_tensor(item) for item in items]


# ---- Reductions: NumPy's axis and keepdims ----


def _reduction(name: str, correction: bool = False) -> Callable[..., Any]:
    def reduce(a: Any, axis: Any = None, keepdims: Any = False, ddof: int = 0) -> Any:
        x = _tensor(a)
        if name == "mean" and not (x.dtype.is_floating_point or x.dtype.is_complex):
            x = x.to(rt.float64)
        options = {"correction": ddof} if correction else {}
        keep = bool(keepdims) and keepdims is not np._NoValue
        if axis is None:
            if keep:
                axis = tuple(range(x.ndim))
            elif correction:
                return getattr(x, name)(**options)
            else:
                return getattr(x, name)()
        if name == "prod" and isinstance(axis, tuple):
            raise TypeError("prod over several axes")
        return getattr(x, name)(axis, keepdim=keep, **options)

    return reduce


for _name, _ours in (
    ("sum", "sum"), ("prod", "prod"), ("mean", "mean"), ("max", "amax"), ("amax", "amax"), ("min", "amin"),
    ("amin", "amin"), ("all", "all"), ("any", "any"),
):  # fmt: skip
    _TABLE[f"numpy.{_name}"] = _reduction(_ours)
_TABLE["numpy.std"] = _reduction("std", correction=True)
_TABLE["numpy.var"] = _reduction("var", correction=True)


def _arg(name: str) -> Callable[..., Any]:
    def arg(a: Any, axis: int | None = None, keepdims: Any = False) -> Any:
        return getattr(_tensor(a), name)(axis, keepdim=keepdims is True)

    return arg


_TABLE["numpy.argmax"] = _arg("argmax")
_TABLE["numpy.argmin"] = _arg("argmin")


@_handles("cumsum")
def _cumsum(a: Any, axis: int | None = None) -> Any:
    return _tensor(a).reshape(-1).cumsum(0) if axis is None else _tensor(a).cumsum(axis)


@_handles("cumprod")
def _cumprod(a: Any, axis: int | None = None) -> Any:
    return _tensor(a).reshape(-1).cumprod(0) if axis is None else _tensor(a).cumprod(axis)


# ---- Joining and splitting ----


@_handles("concatenate")
def _concatenate(arrays: Any, axis: int | None = 0) -> Any:
    found = _tensors(arrays)
    return rt.cat([x.reshape(-1) for x in found], 0) if axis is None else rt.cat(found, axis)


@_handles("stack")
def _stack(arrays: Any, axis: int = 0) -> Any:
    return rt.stack(_tensors(arrays), axis)


@_handles("vstack")
def _vstack(tup: Any) -> Any:
    return rt.vstack(_tensors(tup))


@_handles("hstack")
def _hstack(tup: Any) -> Any:
    return rt.hstack(_tensors(tup))


@_handles("split", "array_split")
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    x = _tensor(ary)
    if isinstance(indices_or_sections, int):
        if x.shape[axis] % indices_or_sections:
            raise TypeError("unequal parts")
        return list(x.split(x.shape[axis] // indices_or_sections, axis))
    ends = [*map(int, indices_or_sections), x.shape[axis]]
    starts = [0, *ends[:-1]]
    if any(b < a for a, b in zip(starts, ends)):
        raise TypeError("unordered indices")
    return list(x.split([b - a for a, b in zip(starts, ends)], axis))


# ---- Shapes ----


@_handles("reshape")
def _reshape(a: Any, /, shape: Any, order: str = "C") -> Any:
    if order != "C":
        raise TypeError("order")
    return _tensor(a).reshape(shape)


@_handles("ravel")
def _ravel(a: Any, order: str = "C") -> Any:
    return _reshape(a, -1, order)


@_handles("transpose", "permute_dims")
def _transpose(a: Any, axes: Any = None) -> Any:
    x = _tensor(a)
    return x.permute(tuple(axes) if axes is not None else tuple(range(x.ndim - 1, -1, -1)))


@_handles("swapaxes")
def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return _tensor(a).transpose(axis1, axis2)


@_handles("moveaxis")
def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return rt.movedim(_tensor(a), source, destination)


@_handles("expand_dims")
def _expand_dims(a: Any, axis: int) -> Any:
    return _tensor(a).unsqueeze(axis)


@_handles("squeeze")
def _squeeze(a: Any, axis: Any = None) -> Any:
    x = _tensor(a)
    if axis is None:
        return x.squeeze()
    dims = (axis,) if isinstance(axis, int) else tuple(axis)
    if any(x.shape[d] != 1 for d in dims):
        raise TypeError("NumPy's error")
    return x.squeeze(dims)


@_handles("broadcast_to")
def _broadcast_to(array: Any, shape: Any) -> Any:
    return _tensor(array).expand(tuple(shape) if not isinstance(shape, int) else (shape,))


@_handles("flip")
def _flip(m: Any, axis: Any = None) -> Any:
    x = _tensor(m)
    dims = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return x.flip(dims)


@_handles("roll")
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return rt.roll(_tensor(a), shift) if axis is None else rt.roll(_tensor(a), shift, axis)


@_handles("tile")
def _tile(A: Any, reps: Any) -> Any:
    return rt.tile(_tensor(A), (reps,) if isinstance(reps, int) else tuple(reps))


@_handles("repeat")
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return rt.repeat_interleave(_tensor(a), repeats, dim=axis)


@_handles("pad")
def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    x = _tensor(array)
    if mode != "constant" or not isinstance(constant_values, (int, float)):
        raise TypeError("mode")
    widths = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2)).tolist()
    flat = [width for pair in reversed(widths) for width in pair]
    return _op("nn.functional", "pad")(x, flat, value=constant_values)


@_handles("copy")
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return _tensor(a).clone()


# ---- Selection and sorting ----


@_handles("where")
def _where(condition: Any, *choices: Any) -> Any:
    mask = _tensor(condition)
    if mask.dtype is not rt.bool:
        mask = mask != 0
    if not choices:
        return tuple(mask.nonzero().unbind(1))
    x, y = map(operand, choices)
    return rt.where(mask, x, y)


@_handles("clip")
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (operand(v) if v is not None and v is not np._NoValue else None for v in (a_min, a_max))
    low, high = low if min is None else operand(min), high if max is None else operand(max)
    if is_tensor(low) != is_tensor(high) and low is not None and high is not None:
        low, high = _tensor(low), _tensor(high)
    if low is None and high is None:  # NumPy takes it for a copy
        return _tensor(a).clone()
    return rt.clamp(_tensor(a), low, high)


@_handles("sort")
def _sort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Any:
    x = _tensor(a)
    return rt.sort(x.reshape(-1) if axis is None else x, dim=-1 if axis is None else axis)[0]


@_handles("argsort")
def _argsort(a: Any, axis: int | None = -1, kind: Any = None, *, stable: Any = None) -> Any:
    x = _tensor(a)
    x, dim = (x.reshape(-1), -1) if axis is None else (x, axis)
    return rt.argsort(x, dim=dim, stable=True)


@_handles("take_along_axis")
def _take_along_axis(arr: Any, indices: Any, axis: int = -1) -> Any:
    return rt.take_along_dim(_tensor(arr), _tensor(indices), axis)


@_handles("nonzero")
def _nonzero(a: Any) -> Any:
    return _where(a)


@_handles("diff")
def _diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    return _op("rt", "diff")(_tensor(a), n, axis)


# ---- Products ----


@_handles("dot")
def _dot(a: Any, b: Any) -> Any:
    x, y = _tensor(a), _tensor(b)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if y.ndim > 2:
        raise TypeError("a product that only NumPy has")
    common = rt.promote_types(x.dtype, y.dtype)
    return rt.matmul(x.to(common), y.to(common))


@_handles("einsum")
def _einsum(subscripts: Any, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise TypeError("subscripts")
    return rt.einsum(subscripts, *_tensors(operands))


@_handles("outer")
def _outer(a: Any, b: Any) -> Any:
    return rt.outer(_tensor(a).reshape(-1), _tensor(b).reshape(-1))


@_handles("trace")
def _trace(a: Any, offset: int = 0) -> Any:
    if offset:
        raise TypeError("offset")
    return rt.trace(_tensor(a))


@_handles("tril")
def _tril(m: Any, k: int = 0) -> Any:
    return rt.tril(_tensor(m), k)


@_handles("triu")
def _triu(m: Any, k: int = 0) -> Any:
    return rt.triu(_tensor(m), k)


# ---- Comparisons that end in a bool ----


@_handles("allclose")
def _allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    return bool(_isclose(a, b, rtol, atol, equal_nan).all())


@_handles("isclose")
def _isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    x, y = _tensor(a), _tensor(b)
    common = rt.promote_types(x.dtype, y.dtype)
    return rt.isclose(x.to(common), y.to(common), rtol, atol, equal_nan)


@_handles("array_equal")
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    x, y = _tensor(a1), _tensor(a2)
    if equal_nan or x.shape != y.shape:
        return False if x.shape != y.shape else bool(((x == y) | ((x != x) & (y != y))).all())
    return bool((x == y).all())


# ---- Like-shaped and facts ----


def _like(name: str) -> Callable[..., Any]:
    def like(a: Any, *args: Any) -> Any:
        return getattr(rt, name)(_tensor(a), *map(operand, args))

    return like


for _name in ("zeros_like", "ones_like", "empty_like", "full_like"):
    _TABLE[f"numpy.{_name}"] = _like(_name)


@_handles("shape")
def _shape(a: Any) -> Any:
    return tuple(a.shape)


@_handles("ndim")
def _ndim(a: Any) -> Any:
    return a.ndim


@_handles("size")
def _size(a: Any, axis: int | None = None) -> Any:
    return int(np.prod(a.shape, dtype=np.int64)) if axis is None else a.shape[axis]


@_handles("real")
def _real(val: Any) -> Any:
    return val.real


@_handles("imag")
def _imag(val: Any) -> Any:
    return val.imag if val.dtype.is_complex else rt.zeros_like(val)


# ---- linalg and fft: the same names and leading arguments ----


def _namesake(space: str, name: str) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return _op(space, name)(
            *(_tensor(a) if is_tensor(a) or isinstance(a, np.ndarray) else a for a in args), **kwargs
        )

    return function


for _name in ("inv", "det", "slogdet", "cholesky", "solve", "eigh", "eigvalsh", "pinv", "matrix_power"):
    _TABLE[f"numpy.linalg.{_name}"] = _namesake("linalg", _name)
for _name in (
    "fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn",
    "hfft", "ihfft", "fftshift", "ifftshift",
):  # fmt: skip
    _TABLE[f"numpy.fft.{_name}"] = _namesake("fft", _name)


@_handles("linalg.norm")
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    found = _tensor(x)
    if not (found.dtype.is_floating_point or found.dtype.is_complex):
        found = found.to(rt.float64)
    return _op("linalg", "norm")(found, ord, axis, keepdims)


@_handles("linalg.svd")
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if hermitian:
        raise TypeError("hermitian")
    return (
        _op("linalg", "svd")(_tensor(a), full_matrices)
        if compute_uv
        else _op("linalg", "svdvals")(_tensor(a))
    )


@_handles("linalg.qr")
def _qr(a: Any, mode: str = "reduced") -> Any:
    if mode == "raw":
        raise TypeError("mode='raw'")
    found = _op("linalg", "qr")(_tensor(a), mode)
    return found[1] if mode == "r" else found
