"""From blocks of operations to steps that run without looking anything up.

Every value of a function gets a slot in one list. A step is a closure that reads its slots, calls its kernel,
brings the result to the declared type, stores it, and empties the slots that nobody reads any more. Blocks
become steps when they first run, so constants that are never needed are never decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops import KERNELS
from rustorch.coreml.interpreter.constants import Constant, ConstantPart, ValueConstant, convert
from rustorch.coreml.interpreter.opset import OPS, OpSpec, Parameter
from rustorch.coreml.interpreter.registry import Kernel
from rustorch.coreml.interpreter.types import Precision, is_half, storage_dtype
from rustorch.coreml.mil.program import Binding, Block, Function, NamedType, Operation
from rustorch.coreml.mil.types import StateType, TensorType, ValueType
from rustorch.errors import ArgumentError, OpError, RustorchError, UnsupportedOperation

__all__ = ["BlockPlan", "FunctionPlan", "Step", "labelled", "plan_function"]

Slots: TypeAlias = "list[Any]"
Step: TypeAlias = Callable[[Slots], None]

# The first slots hold no values of the program.
STATE_SLOT, LOOPS_SLOT, FIRST_VALUE = 0, 1, 2
# Nested deeper than any program a converter makes; Python's own stack ends not far beyond.
_MAX_DEPTH = 64
_CONTROL = ("cond", "while_loop", "read_state", "write_state")


@dataclass(frozen=True)
class Slot:
    """A value that is known when the program runs. `owned`: nobody else holds its memory."""

    index: int
    type: ValueType
    owned: bool


@dataclass(frozen=True)
class StateName:
    """A state of the function."""

    name: str
    type: StateType


Ref: TypeAlias = "Slot | StateName | Constant"


@dataclass
class BoundOperation:
    """An operation whose names are resolved."""

    operation: Operation
    spec: OpSpec
    arguments: dict[str, list[Ref]]
    outputs: list[Slot]
    blocks: list[BlockPlan]
    frees: list[int] = field(default_factory=list)

    @property
    def label(self) -> str:
        names = ", ".join(output.name for output in self.operation.outputs)
        return f"{self.operation.type} '{names}'"


class BlockPlan:
    """A block: slots of its inputs, what it returns, and its steps once it has run."""

    def __init__(self, builder: _Builder, inputs: list[Slot]) -> None:
        self.inputs = inputs
        self.outputs: list[Ref] = []
        self.operations: list[BoundOperation] = []
        self.locals: list[int] = [slot.index for slot in inputs]
        self._builder = builder
        self._steps: list[Step] | None = None

    def run(self, slots: Slots) -> None:
        """Runs all steps; what fails says in which operation."""
        steps = self._steps
        if steps is None:
            steps = self._steps = [self._builder.step(bound) for bound in self.operations]
        done = 0
        try:
            for step in steps:
                step(slots)
                done += 1
        except Exception as error:
            raise labelled(self.operations[done].label, error) from error

    def results(self, slots: Slots) -> list[Any]:
        """What the block returns; its own slots are emptied."""
        values = [self._builder.value(ref, slots) for ref in self.outputs]
        for index in self.locals:
            slots[index] = None
        return values


def labelled(label: str, error: Exception) -> RustorchError:
    """The error with the operation in front of its message."""
    if isinstance(error, RustorchError):
        if error.op.startswith("in "):
            return error
        labelled_error = type(error)(f"in {label}: {error}", op=f"in {label}", got=error.got, hint=error.hint)
        return labelled_error
    return OpError(f"in {label}: {type(error).__name__}: {error}", op=f"in {label}")


@dataclass
class FunctionPlan:
    """A function ready to run."""

    block: BlockPlan
    inputs: dict[str, Slot]
    states: dict[str, TensorType]
    outputs: dict[str, Ref]
    slot_count: int


class _Builder:
    """Makes the plans and steps of one function."""

    def __init__(self, precision: Precision, device: str) -> None:
        self.precision = precision
        self.device = device
        self.slot_count = FIRST_VALUE
        self.unknown: dict[str, None] = {}

    # -- Names to slots.

    def new_slot(self, type: ValueType, owned: bool = False) -> Slot:
        self.slot_count += 1
        return Slot(self.slot_count - 1, type, owned)

    def define(self, scope: dict[str, Ref], named: NamedType, ref: Ref) -> None:
        if named.name in scope:
            raise ArgumentError.of("interpreter", "a value is defined twice", f"'{named.name}'")
        scope[named.name] = ref

    def block(self, block: Block, outer: dict[str, Ref], depth: int) -> BlockPlan:
        if depth > _MAX_DEPTH:
            raise ArgumentError.of("interpreter", f"blocks are nested more than {_MAX_DEPTH} deep")
        scope = dict(outer)
        inputs = [self.new_slot(named.type) for named in block.inputs]
        for named, slot in zip(block.inputs, inputs):
            self.define(scope, named, slot)
        plan = BlockPlan(self, inputs)
        for operation in block.operations:
            self.operation(operation, scope, plan, depth)
        plan.outputs = [self.lookup(name, scope, "the results of a block") for name in block.outputs]
        _free_after_last_use(plan)
        return plan

    def lookup(self, name: str, scope: dict[str, Ref], user: str) -> Ref:
        if name not in scope:
            raise ArgumentError.of("interpreter", f"{user} uses a value that is not defined", f"'{name}'")
        return scope[name]

    def operation(self, operation: Operation, scope: dict[str, Ref], plan: BlockPlan, depth: int) -> None:
        spec = OPS.get(operation.type)
        if spec is None:
            self.unknown[operation.type] = None
            for named in operation.outputs:
                self.define(scope, named, self.new_slot(named.type))
            return
        label = f"{operation.type} '{operation.outputs[0].name if operation.outputs else ''}'"
        if operation.type == "const":
            if len(operation.outputs) != 1 or "val" not in operation.attributes:
                raise ArgumentError.of("interpreter", f"{label} needs one result and a value")
            constant = ValueConstant(operation.attributes["val"], self.precision)
            self.define(scope, operation.outputs[0], constant)
            return
        arguments = {
            name: [self.ref(binding, scope, label) for binding in bindings]
            for name, bindings in operation.inputs.items()
            if bindings and bindings != [""]
        }
        for name, value in operation.attributes.items():
            if name in spec.parameters and name not in arguments:
                arguments[name] = [ValueConstant(value, self.precision)]
        _check_arguments(label, spec, arguments)
        if operation.type.startswith("constexpr_"):
            self.constant_operation(operation, spec, arguments, scope, label)
            return
        owned = operation.type not in _CONTROL and not KERNELS[operation.type].view
        if len(operation.blocks) != (2 if operation.type in ("cond", "while_loop") else 0):
            raise ArgumentError.of("interpreter", f"{label} has {len(operation.blocks)} blocks")
        blocks = [self.block(block, scope, depth + 1) for block in operation.blocks]
        outputs = [self.new_slot(named.type, owned) for named in operation.outputs]
        for named, slot in zip(operation.outputs, outputs):
            self.define(scope, named, slot)
        plan.locals += [slot.index for slot in outputs]
        plan.operations.append(BoundOperation(operation, spec, arguments, outputs, blocks))

    def ref(self, binding: Binding, scope: dict[str, Ref], label: str) -> Ref:
        if isinstance(binding, str):
            return self.lookup(binding, scope, label)
        return ValueConstant(binding, self.precision)

    def constant_operation(
        self,
        operation: Operation,
        spec: OpSpec,
        arguments: dict[str, list[Ref]],
        scope: dict[str, Ref],
        label: str,
    ) -> None:
        """A compressed constant. It is decoded to its declared type whatever the precision."""
        kernel = KERNELS[operation.type]
        constants: dict[str, Constant] = {}
        for name, (ref, *_) in arguments.items():
            if not isinstance(ref, Constant):
                raise ArgumentError.of(
                    "interpreter", f"{label} needs constants", f"a run-time value for {name}"
                )
            constants[name] = ref
        types = [named.type for named in operation.outputs]

        def decode() -> tuple[Tensor, ...]:
            values = [
                self.constant_argument(constants.get(name), parameter, kernel.half, "float16")
                for name, parameter in spec.parameters.items()
            ]
            try:
                results = kernel.compute(*values)
            except Exception as error:
                raise labelled(label, error) from error
            results = results if isinstance(results, tuple) else (results,)
            if len(results) != len(types):
                raise OpError.of(f"in {label}", f"{len(results)} results", f"{len(types)} declared")
            return tuple(
                _to_declared(result, type, _dtype(type, "float16")) for result, type in zip(results, types)
            )

        cache: list[tuple[Tensor, ...]] = []

        def decode_once() -> tuple[Tensor, ...]:
            # Of several results each is asked for in turn: keep what is decoded until then.
            if len(types) == 1:
                return decode()
            if not cache:
                cache.append(decode())
            return cache[0]

        for index, named in enumerate(operation.outputs):
            self.define(scope, named, ConstantPart(named.type, decode_once, index, self.precision))

    # -- Arguments.

    def value(self, ref: Ref, slots: Slots) -> Any:
        """What a block returns for a name."""
        if isinstance(ref, Slot):
            return slots[ref.index]
        if isinstance(ref, StateName):
            return slots[STATE_SLOT][ref.name]
        if isinstance(ref.type, TensorType):
            return ref.tensor(storage_dtype(ref.type.dtype, self.precision), self.device)
        return ref.python()

    def constant_argument(
        self, constant: Constant | None, parameter: Parameter, half: bool, precision: Precision
    ) -> Any:
        if constant is None:
            return parameter.default
        if parameter.kind == "T":
            if not isinstance(constant.type, TensorType):
                raise ArgumentError.of("interpreter", f"{parameter.name} needs a tensor", str(constant.type))
            wide = is_half(constant.type, precision) and not half
            dtype = rt.float32 if wide else storage_dtype(constant.type.dtype, precision)
            return constant.tensor(dtype, self.device)
        return convert(parameter.kind, constant.python())

    def argument(
        self, refs: list[Ref], parameter: Parameter, half: bool, default: Any
    ) -> tuple[Any, Callable[[Slots], Any] | int | None]:
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
            return self.constant_argument(ref, parameter, half, self.precision), None
        if isinstance(ref, StateName):
            raise ArgumentError.of("interpreter", "a state can only be read and written", f"'{ref.name}'")
        index = ref.index
        if parameter.kind == "T":
            if is_half(ref.type, self.precision) and not half:
                return None, lambda slots: slots[index].float()
            return None, index
        if parameter.kind == "L":
            return None, index
        kind = parameter.kind
        return None, lambda slots: convert(kind, slots[index].tolist())

    # -- Steps.

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
        dtypes = [_dtype(slot.type, self.precision) for slot in bound.outputs]
        fixed: list[Any] = []
        found: list[tuple[int, Callable[[Slots], Any] | int]] = []
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


def _check_arguments(label: str, spec: OpSpec, arguments: dict[str, list[Ref]]) -> None:
    extra = [name for name in arguments if name not in spec.parameters]
    missing = [
        name
        for name, parameter in spec.parameters.items()
        if not parameter.optional and name not in arguments
    ]
    if extra or missing:
        what = f"{label} lacks {missing}" if missing else f"{label} does not take {extra}"
        raise ArgumentError.of("interpreter", what, str(sorted(arguments)))


def _free_after_last_use(plan: BlockPlan) -> None:
    """Notes for each operation which of the block's slots nobody reads after it."""
    own = set(plan.locals)
    alive = {ref.index for ref in plan.outputs if isinstance(ref, Slot)}
    for bound in reversed(plan.operations):
        used = _slots_used(bound)
        last = (used | {slot.index for slot in bound.outputs}) - alive
        bound.frees = sorted(last & own)
        alive |= used


