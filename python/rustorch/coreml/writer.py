"""Writes packages: the same model gives the same bytes, and a package appears whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import uuid

from rustorch.coreml._exchange import exchanged
from rustorch.coreml.blob import BlobWriter
from rustorch.coreml.description import description_to
from rustorch.coreml.mil.program import Model
from rustorch.coreml.mil.validate import check_model
from rustorch.coreml.package import MANIFEST
from rustorch.coreml.protobuf import encode
from rustorch.coreml.spec import MESSAGES
from rustorch.coreml.to_spec import ProgramWriter
from rustorch.errors import ArgumentError

__all__ = ["spec_bytes", "write_package"]

_AUTHOR = "com.apple.CoreML"


def spec_bytes(model: Model, weights: BlobWriter | None = None) -> bytes:
    """A model as a Model message; with `weights`, large tensors go there.

    Raises:
        ValueError: for programs that use names which nothing defines, or values beyond their types.
    """
    check_model(model)
    fields = {
        "specificationVersion": model.spec_version,
        "description": description_to(model.description),
        "mlProgram": ProgramWriter(weights, model.spec_version).program(model.program),
    }
    return encode(MESSAGES["Model"], fields)


def write_package(model: Model, path: str | os.PathLike[str], *, sync: bool = True) -> None:
    """Writes an `.mlpackage`.

    Args:
        model: to write.
        path: of the package; one that is there already is replaced, once the new one is complete.
        sync: wait until the package is on the disk, so that not even a power failure leaves half of it.

    Raises:
        ValueError: for models that make no sense, and where something other than a package is in the way.
        OSError: where the directory cannot be written to.

    >>> import os, tempfile
    >>> from rustorch.coreml import read_package, write_package
    >>> from rustorch.coreml.mil import program as mil
    >>> vector = mil.TensorType(mil.DataType.FLOAT32, (2,))
    >>> x, y = mil.NamedType("x", vector), mil.NamedType("y", vector)
    >>> block = mil.Block(outputs=["y"], operations=[mil.Operation("relu", {"x": ["x"]}, [y])])
    >>> array = mil.ArrayFeatureType(mil.DataType.FLOAT32, (2,))
    >>> features = [mil.FeatureDescription(name, array) for name in "xy"]
    >>> interface = mil.ModelDescription(features[:1], features[1:])
    >>> program = mil.Program({"main": mil.Function([x], "CoreML7", {"CoreML7": block})})
    >>> path = os.path.join(tempfile.mkdtemp(), "relu.mlpackage")
    >>> write_package(mil.Model(8, interface, program), path)
    >>> read_package(path).program == program
    True
    """
    target = os.path.abspath(path)
    _refuse_other_content(target)
    temporary = _new_directory(target)
    try:
        _write_into(temporary, model)
        if sync:
            _sync(temporary)
        _replace(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _refuse_other_content(target: str) -> None:
    try:
        is_directory = stat.S_ISDIR(os.lstat(target).st_mode)
    except FileNotFoundError:
        return
    if not is_directory:
        raise ArgumentError.of("write_package", "something else is at this path", target, "another path")
    if not os.path.isfile(os.path.join(target, MANIFEST)) and os.listdir(target):
        raise ArgumentError.of(
            "write_package", "the directory at this path is no package", target, "another path"
        )


def _new_directory(target: str) -> str:
    """A directory beside the target, as everybody may see the package."""
    parent, name = os.path.split(target)
    while True:
        made = os.path.join(parent, f".{name}.{os.urandom(6).hex()}")
        try:
            os.mkdir(made)
            return made
        except FileExistsError:
            continue


def _write_into(directory: str, model: Model) -> None:
    data = f"{directory}/Data/{_AUTHOR}"
    os.makedirs(f"{data}/weights")
    with open(f"{data}/weights/weight.bin", "w+b") as file:
        weights = BlobWriter(file)
        spec = spec_bytes(model, weights)
        weights.finish()
    with open(f"{data}/model.mlmodel", "wb") as file:
        file.write(spec)
    # Identifiers have to differ from model to model, and not from one writing of a model to the next.
    digest = hashlib.sha256(spec).digest()
    root, other = (str(uuid.UUID(bytes=part, version=4)).upper() for part in (digest[:16], digest[16:]))
    entries = {
        root: _entry("model.mlmodel", "CoreML Model Specification"),
        other: _entry("weights", "CoreML Model Weights"),
    }
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": dict(sorted(entries.items())),
        "rootModelIdentifier": root,
    }
    with open(f"{directory}/{MANIFEST}", "wb") as file:
        file.write(json.dumps(manifest, indent=4).encode() + b"\n")


def _entry(name: str, description: str) -> dict[str, str]:
    return {"author": _AUTHOR, "description": description, "name": name, "path": f"{_AUTHOR}/{name}"}


def _sync(directory: str) -> None:
    for parent, _, names in os.walk(directory):
        for name in [*names, ""]:
            descriptor = os.open(os.path.join(parent, name), os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _replace(new: str, target: str) -> None:
    """Puts the new directory in the place of the old one, which is there until then, or again if it fails."""
    try:
        os.rename(new, target)
        return
    except OSError:
        if not os.path.isdir(target):
            raise
    if exchanged(new, target):
        shutil.rmtree(new, ignore_errors=True)
        return
    old = _new_directory(target)
    os.rename(target, old)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)
