"""Adagrad."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_ranges


class Adagrad(RuleOptimizer):
    """Adagrad (Duchi, Hazan and Singer, 2011): each element has its own rate, from its squared gradients.

    ``foreach`` and ``fused`` are accepted and change nothing. The state per parameter is PyTorch's: ``step``
    and ``sum``. As ``torch.optim.Adagrad``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.Adagrad([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p.tolist()
    [0.5]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_ranges(
            lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        # Unlike the others, it has its state from the beginning.
        for group in self.param_groups:
            for p in group["params"]:
                self._begin(p, group)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("fused", None)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        first = group["initial_accumulator_value"]
        return {"sum": rt.full_like(p, complex(first, first) if p.is_complex() else first)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "adagrad", ["sum"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        rate = as_number(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        return [group["weight_decay"], rate, group["eps"]]

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        if group["weight_decay"] != 0:
            g = g.add(p, alpha=group["weight_decay"])
        rate = as_number(group["lr"]) / (1 + (t - 1) * group["lr_decay"])
        own["sum"].addcmul_(g, g)
        p.addcdiv_(g, own["sum"].sqrt() + group["eps"], value=-rate)
