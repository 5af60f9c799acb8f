"""The base of the optimizers that the core has a rule for, or whose step is written with tensor ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.optim._fused import fused_rule_
from rustorch.optim.optimizer import Optimizer, as_real, check_unsupported, lists_as_real

# What older checkpoints may lack.
_LATER_OPTIONS = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}


def check_ranges(lr: Any, **values: Any) -> None:
    """Raises ValueError, in PyTorch's words, for a learning rate or another number below zero."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not 0.0 <= lr:
        raise ValueError(f"Invalid learning rate: {lr}")
    for name, value in values.items():
        if not 0.0 <= value:
            raise ValueError(f"Invalid {name} value: {value}")


def check_betas(betas: Any) -> None:
    """Raises ValueError for a decay rate outside [0, 1)."""
    for i in (0, 1):
        if not 0.0 <= betas[i] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {betas[i]}")


def number(value: float, device: Any = "cpu") -> Tensor:
    """A number of the state, as PyTorch stores it: float32, or float64 where that is the default."""
    dtype = rt.float64 if rt.get_default_dtype() == rt.float64 else rt.float32
    return rt.tensor(float(value), dtype=dtype, device=device)


def as_number(value: Any) -> float:
    """The Python number of an option or of a tensor of one element."""
    return float(value.item() if isinstance(value, Tensor) else value)


class RuleOptimizer(Optimizer):
    """A subclass says what a new parameter's state is (`_start`) and moves one parameter (`_move`).

    Where the core has the rule too (`_rule`, `_numbers`), a group takes its step in one call, and `_move` is
    for ``differentiable=True``, whose steps are recorded, on copies: what one step saves for its derivative
    the next must not change. Complex parameters come as pairs of numbers, with their state; a gradient to be
    climbed comes to `_move` negated.
    """

    _later_options: tuple[str, ...] = tuple(_LATER_OPTIONS)

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        name = type(self).__name__
        options = [("capturable", bool(defaults.get("capturable")))]
        check_unsupported(name, defaults.get("foreach"), defaults.get("fused"), options)
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        own_options = [
            o for o in self._later_options if o in state.get("defaults", getattr(self, "defaults", {}))
        ]
        super().__setstate__(state)
        for group in self.param_groups:
            for option in own_options:
                group.setdefault(option, _LATER_OPTIONS[option])
            for p in group["params"]:
                own = self.state.get(p)
                # Old checkpoints count in Python numbers.
                for key in ("step", "eta", "mu", "mu_product"):
                    if own and key in own and not isinstance(own[key], Tensor):
                        own[key] = number(own[key])

    def _start(self, p: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        """The state of a parameter before its first step, without ``step``."""
        raise NotImplementedError

    def _rule(self, group: dict[str, Any]) -> tuple[str, list[str]] | None:
        """The core's rule for the group, and the keys of the tensors of state it moves."""
        return None

    def _numbers(self, own: dict[str, Any], group: dict[str, Any], t: float) -> list[float]:
        """The rule's numbers of step `t` after the sign; those that the state keeps are moved on."""
        raise NotImplementedError

    def _move(self, p: Tensor, g: Tensor, own: dict[str, Any], group: dict[str, Any], t: float) -> None:
        """Step number `t` of one parameter."""
        raise NotImplementedError

    def _begin(self, p: Tensor, group: dict[str, Any]) -> None:
        own: dict[str, Any] = self.state[p]
        if not own:
            with rt.no_grad():
                own["step"] = number(0.0)
                own.update(self._start(p, group))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters that have gradients; gives what ``closure`` returned."""
        loss = self._evaluate(closure)
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                self._begin(p, group)
            with rt.set_grad_enabled(bool(group.get("differentiable"))):
                rule = None if group.get("differentiable") else self._rule(group)
                if rule:
                    self._step_fused(params, group, *rule)
                else:
                    for p in params:
                        self._step_one(p, group)
        return loss

    def _step_fused(self, params: list[Tensor], group: dict[str, Any], rule: str, keys: list[str]) -> None:
        sign, numbers = (-1.0 if group.get("maximize") else 1.0), []
        for p in params:
            own = self.state[p]
            own["step"] += 1
            numbers.append([sign, *self._numbers(own, group, as_number(own["step"]))])
        grads = [grad for p in params if (grad := p.grad) is not None]
        lists = [[self.state[p][key] for p in params] for key in keys]
        params, grads, *lists = lists_as_real(params, grads, *lists)
        fused_rule_(rule, params, grads, lists, numbers)

    def _step_one(self, p: Tensor, group: dict[str, Any]) -> None:
        own = self.state[p]
        with rt.no_grad():
            own["step"] += 1
        assert p.grad is not None
        keys = [k for k in own if k != "step"]
        real = dict(zip(keys, as_real([own[k] for k in keys])))
        (x, g), t = as_real([p, p.grad]), as_number(own["step"])
        g = -g if group.get("maximize") else g
        if not group.get("differentiable"):
            self._move(x, g, real, group, t)
            return
        copies = {k: v.clone() for k, v in real.items()}
        moved = x.clone()
        self._move(moved, g, copies, group, t)
        x.copy_(moved)
        for k, v in copies.items():
            real[k].copy_(v)
