"""compress(): smaller weights, by coremltools; what that costs is measured on our own operations."""

from __future__ import annotations

import io
import logging
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rustorch.coreml.exporting import to_model
from rustorch.coreml.mil.program import ArrayFeatureType, BlobFileValue, Model
from rustorch.coreml.model import CoreMLModel
from rustorch.coreml.reader import read_package
from rustorch.coreml.writer import write_package
from rustorch.errors import ArgumentError, UnsupportedOperation

if TYPE_CHECKING:
    import numpy as np

    from rustorch.coreml.exporting import Exportable

__all__ = ["Compressed", "compress"]

_FORMS = (
    "int8", "uint8", "int4", "uint4", "palette1", "palette2", "palette3", "palette4", "palette6",
    "palette8", "sparse",
)  # fmt: skip
# Systems before these cannot read the form: the version of the specification that has it.
_FOUR_BITS, _FIRST = 9, 7
# Of k-means: by then values move by less than float16 shows.
_ROUNDS = 50


@dataclass(frozen=True)
class Compressed:
    """A model with smaller weights, and what it costs.

    Attributes:
        model: as `read_package` gives it, for `rustorch.coreml.write_package`.
        path: of the package, if one was asked for.
        weights: the form of the weights.
        bytes_before, bytes_after: of the packages.
        errors: by output, the largest difference as a part of the largest number; empty where the outputs
            are no arrays.
    """

    model: Model
    weights: str
    bytes_before: int
    bytes_after: int
    path: str | None = None
    errors: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """How many times smaller."""
        return self.bytes_before / self.bytes_after

    def __str__(self) -> str:
        worst = max(self.errors.values(), default=0.0)
        return (
            f"{self.weights}: {self.bytes_before} to {self.bytes_after} bytes ({self.ratio:.2f}x), "
            f"outputs depart by at most {worst:.2g} of the largest number"
        )


def compress(
    model: Exportable | Model | CoreMLModel | str | os.PathLike[str],
    weights: str = "int8",
    path: str | os.PathLike[str] | None = None,
    *,
    example_inputs: Any = None,
    inputs: Mapping[str, Any] | None = None,
    sparsity: float = 0.5,
    weight_threshold: int = 2048,
) -> Compressed:
    """A model with compressed weights, through ``coremltools.optimize``.

    Args:
        model: a package (its path, or a model that was loaded), or a module with `example_inputs`, which is
            exported first.
        weights: "int8", "uint8": linear, by channel; "int4", "uint4": linear, by blocks of 32, for macOS 15
            and iOS 18; "palette1" to "palette8": that many bits, which choose among values that k-means
            finds; "sparse": the smallest numbers are not stored.
        path: where to write the package; one that is there is replaced.
        example_inputs: of a module, as for `rustorch.coreml.export`.
        inputs: arrays by name to measure the error on; by default random numbers.
        sparsity: the part of the weights that "sparse" drops.
        weight_threshold: tensors of fewer elements stay as they are.

    Returns:
        The model, its sizes and the error of its outputs.

    Raises:
        NotImplementedError: (`UnsupportedOperation`) without coremltools, and for packages of older systems
            that have no such form.
        ValueError: for other arguments, and models that cannot be read.

    With coremltools installed, ``rt.coreml.compress("net.mlpackage", "palette4", "small.mlpackage")`` prints
    ``palette4: 102600 to 27400 bytes (3.74x), outputs depart by at most 0.04 of the largest number``, or so.
    """
    if weights not in _FORMS:
        raise ArgumentError.of("compress", "weights is unknown", repr(weights), f"one of {', '.join(_FORMS)}")
    if not 0 < sparsity < 1:
        raise ArgumentError.of("compress", "sparsity is a part of the weights", repr(sparsity), "0.5")
    if weight_threshold < 0:
        raise ArgumentError.of("compress", "weight_threshold is a number of elements", repr(weight_threshold))
    tools = _coremltools()
    before = _model_of(model, weights, example_inputs)
    least = _FOUR_BITS if weights in ("int4", "uint4") else _FIRST
    if before.spec_version < least:
        raise UnsupportedOperation.of(
            "compress",
            f"packages of this version have no weights in {weights}",
            f"version {before.spec_version} of the specification",
            f'target="{"macOS15" if least == _FOUR_BITS else "macOS13"}" when it is exported',
        )
    work = Path(tempfile.mkdtemp(prefix="rustorch-compress-"))
    try:
        original, small, result = (work / f"{name}.mlpackage" for name in ("original", "small", "result"))
        write_package(before, original, sync=False)
        with _quietly():
            loaded = tools.models.MLModel(str(original), skip_model_load=True)
            made = _optimized(tools, loaded, weights, sparsity, weight_threshold)
            made.save(str(small))
        after = _kept(read_package(small))
        write_package(after, result, sync=False)
        sizes = _size(original), _size(result)
        errors = _errors(before, after, inputs)
        if path is not None:
            write_package(after, path)
        named = None if path is None else os.fspath(path)
        return Compressed(after, weights, *sizes, path=named, errors=errors)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _coremltools() -> Any:
    try:
        with _quietly():
            import coremltools
            import coremltools.optimize.coreml
    except ImportError as error:
        raise UnsupportedOperation.of(
            "compress",
            "this is done by coremltools, which cannot be imported",
            str(error),
            "pip install coremltools",
        ) from error
    return coremltools


