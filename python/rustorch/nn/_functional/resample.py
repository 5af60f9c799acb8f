"""Images at other resolutions: interpolation along each axis, and sampling at arbitrary points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops

# Keys' cubic convolution parameter (IEEE Trans. ASSP 29, 1981), as OpenCV and PyTorch have it.
_CUBIC = -0.75
_MODES = {
    "nearest": None,
    "nearest-exact": None,
    "area": None,
    "linear": 1,
    "bilinear": 2,
    "bicubic": 2,
    "trilinear": 3,
}


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """The weights of the four samples around a point `t` past the second."""

    def near(x: Tensor) -> Tensor:
        return ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((_CUBIC * x - 5 * _CUBIC) * x + 8 * _CUBIC) * x - 4 * _CUBIC

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _positions(size: int, out: int, scale: float, align_corners: bool, clamp: bool, dtype: Any) -> Tensor:
    """Where each output element lies among the input's, in input elements."""
    at = rt.arange(out, dtype=dtype)
    if align_corners:
        return at * ((size - 1) / (out - 1) if out > 1 else 0.0)
    at = (at + 0.5) * scale - 0.5
    return at.clamp(min=0) if clamp else at


def _blend(x: Tensor, dim: int, taps: list[tuple[Tensor, Tensor]]) -> Tensor:
    shape = [1] * x.dim()
    shape[dim] = -1
    result = None
    for index, weight in taps:
        term = x.index_select(dim, index) * weight.reshape(shape)
        result = term if result is None else result + term
    assert result is not None
    return result


def _resize_axis(x: Tensor, dim: int, out: int, scale: float, align_corners: bool, cubic: bool) -> Tensor:
    size = x.shape[dim]
    if size == out and (align_corners or scale == 1.0):
        return x
    at = _positions(size, out, scale, align_corners, not cubic, x.dtype)
    floor = at.floor()
    first = floor.long()
    t = at - floor
    if cubic:
        weights = _cubic_weights(t)
        taps = [((first + k - 1).clamp(0, size - 1), w) for k, w in enumerate(weights)]
    else:
        low = first.clamp(max=size - 1)
        taps = [(low, 1 - t), ((low + 1).clamp(max=size - 1), t)]
    return _blend(x, dim, taps)


def _antialias_axis(x: Tensor, dim: int, out: int, scale: float, align_corners: bool, cubic: bool) -> Tensor:
    """As PIL does: the kernel widened by the scale when shrinking, its weights normalised."""
    size = x.shape[dim]
    step = (size - 1) / (out - 1) if align_corners and out > 1 else 0.0 if align_corners else scale
    width = max(step, 1.0)
    reach = (2.0 if cubic else 1.0) * width
    weight = rt.zeros(out, size, dtype=x.dtype)
    for i in range(out):
        center = step * (i + 0.5)
        low = max(int(center - reach + 0.5), 0)
        high = min(int(center + reach + 0.5), size)
        row = [_kernel((j - center + 0.5) / width, cubic) for j in range(low, high)]
        total = sum(row)
        weight[i, low:high] = rt.tensor([v / total if total else 0.0 for v in row], dtype=x.dtype)
    return (x.transpose(dim, -1) @ weight.T).transpose(dim, -1)


def _kernel(v: float, cubic: bool) -> float:
    a = abs(v)
    if not cubic:
        return max(1.0 - a, 0.0)
    c = -0.5  # PIL's choice for antialiased bicubic
    if a < 1:
        return ((c + 2) * a - (c + 3)) * a * a + 1
    return ((c * a - 5 * c) * a + 8 * c) * a - 4 * c if a < 2 else 0.0


def _nearest(x: Tensor, dim: int, out: int, scale: float, exact: bool) -> Tensor:
    # float32, as PyTorch computes the index: the rounding of i * scale is part of the behaviour.
    at = rt.arange(out, dtype=rt.float32)
    index = ((at + 0.5) * scale if exact else at * scale).floor().long().clamp(max=x.shape[dim] - 1)
    return x.index_select(dim, index)


