"""The messages of Core ML's specification (Model.proto, FeatureTypes.proto, MIL.proto), as tables.

A line of a table is a field: its number, its type (a number type, string, bytes, or another message; `[]` for
repeated, `{}` for a map with string keys) and its name. Types of values are kept as bytes, to be decoded once
per distinct type: a program states the same few again and again.
"""

from __future__ import annotations

import re
from typing import Any

from rustorch.coreml.mil.types import DataType
from rustorch.coreml.protobuf import Field, Kind, Message

__all__ = ["ARRAY_DATA_TYPES", "COLOR_SPACES", "DATA_TYPES", "MESSAGES", "MODEL_KINDS", "one_of"]

_TABLES = """
Model
    1 int32 specificationVersion
    2 ModelDescription description
    502 Program mlProgram
ModelDescription
    1 FeatureDescription[] input
    10 FeatureDescription[] output
    11 string predictedFeatureName
    12 string predictedProbabilitiesName
    13 FeatureDescription[] state
    20 FunctionDescription[] functions
    21 string defaultFunctionName
    100 Metadata metadata
FunctionDescription
    1 string name
    2 FeatureDescription[] input
    3 FeatureDescription[] output
    4 string predictedFeatureName
    5 string predictedProbabilitiesName
    6 FeatureDescription[] state
Metadata
    1 string shortDescription
    2 string versionString
    3 string author
    4 string license
    100 string{} userDefined
FeatureDescription
    1 string name
    2 string shortDescription
    3 FeatureType type
FeatureType
    1 Empty int64Type
    2 Empty doubleType
    3 Empty stringType
    4 ImageFeatureType imageType
    5 ArrayFeatureType multiArrayType
    6 DictionaryFeatureType dictionaryType
    7 SequenceFeatureType sequenceType
    8 StateFeatureType stateType
    1000 bool isOptional
Empty
ImageFeatureType
    1 int64 width
    2 int64 height
    3 int32 colorSpace
    21 EnumeratedImageSizes enumeratedSizes
    31 ImageSizeRange imageSizeRange
EnumeratedImageSizes
    1 ImageSize[] sizes
ImageSize
    1 uint64 width
    2 uint64 height
ImageSizeRange
    1 SizeRange widthRange
    2 SizeRange heightRange
SizeRange
    1 uint64 lowerBound
    2 int64 upperBound
ArrayFeatureType
    1 int64[] shape
    2 int32 dataType
    21 EnumeratedShapes enumeratedShapes
    31 ShapeRange shapeRange
    41 int32 intDefaultValue
    51 float floatDefaultValue
    61 double doubleDefaultValue
EnumeratedShapes
    1 Shape[] shapes
Shape
    1 int64[] shape
ShapeRange
    1 SizeRange[] sizeRanges
DictionaryFeatureType
    1 Empty int64KeyType
    2 Empty stringKeyType
SequenceFeatureType
    1 Empty int64Type
    3 Empty stringType
    101 SizeRange sizeRange
StateFeatureType
    1 ArrayFeatureType arrayType
Program
    1 int64 version
    2 Function{} functions
    4 Value{} attributes
Function
    1 NamedValueType[] inputs
    2 string opset
    3 Block{} block_specializations
    4 Value{} attributes
Block
    1 NamedValueType[] inputs
    2 string[] outputs
    3 Operation[] operations
    4 Value{} attributes
Operation
    1 string type
    2 Argument{} inputs
    3 NamedValueType[] outputs
    4 Block[] blocks
    5 Value{} attributes
Argument
    1 Binding[] arguments
Binding
    1 string name
    2 Value value
NamedValueType
    1 string name
    2 bytes type
ValueType
    1 TensorType tensorType
    2 ListType listType
    3 TupleType tupleType
    4 DictionaryType dictionaryType
    5 StateType stateType
TensorType
    1 int32 dataType
    2 int64 rank
    3 Dimension[] dimensions
ListType
    1 ValueType type
    2 Dimension length
TupleType
    1 ValueType[] types
DictionaryType
    1 ValueType keyType
    2 ValueType valueType
StateType
    1 ValueType wrappedType
Dimension
    1 ConstantDimension constant
    2 UnknownDimension unknown
ConstantDimension
    1 uint64 size
UnknownDimension
    1 bool variadic
Value
    2 bytes type
    3 ImmediateValue immediateValue
    5 BlobFileValue blobFileValue
ImmediateValue
    1 TensorValue tensor
    2 Values tuple
    3 Values list
    4 DictionaryValue dictionary
BlobFileValue
    1 string fileName
    2 uint64 offset
TensorValue
    1 Floats floats
    2 Ints ints
    3 Bools bools
    4 Strings strings
    5 LongInts longInts
    6 Doubles doubles
    7 Bytes bytes
Floats
    1 float[] values
Ints
    1 int32[] values
Bools
    1 bool[] values
Strings
    1 string[] values
LongInts
    1 int64[] values
Doubles
    1 double[] values
Bytes
    1 bytes values
Values
    1 Value[] values
DictionaryValue
    1 KeyValuePair[] values
KeyValuePair
    1 Value key
    2 Value value
"""

