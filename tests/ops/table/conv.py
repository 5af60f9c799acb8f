"""Convolutions and transposed convolutions, against direct sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX
from ..samples import Rng, rand

F = "nn.functional."
LOOSE = {
    "float16": (1e-2, 4e-2),
    "bfloat16": (4e-2, 3e-1),
    "float32": (1e-4, 1e-4),
    "complex64": (1e-4, 1e-4),
}
GRAD_TOL = {"float64": (1e-6, 1e-6), "complex128": (1e-6, 1e-6)}


def each(value: Any, n: int) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,) * n
    return tuple(value) if len(value) == n else tuple(value) * n


def conv(
    x: np.ndarray,
    w: np.ndarray,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> np.ndarray:
    """The cross-correlation, as its definition: a sum over kernel positions of strided slices."""
    n = w.ndim - 2
    if x.ndim == w.ndim - 1:
        return conv(x[None], w, bias, stride, padding, dilation, groups)[0]
    kernel, stride, dilation = w.shape[2:], each(stride, n), each(dilation, n)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel)]
    if padding == "same":
        ends = [(r // 2, r - r // 2) for r in reach]
    else:
        ends = [(p, p) for p in each(0 if padding == "valid" else padding, n)]
    x = np.pad(x, [(0, 0), (0, 0), *ends])
    size = [(s - r - 1) // st + 1 for s, r, st in zip(x.shape[2:], reach, stride)]
    out = np.zeros((x.shape[0], w.shape[0], *size), np.result_type(x, w))
    cin, cout = x.shape[1] // groups, w.shape[0] // groups
    for g in range(groups):
        for at in product(*map(range, kernel)):
            cut = tuple(
                slice(a * d, a * d + s * (m - 1) + 1, s) for a, d, s, m in zip(at, dilation, stride, size)
            )
            part = x[(slice(None), slice(g * cin, (g + 1) * cin), *cut)]
            rows = w[(slice(g * cout, (g + 1) * cout), slice(None), *at)]
            out[:, g * cout : (g + 1) * cout] += np.einsum("nc...,oc->no...", part, rows)
    return out if bias is None else out + bias.reshape((1, -1) + (1,) * n)


def conv_transpose(
    x: np.ndarray,
    w: np.ndarray,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> np.ndarray:
    """Each input element adds its multiple of the kernel to the output."""
    n = w.ndim - 2
    if x.ndim == w.ndim - 1:
        return conv_transpose(x[None], w, bias, stride, padding, output_padding, groups, dilation)[0]
    kernel, stride, dilation = w.shape[2:], each(stride, n), each(dilation, n)
    padding, extra = each(padding, n), each(output_padding, n)
    full = [
        (s - 1) * st + d * (k - 1) + 1 + e
        for s, st, d, k, e in zip(x.shape[2:], stride, dilation, kernel, extra)
    ]
    cin, cout = x.shape[1] // groups, w.shape[1]
    out = np.zeros((x.shape[0], cout * groups, *full), np.result_type(x, w))
    for g in range(groups):
        for at in product(*map(range, kernel)):
            cut = tuple(
                slice(a * d, a * d + s * (m - 1) + 1, s)
                for a, d, s, m in zip(at, dilation, stride, x.shape[2:])
            )
            rows = w[(slice(g * cin, (g + 1) * cin), slice(None), *at)]
            part = np.einsum("nc...,co->no...", x[:, g * cin : (g + 1) * cin], rows)
            out[(slice(None), slice(g * cout, (g + 1) * cout), *cut)] += part
    out = out[(slice(None), slice(None), *(slice(p, m - p) for p, m in zip(padding, full)))]
    return out if bias is None else out + bias.reshape((1, -1) + (1,) * n)


def convs(n: int, transposed: bool = False) -> Callable[[str, Rng], Iterator[Sample]]:
    """Stride, padding, dilation, groups, depthwise, an empty batch, no batch, and one of a real size."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        def call(x: Any, w: Any, bias: int = 0, **options: Any) -> Sample:
            args = [rand(rng, x, dtype, -2, 2), rand(rng, w, dtype, -2, 2)]
            if bias:
                args.append(rand(rng, (bias,), dtype))
            return S(*args, **options)

        s, k, one = (4, 3) if n == 2 else (4,) if n == 1 else (3, 2, 2), (2,) * n, (1,) * n
        first = call((1, 2, *s), (2, 2, *k), 2)
        yield first.once() if n == 3 else first
        yield call((2, 1, *s), (1, 2, *k) if transposed else (2, 1, *k), stride=2, padding=1).once()
        yield call((1, 2, *s), (2, 1, *k), 2, groups=2)
        yield call((1, 1, *s), (1, 1, *k), 1, padding=1, dilation=2).once()
        yield call((2, *s), (2, 1, *k) if transposed else (1, 2, *k)).once()  # no batch
        yield call((1, 2, *s), (2, 3, *one) if transposed else (3, 2, *one), 3).once()
        yield call((0, 2, *s), (2, 2, *k)).value_only()
        if transposed:
            yield call((1, 1, *s), (1, 1, *k), stride=2, padding=1, output_padding=1).once()
            big, taps = ((3, 3, 2), (3, 2, 2)) if n == 3 else ((5,) * n, (3,) * n)
            yield call((2, 6, *big), (6, 4, *taps), 4, stride=(2,) * n).nograd()
            yield call((2, 6, *big), (6, 2, *taps), 6, groups=3).nograd()
        else:
            yield call((1, 1, *s), (1, 1, *k), padding="same").once()
            yield call((1, 1, *s), (1, 1, *k), padding="valid").once()
            yield call((2, 6, *(6,) * n), (4, 6, *(3,) * n), 4, stride=(2,) * n, padding=(1,) * n).nograd()
            yield call((2, 6, *(6,) * n), (6, 1, *(3,) * n), 6, groups=6, padding=1).nograd()
            yield call(
                (1, 2, *(7,) + (5,) * (n - 1)), (2, 2, *(3,) + (2,) * (n - 1)), padding=(2,) + (0,) * (n - 1)
            ).nograd()

    return samples


