"""RMSprop."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_ranges


class RMSprop(RuleOptimizer):
    """RMSprop (Hinton, 2012), with momentum and centred (Graves, 2013) on request.

    The step is ``lr * g / (sqrt(v) + eps)``, with ``v`` the running mean of squared gradients, or their
    running variance with ``centered``. ``foreach`` is accepted and changes nothing. The state per parameter
    is PyTorch's: ``step``, ``square_avg``, and ``momentum_buffer`` and ``grad_avg`` where they are needed. As
    ``torch.optim.RMSprop``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.RMSprop([p], lr=0.5, alpha=0.75)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p
    Parameter containing:
    tensor([0.], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_ranges(lr, epsilon=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("momentum", 0)
            group.setdefault("centered", False)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"square_avg": rt.zeros_like(p)}
        if group["momentum"] > 0:
            state["momentum_buffer"] = rt.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = rt.zeros_like(p)
        return state

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        centered, momentum = group["centered"], group["momentum"] > 0
        name = "rmsprop" + "_centered" * centered + "_momentum" * momentum
        return name, ["square_avg"] + ["grad_avg"] * centered + ["momentum_buffer"] * momentum

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        alpha, rate = group["alpha"], as_number(group["lr"])
        return [group["weight_decay"], alpha, 1 - alpha, group["eps"], rate, group["momentum"]]

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        alpha, rate = group["alpha"], as_number(group["lr"])
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        own["square_avg"].mul_(alpha).addcmul_(g, g, value=1 - alpha)
        spread = own["square_avg"]
        if group["centered"]:
            mean = own["grad_avg"].lerp_(g, 1 - alpha)
            spread = spread.addcmul(mean, mean, value=-1)
        size = spread.sqrt() + group["eps"]
        if group["momentum"] > 0:
            own["momentum_buffer"].mul_(group["momentum"]).addcdiv_(g, size)
            p.add_(own["momentum_buffer"], alpha=-rate)
        else:
            p.addcdiv_(g, size, value=-rate)
