"""Adadelta."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_ranges


class Adadelta(RuleOptimizer):
    """Adadelta (Zeiler, 2012): steps in the units of the parameter, from running averages.

    ``foreach`` is accepted and changes nothing. The state per parameter is PyTorch's: ``step``,
    ``square_avg`` and ``acc_delta``. As ``torch.optim.Adadelta``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.Adadelta([p], eps=1.0)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p
    Parameter containing:
    tensor([-0.6903], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_ranges(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_ranges(lr, epsilon=eps, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"square_avg": rt.zeros_like(p), "acc_delta": rt.zeros_like(p)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "adadelta", ["square_avg", "acc_delta"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        rho = group["rho"]
        return [group["weight_decay"], rho, 1 - rho, group["eps"], as_number(group["lr"])]

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        rho, eps = group["rho"], group["eps"]
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        own["square_avg"].mul_(rho).addcmul_(g, g, value=1 - rho)
        delta = (own["acc_delta"] + eps).sqrt() / (own["square_avg"] + eps).sqrt() * g
        own["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-as_number(group["lr"]))
