"""Which tensors may be one: after a branch or loop a variable may be another name of a tensor."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from rustorch import _C, Tensor
from rustorch.coreml._lower.script.values import Held

__all__ = ["Memories"]


class Memories:
    """Memories by the storages of example tensors."""

    def __init__(self) -> None:
        self._same: dict[int, int] = {}
        self._possible: dict[int, Set[Any]] = {}
        self._kept: list[Tensor] = []  # the number of a storage is another's when it is gone

    def of(self, held: Held) -> int:
        """The memory of a tensor; inside of a block that of the tensor outside."""
        self._kept.append(held.tensor)
        found = _C._storage_id(held.tensor)
        while found in self._same:
            found = self._same[found]
        return int(found)

    def same(self, inner: Held, outer: Held) -> None:
        """What a block calls `inner` is `outer`."""
        self._kept.append(inner.tensor)
        self._same[_C._storage_id(inner.tensor)] = self.of(outer)

    def possible(self, held: Held) -> Set[Any]:
        """The memories that it may have."""
        own = self.of(held)
        return {own} | self._possible.get(own, frozenset())

    def relate(self, held: Held, others: Iterable[Any]) -> None:
        """It may have these memories too, which are numbers, or marks that several tensors share."""
        own = self.of(held)
        self._possible[own] = self._possible.get(own, frozenset()) | set(others)
