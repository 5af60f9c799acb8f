"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._differentiable import sgd_step
from rustorch.optim._fused import fused_sgd_
from rustorch.optim.optimizer import Optimizer, check_unsupported, lists_as_real


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, dampening, Nesterov's form and L2 weight decay.

    ``foreach`` and ``fused`` are accepted: the step is always one fused call per group, unless
    ``differentiable`` asks for one that autograd records. As ``torch.optim.SGD``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.SGD([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p.tolist()
    [0.0]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_unsupported("SGD", foreach, fused and not differentiable, [])
        if fused and differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("nesterov", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("differentiable", False)
            group.setdefault("fused", None)

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have gradients; gives what ``closure`` returned."""
        loss = self._evaluate(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if group["differentiable"]:
                with rt.enable_grad():
                    for p in params:
                        # Looking a state up makes one, and without momentum there is nothing to keep.
                        sgd_step(p, self.state[p] if group["momentum"] else {}, group)
                continue
            if group["momentum"] == 0:
                self._update(group, params, [], False)
                continue
            # A buffer's first value is the gradient itself, so parameters without one go in a call of their
            # own.
            known = [p for p in params if self.state[p].get("momentum_buffer") is not None]
            if len(known) < len(params):
                fresh = [p for p in params if self.state[p].get("momentum_buffer") is None]
                with rt.no_grad():
                    for p in fresh:
                        self.state[p]["momentum_buffer"] = rt.empty_like(p)
                self._update(group, fresh, [self.state[p]["momentum_buffer"] for p in fresh], True)
            self._update(group, known, [self.state[p]["momentum_buffer"] for p in known], False)
        return loss

    def _update(
        self, group: dict[str, Any], params: list[Tensor], buffers: list[Tensor], first: bool
    ) -> None:
        if not params:
            return
        with rt.no_grad():
            grads = [grad for p in params if (grad := p.grad) is not None]
            fused_sgd_(
                *lists_as_real(params, grads, buffers),
                lr=float(group["lr"]),
                momentum=float(group["momentum"]),
                dampening=float(group["dampening"]),
                weight_decay=float(group["weight_decay"]),
                nesterov=group["nesterov"],
                maximize=group["maximize"],
                is_first_step=first,
            )
