"""Skips tests of the emulator where a build has none; fails a whole run that launches not every kernel."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
GPU_TESTS = HERE / "gpu"

# Under sanitizers these would try nothing new: they read what is installed, run the ops of tests/ops beside
# PyTorch's, and start compilers.
collect_ignore = ["install", "parity", "tools"] if "RUSTORCH_SANITIZED" in os.environ else []


def has_emulator() -> bool:
    """Whether the emulator is part of the build; one that cannot be opened is, and its tests fail."""
    import rustorch

    return (Path(rustorch.__file__).parent / "lib" / "librustorch_emulator.so").exists()


def runs_whole(config: pytest.Config) -> bool:
    """Whether no test of the GPU is left out."""
    o = config.option
    if o.keyword or o.markexpr or o.deselect or getattr(o, "lf", False) or o.collectonly:
        return False
    left_out = [Path(p).resolve() for p in [*(o.ignore or ())]]
    if any(p == GPU_TESTS or p in GPU_TESTS.parents or GPU_TESTS in p.parents for p in left_out):
        return False
    given = [(config.invocation_params.dir / a.split("::")[0]).resolve() for a in config.args]
    return any(p == GPU_TESTS or p in GPU_TESTS.parents for p in given if p.is_dir())


class KernelCensus:
    """Which kernels all tests launch, and which those do that tests/gpu/sweep.txt lists."""

    def __init__(self) -> None:
        from tests.gpu import census

        self.census = census
        self.listed = frozenset(census.listed("emulator"))
        self.launched: set[str] = set()
        self.swept: set[str] = set()
        self.never: list[str] = []
        self.unswept: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        if item.nodeid not in self.listed:
            return (yield)
        before = self.census.launches()
        try:
            return (yield)
        finally:
            self.swept |= {k for k, n in self.census.launches().items() if n > before[k]}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})
        self.launched.update(output.get("kernels", ()))
        self.swept.update(output.get("swept", ()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        counts = self.census.launches()
        self.launched |= {k for k, n in counts.items() if n}
        output = getattr(session.config, "workeroutput", None)
        if output is not None:  # one of several processes
            output.update(kernels=sorted(self.launched), swept=sorted(self.swept))
            return
        self.never = sorted(counts.keys() - self.launched)
        self.unswept = sorted(k for k in counts.keys() - self.swept if self.census.is_ours(k))
        if (self.never or self.unswept) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for title, kernels in (
            ("kernels that no test has launched", self.never),
            (
                "kernels that no test in tests/gpu/sweep.txt launches; tools/gpu_sweep.py --write",
                self.unswept,
            ),
        ):
            if kernels:
                terminalreporter.section(title)
                terminalreporter.write_line("\n".join(kernels))


def needs_emulator(item: pytest.Item) -> bool:
    """Marked so, or of the folders that are about it, but for what runs on an NVIDIA GPU."""
    if item.get_closest_marker("emulator"):
        return True
    folder = item.path.relative_to(HERE).parts[0] if HERE in item.path.parents else ""
    return folder == "selector" or (folder == "gpu" and "cuda" not in item.nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if has_emulator():
        return
    skip = pytest.mark.skip(reason="a build without the emulator, as on macOS and with sanitizers")
    for item in items:
        if needs_emulator(item):
            item.add_marker(skip)


def pytest_configure(config: pytest.Config) -> None:
    # Programs that tests and examples make are no affair of the user's own cache.
    os.environ.setdefault("RUSTORCH_COREML_CACHE", str(Path(tempfile.gettempdir()) / "rustorch-tests-coreml"))
    # A process of several does as the one that started it, whose arguments it was given.
    if has_emulator() and runs_whole(config):
        config.pluginmanager.register(KernelCensus(), "kernel census")
