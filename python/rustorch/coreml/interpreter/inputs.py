"""What a function takes: checks of what it is given, by the program's types and the model's interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import rustorch as rt
from rustorch import Tensor
from rustorch.coreml.interpreter.plan import FunctionPlan
from rustorch.coreml.interpreter.types import Precision, storage_dtype
from rustorch.coreml.mil.features import ArrayFeatureType, FeatureDescription, ImageFeatureType, SizeRange
from rustorch.coreml.mil.program import Model
from rustorch.coreml.mil.types import DataType, TensorType
from rustorch.errors import ArgumentError, DTypeError

__all__ = ["InputSpec", "input_specs"]

_MAX_INT64 = (1 << 63) - 1


@dataclass(frozen=True)
class InputSpec:
    """One input.

    Attributes:
        name, type: as the program declares them.
        slot: where its value goes.
        dtype: that it is held in.
        feature: what the model's interface says of it, if it does.
    """

    name: str
    type: TensorType
    slot: int
    dtype: rt.dtype
    feature: FeatureDescription | None

    @property
    def default(self) -> int | float | None:
        """The number that the input consists of when it is left out, if it may be."""
        feature = None if self.feature is None else self.feature.type
        return feature.default if isinstance(feature, ArrayFeatureType) else None

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""
        return self.feature is not None and self.feature.optional and self.default is not None

    def tensor(self, value: Any, device: str) -> Tensor:
        """The value as a tensor that the program takes."""
        if value is None:
            assert self.default is not None and isinstance(self.feature, FeatureDescription)
            assert isinstance(self.feature.type, ArrayFeatureType)
            return rt.full(self.feature.type.shape, self.default, dtype=self.dtype, device=device)
        tensor = self._as_tensor(value)
        self._check_dtype(tensor)
        self._check_shape(tuple(tensor.shape))
        return tensor.to(device=device, dtype=self.dtype)

    def _as_tensor(self, value: Any) -> Tensor:
        image = self.feature.type if self.feature is not None else None
        if isinstance(image, ImageFeatureType) and not isinstance(value, Tensor):
            value = _planes(np.asarray(value), image)
        if isinstance(value, Tensor):
            return value.detach()
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise DTypeError.of("predict", f"input '{self.name}' needs numbers", str(array.dtype))
        if array.dtype.kind == "u" and array.dtype.itemsize > 1:
            if array.size and int(array.max()) > _MAX_INT64:  # negative in our tensors
                self._check_range(int(array.min()), int(array.max()))
            array = array.astype(np.int64)
        # Our tensors know no negative strides, nor other byte orders.
        return rt.from_numpy(
            np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).reshape(array.shape)
        )

    def _check_dtype(self, tensor: Tensor) -> None:
        fits = self.type.dtype.is_float or not tensor.is_floating_point()
        if (
            tensor.is_complex()
            or not fits
            or (self.type.dtype is DataType.BOOL and tensor.dtype is not rt.bool)
        ):
            raise DTypeError.of(
                "predict", f"input '{self.name}' is {self.type.dtype.value}", str(tensor.dtype)
            )
        if self.type.dtype.is_integer and tensor.numel() and tensor.dtype is not rt.bool:
            self._check_range(*(int(bound) for bound in rt.aminmax(tensor)))

    def _check_range(self, least: int, most: int) -> None:
        bits, signed = self.type.dtype.bits, self.type.dtype.is_signed
        low, high = -(1 << (bits - 1)) if signed else 0, min((1 << (bits - signed)) - 1, _MAX_INT64)
        if least < low or most > high:
            raise ArgumentError.of(
                "predict", f"input '{self.name}' holds {low} to {high}", f"{least} to {most}"
            )

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        feature = None if self.feature is None else self.feature.type
        declared = self.type.shape
        if declared is not None and (
            len(shape) != len(declared) or any(d is not None and d != n for n, d in zip(shape, declared))
        ):
            self._refuse(f"has shape {_shape_text(declared)}", shape)
        if not isinstance(feature, ArrayFeatureType):
            return
        if feature.enumerated_shapes:
            if shape not in feature.enumerated_shapes:
                self._refuse(f"takes the shapes {[list(s) for s in feature.enumerated_shapes]}", shape)
        elif feature.shape_range:
            ranges = feature.shape_range
            if len(ranges) != len(shape) or not all(map(_within, shape, ranges)):
                self._refuse(f"takes the sizes {', '.join(map(_range_text, ranges))}", shape)

    def _refuse(self, what: str, shape: tuple[int, ...]) -> None:
        raise ArgumentError.of("predict", f"input '{self.name}' {what}", str(list(shape)))


def _within(size: int, allowed: SizeRange) -> bool:
    return allowed.lower <= size and (allowed.upper is None or size <= allowed.upper)


def _range_text(allowed: SizeRange) -> str:
    return f"{allowed.lower} to {'any' if allowed.upper is None else allowed.upper}"


def _shape_text(shape: tuple[int | None, ...]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _planes(pixels: np.ndarray[Any, Any], image: ImageFeatureType) -> np.ndarray[Any, Any]:
    """(H, W) or (H, W, 3 or 4) pixels, colours as red, green, blue, as (1, C, H, W)."""
    if image.color_space.startswith("GRAYSCALE") and pixels.ndim == 2:
        return pixels[None, None]
    if image.color_space in ("RGB", "BGR") and pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        colours = pixels[..., :3] if image.color_space == "RGB" else pixels[..., 2::-1]
        pixels = colours.transpose(2, 0, 1)[None]
    return pixels


def input_specs(
    model: Model, function: str, plan: FunctionPlan, precision: Precision
) -> dict[str, InputSpec]:
    """The inputs of a function by name."""
    try:
        features = {feature.name: feature for feature in model.description.function(function).inputs}
    except KeyError:
        features = {}
    specs = {}
    for name, slot in plan.inputs.items():
        if not isinstance(slot.type, TensorType):
            raise DTypeError.of("interpreter", f"input '{name}' must be a tensor", str(slot.type))
        dtype = storage_dtype(slot.type.dtype, precision)
        specs[name] = InputSpec(name, slot.type, slot.index, dtype, features.get(name))
    return specs
