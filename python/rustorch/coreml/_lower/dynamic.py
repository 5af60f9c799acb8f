"""Sizes as values of the program: how each follows from the shapes that are known when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rustorch.coreml._lower.sizes import Undecided, is_size, samples_of
from rustorch.coreml.mil.program import DataType

if TYPE_CHECKING:
    from rustorch.coreml._lower.builder import Builder, Var

__all__ = ["Dimensions"]


class Dimensions:
    """Which values have which sizes, and operations that compute others from them.

    A size is known by what it is in every recording. It is taken from the shape of a value that has it, or is
    computed: a n + b m + ... + c of the sizes n, m of the inputs, a d + c of another size, or a d e of two.
    """

    def __init__(self, builder: Builder) -> None:
        self._b = builder
        self._places: dict[tuple[int, ...], tuple[Var, int]] = {}
        self._inputs: list[tuple[int, ...]] = []
        self._vectors: dict[tuple[int, ...], Var] = {}
        self._shapes: dict[str, Var] = {}

    def note(self, x: Var, is_input: bool = False) -> None:
        """That x exists."""
        for axis, size in enumerate(x.shape):
            if is_size(size):
                samples = samples_of(size, 0)
                if samples not in self._places:
                    self._places[samples] = (x, axis)
                    if is_input:
                        self._inputs.append(samples)

    def is_known(self, size: int) -> bool:
        """Whether some value has it."""
        return not is_size(size) or samples_of(size, 0) in self._places

    def vector(self, sizes: Sequence[int]) -> Var:
        """Sizes as an int32 vector."""
        parts: list[Var] = []
        fixed: list[int] = []
        for size in sizes:
            if not is_size(size):
                fixed.append(size)
                continue
            if fixed:
                parts.append(self._b.constant(fixed, DataType.INT32))
                fixed = []
            parts.append(self._one(samples_of(size, 0)))
        if fixed:
            parts.append(self._b.constant(fixed, DataType.INT32))
        return self._b.concat(parts, 0)

    def scalar(self, size: int) -> Var:
        """A size as an int32 scalar."""
        return self._b.op("squeeze", (), x=self.vector([size]), axes=[0])

    def _one(self, samples: tuple[int, ...]) -> Var:
        if samples not in self._vectors:
            self._vectors[samples] = self._made(samples)
        return self._vectors[samples]

    def _made(self, samples: tuple[int, ...]) -> Var:
        if samples in self._places:
            return self._read(*self._places[samples])
        wanted = np.array(samples)
        terms = self._affine(wanted, self._inputs)
        for known in list(self._places):
            terms = terms or self._affine(wanted, [known])
        if terms is not None:
            factors, rest = terms
            total: Var | None = None
            for known, factor in factors:
                part = self._times(self._one(known), factor)
                total = part if total is None else self._b.binary("add", total, part)
            assert total is not None
            return total if not rest else self._b.binary("add", total, self._b.constant([rest]))
        for first in self._places:
            for second in self._places:
                both = np.array(first) * np.array(second)
                factor = int(wanted[0] // both[0])
                if factor and (both * factor == wanted).all():
                    product = self._b.binary("mul", self._one(first), self._one(second))
                    return self._times(product, factor)
        listed = ", ".join(map(str, sorted(set(samples))))
        raise Undecided(f"a size of {listed} follows from no size that is known")

    def _times(self, x: Var, factor: int) -> Var:
        return x if factor == 1 else self._b.binary("mul", x, self._b.constant([factor]))

    @staticmethod
    def _affine(
        wanted: np.ndarray[tuple[int], np.dtype[np.int64]], known: Sequence[tuple[int, ...]]
    ) -> tuple[list[tuple[tuple[int, ...], int]], int] | None:
        """Whole factors and a rest that give the size in every recording."""
        if not known:
            return None
        columns = np.array([*known, (1,) * len(wanted)]).T
        found = np.rint(np.linalg.lstsq(columns.astype(float), wanted.astype(float), rcond=None)[0])
        whole = found.astype(np.int64)
        if not (columns @ whole == wanted).all():
            return None
        factors = [(samples, int(f)) for samples, f in zip(known, whole) if f]
        return (factors, int(whole[-1])) if factors else None

    def _read(self, x: Var, axis: int) -> Var:
        b = self._b
        if x.name not in self._shapes:
            self._shapes[x.name] = b.op("shape", (x.rank,), DataType.INT32, x=x)
        return b.op("slice_by_index", (1,), x=self._shapes[x.name], begin=[axis], end=[axis + 1])
