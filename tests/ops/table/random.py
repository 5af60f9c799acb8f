"""Random numbers. Their values are our own; what is known is their shape, dtype, range and distribution.

Seeds, generators and reproducibility are tested in tests/core/test_random.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import D, Error, Make, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, INTS
from ..samples import Rng

MANY = 20000
GENERATOR = Make(lambda lib: lib.Generator().manual_seed(3))


def shaped(size: Any) -> tuple[int, ...]:
    return tuple(size[0]) if size and isinstance(size[0], (list, tuple)) else tuple(size)


def moments(
    mean: float, std: float, low: float = -np.inf, high: float = np.inf, parts: float = 1.0
) -> Callable[..., None]:
    """The sample has this mean and standard deviation, up to five standard errors, and lies in [low, high].
    Of a complex sample the real and imaginary parts, times `parts`, do."""

    def check(x: np.ndarray) -> None:
        y = np.concatenate([x.real.reshape(-1), x.imag.reshape(-1)]) * parts if x.dtype.kind == "c" else x
        y = y.astype(np.float64)
        assert np.all((y >= low) & (y <= high)), f"outside [{low}, {high}]"
        if y.size < MANY:
            return
        slack = 5 / y.size**0.5
        assert abs(y.mean() - mean) < slack * std + 2e-3, f"mean {y.mean()}, expected {mean}"
        assert abs(y.std() - std) < slack * std * 2 + 4e-3, f"standard deviation {y.std()}, expected {std}"
        assert np.abs(np.corrcoef(y[:-1], y[1:])[0, 1]) < slack, "neighbours are correlated"

    return check


def sizes(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(2, 3, dtype=D(dtype))
    yield S((0, 2), dtype=D(dtype))
    yield S((), dtype=D(dtype))
    yield S(MANY, dtype=D(dtype))
    yield S(MANY, dtype=D(dtype), generator=GENERATOR)


def of_size(check: Callable[..., None]) -> Callable[..., None]:
    def property_of(result: list[np.ndarray], *size: Any, **_: Any) -> None:
        assert result[0].shape == shaped(size)
        check(result[0])

    return property_of


def likes(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (MANY,)):
        yield S(tensor(np.zeros(shape), dtype))
    yield S(tensor(np.zeros(MANY), "int64"), dtype=D(dtype))


def of_like(check: Callable[..., None]) -> Callable[..., None]:
    def property_of(result: list[np.ndarray], x: np.ndarray, **_: Any) -> None:
        assert result[0].shape == x.shape
        check(result[0])

    return property_of


def integers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(10, (2, 3), dtype=D(dtype))
    yield S(3, 9, (MANY,), dtype=D(dtype))
    yield S(0, 1, (4,), dtype=D(dtype), generator=GENERATOR)
    yield S(5, (0,), dtype=D(dtype))


def integer_range(result: list[np.ndarray], *args: Any, **_: Any) -> None:
    low, high, size = args if len(args) == 3 else (0, *args)
    x = result[0]
    assert x.shape == size
    assert np.all((x >= low) & (x < high) & (x == np.floor(x)))
    if x.size >= MANY:
        counts = np.bincount((x - low).astype(np.int64), minlength=high - low)
        assert np.all(np.abs(counts - x.size / (high - low)) < 5 * (x.size / (high - low)) ** 0.5), counts


def normals(dtype: str, rng: Rng) -> Iterator[Sample]:
    if dtype in COMPLEX:
        return
    yield S(2.0, 3.0, (MANY,), dtype=D(dtype))
    yield S(0.0, 0.0, (3,), dtype=D(dtype))
    yield S(1.0, 1.0, size=(2, 2), dtype=D(dtype), generator=GENERATOR)


def normal_numbers(
    result: list[np.ndarray], mean: float, std: float, shape: Any = None, **named: Any
) -> None:
    assert result[0].shape == (shape or named["size"])
    moments(mean, std)(result[0])


def normal_tensors(dtype: str, rng: Rng) -> Iterator[Sample]:
    mean, std = tensor(np.full(MANY, 2.0), dtype), tensor(np.full(MANY, 0.5), dtype)
    yield S(mean, std)
    yield S(mean, 0.5)
    yield S(tensor(2.0, dtype), std)
    yield S(tensor(np.zeros((0, 2)), dtype), tensor(np.zeros((0, 2)), dtype))


def normal_pairs(result: list[np.ndarray], mean: Any, std: Any, **_: Any) -> None:
    assert result[0].shape == np.broadcast_shapes(np.shape(mean), np.shape(std))
    moments(2.0, 0.5)(result[0])


def in_place(*arguments: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 2), (MANY,)):
            yield S(tensor(np.zeros(shape), dtype), *arguments)

    return samples


def method(name: str, check: Callable[..., None], *arguments: Any) -> OpCase:
    """A method that fills its tensor: results are the tensor itself, so arguments do change."""
    return OpCase(
        name=name,
        path=f"Tensor.{name}_",
        label="method",
        samples=in_place(*arguments),
        check=lambda result, x, *_: (check(result[0]), None)[1],
        dtypes=ALL_FLOATS,
        result="first",
        random=True,
        layouts=False,
    )


def chances(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor(np.full(MANY, 0.25), dtype))
    yield S(tensor([[0.0, 1.0], [1.0, 0.0]], dtype))
    yield S(tensor(0.5, dtype))
    yield S(tensor(np.zeros((0, 2)), dtype))


def bernoulli(result: list[np.ndarray], p: np.ndarray) -> None:
    x = result[0]
    assert x.shape == p.shape
    assert np.all((x == 0) | (x == 1))
    assert np.all(x[p == 0] == 0)
    assert np.all(x[p == 1] == 1)
    if x.size >= MANY:
        moments(float(p.mean()), float((p * (1 - p)).mean() ** 0.5))(x)


def draws(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([1.0, 2.0, 0.0, 1.0], dtype), 3)
    yield S(tensor([1.0, 2.0, 0.0, 1.0], dtype), MANY, True)
    yield S(tensor([[0.0, 1.0], [1.0, 0.0]], dtype), 5, replacement=True, generator=GENERATOR)
    yield S(tensor([[0.5, 0.0, 0.5], [0.0, 0.1, 0.9]], dtype), 2)


def multinomial(result: list[np.ndarray], p: np.ndarray, n: int, replacement: bool = False, **_: Any) -> None:
    x = result[0]
    assert x.shape == (*p.shape[:-1], n)
    chosen = np.take_along_axis(p, x, -1) if p.ndim > 1 else p[x]
    assert np.all(chosen > 0), "drew an impossible outcome"
    if not replacement:
        assert all(len(set(r)) == n for r in x.reshape(-1, n)), "drew twice"
    if n >= MANY:
        share = np.bincount(x, minlength=p.size) / n
        assert np.all(np.abs(share - p / p.sum()) < 5 * 0.5 / n**0.5), share


def row(name: str, check: Callable[..., None], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        check=check,
        samples=samples,
        errors=errors,
        **{"dtypes": ALL_FLOATS, "random": True, "result": "first", **fields},
    )


A = tensor([1.0])
UNIFORM = moments(0.5, 12**-0.5, 0, 1)
NORMAL = moments(0, 1, parts=2**0.5)  # a complex normal number has unit variance in all

CASES = [
    row(
        "rand",
        of_size(UNIFORM),
        sizes,
        Error(S(-1), "RuntimeError", "negative|dimension"),
        dtypes=ALL_FLOATS + COMPLEX,
        result="default",
        out=True,
    ),
    row(
        "randn",
        of_size(NORMAL),
        sizes,
        Error(S(-1), "RuntimeError", "negative|dimension"),
        dtypes=ALL_FLOATS + COMPLEX,
        result="default",
        out=True,
    ),
    row("rand_like", of_like(UNIFORM), likes, dtypes=ALL_FLOATS + COMPLEX),
    row("randn_like", of_like(NORMAL), likes, dtypes=ALL_FLOATS + COMPLEX),
    row(
        "randint",
        integer_range,
        integers,
        Error(S(5, 5, (2,)), "RuntimeError", "low|high|from|range"),
        Error(S(1.5, (2,)), "TypeError"),
        dtypes=ALL_FLOATS + INTS,
        result="int64",
        out=True,
    ),
    row(
        "normal",
        normal_numbers,
        normals,
        Error(S(0.0, -1.0, (2,)), "RuntimeError", "std"),
        label="numbers",
        result="default",
        out=True,
    ),
    row(
        "normal",
        normal_pairs,
        normal_tensors,
        Error(S(A, tensor([-1.0])), "RuntimeError", "std"),
        result="first",
        out=True,
    ),
    method("normal", moments(2, 0.5), 2, 0.5),
    method("uniform", moments(1.5, 12**-0.5, 1, 2), 1, 2),
    row(
        "bernoulli",
        bernoulli,
        chances,
        Error(S(tensor([1.5])), "RuntimeError", "p|probabilit|\\[0, 1\\]"),
        variants=("Tensor.bernoulli",),
        covers=("bernoulli_",),
        out=True,
    ),
    row(
        "multinomial",
        multinomial,
        draws,
        Error(S(tensor([1.0, 1.0]), 3), "RuntimeError", "replacement|sample"),
        Error(S(tensor([-1.0, 1.0]), 1), "RuntimeError", "negative|prob"),
        Error(S(tensor([1.0]), 0), "RuntimeError", "num_samples|<= 0|positive"),
        Error(S(tensor([0.0, 0.0]), 1), "RuntimeError", "sum|zero|prob"),
        Error(S(tensor([1, 1]), 1), "RuntimeError", "float"),
        result="int64",
        variants=("Tensor.multinomial",),
        out=True,
    ),
]