def _sizes(
    input: Tensor, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[list[int], list[float | None]]:
    n = input.dim() - 2
    if size is not None and scale_factor is not None:
        raise ValueError("interpolate: only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("interpolate: either size or scale_factor should be defined")
    if size is not None:
        sizes = [int(v) for v in size] if isinstance(size, (list, tuple)) else [int(size)] * n
        if len(sizes) != n:
            raise ValueError(
                "interpolate: Input and output must have the same number of spatial dimensions, but got "
                f"input with spatial dimensions of {list(input.shape[2:])} and output size of {size}"
            )
        return sizes, [None] * n
    factors = list(scale_factor) if isinstance(scale_factor, (list, tuple)) else [scale_factor] * n
    if len(factors) != n:
        raise ValueError(
            "interpolate: Input and scale_factor must have the same number of spatial dimensions, but got "
            f"input with spatial dimensions of {list(input.shape[2:])} and scale_factor of shape "
            f"{scale_factor}"
        )
    sizes = [math.floor(float(m) * float(f)) for m, f in zip(input.shape[2:], factors)]
    return sizes, [None] * n if recompute else [float(f) for f in factors]


def interpolate(
    input: Tensor,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input (N, C, ...) at another resolution, given by `size` or `scale_factor`.

    `mode` is "nearest", "nearest-exact", "linear" (3-D inputs), "bilinear" or "bicubic" (4-D), "trilinear"
    (5-D) or "area". Follows ``torch.nn.functional.interpolate``.

    >>> nn.functional.interpolate(rt.tensor([[[1.0, 3.0]]]), size=4, mode="linear")
    tensor([[[1.0000, 1.5000, 2.5000, 3.0000]]])
    """
    n = input.dim() - 2
    if mode not in _MODES or n not in (1, 2, 3) or (_MODES[mode] is not None and _MODES[mode] != n):
        raise NotImplementedError(
            f"interpolate: Input Error: Only 3D, 4D and 5D input Tensors supported (got {input.dim()}D) "
            "for the modes: nearest | linear | bilinear | bicubic | trilinear | area | nearest-exact (got "
            f"{mode})"
        )
    if align_corners is not None and _MODES[mode] is None:
        raise ValueError(
            "interpolate: align_corners option can only be set with the interpolating modes: linear | "
            "bilinear | bicubic | trilinear"
        )
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError(
            "interpolate: Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            "tensor as input"
        )
    if recompute_scale_factor and size is not None:
        raise ValueError("interpolate: recompute_scale_factor is not meaningful with an explicit size.")
    sizes, factors = _sizes(input, size, scale_factor, recompute_scale_factor)
    if any(s <= 0 for s in sizes) or any(s <= 0 for s in input.shape[1:]):
        raise RuntimeError(
            "interpolate: Input and output sizes should be greater than 0, but got input "
            f"{list(input.shape[2:])} and output {sizes}"
        )
    if mode == "area":
        pooled: Tensor = getattr(ops, f"adaptive_avg_pool{n}d")(input, sizes)
        return pooled
    corners = bool(align_corners)
    low_precision = input.dtype in (rt.float16, rt.bfloat16) and not mode.startswith("nearest")
    x = input.float() if low_precision else input
    for d in range(n):
        factor = factors[d]
        scale = 1.0 / factor if factor is not None else input.shape[d + 2] / sizes[d]
        if mode.startswith("nearest"):
            x = _nearest(x, d + 2, sizes[d], scale, mode == "nearest-exact")
        elif antialias:
            x = _antialias_axis(x, d + 2, sizes[d], scale, corners, mode == "bicubic")
        else:
            x = _resize_axis(x, d + 2, sizes[d], scale, corners, mode == "bicubic")
    return x.to(input.dtype) if low_precision else x


def _reflect(at: Tensor, low: float, high: float) -> Tensor:
    if low == high:
        return rt.zeros_like(at)
    span = high - low
    at = (at - low).abs()
    extra = at.remainder(2 * span)
    return rt.where(extra > span, 2 * span - extra, extra) + low


def _settle(at: Tensor, size: int, padding: str, align_corners: bool) -> Tensor:
    if padding == "reflection":
        at = _reflect(at, 0.0, size - 1.0) if align_corners else _reflect(at, -0.5, size - 0.5)
    return at if padding == "zeros" else at.clamp(0, size - 1)


def _pick(input: Tensor, places: list[Tensor]) -> tuple[Tensor, Tensor]:
    """input[n, :, places...] for each output point, channels first, and where the place exists."""
    sizes = input.shape[2:]
    inside = None
    index = None
    for place, size in zip(places, sizes):
        ok = (place >= 0) & (place < size)
        inside = ok if inside is None else inside & ok
        clamped = place.clamp(0, size - 1)
        index = clamped if index is None else index * size + clamped
    assert index is not None and inside is not None
    n, c = input.shape[:2]
    flat = input.reshape(n, c, -1)
    picked = flat.gather(2, index.reshape(n, 1, -1).expand(n, c, -1))
    return picked.reshape(n, c, *index.shape[1:]), inside


def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input (N, C, [D,] H, W) at points of `grid` (N, ..., 2 or 3), whose coordinates run from -1 to 1.

    The last dim of the grid is (x, y[, z]). `mode` is "bilinear", "nearest" or "bicubic" (4-D);
    `padding_mode` is "zeros", "border" or "reflection". Follows ``torch.nn.functional.grid_sample``.

    >>> image = rt.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> nn.functional.grid_sample(image, rt.zeros(1, 1, 1, 2), align_corners=False)
    tensor([[[[2.5000]]]])
    """
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(
            f"grid_sample: expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{mode}'"
        )
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            "grid_sample: expected padding_mode to be 'zeros', 'border', or 'reflection', but got: "
            f"'{padding_mode}'"
        )
    n = input.dim() - 2
    if n not in (2, 3) or grid.dim() != input.dim():
        raise RuntimeError(
            "grid_sample: expected 4D or 5D input and grid with same number of dimensions, but got input "
            f"with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(
            "grid_sample: expected grid and input to have same batch size, but got input with sizes "
            f"{list(input.shape)} and grid with sizes {list(grid.shape)}"
        )
    if grid.shape[-1] != n:
        raise RuntimeError(
            f"grid_sample: expected grid to have size {n} in last dimension, but got grid with sizes "
            f"{list(grid.shape)}"
        )
    if any(s == 0 for s in input.shape[2:]):
        raise RuntimeError("grid_sample: expected input to have non-empty spatial dimensions")
    if mode == "bicubic" and n != 2:
        raise RuntimeError("grid_sample: bicubic interpolation only supports 4D input")
    if input.dtype != grid.dtype:
        raise RuntimeError(
            f"grid_sample: expected input and grid to have same dtype, but input has {input.dtype} and "
            f"grid has {grid.dtype}"
        )
    corners = bool(align_corners)
    coords = []
    for d, size in enumerate(input.shape[2:]):
        g = grid[..., n - 1 - d]
        at = (g + 1) / 2 * (size - 1) if corners else ((g + 1) * size - 1) / 2
        coords.append(at if mode == "bicubic" else _settle(at, size, padding_mode, corners))
    if mode == "nearest":
        picked, inside = _pick(input, [at.detach().round().long() for at in coords])
        return picked * inside.unsqueeze(1)
    floors = [at.detach().floor() for at in coords]
    offsets = [at - f for at, f in zip(coords, floors)]
    if mode == "bicubic":
        weights = [_cubic_weights(t) for t in offsets]
        shifts: Sequence[int] = (-1, 0, 1, 2)
    else:
        weights = [[1 - t, t] for t in offsets]
        shifts = (0, 1)
    result = None
    for combination in product(range(len(shifts)), repeat=n):
        weight: Tensor | None = None
        places = []
        for axis, k in enumerate(combination):
            w = weights[axis][k]
            weight = w if weight is None else weight * w
            place = floors[axis] + shifts[k]
            if mode == "bicubic":
                place = _settle(place, input.shape[axis + 2], padding_mode, corners)
            places.append(place.long())
        assert weight is not None
        picked, inside = _pick(input, places)
        term = picked * (weight * inside).unsqueeze(1)
        result = term if result is None else result + term
    assert result is not None
    return result
