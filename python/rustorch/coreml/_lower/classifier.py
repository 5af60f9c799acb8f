"""Classifiers: a label and the probabilities of all labels, in place of a row of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from rustorch.coreml._lower.builder import Builder, Var
from rustorch.coreml._lower.sizes import is_size
from rustorch.coreml.mil.program import (
    DataType,
    DictionaryFeatureType,
    DictionaryType,
    FeatureDescription,
    FeatureType,
    Int64FeatureType,
    ListType,
    ListValue,
    NamedType,
    Operation,
    StringFeatureType,
    TensorType,
    immediate,
)
from rustorch.errors import ArgumentError, DTypeError

__all__ = ["Labels", "add_classifier", "labels_of"]

Labels: TypeAlias = "Sequence[str] | Sequence[int] | str | os.PathLike[str]"


def labels_of(given: Labels) -> list[str] | list[int]:
    """The labels, or the lines of a file of them.

    Raises:
        TypeError: for labels that are neither all strings nor all integers.
        ValueError: for no labels, and for one that stands twice.
    """
    if isinstance(given, (str, os.PathLike)):
        lines = Path(given).read_text(encoding="utf-8").splitlines()
        labels: list[str] | list[int] = [line.strip() for line in lines if line.strip()]
    else:
        labels = list(given)  # type: ignore[assignment]
    if len({type(label) for label in labels}) > 1 or not all(type(label) in (str, int) for label in labels):
        raise DTypeError.of("export", "classifier_labels are strings or integers", repr(labels)[:80])
    if len(set(labels)) < len(labels) or not labels:
        what = "there are no classifier_labels" if not labels else "a label stands twice"
        raise ArgumentError.of("export", what, repr(labels)[:80])
    return labels


def add_classifier(
    b: Builder, x: Var, labels: list[str] | list[int], name: str
) -> tuple[list[Var], list[FeatureDescription]]:
    """The outputs `name`, the label of the largest number of x, and `name_probs`, the numbers by label."""
    count = 1
    for size in x.shape:
        count *= size
    if is_size(count) or count != len(labels) or not x.dtype.is_float:
        got = "a size that varies" if is_size(count) else f"{count} of {x.dtype.value}"
        raise ArgumentError.of(
            "export", f"{len(labels)} classifier_labels need as many probabilities as the first output", got
        )
    b.at(name)
    x = b.cast(x, DataType.FLOAT32)
    text = isinstance(labels[0], str)
    kind = TensorType(DataType.STRING if text else DataType.INT64)
    items = [immediate(label, None if text else DataType.INT64) for label in labels]
    classes = ListValue(ListType(kind, len(labels)), tuple(items))
    both = [
        NamedType(name, kind),
        NamedType(f"{name}_probs", DictionaryType(kind, TensorType(DataType.FLOAT64))),
    ]
    b.operations.append(Operation("classify", {"probabilities": [x.name], "classes": [classes]}, both))
    label: FeatureType = StringFeatureType() if text else Int64FeatureType()
    types: list[FeatureType] = [label, DictionaryFeatureType("string" if text else "int64")]
    return (
        [Var(item.name, kind.dtype, ()) for item in both],
        [FeatureDescription(item.name, type) for item, type in zip(both, types)],
    )
