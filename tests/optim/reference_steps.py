"""The optimizer rules written out op by op, as an oracle for the fused C++ steps (same arguments, same
effects).
"""

from __future__ import annotations

from typing import Any

Tensors = list[Any]


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
    for i, (p, g) in enumerate(zip(params, grads)):
        g = -g if maximize else g
        if weight_decay != 0:
            g = g + weight_decay * p
        if momentum != 0:
            b = momentum_buffers[i]
            b.copy_(g if is_first_step else momentum * b + (1 - dampening) * g)
            g = g + momentum * b if nesterov else b
        p.copy_(p - lr * g)


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
    for i, (p, g, m, v, step) in enumerate(zip(params, grads, exp_avgs, exp_avg_sqs, steps)):
        step.add_(1)
        t = step.item()
        g = -g if maximize else g
        if weight_decay != 0:
            if decoupled:
                p.copy_(p * (1 - lr * weight_decay))
            else:
                g = g + weight_decay * p
        m.copy_(m + (1 - beta1) * (g - m))
        v.copy_(beta2 * v + (1 - beta2) * g * g)
        s = v
        if amsgrad:
            x = max_exp_avg_sqs[i]
            x.copy_(x.maximum(v))
            s = x
        denom = s.sqrt() / (1 - beta2**t) ** 0.5 + eps
        p.copy_(p - lr / (1 - beta1**t) * (m / denom))
