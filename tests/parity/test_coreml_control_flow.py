"""Branches and loops beside coremltools: it takes our packages, and ours run as its own conversions do."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import export, read_package
from rustorch.coreml.interpreter import Runner

from ..coreml.test_export_script import SCRIPTS, Refining, X, kinds
from .test_coreml_export import check, ct

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("target", ["macOS12", "macOS15"])
@pytest.mark.parametrize("row", SCRIPTS, ids=[row[0].__name__ for row in SCRIPTS])
def test_coremltools_takes_scripts(row: Any, target: str, tmp_path: Path) -> None:
    function, inputs, _, kind = row
    path = tmp_path / "script.mlpackage"
    export(rt.jit.script(function), inputs, path, target=target)
    check(path)
    spec = ct.models.utils.load_spec(str(path))
    (block,) = spec.mlProgram.functions["main"].block_specializations.values()
    found = {operation.type for operation in block.operations if operation.blocks}
    assert kind in found if kind else not found


def test_coremltools_takes_a_module_with_weights_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "module.mlpackage"
    export(rt.jit.script(Refining().eval()), (rt.randn(2, 3), rt.tensor(2)), path)
    check(path)


def halved(x):
    while (x > 1).any():
        x = x / 2
    return x


def branch(x):
    if x.sum() > 0:
        y = x * 2
    else:
        y = x - 1
    return y


@pytest.mark.parametrize("function", [halved, branch], ids=lambda f: f.__name__)
def test_both_conversions_give_what_torch_gives(function: Any, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.mlpackage"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")

        class Module(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.function = torch.jit.script(function)

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return self.function(x)

        scripted = torch.jit.script(Module().eval())
        ct.convert(
            scripted,
            inputs=[ct.TensorType("x", (3,))],
            compute_precision=ct.precision.FLOAT32,
            minimum_deployment_target=ct.target.iOS16,
        ).save(str(theirs))
    ours = tmp_path / "ours.mlpackage"
    export(rt.jit.script(function), (X,), ours, precision="float32")
    models = [read_package(theirs), read_package(ours)]
    assert kinds(models[0]) == kinds(models[1])
    for x in (X.numpy(), -X.numpy(), np.array([40.0, 0.25, -9.0], np.float32)):
        expected = function(torch.tensor(x)).numpy()
        for model in models:
            (found,) = Runner(model).predict(x).values()
            np.testing.assert_allclose(found, expected, rtol=1e-6)
