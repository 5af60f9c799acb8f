"""Models run by Core ML itself, on a Mac: compiled once, kept on disk, inputs wrapped rather than copied.

`CoreMLModel(path, engine="coreml")` is the way in. None of this has run on a Mac yet (`docs/verified.md`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import rustorch as rt
from rustorch import _C, Tensor
from rustorch.errors import ArgumentError

__all__ = ["ComputePlan", "NativeRunner", "compiled_model", "unavailable_reason"]

# That compiled models take on the disk.
MAX_BYTES = 8 << 30
_ATTEMPTS = 5


def unavailable_reason() -> str | None:
    """Why Core ML cannot be used here; None where it can.

    >>> import sys
    >>> from rustorch.coreml.native import unavailable_reason
    >>> sys.platform == "darwin" or "Core ML" in unavailable_reason()
    True
    """
    reason: str | None = _C._native_models_why_not()
    return reason


def cache_folder() -> str:
    """Where compiled models are kept: below `RUSTORCH_CACHE`, or with the user's caches."""
    base = os.environ.get("RUSTORCH_CACHE") or os.path.expanduser("~/Library/Caches/rustorch")
    return os.path.join(base, "coreml-models")


def _digest(path: str, version: str) -> str:
    """Of a package's files, by what is in them, and of the system that compiles them."""
    digest = hashlib.sha256(version.encode())
    files = [path]
    if os.path.isdir(path):
        files = [os.path.join(parent, name) for parent, _, names in os.walk(path) for name in names]
    for file in sorted(files):
        size = os.path.getsize(file)
        digest.update(f"\0{os.path.relpath(file, path)}\0{size}\0".encode())
        with open(file, "rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:32]


def compiled_model(
    path: str,
    version: str,
    compile: Callable[[str, str], None],
    folder: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> str:
    """The compiled form of a package: `path` itself if it is one, else from the cache, else made now.

    Args:
        path: of an `.mlpackage`, `.mlmodel` or `.mlmodelc`.
        version: of the system and its compiler; what others have compiled is not used.
        compile: called with the package and where its compiled form is to be.
        folder: of the cache, a `ProgramCache`; `cache_folder()` if it is not given.
        max_bytes: that compiled models take; the least recently used go first.

    Returns:
        The path of an `.mlmodelc`. Processes that compile the same model at a time get in nobody's way. A
        model that is open stays usable when it leaves the cache: its files are mapped.
    """
    from rustorch.coreml.engine import ProgramCache

    if os.path.isdir(path) and os.path.exists(os.path.join(path, "coremldata.bin")):
        return path
    cache = ProgramCache(folder or cache_folder(), max_bytes)
    return cache.load(_digest(path, version), lambda made: compile(path, str(made)), str)


def opened_model(path: str, compute_units: str, function: str) -> tuple[str, Any]:
    """The path of a model's compiled form, and what Core ML made of it."""
    version = _C._native_models_version()
    for attempt in range(_ATTEMPTS):
        compiled = compiled_model(path, version, _C._native_models_compile)
        try:
            return compiled, _C._native_models_open(compiled, compute_units, function)
        except Exception:
            # Another process may have made room in the meantime; then it is compiled once more.
            if attempt == _ATTEMPTS - 1 or compiled == path or os.path.isdir(compiled):
                raise
    raise AssertionError("the last attempt raises")


class ComputePlan(list[dict[str, Any]]):
    """Rows of a report, one an operation; `str` shows them as a table."""

    def __init__(self, rows: Sequence[dict[str, Any]], table: str) -> None:
        super().__init__(rows)
        self._table = table

    def __str__(self) -> str:
        return self._table


class NativeRunner:
    """One function of a model in Core ML, with the interface of the interpreter's `Runner`.

    Args:
        path: of the model.
        inputs: the names of its inputs, in their order.
        outputs: the names of its outputs, in their order.
        compute_units: "all", "cpu_and_ne", "cpu_and_gpu" or "cpu_only".
        function: a function's name, or None for the default one.

    Raises:
        RuntimeError: (`DeviceNotAvailable`) without Core ML, and for whatever it refuses.
    """

    def __init__(
        self,
        path: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        compute_units: str = "all",
        function: str | None = None,
    ) -> None:
        self.compiled, self._model = opened_model(path, compute_units, function or "")
        self._inputs, self._outputs = list(inputs), list(outputs)

    def make_state(self) -> Any:
        """The state at the start, for `predict`. It stays in Core ML, and cannot be looked into here."""
        return self._model.make_state()

    def predict(
        self, inputs: Mapping[str, Any] | Any = None, *more: Any, state: Any = None
    ) -> dict[str, Any]:
        """Runs the model; see `CoreMLModel.predict`."""
        tensors, as_tensors = self._given(inputs, more)
        return self._results(self._model.predict(tensors, state), as_tensors)

    def predict_async(
        self, inputs: Mapping[str, Any] | Any = None, *more: Any, state: Any = None
    ) -> Future[dict[str, Any]]:
        """Starts a prediction and returns at once; see `CoreMLModel.predict_async`."""
        tensors, as_tensors = self._given(inputs, more)
        future: Future[dict[str, Any]] = Future()
        future.set_running_or_notify_cancel()

        def done(outputs: dict[str, Tensor] | None, error: BaseException | None) -> None:
            if outputs is None:
                future.set_exception(error)
                return
            try:
                future.set_result(self._results(outputs, as_tensors))
            except BaseException as trouble:  # or nobody would ever know
                future.set_exception(trouble)

        self._model.predict_async(tensors, state, done)
        return future

    def compute_plan(self) -> ComputePlan:
        """Where each operation would run; see `CoreMLModel.compute_plan`."""
        return ComputePlan(*self._model.report())

    def _given(self, inputs: Any, more: tuple[Any, ...]) -> tuple[dict[str, Tensor], bool]:
        if isinstance(inputs, Mapping) and not more:
            given = dict(inputs)
        else:
            values = (*((inputs,) if inputs is not None else ()), *more)
            if len(values) > len(self._inputs) or isinstance(inputs, Mapping):
                raise ArgumentError.of("predict", f"takes the inputs {self._inputs}", str(len(values)))
            given = dict(zip(self._inputs, values))
        unknown = [name for name in given if name not in self._inputs]
        if unknown:
            raise ArgumentError.of("predict", f"takes no inputs {unknown}", hint=str(self._inputs))
        as_tensors = any(isinstance(value, Tensor) for value in given.values())
        return {name: rt.as_tensor(value).detach() for name, value in given.items()}, as_tensors

    def _results(self, outputs: dict[str, Tensor], as_tensors: bool) -> dict[str, Any]:
        names = [name for name in self._outputs if name in outputs]
        return {name: outputs[name] if as_tensors else outputs[name].numpy() for name in names}
