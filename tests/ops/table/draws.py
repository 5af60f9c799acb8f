"""Draws from further distributions; whole ones are compared, by Kolmogorov and Smirnov's statistic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy import stats

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, BOOL, INTS
from ..samples import Rng
from .random import GENERATOR, MANY, A, integer_range, row

COARSE = 0.01  # what rounding to half precision adds to the statistic


def distributed(dist: Any, low: float = -np.inf) -> Callable[[np.ndarray], None]:
    """The sample comes from `dist`; a right one fails once in a million times."""

    def check(x: np.ndarray) -> None:
        y = x.astype(np.float64).reshape(-1)
        assert np.all(y >= low), f"below {low}"
        if y.size >= MANY:
            assert stats.kstest(y, dist.cdf).statistic < 2.69 / y.size**0.5 + COARSE

    return check


def counted(dist: Any) -> Callable[[np.ndarray], None]:
    """Whole numbers that occur as often as `dist` says, up to five standard errors."""

    def check(x: np.ndarray) -> None:
        y = x.astype(np.float64).reshape(-1)
        assert np.all(y == np.floor(y))
        if y.size >= MANY:
            for k in range(12):
                p = dist.pmf(k)
                assert abs(np.mean(y == k) - p) < 5 * (p * (1 - p) / y.size) ** 0.5 + 5 / y.size, k

    return check


def filled(*arguments: Any, **options: Any) -> Any:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for shape in ((2, 3), (), (0, 2), (MANY,)):
            yield S(tensor(np.zeros(shape), dtype), *arguments, **options)
        yield S(tensor(np.zeros(MANY), dtype), *arguments, **options, generator=GENERATOR)

    return samples


def fill(
    name: str, label: str, check: Callable[[np.ndarray], None], samples: Any, *errors: Error, **fields: Any
) -> OpCase:
    """A method that fills its tensor."""

    def of_tensor(result: list[np.ndarray], x: np.ndarray, *_: Any, **__: Any) -> None:
        assert result[0].shape == x.shape
        check(result[0])

    return OpCase(
        name=name,
        path=f"Tensor.{name}_",
        label=label,
        samples=samples,
        check=of_tensor,
        errors=errors,
        **{
            "dtypes": ALL_FLOATS,
            "result": "first",
            "random": True,
            "layouts": False,
            "speaks_as": (f"{name}_",),
            **fields,
        },
    )


def whole_range(x: np.ndarray) -> None:
    """All non-negative numbers of the dtype that it holds without gaps."""
    if x.dtype.kind == "f":
        top = {"float16": 2.0**11, "float32": 2.0**24, "float64": 2.0**53}[x.dtype.name]
        if x.dtype.name == "float32" and np.all(x <= 256):
            top = 256.0  # bfloat16
    else:
        top = 1.0 if x.dtype.kind == "b" else float(np.iinfo(x.dtype).max)
    y = x.astype(np.float64)
    assert np.all((y >= 0) & (y <= top) & (y == np.floor(y)))
    if y.size >= MANY:
        assert abs(np.mean(y) / top - 0.5) < 5 * 0.5 / y.size**0.5
        assert len(np.unique(y)) > min(top, 1000) * 0.9


def between(low: int, high: int) -> Callable[[np.ndarray], None]:
    return counted(stats.randint(low, high))


def coins(p: float) -> Callable[[np.ndarray], None]:
    return counted(stats.bernoulli(p))


def with_chance(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((2, 3), (), (0, 2), (MANY,)):
        yield S(tensor(np.ones(shape), dtype), 0.25)
    yield S(tensor(np.ones(4), dtype), 1.0)
    yield S(tensor(np.ones(4), dtype), 0.0, generator=GENERATOR)


def by_chance(result: list[np.ndarray], x: np.ndarray, p: float, **_: Any) -> None:
    assert result[0].shape == x.shape
    coins(p)(result[0])


def tensor_chances(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor(np.zeros((2, MANY)), dtype), tensor([[0.25], [0.75]]))
    yield S(tensor(np.zeros(3), dtype), tensor([0.0, 1.0, 1.0], "float64"))
    yield S(tensor(np.zeros(MANY), dtype), tensor(0.5))
    yield S(tensor(np.zeros((0, 2)), dtype), tensor([0.5, 0.5]))


def by_tensor(result: list[np.ndarray], x: np.ndarray, p: np.ndarray) -> None:
    y, p = result[0].astype(np.float64), np.broadcast_to(p, x.shape)
    assert y.shape == x.shape
    for chance in np.unique(p):
        coins(float(chance))(y[p == chance])


def rates(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([[0.0, 0.5, 3.0], [20.0, 0.0, 100.0]], dtype))
    for rate in (0.5, 6.0, 40.0):
        yield S(tensor(np.full(MANY, rate), dtype))
    yield S(tensor(2.0, dtype), generator=GENERATOR)
    yield S(tensor(np.zeros((0, 2)), dtype))


def poisson(result: list[np.ndarray], rate: np.ndarray, **_: Any) -> None:
    x = result[0].astype(np.float64)
    assert x.shape == rate.shape
    assert np.all((x >= 0) & (x == np.floor(x)))
    assert np.all(x[rate == 0] == 0)
    if x.size >= MANY:
        mean = float(rate[0])
        counted(stats.poisson(mean))(x)
        assert abs(x.mean() - mean) < 5 * (mean / x.size) ** 0.5
        assert abs(x.var() / mean - 1) < 5 * (3 / x.size) ** 0.5


def permutations(dtype: str, rng: Rng) -> Iterator[Sample]:
    for n in (0, 1, 2, 100):
        yield S(n, dtype=D(dtype))
    yield S(17, dtype=D(dtype), generator=GENERATOR)


def permuted(result: list[np.ndarray], n: int, **_: Any) -> None:
    x = result[0]
    assert x.shape == (n,)
    np.testing.assert_array_equal(np.sort(x), np.arange(n))
    assert n < 17 or not np.array_equal(x, np.arange(n))


def integers_like(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor(np.zeros((2, 3)), dtype), 10)
    yield S(tensor(np.zeros(MANY), dtype), 3, 9)
    yield S(tensor(np.zeros(()), dtype), 0, 1, generator=GENERATOR)
    yield S(tensor(np.zeros((0, 2)), dtype), 5)
    yield S(tensor(np.zeros(3), dtype), 5, dtype=D("int64"))


def integer_range_like(result: list[np.ndarray], x: np.ndarray, *ends: int, **_: Any) -> None:
    integer_range(result, *ends, x.shape)


INTEGER = Error(S(tensor([1])), "RuntimeError", "float|implemented")

CASES: list[OpCase] = [
    fill(
        "log_normal",
        "",
        distributed(stats.lognorm(0.5, scale=np.exp(1.0)), 0),
        filled(1.0, 0.5),
        INTEGER,
        Error(S(A, 0.0, -1.0), "RuntimeError", "std"),
    ),
    fill(
        "exponential",
        "",
        distributed(stats.expon(scale=0.5), 0),
        filled(2.0),
        INTEGER,
        Error(S(A, 0.0), "RuntimeError", "lambda"),
    ),
    fill(
        "cauchy",
        "",
        distributed(stats.cauchy(1.0, 2.0)),
        filled(1.0, 2.0),
        INTEGER,
        Error(S(A, 0.0, 0.0), "RuntimeError", "sigma"),
    ),
    fill(
        "geometric",
        "",
        counted(stats.geom(0.4)),
        filled(0.4),
        Error(S(A, 0.0), "RuntimeError", "p"),
        Error(S(A, 1.0), "RuntimeError", "p"),
        dtypes=ALL_FLOATS + INTS,
    ),
    fill("random", "", whole_range, filled(), dtypes=ALL_FLOATS + INTS + BOOL),
    fill(
        "random",
        "to",
        between(0, 7),
        filled(7),
        Error(S(A, 0), "RuntimeError", "from"),
        Error(S(tensor([1], "int8"), 300), "RuntimeError", "bounds"),
        dtypes=ALL_FLOATS + INTS,
    ),
    fill(
        "random",
        "from",
        between(3, 9),
        filled(3, 9),
        Error(S(A, 5, 5), "RuntimeError", "from"),
        dtypes=ALL_FLOATS + INTS,
    ),
    fill(
        "bernoulli",
        "fill",
        coins(0.3),
        filled(0.3),
        Error(S(A, 1.5), "RuntimeError", "p"),
        dtypes=ALL_FLOATS + INTS + BOOL,
    ),
    OpCase(
        name="bernoulli",
        label="fill by tensor",
        path="Tensor.bernoulli_",
        samples=tensor_chances,
        check=by_tensor,
        dtypes=ALL_FLOATS + INTS + BOOL,
        result="first",
        random=True,
        layouts=False,
        errors=(Error(S(A, tensor([1.5])), "RuntimeError", "p"),),
    ),
    row(
        "bernoulli",
        by_chance,
        with_chance,
        Error(S(A, 1.5), "RuntimeError", "p"),
        label="one chance",
        dtypes=ALL_FLOATS + INTS + BOOL,
        variants=("Tensor.bernoulli",),
    ),
    row(
        "poisson",
        poisson,
        rates,
        Error(S(tensor([-1.0])), "RuntimeError", "rate"),
        Error(S(tensor([1])), "RuntimeError", "implemented"),
    ),
    row(
        "randperm",
        permuted,
        permutations,
        Error(S(-1), "RuntimeError", "negative"),
        Error(S(1.5), "TypeError"),
        dtypes=ALL_FLOATS + INTS,
        result="int64",
        out=True,
    ),
    row(
        "randint_like",
        integer_range_like,
        integers_like,
        Error(S(A, 0), "RuntimeError", "from"),
        Error(S(A), "TypeError"),
        dtypes=ALL_FLOATS + INTS,
        speaks_as=("random_",),
    ),
]
