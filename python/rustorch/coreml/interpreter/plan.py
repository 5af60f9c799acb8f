"""From blocks of operations to steps that run without looking anything up.

Every value of a function gets a slot in one list. A step is a closure that reads its slots, calls its kernel,
brings the result to the declared type, stores it, and empties the slots that nobody reads any more. Blocks
become steps when they first run, so constants that are never needed are never decoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rustorch import Tensor
from rustorch.coreml.interpreter._ops import KERNELS
from rustorch.coreml.interpreter._ops._limits import check_size
from rustorch.coreml.interpreter.constants import Constant, ConstantPart, ValueConstant
from rustorch.coreml.interpreter.opset import OPS, OpSpec
from rustorch.coreml.interpreter.results import dtype_of, labelled, to_declared
from rustorch.coreml.interpreter.slots import FIRST_VALUE, Ref, Slot, Slots, StateName
from rustorch.coreml.interpreter.steps import Step, StepMaker, constant_argument
from rustorch.coreml.interpreter.types import Precision
from rustorch.coreml.mil.program import Binding, Block, Function, NamedType, Operation
from rustorch.coreml.mil.types import StateType, TensorType, ValueType
from rustorch.errors import ArgumentError, OpError, UnsupportedOperation

__all__ = ["BlockPlan", "BoundOperation", "FunctionPlan", "plan_function"]

# Nested deeper than any program a converter makes; Python's own stack ends not far beyond.
_MAX_DEPTH = 64
_CONTROL = ("cond", "while_loop", "read_state", "write_state")


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
        """Its name in messages: the type, and the names of its results."""
        names = ", ".join(output.name for output in self.operation.outputs)
        return f"{self.operation.type} '{names}'"


class BlockPlan:
    """A block: slots of its inputs, what it returns, and its steps once it has run."""

    def __init__(self, maker: StepMaker, inputs: list[Slot]) -> None:
        self.inputs = inputs
        self.outputs: list[Ref] = []
        self.operations: list[BoundOperation] = []
        self.locals: list[int] = [slot.index for slot in inputs]
        self._maker = maker
        self._steps: list[Step] | None = None

    def run(self, slots: Slots) -> None:
        """Runs all steps; what fails says in which operation."""
        steps = self._steps
        if steps is None:
            steps = self._steps = [self._maker.step(bound) for bound in self.operations]
        done = 0
        try:
            for step in steps:
                step(slots)
                done += 1
        except Exception as error:
            raise labelled(self.operations[done].label, error) from error

    def results(self, slots: Slots) -> list[Any]:
        """What the block returns; its own slots are emptied."""
        values = [self._maker.value(ref, slots) for ref in self.outputs]
        for index in self.locals:
            slots[index] = None
        return values


@dataclass
class FunctionPlan:
    """A function ready to run."""

    block: BlockPlan
    inputs: dict[str, Slot]
    states: dict[str, TensorType]
    outputs: dict[str, Ref]
    slot_count: int


class _Builder:
    """Resolves the names of one function."""

    def __init__(self, precision: Precision, device: str) -> None:
        self.precision = precision
        self.device = device
        self.steps = StepMaker(precision, device)
        self.slot_count = FIRST_VALUE
        self.unknown: dict[str, None] = {}

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
        plan = BlockPlan(self.steps, inputs)
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
        for named in operation.outputs:
            if isinstance(named.type, TensorType) and named.type.is_static:
                check_size(label, named.type.static_shape)
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
                constant_argument(constants.get(name), parameter, kernel.half, "float16", self.device)
                for name, parameter in spec.parameters.items()
            ]
            try:
                results = kernel.compute(*values)
            except Exception as error:
                raise labelled(label, error) from error
            # What is kept is the decoded weight alone.
            for constant in constants.values():
                constant.forget()
            results = results if isinstance(results, tuple) else (results,)
            if len(results) != len(types):
                raise OpError.of(f"in {label}", f"{len(results)} results", f"{len(types)} declared")
            return tuple(
                to_declared(result, type, dtype_of(type, "float16")) for result, type in zip(results, types)
            )

        for index, named in enumerate(operation.outputs):
            self.define(scope, named, ConstantPart(named.type, decode, index))


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
