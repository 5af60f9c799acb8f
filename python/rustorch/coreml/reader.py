"""Reads models: packages, compiled models, and single specification files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from rustorch.coreml.blob import BlobReader
from rustorch.coreml.description import description_from
from rustorch.coreml.from_spec import ProgramReader
from rustorch.coreml.mil.program import BlobFileValue, Model, ModelDescription
from rustorch.coreml.mil.types import Array
from rustorch.coreml.mil.validate import check_model
from rustorch.coreml.package import COMPILED_METADATA, MANIFEST, MAX_SPEC, PackageFiles, read_file, root_model
from rustorch.coreml.protobuf import decode
from rustorch.coreml.spec import MESSAGES, MODEL_KINDS, one_of
from rustorch.errors import FormatError, UnsupportedOperation

__all__ = ["Opened", "WeightFiles", "open_model", "read_package", "read_spec"]

_PREFIX = "@model_path/"
# Packages have one; each takes a descriptor.
MAX_FILES = 64


def _fail(what: str, got: str = "", hint: str = "") -> FormatError:
    return FormatError.of("read_package", what, got, hint)


class WeightFiles:
    """The files of weights of a package, each opened when it is first asked for.

    Args:
        files: of the package.
        base: the directory that paths in the program start from, "" or ending in "/".
    """

    def __init__(self, files: PackageFiles, base: str) -> None:
        self._files, self._base = files, base
        self._readers: dict[str, BlobReader] = {}
        self._lock = threading.Lock()

    def _reader(self, name: str) -> BlobReader:
        with self._lock:
            reader = self._readers.get(name)
            if reader is None:
                if not name.startswith(_PREFIX):
                    raise _fail(f"weights must lie below {_PREFIX}", repr(name)[:200])
                if len(self._readers) == MAX_FILES:
                    raise _fail("there are too many files of weights", f"more than {MAX_FILES}")
                path = self._base + name[len(_PREFIX) :]
                reader = self._readers[name] = BlobReader(self._files.open(path), path)
            return reader

    def check(self, value: BlobFileValue) -> None:
        """Raises ValueError (`FormatError`) unless the value's record is there and is of its type."""
        self._reader(value.file_name).record(value.offset, value.type)

    def load(self, value: BlobFileValue) -> Array:
        """The tensor of a value."""
        return self._reader(value.file_name).load(value.offset, value.type)


class Opened(NamedTuple):
    """A model whose files were opened and whose interface was read; its program is still to be made.

    Attributes:
        format: "mlpackage", "mlmodelc" or "mlmodel".
        kind: "mlProgram", or one of the older kinds.
        description: its interface.
        spec: its bytes, for other readers.
        model: makes the model. Raises NotImplementedError for the older kinds, ValueError for bad programs.
    """

    format: str
    kind: str
    description: ModelDescription
    spec: bytes
    model: Callable[[], Model]


def open_model(path: str | os.PathLike[str]) -> Opened:
    """Opens a package, compiled model or specification file. Raises as `read_package`."""
    if not os.path.isdir(path):
        return _opened("mlmodel", read_file(path, MAX_SPEC), None)
    files = PackageFiles(path)
    if not files.has(MANIFEST) and files.has(COMPILED_METADATA):
        from rustorch.coreml.compiled import open_compiled

        return open_compiled(files)
    root = root_model(files)
    return _opened("mlpackage", files.read(root, MAX_SPEC), WeightFiles(files, root[: root.rfind("/") + 1]))


def _opened(format: str, data: bytes, weights: WeightFiles | None) -> Opened:
    spec = read_spec(data)
    kind = one_of(spec, "mlProgram", *MODEL_KINDS.values())
    assert kind is not None
    description = description_from(spec.get("description", {}))
    return Opened(format, kind, description, data, lambda: _model(kind, spec, description, weights))


def read_package(path: str | os.PathLike[str]) -> Model:
    """Reads an ML Program with its weights left in their file, to be read one by one when they are used.

    Args:
        path: of an `.mlpackage` or `.mlmodelc` directory, or of an `.mlmodel` file; the content decides.

    Raises:
        OSError: where nothing can be opened there.
        ValueError: (`FormatError`) for what does not follow the format, or would lead out of the package.
        NotImplementedError: for models that are no ML Programs.

    A package is taken for hostile: nothing outside of it is opened, all that it states is checked before use,
    and what reading it takes in memory is bounded by its size. Nothing is written.
    """
    try:
        return open_model(path).model()
    except RecursionError:
        raise _fail("the model is nested too deeply", hint="a shallower stack of calls") from None


def read_spec(data: bytes) -> dict[str, Any]:
    """The fields of a Model message. Raises ValueError (`FormatError`) unless it holds one model."""
    spec = decode(MESSAGES["Model"], data)
    if one_of(spec, "mlProgram", *MODEL_KINDS.values()) is None:
        raise _fail("there is no model of a known kind in it", f"{len(data)} bytes")
    return spec


def _model(
    kind: str, spec: dict[str, Any], description: ModelDescription, weights: WeightFiles | None
) -> Model:
    if kind != "mlProgram":
        raise UnsupportedOperation.of(
            "read_package",
            "only ML Programs are read here",
            f"a model of kind {kind}",
            "coremltools, which reads and converts the older kinds",
        )
    program = ProgramReader(weights).program(spec["mlProgram"])
    model = Model(spec.get("specificationVersion", 0), description, program)
    if model.spec_version < 1:
        raise _fail("the version of the specification is missing", str(model.spec_version))
    check_model(model)
    return model
