"""Images: resizing, cropping, resampling. The last two dims are height and width.

The rules of which place of the input an output shows are those of MIL's documentation, and where that is
silent those that its published test values show: nearest neighbours are ``floor((i + 0.5) * in / out)`` in
`resize` and `resize_nearest_neighbor`, ``floor(i * in / out)`` in `upsample_nearest_neighbor`.
"""

from __future__ import annotations

import math

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter._ops._limits import check_size
from rustorch.coreml.interpreter.registry import mil_op
from rustorch.errors import ArgumentError, OpError, OutOfRangeError
from rustorch.nn import functional as F

_ALIGN = ("STRICT_ALIGN_CORNERS", "ALIGN_CORNERS")
_MODES = (*_ALIGN, "DEFAULT", "OFFSET_CORNERS", "UNALIGN_CORNERS")


def _check_mode(op: str, mode: str) -> None:
    if mode not in _MODES:
        raise ArgumentError.of(op, "unknown sampling_mode", mode, ", ".join(_MODES))


def _check_target(op: str, x: Tensor, height: int, width: int) -> None:
    if x.dim() < 2 or 0 in x.shape[-2:] or height < 1 or width < 1:
        raise OpError.of(op, "sizes must be positive", f"{list(x.shape)} to {height} x {width}")
    check_size(op, [*x.shape[:-2], height, width])


def _grid(size: int, count: int, mode: str) -> Tensor:
    """The `count` places from 0 to size - 1 that results show, in float64, so on the CPU."""
    i = rt.arange(count, dtype=rt.float64, device="cpu")
    if mode in _ALIGN:
        if count == 1:
            return i + ((size - 1) / 2 if mode == "ALIGN_CORNERS" else 0.0)
        return i * ((size - 1) / (count - 1))
    if mode == "DEFAULT":
        grid = i * (size / count)
    elif mode == "OFFSET_CORNERS":
        grid = (i + 0.5) * (max(1, size - 1) / count)
    else:
        grid = (i + 0.5) * (size / count) - 0.5
    return rt.clamp(grid, 0.0, size - 1.0)


def _linear_along(x: Tensor, dim: int, count: int, mode: str) -> Tensor:
    grid = _grid(x.shape[dim], count, mode)
    place = rt.floor(grid)
    column = [1] * x.dim()
    column[dim] = count
    weight = (grid - place).to(rt.float32).reshape(column).to(x.device)
    low = place.long().to(x.device)
    high = rt.clamp_max(low + 1, x.shape[dim] - 1)
    return rt.lerp(rt.index_select(x, dim, low), rt.index_select(x, dim, high), weight)


def _is_plain(x: Tensor) -> bool:
    """Whether our fused op takes it; GPUs have no kernel for that one."""
    return x.dim() == 4 and x.is_cpu


def _resize_linear(op: str, x: Tensor, height: int, width: int, mode: str) -> Tensor:
    _check_mode(op, mode)
    _check_target(op, x, height, width)
    if mode in ("STRICT_ALIGN_CORNERS", "UNALIGN_CORNERS") and _is_plain(x) and x.is_floating_point():
        align = mode == "STRICT_ALIGN_CORNERS"
        return F.interpolate(x, (height, width), mode="bilinear", align_corners=align)
    x = x if x.is_floating_point() else x.float()
    rank = x.dim()
    return _linear_along(_linear_along(x, rank - 2, height, mode), rank - 1, width, mode)


def _nearest_along(x: Tensor, dim: int, count: int, mode: str) -> Tensor:
    size = x.shape[dim]
    if size == count:
        return x
    if mode == "UPSAMPLE":
        place = rt.arange(count, device=x.device) * size // count
    elif mode in ("DEFAULT", "UNALIGN_CORNERS"):
        place = (2 * rt.arange(count, device=x.device) + 1) * size // (2 * count)
    else:
        place = rt.floor(_grid(size, count, mode) + 0.5).long().to(x.device)
    return rt.index_select(x, dim, rt.clamp_max(place, size - 1))


