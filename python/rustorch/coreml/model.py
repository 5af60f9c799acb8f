"""Core ML models that were loaded, to be looked into and run."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Literal

from rustorch.coreml.mil.program import (
    ArrayFeatureType,
    FeatureDescription,
    FunctionDescription,
    ImageFeatureType,
    Model,
    StateFeatureType,
)
from rustorch.coreml.native import ComputePlan, NativeRunner, unavailable_reason
from rustorch.coreml.quantization import quantization
from rustorch.coreml.reader import Opened, open_model
from rustorch.errors import ArgumentError, DeviceNotAvailable, FormatError, UnsupportedOperation
from rustorch.io.models import ModelMetadata

if TYPE_CHECKING:
    from rustorch.coreml.interpreter import Runner

__all__ = ["CoreMLModel", "StatefulModel"]

# In the order of `ComputeUnits` in csrc/coreml/executor.h.
COMPUTE_UNITS = ("all", "cpu_and_ne", "cpu_and_gpu", "cpu_only")
ENGINES = ("rustorch", "coreml")


class CoreMLModel:
    """A Core ML model, read from its package and run by rustorch's own operations, on any machine.

    Args:
        path: of an `.mlpackage` or `.mlmodelc` directory or an `.mlmodel` file; its content decides.
        engine: "rustorch" (or None) runs the program on our operations; "coreml" runs the model in Core ML,
            on a Mac: it is compiled once, and kept on disk.
        compute_units: "all", "cpu_and_ne", "cpu_and_gpu" or "cpu_only": what Core ML may use. Of no effect on
            the engine "rustorch".
        function: the function to run, of a model that has several; None is the default one.
        precision: "float16" rounds after each operation what the program has in float16; "float32" computes
            that in float32. None is "float16".
        device: that the engine "rustorch" runs on.

    Attributes:
        metadata: what the package says about itself.
        model: the program and its interface, as `read_package` gives it; None where only the metadata can be
            read: compiled models whose program is not text, and the older kinds of models, which can be
            opened if coremltools is installed.
        spec: for the older kinds, the specification as coremltools' own message; None otherwise.

    Raises:
        OSError: where nothing can be read.
        ValueError: (`FormatError`) for packages that break the rules of the format.
        NotImplementedError: for older kinds of models without coremltools.
        RuntimeError: (`DeviceNotAvailable`) for the engine "coreml" where there is no Core ML.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        engine: str | None = None,
        compute_units: str = "all",
        function: str | None = None,
        precision: Literal["float16", "float32"] | None = None,
        device: Any = "cpu",
    ) -> None:
        if compute_units not in COMPUTE_UNITS:
            raise ArgumentError.of(
                "CoreMLModel",
                "compute_units is unknown",
                repr(compute_units),
                f"one of {', '.join(COMPUTE_UNITS)}",
            )
        if engine not in (None, *ENGINES):
            raise ArgumentError.of(
                "CoreMLModel", "engine is unknown", repr(engine), f"one of {', '.join(ENGINES)}"
            )
        if engine == "coreml" and (reason := unavailable_reason()):
            raise DeviceNotAvailable.of(
                "CoreMLModel",
                reason,
                "engine='coreml'",
                "engine='rustorch', which runs the same program on rustorch's operations",
            )
        self.engine, self.compute_units, self.function = engine or "rustorch", compute_units, function
        self.precision, self.device = precision, device
        self.path = os.fspath(path)
        self._lock = threading.Lock()
        # Made, and imported, when it is needed: looking into a model takes none of it.
        self._runner: Runner | NativeRunner | None = None
        try:
            opened = open_model(path)
            self.model, self._refusal = _program(opened)
        except RecursionError:
            raise FormatError.of("load_model", "the model is nested too deeply") from None
        self.kind = opened.kind
        older = self.model is None and opened.format != "mlmodelc"
        self.spec = _older_spec(opened.kind, opened.spec) if older else None
        self.description = self.model.description if self.model is not None else opened.description
        self.metadata = self._metadata(opened.format)

    def _metadata(self, format: str) -> ModelMetadata:
        interface = self._interface()
        described = self.description.metadata
        features = [*interface.inputs, *interface.outputs, *interface.states]
        return ModelMetadata(
            format,
            _size_on_disk(self.path),
            quantization=None if self.model is None else quantization(self.model),
            shapes={item.name: _shape(item) for item in features},
            dtypes={item.name: _dtype(item) for item in features},
            inputs=[item.name for item in interface.inputs],
            outputs=[item.name for item in interface.outputs],
            states=[item.name for item in interface.states],
            author=described.author,
            license=described.license,
            version=described.version,
            description=described.short_description,
            user_defined=dict(described.user_defined),
        )

    def _interface(self) -> FunctionDescription:
        try:
            return self.description.function(self.function)
        except KeyError:
            known = [item.name for item in self.description.functions] or ["main"]
            raise ArgumentError.of(
                "CoreMLModel",
                "the model has no such function",
                repr(self.function),
                f"one of {', '.join(known)}",
            ) from None

    def _prepared(self) -> Runner | NativeRunner:
        with self._lock:
            if self._runner is None and self.engine == "coreml":
                self._runner = NativeRunner(
                    self.path,
                    self.metadata.inputs,
                    self.metadata.outputs,
                    self.compute_units,
                    self.function,
                )
            if self._runner is None:
                if self.model is None:
                    assert self._refusal is not None
                    raise self._refusal
                from rustorch.coreml.interpreter import Runner

                self._runner = Runner(self.model, self.function, self.precision, str(self.device))
            return self._runner

    def predict(
        self, inputs: Mapping[str, Any] | Any = None, *more: Any, state: Any = None
    ) -> dict[str, Any]:
        """Runs the model.

        Args:
            inputs: values by name, or the first of the values in the order of the model's inputs: tensors or
                NumPy arrays.
            more: the other values, where they are not given by name.
            state: what `make_state` made, for models that keep some.

        Returns:
            The outputs by name: NumPy arrays where arrays were given, else tensors.
        """
        return self._prepared().predict(inputs, *more, state=state)

    def predict_async(
        self, inputs: Mapping[str, Any] | Any = None, *more: Any, state: Any = None
    ) -> Future[dict[str, Any]]:
        """Starts a prediction and returns at once.

        Args:
            inputs, more, state: as of `predict`. Arrays and tensors must stay as they are until the result is
                there; a state serves one prediction at a time.

        Returns:
            A `concurrent.futures.Future`: `result()` waits for what `predict` gives, or raises as it does.
        """
        runner = self._prepared()
        if isinstance(runner, NativeRunner):
            return runner.predict_async(inputs, *more, state=state)
        future: Future[dict[str, Any]] = Future()
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                future.set_result(runner.predict(inputs, *more, state=state))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def compute_plan(self) -> ComputePlan:
        """Where Core ML means to run each operation: a list of rows, whose `str` is a table.

        A row is a dict: "operation", "result" (the name of its first result), "runs_on" ("CPU", "GPU", "NE"
        or "-" where Core ML does not say), "could_run_on", and "cost", a share of the whole.

        Raises:
            NotImplementedError: with the engine "rustorch", and before macOS 14.4.
        """
        runner = self._prepared() if self.engine == "coreml" else None
        if not isinstance(runner, NativeRunner):
            raise UnsupportedOperation.of("compute_plan", "only Core ML plans", "engine='rustorch'")
        return runner.compute_plan()

    def make_state(self) -> Any:
        """The state at the start, for `predict`: all zeros."""
        return self._prepared().make_state()

    def stateful(self) -> StatefulModel:
        """The model with a state of its own, which lasts from one prediction to the next."""
        return StatefulModel(self)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}: {self.metadata.dtypes[name]}" for name in self.metadata.inputs)
        return f"CoreMLModel({self.path!r}, ({inputs}) -> ({', '.join(self.metadata.outputs)}))"


