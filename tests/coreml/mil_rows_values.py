"""Rows: elementwise operations, activations, reductions, matrix products, attention."""

from __future__ import annotations

import numpy as np
from scipy import special

from .mil_row import Table, integers, normal, uniform

table = Table()
row = table.add

X = normal(2, 3, 4)
Y = normal(3, 4)
UNIT = uniform(-0.9, 0.9, 2, 3)
POSITIVE = uniform(0.5, 3, 2, 3)
INT, J = integers(-9, 9, 2, 3), integers(1, 5, 2, 3)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5], np.float32)

for op, oracle, x in [
    ("abs", np.abs, X),
    ("abs", np.abs, INT),
    ("acos", np.arccos, UNIT),
    ("asin", np.arcsin, UNIT),
    ("atan", np.arctan, X),
    ("atanh", np.arctanh, UNIT),
    ("cos", np.cos, X),
    ("cosh", np.cosh, X),
    ("erf", special.erf, X),
    ("erf", special.erf, SPECIAL),
    ("exp", np.exp, X),
    ("exp2", np.exp2, X),
    ("identity", lambda x: x, X),
    ("identity", lambda x: x, SPECIAL),
    ("logical_not", np.logical_not, np.array([True, False])),
    ("relu", lambda x: np.maximum(x, 0), X),
    ("relu6", lambda x: np.clip(x, 0, 6), 5 * X),
    ("sigmoid", special.expit, X),
    ("sign", np.sign, X),
    ("silu", lambda x: x * special.expit(x), X),
    ("sin", np.sin, X),
    ("sinh", np.sinh, X),
    ("softplus", lambda x: np.logaddexp(0, x), 9 * X),
    ("softsign", lambda x: x / (1 + np.abs(x)), X),
    ("sqrt", np.sqrt, POSITIVE),
    ("square", np.square, X),
    ("tan", np.tan, UNIT),
    ("tanh", np.tanh, X),
]:
    row(op, oracle, x=x)

HALVES = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.25], np.float32)
row("ceil", np.ceil, x=HALVES)
row("floor", np.floor, x=HALVES)
row("round", np.rint, x=HALVES)

for op, oracle in [
    ("add", np.add),
    ("sub", np.subtract),
    ("mul", np.multiply),
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("equal", np.equal),
    ("not_equal", np.not_equal),
    ("greater", np.greater),
    ("greater_equal", np.greater_equal),
    ("less", np.less),
    ("less_equal", np.less_equal),
]:
    row(op, lambda x, y, oracle=oracle: oracle(x, y), x=X, y=Y)
    row(op, lambda x, y, oracle=oracle: oracle(x, y), x=INT, y=J)
