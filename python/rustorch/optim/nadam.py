"""NAdam."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_betas, check_ranges, number


class NAdam(RuleOptimizer):
    """Adam with Nesterov's momentum (Dozat, 2016), with L2 or decoupled weight decay.

    ``foreach`` is accepted and changes nothing. The state per parameter is PyTorch's: ``step``,
    ``mu_product``, ``exp_avg`` and ``exp_avg_sq``. As ``torch.optim.NAdam``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.NAdam([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p
    Parameter containing:
    tensor([0.4718], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_ranges(lr, epsilon=eps)
        check_betas(betas)
        check_ranges(lr, weight_decay=weight_decay, momentum_decay=momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("decoupled_weight_decay", False)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"mu_product": number(1.0), "exp_avg": rt.zeros_like(p), "exp_avg_sq": rt.zeros_like(p)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "nadam", ["exp_avg", "exp_avg_sq"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        lr, decay = as_number(group["lr"]), group["weight_decay"]
        beta1, beta2 = (as_number(b) for b in group["betas"])
        keep = [0.0, 1 - lr * decay] if group["decoupled_weight_decay"] else [decay, 1.0]
        now, after = self._momenta(beta1, group, t)
        own["mu_product"].mul_(now)
        product = as_number(own["mu_product"])
        moments = [1 - beta1, beta2, 1 - beta2, group["eps"], (1 - beta2**t) ** 0.5]
        rates = [lr * (1 - now) / (1 - product), lr * after / (1 - product * after)]
        return [*keep, *moments, *rates]

    @staticmethod
    def _momenta(beta1: float, group: dict[str, Any], t: float) -> tuple[float, float]:
        """The momentum of this step and of the next, which warms up; 0.96 is the paper's."""
        now, after = (beta1 * (1 - 0.5 * 0.96 ** (s * group["momentum_decay"])) for s in (t, t + 1))
        return now, after

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        lr = as_number(group["lr"])
        beta1, beta2 = (as_number(b) for b in group["betas"])
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p.mul_(1 - lr * group["weight_decay"])
            else:
                g = g.add(p, alpha=group["weight_decay"])
        now, after = self._momenta(beta1, group, t)
        own["mu_product"].mul_(now)
        own["exp_avg"].lerp_(g, 1 - beta1)
        own["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        size = (own["exp_avg_sq"] / (1 - beta2**t)).sqrt() + group["eps"]
        product = own["mu_product"].to(p.device)
        of_gradient = g * (lr * (1 - now) / (1 - product))
        of_mean = own["exp_avg"] * (lr * after / (1 - product * after))
        p.sub_((of_gradient + of_mean) / size)
