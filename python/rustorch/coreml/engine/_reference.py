"""rustorch's interpreter of Core ML programs in the place of Core ML."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import Any

import rustorch as rt
from rustorch import _C, Tensor
from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil.program import BlobFileValue, Model
from rustorch.coreml.reader import read_package
from rustorch.errors import InferenceFailed, ModelCompilationFailed, RustorchError
from rustorch.selector import _machine

__all__ = ["ReferenceExecutor", "use_reference"]

Feature = tuple[str, Any, tuple[int, ...]]


class ReferenceExecutor:
    """Compiles by checking, and runs on the CPU."""

    name = "rustorch's interpreter"

    @property
    def version(self) -> str:
        """Other versions may take other programs."""
        return str(rt.__version__)

    def compile(self, package: str, compiled: str) -> None:
        """A package that can be run is its own compiled form."""
        try:
            Runner(read_package(package))
        except RustorchError as error:
            raise ModelCompilationFailed.of("coreml", str(error)) from error
        shutil.copytree(package, compiled)

    def load(
        self, compiled: str, inputs: Sequence[Feature], outputs: Sequence[Feature], units: int
    ) -> Callable[[list[Tensor], list[Tensor]], None]:
        """The program as a function that fills the outputs."""
        model = read_package(compiled)
        _hold(model)
        return _Program(Runner(model), [name for name, _, _ in inputs], [name for name, _, _ in outputs])


class _Program:
    def __init__(self, runner: Runner, inputs: list[str], outputs: list[str]) -> None:
        self.runner, self.inputs, self.outputs = runner, inputs, outputs

    def __call__(self, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        try:
            found = self.runner.predict(dict(zip(self.inputs, inputs)))
        except RustorchError as error:
            raise InferenceFailed.of("coreml", str(error)) from error
        for name, tensor in zip(self.outputs, outputs):
            tensor.copy_(rt.as_tensor(found[name]).reshape(tensor.shape))


def _hold(model: Model) -> None:
    """Opens the files of weights: what is open can be read even when the cache drops the entry."""
    for function in model.functions.values():
        for block in function.blocks.values():
            for operation in block.operations:
                for value in operation.attributes.values():
                    if isinstance(value, BlobFileValue):
                        value.numpy()
                        return


class use_reference:
    """Runs programs for Core ML on rustorch's own operations, so that the device "coreml" is available.

    Holds for the process, from the call on; as a context manager, until the block ends. Results are those of
    Core ML's semantics: with the engine's default precision, rounded to float16. Tensors that were made
    meanwhile stay: they can be read and copied, but not computed with.

    Args:
        enabled: False goes back to Core ML, or to none.

    >>> import rustorch as rt
    >>> with rt.coreml.use_reference():
    ...     rt.coreml.is_coreml_available()
    True
    """

    def __init__(self, enabled: bool = True) -> None:
        self._before = _enabled
        _enable(enabled)

    def __enter__(self) -> use_reference:
        return self

    def __exit__(self, *exc: object) -> None:
        _enable(self._before)


_executor = ReferenceExecutor()
_enabled = False


def _enable(enabled: bool) -> None:
    global _enabled
    if enabled != _enabled:
        _enabled = enabled
        _C._coreml_set_executor(_executor if enabled else None)
        _C._coreml_forget()
        _machine.renew()