def _resize_nearest(op: str, x: Tensor, height: int, width: int, mode: str) -> Tensor:
    _check_target(op, x, height, width)
    if mode == "UPSAMPLE" and _is_plain(x) and height % x.shape[2] == width % x.shape[3] == 0:
        return F.interpolate(x, (height, width), mode="nearest")
    rank = x.dim()
    return _nearest_along(_nearest_along(x, rank - 2, height, mode), rank - 1, width, mode)


def _scaled(op: str, x: Tensor, scale_height: float, scale_width: float) -> tuple[int, int]:
    scales = scale_height, scale_width
    if x.dim() < 3 or not all(math.isfinite(scale) and scale > 0 for scale in scales):
        raise OpError.of(op, "needs a rank of 3 and positive scales", f"{list(x.shape)} and {scales}")
    return math.floor(x.shape[-2] * scale_height), math.floor(x.shape[-1] * scale_width)


@mil_op("upsample_nearest_neighbor", half=True, view=True)
def upsample_nearest_neighbor(x: Tensor, scale_factor_height: float, scale_factor_width: float) -> Tensor:
    op = "upsample_nearest_neighbor"
    height, width = _scaled(op, x, scale_factor_height, scale_factor_width)
    return _resize_nearest(op, x, height, width, "UPSAMPLE")


@mil_op("resize_nearest_neighbor", half=True, view=True)
def resize_nearest_neighbor(x: Tensor, target_size_height: int, target_size_width: int) -> Tensor:
    return _resize_nearest("resize_nearest_neighbor", x, target_size_height, target_size_width, "DEFAULT")


@mil_op("upsample_bilinear")
def upsample_bilinear(
    x: Tensor,
    scale_factor_height: float,
    scale_factor_width: float,
    align_corners: bool,
    half_pixel_centers: bool | None,
) -> Tensor:
    """With neither corners aligned nor half pixels, places are multiples of in / out."""
    height, width = _scaled("upsample_bilinear", x, scale_factor_height, scale_factor_width)
    half = not align_corners if half_pixel_centers is None else half_pixel_centers
    if align_corners and half:
        raise ArgumentError.of("upsample_bilinear", "align_corners excludes half_pixel_centers")
    mode = "STRICT_ALIGN_CORNERS" if align_corners else "UNALIGN_CORNERS" if half else "DEFAULT"
    return _resize_linear("upsample_bilinear", x, height, width, mode)


@mil_op("resize_bilinear")
def resize_bilinear(x: Tensor, target_size_height: int, target_size_width: int, sampling_mode: str) -> Tensor:
    return _resize_linear("resize_bilinear", x, target_size_height, target_size_width, sampling_mode)


@mil_op("resize", view=True)
def resize(
    x: Tensor, shape: list[int], resized_dims: int, interpolation_mode: str, sampling_mode: str
) -> Tensor:
    """The last `resized_dims` dims (1 or 2) to the last sizes of `shape`; 0 keeps a size."""
    if not 1 <= resized_dims <= min(2, len(shape), x.dim()):
        raise ArgumentError.of(
            "resize", "resized_dims must be 1 or 2, with that many sizes", str(resized_dims)
        )
    _check_mode("resize", sampling_mode)
    wanted = [*x.shape[-2:-1], *x.shape[-1:]]
    flat = x.dim() == 1
    if flat:
        x, wanted = x.unsqueeze(0), [1, *wanted]
    wanted[2 - resized_dims :] = shape[-resized_dims:]
    height, width = (n or size for n, size in zip(wanted, x.shape[-2:]))
    if interpolation_mode == "LINEAR":
        y = _resize_linear("resize", x, height, width, sampling_mode)
    elif interpolation_mode == "NEAREST_NEIGHBOR":
        y = _resize_nearest("resize", x, height, width, sampling_mode)
    else:
        raise ArgumentError.of(
            "resize", "unknown interpolation_mode", interpolation_mode, "LINEAR or NEAREST_NEIGHBOR"
        )
    return y.squeeze(0) if flat else y


