"""Muon."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._rules import as_number
from rustorch.optim.optimizer import Optimizer


def _orthogonal(g: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """A matrix near the orthogonal factor of `g`, by Newton and Schulz's iteration (degree 5, bfloat16)."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = g.size(0) > g.size(1)
    x = g.bfloat16()
    x = x.t() if tall else x
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        gram = x @ x.t()
        x = rt.addmm(x, rt.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.t() if tall else x


class Muon(Optimizer):
    """Muon (Jordan et al., 2024): momentum whose updates are made orthogonal, for matrices alone.

    ``adjust_lr_fn`` scales the rate of a matrix of A rows and B columns: ``"original"`` (the default) by
    ``sqrt(max(1, A / B))``, ``"match_rms_adamw"`` by ``0.2 * sqrt(max(A, B))``. The state per parameter is
    PyTorch's: ``momentum_buffer``. Raises ValueError for a parameter that is no matrix. As
    ``torch.optim.Muon``.

    >>> p = nn.Parameter(rt.eye(2))
    >>> opt = rt.optim.Muon([p], lr=0.5, weight_decay=0.0)
    >>> p.sum().backward()
    >>> opt.step()
    >>> p.shape
    rustorch.Size([2, 2])
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 <= momentum:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight decay should be >= 0 but is: {weight_decay}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{tuple(p.shape)}"
                    )

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have gradients; gives what ``closure`` returned."""
        loss = self._evaluate(closure)
        with rt.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._move(p, p.grad, group)
        return loss

    def _move(self, p: Tensor, g: Tensor, group: dict[str, Any]) -> None:
        if p.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        if "momentum_buffer" not in self.state[p]:
            self.state[p]["momentum_buffer"] = rt.zeros_like(g)
        mean = self.state[p]["momentum_buffer"].lerp_(g, 1 - group["momentum"])
        update = g.lerp(mean, group["momentum"]) if group["nesterov"] else mean
        update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        lr, (rows, columns) = as_number(group["lr"]), p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            rate = lr * 0.2 * math.sqrt(max(rows, columns))
        else:
            rate = lr * math.sqrt(max(1.0, rows / columns))
        p.mul_(1 - lr * group["weight_decay"]).sub_(update.to(p.dtype), alpha=rate)