class StatefulModel:
    """A model with a state; see `CoreMLModel.stateful`."""

    def __init__(self, model: CoreMLModel) -> None:
        self.model = model
        self.state = model.make_state()

    def predict(self, inputs: Mapping[str, Any] | Any = None, *more: Any) -> dict[str, Any]:
        """As `CoreMLModel.predict`, from the state that the last prediction left."""
        return self.model.predict(inputs, *more, state=self.state)

    def reset(self) -> None:
        """Back to the state at the start."""
        self.state = self.model.make_state()


def _program(opened: Opened) -> tuple[Model | None, UnsupportedOperation | None]:
    """The program, or why there is none to run."""
    try:
        return opened.model(), None
    except UnsupportedOperation as error:
        got = f"a model of kind {opened.kind}" if opened.kind != "mlProgram" else error.got
        hint = error.hint if opened.kind == "mlProgram" else "Core ML on a Mac, through coremltools"
        what = "only ML Programs whose text is there are run here"
        return None, UnsupportedOperation.of("predict", what, got, hint)


def _older_spec(kind: str, data: bytes) -> Any:
    """The specification of an older kind of model, parsed by coremltools; files beside it are not opened."""
    try:
        from coremltools.proto import Model_pb2
    except ImportError:
        raise UnsupportedOperation.of(
            "load_model",
            "only ML Programs are read without coremltools",
            f"a model of kind {kind}",
            "pip install coremltools",
        ) from None
    spec = Model_pb2.Model()
    try:
        spec.ParseFromString(data)
    except Exception as error:
        raise FormatError.of(
            "load_model", "coremltools cannot read the specification", str(error)[:200]
        ) from None
    return spec


def _size_on_disk(path: str) -> int:
    if not os.path.isdir(path):
        return os.path.getsize(path)
    found = 0
    for parent, _, names in os.walk(path):
        found += sum(os.lstat(os.path.join(parent, name)).st_size for name in names)
    return found


def _shape(feature: FeatureDescription) -> tuple[int, ...]:
    kind = feature.type.array if isinstance(feature.type, StateFeatureType) else feature.type
    if isinstance(kind, ImageFeatureType):
        channels = 1 if kind.color_space.startswith("GRAYSCALE") else 3
        return (1, channels, kind.height, kind.width)
    return kind.shape if isinstance(kind, ArrayFeatureType) else ()


def _dtype(feature: FeatureDescription) -> str:
    kind = feature.type.array if isinstance(feature.type, StateFeatureType) else feature.type
    if isinstance(kind, ArrayFeatureType):
        return kind.dtype.numpy_dtype.name if kind.dtype else "unknown"
    if isinstance(kind, ImageFeatureType):
        return f"image {kind.color_space}"
    return type(kind).__name__.removesuffix("FeatureType").lower()
