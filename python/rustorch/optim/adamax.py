"""Adamax."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_betas, check_ranges


class Adamax(RuleOptimizer):
    """Adamax (Kingma and Ba, 2014): Adam with the largest recent gradient in place of the mean square.

    ``foreach`` is accepted and changes nothing. The state per parameter is PyTorch's: ``step``, ``exp_avg``
    and ``exp_inf``. As ``torch.optim.Adamax``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.Adamax([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p.tolist()
    [0.5]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_ranges(lr, epsilon=eps)
        check_betas(betas)
        check_ranges(lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": rt.zeros_like(p), "exp_inf": rt.zeros_like(p)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "adamax", ["exp_avg", "exp_inf"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        beta1, beta2 = (as_number(b) for b in group["betas"])
        rate = as_number(group["lr"]) / (1 - beta1**t)
        return [group["weight_decay"], 1 - beta1, beta2, group["eps"], rate]

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        beta1, beta2 = (as_number(b) for b in group["betas"])
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        own["exp_avg"].lerp_(g, 1 - beta1)
        own["exp_inf"].copy_(rt.maximum(own["exp_inf"] * beta2, g.abs() + group["eps"]))
        rate = as_number(group["lr"]) / (1 - beta1**t)
        p.add_(own["exp_avg"] / own["exp_inf"], alpha=-rate)
