"""Differentiation: `backward`, `grad`, custom `Function`, checks of gradients, and switches for recording."""

from __future__ import annotations

import warnings
from typing import Any

from rustorch import _C
from rustorch.autograd import anomaly_mode, function, grad_mode, graph
from rustorch.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from rustorch.autograd.function import Function, FunctionCtx
from rustorch.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled
from rustorch.autograd.variable import Variable

__all__ = [
    "Function",
    "FunctionCtx",
    "GradcheckError",
    "Variable",
    "anomaly_mode",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]

_Tensors = Any


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return (x,) if x is None or isinstance(x, (_C.Tensor, graph.GradientEdge)) else tuple(x)


def _zeros_of(x: Any, create_graph: bool) -> Any:
    import rustorch as rt

    zeros = x.node._zeros(x.output_nr) if isinstance(x, graph.GradientEdge) else rt.zeros_like(x)
    # With a graph as if computed: its own gradients are zeros again.
    return zeros.requires_grad_(create_graph)


def _is_leaf(x: Any) -> bool:
    return x.node.name() == "AccumulateGrad" if isinstance(x, graph.GradientEdge) else bool(x.is_leaf)


def _matching_grads(outputs: tuple[Any, ...], grads: Any, what: str) -> tuple[Any, ...]:
    given = (None,) * len(outputs) if grads is None else _as_tuple(grads)
    if len(given) != len(outputs):
        raise RuntimeError(f"{what}: got {len(outputs)} tensors and {len(given)} gradients")
    for g in given:
        if g is not None and not isinstance(g, _C.Tensor):
            raise TypeError(f"{what}: gradients can be either Tensors or None, but got {type(g).__name__}")
    return given


def backward(
    tensors: _Tensors,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds to each leaf's ``.grad`` the gradient of the sum of `tensors`, weighted by `grad_tensors`.

    Args:
        tensors: what to differentiate; a tensor or a sequence.
        grad_tensors: gradients of `tensors`, of their shapes; may be left out for those with one element.
        retain_graph: keep what was saved, so that backward may run again; defaults to `create_graph`.
        create_graph: record the gradients' own computation, for higher derivatives.
        inputs: accumulate into these tensors only.

    Follows ``torch.autograd.backward``.

    >>> import rustorch as rt
    >>> x = rt.tensor([1.0, 2.0], requires_grad=True)
    >>> rt.autograd.backward((x * x).sum())
    >>> x.grad
    tensor([2., 4.])
    """
    outputs = _as_tuple(tensors)
    grads = _matching_grads(outputs, grad_tensors, "backward")
    if create_graph:
        warnings.warn(
            "Using backward() with create_graph=True will create a reference cycle between the parameter and "
            "its gradient which can cause a memory leak. We recommend using autograd.grad when creating the "
            "graph to avoid this. If you have to use this function, make sure to reset the .grad fields of "
            "your parameters to None after use to break the cycle and avoid the leak.",
            stacklevel=2,
        )
    retain = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        _C._run_backward(outputs, grads, (), retain, create_graph, True, True)
        return
    wanted = _as_tuple(inputs)
    if not wanted:
        raise RuntimeError("backward: `inputs` argument to `backward()` cannot be empty.")
    leaves = tuple(t for t in wanted if _is_leaf(t))
    inner = tuple(t for t in wanted if not _is_leaf(t))
    found = _C._run_backward(outputs, grads, leaves + inner, retain, create_graph, True, True)
    for t, g in zip(inner, found[len(leaves) :]):
        if isinstance(t, graph.GradientEdge):
            raise RuntimeError(
                "backward: inputs can only be edges of leaves; got one of an inner node; try autograd.grad"
            )
        if g is not None:
            t._grad = g if t._grad is None else t._grad + g


def grad(
    outputs: _Tensors,
    inputs: _Tensors,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of `outputs` (weighted by `grad_outputs`) with respect to `inputs`.

    Args:
        outputs, inputs: a tensor or a sequence each; inputs need ``requires_grad``.
        grad_outputs: gradients of `outputs`; may be left out for those with one element.
        retain_graph: keep what was saved; defaults to `create_graph`.
        create_graph: make the gradients differentiable.
        allow_unused: give None for an input that the outputs do not depend on, instead of an error.
        is_grads_batched: `grad_outputs` have a leading batch dimension: one gradient a row is computed.
        materialize_grads: zeros in place of None.

    Returns a tuple with one gradient an input. Follows ``torch.autograd.grad``.

    >>> import rustorch as rt
    >>> x = rt.tensor(3.0, requires_grad=True)
    >>> (g,) = rt.autograd.grad(x**2, x, create_graph=True)
    >>> rt.autograd.grad(g, x)
    (tensor(2.),)
    """
    outs, ins = _as_tuple(outputs), _as_tuple(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "grad: Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if not ins:
        raise RuntimeError("grad: `inputs` argument to `grad()` cannot be empty.")
    unused_ok = materialize_grads or bool(allow_unused)
    retain = create_graph if retain_graph is None else retain_graph
    if is_grads_batched:
        batches = _matching_grads(outs, grad_outputs, "grad")
        for i, (b, out) in enumerate(zip(batches, outs)):
            if b is not None and isinstance(out, _C.Tensor) and b.shape[1:] != out.shape:
                raise RuntimeError(
                    "grad: If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                    "as the batch dimension, and the others must be those of the output; got a shape of "
                    f"{tuple(b.shape)} for grad_output[{i}] and {tuple(out.shape)} for output[{i}]"
                )
        rows = [b.unbind(0) if b is not None else None for b in batches]
        count = next(len(r) for r in rows if r is not None)
        each = [
            grad(
                outs,
                ins,
                tuple(None if r is None else r[i] for r in rows),
                retain_graph=True if i + 1 < count else retain,
                create_graph=create_graph,
                allow_unused=unused_ok,
                materialize_grads=materialize_grads,
            )
            for i in range(count)
        ]
        import rustorch as rt

        return tuple(None if g[0] is None else rt.stack(g) for g in zip(*each))
    grads = _matching_grads(outs, grad_outputs, "grad")
    found = _C._run_backward(outs, grads, ins, retain, create_graph, unused_ok, False)
    if materialize_grads:
        found = tuple(_zeros_of(t, create_graph) if g is None else g for g, t in zip(found, ins))
    return tuple(found)


def __getattr__(name: str) -> Any:
    # For whole Jacobians, imported on first use.
    import importlib

    if name == "functional":
        return importlib.import_module("rustorch.autograd.functional")
    raise AttributeError(f"module 'rustorch.autograd' has no attribute {name!r}")


# Last, as it needs `grad`. The function takes the place of its module of the same name, as in PyTorch.
from rustorch.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck  # noqa: E402
