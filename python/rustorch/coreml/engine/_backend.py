"""CoreMLBackend: a configuration in force for a block, and what the engine did."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import rustorch as rt
from rustorch import _C
from rustorch.coreml.engine._config import CoreMLBackendConfig, settings
from rustorch.coreml.engine._devices import is_coreml_available
from rustorch.coreml.engine._function import CompiledFunction, compile

if TYPE_CHECKING:
    from rustorch.coreml.exporting import Exportable

__all__ = ["CoreMLBackend", "get_stats", "reset_stats"]


def get_stats(config: CoreMLBackendConfig | None = None) -> dict[str, Any]:
    """What the engine did in this process.

    Returns:
        Of the programs in memory: ``programs``, ``program_hits``, ``program_misses``. Of predictions:
        ``predictions``, ``predict_seconds``, ``retries``, ``copied_bytes`` (inputs and results that had to be
        converted or made contiguous). Of calls: ``refusals`` (Core ML has nothing for them), ``on_host``
        (calls on empty tensors, and those with results of a size that values decide). Of the cache on disk:
        ``cache_hits``, ``cache_misses``, ``cache_damaged``, ``cache_evictions``, ``cache_bytes``,
        ``compile_seconds``, ``compile_failures``. With profiling, ``ops``: calls and seconds by op.

    >>> import rustorch as rt
    >>> rt.coreml.get_stats()["compile_failures"]
    0
    """
    cache = settings.cache(config)
    counted = cache.stats
    return {
        **_C._coreml_stats(),
        "cache_hits": counted.hits,
        "cache_misses": counted.misses,
        "cache_damaged": counted.damaged,
        "cache_evictions": counted.evictions,
        "cache_bytes": cache.bytes(),
        "compile_seconds": counted.compile_seconds,
        "compile_failures": settings.compile_failures,
    }


def reset_stats() -> None:
    """Counts from 0 again. Programs in memory and on disk stay.

    >>> import rustorch as rt
    >>> rt.coreml.reset_stats()
    >>> rt.coreml.get_stats()["predictions"]
    0
    """
    _C._coreml_reset_stats()
    settings.cache().reset_stats()
    settings.compile_failures = 0


class CoreMLBackend:
    """The engine under a configuration.

    As a context manager it puts the configuration in force for the process, and, with ``auto_fallback``,
    turns on ``rustorch.routing("fallback")`` for the thread.

    Args:
        config: by default all defaults.

    >>> import tempfile
    >>> import rustorch as rt
    >>> config = rt.coreml.CoreMLBackendConfig(cache_folder=tempfile.mkdtemp(), precision="float32")
    >>> with rt.coreml.use_reference(), rt.coreml.CoreMLBackend(config) as backend:
    ...     y = rt.ones(2, device="coreml") / 3
    >>> y.cpu(), backend.get_stats()["cache_misses"]
    (tensor([0.3333, 0.3333]), 1)
    """

    def __init__(self, config: CoreMLBackendConfig | None = None) -> None:
        self.config = config if config is not None else CoreMLBackendConfig()
        self._blocks: list[ExitStack] = []

    @property
    def available(self) -> bool:
        """Whether programs can be run."""
        return is_coreml_available()

    def __enter__(self) -> CoreMLBackend:
        with ExitStack() as block:
            block.callback(settings.set, settings.set(self.config))
            if self.config.auto_fallback and rt.get_routing() == "off":
                block.enter_context(rt.routing("fallback"))
            self._blocks.append(block.pop_all())
        return self

    def __exit__(self, *exc: object) -> None:
        self._blocks.pop().close()

    def compile(self, module: Exportable, example_inputs: Any = ()) -> CompiledFunction:
        """`rustorch.coreml.compile` under this configuration."""
        return compile(module, example_inputs, config=self.config)

    def get_stats(self) -> dict[str, Any]:
        """`rustorch.coreml.get_stats`, of this configuration's cache."""
        return get_stats(self.config)

    def clear_cache(self) -> None:
        """Removes all programs from disk and memory."""
        _C._coreml_forget()
        settings.cache(self.config).clear()
