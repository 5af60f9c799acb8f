"""The interface of a model, between its message in a specification and `ModelDescription`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rustorch.coreml.mil.program import (
    ArrayFeatureType,
    DataType,
    DictionaryFeatureType,
    DoubleFeatureType,
    FeatureDescription,
    FeatureType,
    FunctionDescription,
    ImageFeatureType,
    Int64FeatureType,
    Metadata,
    ModelDescription,
    SequenceFeatureType,
    SizeRange,
    StateFeatureType,
    StringFeatureType,
)
from rustorch.coreml.spec import ARRAY_DATA_TYPES, COLOR_SPACES, one_of
from rustorch.errors import FormatError

__all__ = ["description_from", "description_to"]

MAX_RANK = 16
MAX_SIZE = 1 << 48
_PLAIN: dict[str, FeatureType] = {
    "int64Type": Int64FeatureType(),
    "doubleType": DoubleFeatureType(),
    "stringType": StringFeatureType(),
}
_ARRAY_NUMBERS = {dtype: number for number, dtype in ARRAY_DATA_TYPES.items()}
_COLOR_NUMBERS = {name: number for number, name in COLOR_SPACES.items()}
_METADATA = {
    "short_description": "shortDescription",
    "version": "versionString",
    "author": "author",
    "license": "license",
}


def _fail(what: str, got: object = "") -> FormatError:
    return FormatError.of("coreml", what, str(got)[:200])


# ---- Reading ----


def description_from(spec: dict[str, Any]) -> ModelDescription:
    """The interface that a decoded ModelDescription message states. Raises ValueError (`FormatError`)."""
    metadata = spec.get("metadata", {})
    return ModelDescription(
        inputs=_features(spec, "input"),
        outputs=_features(spec, "output"),
        states=_features(spec, "state"),
        functions=[_function(item) for item in spec.get("functions", [])],
        default_function_name=spec.get("defaultFunctionName", ""),
        predicted_feature_name=spec.get("predictedFeatureName", ""),
        predicted_probabilities_name=spec.get("predictedProbabilitiesName", ""),
        metadata=Metadata(
            **{ours: metadata.get(theirs, "") for ours, theirs in _METADATA.items()},
            user_defined=metadata.get("userDefined", {}),
        ),
    )


def _function(spec: dict[str, Any]) -> FunctionDescription:
    return FunctionDescription(
        name=spec.get("name", ""),
        inputs=_features(spec, "input"),
        outputs=_features(spec, "output"),
        states=_features(spec, "state"),
        predicted_feature_name=spec.get("predictedFeatureName", ""),
        predicted_probabilities_name=spec.get("predictedProbabilitiesName", ""),
    )


def _features(spec: dict[str, Any], kind: str) -> list[FeatureDescription]:
    features = [_feature(item) for item in spec.get(kind, [])]
    if len({feature.name for feature in features}) != len(features):
        raise _fail(f"two {kind} features have the same name", [feature.name for feature in features])
    return features


def _feature(spec: dict[str, Any]) -> FeatureDescription:
    name, kind = spec.get("name", ""), spec.get("type", {})
    if not name:
        raise _fail("a feature has no name")
    made = _feature_type(kind, name)
    return FeatureDescription(name, made, spec.get("shortDescription", ""), kind.get("isOptional", False))


def _feature_type(spec: dict[str, Any], name: str) -> FeatureType:
    kinds = ("imageType", "multiArrayType", "dictionaryType", "sequenceType", "stateType")
    kind = one_of(spec, *_PLAIN, *kinds)
    inner = spec[kind] if kind else {}
    match kind:
        case "multiArrayType":
            return _array(inner, name)
        case "stateType":
            if "arrayType" not in inner:
                raise _fail(f"state {name!r} has no type")
            return StateFeatureType(_array(inner["arrayType"], name))
        case "imageType":
            return _image(inner, name)
        case "dictionaryType":
            key = one_of(inner, "int64KeyType", "stringKeyType")
            return DictionaryFeatureType("int64" if key == "int64KeyType" else "string")
        case "sequenceType":
            element = one_of(inner, "int64Type", "stringType")
            sizes = _range(inner["sizeRange"], name) if "sizeRange" in inner else None
            return SequenceFeatureType("int64" if element == "int64Type" else "string", sizes)
        case None:
            raise _fail(f"feature {name!r} has no type")
    return _PLAIN[kind]


def _array(spec: dict[str, Any], name: str) -> ArrayFeatureType:
    number = spec.get("dataType", 0)
    if number not in ARRAY_DATA_TYPES and number != 0:
        raise _fail(f"feature {name!r} has an unknown data type", number)
    one_of(spec, "enumeratedShapes", "shapeRange")
    default = one_of(spec, "intDefaultValue", "floatDefaultValue", "doubleDefaultValue")
    shape = _shape(spec.get("shape", ()), name)
    shapes = spec.get("enumeratedShapes", {}).get("shapes", [])
    ranges = spec.get("shapeRange", {}).get("sizeRanges", [])
    if len(ranges) > MAX_RANK:
        raise _fail(f"feature {name!r} has too many dimensions", len(ranges))
    return ArrayFeatureType(
        dtype=ARRAY_DATA_TYPES.get(number),
        shape=shape,
        enumerated_shapes=tuple(_shape(item.get("shape", ()), name) for item in shapes),
        shape_range=tuple(_range(item, name) for item in ranges),
        default=spec[default] if default else None,
    )


def _shape(sizes: Sequence[Any], name: str) -> tuple[int, ...]:
    if len(sizes) > MAX_RANK:
        raise _fail(f"feature {name!r} has too many dimensions", len(sizes))
    shape = tuple(map(int, sizes))
    if not all(0 <= size <= MAX_SIZE for size in shape):
        raise _fail(f"feature {name!r} has an impossible shape", shape)
    return shape


def _range(spec: dict[str, Any], name: str) -> SizeRange:
    lower, upper = spec.get("lowerBound", 0), spec.get("upperBound", 0)
    if lower > MAX_SIZE or upper > MAX_SIZE or 0 <= upper < lower:
        raise _fail(f"feature {name!r} has an impossible range of sizes", f"{lower} to {upper}")
    return SizeRange(lower, None if upper < 0 else upper)


def _image(spec: dict[str, Any], name: str) -> ImageFeatureType:
    color = spec.get("colorSpace", 0)
    if color not in COLOR_SPACES:
        raise _fail(f"image {name!r} has an unknown color space", color)
    one_of(spec, "enumeratedSizes", "imageSizeRange")
    sizes, ranges = spec.get("enumeratedSizes", {}).get("sizes", []), spec.get("imageSizeRange")
    width, height = _shape((spec.get("width", 0), spec.get("height", 0)), name)
    pairs = [_shape((item.get("width", 0), item.get("height", 0)), name) for item in sizes]
    return ImageFeatureType(
        width,
        height,
        COLOR_SPACES[color],
        enumerated_sizes=tuple((w, h) for w, h in pairs),
        width_range=None if ranges is None else _range(ranges.get("widthRange", {}), name),
        height_range=None if ranges is None else _range(ranges.get("heightRange", {}), name),
    )


# ---- Writing ----


def description_to(description: ModelDescription) -> dict[str, Any]:
    """The ModelDescription message of an interface."""
    metadata = description.metadata
    texts = {theirs: getattr(metadata, ours) or None for ours, theirs in _METADATA.items()}
    return {
        **_interface_to(description),
        "functions": [{"name": item.name, **_interface_to(item)} for item in description.functions],
        "defaultFunctionName": description.default_function_name or None,
        "metadata": {**texts, "userDefined": dict(sorted(metadata.user_defined.items()))},
    }


def _interface_to(described: ModelDescription | FunctionDescription) -> dict[str, Any]:
    return {
        "input": [_feature_to(item) for item in described.inputs],
        "output": [_feature_to(item) for item in described.outputs],
        "state": [_feature_to(item) for item in described.states],
        "predictedFeatureName": described.predicted_feature_name or None,
        "predictedProbabilitiesName": described.predicted_probabilities_name or None,
    }


def _feature_to(feature: FeatureDescription) -> dict[str, Any]:
    return {
        "name": feature.name,
        "shortDescription": feature.short_description or None,
        "type": {**_feature_type_to(feature.type), "isOptional": feature.optional or None},
    }


def _feature_type_to(kind: FeatureType) -> dict[str, Any]:
    match kind:
        case Int64FeatureType():
            return {"int64Type": {}}
        case DoubleFeatureType():
            return {"doubleType": {}}
        case StringFeatureType():
            return {"stringType": {}}
        case ArrayFeatureType():
            return {"multiArrayType": _array_to(kind)}
        case StateFeatureType():
            return {"stateType": {"arrayType": _array_to(kind.array)}}
        case ImageFeatureType():
            return {"imageType": _image_to(kind)}
        case DictionaryFeatureType():
            return {"dictionaryType": {f"{kind.key}KeyType": {}}}
        case SequenceFeatureType():
            sizes = None if kind.size_range is None else _range_to(kind.size_range)
            return {"sequenceType": {f"{kind.element}Type": {}, "sizeRange": sizes}}


def _array_to(array: ArrayFeatureType) -> dict[str, Any]:
    spec: dict[str, Any] = {"shape": array.shape or None}
    if array.dtype is not None:
        if array.dtype not in _ARRAY_NUMBERS:
            known = ", ".join(dtype.value for dtype in _ARRAY_NUMBERS)
            raise FormatError.of("coreml", f"features are of {known}", array.dtype.value)
        spec["dataType"] = _ARRAY_NUMBERS[array.dtype]
    if array.enumerated_shapes:
        spec["enumeratedShapes"] = {"shapes": [{"shape": shape} for shape in array.enumerated_shapes]}
    if array.shape_range:
        spec["shapeRange"] = {"sizeRanges": [_range_to(item) for item in array.shape_range]}
    if array.default is not None:
        names = {DataType.INT32: "intDefaultValue", DataType.FLOAT64: "doubleDefaultValue"}
        integral = array.dtype is DataType.INT8
        name = names.get(array.dtype or DataType.FLOAT32, "floatDefaultValue")
        spec["intDefaultValue" if integral else name] = array.default
    return spec


def _range_to(sizes: SizeRange) -> dict[str, Any]:
    return {
        "lowerBound": sizes.lower or None,
        "upperBound": -1 if sizes.upper is None else sizes.upper or None,
    }


def _image_to(image: ImageFeatureType) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "width": image.width or None,
        "height": image.height or None,
        "colorSpace": _COLOR_NUMBERS[image.color_space],
    }
    if image.enumerated_sizes:
        sizes = [{"width": width, "height": height} for width, height in image.enumerated_sizes]
        spec["enumeratedSizes"] = {"sizes": sizes}
    if image.width_range is not None and image.height_range is not None:
        ranges = {"widthRange": _range_to(image.width_range), "heightRange": _range_to(image.height_range)}
        spec["imageSizeRange"] = ranges
    return spec
