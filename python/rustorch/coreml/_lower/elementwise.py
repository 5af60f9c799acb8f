"""Arithmetic, comparisons and functions of single elements."""

from __future__ import annotations

import math
from typing import Any

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import Call, Unsupported, lowers
from rustorch.coreml.mil.program import DataType

# ---- One operation each ----

_UNARY = {
    "acos": "acos",
    "asin": "asin",
    "atan": "atan",
    "atanh": "atanh",
    "cos": "cos",
    "cosh": "cosh",
    "erf": "erf",
    "exp": "exp",
    "exp2": "exp2",
    "sigmoid": "sigmoid",
    "expit": "sigmoid",
    "sin": "sin",
    "sinh": "sinh",
    "sqrt": "sqrt",
    "tan": "tan",
    "tanh": "tanh",
}
for _name, _type in _UNARY.items():

    @lowers(_name)
    def _unary(c: Call, input: Var, _type: str = _type) -> Var:
        return c.b.unary(_type, c.floats(input))


for _name in ("abs", "ceil", "floor", "sign", "square"):

    @lowers(_name)
    def _unary_any(c: Call, input: Var, _type: str = _name) -> Var:
        if _type in ("ceil", "floor") and not input.dtype.is_float:
            return input
        return c.b.unary(_type, input)


@lowers("round")
def _round(c: Call, input: Var, decimals: int = 0) -> Var:
    if not input.dtype.is_float:
        return input
    if decimals:
        raise Unsupported("decimals")
    return c.b.unary("round", input)


@lowers("trunc")
def _trunc(c: Call, input: Var) -> Var:
    if not input.dtype.is_float:
        return input
    size = c.b.unary("floor", c.b.unary("abs", input))
    return c.b.binary("mul", c.b.unary("sign", input), size)


@lowers("frac")
def _frac(c: Call, input: Var) -> Var:
    return c.b.binary("sub", input, _trunc(c, input))


@lowers("neg")
def _neg(c: Call, input: Var) -> Var:
    return c.b.binary("mul", input, c.b.number(-1, input))


@lowers("positive", "real", "conj", "conj_physical", "resolve_neg")
def _same(c: Call, input: Var) -> Var:
    return input


# ---- Functions that MIL has otherwise ----


@lowers("log")
def _log(c: Call, input: Var) -> Var:
    return c.b.unary("log", c.floats(input), epsilon=0.0)


@lowers("log2", "log10", "log1p")
def _logs(c: Call, input: Var) -> Var:
    x = c.floats(input)
    if c.op == "log1p":
        return c.b.unary("log", c.b.binary("add", x, c.b.number(1, x)), epsilon=0.0)
    scale = 1 / math.log(2 if c.op == "log2" else 10)
    return c.b.binary("mul", c.b.unary("log", x, epsilon=0.0), c.b.number(scale, x))


@lowers("expm1")
def _expm1(c: Call, input: Var) -> Var:
    x = c.b.unary("exp", c.floats(input))
    return c.b.binary("sub", x, c.b.number(1, x))


@lowers("rsqrt")
def _rsqrt(c: Call, input: Var) -> Var:
    return c.b.unary("rsqrt", c.floats(input), epsilon=0.0)


@lowers("reciprocal")
def _reciprocal(c: Call, input: Var) -> Var:
    # Not `inverse`, which adds an epsilon that float16 feels.
    x = c.floats(input)
    return c.b.binary("real_div", c.b.number(1, x), x)


@lowers("erfc")
def _erfc(c: Call, input: Var) -> Var:
    x = c.floats(input)
    return c.b.binary("sub", c.b.number(1, x), c.b.unary("erf", x))


@lowers("deg2rad", "rad2deg")
def _angle(c: Call, input: Var) -> Var:
    x = c.floats(input)
    factor = math.pi / 180 if c.op == "deg2rad" else 180 / math.pi
    return c.b.binary("mul", x, c.b.number(factor, x))


# ---- Arithmetic ----


def _scaled(c: Call, x: Any, alpha: Any) -> Any:
    if alpha == 1:
        return x
    if not isinstance(x, Var):
        return x * alpha
    x, factor = c.common(x, alpha, dtype=c.dtype)
    return c.b.binary("mul", x, factor)


@lowers("add", "sub", "rsub")
def _add(c: Call, input: Any, other: Any, alpha: Any = 1) -> Var:
    if c.op == "rsub":
        input, other = other, input
    other = _scaled(c, other, alpha)
    if c.dtype is DataType.BOOL:
        x, y = c.common(input, other, dtype=DataType.BOOL)
        return c.b.binary("logical_or", x, y)
    x, y = c.common(input, other, dtype=c.dtype)
    return c.b.binary("add" if c.op == "add" else "sub", x, y)


@lowers("mul")
def _mul(c: Call, input: Any, other: Any) -> Var:
    x, y = c.common(input, other, dtype=c.dtype)
    return c.b.binary("logical_and" if c.dtype is DataType.BOOL else "mul", x, y)


@lowers("div", "div.mode")
def _div(c: Call, input: Any, other: Any, rounding_mode: str | None = None) -> Var:
    if rounding_mode == "floor":
        return _floor_divide(c, input, other)
    floats = c.b.float_type
    x, y = c.common(input, other, dtype=c.dtype if c.dtype.is_float else floats)
    quotient = c.b.binary("real_div", x, y)
    return _trunc(c, quotient) if rounding_mode == "trunc" else quotient