row("add", lambda x, y: x + y, x=X, y=np.float32(2.5), fixed=("y",))
row("mul", lambda x, y: x * y, x=X, y=Y, fixed=("y",))
row("real_div", lambda x, y: x / y, x=X[0, :2, :3], y=POSITIVE)
row("real_div", lambda x, y: np.trunc(x / y).astype(np.int32), x=INT, y=J)
row("floor_div", lambda x, y: np.floor_divide(x, y), x=INT, y=J)
row("floor_div", lambda x, y: np.floor_divide(x, y), x=4 * X[0, :2, :3], y=POSITIVE, half=False)
row("mod", lambda x, y: np.mod(x, y), x=INT, y=J)
row("mod", lambda x, y: np.mod(x, y), x=X[0, :2, :3], y=POSITIVE, half=False)
row("pow", lambda x, y: np.power(x, y), x=POSITIVE, y=UNIT)
row("pow", lambda x, y: np.power(x, y), x=INT, y=J)
TRUTH, OTHER = np.array([True, True, False, False]), np.array([True, False, True, False])
row("logical_and", lambda x, y: x & y, x=TRUTH, y=OTHER)
row("logical_or", lambda x, y: x | y, x=TRUTH, y=OTHER)
row("logical_xor", lambda x, y: x ^ y, x=TRUTH, y=OTHER)
row("select", lambda cond, a, b: np.where(cond, a, b), cond=X > 0, a=X, b=Y)
row("clip", lambda x, alpha, beta: np.clip(x, alpha, beta), x=X, alpha=-0.5, beta=0.75)
row("clip", lambda x, alpha, beta: np.clip(x, alpha, beta), x=INT, alpha=-3, beta=4)
row("threshold", lambda x, alpha: np.maximum(x, alpha), x=X, alpha=0.25)
row("inverse", lambda x, epsilon: 1 / (x + epsilon), x=POSITIVE, epsilon=0.5)
row("inverse", lambda x: 1 / (x + 1e-4), x=POSITIVE)
row("log", lambda x, epsilon: np.log(x + epsilon), x=POSITIVE, epsilon=0.25)
row("log", np.log, x=POSITIVE)
row("rsqrt", lambda x, epsilon: 1 / np.sqrt(x + epsilon), x=POSITIVE, epsilon=0.25)
row("rsqrt", lambda x: 1 / np.sqrt(x), x=POSITIVE)
row("cast", lambda x, dtype: np.trunc(x).astype(np.int32), x=3 * X, dtype="int32")
row("cast", lambda x, dtype: x != 0, x=INT, dtype="bool")
row("cast", lambda x, dtype: x.astype(np.float32), x=INT, dtype="fp32")
row("cast", lambda x, dtype: x.astype(np.uint8), x=J, dtype="uint8")

# Activations with parameters.
row("gelu", lambda x: x * special.ndtr(x), x=X)
row(
    "gelu",
    lambda x, mode: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    x=X,
    mode="TANH_APPROXIMATION",
)
row("gelu", lambda x, mode: x * special.expit(1.702 * x), x=X, mode="SIGMOID_APPROXIMATION")
row("leaky_relu", lambda x, alpha: np.where(x >= 0, x, alpha * x), x=X, alpha=0.125)
row("elu", lambda x, alpha: np.where(x >= 0, x, alpha * np.expm1(x)), x=X, alpha=0.75)
ALPHA, BETA = uniform(0.2, 2, 3), uniform(0.2, 2, 3)
by_channel = (1, 3, 1)
row("prelu", lambda x, alpha: np.where(x >= 0, x, alpha.reshape(by_channel) * x), x=X, alpha=ALPHA)
row(
    "softplus_parametric",
    lambda x, alpha, beta: alpha.reshape(by_channel) * np.logaddexp(0, beta.reshape(by_channel) * x),
    x=X,
    alpha=ALPHA,
    beta=BETA,
)
row("sigmoid_hard", lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1), x=3 * X, alpha=0.25, beta=0.5)
row("linear_activation", lambda x, alpha, beta: alpha * x + beta, x=X, alpha=2.5, beta=-1.0)
row("scaled_tanh", lambda x, alpha, beta: alpha * np.tanh(beta * x), x=X, alpha=1.5, beta=0.5)
for bound in (0.75, -0.25):
    row(
        "clamped_relu",
        lambda x, alpha, beta: np.minimum(np.where(x >= 0, x, alpha * x), beta),
        x=X,
        alpha=0.5,
        beta=bound,
    )
row("thresholded_relu", lambda x, alpha: np.where(x >= alpha, x, 0), x=X, alpha=0.5)
row("softmax", lambda x: special.softmax(x, -1), x=X)
row("softmax", lambda x, axis: special.softmax(x, axis), x=X, axis=1)

# Reductions.
for op, reduce in [
    ("reduce_sum", np.sum),
    ("reduce_mean", np.mean),
    ("reduce_max", np.max),
    ("reduce_min", np.min),
    ("reduce_prod", np.prod),
    ("reduce_l1_norm", lambda x, axis=None, keepdims=False: np.sum(np.abs(x), axis, keepdims=keepdims)),
    ("reduce_l2_norm", lambda x, axis=None, keepdims=False: np.sqrt(np.sum(x * x, axis, keepdims=keepdims))),
    ("reduce_sum_square", lambda x, axis=None, keepdims=False: np.sum(x * x, axis, keepdims=keepdims)),
    (
        "reduce_log_sum_exp",
        lambda x, axis=None, keepdims=False: special.logsumexp(x, axis, keepdims=keepdims),
    ),
]:

    def over(x, axes=None, keep_dims=False, reduce=reduce):
        return reduce(x, axis=None if axes is None else tuple(axes), keepdims=keep_dims)

    row(op, over, x=X)
    row(op, over, x=X, axes=[-1], keep_dims=True)
    row(op, over, x=X, axes=[0, 2])
