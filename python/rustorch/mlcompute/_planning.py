"""What MLCompute is to build: modules recorded as graphs, optimizers as numbers, both turned into a plan."""

from __future__ import annotations

import warnings
from typing import Any

import rustorch as rt
from rustorch import _C, Tensor
from rustorch.errors import DTypeError, UnsupportedOperation
from rustorch.jit import Graph
from rustorch.optim.adam import Adam
from rustorch.optim.optimizer import Optimizer
from rustorch.optim.sgd import SGD

__all__ = ["plan", "unavailable_reason"]


def unavailable_reason() -> str | None:
    """Why MLCompute cannot be used here; None where it can.

    >>> import sys
    >>> import rustorch as rt
    >>> sys.platform == "darwin" or "macOS" in rt.mlcompute.unavailable_reason()
    True
    """
    reason: str | None = _C._mlcompute_why_not()
    return reason


class WithLoss(rt.nn.Module):
    """A module and its loss as one, to be recorded as one."""

    def __init__(self, module: rt.nn.Module, loss: Any) -> None:
        super().__init__()
        self.module = module
        self.loss = loss

    def forward(self, target: Tensor, *inputs: Tensor) -> Any:
        return self.loss(self.module(*inputs), target)


def _tensors(what: str, given: Any) -> tuple[Tensor, ...]:
    tensors: tuple[Tensor, ...] = (given,) if isinstance(given, Tensor) else tuple(given)
    for tensor in tensors:
        if not isinstance(tensor, Tensor):
            raise DTypeError.of("mlcompute", f"{what} must be tensors", type(tensor).__name__)
    return tensors


def optimizer_numbers(optimizer: Optimizer) -> dict[str, Any]:
    """The numbers of an SGD, Adam or AdamW with one group of parameters."""
    if len(optimizer.param_groups) != 1:
        raise UnsupportedOperation.of(
            "mlcompute", "an optimizer has one group of parameters", str(len(optimizer.param_groups))
        )
    group = optimizer.param_groups[0]
    if type(optimizer) is SGD:
        kind = "sgd"
    elif isinstance(optimizer, Adam) and type(optimizer).__module__.startswith("rustorch.optim"):
        kind = "adamw" if group["decoupled_weight_decay"] else "adam"
    else:
        raise UnsupportedOperation.of(
            "mlcompute", "there is no such optimizer", type(optimizer).__name__, "SGD, Adam or AdamW"
        )
    for option in ("maximize", "dampening"):
        if group.get(option):
            raise UnsupportedOperation.of("mlcompute", f"{option} is not there", f"{option}={group[option]}")
    if optimizer.state:
        raise UnsupportedOperation.of(
            "mlcompute", "the optimizer must be new", "one that has made steps", "another optimizer"
        )
    beta1, beta2 = group.get("betas", (0.0, 0.0))
    return {
        "kind": kind,
        "lr": float(group["lr"]),
        "momentum": float(group.get("momentum", 0)),
        "beta1": float(beta1),
        "beta2": float(beta2),
        "eps": float(group.get("eps", 0)),
        "weight_decay": float(group["weight_decay"]),
        "nesterov": bool(group.get("nesterov", False)),
        "amsgrad": bool(group.get("amsgrad", False)),
    }


def inference_graph(module: Any, example_inputs: Any) -> Graph:
    inputs = _tensors("example_inputs", example_inputs)
    with rt.no_grad():
        graph: Graph = rt.jit.trace(module, inputs, check_trace=False).graph
    return graph


def training_plan(
    module: rt.nn.Module, loss: Any, optimizer: Optimizer, example_inputs: Any, example_target: Tensor
) -> _C._MLComputePlan:
    numbers = optimizer_numbers(optimizer)
    inputs = _tensors("example_inputs", example_inputs)
    (target,) = _tensors("example_target", example_target)
    # To be recorded the module has to run: what that changes is put back.
    buffers = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    random = rt.get_rng_state()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rt.jit.TracerWarning)  # dropout draws numbers: it may
            recorded = rt.jit.trace(WithLoss(module, loss), (target, *inputs), check_trace=False)
    finally:
        rt.set_rng_state(random)
        with rt.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
    seed = int(rt.randint(0, 2**31 - 1, (1,)).item())
    parameters = optimizer.param_groups[0]["params"]
    found: _C._MLComputePlan = _C._mlcompute_plan_training(recorded.graph._core, numbers, parameters, seed)
    return found


def plan(
    module: Any,
    example_inputs: Any,
    loss: Any = None,
    optimizer: Optimizer | None = None,
    example_target: Tensor | None = None,
) -> dict[str, Any]:
    """What `InferenceGraph`, or with a loss and an optimizer `TrainingGraph`, would build, on any machine.

    Args:
        module: a module or a function of tensors; it is run once on the examples, and recorded.
        example_inputs: a tensor, or a tuple of them, of the shapes to come; the first dim is the batch.
        loss: a loss module or function of what the module gives and the target.
        optimizer: an SGD, Adam or AdamW over parameters of the module.
        example_target: a target for the loss.

    Returns:
        A dict: "layers" in the order in which they run, with the numbers of what they read and give in
        "tensors"; "inputs", "labels" and "outputs" are such numbers too. A tensor has a "shape" in MLCompute,
        which is always of four dims, and one "outside"; "output_sizes" are the shapes of what is given.

    Raises:
        NotImplementedError: names everything that MLCompute has no layer for.

    >>> import rustorch as rt
    >>> net = rt.nn.Sequential(rt.nn.Linear(3, 2), rt.nn.ReLU())
    >>> found = rt.mlcompute.plan(net, rt.ones(5, 3))
    >>> [layer["layer"] for layer in found["layers"]]
    ['fully_connected', 'activation']
    >>> [tensor["name"] for tensor in found["tensors"] if tensor["role"] == "weight"]
    ['0.weight', '0.bias']
    """
    if loss is None or optimizer is None or example_target is None:
        if not (loss is None and optimizer is None and example_target is None):
            raise DTypeError.of("mlcompute", "a loss, an optimizer and an example_target go together")
        found = _C._mlcompute_plan_inference(inference_graph(module, example_inputs)._core)
    else:
        found = training_plan(module, loss, optimizer, example_inputs, example_target)
    described: dict[str, Any] = found.describe()
    return described