@mil_op("crop", half=True, view=True)
def crop(x: Tensor, crop_height: list[int], crop_width: list[int]) -> Tensor:
    if x.dim() < 2 or len(crop_height) != 2 or len(crop_width) != 2:
        raise OpError.of("crop", "needs (..., H, W), and two pairs", f"{crop_height} and {crop_width}")
    height, width = x.shape[-2:]
    (top, bottom), (left, right) = crop_height, crop_width
    if min(top, bottom, left, right) < 0 or top + bottom > height or left + right > width:
        raise OpError.of("crop", f"cannot crop {height} x {width}", f"{crop_height} and {crop_width}")
    return x[..., top : height - bottom, left : width - right]


def _folded(place: Tensor, size: int, padding: str) -> Tensor:
    """Integer places anywhere, as places from 0 to size - 1 by the rule of the padding."""
    if padding in ("constant", "border"):
        return rt.clamp(place, 0, size - 1)
    if padding == "symmetric":
        place = rt.remainder(place, 2 * size)
        return rt.minimum(place, 2 * size - 1 - place)
    if size == 1:
        return rt.zeros_like(place)
    place = rt.remainder(place, 2 * (size - 1))
    return rt.minimum(place, 2 * (size - 1) - place)


def _taps(x: Tensor, rows: Tensor, columns: Tensor, padding: str, value: float) -> Tensor:
    """(N, C, H, W) read at (N, h, w) integer places: (N, C, h, w)."""
    n, c, height, width = x.shape
    place = _folded(rows, height, padding) * width + _folded(columns, width, padding)
    index = place.reshape(n, 1, -1).expand(n, c, place.shape[1] * place.shape[2])
    taken = rt.gather(x.reshape(n, c, height * width), 2, index).reshape(n, c, *place.shape[1:])
    if padding != "constant":
        return taken
    row_in = rt.logical_and(rows >= 0, rows < height)
    inside = rt.logical_and(row_in, rt.logical_and(columns >= 0, columns < width))
    return rt.where(inside.unsqueeze(1), taken, rt.tensor(value, dtype=x.dtype, device=x.device))


# Places further out than this are as good as infinitely far: it keeps float to int64 defined.
_FAR = float(1 << 40)


def _sample(x: Tensor, rows: Tensor, columns: Tensor, mode: str, padding: str, value: float) -> Tensor:
    """(N, C, H, W) read at (N, h, w) fractional places."""
    rows = rt.nan_to_num(rt.clamp(rows, -_FAR, _FAR), nan=-_FAR)
    columns = rt.nan_to_num(rt.clamp(columns, -_FAR, _FAR), nan=-_FAR)
    if mode == "nearest":
        # Halves go up: that is what Core ML's published test values show.
        row, column = rt.floor(rows + 0.5).long(), rt.floor(columns + 0.5).long()
        return _taps(x, row, column, padding, value)
    top, left = rt.floor(rows), rt.floor(columns)
    down, along = (rows - top).unsqueeze(1), (columns - left).unsqueeze(1)
    r, c = top.long(), left.long()
    above = rt.lerp(_taps(x, r, c, padding, value), _taps(x, r, c + 1, padding, value), along)
    below = rt.lerp(_taps(x, r + 1, c, padding, value), _taps(x, r + 1, c + 1, padding, value), along)
    return rt.lerp(above, below, down)


def _pixels(places: Tensor, size: int, coordinates: str, align_corners: bool) -> Tensor:
    """Coordinates as places counted in pixels."""
    if coordinates == "unnormalized":
        return places
    share = places if coordinates == "normalized_zero_to_one" else (places + 1) / 2
    return share * (size - 1) if align_corners else share * size - 0.5