row("reduce_log_sum", lambda x, axes: np.log(x.sum(tuple(axes))), x=POSITIVE, axes=[1])
row("reduce_sum", lambda x, axes: x.sum(tuple(axes), dtype=np.int32), x=INT, axes=[0])
row(
    "reduce_max",
    lambda x, axes, keep_dims: x.max(tuple(axes), keepdims=True),
    x=INT,
    axes=[0],
    keep_dims=True,
)
for op, pick in [("reduce_argmax", np.argmax), ("reduce_argmin", np.argmin)]:
    row(op, lambda x, pick=pick: pick(x, -1).astype(np.int32), x=X, half=False)
    row(
        op,
        lambda x, axis, keep_dims, pick=pick: np.expand_dims(pick(x, axis), axis).astype(np.int32),
        x=X,
        axis=1,
        keep_dims=True,
        half=False,
    )
row("cumsum", lambda x: np.cumsum(x, 0), x=X)
row("cumsum", lambda x, axis, reverse: np.cumsum(x[..., ::-1], -1)[..., ::-1], x=X, axis=-1, reverse=True)
INFINITE = np.array([1, np.inf, 2], np.float32)
row("cumsum", lambda x, exclusive: np.array([0, 1, np.inf]), x=INFINITE, exclusive=True)
row(
    "cumsum",
    lambda x, axis, exclusive, reverse: np.array([[5, 3, 0]], np.float32),
    x=np.array([[1, 2, 3]], np.float32),
    axis=1,
    exclusive=True,
    reverse=True,
)

# Matrix products.
A, B = normal(2, 3, 4), normal(2, 4, 5)
WEIGHT, BIAS = normal(5, 4), normal(5)
row(
    "linear",
    lambda x, weight, bias: x @ weight.T + bias,
    x=A,
    weight=WEIGHT,
    bias=BIAS,
    fixed=("weight", "bias"),
)
row("linear", lambda x, weight: x @ weight.T, x=A[0, 0], weight=WEIGHT)
row("matmul", lambda x, y: x @ y, x=A, y=B)
row("matmul", lambda x, y, transpose_y: x @ y.T, x=A, y=WEIGHT, transpose_y=True)
row("matmul", lambda x, y, transpose_x: x.swapaxes(1, 2) @ y, x=A, y=B[:, :3], transpose_x=True)
row("matmul", lambda x, y: x @ y, x=A, y=B[0, :, 0])
row("matmul", lambda x, y: x @ y, x=INT, y=J.T.copy())
row("einsum", lambda values, equation: np.einsum(equation, *values), values=[A, B], equation="bij,bjk->bik")
ONE = normal(1, 2, 3, 4)
row(
    "einsum",
    lambda values, equation: np.einsum(equation, *values),
    values=[ONE, normal(1, 4, 3, 5)],
    equation="nchw,nwhu->nchu",
)


def attention(query, key, value, attn_mask=None):
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1])
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    return special.softmax(scores, -1) @ value


Q, K, V = normal(2, 2, 3, 4), normal(2, 2, 5, 4), normal(2, 2, 5, 6)
row("scaled_dot_product_attention", attention, query=Q, key=K, value=V)
row("scaled_dot_product_attention", attention, query=Q[0], key=K[0], value=V[0])
row("scaled_dot_product_attention", attention, query=Q, key=K, value=V, attn_mask=normal(3, 5))
MASK = np.tril(np.ones((3, 5), bool), 2)
row("scaled_dot_product_attention", attention, query=Q, key=K, value=V, attn_mask=MASK)
