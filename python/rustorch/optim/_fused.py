"""The core's multi-tensor optimizer steps: one call updates a whole parameter group in one pass over memory.

Contract with ``rustorch._C``, for all functions:

- Lists run in parallel: entry i of each belongs to parameter i. Entry i's tensors share device, dtype (real
  floating point) and shape; different i may differ in all of these. Strides are free and may differ within
  an entry.
- The update is written in place: parameters and state change, gradients never do. The call records no
  gradient, and raises the version counter of every tensor it writes.
- float16 and bfloat16 are computed in float32 and rounded once on the way out; scalars arrive as Python
  floats and are combined in double before they meet the data.
- Empty tensors are passed over (steps still count). Lists of unequal length, or a dtype that is not floating
  point, raise RuntimeError.
"""

from __future__ import annotations

from rustorch import _C, Tensor

_STEPS = _C._namespaces["optim"]


def fused_sgd_(
    params: list[Tensor],
    grads: list[Tensor],
    momentum_buffers: list[Tensor],
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    is_first_step: bool,
) -> None:
    """Stochastic gradient descent, with momentum (Sutskever et al., 2013) as PyTorch defines it.

    Per parameter p with gradient g and buffer b::

        g = -g if maximize else g
        g = g + weight_decay * p
        if momentum != 0:
            b = g if is_first_step else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        p = p - lr * g

    ``momentum_buffers`` is empty if ``momentum == 0``; on a first step its tensors are uninitialised.
    """
    _STEPS["fused_sgd_"](
        params,
        grads,
        momentum_buffers,
        lr=lr,
        momentum=momentum,
        dampening=dampening,
        weight_decay=weight_decay,
        nesterov=nesterov,
        maximize=maximize,
        is_first_step=is_first_step,
    )


def fused_adam_(
    params: list[Tensor],
    grads: list[Tensor],
    exp_avgs: list[Tensor],
    exp_avg_sqs: list[Tensor],
    max_exp_avg_sqs: list[Tensor],
    steps: list[Tensor],
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
    """Adam (Kingma and Ba, 2014); with ``decoupled`` AdamW (Loshchilov and Hutter, 2017).

    Per parameter p with gradient g, moments m and v, and step count t::

        t = t + 1
        g = -g if maximize else g
        if decoupled: p = p * (1 - lr * weight_decay)
        else:         g = g + weight_decay * p
        m = m + (1 - beta1) * (g - m)
        v = beta2 * v + (1 - beta2) * g * g
        s = v
        if amsgrad:   x = max(x, v); s = x        (Reddi et al., 2018; NaN in either gives NaN)
        p = p - lr / (1 - beta1^t) * m / (sqrt(s) / sqrt(1 - beta2^t) + eps)

    ``steps`` holds 0-dim float32 CPU tensors, each raised by one before its use (as PyTorch stores them).
    ``max_exp_avg_sqs`` (the x above) is empty unless ``amsgrad``.
    """
    _STEPS["fused_adam_"](
        params,
        grads,
        exp_avgs,
        exp_avg_sqs,
        max_exp_avg_sqs,
        steps,
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=amsgrad,
        maximize=maximize,
        decoupled=decoupled,
    )


def fused_rule_(
    rule: str,
    params: list[Tensor],
    grads: list[Tensor],
    states: list[list[Tensor]],
    numbers: list[list[float]],
) -> None:
    """A rule that goes by a row of numbers for each parameter; a shorter row ends in zeros.

    ``states`` has a list for each tensor of state that the rule has. The rules and the meaning of their
    numbers are in ``shaders/include/rt_formulas_optim.h``.
    """
    lists: list[list[Tensor]] = [*states, [], [], []][:3]
    flat = [x for row in numbers for x in (*row, *[0.0] * (10 - len(row)))]
    _STEPS["fused_rule_"](rule, params, grads, *lists, numbers=flat)
