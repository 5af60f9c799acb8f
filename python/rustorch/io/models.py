"""Models from elsewhere: files of weights and Core ML packages, told apart by what is in them."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from rustorch import _C
from rustorch.errors import ArgumentError
from rustorch.io.gguf import MAGIC, GgufFile
from rustorch.io.safetensors import SafetensorsFile

if TYPE_CHECKING:
    from rustorch.coreml.model import CoreMLModel

__all__ = ["ModelMetadata", "Weights", "load_model"]


@dataclass
class ModelMetadata:
    """What a model's files say about it.

    Attributes:
        format: "safetensors", "gguf", "mlpackage", "mlmodelc" or "mlmodel".
        size: of the files, in bytes.
        quantization: how weights are compressed, such as "Q4_K, Q6_K" or "palettized 4-bit"; None if not.
        shapes: of the tensors, or of a Core ML model's inputs, outputs and states; sizes that may vary are
            the default ones.
        dtypes: of the same, by name.
        inputs, outputs, states: the names of a Core ML model's features.
        author, license, version, description: as its maker put them.
        user_defined: all other metadata.
    """

    format: str
    size: int
    quantization: str | None = None
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    author: str = ""
    license: str = ""
    version: str = ""
    description: str = ""
    user_defined: dict[str, Any] = field(default_factory=dict)


class Weights(Mapping[str, _C.Tensor]):
    """The tensors of a file of weights by name, each read, and decoded, when it is asked for.

    Attributes:
        metadata: what the file says, without any tensor being read.

    `module.load_state_dict(weights)` reads them all.
    """

    def __init__(self, tensors: Mapping[str, _C.Tensor], metadata: ModelMetadata) -> None:
        self._tensors, self.metadata = tensors, metadata

    def __getitem__(self, name: str) -> _C.Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __repr__(self) -> str:
        found = self.metadata
        return f"Weights({len(self)} tensors, {found.format}, {found.quantization or 'not quantized'})"


def load_model(
    path: str | os.PathLike[str],
    *,
    engine: str | None = None,
    compute_units: str = "all",
    function: str | None = None,
    precision: Literal["float16", "float32"] | None = None,
    device: Any = "cpu",
) -> Weights | CoreMLModel:
    """Opens a model; what is in the file, not its name, says what it is.

    Args:
        path: of a Core ML package (`.mlpackage`, `.mlmodelc`, `.mlmodel`), or of a file of weights
            (safetensors, GGUF).
        engine, compute_units, function, precision, device: how a Core ML model is to run; see `CoreMLModel`.

    Returns:
        `CoreMLModel`, or for files of weights a mapping of names to tensors, read one by one. Both have
        `metadata`.

    Raises:
        OSError: where nothing can be read there.
        ValueError: (`FormatError`) for files of other formats, and those that break the rules of theirs.

    >>> import os, tempfile
    >>> import rustorch as rt
    >>> path = os.path.join(tempfile.mkdtemp(), "weights")
    >>> rt.io.safetensors.save_file({"scale": rt.ones(2)}, path)
    >>> weights = rt.load_model(path)
    >>> weights.metadata.shapes, weights["scale"]
    ({'scale': (2,)}, tensor([1., 1.]))
    """
    options: dict[str, Any] = {
        "engine": engine,
        "compute_units": compute_units,
        "function": function,
        "precision": precision,
        "device": device,
    }
    if not os.path.isdir(path):
        start = _start(path)
        if start[:4] == MAGIC:
            return _only_weights(_gguf(path), options)
        # A specification starts with its version, field 1; a header in JSON follows the length of one.
        if start[:1] != b"\x08" or start[8:9] == b"{":
            return _only_weights(_safetensors(path), options)
    from rustorch.coreml.model import CoreMLModel

    return CoreMLModel(path, **options)


def _start(path: str | os.PathLike[str]) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ArgumentError.of("load_model", "this is no regular file", os.fspath(path))
        return file.read(16)


def _only_weights(weights: Weights, options: Mapping[str, Any]) -> Weights:
    """The weights, if nothing was asked for that only models to run can do."""
    plain = {"engine": None, "compute_units": "all", "function": None, "precision": None, "device": "cpu"}
    odd = [f"{name}={value!r}" for name, value in options.items() if value != plain[name]]
    if odd:
        raise ArgumentError.of(
            "load_model",
            "a file of weights has nothing to run",
            ", ".join(odd),
            "to load the weights into a module",
        )
    return weights


def _safetensors(path: str | os.PathLike[str]) -> Weights:
    file = SafetensorsFile(path)
    described = file.metadata
    metadata = ModelMetadata(
        "safetensors",
        os.path.getsize(path),
        shapes={name: entry.shape for name, entry in file.entries.items()},
        dtypes={name: str(entry.dtype).partition(".")[2] for name, entry in file.entries.items()},
        user_defined=dict(described),
    )
    return Weights(file, _credited(metadata, described))


def _gguf(path: str | os.PathLike[str]) -> Weights:
    file = GgufFile(path)
    sizes: Counter[str] = Counter()
    for entry in file.entries.values():
        if entry.type.decode is not None:
            sizes[entry.type.name] += entry.size
    metadata = ModelMetadata(
        "gguf",
        file.size,
        quantization=", ".join(name for name, _ in sizes.most_common()) or None,
        shapes={name: entry.shape for name, entry in file.entries.items()},
        dtypes={name: entry.type.name for name, entry in file.entries.items()},
        user_defined=file.metadata,
    )
    general = {key.removeprefix("general."): value for key, value in file.metadata.items()}
    return Weights(file, _credited(metadata, general))


def _credited(metadata: ModelMetadata, described: Mapping[str, Any]) -> ModelMetadata:
    """With the names of makers and licences, where a file has them as texts."""
    for key in ("author", "license", "version", "description"):
        if isinstance(described.get(key), str):
            setattr(metadata, key, described[key])
    return metadata
