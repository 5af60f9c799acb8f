"""Reductions on compute devices, beside the CPU's: dims, layouts, dtypes, long and short ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES

FLOATS = ["float32", "float16", "bfloat16"]
INTS = ["uint8", "int8", "int16", "int32", "int64"]
TOLERANCE = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 2e-2}
RNG = np.random.default_rng(7)
Function = Callable[..., Any]


def values(shape: tuple[int, ...], dtype: str) -> rt.Tensor:
    if dtype == "bool":
        return rt.tensor(RNG.integers(0, 2, shape).astype(bool))
    if dtype in INTS:
        low = 0 if dtype == "uint8" else -9
        return rt.tensor(RNG.integers(low, 10, shape)).to(getattr(rt, dtype))
    return rt.tensor(RNG.uniform(-2, 2, shape).astype(np.float32)).to(getattr(rt, dtype))


def same(got: Any, expected: Any, scale: float = 1.0) -> None:
    if isinstance(expected, tuple):
        for g, e in zip(got, expected, strict=True):
            same(g, e, scale)
        return
    assert got.dtype == expected.dtype and got.shape == expected.shape
    if not expected.dtype.is_floating_point:
        np.testing.assert_array_equal(got.cpu().numpy(), expected.numpy())
        return
    tolerance = TOLERANCE[str(expected.dtype).removeprefix("rustorch.")]
    np.testing.assert_allclose(
        got.cpu().to(rt.float32).numpy(),
        expected.to(rt.float32).numpy(),
        rtol=tolerance,
        atol=tolerance * scale,
    )


# Names of slots, with a function over dims (or None) that uses them.
OF_FLOATS: dict[str, Function] = {
    "sum": lambda x, d: rt.sum(x, d),
    "mean": lambda x, d: rt.mean(x, d, keepdim=True),
    "nansum": lambda x, d: rt.nansum(x, d),
    "norm1": lambda x, d: rt.linalg.vector_norm(x, 1, d),
    "norm2": lambda x, d: rt.linalg.vector_norm(x, 2, d),
    "var": lambda x, d: rt.var_mean(x, d),
    "std": lambda x, d: rt.std_mean(x, d, correction=0),
    "logsumexp": lambda x, d: rt.logsumexp(x, tuple(range(x.dim())) if d is None else d),
    "amax": lambda x, d: rt.amax(x, () if d is None else d),
    "amin": lambda x, d: rt.amin(x, () if d is None else d),
    "any": lambda x, d: rt.any(x, d),
    "all": lambda x, d: rt.all(x, d),
}
OF_INTEGERS = {k: OF_FLOATS[k] for k in ["sum", "amax", "amin", "any", "all"]}
ALONG: dict[str, Function] = {
    "prod": lambda x, d: rt.prod(x, d),
    "max": lambda x, d: tuple(rt.max(x, d)),
    "min": lambda x, d: tuple(rt.min(x, d)),
    "argmax": lambda x, d: rt.argmax(x, d),
    "argmin": lambda x, d: rt.argmin(x, d, keepdim=True),
}


def cases() -> list[Any]:
    for_floats = [(k, f, d) for k, f in {**OF_FLOATS, **ALONG}.items() for d in FLOATS]
    for_ints = [(k, f, d) for k, f in {**OF_INTEGERS, **ALONG}.items() for d in [*INTS, "bool"]]
    no_kernel = [("argmax", "bool"), ("argmin", "bool")]  # as in PyTorch
    return [
        pytest.param(f, d, k in ALONG, id=f"{k}-{d}")
        for k, f, d in for_floats + for_ints
        if (k, d) not in no_kernel
    ]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("f, dtype, along", cases())
def test_every_reduction(device: str, f: Function, dtype: str, along: bool) -> None:
    """Each kernel in its forms: rows, columns, short rows, and one long range."""
    x = values((3, 70, 5), dtype)
    y = x.to(device)
    for dim in [0, 1, 2] if along else [0, 1, 2, (0, 2), None]:
        same(f(y, dim), f(x, dim), scale=10)
    long = values((5003,), dtype)
    if along or dtype == "bool":
        long = rt.cat([long, rt.ones(5, dtype=long.dtype)])
    same(f(long.to(device), 0), f(long, 0), scale=100)


# By name of the slot: a function that uses it, NumPy's, and types that the states of parts have.
IN_PARTS: dict[str, tuple[Function, Function, list[str]]] = {
    "sum": (rt.sum, np.sum, ["int64", "float32"]),
    "prod": (rt.prod, np.prod, ["int64", "float32"]),
    "nansum": (rt.nansum, np.nansum, ["float32"]),
    "norm1": (lambda x: rt.linalg.vector_norm(x, 1), lambda a: np.abs(a).sum(), ["float32"]),
    "norm2": (rt.linalg.vector_norm, np.linalg.norm, ["float32"]),
    "var": (rt.var, lambda a: np.var(a, ddof=1), ["float32"]),
    "logsumexp": (lambda x: rt.logsumexp(x, 0), np.logaddexp.reduce, ["float32"]),
    "max": (rt.amax, np.max, ["int32", "int64", "float32"]),
    "min": (rt.amin, np.min, ["int32", "int64", "float32"]),
    "argmax": (lambda x: rt.max(x, 0), lambda a: (a.max(), a.argmax()), ["int32", "int64", "float32"]),
    "argmin": (lambda x: rt.min(x, 0), lambda a: (a.min(), a.argmin()), ["int32", "int64", "float32"]),
    "any": (rt.any, np.any, ["int32", "float32"]),
    "all": (rt.all, np.all, ["int32", "float32"]),
}
# Ranges that are just cut in two, each with 8 loads for each of 256 threads: of 16 bytes (by size of the
# type), or of one value where those do not lie together.
IN_A_ROW = {4: 2 * 8192 + 1, 8: 2 * 4096 + 1}
STEPPED = 2 * 2048 + 1


def marked_range(name: str, dtype: str, size: int, at: int) -> np.ndarray:
    """Values that the one at `at` decides, or changes the sum of."""
    if name in ("any", "all"):
        a = np.full(size, float(name == "all"))
        a[at] = 1 - a[at]
        return a.astype(dtype)
    if name == "prod":
        a = np.ones(size)
        a[:: size // 30] = 3
    else:
        a = RNG.integers(-9, 10, size).astype(np.float64)
    if name == "nansum":
        a[1::3] = np.nan
    a[at] = -12 if "min" in name else 12
    return a.astype(dtype)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("name", "dtype"), [(k, d) for k, (_, _, ds) in IN_PARTS.items() for d in ds])
def test_range_in_parts(device: str, name: str, dtype: str) -> None:
    f, oracle, _ = IN_PARTS[name]
    for size, step in [(IN_A_ROW[np.dtype(dtype).itemsize], 1), (STEPPED, 2)]:
        for at in (0, -1):
            a = marked_range(name, dtype, size, at)
            x = rt.tensor(np.repeat(a, step)).to(device)[::step]
            got, expected = f(x), oracle(a.astype(np.float64) if dtype == "float32" else a)
            pairs = zip(got, expected, strict=True) if isinstance(expected, tuple) else [(got, expected)]
            for g, e in pairs:
                np.testing.assert_allclose(g.cpu().numpy(), e, rtol=2e-6 if dtype == "float32" else 0)


def layouts(device: str) -> dict[str, tuple[rt.Tensor, rt.Tensor]]:
    """The same views on the CPU and on the device."""
    base = values((4, 6, 40), "float32")
    there = base.to(device)

    def both(f: Callable[[rt.Tensor], rt.Tensor]) -> tuple[rt.Tensor, rt.Tensor]:
        return f(base), f(there)

    return {
        "contiguous": both(lambda t: t),
        "transposed": both(lambda t: t.transpose(0, 2)),
        "permuted": both(lambda t: t.permute(1, 2, 0)),
        "stepped": both(lambda t: t[::2, 1::2, ::3]),
        "offset": both(lambda t: t[1:, :, 3:]),
        "packed rows": both(lambda t: t[:, 2:4, 4:36]),
        "broadcast": both(lambda t: t[:, :1].expand(4, 5, 40)),
        "flipped dims of size one": both(lambda t: t[:1].transpose(0, 1)),
    }


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["sum", "argmax", "var", "amin"])
def test_layouts(device: str, name: str) -> None:
    f = {**OF_FLOATS, **ALONG}[name]
    for x, y in layouts(device).values():
        for dim in [0, 1, 2, *([] if name == "argmax" else [(0, 1), (1, 2), (0, 2)])]:
            same(f(y, dim), f(x, dim), scale=20)


@pytest.mark.parametrize("device", DEVICES)
def test_flat_positions_follow_the_order_of_elements(device: str) -> None:
    for x, y in layouts(device).values():
        same(rt.argmax(y), rt.argmax(x))
        same(rt.argmin(y), rt.argmin(x))
    ties = rt.zeros(3000)
    same(rt.argmax(ties.to(device)), rt.argmax(ties))
    same(rt.argmin(ties.reshape(3, 1000).t().to(device), 0), rt.argmin(ties.reshape(3, 1000).t(), 0))


@pytest.mark.parametrize("device", DEVICES)
def test_many_columns_and_few(device: str) -> None:
    for shape in [(300, 3), (40, 70), (1500, 40), (7, 2100), (5000, 2)]:
        x = values(shape, "float32")
        y = x.to(device)
        same(rt.sum(y, 0), rt.sum(x, 0), scale=100)
        same(rt.argmax(y, 0), rt.argmax(x, 0))
        same(rt.std(y, 0), rt.std(x, 0), scale=3)


@pytest.mark.parametrize("device", DEVICES)
def test_more_dims_than_a_plan_holds(device: str) -> None:
    base = values((200,), "int8")
    there = base.to(device)
    strides = (3, 7, 13, 5, 2, 11, 17, 4, 19, 1)
    for sizes in [(2,) * 9 + (3,), (3,) + (2,) * 9]:
        x, y = (rt.as_strided(t, sizes, strides, 1) for t in (base, there))
        dims = tuple(range(9))
        np.testing.assert_array_equal(rt.sum(y, dims).cpu().numpy(), rt.sum(x, dims).numpy())
        np.testing.assert_array_equal(rt.sum(y, -1).cpu().numpy(), rt.sum(x, -1).numpy())
        np.testing.assert_array_equal(rt.argmax(y).cpu().numpy(), rt.argmax(x).numpy())


@pytest.mark.parametrize("device", DEVICES)
def test_empty_and_zero_dim(device: str) -> None:
    for shape in [(0,), (0, 3), (3, 0), (2, 0, 3)]:
        x = rt.zeros(shape)
        y = x.to(device)
        over: list[Function] = [rt.sum, rt.mean, rt.any, rt.all]
        for f in over:
            for dim in [None, 0, -1]:
                same(f(y, dim), f(x, dim))
        same(rt.prod(y), rt.prod(x))
        same(rt.logsumexp(y, -1), rt.logsumexp(x, -1))
        same(rt.var_mean(y, -1), rt.var_mean(x, -1))
    one = rt.tensor(3.5)
    whole: list[Function] = [rt.sum, rt.mean, rt.prod, rt.amax, rt.argmax, rt.any]
    for f in whole:
        same(f(one.to(device)), f(one))
    same(rt.var_mean(one.to(device)), rt.var_mean(one))
    with pytest.raises(RuntimeError, match="numel"):
        rt.zeros(0, device=device).max()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("at", [0, 37, 2999])
def test_nan_and_infinity(device: str, at: int) -> None:
    inf, nan = float("inf"), float("nan")
    whole: list[Function] = [rt.sum, rt.nansum, rt.amax, rt.amin, rt.argmax, rt.argmin, rt.prod, rt.any]
    for special in [nan, inf, -inf]:
        a = RNG.uniform(-1, 1, 3000).astype(np.float32)
        a[at] = special
        for x in [rt.tensor(a), rt.tensor(a).reshape(3, 1000).t()]:
            y = x.to(device)
            for f in whole:
                same(f(y), f(x), scale=100)
            for name in ["var", "std", "logsumexp", "norm2"]:
                same(OF_FLOATS[name](y, 0), OF_FLOATS[name](x, 0), scale=5)
    for fill in [inf, -inf]:
        x = rt.full((2, 40), fill)
        same(rt.logsumexp(x.to(device), 1), rt.logsumexp(x, 1))


@pytest.mark.parametrize("device", DEVICES)
def test_types_that_are_asked_for(device: str) -> None:
    ints, floats = values((6, 50), "int32"), values((6, 50), "float32") * 10
    for dtype in [rt.int8, rt.int32, rt.int64, rt.float32, rt.float16, rt.bfloat16]:
        for x in [ints, floats]:
            for dim in [0, 1]:
                same(rt.sum(x.to(device), dim, dtype=dtype), rt.sum(x, dim, dtype=dtype), scale=200)
    for x in [ints, values((6, 50), "bool"), values((6, 50), "uint8")]:
        same(rt.mean(x.to(device), dtype=rt.float32), rt.mean(x, dtype=rt.float32))
        same(rt.logsumexp(x.to(device), 1), rt.logsumexp(x, 1))
    big = rt.full((3, 5), 2**62)
    same(rt.sum(big.to(device), 1), rt.sum(big, 1))
    same(rt.prod(big.to(device), 1), rt.prod(big, 1))


def test_what_there_is_no_kernel_for() -> None:
    y = rt.ones(3, dtype=rt.float64).to("emulator")
    with pytest.raises(NotImplementedError, match=r"'emulator' has no kernel for 'sum' in .*float64"):
        rt.sum(y)
