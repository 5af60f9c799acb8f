"""compile(): a module or function as one program, ready to be called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.engine._compiler import load_model
from rustorch.coreml.engine._config import CoreMLBackendConfig, settings
from rustorch.coreml.exporting import to_model
from rustorch.errors import DTypeError, TensorShapeMismatch
from rustorch.jit import Graph, ScriptFunction, ScriptModule

if TYPE_CHECKING:
    from rustorch._C import GraphValue, _CoreMLProgram
    from rustorch.coreml.exporting import Exportable

__all__ = ["CompiledFunction", "compile"]


class CompiledFunction:
    """A program that is called like the function that it was made from; made by `compile`.

    Weights are those of the time when it was made, and no gradients flow.
    """

    def __init__(self, program: _CoreMLProgram, graph: Graph) -> None:
        self._program = program
        self._inputs: Sequence[GraphValue] = graph.inputs
        self._outputs = [(tuple(v.shape), v.dtype) for v in graph.outputs]
        self._graph = graph

    @property
    def inputs(self) -> dict[str, tuple[Any, tuple[int, ...]]]:
        """Dtype and shape of each input, by name."""
        return {v.name: (v.dtype, tuple(v.shape)) for v in self._inputs}

    def __call__(self, *inputs: Any, **kwargs: Any) -> Any:
        """Runs the program on tensors of the CPU or of "coreml"; results are where the first input is.

        Raises:
            TypeError: for inputs of another structure.
            ValueError: (`TensorShapeMismatch`) for other shapes or dtypes than those it was made for.
        """
        return self._graph._fill(inputs, kwargs, self._run)

    def _run(self, given: list[Tensor]) -> list[Tensor]:
        for value, tensor in zip(self._inputs, given):
            if tensor.dtype != value.dtype or tuple(tensor.shape) != tuple(value.shape):
                raise TensorShapeMismatch.of(
                    "coreml",
                    f"input '{value.name}' of the program is {value.dtype} of shape {list(value.shape)}",
                    f"{tensor.dtype} of shape {list(tensor.shape)}",
                    "rustorch.coreml.compile with such an input",
                )
            if tensor.device.type not in ("cpu", "coreml"):
                raise DTypeError.of(
                    "coreml", f"input '{value.name}' is on {tensor.device}", "", 'to("coreml") or cpu()'
                )
        device = given[0].device if given else rt.device("cpu")
        results = [rt.empty(shape, dtype=dtype, device=device) for shape, dtype in self._outputs]
        self._program.predict([t.detach() for t in given], results)
        return results

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {dtype}{list(shape)}" for name, (dtype, shape) in self.inputs.items())
        return f"CompiledFunction({inputs})"


def compile(
    module: Exportable,
    example_inputs: Any = (),
    *,
    precision: Literal["float16", "float32"] | None = None,
    config: CoreMLBackendConfig | None = None,
) -> CompiledFunction:
    """Makes one program of a module or function, by way of the engine's cache.

    Args:
        module: a module (call `eval()` on it first), a function, or what `rustorch.jit.trace` gave.
        example_inputs: a tensor or a tuple of them, as for `rustorch.jit.trace`; not looked at for what was
            recorded already.
        precision: that it computes in; by default that of the configuration.
        config: by default the one in force.

    Raises:
        NotImplementedError: (`UnsupportedOperation`) naming all ops that Core ML has nothing for.
        RuntimeError: (`DeviceNotAvailable`) where nobody runs programs, (`ModelCompilationFailed`) where the
            program is not accepted.

    >>> import rustorch as rt
    >>> net = rt.nn.Sequential(rt.nn.Linear(4, 3), rt.nn.ReLU()).eval()
    >>> with rt.coreml.use_reference():
    ...     fast = rt.coreml.compile(net, rt.ones(2, 4))
    ...     y = fast(rt.ones(2, 4))
    >>> rt.allclose(y, net(rt.ones(2, 4)), atol=1e-2)
    True
    """
    chosen = config or settings.config
    if precision is not None:
        chosen = replace(chosen, precision=precision)
    if not isinstance(module, (Graph, ScriptModule, ScriptFunction)) and callable(module):
        with rt.no_grad():
            module = rt.jit.trace(module, example_inputs)
    model = to_model(module, example_inputs, precision=chosen.precision)
    recorded: Any = module
    graph: Graph = recorded if isinstance(recorded, Graph) else recorded.graph
    return CompiledFunction(load_model(model, chosen), graph)
