"""What a plan computes, by NumPy and SciPy from its own words alone: no op of rustorch takes part."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import signal, special

Array = Any


def _patches(x: Array, kernel: Any, stride: Any, dilation: Any) -> Array:
    """[N, C, rows, columns, kernel height, kernel width] of an input that is padded already."""
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))
    return windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def _padded(x: Array, padding: Any, value: float) -> Array:
    return np.pad(x, [(0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2], constant_values=value)


def convolution(layer: Any, x: Array, weight: Array, bias: Array | None) -> Array:
    groups, kernel = layer["groups"], layer["kernel"]
    inputs, outputs = layer["inputs"] // groups, layer["outputs"] // groups
    parts = []
    for g in range(groups):
        part = x[:, g * inputs : (g + 1) * inputs]
        if layer["transposed"]:
            w = weight.reshape(groups, inputs, outputs, *kernel)[g]
            parts.append(_transposed(layer, part, w))
        else:
            w = weight.reshape(groups, outputs, inputs, *kernel)[g]
            windows = _patches(_padded(part, layer["padding"], 0), kernel, layer["stride"], layer["dilation"])
            parts.append(np.einsum("nchwij,ocij->nohw", windows, w))
    y = np.concatenate(parts, 1)
    return y if bias is None else y + bias


def _transposed(layer: Any, x: Array, w: Array) -> Array:
    stride, dilation, pad = layer["stride"], layer["dilation"], layer["padding"]
    spread = np.zeros((*x.shape[:2], *[(n - 1) * s + 1 for n, s in zip(x.shape[2:], stride)]))
    spread[:, :, :: stride[0], :: stride[1]] = x
    kernel = np.zeros((*w.shape[:2], *[(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilation)]))
    kernel[:, :, :: dilation[0], :: dilation[1]] = w
    y = np.stack(
        [
            np.stack([sum(signal.convolve(sample[i], kernel[i, o]) for i in range(len(sample)))
                      for o in range(kernel.shape[1])])
            for sample in spread
        ]
    )  # fmt: skip
    return y[:, :, pad[0] : y.shape[2] - pad[0], pad[1] : y.shape[3] - pad[1]]


def pooling(layer: Any, x: Array) -> Array:
    def windows(v: Array, value: float) -> Array:
        return _patches(
            _padded(v, layer["padding"], value), layer["kernel"], layer["stride"], layer["dilation"]
        )

    if layer["kind"] == "max":
        return windows(x, -np.inf).max((-2, -1))
    total = windows(x, 0).sum((-2, -1))
    ones = np.ones_like(x)
    return total / windows(ones, 1 if layer["counts_padding"] else 0).sum((-2, -1))


_SELU, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
ACTIVATIONS = {
    "relu": lambda x, a, b: np.maximum(x, 0),
    "leaky_relu": lambda x, a, b: np.where(x >= 0, x, a * x),
    "relu_n": lambda x, a, b: np.minimum(np.maximum(x, 0), b),
    "linear": lambda x, a, b: a * x + b,
    "sigmoid": lambda x, a, b: special.expit(x),
    "hard_sigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "tanh": lambda x, a, b: np.tanh(x),
    "absolute": lambda x, a, b: np.abs(x),
    "soft_plus": lambda x, a, b: np.logaddexp(0, a * x) / a,
    "soft_sign": lambda x, a, b: x / (1 + np.abs(x)),
    "elu": lambda x, a, b: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "log_sigmoid": lambda x, a, b: special.log_expit(x),
    "selu": lambda x, a, b: _SELU * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))),
    "celu": lambda x, a, b: np.maximum(x, 0) + np.minimum(a * np.expm1(x / a), 0),
    "hard_shrink": lambda x, a, b: np.where(np.abs(x) > a, x, 0),
    "soft_shrink": lambda x, a, b: np.sign(x) * np.maximum(np.abs(x) - a, 0),
    "tanh_shrink": lambda x, a, b: x - np.tanh(x),
    "threshold": lambda x, a, b: np.where(x > a, x, b),
    "gelu": lambda x, a, b: x * special.ndtr(x),
    "hard_swish": lambda x, a, b: x * np.clip(x / 6 + 0.5, 0, 1),
    "clamp": lambda x, a, b: np.clip(x, a, b),
}
ARITHMETIC = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt,
}  # fmt: skip


def _normalized(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def loss(layer: Any, x: Array, label: Array) -> Array:
    kind = layer["kind"]
    if kind == "softmax_cross_entropy":
        smooth = layer["label_smoothing"]
        target = (1 - smooth) * label + smooth / layer["classes"]
        each = -(target * special.log_softmax(x, 1)).sum(1)
    elif kind == "huber":
        d, r = layer["delta"], np.abs(x - label)
        each = np.where(r <= d, 0.5 * r * r, d * (r - 0.5 * d))
    else:
        each = {
            "mean_squared_error": lambda: (x - label) ** 2,
            "mean_absolute_error": lambda: np.abs(x - label),
            "sigmoid_cross_entropy": lambda: np.logaddexp(0, x) - label * x,
            "log": lambda: -(label * np.log(x + layer["epsilon"])
                             + (1 - label) * np.log(1 - x + layer["epsilon"])),
        }[kind]()  # fmt: skip
    return each.mean() if layer["reduction"] == "mean" else each.sum()


def run_layer(layer: Any, sources: list[Array], weights: dict[str, Array | None]) -> Array:
    kind, x = layer["layer"], sources[0]
    if kind == "convolution":
        return convolution(layer, x, weights["weight"], weights["bias"])
    if kind == "fully_connected":
        w = weights["weight"].reshape(layer["outputs"], layer["inputs"])
        y = np.einsum("oi,nihw->nohw", w, x)
        return y if weights["bias"] is None else y + weights["bias"]
    if kind == "pooling":
        return pooling(layer, x)
    if kind == "activation":
        return ACTIVATIONS[layer["kind"]](x, layer["a"], layer["b"])
    if kind == "arithmetic":
        return ARITHMETIC[layer["kind"]](*sources)
    if kind == "batch_norm":
        y = (x - weights["mean"]) / np.sqrt(weights["variance"] + layer["eps"])
        return y * weights["gamma"] + weights["beta"]
    if kind == "group_norm":
        grouped = x.reshape(x.shape[0], layer["groups"], -1)
        return _normalized(grouped, (2,), layer["eps"]).reshape(x.shape) * weights["gamma"] + weights["beta"]
    if kind == "instance_norm":
        return _normalized(x, (2, 3), layer["eps"]) * weights["gamma"] + weights["beta"]
    if kind == "layer_norm":
        assert tuple(layer["shape"]) == x.shape[1:]
        return _normalized(x, (1, 2, 3), layer["eps"]) * weights["gamma"] + weights["beta"]
    if kind == "softmax":
        return (special.log_softmax if layer["log"] else special.softmax)(x, layer["dim"])
    if kind == "reshape":
        return x.reshape(layer["shape"])
    if kind == "transpose":
        return x.transpose(layer["dims"])
    if kind == "concatenation":
        return np.concatenate(sources, layer["dim"])
    if kind == "reduction":
        return (np.mean if layer["kind"] == "mean" else np.sum)(x, tuple(layer["dims"]), keepdims=True)
    assert kind == "loss", kind
    return loss(layer, *sources)


def evaluate(plan: dict[str, Any], given: list[Array], labels: list[Array] = []) -> list[Array]:  # noqa: B006
    """The plan's outputs, in the shapes that they have outside."""
    tensors = plan["tensors"]
    values: dict[int, Array] = {}
    for i, t in enumerate(tensors):
        if t["tensor"] is not None:
            values[i] = t["tensor"].detach().numpy().astype(np.float64).reshape(t["shape"])
    for i, x in [*zip(plan["inputs"], given), *zip(plan["labels"], labels)]:
        classes = tensors[i]["classes"]
        values[i] = (np.eye(classes)[x] if classes else x.astype(np.float64)).reshape(tensors[i]["shape"])
    for layer in plan["layers"]:
        names = [n for n in ("weight", "bias", "mean", "variance", "beta", "gamma") if n in layer]
        weights = {n: None if layer[n] is None else values[layer[n]] for n in names}
        result = run_layer(layer, [values[s] for s in layer["sources"]], weights)
        if layer["layer"] != "loss":
            assert result.shape == tuple(tensors[layer["result"]]["shape"]), layer
        values[layer["result"]] = result
    return [values[i].reshape(size) for i, size in zip(plan["outputs"], plan["output_sizes"])]