def _check_resample(op: str, x: Tensor, mode: str, padding: str, coordinates: str) -> None:
    known = {
        "sampling_mode": (mode, ("bilinear", "nearest")),
        "padding_mode": (padding, ("constant", "border", "reflection", "symmetric")),
        "coordinates_mode": (
            coordinates,
            ("unnormalized", "normalized_minus_one_to_one", "normalized_zero_to_one"),
        ),
    }
    for name, (value, allowed) in known.items():
        if value not in allowed:
            raise ArgumentError.of(op, f"unknown {name}", value, ", ".join(allowed))
    if x.dim() != 4 or 0 in x.shape[2:]:
        raise OpError.of(op, "needs (N, C, H, W)", str(list(x.shape)))


@mil_op("resample")
def resample(
    x: Tensor,
    coordinates: Tensor,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    """`x` read at (N, h, w, 2) coordinates, each the place along the width, then along the height."""
    _check_resample("resample", x, sampling_mode, padding_mode, coordinates_mode)
    if coordinates.dim() != 4 or coordinates.shape[0] != x.shape[0] or coordinates.shape[3] != 2:
        raise OpError.of("resample", "coordinates needs (N, h, w, 2)", str(list(coordinates.shape)))
    places = coordinates.to(rt.float32)
    columns = _pixels(places[..., 0], x.shape[3], coordinates_mode, align_corners)
    rows = _pixels(places[..., 1], x.shape[2], coordinates_mode, align_corners)
    return _sample(x, rows, columns, sampling_mode, padding_mode, padding_value)


@mil_op("affine")
def affine(
    x: Tensor,
    transform_matrix: Tensor,
    output_height: int,
    output_width: int,
    sampling_mode: str,
    padding_mode: str,
    padding_value: float,
    coordinates_mode: str,
    align_corners: bool,
) -> Tensor:
    """`x` read where each output's (x, y) goes: (a0 x + a1 y + a2, b0 x + b1 y + b2)."""
    _check_resample("affine", x, sampling_mode, padding_mode, coordinates_mode)
    _check_target("affine", x, output_height, output_width)
    if transform_matrix.dim() != 2 or transform_matrix.shape[1] != 6:
        raise OpError.of("affine", "transform_matrix needs (N or 1, 6)", str(list(transform_matrix.shape)))

    def spread(count: int) -> Tensor:
        i = rt.arange(count, dtype=rt.float32, device=x.device)
        if coordinates_mode == "unnormalized":
            return i
        share = (i / max(1, count - 1)) if align_corners else (i + 0.5) / count
        return share if coordinates_mode == "normalized_zero_to_one" else 2 * share - 1

    across, down = spread(output_width), spread(output_height).unsqueeze(1)
    a = transform_matrix.expand(x.shape[0], 6).reshape(-1, 6, 1, 1)
    columns = a[:, 0] * across + a[:, 1] * down + a[:, 2]
    rows = a[:, 3] * across + a[:, 4] * down + a[:, 5]
    columns = _pixels(columns, x.shape[3], coordinates_mode, align_corners)
    rows = _pixels(rows, x.shape[2], coordinates_mode, align_corners)
    return _sample(x, rows, columns, sampling_mode, padding_mode, padding_value)


_BOXES = {
    "CORNERS_HEIGHT_FIRST": (0, 1, 2, 3),
    "CORNERS_WIDTH_FIRST": (1, 0, 3, 2),
    "CENTER_SIZE_HEIGHT_FIRST": (0, 1, 2, 3),
    "CENTER_SIZE_WIDTH_FIRST": (1, 0, 3, 2),
}


def _box_places(first: Tensor, last: Tensor, count: int, mode: str) -> Tensor:
    """(N, count) places between the first and last of each box, which holds both ends."""
    length = last - first
    i = rt.arange(count, dtype=rt.float32, device=first.device)
    first, length = first.unsqueeze(1), length.unsqueeze(1)
    if mode in _ALIGN:
        if count == 1:
            return first + (length / 2 if mode == "ALIGN_CORNERS" else 0 * length)
        return first + i * (length / (count - 1))
    if mode == "OFFSET_CORNERS":
        return first + (i + 0.5) * (rt.clamp_min(length, 1.0) / count)
    spacing = (length + 1) / count
    offset = i * spacing if mode == "DEFAULT" else (i + 0.5) * spacing - 0.5
    return first + rt.minimum(rt.clamp_min(offset, 0.0), rt.clamp_min(length, 0.0))


@mil_op("crop_resize")
def crop_resize(
    x: Tensor,
    roi: Tensor | None,
    boxes: Tensor | None,
    box_indices: Tensor | None,
    target_height: int,
    target_width: int,
    normalized_coordinates: bool,
    spatial_scale: float,
    box_coordinate_mode: str,
    sampling_mode: str,
    pad_value: float,
) -> Tensor:
    """Boxes of images, each resized to one size; what lies outside of the image is `pad_value`.

    With `boxes` (N, 4), of the images in `box_indices`, the result is (N, C, h, w). With `roi` it is
    (N, B, C, h, w): (N, 1, 4, 1, 1) are boxes of all images, (N, 1, 5, 1, 1) have an image's index in front.
    """
    op = "crop_resize"
    _check_mode(op, sampling_mode)
    _check_target(op, x, target_height, target_width)
    if box_coordinate_mode not in _BOXES:
        raise ArgumentError.of(op, "unknown box_coordinate_mode", box_coordinate_mode, ", ".join(_BOXES))
    if x.dim() != 4:
        raise OpError.of(op, "needs (N, C, H, W)", str(list(x.shape)))
    batch, channels, height, width = x.shape
    of_all = False
    if boxes is None:
        if roi is None or roi.dim() != 5 or roi.shape[2] not in (4, 5):
            raise OpError.of(
                op, "roi needs (N, 1, 4 or 5, 1, 1)", str(roi if roi is None else list(roi.shape))
            )
        flat = roi.reshape(roi.shape[0], roi.shape[2])
        of_all = flat.shape[1] == 4
        boxes = flat[:, -4:]
        box_indices = None if of_all else flat[:, 0]
        if of_all:
            box_indices = rt.arange(batch, device=x.device).repeat([boxes.shape[0]])
            boxes = boxes.repeat_interleave(batch, 0)
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise OpError.of(op, "boxes needs (N, 4)", str(list(boxes.shape)))
    count = boxes.shape[0]
    image = rt.arange(count, device=x.device) if box_indices is None else box_indices.long()
    if count and not bool(rt.logical_and(image >= 0, image < batch).all()):
        raise OutOfRangeError.of(op, f"box_indices must be from 0 to {batch - 1}", str(image.tolist()))
    check_size(op, [count, channels, height, width])
    check_size(op, [count, channels, target_height, target_width])

    box = boxes.to(rt.float32)
    if normalized_coordinates:
        down, across = height - 1.0, width - 1.0
        pair = [across, down] if "WIDTH" in box_coordinate_mode else [down, across]
        box = box * rt.tensor(pair + pair, device=x.device)
    box = box * spatial_scale
    top, left, bottom, right = (box[:, k] for k in _BOXES[box_coordinate_mode])
    if box_coordinate_mode.startswith("CENTER"):
        top, bottom = top - bottom / 2, top + bottom / 2
        left, right = left - right / 2, left + right / 2
    rows = _box_places(top, bottom, target_height, sampling_mode)
    columns = _box_places(left, right, target_width, sampling_mode)

    shape = (count, target_height, target_width)
    row_map, column_map = rows.unsqueeze(2).expand(shape), columns.unsqueeze(1).expand(shape)
    y = _sample(rt.index_select(x, 0, image), row_map, column_map, "bilinear", "border", 0.0)
    row_in = rt.logical_and(row_map >= 0, row_map <= height - 1)
    inside = rt.logical_and(row_in, rt.logical_and(column_map >= 0, column_map <= width - 1))
    y = rt.where(inside.unsqueeze(1), y, rt.tensor(pad_value, dtype=y.dtype, device=y.device))
    if roi is None:
        return y
    if of_all:
        return y.reshape(-1, batch, channels, target_height, target_width)
    return y.unsqueeze(1)
