"""Sizes that depend on the shapes of the inputs: an integer for each of several recordings."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, cast

__all__ = ["Size", "Undecided", "ceil_div", "is_size", "merged", "samples_of"]


class Undecided(Exception):
    """Something would have to be known of a size that differs from recording to recording."""


class Size:
    """What an integer is in each of the recordings. Arithmetic is done for each; a comparison must come out
    the same in all of them. It cannot be used as an index: what needs a number cannot take a size."""

    __slots__ = ("samples",)

    def __init__(self, samples: tuple[int, ...]) -> None:
        self.samples = samples

    def _with(self, other: Any, f: Callable[[int, int], int]) -> Any:
        if not isinstance(other, (int, Size)):
            return NotImplemented
        return merged([f(a, b) for a, b in zip(self.samples, samples_of(other, len(self.samples)))])

    def _decide(self, other: Any, f: Callable[[int, int], bool]) -> Any:
        if not isinstance(other, (int, Size)):
            return NotImplemented
        answers = {f(a, b) for a, b in zip(self.samples, samples_of(other, len(self.samples)))}
        if len(answers) > 1:
            raise Undecided(f"it depends on the inputs' shapes how {self} and {other} compare")
        return answers.pop()

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, operator.floordiv)

    def __rfloordiv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b // a)

    def __mod__(self, other: Any) -> Any:
        return self._with(other, operator.mod)

    def __rmod__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b % a)

    def __neg__(self) -> Any:
        return merged([-a for a in self.samples])

    def __lt__(self, other: Any) -> Any:
        return self._decide(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._decide(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._decide(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._decide(other, operator.ge)

    def __bool__(self) -> bool:
        return bool(self._decide(0, operator.ne))

    def __eq__(self, other: object) -> bool:
        """Whether they are the same in all recordings."""
        return isinstance(other, Size) and self.samples == other.samples

    def __hash__(self) -> int:
        return hash(self.samples)

    def __repr__(self) -> str:
        return f"a size of {', '.join(map(str, sorted(set(self.samples))))}"


def merged(samples: Sequence[int]) -> int:
    """One integer where all are the same, else a `Size`, which stands for an int from here on."""
    return samples[0] if len(set(samples)) == 1 else cast(int, Size(tuple(samples)))


def is_size(value: Any) -> bool:
    """Whether it differs between the recordings."""
    return isinstance(value, Size)


def samples_of(value: Any, count: int) -> tuple[int, ...]:
    """The integer in each of `count` recordings."""
    return value.samples if isinstance(value, Size) else (value,) * count


def ceil_div(a: int, b: int) -> int:
    """a / b rounded up."""
    return -(-a // b)
