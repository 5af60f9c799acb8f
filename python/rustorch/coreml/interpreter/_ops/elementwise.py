"""Operations that take each element by itself: arithmetic, comparisons, logic, rounding."""

from __future__ import annotations

from collections.abc import Callable

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.registry import mil_op

# One op of ours each, rounded once: float16 goes in as it is.
_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": rt.abs,
    "acos": rt.acos,
    "asin": rt.asin,
    "atan": rt.atan,
    "atanh": rt.atanh,
    "ceil": rt.ceil,
    "cos": rt.cos,
    "cosh": rt.cosh,
    "erf": rt.erf,
    "exp": rt.exp,
    "exp2": rt.exp2,
    "floor": rt.floor,
    "logical_not": rt.logical_not,
    "round": rt.round,
    "sign": rt.sign,
    "sin": rt.sin,
    "sinh": rt.sinh,
    "sqrt": rt.sqrt,
    "square": rt.square,
    "tan": rt.tan,
    "tanh": rt.tanh,
}
_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": rt.add,
    "equal": rt.eq,
    "floor_div": rt.floor_divide,
    "greater": rt.gt,
    "greater_equal": rt.ge,
    "less": rt.lt,
    "less_equal": rt.le,
    "logical_and": rt.logical_and,
    "logical_or": rt.logical_or,
    "logical_xor": rt.logical_xor,
    "maximum": rt.maximum,
    "minimum": rt.minimum,
    "mod": rt.remainder,
    "mul": rt.mul,
    "not_equal": rt.ne,
    "pow": rt.pow,
    "sub": rt.sub,
}


for _name, _function in _UNARY.items():
    mil_op(_name, half=True)(_function)
for _name, _operator in _BINARY.items():
    mil_op(_name, half=True)(_operator)


@mil_op("real_div", half=True)
def real_div(x: Tensor, y: Tensor) -> Tensor:
    """Division; that of integers is cut off towards zero."""
    return rt.div(x, y) if x.is_floating_point() else rt.div(x, y, rounding_mode="trunc")


@mil_op("inverse")
def inverse(x: Tensor, epsilon: float) -> Tensor:
    return rt.reciprocal(x + epsilon)


@mil_op("log")
def log(x: Tensor, epsilon: float) -> Tensor:
    return rt.log(x + epsilon)


@mil_op("rsqrt")
def rsqrt(x: Tensor, epsilon: float) -> Tensor:
    return rt.rsqrt(x + epsilon)


@mil_op("clip", half=True)
def clip(x: Tensor, alpha: float, beta: float) -> Tensor:
    return rt.clamp(x, alpha, beta)


@mil_op("threshold", half=True)
def threshold(x: Tensor, alpha: float) -> Tensor:
    return rt.clamp_min(x, alpha)


@mil_op("select", half=True)
def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return rt.where(cond, a, b)


@mil_op("identity", half=True, view=True)
def identity(x: Tensor) -> Tensor:
    return x


@mil_op("cast", half=True, view=True)
def cast(x: Tensor, dtype: str) -> Tensor:
    """The runner brings each result to its declared type, which is what `dtype` says too."""
    return x != 0 if dtype == "bool" else x
