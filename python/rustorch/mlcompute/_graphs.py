"""Graphs that run in MLCompute."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import rustorch as rt
from rustorch import _C, Tensor
from rustorch.errors import ArgumentError, DeviceNotAvailable, OpError
from rustorch.jit import _structure
from rustorch.mlcompute._planning import (
    inference_graph,
    optimizer_numbers,
    training_plan,
    unavailable_reason,
)
from rustorch.optim.optimizer import Optimizer

__all__ = ["InferenceGraph", "TrainingGraph"]


def _require(what: str) -> None:
    reason = unavailable_reason()
    if reason is not None:
        raise DeviceNotAvailable.of(what, reason, hint="the module itself; rustorch.coreml for its export")


class InferenceGraph:
    """A module as a graph of MLCompute; `graph(*inputs)` gives what the module gives.

    Args:
        module: a module in eval mode, or a function of tensors. It is run once on the examples.
        example_inputs: a float32 tensor, or a tuple of them, of the shapes to come.
        device: "any", "cpu", "gpu" or "ane", the Neural Engine.

    Weights keep the values of this moment; their memory is wrapped, not copied, where they are contiguous.

    Raises:
        RuntimeError: (`DeviceNotAvailable`) where there is no MLCompute, and for whatever it refuses.
        NotImplementedError: names everything that it has no layer for.

    >>> import rustorch as rt
    >>> if rt.mlcompute.is_available():
    ...     y = rt.mlcompute.InferenceGraph(rt.nn.ReLU(), rt.ones(1, 3))(rt.ones(1, 3))
    """

    def __init__(self, module: Any, example_inputs: Any, *, device: str = "any") -> None:
        _require("InferenceGraph")
        graph = inference_graph(module, example_inputs)
        self._output = graph._output
        self._program = _C._mlcompute_program(_C._mlcompute_plan_inference(graph._core), device)

    def __call__(self, *inputs: Tensor) -> Any:
        """What the module gives for inputs of the examples' shapes; on the CPU, without gradients."""
        return _structure.fill(self._output, self._program.run(inputs))


class TrainingGraph:
    """A module, its loss and an optimizer as a training graph of MLCompute.

    Args:
        module: in training mode, with float32 parameters.
        loss: a loss of `rustorch.nn`, or a function of what the module gives and the target that calls one of
            `rustorch.nn.functional`.
        optimizer: a new SGD, Adam or AdamW with one group. Parameters that it does not have stay as they are.
        device: "any", "cpu" or "gpu".

    Raises:
        RuntimeError: (`DeviceNotAvailable`) where there is no MLCompute.
        NotImplementedError: for other optimizers.

    >>> import rustorch as rt
    >>> net = rt.nn.Linear(3, 1)
    >>> if rt.mlcompute.is_available():
    ...     sgd = rt.optim.SGD(net.parameters(), lr=0.1)
    ...     graph = rt.mlcompute.TrainingGraph(net, rt.nn.MSELoss(), sgd)
    ...     losses = graph.fit(rt.ones(32, 3), rt.zeros(32, 1))
    """

    def __init__(self, module: rt.nn.Module, loss: Any, optimizer: Optimizer, *, device: str = "any") -> None:
        _require("TrainingGraph")
        optimizer_numbers(optimizer)
        self.module, self.loss, self.optimizer, self.device = module, loss, optimizer, device
        self._program: Any = None

    def fit(
        self,
        inputs: Any,
        targets: Tensor | None = None,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        shuffle: bool = True,
        drop_last: bool = False,
        on_epoch: Callable[[int, float], None] | None = None,
    ) -> list[float]:
        """Train; afterwards the module has the new weights and statistics.

        Args:
            inputs: a tensor of all samples, or a tuple of such; without `targets` an iterable of batches
                (inputs, target), such as a `DataLoader`, which is gone through once an epoch.
            targets: of all samples: class numbers (int64), or float32 of the module's result's shape.
            epochs: how often to go through all.
            batch_size: of tensors. All batches have one size, as the graph is made for it.
            shuffle: the samples of tensors, anew in each epoch.
            drop_last: leave out what does not fill a batch; else that is an error.
            on_epoch: called with the number of the epoch, from 0, and its mean loss. The learning rate of the
                optimizer's group is read before each step, so that a scheduler may be stepped here.

        Returns:
            The mean loss of each epoch, before the steps.

        Raises:
            ValueError: for samples that do not fill batches, and where there are none.
            NotImplementedError: names everything that MLCompute has no layer for.
        """
        history: list[float] = []
        try:
            for epoch in range(epochs):
                total, steps = 0.0, 0
                for batch, target in batches(inputs, targets, batch_size, shuffle, drop_last):
                    total += self._step(batch, target)
                    steps += 1
                if steps == 0:
                    raise ArgumentError.of("fit", "there is no batch to train on")
                history.append(total / steps)
                if on_epoch is not None:
                    on_epoch(epoch, history[-1])
        finally:
            if self._program is not None:
                self._program.write_back()
        return history

    def _step(self, batch: tuple[Tensor, ...], target: Tensor) -> float:
        if self._program is None:
            made = training_plan(self.module, self.loss, self.optimizer, batch, target)
            self._program = _C._mlcompute_program(made, self.device)
        self._program.set_learning_rate(float(self.optimizer.param_groups[0]["lr"]))
        loss: float = self._program.step(batch, (target,))
        return loss


def batches(
    inputs: Any, targets: Tensor | None, batch_size: int, shuffle: bool, drop_last: bool
) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    """The batches of one epoch, all of one size."""
    if targets is None:
        yield from _given(inputs)
        return
    parts = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    count = len(targets)
    if batch_size < 1 or any(len(part) != count for part in parts):
        raise ArgumentError.of(
            "fit",
            "inputs and targets need one length, and batch_size at least 1",
            f"{[len(part) for part in parts]}, {count}, batch_size={batch_size}",
        )
    if count % batch_size and not drop_last:
        raise ArgumentError.of(
            "fit",
            "the samples do not fill batches",
            f"{count} samples, batch_size={batch_size}",
            "drop_last=True, or another batch_size",
        )
    order = rt.randperm(count) if shuffle else rt.arange(count)
    for start in range(0, count - batch_size + 1, batch_size):
        chosen = order[start : start + batch_size]
        yield tuple(part[chosen] for part in parts), targets[chosen]


def _given(loader: Iterable[Any]) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
    for pair in loader:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise OpError.of("fit", "a batch is a pair of inputs and a target", type(pair).__name__)
        batch, target = pair
        yield (batch,) if isinstance(batch, Tensor) else tuple(batch), target
