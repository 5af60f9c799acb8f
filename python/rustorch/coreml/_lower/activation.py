"""Activations, softmax among them."""

from __future__ import annotations

from typing import Any

from rustorch.coreml._lower.builder import Var
from rustorch.coreml._lower.registry import Call, Unsupported, axis, lowers


@lowers("relu", "relu.functional")
def _relu(c: Call, input: Var, inplace: bool = False) -> Var:
    if not input.dtype.is_float:
        return c.b.binary("maximum", input, c.b.number(0, input))
    return c.b.unary("relu", input)


@lowers("relu6")
def _relu6(c: Call, input: Var, inplace: bool = False) -> Var:
    return c.b.unary("relu6", input)


@lowers("leaky_relu.functional")
def _leaky_relu(c: Call, input: Var, negative_slope: float = 0.01, inplace: bool = False) -> Var:
    return c.b.unary("leaky_relu", input, alpha=float(negative_slope))


@lowers("elu.functional")
def _elu(c: Call, input: Var, alpha: float = 1.0, inplace: bool = False) -> Var:
    return c.b.unary("elu", input, alpha=float(alpha))


@lowers("selu", "selu.functional")
def _selu(c: Call, input: Var, inplace: bool = False) -> Var:
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    return c.b.binary("mul", c.b.unary("elu", input, alpha=alpha), c.b.number(scale, input))


@lowers("celu", "celu.functional")
def _celu(c: Call, input: Var, alpha: float = 1.0, inplace: bool = False) -> Var:
    scaled = c.b.binary("mul", input, c.b.number(1 / alpha, input))
    below = c.b.unary("elu", scaled, alpha=float(alpha))  # right where the input is negative
    zero = c.b.number(0, input)
    return c.b.binary("add", c.b.unary("relu", input), c.b.binary("minimum", below, zero))


@lowers("prelu")
def _prelu(c: Call, input: Var, weight: Var) -> Var:
    b = c.b
    if weight.rank == 1 and input.rank >= 3 and weight.shape[0] == input.shape[1]:
        return b.op("prelu", input.shape, x=input, alpha=weight)
    shape = [1] * input.rank
    if weight.shape and weight.shape[0] != 1:
        shape[1] = weight.shape[0]
    below = b.binary("minimum", input, b.number(0, input))
    return b.binary("add", b.unary("relu", input), b.binary("mul", b.reshape(weight, shape), below))


@lowers("threshold", "threshold.functional")
def _threshold(c: Call, input: Var, threshold: float, value: float, inplace: bool = False) -> Var:
    from rustorch.coreml.mil.program import DataType

    above = c.b.binary("greater", input, c.b.number(threshold, input), DataType.BOOL)
    return c.b.op("select", input.shape, input.dtype, cond=above, a=input, b=c.b.number(value, input))


@lowers("hardtanh.functional")
def _hardtanh(c: Call, input: Var, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Var:
    return c.b.unary("clip", input, alpha=float(min_val), beta=float(max_val))


@lowers("hardsigmoid")
def _hardsigmoid(c: Call, input: Var, inplace: bool = False) -> Var:
    return c.b.unary("sigmoid_hard", input, alpha=1 / 6, beta=0.5)


@lowers("hardswish")
def _hardswish(c: Call, input: Var, inplace: bool = False) -> Var:
    return c.b.binary("mul", input, _hardsigmoid(c, input))


@lowers("silu")
def _silu(c: Call, input: Var, inplace: bool = False) -> Var:
    return c.b.unary("silu", input)


@lowers("mish")
def _mish(c: Call, input: Var, inplace: bool = False) -> Var:
    return c.b.binary("mul", input, c.b.unary("tanh", c.b.unary("softplus", input)))


@lowers("gelu")
def _gelu(c: Call, input: Var, approximate: str = "none") -> Var:
    mode = {"none": "EXACT", "tanh": "TANH_APPROXIMATION"}[approximate]
    return c.b.unary("gelu", input, mode=mode)


@lowers("softplus")
def _softplus(c: Call, input: Var, beta: float = 1.0, threshold: float = 20.0) -> Var:
    # Beyond the threshold softplus is its argument, to all digits that the types have.
    if beta == 1:
        return c.b.unary("softplus", input)
    scaled = c.b.binary("mul", input, c.b.number(beta, input))
    return c.b.binary("mul", c.b.unary("softplus", scaled), c.b.number(1 / beta, input))


@lowers("logsigmoid")
def _logsigmoid(c: Call, input: Var) -> Var:
    minus = c.b.number(-1, input)
    return c.b.binary("mul", c.b.unary("softplus", c.b.binary("mul", input, minus)), minus)


@lowers("softsign")
def _softsign(c: Call, input: Var) -> Var:
    return c.b.unary("softsign", input)


@lowers("tanhshrink")
def _tanhshrink(c: Call, input: Var) -> Var:
    return c.b.binary("sub", input, c.b.unary("tanh", input))


@lowers("glu")
def _glu(c: Call, input: Var, dim: int = -1) -> Var:
    dim = axis(dim, input)
    half = input.shape[dim] // 2
    gate = c.b.unary("sigmoid", c.b.slice(input, dim, half, 2 * half))
    return c.b.binary("mul", c.b.slice(input, dim, 0, half), gate)


def _dim(c: Call, x: Var, dim: int | None) -> int:
    if dim is None:  # as PyTorch chooses
        return 0 if x.rank in (0, 1, 3) else 1
    return axis(dim, x) if x.rank else 0


@lowers("softmax", "softmax.int")
def _softmax(c: Call, input: Var, dim: int | None = None, dtype: Any = None, _stacklevel: int = 3) -> Var:
    x = c.floats(input)
    if not x.rank:
        raise Unsupported("a zero-dim tensor")
    return c.b.unary("softmax", x, axis=_dim(c, x, dim))


@lowers("log_softmax", "log_softmax.int")
def _log_softmax(c: Call, input: Var, dim: int | None = None, dtype: Any = None, _stacklevel: int = 3) -> Var:
    """x - max - log(sum(exp(x - max))): the logarithm of a softmax would be infinite where that is 0."""
    x = c.floats(input)
    if not x.rank:
        raise Unsupported("a zero-dim tensor")
    axis = _dim(c, x, dim)
    shifted = c.b.binary("sub", x, c.b.reduce("reduce_max", x, [axis], True))
    total = c.b.reduce("reduce_sum", c.b.unary("exp", shifted), [axis], True)
    return c.b.binary("sub", shifted, c.b.unary("log", total, epsilon=0.0))
