"""The walk over a graph: each node by its lowering, or by what it is made of; all that is missing at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rustorch.coreml._lower.builder import MAX_HALF, Builder, Var
from rustorch.coreml._lower.interface import input_type
from rustorch.coreml._lower.recording import Step
from rustorch.coreml._lower.recurrent import lower_network
from rustorch.coreml._lower.registry import KERNELS, LOWERINGS, Call, Unsupported
from rustorch.coreml._lower.sizes import Undecided
from rustorch.coreml.mil.program import DataType, FeatureDescription
from rustorch.coreml.shapes import InputShape
from rustorch.errors import ArgumentError, OpError, UnsupportedOperation

if TYPE_CHECKING:
    from rustorch import Tensor
    from rustorch.jit import Graph, Value

__all__ = ["Walk", "add_feed", "check_tensor", "constant_of", "dtype_name", "raise_missing"]

_FLOATS = ("float16", "bfloat16", "float32")
_INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


def dtype_name(value: Value | Tensor) -> str:
    """Such as "float32"."""
    return str(value.dtype).rpartition(".")[2]


def check_tensor(value: Value | Tensor, name: str) -> None:
    """Raises unless Core ML has arrays of this type and shape."""
    if dtype_name(value) not in (*_FLOATS, *_INTEGERS, "bool"):
        raise UnsupportedOperation.of(
            "export",
            "Core ML computes in float32 at most, and has no complex numbers",
            f"'{name}' of {dtype_name(value)}",
            "float() on the module and its inputs",
        )
    if 0 in tuple(value.shape):
        raise ArgumentError.of("export", "Core ML has no empty arrays", f"'{name}'")


def raise_missing(missing: Mapping[str, str]) -> None:
    """Raises if there is anything that has no lowering, naming all of it."""
    if missing:
        lines = [f"{what}{f' at {where}' if where else ''}" for what, where in sorted(missing.items())]
        raise UnsupportedOperation.of(
            "export",
            "Core ML has nothing for these",
            "; ".join(lines),
            "other ops there, or a part of the model",
        )


def _is_plain(tensor: Tensor) -> bool:
    """Whether these are many numbers, all within float16: converting them takes no care, and is the quickest
    by our own kernel."""
    import rustorch as rt

    if tensor.dtype != rt.float32 or tensor.numel() < 4096:
        return False
    low, high = rt.aminmax(tensor)
    return -MAX_HALF <= float(low) and float(high) <= MAX_HALF


def float_or(b: Builder, name: str) -> DataType:
    """The data type of the package for a dtype of this name."""
    if name == "bool":
        return DataType.BOOL
    return b.float_type if name in (*_FLOATS, "float64") else DataType.INT32


def add_feed(b: Builder, name: str, kind: str, shape: tuple[int, ...]) -> tuple[Var, DataType]:
    """An input of the function: as its dtype is inside, and the data type that is fed."""
    dtype = DataType.FLOAT16 if kind == "float16" else DataType.FLOAT32 if kind in _FLOATS else DataType.INT32
    var = b.input(name, dtype, shape or (1,))
    b.at(name)
    inside = b.reshape(var, shape)
    if kind == "bool":
        inside = b.binary("not_equal", inside, b.number(0, inside), DataType.BOOL)
    return b.cast(inside, float_or(b, kind)), dtype


def constant_of(b: Builder, tensor: Tensor, name: str) -> Var:
    """A tensor as a constant of the package's type."""
    import numpy as np

    dtype = float_or(b, dtype_name(tensor))
    tensor = tensor.detach().cpu()
    if dtype is DataType.FLOAT16 and _is_plain(tensor):
        return b.constant(tensor.half().numpy(), dtype, name)
    array = (tensor.float() if dtype.is_float else tensor).numpy()
    if dtype is DataType.FLOAT16:
        # The least float32, and the like, stand in masks for "never": float16 has its own.
        never = array <= -float(np.finfo(np.float32).max) / 2
        if never.any():
            array = np.where(never & ~np.isneginf(array), -MAX_HALF / 2, array)
    if (
        dtype is DataType.INT32
        and array.size
        and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31
    ):
        raise ArgumentError.of("export", "Core ML's integers have 32 bits", f"'{name}'")
    return b.constant(array, dtype, name)


class Walk:
    """Puts what steps compute into a builder; `missing` collects what there is no lowering for, and where."""

    def __init__(self, graph: Graph, builder: Builder, shapes: Mapping[int, tuple[int, ...]]) -> None:
        self.graph, self.b, self.shapes = graph, builder, shapes
        self.values: dict[int, Var] = {}
        self.missing: dict[str, str] = {}

    def type_of(self, value: Value) -> DataType:
        return float_or(self.b, dtype_name(value))

    def shape_of(self, value: Value) -> tuple[int, ...]:
        found = self.shapes.get(value.id)
        return tuple(value.shape) if found is None else found

    def add_input(self, value: Value, name: str, given: InputShape = None) -> FeatureDescription:
        self.values[value.id], dtype = add_feed(self.b, name, dtype_name(value), self.shape_of(value))
        return FeatureDescription(name, input_type(dtype, tuple(value.shape) or (1,), given))

    def add_constant(self, value: Value, tensor: Tensor | None) -> None:
        assert tensor is not None  # parameters, buffers and constants have one
        self.values[value.id] = constant_of(self.b, tensor, value.name)

    # ---- Nodes ----

    def argument(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self.argument(v) for v in value] if any(hasattr(v, "kind") for v in value) else value
        return self.values[value.id] if hasattr(value, "kind") else value

    def run(self, step: Step) -> None:
        outputs = [v for v in step.outputs if v is not None]
        results = [(self.type_of(v), self.shape_of(v)) for v in outputs]
        self.b.at(step.node.record if step.module is None else step.op)
        try:
            found = self.lowered(step, results)
            if len(found) < len(results):
                raise Unsupported(f"{len(results)} results")
            for value, var, (dtype, shape) in zip(outputs, found, results):
                if var.shape != shape:
                    raise OpError.of(
                        "export", f"the lowering of {step.op} gave another shape", f"{var.shape} for {shape}"
                    )
                self.values[value.id] = self.b.cast(var, dtype)
        except (Unsupported, Undecided, TypeError) as error:
            if isinstance(error, TypeError) and not self.shapes:
                raise
            if isinstance(error, TypeError):  # a lowering that uses a size as a number
                error = Unsupported("with sizes that depend on the inputs' shapes")
            what = f"{step.op} ({error})" if str(error) else step.op
            self.missing.setdefault(what, step.node.location)
            for i, (value, (dtype, shape)) in enumerate(zip(outputs, results)):
                self.values[value.id] = Var(f"missing_{step.node.index}_{i}", dtype, shape)

    def lowered(self, step: Step, results: list[tuple[DataType, tuple[int, ...]]]) -> Sequence[Var]:
        call = Call(self.b, step.op, results)
        arguments = {name: self.argument(value) for name, value in step.inputs.items()}
        if step.module is not None:
            return lower_network(call, step.module, arguments["input"], arguments.get("state"))
        node, lowering = step.node, LOWERINGS.get(step.op) or KERNELS.get(step.op)
        if lowering is None or node.form == "write":
            raise Unsupported("")
        found = lowering(call, **arguments)
        return [found] if isinstance(found, Var) else found
