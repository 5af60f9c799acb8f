"""The steps that run: closures that read slots, call a kernel, and store what it gives.

They are small, and apart for the common cases: what they take is what an operation costs beside its kernel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops import KERNELS
from rustorch.coreml.interpreter.constants import Constant, check_count, convert
from rustorch.coreml.interpreter.opset import Parameter
from rustorch.coreml.interpreter.registry import Kernel
from rustorch.coreml.interpreter.results import dtype_of, labelled, to_declared
from rustorch.coreml.interpreter.slots import LOOPS_SLOT, STATE_SLOT, Ref, Slot, Slots, StateName
from rustorch.coreml.interpreter.types import Precision, is_half, storage_dtype
from rustorch.coreml.mil.types import TensorType
from rustorch.errors import ArgumentError, OpError

if TYPE_CHECKING:
    from rustorch.coreml.interpreter.plan import BlockPlan, BoundOperation

__all__ = ["Step", "StepMaker", "constant_argument"]

Step: TypeAlias = Callable[[Slots], None]
# Where an argument is found: in a slot, or by a function of the slots.
Find: TypeAlias = "Callable[[Slots], Any] | int"


def constant_argument(
    constant: Constant | None, parameter: Parameter, half: bool, precision: Precision, device: str
) -> Any:
    """A constant as the kernel takes it; none is the default."""
    if constant is None:
        return parameter.default
    if parameter.kind == "T":
        if not isinstance(constant.type, TensorType):
            raise ArgumentError.of("interpreter", f"{parameter.name} needs a tensor", str(constant.type))
        wide = is_half(constant.type, precision) and not half
        dtype = rt.float32 if wide else storage_dtype(constant.type.dtype, precision)
        return constant.tensor(dtype, device)
    if isinstance(constant.type, TensorType):
        check_count(parameter.name, constant.type.count)
    return convert(parameter.kind, constant.python())


class StepMaker:
    """Makes steps for one precision and device."""

    def __init__(self, precision: Precision, device: str) -> None:
        self.precision = precision
        self.device = device

    def value(self, ref: Ref, slots: Slots) -> Any:
        """What a block returns for a name."""
        if isinstance(ref, Slot):
            return slots[ref.index]
        if isinstance(ref, StateName):
            return slots[STATE_SLOT][ref.name]
        if isinstance(ref.type, TensorType):
            return ref.tensor(storage_dtype(ref.type.dtype, self.precision), self.device)
        return ref.python()

    def argument(
        self, refs: list[Ref], parameter: Parameter, half: bool, default: Any
    ) -> tuple[Any, Find | None]:
        """A constant argument and None, or how to find it in the slots: where it lies, or a function."""
        if not refs:
            return default, None
        if parameter.kind.startswith("V"):
            single = Parameter(
                parameter.name, (parameter.kind[1:] or "T").replace("I", "i").replace("B", "b"), False, None
            )
            parts = [self.argument([ref], single, half, None) for ref in refs]
            if all(find is None for _, find in parts):
                return [value for value, _ in parts], None
            finders = [_finder(value, find) for value, find in parts]
            return None, lambda slots: [find(slots) for find in finders]
        if len(refs) != 1:
            raise ArgumentError.of("interpreter", f"{parameter.name} takes one value", f"{len(refs)}")
        ref = refs[0]
        if isinstance(ref, Constant):
            return constant_argument(ref, parameter, half, self.precision, self.device), None
        if isinstance(ref, StateName):
            raise ArgumentError.of("interpreter", "a state can only be read and written", f"'{ref.name}'")
        index = ref.index
        if parameter.kind == "T":
            if is_half(ref.type, self.precision) and not half:
                return None, lambda slots: slots[index].float()
            return None, index
        if parameter.kind == "L":
            return None, index
        kind, name = parameter.kind, parameter.name

        def read(slots: Slots) -> Any:
            check_count(name, slots[index].numel())
            return convert(kind, slots[index].tolist())

        return None, read

    def step(self, bound: BoundOperation) -> Step:
        """The step of one operation."""
        try:
            if bound.operation.type == "cond":
                return _cond_step(self, bound)
            if bound.operation.type == "while_loop":
                return _while_step(self, bound)
            if bound.operation.type == "read_state":
                return _read_state_step(bound)
            if bound.operation.type == "write_state":
                return _write_state_step(self, bound)
            return self.kernel_step(bound, KERNELS[bound.operation.type])
        except Exception as error:
            raise labelled(bound.label, error) from error

    def kernel_step(self, bound: BoundOperation, kernel: Kernel) -> Step:
        """The step of an operation that a kernel computes."""
        dtypes = [dtype_of(slot.type, self.precision) for slot in bound.outputs]
        fixed: list[Any] = []
        found: list[tuple[int, Find]] = []
        for position, (name, parameter) in enumerate(bound.spec.parameters.items()):
            default = self.default(parameter, bound)
            value, find = self.argument(bound.arguments.get(name, []), parameter, kernel.half, default)
            fixed.append(value)
            if find is not None:
                found.append((position, find))
        for want in kernel.wants:
            fixed.append({"outputs": dtypes, "device": self.device}[want])
        call = _call(kernel.compute, fixed, found)
        if len(bound.outputs) == 1:
            return _single_result_step(call, bound.outputs[0], dtypes[0], bound.frees)
        return _results_step(call, bound.outputs, dtypes, bound.frees)

    def default(self, parameter: Parameter, bound: BoundOperation) -> Any:
        """A default; what keeps away from 0 is rounded to the type of x, where it may be 0."""
        if parameter.kind == "e" and any(
            is_half(ref.type, self.precision) for ref in bound.arguments.get("x", [])
        ):
            return rt.tensor(parameter.default, dtype=rt.float16).item()
        return parameter.default


def _finder(value: Any, find: Find | None) -> Callable[[Slots], Any]:
    if find is None:
        return lambda slots: value
    if isinstance(find, int):
        index = find
        return lambda slots: slots[index]
    return find


def _call(
    compute: Callable[..., Any], fixed: list[Any], found: list[tuple[int, Find]]
) -> Callable[[Slots], Any]:
    if len(found) == 1 and found[0][0] == 0 and isinstance(found[0][1], int):
        first, rest = found[0][1], tuple(fixed[1:])
        if not rest:
            return lambda slots: compute(slots[first])
        return lambda slots: compute(slots[first], *rest)
    if [position for position, _ in found] == [0, 1]:
        first_find, second_find = found[0][1], found[1][1]
        if isinstance(first_find, int) and isinstance(second_find, int):
            a, b, rest = first_find, second_find, tuple(fixed[2:])
            return lambda slots: compute(slots[a], slots[b], *rest)
    finders = [(position, _finder(None, find)) for position, find in found]

    def call(slots: Slots) -> Any:
        arguments = fixed.copy()
        for position, find in finders:
            arguments[position] = find(slots)
        return compute(*arguments)

    return call


def _single_result_step(
    call: Callable[[Slots], Any], output: Slot, dtype: rt.dtype | None, frees: list[int]
) -> Step:
    index, type = output.index, output.type
    shape = type.shape if isinstance(type, TensorType) and type.is_static else None

    def plain(slots: Slots) -> None:
        result = call(slots)
        if result.dtype is not dtype or result.shape != shape:
            result = to_declared(result, type, dtype)
        slots[index] = result
        for free in frees:
            slots[free] = None

    def careful(slots: Slots) -> None:
        slots[index] = to_declared(call(slots), type, dtype)
        for free in frees:
            slots[free] = None

    return plain if shape is not None and dtype is not None else careful


def _store(
    slots: Slots, outputs: list[Slot], dtypes: list[rt.dtype | None], results: Sequence[Any], frees: list[int]
) -> None:
    if len(results) != len(outputs):
        raise OpError.of("result", f"{len(outputs)} results are declared", str(len(results)))
    for output, dtype, result in zip(outputs, dtypes, results):
        slots[output.index] = to_declared(result, output.type, dtype)
    for free in frees:
        slots[free] = None


def _results_step(
    call: Callable[[Slots], Any], outputs: list[Slot], dtypes: list[rt.dtype | None], frees: list[int]
) -> Step:
    def step(slots: Slots) -> None:
        results = call(slots)
        _store(slots, outputs, dtypes, results if isinstance(results, tuple) else (results,), frees)

    return step


def _predicate(value: Any) -> bool:
    if not isinstance(value, Tensor) or value.numel() != 1:
        raise OpError.of("condition", "one bool is needed", str(value))
    return bool(value)


def _cond_step(maker: StepMaker, bound: BoundOperation) -> Step:
    (pred,) = bound.arguments["pred"]
    branches = bound.blocks
    dtypes = [dtype_of(slot.type, maker.precision) for slot in bound.outputs]

    def step(slots: Slots) -> None:
        branch = branches[0] if _predicate(maker.value(pred, slots)) else branches[1]
        branch.run(slots)
        _store(slots, bound.outputs, dtypes, branch.results(slots), bound.frees)

    return step


def _while_step(maker: StepMaker, bound: BoundOperation) -> Step:
    initial = bound.arguments["loop_vars"]
    condition, body = bound.blocks
    if not len(condition.inputs) == len(body.inputs) == len(initial) == len(body.outputs):
        raise ArgumentError.of(
            "while_loop",
            "condition and body need an input for each variable, and the body a result",
            f"{len(initial)} variables, {len(condition.inputs)} and {len(body.inputs)} inputs, "
            f"{len(body.outputs)} results",
        )
    if len(condition.outputs) != 1:
        raise ArgumentError.of("while_loop", "the condition needs one result", str(len(condition.outputs)))
    dtypes = [dtype_of(slot.type, maker.precision) for slot in bound.outputs]

    def enter(block: BlockPlan, slots: Slots, values: list[Any]) -> list[Any]:
        for slot, value in zip(block.inputs, values):
            slots[slot.index] = value
        block.run(slots)
        return block.results(slots)

    def step(slots: Slots) -> None:
        values = [maker.value(ref, slots) for ref in initial]
        while _predicate(enter(condition, slots, values)[0]):
            slots[LOOPS_SLOT] -= 1
            if slots[LOOPS_SLOT] < 0:
                raise OpError.of("while_loop", "the loop did not end", hint="a greater max_iterations")
            values = enter(body, slots, values)
        _store(slots, bound.outputs, dtypes, values, bound.frees)

    return step


def _state_of(bound: BoundOperation) -> StateName:
    (ref,) = bound.arguments["input"]
    if not isinstance(ref, StateName):
        raise ArgumentError.of(bound.operation.type, "input must be a state of the function")
    return ref


def _read_state_step(bound: BoundOperation) -> Step:
    name = _state_of(bound).name
    (output,) = bound.outputs
    frees = bound.frees

    def step(slots: Slots) -> None:
        slots[output.index] = slots[STATE_SLOT][name]
        for free in frees:
            slots[free] = None

    return step


def _write_state_step(maker: StepMaker, bound: BoundOperation) -> Step:
    """A write puts another tensor into the state: who has read the old one keeps it."""
    state = _state_of(bound)
    (data,) = bound.arguments["data"]
    owned = isinstance(data, Slot) and data.owned
    dtype = dtype_of(state.type.wrapped, maker.precision)

    def step(slots: Slots) -> None:
        value = to_declared(maker.value(data, slots), state.type.wrapped, dtype)
        slots[STATE_SLOT][state.name] = value if owned else value.clone()
        for output in bound.outputs:
            slots[output.index] = value
        for free in bound.frees:
            slots[free] = None

    return step
