"""ASGD."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_ranges, number


class ASGD(RuleOptimizer):
    """Averaged stochastic gradient descent (Polyak and Juditsky, 1992).

    The state per parameter is PyTorch's: ``step``, the next step's rate ``eta``, the next average's weight
    ``mu``, and ``ax``, the average of the parameter from step ``t0`` on. ``foreach`` is accepted and
    changes nothing. As ``torch.optim.ASGD``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.ASGD([p], lr=0.25, lambd=0.0)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p.tolist(), opt.state[p]["ax"].tolist()
    ([0.5], [0.5])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_ranges(lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"eta": number(as_number(group["lr"])), "mu": number(1.0), "ax": rt.zeros_like(p)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "asgd", ["ax"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        lr, lambd = as_number(group["lr"]), group["lambd"]
        eta, mu = as_number(own["eta"]), as_number(own["mu"])
        own["eta"].fill_(lr / (1 + lambd * lr * t) ** group["alpha"])
        own["mu"].fill_(1 / max(1.0, t - group["t0"]))
        return [group["weight_decay"], 1 - lambd * eta, eta, mu]

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        lr, lambd = as_number(group["lr"]), group["lambd"]
        eta, mu = as_number(own["eta"]), as_number(own["mu"])
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        p.mul_(1 - lambd * eta).sub_(g, alpha=eta)
        if mu == 1:
            own["ax"].copy_(p)
        else:
            own["ax"].lerp_(p, mu)
        with rt.no_grad():
            own["eta"].fill_(lr / (1 + lambd * lr * t) ** group["alpha"])
            own["mu"].fill_(1 / max(1.0, t - group["t0"]))
