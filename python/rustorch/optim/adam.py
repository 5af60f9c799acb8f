"""Adam."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._differentiable import adam_step
from rustorch.optim._fused import fused_adam_
from rustorch.optim.optimizer import Optimizer, check_unsupported, lists_as_real


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2014), with AMSGrad (Reddi et al., 2018) and L2 or decoupled weight decay.

    ``foreach`` and ``fused`` are accepted: the step is always one fused call per group, unless
    ``differentiable`` asks for one that autograd records. The state per parameter is PyTorch's: ``step`` (a
    float32 number), ``exp_avg``, ``exp_avg_sq`` and, with ``amsgrad``,
    ``max_exp_avg_sq``.

    >>> p = nn.Parameter(rt.ones(1))
    >>> opt = rt.optim.Adam([p], lr=0.5)
    >>> (2 * p).sum().backward()
    >>> opt.step()
    >>> round(p.item(), 4)
    0.5
    """

    def __init__(
        self,
        params: Any,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        numbers = {"lr": lr, "betas[0]": betas[0], "betas[1]": betas[1]}
        for key, value in numbers.items():
            if isinstance(value, Tensor) and foreach and not capturable:
                raise ValueError(f"{key} as a Tensor is not supported for capturable=False and foreach=True")
            if isinstance(value, Tensor) and value.numel() != 1:
                raise ValueError(f"Tensor {key} must be 1-element")
        if not 0.0 <= lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 <= eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for i in (0, 1):
            if not 0.0 <= betas[i] < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
            raise ValueError("betas must be either both floats or both Tensors")
        check_unsupported(
            type(self).__name__,
            foreach,
            fused and not differentiable,
            [("capturable", capturable)],
        )
        if fused and differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("amsgrad", False)
            group.setdefault("maximize", False)
            group.setdefault("foreach", None)
            group.setdefault("capturable", False)
            group.setdefault("differentiable", False)
            group.setdefault("decoupled_weight_decay", False)
            group.setdefault("fused", None)
            for p in group["params"]:
                own = self.state.get(p)
                # Old checkpoints, and some written elsewhere, count steps in Python numbers.
                if own and not isinstance(own["step"], Tensor):
                    own["step"] = rt.tensor(float(own["step"]), dtype=rt.float32, device="cpu")

    def _begin(self, p: Tensor, amsgrad: bool) -> dict[str, Any]:
        """The state of a parameter before its first step."""
        own: dict[str, Any] = self.state[p]
        with rt.no_grad():
            own["step"] = rt.tensor(0.0, dtype=rt.float32, device="cpu")
            own["exp_avg"] = rt.zeros_like(p)
            own["exp_avg_sq"] = rt.zeros_like(p)
            if amsgrad:
                own["max_exp_avg_sq"] = rt.zeros_like(p)
        return own

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have gradients; gives what ``closure`` returned."""
        loss = self._evaluate(closure)
        for group in self.param_groups:
            amsgrad = group["amsgrad"]
            params, grads, states = list[Tensor](), list[Tensor](), list[dict[str, Any]]()
            for p in group["params"]:
                grad = p.grad
                if grad is not None:
                    params.append(p)
                    grads.append(grad)
                    states.append(self.state[p] or self._begin(p, amsgrad))
            if not params:
                continue
            if group["differentiable"]:
                with rt.enable_grad():
                    for p, own in zip(params, states):
                        adam_step(p, own, group)
                continue
            beta1, beta2 = group["betas"]
            with rt.no_grad():
                params, grads, means, squares, tops = lists_as_real(
                    params,
                    grads,
                    [s["exp_avg"] for s in states],
                    [s["exp_avg_sq"] for s in states],
                    [s["max_exp_avg_sq"] for s in states] if amsgrad else [],
                )
                fused_adam_(
                    params,
                    grads,
                    means,
                    squares,
                    tops,
                    [s["step"] for s in states],
                    lr=float(group["lr"]),
                    beta1=float(beta1),
                    beta2=float(beta2),
                    eps=float(group["eps"]),
                    weight_decay=float(group["weight_decay"]),
                    amsgrad=amsgrad,
                    maximize=group["maximize"],
                    decoupled=group["decoupled_weight_decay"],
                )
        return loss
