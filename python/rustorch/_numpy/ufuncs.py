"""`__array_ufunc__`: NumPy's universal functions on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import rustorch as rt
from rustorch import _C
from rustorch._numpy.convert import fall_back, is_tensor
from rustorch._tensor_api import as_tensor

__all__ = ["call"]

# NumPy's name -> ours, where the meaning is the same on every dtype.
_NAMES = {
    **{name: name for name in (
        "absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_or "
        "bitwise_xor ceil copysign cos cosh divide exp exp2 expm1 floor floor_divide fmax fmin fmod "
        "gcd greater greater_equal heaviside hypot isfinite isinf isnan lcm less less_equal log log10 "
        "log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor matmul maximum "
        "minimum multiply negative nextafter not_equal reciprocal remainder sign signbit sin sinh sqrt "
        "square subtract tan tanh trunc"
    ).split()},
    "true_divide": "divide", "power": "pow", "float_power": "float_power", "rint": "round",
    "invert": "bitwise_not",
    "left_shift": "bitwise_left_shift", "right_shift": "bitwise_right_shift", "conjugate": "conj_physical",
    "deg2rad": "deg2rad", "radians": "deg2rad", "rad2deg": "rad2deg", "degrees": "rad2deg",
    "equal": "eq", "fabs": "abs", "positive": "positive",
}  # fmt: skip
_REDUCE = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "amax",
    "minimum": "amin",
    "logical_and": "all",
    "logical_or": "any",
}
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}


def operand(obj: Any) -> Any:
    """A tensor, or a Python number: NumPy's scalars take part in promotion as numbers do."""
    if isinstance(obj, np.generic):
        return obj.item()
    if is_tensor(obj) or isinstance(obj, (bool, int, float, complex)):
        return obj
    if isinstance(obj, np.ndarray):
        try:
            return _C._from_numpy(obj)
        except ValueError:
            return _C.from_numpy(np.array(obj, dtype=obj.dtype.newbyteorder("="), order="C"))
    return as_tensor(obj)


def _ours(name: str | None) -> Callable[..., Any] | None:
    return getattr(rt, name, None) if name else None


def call(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    out = kwargs.pop("out", None)
    where = kwargs.pop("where", True)
    result: Any = NotImplemented
    if where is True:
        try:
            result = _by_op(ufunc, method, inputs, kwargs)
        except TypeError:
            result = NotImplemented  # a dtype that only NumPy knows, or that the op does not take
    if result is NotImplemented:
        return _by_numpy(ufunc, method, inputs, out, where, kwargs)
    return result if out is None else _store(result, out)


def _by_op(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = ufunc.__name__
    if method == "__call__":
        dtype = kwargs.get("dtype")
        if set(kwargs) - {"dtype", "casting", "order", "subok"} or ufunc.nout != 1:
            return NotImplemented
        op = _ours(_NAMES.get(name))
        if op is None:
            return NotImplemented
        args = [operand(x) for x in inputs]
        if not is_tensor(args[0]):
            args[0] = rt.tensor(args[0]) if len(args) == 1 else args[0]
        result = op(*args)
        return result if dtype is None else result.to(_C.from_numpy(np.empty(0, dtype)).dtype)
    if method == "outer" and _NAMES.get(name):
        a, b = (x if is_tensor(x) else rt.tensor(x) for x in map(operand, inputs))
        op = _ours(_NAMES[name])
        return NotImplemented if op is None else op(a.reshape(*a.shape, *[1] * b.ndim), b)
    if method == "reduce" and name in _REDUCE:
        return _reduce(name, operand(inputs[0]), *inputs[1:], **kwargs)
    if method == "accumulate" and name in _ACCUMULATE and not set(kwargs) - {"axis"}:
        axis = kwargs.get("axis", 0)
        op = _ours(_ACCUMULATE[name])
        return NotImplemented if op is None else op(operand(inputs[0]), axis)
    return NotImplemented


def _reduce(
    name: str, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False, **rest: Any
) -> Any:
    op = _ours(_REDUCE[name])
    if op is None or dtype is not None or out is not None or rest.keys() - {"initial", "where"} or rest:
        return NotImplemented
    dims = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    if name == "multiply":
        # The product is over one dim at a time.
        for d in sorted((d % max(x.ndim, 1) for d in dims), reverse=True):
            x = x.prod(d, keepdim=keepdims)
        return x
    if name in ("maximum", "minimum") and 0 in x.shape:
        return NotImplemented  # NumPy's error, or its `initial`
    return op(x, dims, keepdim=keepdims) if dims else x.clone()


def _store(result: Any, out: tuple[Any, ...]) -> Any:
    target = out[0]
    if target is None:
        return result
    if is_tensor(target):
        target.copy_(result)
    else:
        np.copyto(target, result.detach().numpy(), casting="same_kind")
    return target


def _by_numpy(
    ufunc: Any, method: str, inputs: tuple[Any, ...], out: Any, where: Any, kwargs: dict[str, Any]
) -> Any:
    if where is not True:
        kwargs["where"] = where
    if out is not None:
        kwargs["out"] = out
    label = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    result = fall_back(label, getattr(ufunc, method), inputs, kwargs)
    if out is None:
        return result
    # The arrays that were written are the caller's memory.
    return out[0] if len(out) == 1 else tuple(o if o is not None else r for o, r in zip(out, result))