# The other kinds of models, by the field of Model that holds them.
MODEL_KINDS = {
    200: "pipelineClassifier",
    201: "pipelineRegressor",
    202: "pipeline",
    300: "glmRegressor",
    301: "supportVectorRegressor",
    302: "treeEnsembleRegressor",
    303: "neuralNetworkRegressor",
    304: "bayesianProbitRegressor",
    400: "glmClassifier",
    401: "supportVectorClassifier",
    402: "treeEnsembleClassifier",
    403: "neuralNetworkClassifier",
    404: "kNearestNeighborsClassifier",
    500: "neuralNetwork",
    501: "itemSimilarityRecommender",
    555: "customModel",
    556: "linkedModel",
    560: "classConfidenceThresholding",
    600: "oneHotEncoder",
    601: "imputer",
    602: "featureVectorizer",
    603: "dictVectorizer",
    604: "scaler",
    606: "categoricalMapping",
    607: "normalizer",
    609: "arrayFeatureExtractor",
    610: "nonMaximumSuppression",
    900: "identity",
    2000: "textClassifier",
    2001: "wordTagger",
    2002: "visionFeaturePrint",
    2003: "soundAnalysisPreprocessing",
    2004: "gazetteer",
    2005: "wordEmbedding",
    2006: "audioFeaturePrint",
    3000: "serializedModel",
}

DATA_TYPES = {
    1: DataType.BOOL,
    2: DataType.STRING,
    10: DataType.FLOAT16,
    11: DataType.FLOAT32,
    12: DataType.FLOAT64,
    13: DataType.BFLOAT16,
    21: DataType.INT8,
    22: DataType.INT16,
    23: DataType.INT32,
    24: DataType.INT64,
    25: DataType.INT4,
    31: DataType.UINT8,
    32: DataType.UINT16,
    33: DataType.UINT32,
    34: DataType.UINT64,
    35: DataType.UINT4,
    36: DataType.UINT2,
    37: DataType.UINT1,
    38: DataType.UINT6,
    39: DataType.UINT3,
    40: DataType.FLOAT8E4M3FN,
    41: DataType.FLOAT8E5M2,
}

ARRAY_DATA_TYPES = {
    65552: DataType.FLOAT16,
    65568: DataType.FLOAT32,
    65600: DataType.FLOAT64,
    131080: DataType.INT8,
    131104: DataType.INT32,
}

COLOR_SPACES = {10: "GRAYSCALE", 20: "RGB", 30: "BGR", 40: "GRAYSCALE_FLOAT16"}

_LINE = re.compile(r"(\d+) (\w+)(\[\]|\{\})? (\w+)")


def _parse(tables: str) -> dict[str, Message]:
    messages: dict[str, Message] = {}
    lines = [line for line in tables.splitlines() if line]
    for line in lines:
        if not line.startswith(" "):
            messages[line] = Message(line)
    current = messages["Model"]
    for line in lines:
        if not line.startswith(" "):
            current = messages[line]
            continue
        match = _LINE.fullmatch(line.strip())
        assert match is not None, line
        number, kind, suffix, name = match.groups()
        target = messages.get(kind)
        if suffix == "{}":
            entry = Message(f"{current.name}.{name}")
            entry.add(Field(1, "key", Kind.STRING))
            entry.add(Field(2, "value", Kind.MESSAGE if target else Kind(kind), message=target))
            current.add(Field(int(number), name, Kind.MESSAGE, message=entry, entry=True))
        else:
            made = Kind.MESSAGE if target else Kind(kind)
            current.add(Field(int(number), name, made, message=target, repeated=suffix == "[]"))
    # The other kinds of models are kept as bytes, to be told apart.
    for number, name in MODEL_KINDS.items():
        messages["Model"].add(Field(number, name, Kind.BYTES))
    return messages


MESSAGES = _parse(_TABLES)


def one_of(fields: dict[str, Any], *names: str) -> str | None:
    """The name of the field that is there, of those of which at most one may be; None for none of them."""
    found = [name for name in names if name in fields]
    if len(found) > 1:
        from rustorch.errors import FormatError

        raise FormatError.of("protobuf", "fields that exclude each other are given", ", ".join(found))
    return found[0] if found else None
