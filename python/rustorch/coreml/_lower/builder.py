"""Builds a block of MIL: operations with their results' types, constants once each, names that MIL takes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from rustorch.coreml._lower.dynamic import Dimensions
from rustorch.coreml._lower.sizes import Size, ceil_div, is_size
from rustorch.coreml.mil.program import (
    Block,
    DataType,
    Function,
    NamedType,
    Operation,
    StateType,
    TensorType,
    immediate,
)
from rustorch.coreml.mil.types import Array
from rustorch.errors import ArgumentError

__all__ = ["Argument", "Builder", "Var", "broadcast", "type_of"]

# Core ML holds no array of more dimensions.
MAX_RANK = 5
# What float16 holds at most; anything larger would be infinite in the package.
MAX_HALF = 65504.0
MIN_HALF = 2.0**-24
_WORDS = frozenset(
    "any bool program func tensor list dict tuple true false string state bf16 fp16 fp32 fp64 "
    "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split()
)


@dataclass(frozen=True, slots=True)
class Var:
    """A value in the block. Sizes that the inputs' shapes decide are of type `sizes.Size`."""

    name: str
    dtype: DataType
    shape: tuple[int, ...]

    @property
    def rank(self) -> int:
        return len(self.shape)


Argument: TypeAlias = "Var | Sequence[Any] | Array | bool | int | float | str"


def broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that all of them broadcast to."""
    rank = max(map(len, shapes), default=0)
    found = [1] * rank
    for shape in shapes:
        for d, size in enumerate(shape, rank - len(shape)):
            if found[d] == 1:
                found[d] = size
            elif size != 1 and size != found[d]:
                raise ArgumentError.of(
                    "export", "shapes do not broadcast", ", ".join(str(list(s)) for s in shapes)
                )
    return tuple(found)


def type_of(x: Var) -> TensorType:
    """Its type; sizes that the inputs' shapes decide are unknown."""
    return TensorType(x.dtype, tuple(None if is_size(size) else size for size in x.shape))


