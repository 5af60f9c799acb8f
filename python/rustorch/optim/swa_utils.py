"""Averages of weights over training: stochastic weight averaging and exponential moving averages."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn.modules.batchnorm import _BatchNorm
from rustorch.nn.modules.module import Module
from rustorch.optim.lr_scheduler._base import LRScheduler, per_group
from rustorch.optim.optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]

_AvgFn = Callable[[Tensor, Tensor, Any], Tensor]
_MultiAvgFn = Callable[[list[Tensor], list[Tensor], Any], None]


def get_swa_avg_fn() -> _AvgFn:
    """The mean of all weights so far: ``average + (current - average) / (count + 1)``.

    >>> rt.optim.swa_utils.get_swa_avg_fn()(rt.tensor(1.0), rt.tensor(4.0), 2)
    tensor(2.)
    """

    @rt.no_grad()
    def step(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        mean: Tensor = averaged + (current - averaged) / (count + 1)
        return mean

    return step


def get_ema_avg_fn(decay: float = 0.999) -> _AvgFn:
    """The exponential moving average: ``decay * average + (1 - decay) * current``; ValueError outside [0, 1].

    >>> rt.optim.swa_utils.get_ema_avg_fn(0.5)(rt.tensor(1.0), rt.tensor(4.0), 2)
    tensor(2.5000)
    """
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")

    @rt.no_grad()
    def moving(averaged: Tensor, current: Tensor, count: Any) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return moving


def _of_lists(one: _AvgFn) -> _MultiAvgFn:
    @rt.no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], count: Any) -> None:
        for a, c in zip(averaged, current):
            a.copy_(one(a, c, count))

    return update


def get_swa_multi_avg_fn() -> _MultiAvgFn:
    """As :func:`get_swa_avg_fn`, in place on lists."""
    return _of_lists(get_swa_avg_fn())


def get_ema_multi_avg_fn(decay: float = 0.999) -> _MultiAvgFn:
    """As :func:`get_ema_avg_fn`, in place on lists."""
    return _of_lists(get_ema_avg_fn(decay))


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that ``update_parameters`` has seen.

    ``avg_fn(average, current, count)`` gives one new average, ``multi_avg_fn`` changes lists of them; without
    either it is the mean. Buffers are averaged too with ``use_buffers``, otherwise taken as they are.
    As ``torch.optim.swa_utils.AveragedModel``.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = rt.optim.swa_utils.AveragedModel(model)
    >>> for weight in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, weight)
    ...     average.update_parameters(model)
    >>> average.module.weight.item(), average.n_averaged.item()
    (3.0, 3)
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: _AvgFn | None = None,
        multi_avg_fn: _MultiAvgFn | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", rt.tensor(0, dtype=rt.int64, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The averaged model's result."""
        return self.module(*args, **kwargs)

    def _averaged(self, model: Module) -> list[Tensor]:
        buffers = model.buffers() if self.use_buffers else ()
        return [t.detach() for t in chain(model.parameters(), buffers)]

    def update_parameters(self, model: Module) -> None:
        """Takes the model's present weights into the average; the first ones are copied."""
        averaged, current = self._averaged(self.module), self._averaged(model)
        current = [c.to(a.device) for a, c in zip(averaged, current)]
        with rt.no_grad():
            if self.n_averaged.item() == 0:
                for a, c in zip(averaged, current):
                    a.copy_(c)
            elif self.multi_avg_fn is not None:
                self.multi_avg_fn(averaged, current, self.n_averaged)
            else:
                one = self.avg_fn or get_swa_avg_fn()
                for a, c in zip(averaged, current):
                    a.copy_(one(a, c, self.n_averaged.to(a.device)))
            if not self.use_buffers:
                for a, c in zip(self.module.buffers(), model.buffers()):
                    a.copy_(c.detach().to(a.device))
            self.n_averaged += 1


@rt.no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Computes the batch statistics of every BatchNorm layer anew, over one pass through ``loader``.

    A batch is a tensor, or a list or tuple whose first element is the model's input.

    >>> model = nn.BatchNorm1d(1)
    >>> rt.optim.swa_utils.update_bn([rt.tensor([[1.0], [3.0]]), rt.tensor([[4.0], [4.0]])], model)
    >>> model.running_mean
    tensor([3.])
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    was_training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    for batch in loader:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(x if device is None else x.to(device))
    for layer, momentum in zip(layers, momenta):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Moves each group's rate to ``swa_lr`` over ``anneal_epochs`` steps (cosine or linear) and keeps it.

    As ``torch.optim.swa_utils.SWALR``.

    >>> opt = rt.optim.SGD([nn.Parameter(rt.zeros(1))], lr=1.0)
    >>> schedule = rt.optim.swa_utils.SWALR(opt, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> opt.step(); schedule.step()
    >>> schedule.get_last_lr()
    [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for lr, group in zip(per_group(swa_lr, optimizer, "swa_lr"), optimizer.param_groups):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self.anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        self._warn_get_lr_called_within_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            lr, last = group["lr"], group["swa_lr"]
            # From the rate that other schedules may have changed, back to where the annealing began.
            first = last if before == 1 else (lr - before * last) / (1 - before)
            rates.append(now * last + (1 - now) * first)
        return rates
