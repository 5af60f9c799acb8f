"""Running ML Programs on our own operations, on any device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.inputs import InputSpec, input_specs
from rustorch.coreml.interpreter.plan import FunctionPlan, plan_function
from rustorch.coreml.interpreter.slots import LOOPS_SLOT, STATE_SLOT, Slot
from rustorch.coreml.interpreter.types import Precision, storage_dtype
from rustorch.coreml.mil.program import Model
from rustorch.coreml.mil.types import StateType, TensorType
from rustorch.errors import ArgumentError

__all__ = ["Runner", "State"]


class State(MutableMapping[str, Any]):
    """What a stateful program keeps from one prediction to the next, such as a cache of keys and values.

    A mapping of names to tensors; tensors and arrays of the same shape can be put in. All start as zeros.
    """

    def __init__(self, types: Mapping[str, TensorType], precision: Precision, device: str) -> None:
        self._types = types
        self._dtypes = {name: storage_dtype(type.dtype, precision) for name, type in types.items()}
        self._device = device
        self.tensors: dict[str, Tensor] = {
            name: rt.zeros(type.static_shape, dtype=self._dtypes[name], device=device)
            for name, type in types.items()
        }

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name].clone()

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.tensors:
            raise KeyError(name)
        tensor = rt.as_tensor(value).to(device=self._device, dtype=self._dtypes[name])
        shape = self._types[name].static_shape
        if tuple(tensor.shape) != shape:
            raise ArgumentError.of("state", f"'{name}' has shape {list(shape)}", str(list(tensor.shape)))
        self.tensors[name] = tensor.clone()

    def __delitem__(self, name: str) -> None:
        raise ArgumentError.of("state", "states cannot be removed", name)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tensors)

    def __len__(self) -> int:
        return len(self.tensors)

    def __repr__(self) -> str:
        types = ", ".join(f"{name}: {type}" for name, type in self._types.items())
        return f"State({types})"


class Runner:
    """One function of a model, ready to run.

    It is prepared once: names are resolved and checked at construction, weights are decoded when they are
    first needed. Predictions may run on several threads at a time, if each has a state of its own.

    Args:
        model: as read from a package, or built by hand.
        function: its name; None is the model's default function.
        precision: "float16" rounds what the program declares as float16 after every operation, which itself
            computes in float32; "float32" keeps it in float32 throughout. None is "float16".
        device: that it runs on.
        max_iterations: how often loops may go round in one prediction, all together.

    Raises:
        NotImplementedError: if the program has operations that are not known; all are listed.
        ValueError: if the program makes no sense, or has no such function.

    >>> from rustorch.coreml.interpreter import Runner
    >>> from rustorch.coreml.mil import program as mil
    >>> vector = mil.TensorType(mil.DataType.FLOAT32, (3,))
    >>> relu = mil.Operation("relu", {"x": ["x"]}, [mil.NamedType("y", vector)])
    >>> block = mil.Block(outputs=["y"], operations=[relu])
    >>> function = mil.Function([mil.NamedType("x", vector)], "CoreML8", {"CoreML8": block})
    >>> runner = Runner(mil.Model(9, mil.ModelDescription(), mil.Program({"main": function})))
    >>> runner.predict({"x": rt.tensor([-1.0, 0.0, 2.0])})
    {'y': tensor([0., 0., 2.])}
    """

    def __init__(
        self,
        model: Model,
        function: str | None = None,
        precision: Precision | None = None,
        device: str = "cpu",
        max_iterations: int = 1_000_000,
    ) -> None:
        name = function or model.default_function_name
        if name not in model.functions:
            raise ArgumentError.of(
                "Runner", "the model has no such function", f"'{name}'", ", ".join(model.functions)
            )
        if precision not in (None, "float16", "float32"):
            raise ArgumentError.of("Runner", "unknown precision", str(precision), "float16 or float32")
        self.function = name
        self.precision: Precision = precision or "float16"
        self.device = str(device)
        self._max_iterations = max_iterations
        self._plan: FunctionPlan = plan_function(model.functions[name], self.precision, self.device)
        self._inputs: dict[str, InputSpec] = input_specs(model, name, self._plan, self.precision)
        types = {
            output: ref.type.wrapped if isinstance(ref.type, StateType) else ref.type
            for output, ref in self._plan.outputs.items()
        }
        self._numpy_dtypes = {
            output: type.dtype.numpy_dtype for output, type in types.items() if isinstance(type, TensorType)
        }

    @property
    def input_names(self) -> list[str]:
        """The inputs, in the order of the function."""
        return list(self._inputs)

    @property
    def output_names(self) -> list[str]:
        """The outputs, in the order of the function."""
        return list(self._plan.outputs)

    @property
    def state_names(self) -> list[str]:
        """The states that the function reads and writes."""
        return list(self._plan.states)

    def make_state(self) -> State:
        """A state of zeros, for `predict`. Empty if the program keeps none."""
        return State(self._plan.states, self.precision, self.device)

    def predict(
        self, inputs: Mapping[str, Any] | Any = None, *more: Any, state: State | None = None
    ) -> dict[str, Any]:
        """Runs the function.

        Args:
            inputs: values by name, or the first of the values in the order of the function's inputs.
                Tensors, arrays, numbers or nested lists; for an image also an (H, W) or (H, W, 3) array of
                pixels.
            more: the other values, if they are not given by name.
            state: what `make_state` made; it is changed. A stateful program needs one.

        Returns:
            The outputs by name: NumPy arrays, or tensors if any input was a tensor of ours. A classifier's
            label and probabilities come as Python's values.

        Raises:
            ValueError: for missing or unknown inputs, and shapes that the model does not take.
            TypeError: for dtypes that do not fit.
            RuntimeError: if an operation fails; the message names it.
        """
        given = self._given(inputs, more)
        as_tensors = any(isinstance(value, Tensor) for value in given.values())
        slots: list[Any] = [None] * self._plan.slot_count
        slots[LOOPS_SLOT] = self._max_iterations
        slots[STATE_SLOT] = self._tensors_of(state)
        for name, spec in self._inputs.items():
            slots[spec.slot] = spec.tensor(given.get(name), self.device)
        with rt.no_grad():
            self._plan.block.run(slots)
            values = self._plan.block.results(slots)
        results = zip(self._plan.outputs.items(), values)
        return {name: self._output(name, ref, value, as_tensors) for (name, ref), value in results}

    def _given(self, inputs: Any, more: tuple[Any, ...]) -> dict[str, Any]:
        if isinstance(inputs, Mapping):
            if more:
                raise ArgumentError.of("predict", "give all inputs by name, or all by position")
            given = dict(inputs)
        else:
            values = (*((inputs,) if inputs is not None else ()), *more)
            if len(values) > len(self._inputs):
                raise ArgumentError.of("predict", f"takes {len(self._inputs)} inputs", str(len(values)))
            given = dict(zip(self._inputs, values))
        unknown = [name for name in given if name not in self._inputs]
        missing = [name for name, spec in self._inputs.items() if name not in given and not spec.optional]
        if unknown or missing:
            what = f"lacks the inputs {missing}" if missing else f"takes no inputs {unknown}"
            raise ArgumentError.of("predict", what, str(list(given)), str(list(self._inputs)))
        return given

    def _tensors_of(self, state: State | None) -> dict[str, Tensor]:
        if state is None:
            if self._plan.states:
                raise ArgumentError.of(
                    "predict", "the program keeps a state", "none", "state=make_state(), and keep it"
                )
            return {}
        if not isinstance(state, State) or set(state.tensors) != set(self._plan.states):
            raise ArgumentError.of("predict", "state must be what make_state() made", repr(state))
        return state.tensors

    def _output(self, name: str, ref: Any, value: Any, as_tensor: bool) -> Any:
        if not isinstance(value, Tensor):
            return value
        if not (isinstance(ref, Slot) and ref.owned):
            # It may be, or be a view of, an input, a constant or a state.
            value = value.clone()
        if as_tensor:
            return value
        array = value.cpu().numpy()
        declared = self._numpy_dtypes[name]
        if declared.kind in "iu" and array.dtype != declared:
            return array.astype(declared)
        return array