def _slots_used(bound: BoundOperation) -> set[int]:
    used = {ref.index for refs in bound.arguments.values() for ref in refs if isinstance(ref, Slot)}
    for block in bound.blocks:
        used |= {ref.index for ref in block.outputs if isinstance(ref, Slot)}
        for inner in block.operations:
            used |= _slots_used(inner)
    return used


# -- The closures. They are what runs: small, and apart for the common cases.


def _finder(value: Any, find: Callable[[Slots], Any] | int | None) -> Callable[[Slots], Any]:
    if find is None:
        return lambda slots: value
    if isinstance(find, int):
        index = find
        return lambda slots: slots[index]
    return find


def _call(
    compute: Callable[..., Any], fixed: list[Any], found: list[tuple[int, Callable[[Slots], Any] | int]]
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


def _dtype(type: ValueType, precision: Precision) -> rt.dtype | None:
    """The dtype that a value of the type is held in; None for what is no tensor."""
    if not isinstance(type, TensorType) or type.dtype.value == "string":
        return None
    return storage_dtype(type.dtype, precision)


def _to_declared(result: Any, type: ValueType, dtype: rt.dtype | None) -> Any:
    """The result in its declared type. Scalars and vectors of one element stand for each other."""
    if dtype is None or not isinstance(type, TensorType) or not isinstance(result, Tensor):
        return result
    if result.dtype is not dtype:
        result = result.to(dtype)
    if type.shape is not None and not _fits(result.shape, type.shape):
        if result.numel() == 1 and type.is_static and type.count == 1:
            return result.reshape(type.static_shape)
        raise OpError.of("result", f"declared as {type}", f"shape {list(result.shape)}")
    return result


def _fits(shape: Sequence[int], declared: tuple[int | None, ...]) -> bool:
    return len(shape) == len(declared) and all(d is None or d == n for n, d in zip(shape, declared))


def _single_result_step(
    call: Callable[[Slots], Any], output: Slot, dtype: rt.dtype | None, frees: list[int]
) -> Step:
    index, type = output.index, output.type
    shape = type.shape if isinstance(type, TensorType) and type.is_static else None

    def plain(slots: Slots) -> None:
        result = call(slots)
        if result.dtype is not dtype or result.shape != shape:
            result = _to_declared(result, type, dtype)
        slots[index] = result
        for free in frees:
            slots[free] = None

    def careful(slots: Slots) -> None:
        slots[index] = _to_declared(call(slots), type, dtype)
        for free in frees:
            slots[free] = None

    return plain if shape is not None and dtype is not None else careful


def _store(
    slots: Slots, outputs: list[Slot], dtypes: list[rt.dtype | None], results: Sequence[Any], frees: list[int]
) -> None:
    if len(results) != len(outputs):
        raise OpError.of("result", f"{len(outputs)} results are declared", str(len(results)))
    for output, dtype, result in zip(outputs, dtypes, results):
        slots[output.index] = _to_declared(result, output.type, dtype)
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


def _cond_step(builder: _Builder, bound: BoundOperation) -> Step:
    (pred,) = bound.arguments["pred"]
    branches = bound.blocks
    dtypes = [_dtype(slot.type, builder.precision) for slot in bound.outputs]

    def step(slots: Slots) -> None:
        branch = branches[0] if _predicate(builder.value(pred, slots)) else branches[1]
        branch.run(slots)
        _store(slots, bound.outputs, dtypes, branch.results(slots), bound.frees)

    return step


def _while_step(builder: _Builder, bound: BoundOperation) -> Step:
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
    dtypes = [_dtype(slot.type, builder.precision) for slot in bound.outputs]

    def enter(block: BlockPlan, slots: Slots, values: list[Any]) -> list[Any]:
        for slot, value in zip(block.inputs, values):
            slots[slot.index] = value
        block.run(slots)
        return block.results(slots)

    def step(slots: Slots) -> None:
        values = [builder.value(ref, slots) for ref in initial]
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


def _write_state_step(builder: _Builder, bound: BoundOperation) -> Step:
    """A write puts another tensor into the state: who has read the old one keeps it."""
    state = _state_of(bound)
    (data,) = bound.arguments["data"]
    owned = isinstance(data, Slot) and data.owned
    dtype = _dtype(state.type.wrapped, builder.precision)

    def step(slots: Slots) -> None:
        value = _to_declared(builder.value(data, slots), state.type.wrapped, dtype)
        slots[STATE_SLOT][state.name] = value if owned else value.clone()
        for output in bound.outputs:
            slots[output.index] = value
        for free in bound.frees:
            slots[free] = None

    return step


def plan_function(function: Function, precision: Precision, device: str) -> FunctionPlan:
    """Resolves the names of a function, in one pass that reads no weights.

    Raises:
        NotImplementedError: if operations are unknown; the message lists all of them.
        ValueError: for programs that make no sense: undefined or twice-defined names, missing arguments.
    """
    builder = _Builder(precision, device)
    scope: dict[str, Ref] = {}
    inputs: dict[str, Slot] = {}
    states: dict[str, TensorType] = {}
    for named in function.inputs:
        if isinstance(named.type, StateType):
            if not isinstance(named.type.wrapped, TensorType):
                raise ArgumentError.of("interpreter", "a state must be a tensor", str(named.type))
            states[named.name] = named.type.wrapped
            builder.define(scope, named, StateName(named.name, named.type))
        else:
            inputs[named.name] = builder.new_slot(named.type)
            builder.define(scope, named, inputs[named.name])
    plan = builder.block(function.block, scope, 0)
    if builder.unknown:
        raise UnsupportedOperation.of(
            "interpreter", "the program has operations that are not supported", ", ".join(builder.unknown)
        )
    # Inputs are freed like other values.
    plan.locals += [slot.index for slot in inputs.values()]
    _free_after_last_use(plan)
    outputs = dict(zip(function.block.outputs, plan.outputs))
    return FunctionPlan(plan, inputs, states, outputs, builder.slot_count)
