"""RAdam."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_betas, check_ranges


class RAdam(RuleOptimizer):
    """Rectified Adam (Liu et al., 2019), with L2 or decoupled weight decay.

    While too few gradients have been seen to know their variance, the step is plain momentum. ``foreach`` is
    accepted and changes nothing. The state per parameter is PyTorch's: ``step``, ``exp_avg`` and
    ``exp_avg_sq``. As ``torch.optim.RAdam``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.RAdam([p], lr=0.25)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p
    Parameter containing:
    tensor([0.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_ranges(lr, epsilon=eps)
        check_betas(betas)
        check_ranges(lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("decoupled_weight_decay", False)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"exp_avg": rt.zeros_like(p), "exp_avg_sq": rt.zeros_like(p)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "radam", ["exp_avg", "exp_avg_sq"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        lr, decay = as_number(group["lr"]), group["weight_decay"]
        beta1, beta2 = (as_number(b) for b in group["betas"])
        rate, rectified = self._rate(lr, beta1, beta2, t)
        keep = [0.0, 1 - lr * decay] if group["decoupled_weight_decay"] else [decay, 1.0]
        return [*keep, 1 - beta1, beta2, 1 - beta2, group["eps"], rate, float(rectified)]

    @staticmethod
    def _rate(lr: float, beta1: float, beta2: float, t: float) -> tuple[float, bool]:
        """The rate of step `t`, and whether the squares are enough to divide by."""
        correction = 1 - beta2**t
        rate = lr / (1 - beta1**t)
        # The length of the simple moving average that the running mean amounts to.
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / correction
        if length <= 5:
            return rate, False
        rect = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        return rate * (rect * correction) ** 0.5, True

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        lr = as_number(group["lr"])
        beta1, beta2 = (as_number(b) for b in group["betas"])
        if group["weight_decay"] != 0:
            if group["decoupled_weight_decay"]:
                p.mul_(1 - lr * group["weight_decay"])
            else:
                g = g.add(p, alpha=group["weight_decay"])
        own["exp_avg"].lerp_(g, 1 - beta1)
        own["exp_avg_sq"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
        rate, rectified = self._rate(lr, beta1, beta2, t)
        mean = own["exp_avg"]
        p.add_(mean / (own["exp_avg_sq"].sqrt() + group["eps"]) if rectified else mean, alpha=-rate)