def ones(*shape: int) -> Any:
    return tensor(np.ones(shape), "float32")


def errors(n: int, transposed: bool) -> tuple[Error, ...]:
    s = (3,) * n
    found = [
        Error(S(ones(1, 3, *s), ones(2, 2, *s)), "RuntimeError", "channel"),
        Error(S(ones(1, 2, *s), ones(2)), "RuntimeError", "weight|dim"),
        Error(S(ones(1, 2, *s), ones(2, 2, *s), ones(5)), "RuntimeError", "bias"),
        Error(S(ones(1, 2, *s), ones(2, 2, *s), stride=0), "RuntimeError", "stride"),
        Error(S(ones(1, 2, *s), ones(2, 2, *s), padding=-1), "RuntimeError", "padding|negative"),
        Error(S(ones(1, 2, *s), tensor(np.ones((2, 2, *s)), "float64")), "RuntimeError", "dtype|type"),
    ]
    if not transposed:
        found.append(Error(S(ones(1, 2, *s), ones(2, 2, *(4,) * n)), "RuntimeError", "kernel|size"))
        found.append(
            Error(S(ones(1, 2, *s), ones(2, 2, *s), stride=2, padding="same"), "RuntimeError", "same|stride")
        )
        found.append(Error(S(ones(1, 3, *s), ones(2, 1, *s), groups=2), "RuntimeError", "group|channel"))
    return tuple(found)


def row(n: int, transposed: bool = False) -> OpCase:
    return OpCase(
        name=f"{F}conv_transpose{n}d" if transposed else f"{F}conv{n}d",
        samples=convs(n, transposed),
        ref=conv_transpose if transposed else conv,
        variants=(f"conv_transpose{n}d" if transposed else f"conv{n}d",),
        covers=("convolution",),
        dtypes=ALL_FLOATS + COMPLEX,
        grad=("float64", "complex128") if n < 3 else ("float64",),
        result="first",
        strides=False,
        tol=LOOSE,
        grad_tol=GRAD_TOL,
        errors=errors(n, transposed),
    )


CASES = [row(1), row(2), row(3), row(1, True), row(2, True), row(3, True)]
