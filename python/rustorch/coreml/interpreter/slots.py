"""Where the values of a function lie while it runs: in one list, each in its slot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from rustorch.coreml.interpreter.constants import Constant
from rustorch.coreml.mil.types import StateType, ValueType

__all__ = ["FIRST_VALUE", "LOOPS_SLOT", "STATE_SLOT", "Ref", "Slot", "Slots", "StateName"]

Slots: TypeAlias = "list[Any]"

# The first slots hold no values of the program: the tensors of its states, and how often loops may still go
# round.
STATE_SLOT, LOOPS_SLOT, FIRST_VALUE = 0, 1, 2


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
