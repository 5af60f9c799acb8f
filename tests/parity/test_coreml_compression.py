"""Compressed weights: our decoder beside coremltools' own decompression, and the whole way of `compress`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import compress, read_package, to_model, write_package
from rustorch.coreml.interpreter import Runner
from rustorch.errors import ArgumentError, UnsupportedOperation

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    ct = pytest.importorskip("coremltools")

# Largest error of the outputs: what so many bits of weights of a normal distribution leave.
FORMS = {"int8": 0.05, "uint8": 0.05, "int4": 0.4, "palette4": 0.4, "palette6": 0.1, "sparse": 0.8}


def nets() -> dict[str, tuple[Any, Any]]:
    rt.manual_seed(0)
    mlp = rt.nn.Sequential(rt.nn.Linear(64, 96), rt.nn.ReLU(), rt.nn.Linear(96, 64))
    conv = rt.nn.Sequential(
        rt.nn.Conv2d(8, 32, 3, padding=1), rt.nn.ReLU(), rt.nn.Conv2d(32, 16, 3), rt.nn.Flatten(),
        rt.nn.Linear(16 * 36, 10),
    )  # fmt: skip
    return {"mlp": (mlp.eval(), rt.randn(2, 64)), "conv": (conv.eval(), rt.randn(1, 8, 8, 8))}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_our_decoder_agrees_with_theirs(name: str, form: str, tmp_path: Path) -> None:
    net, x = nets()[name]
    small = compress(net, form, tmp_path / "small.mlpackage", example_inputs=x, inputs={"input": x.numpy()})
    assert small.bytes_after < (0.75 if form == "sparse" else 0.65) * small.bytes_before
    assert 0 < max(small.errors.values()) < FORMS[form]
    loaded = rt.load_model(tmp_path / "small.mlpackage")
    assert loaded.metadata.quantization and form in str(small)
    found = loaded.predict({"input": x.numpy()})
    # The weights as coremltools reads them, in a program without any compression.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        package = ct.models.MLModel(str(tmp_path / "small.mlpackage"), skip_model_load=True)
        ct.optimize.coreml.decompress_weights(package).save(str(tmp_path / "plain.mlpackage"))
    expected = Runner(read_package(tmp_path / "plain.mlpackage")).predict({"input": x.numpy()})
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value, atol=4e-3 * float(np.abs(value).max()))


def test_from_packages_and_models(tmp_path: Path) -> None:
    net, x = nets()["mlp"]
    model = to_model(net, x)
    write_package(model, tmp_path / "net.mlpackage")
    made = [
        compress(given, "int8")
        for given in (model, tmp_path / "net.mlpackage", rt.load_model(tmp_path / "net.mlpackage"))
    ]
    assert {m.bytes_after for m in made} == {made[0].bytes_after} and made[0].path is None
    assert made[0].ratio > 1.5
    # Without weights large enough there is nothing to do.
    assert compress(model, "int8", weight_threshold=10**9).errors == {"output": 0.0}
    # More zeros take less room.
    sizes = [compress(model, "sparse", sparsity=s).bytes_after for s in (0.25, 0.75)]
    assert sizes[1] < sizes[0]


def test_what_older_systems_lack(tmp_path: Path) -> None:
    net, x = nets()["mlp"]
    with pytest.raises(UnsupportedOperation, match="macOS15"):
        compress(to_model(net, x, target="macOS14"), "int4")
    with pytest.raises(UnsupportedOperation, match="macOS13"):
        compress(to_model(net, x, target="macOS12"), "int8")


def test_arguments_are_checked() -> None:
    with pytest.raises(ArgumentError, match="int8"):
        compress(rt.nn.ReLU(), "int2")
    with pytest.raises(ArgumentError, match="sparsity"):
        compress(rt.nn.ReLU(), "sparse", sparsity=1.0)
    with pytest.raises(ArgumentError, match="weight_threshold"):
        compress(rt.nn.ReLU(), "int8", weight_threshold=-1)
