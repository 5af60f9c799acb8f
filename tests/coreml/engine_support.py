"""What tests of the engine share: the reference executor, and a cache of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import rustorch as rt
from rustorch.coreml import CoreMLBackendConfig
from rustorch.coreml.engine._config import settings


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Path]:
    """The engine with the reference behind it, an empty cache in this folder, and counts of 0."""
    with rt.coreml.use_reference():
        before = settings.set(CoreMLBackendConfig(cache_folder=tmp_path / "cache"))
        rt.coreml.reset_stats()
        yield tmp_path / "cache"
        settings.set(before)


class OnCoreML:
    """rustorch, with tensors of arrays made on "coreml"; views of them keep their layout."""

    def __getattr__(self, name: str) -> Any:
        return getattr(rt, name)

    @staticmethod
    def from_numpy(array: Any) -> Any:
        return rt.from_numpy(array).to("coreml")
