"""Rows: convolutions, pooling, normalisation, images, boxes."""

from __future__ import annotations

import itertools

import numpy as np

from .mil_row import Table, normal, uniform

table = Table()
row = table.add
f32, i32 = np.float32, np.int32


# Convolutions: each output is a sum over its window, written as loops.
def pads_of(pad_type, pad, size, kernel, strides, dilations):
    rank = len(kernel)
    if pad_type == "valid":
        return [(0, 0)] * rank
    if pad_type == "custom":
        return [(pad[2 * i], pad[2 * i + 1]) for i in range(rank)]
    result = []
    for n, k, s, d in zip(size, kernel, strides, dilations):
        total = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        less, more = total // 2, total - total // 2
        result.append((less, more) if pad_type == "same" else (more, less))
    return result


def conv(x, weight, bias=None, strides=None, pad_type="valid", pad=None, dilations=None, groups=1):
    rank = x.ndim - 2
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    kernel = weight.shape[2:]
    pads = pads_of(pad_type, pad, x.shape[2:], kernel, strides, dilations)
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    size = [(n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(x.shape[2:], kernel, dilations, strides)]
    per = weight.shape[0] // groups
    y = np.zeros((x.shape[0], weight.shape[0], *size))
    for place in itertools.product(*map(range, size)):
        cut = tuple(
            slice(p * s, p * s + (k - 1) * d + 1, d) for p, s, k, d in zip(place, strides, kernel, dilations)
        )
        window = x[(slice(None), slice(None), *cut)]
        for g in range(groups):
            part = window[:, g * weight.shape[1] : (g + 1) * weight.shape[1]]
            out = slice(g * per, (g + 1) * per)
            y[(slice(None), out, *place)] = np.tensordot(part, weight[out], (range(1, rank + 2),) * 2)
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


X1, X2, X3 = normal(2, 4, 9), normal(2, 4, 7, 6), normal(1, 2, 4, 5, 4)
W2, BIAS = normal(6, 2, 3, 2), normal(6)
row("conv", conv, x=X1, weight=normal(3, 4, 3), bias=normal(3), fixed=("weight", "bias"))
row("conv", conv, x=X1, weight=normal(4, 1, 2), groups=4, pad_type="same", strides=[2])
row(
    "conv",
    conv,
    x=X2,
    weight=W2,
    bias=BIAS,
    groups=2,
    pad_type="custom",
    pad=[1, 1, 2, 2],
    strides=[2, 1],
    fixed=("weight", "bias"),
)
row("conv", conv, x=X2, weight=W2, bias=BIAS, groups=2, pad_type="custom", pad=[1, 0, 0, 2], dilations=[2, 1])
row("conv", conv, x=X2, weight=normal(2, 4, 3, 4), pad_type="same", strides=[2, 2], fixed=("weight",))
row("conv", conv, x=X2, weight=normal(2, 4, 4, 3), pad_type="same_lower", strides=[2, 1])
row(
    "conv",
    conv,
    x=X3,
    weight=normal(3, 2, 2, 3, 2),
    strides=[1, 2, 1],
    pad_type="custom",
    pad=[1, 1, 0, 0, 1, 1],
)

CODES = np.random.default_rng(0).integers(0, 256, (3, 4, 2, 2)).astype(np.uint8)
SCALE, SHIFT = uniform(0.01, 0.02, 3), uniform(-2, -1, 3)
row(
    "conv_quantized",
    lambda x, weight, quantization_type, quant_scale, quant_bias: conv(
        x, weight * quant_scale.reshape(3, 1, 1, 1) + quant_bias.reshape(3, 1, 1, 1)
    ),
    x=X2,
    weight=CODES,
    quantization_type="linear",
    quant_scale=SCALE,
    quant_bias=SHIFT,
)
TABLE = normal(256)
row(
    "conv_quantized",
    lambda x, weight, quantization_type, quant_scale: conv(x, quant_scale[weight]),
    x=X2,
    weight=CODES,
    quantization_type="lut",
    quant_scale=TABLE,
)


def conv_transpose(
    x,
    weight,
    bias=None,
    pad=None,
    output_shape=None,
    pad_type="valid",
    strides=None,
    dilations=None,
    groups=1,
):
    """Each input adds its kernel to the full result, of which a part is kept."""
    rank = x.ndim - 2
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    size, kernel = x.shape[2:], weight.shape[2:]
    full = [(n - 1) * s + (k - 1) * d + 1 for n, s, k, d in zip(size, strides, kernel, dilations)]
    channels, ins = weight.shape[1], x.shape[1] // groups
    y = np.zeros((x.shape[0], channels * groups, *full))
    for place in itertools.product(*map(range, size)):
        cut = tuple(
            slice(p * s, p * s + (k - 1) * d + 1, d) for p, s, k, d in zip(place, strides, kernel, dilations)
        )
        for g in range(groups):
            values = x[(slice(None), slice(g * ins, (g + 1) * ins), *place)]
            spread = np.tensordot(values, weight[g * ins : (g + 1) * ins], (1, 0))
            y[(slice(None), slice(g * channels, (g + 1) * channels), *cut)] += spread
    for i in range(rank):
        before, after = (pad[2 * i], pad[2 * i + 1]) if pad_type == "custom" and pad else (0, 0)
        length = full[i] - before - after
        if pad_type.startswith("same"):
            length = output_shape[2 + i] if output_shape else size[i] * strides[i]
            before = max(0, full[i] - length) // 2
        elif output_shape:
            length = output_shape[2 + i]
        more = [(0, 0)] * y.ndim
        more[2 + i] = (0, max(0, before + length - full[i]))
        y = np.take(np.pad(y, more), range(before, before + length), 2 + i)
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


row(
    "conv_transpose",
    conv_transpose,
    x=X1,
    weight=normal(4, 3, 3),
    bias=normal(3),
    strides=[2],
    fixed=("weight", "bias"),
)
row(
    "conv_transpose",
    conv_transpose,
    x=X2,
    weight=normal(4, 2, 3, 2),
    groups=2,
    strides=[2, 1],
    pad_type="custom",
    pad=[1, 1, 0, 0],
)
row(
    "conv_transpose",
    conv_transpose,
    x=X2,
    weight=normal(4, 2, 3, 3),
    bias=normal(2),
    pad_type="custom",
    pad=[2, 0, 0, 1],
)
row(
    "conv_transpose",
    conv_transpose,
    x=X2,
    weight=normal(4, 3, 3, 3),
    bias=normal(3),
    strides=[2, 2],
    pad_type="custom",
    pad=[1, 1, 1, 1],
    output_shape=[2, 3, 14, 12],
)
row("conv_transpose", conv_transpose, x=X2, weight=normal(4, 3, 4, 3), strides=[2, 2], pad_type="same")
row(
    "conv_transpose",
    conv_transpose,
    x=X3,
    weight=normal(2, 2, 2, 2, 2),
    strides=[1, 2, 1],
    dilations=[2, 1, 1],
)


# Pooling: windows of a padded array whose padding is NaN, so that each rule can say what it makes of it.
def pool(reduce, x, kernel_sizes, strides=None, pad_type="valid", pad=None, ceil_mode=False):
    rank = len(kernel_sizes)
    strides = strides or [1] * rank
    pads = pads_of(pad_type, pad, x.shape[2:], kernel_sizes, strides, [1] * rank)
    size, beyond = [], []
    for n, k, s, (before, after) in zip(x.shape[2:], kernel_sizes, strides, pads):
        count = (n + before + after - k) // s + 1
        if ceil_mode:
            count = -(-(n + before + after - k) // s) + 1
            count -= (count - 1) * s >= n + before
        size.append(count)
        beyond.append(max(0, (count - 1) * s + k - n - before - after))
    padded = np.pad(x.astype(float), [(0, 0), (0, 0), *pads], constant_values=np.nan)
    padded = np.pad(padded, [(0, 0), (0, 0), *((0, b) for b in beyond)], constant_values=np.inf)
    y = np.zeros((*x.shape[:2], *size))
    for place in itertools.product(*map(range, size)):
        cut = tuple(slice(p * s, p * s + k) for p, s, k in zip(place, strides, kernel_sizes))
        window = padded[(slice(None), slice(None), *cut)].reshape(*x.shape[:2], -1)
        y[(slice(None), slice(None), *place)] = reduce(window)
    return y


def largest(window):
    return np.where(np.isfinite(window), window, -np.inf).max(-1)


def rooted(window):
    return np.sqrt((np.where(np.isfinite(window), window, 0) ** 2).sum(-1))


def average_of(exclude):
    def average(window):
        counted = np.isfinite(window) if exclude else ~np.isinf(window)
        return np.where(np.isfinite(window), window, 0).sum(-1) / counted.sum(-1)

    return average


for rank, x in ((1, X1), (2, X2), (3, X3)):
    for options in (
        {"pad_type": "valid"},
        {"pad_type": "same", "strides": [2] * rank},
        {"pad_type": "custom", "pad": [1] * 2 * rank, "strides": [2] * rank, "ceil_mode": True},
        {"pad_type": "custom", "pad": [0, 2] * rank, "strides": [2] * rank, "ceil_mode": True},
        {"pad_type": "same_lower", "strides": [2] * rank},
    ):
        base = {"x": x, "kernel_sizes": [3] * rank, **options}
        row("max_pool", lambda **a: pool(largest, **a), **base)
        row("l2_pool", lambda **a: pool(rooted, **a), **base)
        for exclude in (True, False):
            row(
                "avg_pool",
                lambda exclude_padding_from_average, **a: pool(average_of(exclude_padding_from_average), **a),
                exclude_padding_from_average=exclude,
                **base,
            )

# Normalisation.
MEAN, VARIANCE, GAMMA, BETA = normal(4), uniform(0.5, 2, 4), normal(4), normal(4)


def channels(value, x):
    return value.reshape(1, -1, *[1] * (x.ndim - 2))


def batch_norm(x, mean, variance, gamma=None, beta=None, epsilon=1e-5):
    y = (x - channels(mean, x)) / np.sqrt(channels(variance, x) + epsilon)
    return y if gamma is None else y * channels(gamma, x) + channels(beta, x)


def standardized(x, axes, epsilon):
    mean = x.mean(axes, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + epsilon)


def instance_norm(x, gamma=None, beta=None, epsilon=1e-5):
    y = standardized(x, tuple(range(2, x.ndim)), epsilon)
    return y if gamma is None else y * channels(gamma, x) + channels(beta, x)


def layer_norm(x, axes=None, gamma=None, beta=None, epsilon=1e-5):
    axes = tuple(range(x.ndim)) if axes is None else tuple(a % x.ndim for a in axes)
    y = standardized(x, axes, epsilon)
    shape = [n if i in axes else 1 for i, n in enumerate(x.shape)]
    return y if gamma is None else y * gamma.reshape(shape) + beta.reshape(shape)


row("batch_norm", batch_norm, x=X2, mean=MEAN, variance=VARIANCE)
row("batch_norm", batch_norm, x=X1, mean=MEAN, variance=VARIANCE, gamma=GAMMA, beta=BETA, epsilon=0.125)
row("instance_norm", instance_norm, x=X2, rtol=1e-5)
row("instance_norm", instance_norm, x=X1, gamma=GAMMA, beta=BETA, epsilon=0.125, rtol=1e-5)
row("layer_norm", layer_norm, x=X1, rtol=1e-5)
row("layer_norm", layer_norm, x=X2, axes=[-2, 3], gamma=normal(7, 6), beta=normal(7, 6), rtol=1e-5)
row("layer_norm", layer_norm, x=X2, axes=[1], gamma=GAMMA, beta=BETA, epsilon=0.125, rtol=1e-5)
row(
    "l2_norm",
    lambda x, epsilon: x / np.sqrt((x * x).sum((-3, -2, -1), keepdims=True) + epsilon),
    x=X2,
    epsilon=0.5,
)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    y = np.empty(x.shape)
    for c in range(x.shape[1]):
        near = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        y[:, c] = x[:, c] / (k + alpha / size * (near**2).sum(1)) ** beta
    return y


row("local_response_norm", local_response_norm, x=X2, size=3)
row("local_response_norm", local_response_norm, x=X2, size=20, alpha=2.0)
row("local_response_norm", local_response_norm, x=X2, size=3, alpha=0.5, beta=0.5, k=2.0)


# Resizing: linear interpolation at the places that the documentation of each mode gives.
def places(size, count, mode):
    i = np.arange(count, dtype=float)
    if mode == "ALIGN_CORNERS" and count == 1:
        return np.array([(size - 1) / 2])
    if mode.endswith("ALIGN_CORNERS") and mode != "UNALIGN_CORNERS":
        grid = i * (size - 1) / max(1, count - 1)
    elif mode == "DEFAULT":
        grid = i * size / count
    elif mode == "OFFSET_CORNERS":
        delta = max(1, size - 1) / count
        grid = 0.5 * delta + i * delta
    else:
        grid = (i + 0.5) * size / count - 0.5
    return np.clip(grid, 0, size - 1)


def linear(x, height, width, mode):
    for axis, count in ((-2, height), (-1, width)):
        size = x.shape[axis]
        grid = places(size, count, mode)
        x = np.apply_along_axis(
            lambda line, grid=grid, size=size: np.interp(grid, np.arange(size), line), axis, x
        )
    return x


def nearest(x, height, width, half_pixel):
    shift = 0.5 if half_pixel else 0
    for axis, count in ((-2, height), (-1, width)):
        place = np.floor((np.arange(count) + shift) * x.shape[axis] / count + 1e-9).astype(int)
        x = np.take(x, place, axis)
    return x


for mode in ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS"):
    for height, width in ((5, 13), (1, 3)):
        row(
            "resize_bilinear",
            lambda x, target_size_height, target_size_width, sampling_mode: linear(
                x, target_size_height, target_size_width, sampling_mode
            ),
            x=X2,
            target_size_height=height,
            target_size_width=width,
            sampling_mode=mode,
        )
    row(
        "resize",
        lambda x, shape, resized_dims, sampling_mode: linear(x, 5, 6, sampling_mode),
        x=X2,
        shape=[5, 0],
        resized_dims=2,
        sampling_mode=mode,
    )
row("resize", lambda x, **_: linear(x, 4, 9, "DEFAULT"), x=X1, shape=[3, 7, 9], resized_dims=1)
row(
    "resize",
    lambda x, **_: nearest(x, 9, 6, True),
    x=X2,
    shape=[9, 0],
    resized_dims=2,
    interpolation_mode="NEAREST_NEIGHBOR",
)
# The values that coremltools' tests expect of Core ML.
TWO = np.array([-6.25, 9.5], f32).reshape(1, 1, 2, 1)
row(
    "resize",
    np.array([-6.25, -6.25, 9.5, 9.5, 9.5, 9.5]).reshape(1, 1, 3, 2),
    x=TWO,
    shape=[1, 1, 3, 2],
    resized_dims=2,
    interpolation_mode="NEAREST_NEIGHBOR",
)
row("resize", np.array([[[0, 0.4, 0.8, 1, 1]]]), x=np.array([[[0, 1]]], f32), shape=[1, 1, 5], resized_dims=2)
row(
    "resize_nearest_neighbor",
    lambda x, **_: nearest(x, 10, 4, True),
    x=X2,
    target_size_height=10,
    target_size_width=4,
)
THREE = np.array([1.5, -2.5, 3.5], f32).reshape(1, 1, 1, 3)
row(
    "upsample_nearest_neighbor",
    np.tile(np.array([1.5, -2.5]), (3, 1)).reshape(1, 1, 3, 2),
    x=THREE,
    scale_factor_height=3.17,
    scale_factor_width=0.67,
    half=False,
)
row(
    "upsample_nearest_neighbor",
    lambda x, **_: nearest(x, 14, 18, False),
    x=X2,
    scale_factor_height=2,
    scale_factor_width=3,
)
row(
    "upsample_bilinear",
    lambda x, **_: linear(x, 14, 18, "STRICT_ALIGN_CORNERS"),
    x=X2,
    scale_factor_height=2,
    scale_factor_width=3,
)
row(
    "upsample_bilinear",
    lambda x, **_: linear(x, 10, 6, "UNALIGN_CORNERS"),
    x=X2,
    scale_factor_height=1.5,
    align_corners=False,
)
row(
    "upsample_bilinear",
    lambda x, **_: linear(x, 7, 12, "DEFAULT"),
    x=X2,
    scale_factor_width=2,
    align_corners=False,
    half_pixel_centers=False,
)
row("crop", lambda x, **_: x[..., 1:5, 0:5], x=X2, crop_height=[1, 2], crop_width=[0, 1])


# Reading at places: the padded image is read element by element.
def pixel(image, i, j, padding, value):
    height, width = image.shape[-2:]
    if padding == "constant":
        inside = 0 <= i < height and 0 <= j < width
        return image[..., i, j] if inside else np.full(image.shape[:-2], value, float)
    mode = {"border": "edge", "reflection": "reflect", "symmetric": "symmetric"}[padding]
    reach = 60
    row_map, column_map = (np.pad(np.arange(n), reach, mode=mode) for n in (height, width))
    return image[..., row_map[i + reach], column_map[j + reach]]


def read(image, y, x, mode, padding, value):
    if mode == "nearest":
        return pixel(image, int(np.floor(y + 0.5)), int(np.floor(x + 0.5)), padding, value)
    i, j = int(np.floor(y)), int(np.floor(x))
    dy, dx = y - i, x - j
    return sum(
        weight * pixel(image, i + a, j + b, padding, value)
        for a, b, weight in (
            (0, 0, (1 - dy) * (1 - dx)),
            (0, 1, (1 - dy) * dx),
            (1, 0, dy * (1 - dx)),
            (1, 1, dy * dx),
        )
    )


def to_pixels(place, size, coordinates_mode, align_corners):
    if coordinates_mode == "unnormalized":
        return place
    share = place if coordinates_mode.endswith("zero_to_one") else (place + 1) / 2
    return share * (size - 1) if align_corners else share * size - 0.5


def resample(x, coordinates, sampling_mode, padding_mode, padding_value, coordinates_mode, align_corners):
    n, h, w, _ = coordinates.shape
    y = np.zeros((n, x.shape[1], h, w))
    for b, i, j in itertools.product(range(n), range(h), range(w)):
        across, down = coordinates[b, i, j].astype(float)
        across = to_pixels(across, x.shape[3], coordinates_mode, align_corners)
        down = to_pixels(down, x.shape[2], coordinates_mode, align_corners)
        y[b, :, i, j] = read(x[b], down, across, sampling_mode, padding_mode, padding_value)
    return y


for sampling, padding, (mode, spread), align in itertools.product(
    ("bilinear", "nearest"),
    ("constant", "border", "reflection", "symmetric"),
    (("unnormalized", 9.0), ("normalized_minus_one_to_one", 1.75), ("normalized_zero_to_one", 1.5)),
    (True, False),
):
    row(
        "resample",
        resample,
        x=normal(2, 3, 4, 5),
        coordinates=uniform(-spread, spread, 2, 3, 3, 2),
        sampling_mode=sampling,
        padding_mode=padding,
        padding_value=6.25,
        coordinates_mode=mode,
        align_corners=align,
        half=False,
        rtol=1e-5,
    )
SQUARE = np.array([11, 22, 33, 44], f32).reshape(1, 1, 2, 2)
AT = np.array([-1, -2, -3.7, -1, 0, 0, 3.5, 1.2], f32).reshape(1, 2, 2, 2)
for want, sampling, padding, value, mode, align in (
    ([8.585, 6.17, 27.5, 6.17], "bilinear", "constant", 6.17, "normalized_minus_one_to_one", True),
    ([11, 11, 11, 44], "nearest", "border", -1.0, "unnormalized", False),
    ([22, 36.3, 11, 34.1], "bilinear", "reflection", -1.0, "normalized_zero_to_one", True),
    ([22, 33, 11, 33], "nearest", "symmetric", -1.0, "normalized_zero_to_one", False),
):
    row(
        "resample",
        np.reshape(want, (1, 1, 2, 2)),
        x=SQUARE,
        coordinates=AT,
        sampling_mode=sampling,
        padding_mode=padding,
        padding_value=value,
        coordinates_mode=mode,
        align_corners=align,
        half=False,
    )

AFFINE = {
    "sampling_mode": "bilinear",
    "padding_mode": "constant",
    "padding_value": 0.0,
    "coordinates_mode": "normalized_minus_one_to_one",
    "align_corners": True,
}
MATRIX = np.array([[-1.0, -2.0, -3.7, -1.0, 3.5, 1.2]], f32)
for width, want in (
    (3, [10.7525, 2.5025, 0, 1.98, 0, 0, 0, 0, 0]),
    (5, [10.7525, 5.94, 2.5025, 0.44, 0, 0, 0, 0, 0, 0]),
):
    height = len(want) // width
    row(
        "affine",
        np.reshape(want, (1, 1, height, width)),
        x=SQUARE,
        transform_matrix=MATRIX,
        output_height=height,
        output_width=width,
        half=False,
        rtol=1e-5,
        **AFFINE,
    )


def affine(x, transform_matrix, output_height, output_width, **options):
    across, down = np.meshgrid(np.linspace(-1, 1, output_width), np.linspace(-1, 1, output_height))
    grid = np.stack([across, down, np.ones_like(across)], -1)
    matrix = np.broadcast_to(transform_matrix, (x.shape[0], 6)).reshape(-1, 2, 3)
    return resample(x, np.einsum("hwk,nck->nhwc", grid, matrix), **options)


row(
    "affine",
    affine,
    x=normal(2, 3, 5, 4),
    transform_matrix=uniform(-1, 1, 2, 6),
    output_height=3,
    output_width=6,
    half=False,
    rtol=1e-5,
    **AFFINE,
)
row(
    "affine",
    affine,
    x=normal(2, 1, 5, 4),
    transform_matrix=uniform(-1, 1, 1, 6),
    output_height=2,
    output_width=2,
    half=False,
    rtol=1e-5,
    **AFFINE,
)

# Boxes, with the values that coremltools' tests expect of Core ML.
COUNTED = np.arange(1, 17, dtype=f32).reshape(1, 1, 4, 4)
for target, box, want, normalized in (
    (2, [1, 1, 2, 2], [6, 7, 10, 11], False),
    (1, [1, 1, 2, 2], [8.5], False),
    (2, [0, 0, 0, 1 / 3, 1 / 3], [1, 2, 5, 6], True),
    (2, [2, 2, 1, 1], [11, 10, 7, 6], False),
):
    row(
        "crop_resize",
        np.reshape(want, (1, 1, 1, target, target)),
        x=COUNTED,
        roi=np.array(box, f32).reshape(1, 1, -1, 1, 1),
        target_height=target,
        target_width=target,
        normalized_coordinates=normalized,
        sampling_mode="ALIGN_CORNERS",
        half=False,
    )
BOXES = np.array([[0.1, 0.3, 1.3, 1.0], [0.5, 1.8, 1.0, 0.3], [0.0, 0.4, 0.6, 0.7]], f32)
row(
    "crop_resize",
    np.array([3.1, 5.2, 10.0, 10.0, 10.0, 7.9, 10.0, 13.9, 2.2, 3.1, 9.4, 10.3]).reshape(3, 1, 2, 2),
    x=COUNTED,
    boxes=BOXES,
    box_indices=np.zeros(3, i32),
    target_height=2,
    target_width=2,
    normalized_coordinates=True,
    sampling_mode="ALIGN_CORNERS",
    pad_value=10.0,
    half=False,
)
IMAGES = normal(2, 3, 6, 7)


def crop_resize(
    x, boxes, box_indices, target_height, target_width, sampling_mode, box_coordinate_mode, spatial_scale
):
    y = np.zeros((len(boxes), x.shape[1], target_height, target_width))
    for n, (image, box) in enumerate(zip(box_indices, boxes * spatial_scale)):
        a, b, c, d = (float(v) for v in box)
        top, left, bottom, right = (a, b, c, d) if "HEIGHT" in box_coordinate_mode else (b, a, d, c)
        if box_coordinate_mode.startswith("CENTER"):
            top, bottom, left, right = top - bottom / 2, top + bottom / 2, left - right / 2, left + right / 2
        # A box of one length holds both of its ends: as a line of that many pixels, and one more.
        down = top + places(bottom - top + 1, target_height, sampling_mode)
        across = left + places(right - left + 1, target_width, sampling_mode)
        for i, j in itertools.product(range(target_height), range(target_width)):
            inside = 0 <= down[i] <= x.shape[2] - 1 and 0 <= across[j] <= x.shape[3] - 1
            y[n, :, i, j] = read(x[image], down[i], across[j], "bilinear", "border", 0) if inside else 0
    return y


for mode in ("STRICT_ALIGN_CORNERS", "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS"):
    for boxes in (
        ("CORNERS_HEIGHT_FIRST", [[1, 0.5, 4, 6], [-1, 2, 3, 5], [2, 2, 7, 4.5]]),
        ("CENTER_SIZE_WIDTH_FIRST", [[2, 3, 4, 2.5], [1, 2, 3, 3], [5, 4, 2, 2]]),
    ):
        row(
            "crop_resize",
            crop_resize,
            x=IMAGES,
            boxes=np.array(boxes[1], f32),
            box_indices=np.array([1, 0, 1], i32),
            target_height=3,
            target_width=4,
            sampling_mode=mode,
            box_coordinate_mode=boxes[0],
            spatial_scale=0.75,
            half=False,
            rtol=1e-5,
        )


# Boxes that suppress others: taken greedily, one by one.
def suppressed(boxes, scores, iou_threshold, score_threshold, max_boxes, per_class_suppression=False):
    n, _, classes = scores.shape
    out = (
        np.zeros((n, max_boxes, 4)),
        np.zeros((n, max_boxes, classes)),
        np.full((n, max_boxes), -1),
        np.zeros(n),
    )

    def overlap(a, b):
        inner = np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2) - np.maximum(
            a[:2] - a[2:] / 2, b[:2] - b[2:] / 2
        )
        shared = np.prod(np.maximum(inner, 0))
        return shared / (np.prod(a[2:]) + np.prod(b[2:]) - shared)

    for k in range(n):
        best, label = scores[k].max(-1), scores[k].argmax(-1)
        taken = []
        for i in np.argsort(-best, kind="stable"):
            rivals = [j for j in taken if not per_class_suppression or label[i] == label[j]]
            free = all(overlap(boxes[k, i], boxes[k, j]) <= iou_threshold for j in rivals)
            if best[i] >= score_threshold and free and len(taken) < max_boxes:
                taken.append(i)
        taken = taken or [best.argmax()]
        out[0][k, : len(taken)], out[1][k, : len(taken)] = boxes[k, taken], scores[k, taken]
        out[2][k, : len(taken)], out[3][k] = taken, len(taken)
    return out[0], out[1], out[2].astype(i32), out[3].astype(i32)


MANY = np.concatenate([uniform(0, 3, 2, 12, 2), uniform(1, 2, 2, 12, 2)], -1)
for per_class, threshold in itertools.product((False, True), (0.3, 9.0)):
    row(
        "non_maximum_suppression",
        suppressed,
        boxes=MANY,
        scores=uniform(0, 1, 2, 12, 3),
        iou_threshold=0.25,
        score_threshold=threshold,
        max_boxes=7,
        per_class_suppression=per_class,
        half=False,
    )
row(
    "non_maximum_suppression",
    lambda boxes, scores, iou_threshold, max_boxes: tuple(
        a.swapaxes(1, 2) if a.ndim == 3 else a
        for a in suppressed(boxes.swapaxes(1, 2), scores.swapaxes(1, 2), iou_threshold, -np.inf, max_boxes)[
            :3
        ]
    ),
    boxes=np.ascontiguousarray(MANY.swapaxes(1, 2)),
    scores=uniform(0, 1, 2, 3, 12),
    iou_threshold=0.25,
    max_boxes=5,
    half=False,
)