class Builder:
    """Collects the operations of one function.

    Args:
        opset: the function's, such as "CoreML7".
        float_type: what floating-point numbers are computed in: FLOAT16 or FLOAT32.
    """

    def __init__(self, opset: str, float_type: DataType) -> None:
        self.opset = opset
        self.float_type = float_type
        self.operations: list[Operation] = []
        self._outermost = self.operations  # constants stand there, in sight of all blocks
        self.inputs: list[NamedType] = []
        self._names: set[str] = set()
        self._constants: dict[tuple[Any, ...], Var] = {}
        self._constant_names: set[str] = set()
        self._origin = ""
        self.dimensions = Dimensions(self)

    # ---- Names ----

    def name(self, wanted: str, inside: bool = True) -> str:
        """A name that is free, and that MIL takes: letters, digits and underscores. `inside` of the function
        no word of MIL's text is one."""
        base = re.sub(r"\W", "_", wanted, flags=re.ASCII) or "value"
        if inside and base in _WORDS:
            base += "_"
        if base[0].isdigit():
            base = "_" + base
        name, n = base, 0
        while name in self._names:
            n += 1
            name = f"{base}_{n}"
        self._names.add(name)
        return name

    def at(self, origin: str) -> None:
        """What the next operations come from: their results are named after it."""
        self._origin = origin

    # ---- Values ----

    def input(self, name: str, dtype: DataType, shape: tuple[int, ...]) -> Var:
        """An input of the function."""
        var = Var(self.name(name, inside=False), dtype, shape)
        self.inputs.append(NamedType(var.name, type_of(var)))
        self.dimensions.note(var, is_input=True)
        return var

    def state(self, name: str, shape: tuple[int, ...]) -> Var:
        """What a state of the function holds before it is written. Core ML's states are float16."""
        type = TensorType(DataType.FLOAT16, shape)
        self.inputs.append(NamedType(self.name(name, inside=False), StateType(type)))
        var = Var(self.name(f"{name}_before"), DataType.FLOAT16, shape)
        self.operations.append(Operation("read_state", {"input": [name]}, [NamedType(var.name, type)]))
        return var

    def write(self, name: str, data: Var) -> None:
        """Puts another value into a state."""
        self.operations.append(Operation("write_state", {"input": [name], "data": [data.name]}))

    def constant(self, value: Any, dtype: DataType | None = None, name: str = "") -> Var:
        """A constant of Python numbers, strings, lists of them, or an array; equal small ones are one.

        Raises:
            ValueError: for numbers that the data type cannot hold.
        """
        array = np.asarray(value)
        if dtype is DataType.FLOAT16:
            array = self._half(array, name)
        data = immediate(value if array.dtype.kind in "UO" else array, dtype or self._natural(array))
        key = None
        if array.size <= 64:
            key = (data.type, repr(data.numpy().tolist()))
            if key in self._constants:
                return self._constants[key]
        var = Var(self.name(name or f"{self._origin}_const"), data.type.dtype, tuple(array.shape))
        self._outermost.append(Operation("const", {}, [NamedType(var.name, data.type)], [], {"val": data}))
        self._constant_names.add(var.name)
        if key is not None:
            self._constants[key] = var
        return var

    def is_constant(self, x: Var) -> bool:
        """Whether x is a constant: some arguments have to be."""
        return x.name in self._constant_names

    def _natural(self, array: Array) -> DataType | None:
        if array.dtype.kind == "f":
            return self.float_type
        return DataType.INT32 if array.dtype.kind in "iu" else None

    @staticmethod
    def _half(array: Array, name: str) -> Array:
        if array.dtype == np.float16:
            return array
        with np.errstate(over="ignore", invalid="ignore"):
            half = array.astype(np.float16)
        # Of most weights the ends say all, without a copy; infinite ones stay what they are.
        ends = (float(array.max()), float(array.min())) if array.size else (0.0, 0.0)
        if not all(abs(end) <= MAX_HALF for end in ends):
            wide = np.asarray(array, np.float64)
            most = float(np.abs(wide[np.isfinite(wide)]).max(initial=0.0))
            if most > MAX_HALF:
                raise ArgumentError.of(
                    "export",
                    f"'{name or 'a constant'}' holds numbers beyond float16's {MAX_HALF:g}",
                    f"{most:g}",
                    'precision="float32"',
                )
        return half

    # ---- Operations ----

    def op(
        self,
        type: str,
        shape: Sequence[int],
        dtype: DataType | None = None,
        /,
        name: str = "",
        **inputs: Argument,
    ) -> Var:
        """An operation with one result. Arguments that are no values become constants: floats of the data
        type of the first floating-point argument, integers int32."""
        return self.ops(type, [(tuple(shape), dtype)], name=name, **inputs)[0]

    def ops(
        self,
        type: str,
        results: Sequence[tuple[tuple[int, ...], DataType | None]],
        /,
        name: str = "",
        **inputs: Argument,
    ) -> list[Var]:
        """An operation with several results, each of a shape and a data type: None for that of the first
        argument."""
        given = [v for v in map(_first_var, inputs.values()) if v is not None]
        first = given[0] if given else None
        floats = next((v.dtype for v in given if v.dtype.is_float), self.float_type)
        bound: dict[str, list[Any]] = {}
        for key, value in inputs.items():
            if _first_var(value) is not None:
                listed = [value] if isinstance(value, Var) else list(value)  # type: ignore[arg-type]
                bound[key] = [v.name for v in listed]
            else:
                bound[key] = [self._argument(value, floats).name]
        outputs = []
        for i, (shape, dtype) in enumerate(results):
            if len(shape) > MAX_RANK:
                raise ArgumentError.of(
                    "export",
                    f"Core ML holds arrays of at most {MAX_RANK} dimensions",
                    f"{list(shape)} of {self._origin or type}",
                )
            chosen = dtype or (first.dtype if first else self.float_type)
            label = name or self._origin or type
            outputs.append(Var(self.name(label if i == 0 else f"{label}_{i}"), chosen, tuple(shape)))
        self.operations.append(Operation(type, bound, [NamedType(v.name, type_of(v)) for v in outputs]))
        for v in outputs:
            self.dimensions.note(v)
        return outputs

    def _argument(self, value: Any, floats: DataType) -> Var:
        if isinstance(value, Size):
            return self.dimensions.scalar(value)  # type: ignore[arg-type]
        if isinstance(value, (list, tuple)) and any(map(is_size, value)):
            return self.dimensions.vector(value)
        array = np.asarray(value)
        if array.dtype.kind == "f" and floats is DataType.FLOAT16 and not isinstance(value, np.ndarray):
            # What is added lest a divisor be 0 must not become 0 itself.
            tiny = (array != 0) & (np.abs(array) < MIN_HALF)
            array = np.where(tiny, np.copysign(MIN_HALF, array), array)
        if array.size == 0:
            return self.constant(np.zeros(array.shape, np.int32))
        return self.constant(
            array if array.dtype.kind == "f" else value, floats if array.dtype.kind == "f" else None
        )

    # ---- The commonest ones ----

    def cast(self, x: Var, dtype: DataType) -> Var:
        if x.dtype is dtype:
            return x
        return self.op("cast", x.shape, dtype, x=x, dtype=dtype.value)

    def binary(self, type: str, x: Var, y: Var, dtype: DataType | None = None) -> Var:
        """With broadcasting; both of one data type."""
        return self.op(type, broadcast(x.shape, y.shape), dtype or x.dtype, x=x, y=y)

    def unary(self, type: str, x: Var, dtype: DataType | None = None, **arguments: Any) -> Var:
        return self.op(type, x.shape, dtype, x=x, **arguments)

    def number(self, value: float, like: Var) -> Var:
        """A constant of the data type of `like`."""
        if like.dtype is DataType.BOOL:
            return self.constant(bool(value))
        return self.constant(float(value) if like.dtype.is_float else int(value), like.dtype)

    def reshape(self, x: Var, shape: Sequence[int]) -> Var:
        shape = tuple(shape)
        if shape == x.shape:
            return x
        if not shape:
            return self.op("squeeze", (), x=x) if x.rank else x
        # One size may be left to the operation: one that would have to be computed.
        varying = [d for d, size in enumerate(shape) if is_size(size)]
        sizes = list(shape)
        if varying:
            unknown = [d for d in varying if not self.dimensions.is_known(shape[d])]
            sizes[(unknown or varying)[0]] = -1
        return self.op("reshape", shape, x=x, shape=sizes)

    def transpose(self, x: Var, perm: Sequence[int]) -> Var:
        perm = [p % x.rank for p in perm] if x.rank else []
        if perm == list(range(x.rank)):
            return x
        return self.op("transpose", tuple(x.shape[p] for p in perm), x=x, perm=perm)

    def reduce(
        self, type: str, x: Var, axes: Sequence[int], keep: bool, dtype: DataType | None = None
    ) -> Var:
        axes = sorted(a % x.rank for a in axes) if x.rank else []
        if not axes:
            axes = list(range(x.rank))
        shape = tuple(1 if d in axes else n for d, n in enumerate(x.shape) if keep or d not in axes)
        if not x.rank:
            x = self.op("expand_dims", (1,), x=x, axes=[0])
            axes = [0]
        return self.op(type, shape, dtype, x=x, axes=axes, keep_dims=keep)

    def slice(self, x: Var, dim: int, start: int, end: int, step: int = 1) -> Var:
        """Elements start, start + step, ... before end of one dim."""
        fixed = not (is_size(start) or is_size(end))
        count = len(range(start, end, step)) if fixed else ceil_div(end - start, step)
        shape = tuple(count if d == dim else n for d, n in enumerate(x.shape))
        if shape == x.shape:
            return x
        begin, last, stride = [0] * x.rank, list(x.shape), [1] * x.rank
        begin[dim], last[dim], stride[dim] = start, end, step
        if not any(map(is_size, x.shape)):
            return self.op("slice_by_index", shape, x=x, begin=begin, end=last, stride=stride)
        whole = [d != dim or end == x.shape[dim] for d in range(x.rank)]
        last = [0 if w else n for w, n in zip(whole, last)]
        return self.op("slice_by_index", shape, x=x, begin=begin, end=last, stride=stride, end_mask=whole)

    def full(self, shape: Sequence[int], value: float, dtype: DataType) -> Var:
        """Equal elements."""
        shape = tuple(shape)
        kind: Any = {DataType.BOOL: np.bool_, DataType.INT32: np.int32}.get(dtype, np.float32)
        if not any(map(is_size, shape)):
            return self.constant(np.full(shape, value, kind), dtype)
        filler = DataType.INT32 if dtype is DataType.BOOL else dtype
        number = self.constant(int(value) if filler is DataType.INT32 else float(value), filler)
        sizes = self.dimensions.vector(shape)
        return self.cast(self.op("fill", shape, filler, shape=sizes, value=number), dtype)

    def arange(self, n: int) -> Var:
        """The int32 vector 0, 1, ... n - 1."""
        if not is_size(n):
            return self.constant(np.arange(n, dtype=np.int32))
        return self.op("range_1d", (n,), DataType.INT32, end=n, start=0, step=1)

    def concat(self, values: Sequence[Var], axis: int) -> Var:
        if len(values) == 1:
            return values[0]
        shape = list(values[0].shape)
        shape[axis] = sum(v.shape[axis] for v in values)
        return self.op("concat", shape, values=list(values), axis=axis, interleave=False)

    def expand(self, x: Var, shape: Sequence[int]) -> Var:
        """Broadcast to a shape, with the elements repeated."""
        shape = tuple(shape)
        x = self.reshape(x, (1,) * (len(shape) - x.rank) + x.shape)
        reps = [n if have == 1 else 1 for n, have in zip(shape, x.shape)]
        if math.prod(reps) == 1:
            return x
        return self.op("tile", shape, x=x, reps=reps)

    # ---- Blocks inside of operations ----

    @contextmanager
    def inside(self, operations: list[Operation]) -> Iterator[list[Operation]]:
        """Until the end, operations go into this list: into a block."""
        outer, self.operations = self.operations, operations
        try:
            yield operations
        finally:
            self.operations = outer

    def control(
        self, type: str, inputs: dict[str, list[Var]], blocks: list[Block], results: Sequence[Var]
    ) -> list[Var]:
        """An operation with blocks, which gives values like these."""
        bound: dict[str, list[Any]] = {key: [v.name for v in values] for key, values in inputs.items()}
        outputs = [replace(v, name=self.name(self._origin or type)) for v in results]
        self.operations.append(
            Operation(type, bound, [NamedType(v.name, type_of(v)) for v in outputs], blocks)
        )
        return outputs

    def block_outputs(self, values: Sequence[Var]) -> list[str]:
        """What a block gives, each made in it by an operation of its own: Core ML wants no value from outside
        there, no input of the block and none twice."""
        made = {out.name for operation in self.operations for out in operation.outputs}
        names: list[str] = []
        for value in values:
            if value.name not in made or value.name in names:
                value = self.op("identity", value.shape, value.dtype, x=value)
            names.append(value.name)
        return names

    def function(self, outputs: Sequence[Var]) -> Function:
        """The function that gives these values; what neither they nor states depend on is left out."""
        names = [v.name for v in outputs]
        block = Block(outputs=names, operations=_needed(self.operations, set(names)))
        return Function(self.inputs, self.opset, {self.opset: block})


def _needed(operations: Sequence[Operation], needed: set[str]) -> list[Operation]:
    """Those that make what is needed, to which what they read is added."""
    kept = []
    for operation in reversed(operations):
        if operation.type != "write_state" and not any(out.name in needed for out in operation.outputs):
            continue
        bound = [x for values in operation.inputs.values() for x in values]
        needed.update(x for x in bound if isinstance(x, str))
        if operation.blocks:
            blocks = []
            for block in operation.blocks:
                needed.update(block.outputs)
                blocks.append(replace(block, operations=_needed(block.operations, needed)))
            operation = replace(operation, blocks=blocks)
        kept.append(operation)
    return kept[::-1]


def _first_var(value: Argument) -> Var | None:
    if isinstance(value, Var):
        return value
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], Var):
        return value[0]
    return None
