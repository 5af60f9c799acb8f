"""What variables of a script are while it is lowered: tensors, numbers that tensors decide, plain values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rustorch import Tensor
from rustorch.coreml.mil.program import DataType

if TYPE_CHECKING:
    from rustorch.coreml._lower.builder import Builder, Var

__all__ = [
    "KINDS",
    "Held",
    "Number",
    "Refused",
    "absent",
    "as_tensor",
    "is_maybe",
    "is_number",
    "kind_of",
    "leaves",
    "rebuilt",
]

# Kinds of numbers, from the narrowest on.
KINDS = ("bool", "int", "float")


class Refused(Exception):
    """What Core ML cannot express; the message begins with what, and where."""

    def __init__(self, what: str, node: Any, hint: str = "") -> None:
        where = f" at {node.location}" if node.location else ""
        super().__init__(f"'{node.op}'{where}: {what}")
        self.hint = hint


@dataclass(eq=False)
class Held:
    """A tensor: an example of it, and its value in the program; None while its op waits to be lowered.
    `maybe`: in Python it may be None, of which the program knows nothing; other
    variables decide whether it is looked at."""

    tensor: Tensor
    var: Var | None = None
    maybe: bool = False

    @property
    def lowered(self) -> Var:
        assert self.var is not None
        return self.var


@dataclass(eq=False)
class Number:
    """A number that is known when the program runs: a zero-dim tensor.

    Attributes:
        natural: it is not negative.
        maybe: as of `Held`.
        offset: by how much it is more than the number in `origin`, so that a difference may be known.
    """

    kind: str
    held: Held
    natural: bool = False
    maybe: bool = False
    offset: int = 0
    origin: Held = field(init=False)

    def __post_init__(self) -> None:
        self.origin = self.held

    def plus(self, number: Number, offset: int) -> Number:
        """Itself, known to be another number and so much more."""
        self.origin, self.offset = number.origin, number.offset + offset
        return self


def is_number(value: Any) -> bool:
    """Whether it is a number, of either sort."""
    return isinstance(value, (Number, bool, int, float))


def kind_of(value: Any) -> str:
    """Of a number: "bool", "int" or "float"."""
    return value.kind if isinstance(value, Number) else type(value).__name__


def as_tensor(value: bool | int | float) -> Tensor:
    """A Python number as a zero-dim tensor."""
    import rustorch as rt

    dtype = rt.float32 if isinstance(value, float) else rt.bool if isinstance(value, bool) else rt.int64
    return rt.tensor(value, dtype=dtype)


def is_maybe(value: Any) -> bool:
    """Whether it may be None, which the program cannot know."""
    return isinstance(value, (Held, Number)) and value.maybe


def absent(b: Builder, like: Any) -> Held | Number:
    """What stands for None where it may also be something like this: zeros."""
    import rustorch as rt

    if isinstance(like, Held):
        var = like.lowered
        return Held(rt.zeros_like(like.tensor), b.full(var.shape, 0, var.dtype), maybe=True)
    kind = kind_of(like)
    zero = as_tensor({"bool": False, "int": 0, "float": 0.0}[kind])
    dtype = {"bool": DataType.BOOL, "int": DataType.INT32, "float": b.float_type}[kind]
    return Number(kind, Held(zero, b.full((), 0, dtype)), maybe=True)


def leaves(value: Any) -> Iterator[Any]:
    """What nested lists hold."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def rebuilt(value: Any, items: Iterator[Any]) -> Any:
    """The same lists, with other items."""
    return [rebuilt(item, items) for item in value] if isinstance(value, (list, tuple)) else next(items)
