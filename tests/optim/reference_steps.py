"""The optimizer rules written out in NumPy, as an oracle for the fused C++ steps (same arguments, same
effects).
"""

from __future__ import annotations

from typing import Any

import numpy as np

import rustorch as rt

Tensors = list[Any]


def values(t: Any) -> np.ndarray:
    return np.array(t.detach().double().numpy())


def store(t: Any, x: np.ndarray) -> np.ndarray:
    """Writes `x`, rounded to the tensor's dtype, and gives back what was written."""
    with rt.no_grad():
        t.copy_(rt.from_numpy(np.array(x, order="C")))
    return values(t)


def sgd_step(
    params: Tensors,
    grads: Tensors,
    momentum_buffers: Tensors,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    is_first_step: bool,
) -> None:
    for i, (param, grad) in enumerate(zip(params, grads)):
        p, g = values(param), values(grad)
        g = -g if maximize else g
        if weight_decay != 0:
            g = g + weight_decay * p
        if momentum != 0:
            b = values(momentum_buffers[i])
            b = store(momentum_buffers[i], g if is_first_step else momentum * b + (1 - dampening) * g)
            g = g + momentum * b if nesterov else b
        store(param, p - lr * g)


def adam_step(
    params: Tensors,
    grads: Tensors,
    exp_avgs: Tensors,
    exp_avg_sqs: Tensors,
    max_exp_avg_sqs: Tensors,
    steps: Tensors,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    amsgrad: bool,
    maximize: bool,
    decoupled: bool,
) -> None:
    for i, (param, grad, step) in enumerate(zip(params, grads, steps)):
        p, g, m, v = (values(x) for x in (param, grad, exp_avgs[i], exp_avg_sqs[i]))
        t = store(step, values(step) + 1).item()
        g = -g if maximize else g
        if weight_decay != 0 and decoupled:
            p = p * (1 - lr * weight_decay)
        elif weight_decay != 0:
            g = g + weight_decay * p
        m = store(exp_avgs[i], m + (1 - beta1) * (g - m))
        v = store(exp_avg_sqs[i], beta2 * v + (1 - beta2) * g * g)
        if amsgrad:
            v = store(max_exp_avg_sqs[i], np.maximum(values(max_exp_avg_sqs[i]), v))
        denom = np.sqrt(v) / (1 - beta2**t) ** 0.5 + eps
        store(param, p - lr / (1 - beta1**t) * (m / denom))
