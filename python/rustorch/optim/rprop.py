"""Rprop."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_ranges


class Rprop(RuleOptimizer):
    """Resilient backpropagation (Riedmiller and Braun, 1993): only the gradient's sign counts.

    An element's step size grows by ``etas[1]`` while its gradient keeps its sign and shrinks by ``etas[0]``
    when that changes, within ``step_sizes``. ``foreach`` is accepted and changes nothing. The state per
    parameter is PyTorch's: ``step``, ``prev`` and ``step_size``. As ``torch.optim.Rprop``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.Rprop([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p.tolist()
    [0.5]
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_ranges(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        lr = as_number(group["lr"])
        size = complex(lr, lr) if p.is_complex() else lr
        return {"prev": rt.zeros_like(p), "step_size": rt.full_like(p, size)}

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]]:
        return "rprop", ["prev", "step_size"]

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        return [*group["etas"], *group["step_sizes"]]

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        shrink, grow = group["etas"]
        least, most = group["step_sizes"]
        agreement = (g * own["prev"]).detach()
        factor = rt.ones_like(agreement).masked_fill(agreement > 0, grow).masked_fill(agreement < 0, shrink)
        size = own["step_size"].mul_(factor).clamp_(least, most)
        # Where the sign changed, this step is left out, and the next does not compare with it.
        g = g.masked_fill(agreement < 0, 0.0)
        p.sub_(g.sign() * size)
        own["prev"].copy_(g)