@lowers("floor_divide")
def _floor_divide(c: Call, input: Any, other: Any) -> Var:
    x, y = c.common(input, other, dtype=c.dtype)
    if c.dtype.is_float:
        return c.b.unary("floor", c.b.binary("real_div", x, y))
    return c.b.binary("floor_div", x, y)


@lowers("remainder")
def _remainder(c: Call, input: Any, other: Any) -> Var:
    x, y = c.common(input, other, dtype=c.dtype)
    return c.b.binary("mod", x, y)


@lowers("pow")
def _pow(c: Call, input: Any, exponent: Any) -> Var:
    if exponent == 2 and isinstance(input, Var):
        return c.b.unary("square", c.b.cast(input, c.dtype))
    if not c.dtype.is_float:
        raise Unsupported("integers")
    x, y = c.common(input, exponent, dtype=c.dtype)
    return c.b.binary("pow", x, y)


@lowers("maximum", "minimum", "max.other", "min.other", "fmax", "fmin")
def _extremum(c: Call, input: Var, other: Var) -> Var:
    x, y = c.common(input, other, dtype=c.dtype)
    return c.b.binary("maximum" if "max" in c.op else "minimum", x, y)


@lowers("clamp", "clamp_min", "clamp_max")
def _clamp(c: Call, input: Var, min: Any = None, max: Any = None) -> Var:
    x = c.b.cast(input, c.dtype)
    for bound, type in ((min, "maximum"), (max, "minimum")):
        if bound is not None:
            y = c.common(bound, dtype=c.dtype)[0]
            x = c.b.binary(type, x, y)
    return x


@lowers("lerp")
def _lerp(c: Call, input: Var, end: Var, weight: Any) -> Var:
    difference = c.b.binary("sub", end, input)
    d, w = c.common(difference, weight, dtype=c.dtype)
    return c.b.binary("add", input, c.b.binary("mul", d, w))


@lowers("addcmul", "addcdiv")
def _addcmul(c: Call, input: Var, tensor1: Var, tensor2: Var, value: Any = 1) -> Var:
    x, y = c.common(tensor1, tensor2, dtype=c.dtype)
    product = c.b.binary("mul" if c.op == "addcmul" else "real_div", x, y)
    return c.b.binary("add", c.b.cast(input, c.dtype), _scaled(c, product, value))


# ---- Comparisons and logic ----

_COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}


@lowers(*_COMPARISONS)
def _compare(c: Call, input: Var, other: Any) -> Var:
    x, y = c.common(input, other)
    if x.dtype is DataType.BOOL:  # compared as numbers
        x, y = c.common(x, y, dtype=DataType.INT32)
    return c.b.binary(_COMPARISONS[c.op], x, y, DataType.BOOL)


def truth(c: Call, x: Var) -> Var:
    """Whether elements differ from 0."""
    if x.dtype is DataType.BOOL:
        return x
    return c.b.binary("not_equal", x, c.b.number(0, x), DataType.BOOL)


@lowers("logical_and", "logical_or", "logical_xor", "bitwise_and", "bitwise_or", "bitwise_xor")
def _logical(c: Call, input: Any, other: Any) -> Var:
    if c.op.startswith("bitwise") and c.dtype is not DataType.BOOL:
        raise Unsupported("integers")
    x, y = c.common(input, other)
    return c.b.binary(c.op.replace("bitwise", "logical"), truth(c, x), truth(c, y), DataType.BOOL)


@lowers("logical_not", "bitwise_not")
def _not(c: Call, input: Var) -> Var:
    if c.op.startswith("bitwise") and c.dtype is not DataType.BOOL:
        raise Unsupported("integers")
    return c.b.unary("logical_not", truth(c, input))


@lowers("isnan")
def _isnan(c: Call, input: Var) -> Var:
    return c.b.binary("not_equal", input, input, DataType.BOOL)


@lowers("where")
def _where(c: Call, condition: Var, input: Any, other: Any) -> Var:
    a, b = c.common(input, other, dtype=c.dtype)
    return c.b.op("select", c.shape, c.dtype, cond=truth(c, condition), a=a, b=b)


@lowers("where.method")
def _where_method(c: Call, input: Var, condition: Var, other: Any) -> Var:
    return _where(c, condition, input, other)


@lowers("masked_fill.Tensor", "masked_fill.Scalar")
def _masked_fill(c: Call, input: Var, mask: Var, value: Any) -> Var:
    if not isinstance(value, Var) and c.dtype is DataType.FLOAT16:
        # A mask of the least float32 is meant as the least number there is.
        value = max(min(float(value), 65504.0), -65504.0) if math.isfinite(value) else value
    return _where(c, mask, value, input)


# ---- Conversions and copies ----


@lowers("to", "to.device", "float", "double", "half", "bfloat16", "long", "int", "short", "bool")
def _to(c: Call, input: Var, **options: Any) -> Var:
    if c.dtype is DataType.BOOL:
        return truth(c, input)
    return c.b.cast(input, c.dtype)


@lowers("to.other", "type_as")
def _to_other(c: Call, input: Var, other: Var, **options: Any) -> Var:
    return _to(c, input)


@lowers("clone", "contiguous", "cpu", "detach")
def _copy(c: Call, input: Var, memory_format: Any = None) -> Var:
    return input


@lowers("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout")
def _dropout(c: Call, input: Var, p: float = 0.5, training: bool = False, inplace: bool = False) -> Var:
    if training and p:
        raise Unsupported("training: call eval() on the module first")
    return input


@lowers("dropout.train", "feature_dropout", "alpha_dropout.train", "feature_alpha_dropout.train")
def _dropout_train(c: Call, input: Var, p: float, train: bool) -> Var:
    return _dropout(c, input, p, train)
