"""Pooling, and sampling of images at other resolutions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, FLOATS, INTS
from ..samples import Rng, distinct, rand
from .conv import each, ones

F = "nn.functional."
LOOSE = {"float16": (4e-3, 4e-3), "bfloat16": (2e-2, 4e-2)}


def steps(size: int, kernel: int, stride: int, pad: int, dilation: int, ceil: bool) -> int:
    """How many windows fit; with ceil_mode the last may hang over the end, but must start inside."""
    room = size + 2 * pad - dilation * (kernel - 1) - 1
    count = (room + (stride - 1 if ceil else 0)) // stride + 1
    return count - 1 if ceil and (count - 1) * stride >= size + pad else count


class Windows:
    """The windows of a pooling: `size` of the output, and for each output position the input indices along
    each dim, of which those below zero or past the end lie in the padding."""

    def __init__(
        self, x: np.ndarray, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool
    ) -> None:
        kernel, padding, dilation = each(kernel, n), each(padding, n), each(dilation, n)
        stride = each(stride, n) if stride else kernel
        self.dims = list(zip(x.shape[-n:], kernel, stride, padding, dilation))
        self.size = [steps(*d, ceil) for d in self.dims]

    def __iter__(self) -> Iterator[tuple[tuple[int, ...], list[list[int]]]]:
        for at in product(*map(range, self.size)):
            yield at, [[a * s - p + d * i for i in range(k)] for a, (_, k, s, p, d) in zip(at, self.dims)]


def max_pool(n: int) -> Callable[..., Any]:
    def ref(
        x: np.ndarray,
        kernel: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        all_windows = Windows(x, n, kernel, stride, padding, dilation, ceil_mode)
        values = np.empty((*x.shape[:-n], *all_windows.size))
        index = np.empty(values.shape, np.int64)
        for at, places in all_windows:
            inside = [[i for i in p if 0 <= i < m] for p, m in zip(places, x.shape[-n:])]
            best = np.full(x.shape[:-n], -np.inf)
            where = np.zeros(x.shape[:-n], np.int64)
            for i, to in enumerate(product(*inside)):
                value = x[(..., *to)].astype(np.float64)
                better = (value > best) | np.isnan(value) | (i == 0)
                best = np.where(better, value, best)
                where = np.where(better, np.ravel_multi_index(to, x.shape[-n:]), where)
            values[(..., *at)], index[(..., *at)] = best, where
        values = values.astype(x.dtype)
        return (values, index) if return_indices else values

    return ref


def avg_pool(n: int) -> Callable[..., Any]:
    def ref(
        x: np.ndarray,
        kernel: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: Any = None,
    ) -> np.ndarray:
        pads = each(padding, n)
        all_windows = Windows(x, n, kernel, stride, padding, 1, ceil_mode)
        out = np.empty((*x.shape[:-n], *all_windows.size))
        for at, places in all_windows:
            inside = [[i for i in p if 0 <= i < m] for p, m in zip(places, x.shape[-n:])]
            padded = [[i for i in p if -q <= i < m + q] for p, m, q in zip(places, x.shape[-n:], pads)]
            count = np.prod([len(p) for p in (padded if count_include_pad else inside)])
            total = sum(x[(..., *to)] for to in product(*inside))
            out[(..., *at)] = total / (divisor_override or count)
        return out

    return ref


def pools(n: int, kind: str) -> Callable[[str, Rng], Iterator[Sample]]:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        make = distinct if kind == "max" else rand
        s = (5, 4, 3)[:n]
        yield S(make(rng, (1, 2, *s), dtype), 2) if n < 3 else S(make(rng, (1, 1, *s), dtype), 2)
        yield (
            S(make(rng, (2, *s), dtype), 2, 1).once() if n < 3 else S(make(rng, (1, *s), dtype), 2, 1).once()
        )
        yield S(make(rng, (1, 1, *s), dtype), (2,) * n, stride=2, padding=1).once()
        yield S(make(rng, (1, 1, *s), dtype), 2, 2, ceil_mode=True).once()
        yield S(make(rng, (2, 3, *(9,) * n), dtype), 3, 2, 1, ceil_mode=True).nograd()
        if kind == "max":
            yield S(make(rng, (1, 1, *s), dtype), (2,) + (1,) * (n - 1), 1, dilation=2).once()
            yield S(make(rng, (1, 1, *s), dtype), 2, return_indices=True).once()
            if dtype in ALL_FLOATS:
                yield S(
                    tensor(np.r_[np.nan, np.zeros(2**n - 1)].reshape(1, 1, *(2,) * n), dtype), 2
                ).value_only()
        else:
            yield S(make(rng, (1, 1, *s), dtype), 2, 2, 1, count_include_pad=False).once()
            if n > 1:
                yield S(make(rng, (1, 1, *s), dtype), 2, divisor_override=3).once()

    return samples


def indices_too(sample: Sample) -> list[str]:
    dtype = sample.args[0].dtype
    return [dtype, "int64"] if sample.kwargs.get("return_indices") else [dtype]


def adaptive(n: int, reduce: Callable[..., Any], arg: Any = None) -> Callable[..., Any]:
    def ref(x: np.ndarray, size: Any, return_indices: bool = False) -> Any:
        given = each(size, n) if isinstance(size, int) else tuple(size)
        want = [m if g is None else g for g, m in zip(given, x.shape[-n:])]
        out, index = np.empty((*x.shape[:-n], *want)), np.zeros((*x.shape[:-n], *want), np.int64)
        for at in product(*map(range, want)):
            ends = [(a * m // w, -(-(a + 1) * m // w)) for a, m, w in zip(at, x.shape[-n:], want)]
            block = x[(..., *(slice(a, b) for a, b in ends))]
            flat = block.reshape(*x.shape[:-n], -1)
            out[(..., *at)] = reduce(flat, -1)
            place = np.unravel_index(flat.argmax(-1), block.shape[-n:])
            index[(..., *at)] = np.ravel_multi_index([p + a for p, (a, _) in zip(place, ends)], x.shape[-n:])
        return (out, index) if return_indices else out

    return ref


def adaptives(n: int, kind: str) -> Callable[[str, Rng], Iterator[Sample]]:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        make = distinct if kind == "max" else rand
        s = (5, 4)[:n] if n < 3 else (4, 3, 3)
        yield S(make(rng, (1, 2, *s), dtype), 2 if n == 1 else (2, 3, 1)[:n])
        yield S(make(rng, (2, *s), dtype), 1).once()
        yield S(make(rng, (1, 1, *s), dtype), 7).nograd()  # more than there are
        if n > 1:
            yield S(make(rng, (1, 1, *s), dtype), (None, 2, 2)[:n]).once()
        if kind == "max":
            yield S(make(rng, (1, 2, *s), dtype), 2, return_indices=True).once()

    return samples


def resized(dtype: str, rng: Rng) -> Iterator[Sample]:
    for n, mode in (
        (1, "nearest"),
        (1, "linear"),
        (2, "nearest"),
        (2, "bilinear"),
        (2, "bicubic"),
        (3, "nearest"),
        (3, "trilinear"),
        (2, "area"),
    ):
        s = (3, 2, 2)[:n]
        yield S(rand(rng, (1, 1, *s), dtype), tuple(m * 2 - 1 for m in s), mode=mode).once()
        yield S(rand(rng, (1, 2, *s), dtype), scale_factor=2.0, mode=mode).nograd()
        yield S(rand(rng, (1, 1, *(5,) * n), dtype), size=3, mode=mode).nograd()
        if mode not in ("nearest", "area"):
            yield S(
                rand(rng, (1, 1, *s), dtype), tuple(m + 2 for m in s), mode=mode, align_corners=True
            ).once()
    yield S(rand(rng, (1, 1, 3, 2), dtype), (2, 3), mode="bilinear")
    yield S(rand(rng, (1, 1, 4), dtype), 3, mode="nearest-exact").once()
    yield S(
        rand(rng, (1, 1, 4), dtype), scale_factor=1.6, mode="linear", recompute_scale_factor=True
    ).nograd()
    yield S(rand(rng, (1, 1, 4), dtype), scale_factor=1.6, mode="linear").nograd()
    if dtype in FLOATS:
        yield S(rand(rng, (1, 1, 6, 6), dtype), (3, 3), mode="bilinear", antialias=True).nograd()


def nearest(x: np.ndarray, n: int, want: Any, ratio: Any, shift: float) -> np.ndarray:
    for d, (w, r) in enumerate(zip(want, ratio)):
        axis = x.ndim - n + d
        source = np.minimum(np.floor((np.arange(w) + shift) * r).astype(int), x.shape[axis] - 1)
        x = np.take(x, source, axis)
    return x


def cubic(t: np.ndarray, a: float = -0.75) -> np.ndarray:
    t = np.abs(t)
    near, far = ((a + 2) * t - (a + 3)) * t * t + 1, ((t - 5) * t + 8) * t * a - 4 * a
    return np.where(t <= 1, near, np.where(t < 2, far, 0))


def linear_kernel(t: np.ndarray) -> np.ndarray:
    return np.maximum(0, 1 - np.abs(t))


def blend(
    x: np.ndarray, n: int, want: Any, ratio: Any, align: bool, kernel: Any, reach: int, antialias: bool
) -> np.ndarray:
    """Separable interpolation: along each dim a weighted sum of the taps around the source coordinate."""
    for d, (w, r) in enumerate(zip(want, ratio)):
        axis = x.ndim - n + d
        size = x.shape[axis]
        weights = np.zeros((w, size))
        for i in range(w):
            if antialias:
                scale = max(r, 1.0)
                centre = (i + 0.5) * r
                low, high = (
                    max(int(centre - reach * scale + 0.5), 0),
                    min(int(centre + reach * scale + 0.5), size),
                )
                taps = np.arange(low, high)
                values = kernel((taps + 0.5 - centre) / scale)
                values = values / values.sum()
            else:
                at = i * (size - 1) / (w - 1) if align and w > 1 else 0.0 if align else (i + 0.5) * r - 0.5
                if reach == 1:
                    at = max(at, 0.0)
                taps = int(np.floor(at)) + np.arange(1 - reach, reach + 1)
                values = kernel(taps - at)
            np.add.at(weights[i], np.clip(taps, 0, size - 1), values)
        x = np.moveaxis(np.tensordot(weights, x, (1, axis)), 0, axis)
    return x


def interpolate(
    x: np.ndarray,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: bool = False,
) -> np.ndarray:
    n = x.ndim - 2
    shape = x.shape[2:]
    want = each(size, n) if size is not None else tuple(int(np.floor(m * scale_factor)) for m in shape)
    ratio = [m / w for m, w in zip(shape, want)]
    if scale_factor is not None and not recompute_scale_factor:
        ratio = [1 / scale_factor] * n
    if mode.startswith("nearest"):
        return nearest(x, n, want, ratio, 0.5 if mode == "nearest-exact" else 0.0)
    if mode == "area":
        return adaptive(n, np.mean)(x, want)
    kernel, reach = (cubic, 2) if mode == "bicubic" else (linear_kernel, 1)
    return blend(x, n, want, ratio, bool(align_corners), kernel, reach, antialias)


def grids(dtype: str, rng: Rng) -> Iterator[Sample]:
    def grid(*shape: int, reach: float = 0.8) -> Any:
        return rand(rng, shape, dtype, -reach, reach)

    yield S(rand(rng, (1, 1, 3, 3), dtype), grid(1, 2, 2, 2), align_corners=False)
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for align in (True, False):
                x, points = rand(rng, (1, 1, 3, 4), dtype), grid(1, 2, 2, 2, reach=1.4)
                yield S(x, points, mode=mode, padding_mode=padding, align_corners=align).nograd()
    yield S(rand(rng, (2, 2, 5, 7), dtype), grid(2, 4, 6, 2, reach=1.2), align_corners=True).nograd()
    yield S(rand(rng, (1, 1, 2, 2, 2), dtype), grid(1, 1, 2, 2, 3), align_corners=True).nograd()


def reflect(at: np.ndarray, low: float, high: float) -> np.ndarray:
    if low == high:
        return np.zeros_like(at)
    span = high - low
    at = np.abs(at - low) % (2 * span)
    return np.where(at > span, 2 * span - at, at) + low


def settle(at: np.ndarray, size: int, padding: str, align: bool) -> np.ndarray:
    """A coordinate after padding_mode has had its say."""
    if padding == "reflection":
        at = reflect(at, 0, size - 1) if align else reflect(at, -0.5, size - 0.5)
    return at if padding == "zeros" else np.clip(at, 0, size - 1)


def grid_sample(
    x: np.ndarray,
    grid: np.ndarray,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: Any = None,
) -> np.ndarray:
    n = x.ndim - 2
    sizes = x.shape[2:]
    coords = []
    for d, size in enumerate(sizes):
        g = grid[..., n - 1 - d]  # the grid names the last dim first
        at = (g + 1) / 2 * (size - 1) if align_corners else ((g + 1) * size - 1) / 2
        coords.append(at if mode == "bicubic" else settle(at, size, padding_mode, bool(align_corners)))
    kernel, reach = {"bilinear": (linear_kernel, 1), "bicubic": (cubic, 2), "nearest": (None, 0)}[mode]
    batch = np.arange(x.shape[0]).reshape(-1, *(1,) * n)
    out = 0.0
    spans = [[0]] * n if mode == "nearest" else [range(1 - reach, reach + 1)] * n
    for taps in product(*spans):
        weight, places, inside = 1.0, [], True
        for at, tap, size in zip(coords, taps, sizes):
            place = np.rint(at) if kernel is None else np.floor(at) + tap
            weight = weight * (1.0 if kernel is None else kernel(place - at))
            if mode == "bicubic":
                place = settle(place, size, padding_mode, bool(align_corners))
            inside = inside & (place >= 0) & (place < size)
            places.append(np.clip(place, 0, size - 1).astype(int))
        picked = np.moveaxis(x, 1, -1)[(batch, *places)]
        out = out + picked * (weight * inside)[..., None]
    return np.moveaxis(out, -1, 1)


def row(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=F + name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{
            "dtypes": ALL_FLOATS,
            "grad": ("float64",),
            "result": "first",
            "tol": LOOSE,
            "strides": False,
            **fields,
        },
    )


def max_row(n: int) -> OpCase:
    s = (4,) * n
    return row(
        f"max_pool{n}d",
        max_pool(n),
        pools(n, "max"),
        Error(S(ones(1, 1, *s), 2, padding=2), "RuntimeError", "pad"),
        Error(S(ones(1, 1, *s), 2, 0), "RuntimeError", "stride"),
        Error(S(ones(1, 1, *s), 9), "RuntimeError", "size|kernel|small"),
        Error(S(ones(4), 2), "RuntimeError", "dim"),
        dtypes=ALL_FLOATS + INTS if n > 1 else ALL_FLOATS,
        result=indices_too,
    )


def avg_row(n: int) -> OpCase:
    s = (4,) * n
    return row(
        f"avg_pool{n}d",
        avg_pool(n),
        pools(n, "avg"),
        Error(S(ones(1, 1, *s), 2, padding=2), "RuntimeError", "pad"),
        Error(S(ones(1, 1, *s), 9), "RuntimeError", "size|kernel|small"),
        dtypes=ALL_FLOATS if n < 3 else FLOATS,
        out=n > 1,
    )


IMAGE = ones(1, 1, 2, 2)

CASES = [
    max_row(1),
    max_row(2),
    max_row(3),
    avg_row(1),
    avg_row(2),
    avg_row(3),
    row("adaptive_avg_pool1d", adaptive(1, np.mean), adaptives(1, "avg")),
    row(
        "adaptive_avg_pool2d",
        adaptive(2, np.mean),
        adaptives(2, "avg"),
        Error(S(ones(3), 2), "RuntimeError", "dim"),
        Error(S(IMAGE, (2, 2, 2)), "RuntimeError", "output_size|size"),
    ),
    row("adaptive_max_pool1d", adaptive(1, np.max), adaptives(1, "max"), result=indices_too),
    row(
        "adaptive_max_pool2d",
        adaptive(2, np.max),
        adaptives(2, "max"),
        Error(S(ones(3), 2), "RuntimeError", "dim"),
        Error(S(IMAGE, 2**31 - 1), "RuntimeError", "overflow"),
        result=indices_too,
    ),
    row(
        "adaptive_avg_pool3d",
        adaptive(3, np.mean),
        adaptives(3, "avg"),
        Error(S(ones(3), 2), "RuntimeError", "dim"),
    ),
    row(
        "adaptive_max_pool3d",
        adaptive(3, np.max),
        adaptives(3, "max"),
        Error(S(ones(3), 2), "RuntimeError", "dim"),
        result=indices_too,
    ),
    row(
        "interpolate",
        interpolate,
        resized,
        Error(S(IMAGE), "ValueError", "size|scale_factor"),
        Error(S(IMAGE, 2, 2.0), "ValueError", "size|scale_factor"),
        Error(S(IMAGE, 2, mode="linear"), "NotImplementedError", "mode|dim|input"),
        Error(S(IMAGE, 2, mode="nearest", align_corners=True), "ValueError", "align_corners"),
        Error(S(IMAGE, (2, 2, 2)), "ValueError", "size|dim"),
        dtypes=ALL_FLOATS,
        tol={"float16": (1e-2, 1e-2), "bfloat16": (2e-2, 6e-2), "float32": (1e-5, 2e-5)},
    ),
    row(
        "grid_sample",
        grid_sample,
        grids,
        Error(S(IMAGE, ones(2, 1, 1, 2)), "RuntimeError", "batch|size"),
        Error(S(IMAGE, ones(1, 1, 1, 3)), "RuntimeError", "size|grid"),
        Error(S(IMAGE, ones(1, 1, 1, 2), mode="area"), "ValueError", "mode"),
        Error(S(IMAGE, ones(1, 1, 1, 2), padding_mode="wrap"), "ValueError", "padding_mode"),
        dtypes=FLOATS,
        tol={"float32": (1e-4, 1e-4)},
    ),
]
