"""At the end of a whole run: fails it if some kernel of shaders/ has been launched by no test."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

GPU_TESTS = Path(__file__).parent / "gpu"


def kernels_by_launches() -> tuple[set[str], set[str]]:
    """All kernels, and those that this process has launched, on the plain emulator or the checked one."""
    from tests.gpu.emulator import FOLDER, Emulator

    found: set[str] = set()
    launched: set[str] = set()
    if not (FOLDER / "librustorch_emulator.so").exists():  # no Linux
        return found, launched
    for checked in (False, True):
        emulator = Emulator(checked)
        for i, name in enumerate(emulator.kernels()):
            if name.startswith("bad_"):  # of faulty.metal; some are refused, as they should be
                continue
            found.add(name)
            if emulator.table.launch_count(i):
                launched.add(name)
    return found, launched


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
    def __init__(self) -> None:
        self.launched: set[str] = set()
        self.never: list[str] = []

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.launched.update(getattr(node, "workeroutput", {}).get("kernels", ()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        found, launched = kernels_by_launches()
        self.launched |= launched
        output = getattr(session.config, "workeroutput", None)
        if output is not None:  # one of several processes
            output["kernels"] = sorted(launched)
            return
        self.never = sorted(found - self.launched)
        if self.never and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.never:
            terminalreporter.section("kernels that no test has launched")
            terminalreporter.write_line("\n".join(self.never))


def pytest_configure(config: pytest.Config) -> None:
    # Programs that tests and examples make are no affair of the user's own cache.
    os.environ.setdefault("RUSTORCH_COREML_CACHE", str(Path(tempfile.gettempdir()) / "rustorch-tests-coreml"))
    # A process of several does as the one that started it, whose arguments it was given.
    if runs_whole(config):
        config.pluginmanager.register(KernelCensus(), "kernel census")
