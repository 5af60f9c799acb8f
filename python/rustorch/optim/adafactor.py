"""Adafactor."""

from __future__ import annotations

from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import RuleOptimizer, as_number, check_ranges


class Adafactor(RuleOptimizer):
    """Adafactor (Shazeer and Stern, 2018), without momentum.

    The second moment of a matrix is kept as one value a row and one a column (over the last two dimensions),
    that of a vector in full. ``eps`` is (the least root of it, by default the dtype's own epsilon; the least
    scale of a parameter), and updates whose root mean square exceeds ``d`` are scaled down to it. ``foreach``
    is accepted and changes nothing. The state per parameter is PyTorch's: ``step``, and ``row_var`` and
    ``col_var``, or ``variance``. As ``torch.optim.Adafactor``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.Adafactor([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> p.tolist()
    [0.5]
    """

    _later_options = ("foreach", "maximize")

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and not 0.0 <= eps[0]:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if not 0.0 <= eps[1]:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        check_ranges(lr, weight_decay=weight_decay)
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        if p.is_complex():
            raise RuntimeError("Adafactor does not support complex parameters")
        if p.dim() < 2:
            return {"variance": rt.zeros_like(p)}
        rows, columns = (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])
        return {"row_var": p.new_zeros(rows), "col_var": p.new_zeros(columns)}

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        lr, (least, least_scale) = as_number(group["lr"]), group["eps"]
        if p.numel() == 0:
            return
        if least is None:
            least = rt.finfo(p.dtype).eps
        share = t ** group["beta2_decay"]
        scale = max(least_scale, float(p.norm(2)) / p.numel() ** 0.5) * min(lr, t**-0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        if p.dim() > 1:
            row, column = own["row_var"], own["col_var"]
            row.lerp_(g.square().mean(-1, keepdim=True), share)
            column.lerp_(g.square().mean(-2, keepdim=True), share)
            variance = row @ column / row.mean(-2, keepdim=True).clamp(min=least)
        else:
            variance = own["variance"].lerp_(g.square(), share)
        update = g * variance.clamp(min=least * least).rsqrt()
        size = float(update.norm(2)) / (update.numel() ** 0.5 * group["d"])
        p.sub_(update, alpha=scale / max(1.0, size))
