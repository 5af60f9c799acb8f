"""How the engine is set up: one configuration in force for the process, and the cache that goes with it."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rustorch import _C
from rustorch.coreml.engine._cache import ProgramCache
from rustorch.coreml.model import COMPUTE_UNITS
from rustorch.errors import ArgumentError

__all__ = ["CoreMLBackendConfig", "Settings", "default_folder", "settings"]


@dataclass(frozen=True)
class CoreMLBackendConfig:
    """How the engine "coreml" works.

    Attributes:
        enable_caching: keep compiled programs on disk; without it they last as long as the process.
        max_cache_size: bytes that they may take on disk.
        enable_profiling: count calls and seconds of every op.
        auto_fallback: ops that Core ML has nothing for run on another device, counted and warned of once
            (``rustorch.routing("fallback")``); without it they are errors.
        precision: that programs compute in. "float16" is Core ML's own, and rounds every result; "float32"
            keeps off the Neural Engine.
        compute_units: where Core ML may run them: "all", "cpu_and_ne", "cpu_and_gpu" or "cpu_only".
        cache_folder: of the programs; None is ``RUSTORCH_COREML_CACHE``, or the user's folder for caches.

    Raises:
        ValueError: for other values.

    >>> import rustorch as rt
    >>> rt.coreml.CoreMLBackendConfig(max_cache_size=1 << 20).precision
    'float16'
    """

    enable_caching: bool = True
    max_cache_size: int = 1 << 30
    enable_profiling: bool = False
    auto_fallback: bool = True
    precision: Literal["float16", "float32"] = "float16"
    compute_units: Literal["all", "cpu_and_ne", "cpu_and_gpu", "cpu_only"] = "all"
    cache_folder: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        size = self.max_cache_size
        for wrong, what, got in (
            (
                not isinstance(size, int) or isinstance(size, bool) or size <= 0,
                "max_cache_size is a number of bytes",
                size,
            ),
            (
                self.precision not in ("float16", "float32"),
                "precision is 'float16' or 'float32'",
                self.precision,
            ),
            (
                self.compute_units not in COMPUTE_UNITS,
                f"compute_units is one of {', '.join(COMPUTE_UNITS)}",
                self.compute_units,
            ),
        ):
            if wrong:
                raise ArgumentError.of("CoreMLBackendConfig", what, repr(got))


def default_folder() -> Path:
    """Where programs are kept."""
    named = os.environ.get("RUSTORCH_COREML_CACHE")
    if named:
        return Path(named)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "rustorch" / "coreml"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rustorch" / "coreml"


class Settings:
    """The configuration in force, and the caches that were opened: one a folder and size."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.config = CoreMLBackendConfig()
        self.compile_failures = 0
        self._caches: dict[tuple[str, int], ProgramCache] = {}
        self._temporary: Path | None = None

    def set(self, config: CoreMLBackendConfig) -> CoreMLBackendConfig:
        """Puts another configuration in force; gives the one before."""
        with self.lock:
            before, self.config = self.config, config
            if before != config:
                _C._coreml_forget()
            _C._coreml_set_profiling(config.enable_profiling)
            return before

    def cache(self, config: CoreMLBackendConfig | None = None) -> ProgramCache:
        """The cache of a configuration; of the one in force if none is given."""
        with self.lock:
            config = config or self.config
            if config.enable_caching:
                folder = Path(config.cache_folder or default_folder())
            else:
                folder = self._process_folder()
            key = (str(folder), config.max_cache_size)
            if key not in self._caches:
                self._caches[key] = ProgramCache(folder, config.max_cache_size)
            return self._caches[key]

    def _process_folder(self) -> Path:
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="rustorch-coreml-"))
            atexit.register(_remove, self._temporary, os.getpid())
        return self._temporary


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a child of the process must not take it away
        shutil.rmtree(folder, ignore_errors=True)


settings = Settings()
