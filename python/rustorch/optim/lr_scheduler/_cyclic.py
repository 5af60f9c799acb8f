"""Schedules that raise and lower the rate: cyclical (Smith, 2015) and one-cycle (Smith and Topin, 2017)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from rustorch.optim.lr_scheduler._base import LRScheduler, per_group, set_lr
from rustorch.optim.optimizer import Optimizer


def _momentum_key(optimizer: Optimizer, name: str) -> str:
    """Which option plays the part of momentum: Adam's first beta, or momentum itself."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            f"{name}: optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
        )
    return "betas" if "betas" in optimizer.defaults else "momentum"


def _set_momentum(group: dict[str, Any], key: str, value: float) -> None:
    group[key] = (value, *group["betas"][1:]) if key == "betas" else value


class CyclicLR(LRScheduler):
    """The rate goes up from ``base_lr`` to ``max_lr`` and down again, once per cycle, batch by batch.

    ``mode`` triangular keeps the height, triangular2 halves it each cycle, exp_range multiplies it by
    gamma^batch; or ``scale_fn`` gives it, of the cycle or the iteration as ``scale_mode`` says. Momentum
    goes the other way.

    >>> opt = rt.optim.SGD([nn.Parameter(rt.zeros(1))], lr=1.0, momentum=0.9)
    >>> schedule = rt.optim.lr_scheduler.CyclicLR(opt, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> opt.step(); schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float = 0.8,
        max_momentum: float = 0.9,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None; got " + repr(mode))
        self.optimizer = optimizer
        low = per_group(base_lr, optimizer, "base_lr")
        if last_epoch == -1:
            for lr, group in zip(low, optimizer.param_groups):
                set_lr(group, lr)
        self.max_lrs = per_group(max_lr, optimizer, "max_lr")
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        self.mode = mode
        self.gamma = gamma
        self._custom_scale = scale_fn
        self.scale_mode = (
            scale_mode if scale_fn is not None else ("iterations" if mode == "exp_range" else "cycle")
        )
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momentum_key = _momentum_key(optimizer, "CyclicLR")
            self.base_momentums = per_group(base_momentum, optimizer, "base_momentum")
            self.max_momentums = per_group(max_momentum, optimizer, "max_momentum")
            if last_epoch == -1:
                for high, group in zip(self.max_momentums, optimizer.param_groups):
                    _set_momentum(group, self._momentum_key, high)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = low

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer and a given ``scale_fn``."""
        return {k: v for k, v in super().state_dict().items() if k != "_custom_scale"}

    def scale_fn(self, x: float) -> float:
        """The height of the cycle, as a share of the first."""
        if self._custom_scale is not None:
            return self._custom_scale(x)
        if self.mode == "triangular":
            return 1.0
        height: float = 1 / 2.0 ** (x - 1) if self.mode == "triangular2" else self.gamma**x
        return height

    def get_lr(self) -> list[Any]:
        self._warn_get_lr_called_within_step()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        climbed = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        height = climbed * self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        # base_lrs are those given, which after construction differ from the groups' initial rates.
        lows = self.base_lrs
        if self.cycle_momentum:
            for low, high, group in zip(self.base_momentums, self.max_momentums, self.optimizer.param_groups):
                _set_momentum(group, self._momentum_key, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(lows, self.max_lrs)]


class OneCycleLR(LRScheduler):
    """One rise from ``max_lr / div_factor`` to ``max_lr``, then a fall far below the start; step after every
    batch.

    The length is ``total_steps``, or ``epochs * steps_per_epoch``. ``pct_start`` is the share of the rise;
    ``three_phase`` falls as it rose before the last descent. Momentum goes the other way.

    >>> opt = rt.optim.SGD([nn.Parameter(rt.zeros(1))], lr=1.0, momentum=0.9)
    >>> schedule = rt.optim.lr_scheduler.OneCycleLR(opt, max_lr=1.0, total_steps=11, div_factor=4)
    >>> schedule.get_last_lr()
    [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        if total_steps is not None:
            if total_steps <= 0 or not isinstance(total_steps, int):
                raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
            self.total_steps = total_steps
        elif epochs is not None and steps_per_epoch is not None:
            if not isinstance(epochs, int) or epochs <= 0:
                raise ValueError(f"Expected positive integer epochs, but got {epochs}")
            if not isinstance(steps_per_epoch, int) or steps_per_epoch <= 0:
                raise ValueError(f"Expected positive integer steps_per_epoch, but got {steps_per_epoch}")
            self.total_steps = epochs * steps_per_epoch
        else:
            raise ValueError(
                "You must define either total_steps OR both epochs and steps_per_epoch; got neither"
            )
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._anneal_func_type = anneal_strategy
        peak = float(pct_start * self.total_steps) - 1
        end = self.total_steps - 1
        # (last step, rate at its start, rate at its end, momentum at its start, at its end)
        if three_phase:
            self._schedule_phases = [
                (peak, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (2 * peak, "max_lr", "initial_lr", "base_momentum", "max_momentum"),
                (end, "initial_lr", "min_lr", "max_momentum", "max_momentum"),
            ]
        else:
            self._schedule_phases = [
                (peak, "initial_lr", "max_lr", "max_momentum", "base_momentum"),
                (end, "max_lr", "min_lr", "base_momentum", "max_momentum"),
            ]
        peaks = per_group(max_lr, optimizer, "max_lr")
        if last_epoch == -1:
            for group, top in zip(optimizer.param_groups, peaks):
                group["initial_lr"] = top / div_factor
                group["max_lr"] = top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._momentum_key = _momentum_key(optimizer, "OneCycleLR")
            if last_epoch == -1:
                low = per_group(base_momentum, optimizer, "base_momentum")
                high = per_group(max_momentum, optimizer, "max_momentum")
                for group, b, m in zip(optimizer.param_groups, low, high):
                    _set_momentum(group, self._momentum_key, m)
                    group["max_momentum"] = m
                    group["base_momentum"] = b
        super().__init__(optimizer, last_epoch)

    def _anneal(self, start: float, end: float, share: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)

    def get_lr(self) -> list[Any]:
        self._warn_get_lr_called_within_step()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The total number of steps is {self.total_steps}")
        lrs = []
        for group in self.optimizer.param_groups:
            start = 0.0
            for i, (end, lr_from, lr_to, m_from, m_to) in enumerate(self._schedule_phases):
                if step <= end or i == len(self._schedule_phases) - 1:
                    share = (step - start) / (end - start)
                    lrs.append(self._anneal(group[lr_from], group[lr_to], share))
                    if self.cycle_momentum:
                        momentum = self._anneal(group[m_from], group[m_to], share)
                        _set_momentum(group, self._momentum_key, momentum)
                    break
                start = end
        return lrs
