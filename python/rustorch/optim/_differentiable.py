"""The steps of SGD and Adam in ops that the tape records, for ``differentiable=True``.

The rules are those of `_fused`; rates, decays and betas may be tensors that want gradients. A step works on
copies, since the next one writes what this one's derivative needs.
"""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim.optimizer import as_real


def _real(t: Tensor) -> Tensor:
    return as_real([t])[0]


def sgd_step(parameter: Tensor, own: dict[str, Any], group: dict[str, Any]) -> None:
    """One step of one parameter; makes the momentum buffer in `own` if there is none."""
    assert parameter.grad is not None
    p, g = _real(parameter).clone(), _real(parameter.grad)
    g = (-g if group["maximize"] else g) + group["weight_decay"] * p
    momentum = group["momentum"]
    if momentum != 0:
        if own.get("momentum_buffer") is None:
            own["momentum_buffer"] = rt.zeros_like(parameter)
            buffer = g
        else:
            buffer = momentum * _real(own["momentum_buffer"]).clone() + (1 - group["dampening"]) * g
        _real(own["momentum_buffer"]).copy_(buffer)
        g = g + momentum * buffer if group["nesterov"] else buffer
    _real(parameter).copy_(p - group["lr"] * g)


def adam_step(parameter: Tensor, own: dict[str, Any], group: dict[str, Any]) -> None:
    """One step of one parameter, with the state that Adam keeps."""
    assert parameter.grad is not None
    lr, decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
    with rt.no_grad():
        own["step"] += 1
    t = own["step"].item()
    p, g = _real(parameter).clone(), _real(parameter.grad)
    mean, square = _real(own["exp_avg"]).clone(), _real(own["exp_avg_sq"]).clone()
    g = -g if group["maximize"] else g
    if group["decoupled_weight_decay"]:
        p = p * (1 - lr * decay)
    else:
        g = g + decay * p
    mean = mean + (1 - beta1) * (g - mean)
    largest = square = beta2 * square + (1 - beta2) * g * g
    if group["amsgrad"]:
        largest = rt.maximum(_real(own["max_exp_avg_sq"]).clone(), square)
        _real(own["max_exp_avg_sq"]).copy_(largest)
    _real(own["exp_avg"]).copy_(mean)
    _real(own["exp_avg_sq"]).copy_(square)
    size = largest.sqrt() / (1 - beta2**t) ** 0.5 + group["eps"]
    _real(parameter).copy_(p - lr / (1 - beta1**t) * (mean / size))
