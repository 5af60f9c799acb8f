"""What stands in Core ML's place, and where programs are kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import write_package
from rustorch.coreml.engine import _config
from rustorch.coreml.engine._reference import ReferenceExecutor
from rustorch.coreml.mil import program as mil
from rustorch.errors import InferenceFailed, ModelCompilationFailed

from .samples import small


def compiled(folder: Path, model: mil.Model) -> str:
    write_package(model, folder / "package")
    ReferenceExecutor().compile(str(folder / "package"), str(folder / "compiled"))
    return str(folder / "compiled")


def loaded(folder: Path) -> Any:
    x, y = ("x", rt.float32, (2, 3)), ("y", rt.float32, (2, 4))
    return ReferenceExecutor().load(folder, [x], [y], 0)


def test_programs_fill_their_results(tmp_path: Path) -> None:
    x, y = rt.arange(6.0).reshape(2, 3), rt.empty(2, 4)
    loaded(compiled(tmp_path, small()))([x], [y])
    weight, bias = (o.attributes["val"].numpy() for o in small().default_function.block.operations[:2])
    np.testing.assert_allclose(y.numpy(), x.numpy() @ weight.T + bias, rtol=1e-5, atol=1e-6)


def test_programs_that_cannot_be_compiled(tmp_path: Path) -> None:
    model = small()
    model.default_function.block.operations[2].type = "teleport"
    with pytest.raises(ModelCompilationFailed, match="operations that are not supported; got teleport"):
        compiled(tmp_path, model)
    assert not (tmp_path / "compiled").exists()


def test_programs_that_fail(tmp_path: Path) -> None:
    program = loaded(compiled(tmp_path, small()))
    with pytest.raises(InferenceFailed, match=r"input 'x' has shape \[2, 3\]; got \[3, 3\]"):
        program([rt.ones(3, 3)], [rt.empty(2, 4)])


@pytest.mark.parametrize(
    ("system", "environment", "path"),
    [
        ("linux", {}, "home/.cache/rustorch/coreml"),
        ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/rustorch/coreml"),
        ("darwin", {"XDG_CACHE_HOME": "xdg"}, "home/Library/Caches/rustorch/coreml"),
        ("darwin", {"RUSTORCH_COREML_CACHE": "own"}, "own"),
    ],
)
def test_where_programs_are_kept(
    monkeypatch: pytest.MonkeyPatch, system: str, environment: dict[str, str], path: str
) -> None:
    for name in ("RUSTORCH_COREML_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_config, "sys", SimpleNamespace(platform=system))
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert _config.default_folder() == Path(path)