@contextmanager
def _quietly() -> Iterator[None]:
    """coremltools warns of versions that it does not know and of engines that Linux lacks, and shows bars."""
    log = logging.getLogger("coremltools")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def _model_of(model: Any, weights: str, example_inputs: Any) -> Model:
    if isinstance(model, (str, os.PathLike)):
        return read_package(model)
    if isinstance(model, CoreMLModel):
        if model.model is None:
            raise ArgumentError.of("compress", "only ML Programs are compressed", model.kind)
        return model.model
    if isinstance(model, Model):
        return model
    target = "macOS15" if weights in ("int4", "uint4") else "macOS14"
    return to_model(model, () if example_inputs is None else example_inputs, target=target)


def _optimized(tools: Any, model: Any, weights: str, sparsity: float, threshold: int) -> Any:
    optimize = tools.optimize.coreml
    if weights == "sparse":
        op = optimize.OpMagnitudePrunerConfig(target_sparsity=sparsity, weight_threshold=threshold)
        return optimize.prune_weights(model, optimize.OptimizationConfig(global_config=op))
    if weights.startswith("palette"):
        bits = int(weights.removeprefix("palette"))
        op = optimize.OpPalettizerConfig(
            mode="custom", lut_function=lambda w: _palette(w, 1 << bits), weight_threshold=threshold
        )
        return optimize.palettize_weights(model, optimize.OptimizationConfig(global_config=op))
    four = weights.endswith("4")
    op = optimize.OpLinearQuantizerConfig(
        mode="linear" if weights.startswith("u") else "linear_symmetric",
        dtype=weights,
        granularity="per_block" if four else "per_channel",
        weight_threshold=threshold,
    )
    return optimize.linear_quantize_weights(model, optimize.OptimizationConfig(global_config=op))


def _palette(weight: Any, count: int) -> tuple[Any, Any]:
    """Values and the index of one for each weight, by k-means on the line (Lloyd, 1982): coremltools would
    want scikit-learn for it."""
    import numpy as np

    numbers = np.asarray(weight, np.float64).ravel()
    values = np.quantile(numbers, (np.arange(count) + 0.5) / count)
    for _ in range(_ROUNDS):
        index = np.searchsorted((values[1:] + values[:-1]) / 2, numbers)
        sizes = np.bincount(index, minlength=count)
        sums = np.bincount(index, weights=numbers, minlength=count)
        means = np.where(sizes > 0, sums / np.maximum(sizes, 1), values)
        if np.array_equal(means, values):
            break
        values = np.sort(means)
    index = np.searchsorted((values[1:] + values[:-1]) / 2, numbers)
    return values.astype(weight.dtype), index.astype(np.uint8)


def _kept(model: Model) -> Model:
    """The model with its weights in memory: the package that they lie in is about to go."""
    for function in model.functions.values():
        for pending in function.blocks.values():
            blocks = [pending]
            while blocks:
                for operation in blocks.pop().operations:
                    blocks.extend(operation.blocks)
                    operation.attributes = {n: _held(v) for n, v in operation.attributes.items()}
                    operation.inputs = {n: [_held(b) for b in bound] for n, bound in operation.inputs.items()}
    return model


def _held(value: Any) -> Any:
    if not isinstance(value, BlobFileValue):
        return value
    array = value.numpy()
    return BlobFileValue(value.type, value.file_name, value.offset, lambda _: array)


def _size(package: Path) -> int:
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file())


def _random(feature: Any, generator: np.random.Generator) -> Any:
    import numpy as np

    kind = feature.type
    if not isinstance(kind, ArrayFeatureType) or kind.dtype is None:
        raise ArgumentError.of("compress", f"input '{feature.name}' is no array", str(kind), "inputs={...}")
    dtype = kind.dtype.numpy_dtype
    if kind.dtype.is_float:
        return generator.standard_normal(kind.shape).astype(dtype)
    return np.zeros(kind.shape, dtype)  # an index, as like as not, and 0 is always one


def _errors(before: Model, after: Model, inputs: Mapping[str, Any] | None) -> dict[str, float]:
    import numpy as np

    from rustorch.coreml.interpreter import Runner

    if inputs is None:
        generator = np.random.default_rng(0)
        inputs = {feature.name: _random(feature, generator) for feature in before.description.inputs}
    runners = Runner(before), Runner(after)
    if runners[0].state_names:
        expected, found = (r.predict(inputs, state=r.make_state()) for r in runners)
    else:
        expected, found = (r.predict(inputs) for r in runners)
    errors = {}
    for name, value in expected.items():
        if not hasattr(value, "dtype"):
            continue
        e, f = np.asarray(value, np.float64), np.asarray(found[name], np.float64)
        scale = float(np.abs(e).max(initial=0.0)) or 1.0
        errors[name] = float(np.abs(f - e).max(initial=0.0)) / scale
    return errors
