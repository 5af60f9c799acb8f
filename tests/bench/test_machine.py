"""What the benchmark says about the machine it runs on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from types import SimpleNamespace

import pytest

import rustorch as rt
from rustorch.bench import machine


def test_description_is_complete() -> None:
    facts = machine.describe()
    assert facts["rustorch"] == rt.__version__
    assert facts["python"] == platform.python_version()
    assert facts["libraries"]["numpy"] == metadata.version("numpy")
    assert facts["cores"] >= 1
    assert facts["memory_bytes"] > 1 << 26
    assert facts["cpu"]
    assert platform.machine() in facts["os"]
    assert str(facts["date"]).endswith("+00:00")


def test_missing_library_has_no_version() -> None:
    assert machine.library_version("no-such-library-here") is None


class Files:
    """Stands for `pathlib.Path` where only these files exist."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def __call__(self, path: str) -> SimpleNamespace:
        def read_text(encoding: str) -> str:
            name = path.rpartition("/")[2].replace(".", "_")
            if name not in self.texts:
                raise FileNotFoundError(path)
            return self.texts[name]

        return SimpleNamespace(read_text=read_text)


INTEL = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8358 CPU @ 2.60GHz\nflags\t\t: fpu\n"
RASPBERRY = "processor\t: 0\nCPU part\t: 0xd0b\n\nModel\t\t: Raspberry Pi 5 Model B\n"
SERVER = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n"


@pytest.mark.parametrize(
    ("files", "model"),
    [
        (Files(cpuinfo=INTEL), "Intel Xeon Platinum 8358 @ 2.60GHz"),
        (Files(cpuinfo=RASPBERRY), "Raspberry Pi 5 Model B"),
        (Files(cpuinfo=SERVER), "aarch64 part 0xd40"),
        (Files(cpuinfo="processor\t: 0\n"), "aarch64"),
        (Files(), "the platform's"),
    ],
)
def test_cpu_model_on_linux(monkeypatch: pytest.MonkeyPatch, files: Files, model: str) -> None:
    monkeypatch.setattr(machine, "Path", files)
    monkeypatch.setattr(machine, "sys", SimpleNamespace(platform="linux"))
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(platform, "processor", lambda: "the platform's")
    assert machine.cpu_model() == model


@pytest.mark.parametrize(("answer", "model"), [("Apple M3 Max\n", "Apple M3 Max"), ("", "unknown")])
def test_a_mac(monkeypatch: pytest.MonkeyPatch, answer: str, model: str) -> None:
    asked = []

    def run(command: list[str], **options: object) -> SimpleNamespace:
        asked.append(command)
        return SimpleNamespace(stdout=answer)

    monkeypatch.setattr(machine, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    assert machine.cpu_model() == model
    assert asked == [["sysctl", "-n", "machdep.cpu.brand_string"]]
    assert machine.os_name() == "macOS 15.1 (arm64)"


@pytest.mark.parametrize("release", [{}, OSError("no /etc/os-release")])
def test_a_system_without_a_name(monkeypatch: pytest.MonkeyPatch, release: object) -> None:
    def read() -> object:
        if isinstance(release, OSError):
            raise release
        return release

    monkeypatch.setattr(platform, "freedesktop_os_release", read, raising=False)
    monkeypatch.setattr(machine, "sys", SimpleNamespace(platform="linux"))
    assert machine.os_name().startswith(f"{platform.system()}, kernel {platform.release()}")


PHYSICAL = 1000 * 4096


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        (Files(), PHYSICAL),
        (Files(memory_max="max\n"), PHYSICAL),
        (Files(memory_max="1048576\n"), 1 << 20),
        (Files(memory_limit_in_bytes="2097152\n"), 2 << 20),
        (Files(memory_limit_in_bytes="9223372036854771712\n"), PHYSICAL),  # what version 1 says for none
    ],
)
def test_memory_is_what_the_control_group_leaves(
    monkeypatch: pytest.MonkeyPatch, files: Files, memory: int
) -> None:
    monkeypatch.setattr(machine, "Path", files)
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert machine.memory_bytes() == memory


@pytest.mark.parametrize(("count", "cores"), [(6, 6), (None, 1)])
def test_cores_without_affinities(monkeypatch: pytest.MonkeyPatch, count: int | None, cores: int) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert machine.usable_cores() == cores
