"""The records of the op table: what an op takes, what it must answer, and how it may fail.

    OpCase(
        name="add",
        samples=binary_samples,             # (dtype, rng) -> iterable of Sample
        ref=lambda a, b, alpha=1: a + alpha * b,
        dtypes=EVERY,
        result="promote",
        variants=("Tensor.add", "operator.add"),
        inplace="Tensor.add_",
        out=True,
        errors=(Error(S(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError"),),
    )

Samples hold `Arr` (a NumPy array and a dtype name) where the op takes a tensor, `D("float32")` where it
takes a dtype and `Make(f)` where it takes an object only the library can make; all else is passed as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .dtypes import FLOATS, cast, wide


@dataclass(frozen=True, eq=False)
class Arr:
    """A tensor argument. `grad`: derivatives are taken with respect to it (if it is floating or complex).
    `rigid`: no layout may change its values (an invertible matrix, a table of indices)."""

    values: np.ndarray
    dtype: str
    grad: bool = True
    rigid: bool = False

    def wide(self) -> np.ndarray:
        return self.values.astype(wide(self.dtype))

    def __repr__(self) -> str:
        text = np.array2string(self.values, precision=4, threshold=12).replace("\n", "")
        return f"Arr({text}, {self.dtype}, shape={tuple(self.values.shape)})"


@dataclass(frozen=True)
class D:
    """A dtype argument."""

    name: str


@dataclass(frozen=True, eq=False)
class Make:
    """An argument that only the library can make, e.g. Make(lambda lib: lib.Generator())."""

    build: Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Sample:
    """One call. `grad`: gradcheck applies (smooth here, and small). `parity_grad`: gradients are compared
    with torch's, which also pins the choice of subgradient at a kink."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    grad: bool = True
    parity_grad: bool = True
    twice: bool = True
    out: bool = True

    def nograd(self) -> Sample:
        """No gradcheck: a kink, a special value, or simply large."""
        return replace(self, grad=False)

    def value_only(self) -> Sample:
        """No derivative of any kind: the gradient is not defined here."""
        return replace(self, grad=False, parity_grad=False)

    def no_parity_grad(self) -> Sample:
        """PyTorch's gradient is another one here; finite differences are the judge."""
        return replace(self, parity_grad=False)

    def once(self) -> Sample:
        """First derivatives only, to save time: another sample has the second ones."""
        return replace(self, twice=False)

    def no_out(self) -> Sample:
        """An overload without out=."""
        return replace(self, out=False)

    def __repr__(self) -> str:
        parts = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        text = f"({', '.join(parts)})"
        return text if len(text) < 600 else text[:600] + "..."


def S(*args: Any, **kwargs: Any) -> Sample:
    return Sample(args, kwargs)


def tensor(values: Any, dtype: str | None = None, *, grad: bool = True, rigid: bool = False) -> Arr:
    """An `Arr`; without a dtype Python floats are float32, ints int64, bools bool, as in rt.tensor."""
    a = np.asarray(values)
    if dtype is None:
        dtype = {"f": "float32", "i": "int64", "b": "bool", "c": "complex64", "u": "uint8"}[a.dtype.kind]
    return Arr(cast(a, dtype), dtype, grad, rigid)


@dataclass(frozen=True, eq=False)
class Error:
    """A call that must raise builtin exception `type` with a message of our form, "op: what; got ...".
    `match`: a regular expression for the part after the op's name."""

    sample: Sample
    type: str
    match: str = ""

    def pattern(self, case: OpCase) -> str:
        names = {n.rsplit(".", 1)[-1] for n in (case.name, case.called, *case.speaks_as)}
        names |= {n.rstrip("_") for n in names}  # an in-place form may speak as its op
        return rf"(?is)^({'|'.join(re.escape(n) for n in sorted(names))}): .*(?:{self.match})"


@dataclass(frozen=True, eq=False)
class OpCase:
    """One row of the table; an op with overloads of different kinds has several, told apart by `label`."""

    name: str  # as core_ops.txt writes it
    samples: Callable[[str, np.random.Generator], Iterable[Sample]]
    ref: Callable[..., Any] | None = None  # the oracle, on NumPy arrays in wide dtypes
    sample_ref: Callable[[Sample], Any] | None = None  # an oracle that has to know the dtypes
    check: Callable[..., None] | None = None  # (result arrays, *args, **kwargs): a property, by assert
    parity_only: str = ""  # why there is neither ref nor check
    label: str = ""
    path: str = ""  # what is called; `name` if empty. "Tensor.view", "operator.add", "nn.functional.relu"
    variants: tuple[str, ...] = ()  # other paths that must answer the same
    speaks_as: tuple[str, ...] = ()  # other names its error messages may start with
    covers: tuple[str, ...] = ()  # further names in the registry that this row exercises
    dtypes: tuple[str, ...] = FLOATS
    beyond_torch: tuple[str, ...] = ()  # those of them that PyTorch refuses
    torch_errs: str = ""  # where PyTorch's values are wrong, so that they are no oracle
    result: Any = "promote"  # dtype rule, see harness.result_dtypes; a tuple for several results
    grad: tuple[str, ...] = ()  # dtypes in which derivatives are checked; () where there are none
    no_second: str = ""  # why there are no second derivatives
    refuses_grad: str = ""  # why backward raises
    grad_of: Callable[[Any, Any], Any] | None = None  # (lib, result) -> the part whose gradient is unique
    grad_via: Callable[[Any], Any] | None = None  # maps an argument onto the op's domain (symmetric matrices)
    inplace: str = ""  # path of the in-place form
    inplace_dtypes: tuple[str, ...] = ()  # () for all of dtypes
    out: bool = False  # takes out=
    view: bool = False  # the result shares memory with the first argument
    pointwise: bool = False  # keeps the memory order of its argument, refuses to write to overlapping memory
    strides: bool = True  # results have torch's strides for contiguous arguments
    layouts: bool = True  # False: the answer depends on the layout itself (as_strided)
    random: bool = False
    tol: dict[str, tuple[float, float]] = field(default_factory=dict)
    grad_tol: dict[str, tuple[float, float]] = field(default_factory=dict)
    errors: tuple[Error, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.name}-{self.label}" if self.label else self.name

    @property
    def called(self) -> str:
        return self.path or self.name
