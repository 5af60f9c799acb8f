"""Which op of rustorch becomes which operations of MIL: the table that the lowerings fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml._lower.sizes import is_size
from rustorch.coreml.mil.program import DataType

__all__ = ["KERNELS", "LOWERINGS", "Call", "Lowering", "Unsupported", "axis", "lowers", "lowers_kernel"]


class Unsupported(Exception):
    """Arguments of an op that its lowering has no operations for; the message says which."""


@dataclass(slots=True)
class Call:
    """A call of an op, while it is lowered.

    Attributes:
        b: where operations go.
        op: the name of the op's record.
        results: data type and shape of each result, as the graph has them.
    """

    b: Builder
    op: str
    results: list[tuple[DataType, tuple[int, ...]]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first result."""
        return self.results[0][1]

    @property
    def dtype(self) -> DataType:
        """Of the first result."""
        return self.results[0][0]

    def common(self, *operands: Any, dtype: DataType | None = None) -> list[Var]:
        """Tensors and numbers as values of one data type: the one given, or the one they promote to."""
        if dtype is None:
            dtype = DataType.BOOL
            for o in operands:
                kind = o.dtype if isinstance(o, Var) else _of_number(o, self.b.float_type)
                dtype = max(dtype, kind, key=_ORDER.__getitem__)
        return [self._operand(o, dtype) for o in operands]

    def _operand(self, o: Any, dtype: DataType) -> Var:
        if is_size(o):
            o = self.b.dimensions.scalar(o)
        return self.b.cast(o, dtype) if isinstance(o, Var) else self.b.constant(_as(o, dtype), dtype)

    def floats(self, x: Var) -> Var:
        """x as floating-point numbers."""
        return x if x.dtype.is_float else self.b.cast(x, self.b.float_type)


def axis(dim: int, x: Var) -> int:
    """A dim of x counted from the front."""
    if not x.rank:
        raise Unsupported("a zero-dim tensor")
    return dim % x.rank


_ORDER = {DataType.BOOL: 0, DataType.INT32: 1, DataType.FLOAT16: 2, DataType.FLOAT32: 2}


def _of_number(value: Any, floats: DataType) -> DataType:
    if isinstance(value, bool):
        return DataType.BOOL
    return DataType.INT32 if isinstance(value, int) or is_size(value) else floats


def _as(value: Any, dtype: DataType) -> Any:
    if dtype.is_float:
        return float(value)
    return bool(value) if dtype is DataType.BOOL else int(value)


Lowering: TypeAlias = Callable[..., "Var | Sequence[Var]"]
LOWERINGS: dict[str, Lowering] = {}
_F = TypeVar("_F", bound=Lowering)


def lowers(*names: str) -> Callable[[_F], _F]:
    """Registers a function for ops of these names. It gets the call, and the op's arguments by their names in
    the schema: values, or Python's numbers. An argument that it does not name has to have its default."""

    def register(lowering: _F) -> _F:
        for name in names:
            assert name not in LOWERINGS, name
            LOWERINGS[name] = lowering
        return lowering

    return register


# Of kernels that only composite ops call: recordings have the composites.
KERNELS: dict[str, Lowering] = {}


def lowers_kernel(name: str) -> Callable[[_F], _F]:
    """As `lowers`, for ops that no recording shows."""

    def register(lowering: _F) -> _F:
        KERNELS[name] = lowering
        return lowering

    return register
