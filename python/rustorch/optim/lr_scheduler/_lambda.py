"""Schedules given by a function of the epoch."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from rustorch.optim.lr_scheduler._base import LRScheduler, per_group
from rustorch.optim.optimizer import Optimizer

LrLambda = Callable[[int], float]


class _FunctionOfEpoch(LRScheduler):
    def __init__(
        self, optimizer: Optimizer, lr_lambda: LrLambda | list[LrLambda], last_epoch: int = -1
    ) -> None:
        self.optimizer = optimizer
        self.lr_lambdas = per_group(lr_lambda, optimizer, "lr_lambda")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer; of the functions only the state of callable objects, not plain
        functions.
        """
        out = {k: v for k, v in self.__dict__.items() if k not in ("optimizer", "lr_lambdas")}
        out["lr_lambdas"] = [
            None if isinstance(fn, types.FunctionType) else fn.__dict__.copy() for fn in self.lr_lambdas
        ]
        return out

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take back :meth:`state_dict`; plain functions stay those this scheduler was made with."""
        saved = state_dict["lr_lambdas"]
        self.__dict__.update({k: v for k, v in state_dict.items() if k != "lr_lambdas"})
        for fn, state in zip(self.lr_lambdas, saved):
            if state is not None:
                fn.__dict__.update(state)


class LambdaLR(_FunctionOfEpoch):
    """The initial rate times ``lr_lambda(epoch)``; one function, or one per group.

    >>> opt = rt.optim.SGD([nn.Parameter(rt.zeros(1))], lr=1.0)
    >>> schedule = rt.optim.lr_scheduler.LambdaLR(opt, lambda epoch: 1 / (epoch + 1))
    >>> opt.step(); schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def get_lr(self) -> list[Any]:
        self._warn_get_lr_called_within_step()
        return [lr * fn(self.last_epoch) for fn, lr in zip(self.lr_lambdas, self.base_lrs)]


class MultiplicativeLR(_FunctionOfEpoch):
    """The present rate times ``lr_lambda(epoch)``; one function, or one per group.

    >>> opt = rt.optim.SGD([nn.Parameter(rt.zeros(1))], lr=1.0)
    >>> schedule = rt.optim.lr_scheduler.MultiplicativeLR(opt, lambda epoch: 0.5)
    >>> opt.step(); schedule.step()
    >>> schedule.get_last_lr()
    [0.5]
    """

    def get_lr(self) -> list[Any]:
        self._warn_get_lr_called_within_step()
        if self._is_initial:
            return self._lrs()
        return [lr * fn(self.last_epoch) for fn, lr in zip(self.lr_lambdas, self._lrs())]
