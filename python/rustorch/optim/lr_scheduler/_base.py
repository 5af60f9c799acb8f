"""LRScheduler, the base of schedules."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Sequence
from typing import Any

from rustorch import Tensor
from rustorch.optim.optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. "
    "Please use `scheduler.step()` to step the scheduler."
)

_SEE = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def set_lr(group: dict[str, Any], lr: Any, key: str = "lr") -> None:
    """Write a group's rate; a rate kept in a tensor is changed in place."""
    if isinstance(group[key], Tensor):
        group[key].fill_(lr.item() if isinstance(lr, Tensor) else lr)
    else:
        group[key] = lr


def per_group(values: Any, optimizer: Optimizer, name: str) -> list[Any]:
    """One value per parameter group, from one value or a sequence of the right length."""
    if isinstance(values, (list, tuple)):
        if len(values) != len(optimizer.param_groups):
            raise ValueError(
                f"{name} must have the same length as optimizer.param_groups. {name} has {len(values)} "
                f"values, param_groups has {len(optimizer.param_groups)}."
            )
        return list(values)
    return [values] * len(optimizer.param_groups)


class LRScheduler:
    """Base of schedules: a subclass defines ``get_lr()``, the rates of the groups at epoch
    ``self.last_epoch``.

    ``get_lr`` works from the groups' present rates where it can, so that schedules can be chained. Making a
    scheduler sets the rates of epoch 0. As ``torch.optim.lr_scheduler.LRScheduler``.
    """

    optimizer: Optimizer
    base_lrs: list[Any]
    last_epoch: int
    _is_initial: bool = False
    _get_lr_called_within_step: bool = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                lr = group["lr"]
                group.setdefault("initial_lr", lr.clone() if isinstance(lr, Tensor) else lr)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming an optimizer"
                )
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        _count_steps(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back :meth:`state_dict`; load the optimizer's state as well, before or after."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates set last, one per group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The rates of epoch ``last_epoch``, one per group."""
        raise NotImplementedError(f"{type(self).__name__}.get_lr is not defined")

    def _lrs(self) -> list[Any]:
        return [group["lr"] for group in self.optimizer.param_groups]

    def _warn_get_lr_called_within_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch (or, deprecated, to ``epoch``) and set its rates."""
        if self._step_count == 1:
            self._warn_about_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(
                EPOCH_DEPRECATION_WARNING,
                UserWarning,
                stacklevel=2,
            )
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                values: Sequence[Any] = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = getattr(self, "_get_closed_form_lr", None)
                values = self.get_lr() if closed_form is None else closed_form()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, values):
            set_lr(group, lr)
        self._remember()

    def _remember(self) -> None:
        self._last_lr = [
            group["lr"].clone() if isinstance(group["lr"], Tensor) else group["lr"]
            for group in self.optimizer.param_groups
        ]

    def _warn_about_order(self) -> None:
        step = self.optimizer.step
        if not getattr(step, "_counted_by_lr_scheduler", False):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
                "initialization. Please, make sure to call `optimizer.step()` before `lr_scheduler.step()`. "
                + _SEE,
                UserWarning,
                stacklevel=3,
            )
        elif not getattr(self.optimizer, "_opt_called", False):
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. You should call them in "
                "the opposite order: `optimizer.step()` before `lr_scheduler.step()`. Failure to do this "
                "will result in skipping the first value of the learning rate schedule. " + _SEE,
                UserWarning,
                stacklevel=3,
            )


def _count_steps(optimizer: Optimizer) -> None:
    """Let the optimizer remember that it has stepped, so that calls in the wrong order can be told."""
    if getattr(optimizer.step, "_counted_by_lr_scheduler", False):
        return
    # Held weakly, or the optimizer would keep itself alive.
    owner = weakref.ref(optimizer)
    original = optimizer.step.__func__  # type: ignore[attr-defined]

    @functools.wraps(original)
    def step(*args: Any, **kwargs: Any) -> Any:
        optimizer = owner()
        assert optimizer is not None
        optimizer._opt_called = True  # type: ignore[attr-defined]
        return original(optimizer, *args, **kwargs)

    step._counted_by_lr_scheduler = True  # type: ignore[attr-defined]
    optimizer.step = step  # type: ignore[method-assign]
