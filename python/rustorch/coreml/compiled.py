"""Compiled models (`.mlmodelc`), as far as their files are text: `metadata.json` and `model.mil`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rustorch.coreml.mil.parse import parse_program
from rustorch.coreml.mil.program import (
    ArrayFeatureType,
    DataType,
    DictionaryFeatureType,
    DoubleFeatureType,
    FeatureDescription,
    FeatureType,
    ImageFeatureType,
    Int64FeatureType,
    Metadata,
    Model,
    ModelDescription,
    SequenceFeatureType,
    StateFeatureType,
    StringFeatureType,
)
from rustorch.coreml.mil.validate import check_model
from rustorch.coreml.package import COMPILED_METADATA, MAX_JSON, PackageFiles, parse_json
from rustorch.coreml.reader import Opened, WeightFiles
from rustorch.errors import FormatError, UnsupportedOperation

__all__ = ["open_compiled"]

PROGRAM = "model.mil"
MAX_PROGRAM = 1 << 28
_DTYPES = {
    "Float16": DataType.FLOAT16,
    "Float32": DataType.FLOAT32,
    "Double": DataType.FLOAT64,
    "Int8": DataType.INT8,
    "Int32": DataType.INT32,
}
_COLORS = {"BGR": "BGR", "RGB": "RGB", "Grayscale": "GRAYSCALE", "GrayscaleFloat16": "GRAYSCALE_FLOAT16"}


def _fail(what: str, got: object = "") -> FormatError:
    return FormatError.of(
        "read_package", f"{COMPILED_METADATA}: {what}", repr(got)[:200] if got != "" else ""
    )


def open_compiled(files: PackageFiles) -> Opened:
    """The model in a directory that Core ML's compiler made.

    Raises:
        ValueError: (`FormatError`) for files that are not what they should be.

    Its `model` raises NotImplementedError where the program is not kept as text.
    """
    found = parse_json(files.read(COMPILED_METADATA, MAX_JSON), COMPILED_METADATA)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict):
        raise _fail("one model should be described", type(found).__name__)
    description = _description(found)
    version = found.get("specificationVersion")
    if not isinstance(version, int) or not 0 < version < 1 << 31:
        raise _fail("the version of the specification is missing", version)
    kind = found.get("modelType")
    name = str(kind.get("name", "") if isinstance(kind, dict) else kind or "MLModelType_mlProgram")
    name = name.removeprefix("MLModelType_")
    return Opened("mlmodelc", name, description, b"", _maker(files, version, description, name))


def _maker(
    files: PackageFiles, version: int, description: ModelDescription, kind: str
) -> Callable[[], Model]:
    def model() -> Model:
        if not files.has(PROGRAM):
            raise UnsupportedOperation.of(
                "read_package",
                f"the program of a compiled model is read from {PROGRAM} alone",
                f"a compiled model of kind {kind} without one",
                "the package that it was compiled from",
            )
        try:
            text = files.read(PROGRAM, MAX_PROGRAM).decode("utf-8")
        except UnicodeDecodeError as error:
            raise FormatError.of("read_package", f"{PROGRAM} is no text", str(error)) from None
        weights = WeightFiles(files, "")
        made = Model(version, description, parse_program(text, weights.load, weights.check))
        # Models of one function are described without its name.
        if (
            not description.default_function_name
            and "main" not in made.functions
            and len(made.functions) == 1
        ):
            description.default_function_name = next(iter(made.functions))
        check_model(made)
        return made

    return model


def _text(fields: dict[str, Any], key: str) -> str:
    value = fields.get(key, "")
    if not isinstance(value, (str, int, float)):
        raise _fail(f"{key} is no text", value)
    return str(value)


def _description(fields: dict[str, Any]) -> ModelDescription:
    user = fields.get("userDefinedMetadata", {})
    if not isinstance(user, dict) or not all(isinstance(item, str) for item in user.values()):
        raise _fail("userDefinedMetadata does not map texts to texts", user)
    return ModelDescription(
        inputs=_features(fields, "inputSchema"),
        outputs=_features(fields, "outputSchema"),
        states=_features(fields, "stateSchema"),
        metadata=Metadata(
            short_description=_text(fields, "shortDescription"),
            version=_text(fields, "version"),
            author=_text(fields, "author"),
            license=_text(fields, "license"),
            user_defined=user,
        ),
    )


def _features(fields: dict[str, Any], key: str) -> list[FeatureDescription]:
    schema = fields.get(key, [])
    if not isinstance(schema, list) or not all(isinstance(item, dict) for item in schema):
        raise _fail(f"{key} is no list of features", schema)
    features = [
        FeatureDescription(
            _text(item, "name"),
            _feature_type(item),
            _text(item, "shortDescription"),
            _text(item, "isOptional") in ("1", "True"),
        )
        for item in schema
    ]
    if len({feature.name for feature in features} - {""}) != len(features):
        raise _fail(f"{key} has features of the same name, or of none", [item.name for item in features])
    return features


def _feature_type(item: dict[str, Any]) -> FeatureType:
    match item.get("type"):
        case "MultiArray":
            return _array(item)
        case "State":
            return StateFeatureType(_array(item))
        case "Image":
            sizes = [_text(item, key) for key in ("width", "height")]
            if not all(size.isdecimal() and len(size) < 10 for size in sizes):
                raise _fail("an image has no size", sizes)
            color = _COLORS.get(_text(item, "colorspace"), "RGB")
            return ImageFeatureType(int(sizes[0]), int(sizes[1]), color)
        case "Dictionary":
            return DictionaryFeatureType("int64" if _text(item, "keyType") == "Int64" else "string")
        case "Sequence":
            return SequenceFeatureType("int64" if "Int64" in _text(item, "formattedType") else "string")
        case "Int64":
            return Int64FeatureType()
        case "Double":
            return DoubleFeatureType()
        case "String":
            return StringFeatureType()
        case other:
            raise _fail("a feature is of an unknown type", other)


def _array(item: dict[str, Any]) -> ArrayFeatureType:
    dtype = _text(item, "dataType")
    if dtype and dtype not in _DTYPES:
        raise _fail("an array is of an unknown data type", dtype)
    shapes = _listed(_text(item, "enumeratedShapes") or "[]")
    if not isinstance(shapes, list):
        raise _fail("shapes are no list", shapes)
    return ArrayFeatureType(
        _DTYPES.get(dtype),
        _sizes(_listed(_text(item, "shape") or "[]")),
        enumerated_shapes=tuple(_sizes(shape) for shape in shapes),
    )


def _listed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _fail("a shape is no list of sizes", text) from None


def _sizes(sizes: Any) -> tuple[int, ...]:
    if not isinstance(sizes, list) or len(sizes) > 16 or not all(_is_size(size) for size in sizes):
        raise _fail("a shape is no list of sizes", sizes)
    return tuple(sizes)


def _is_size(size: object) -> bool:
    return type(size) is int and 0 <= size <= 1 << 48
