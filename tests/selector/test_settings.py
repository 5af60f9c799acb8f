"""Thresholds from every source, the chain, what is there, and the log that says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import rustorch as rt
from rustorch.selector import DeviceThresholds, _devices, _thresholds


def test_each_source_overrules_the_one_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shipped = DeviceThresholds()
    monkeypatch.setenv("RUSTORCH_CONFIG", str(tmp_path))
    assert rt.selector.thresholds() == shipped
    (tmp_path / "thresholds.json").write_text(json.dumps({"metal_min_size": 1, "cuda_min_size": 2}))
    monkeypatch.setenv("RUSTORCH_CUDA_MIN_SIZE", "3")
    now = rt.selector.thresholds()
    assert (now.metal_min_size, now.cuda_min_size) == (1, 3)
    rt.selector.set_thresholds(cuda_min_size=4)
    rt.selector.set_thresholds(coreml_max_size=5)
    now = rt.selector.thresholds()
    assert (now.metal_min_size, now.cuda_min_size, now.coreml_max_size) == (1, 4, 5)
    rt.selector.set_thresholds(DeviceThresholds(metal_min_size=6))
    assert rt.selector.thresholds() == DeviceThresholds(metal_min_size=6)
    rt.selector.set_thresholds()
    assert rt.selector.thresholds().cuda_min_size == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[1]", "must hold an object"),
        ('{"metal_size": 1}', "no threshold of this name; got metal_size"),
        ('{"metal_min_size": "1"}', "must be a number"),
        ('{"metal_min_size": -1}', "must be a number"),
        ('{"metal_min_size": true}', "must be a number"),
    ],
)
def test_a_broken_file_is_named(
    text: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RUSTORCH_CONFIG", str(tmp_path))
    (tmp_path / "thresholds.json").write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        rt.selector.thresholds()
    assert "thresholds.json" in str(raised.value)


def test_other_sources_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="no threshold of this name"):
        rt.selector.set_thresholds(gpu=1)
    with pytest.raises(ValueError, match="must be a number"):
        rt.selector.set_thresholds(metal_min_size=1 << 63)
    monkeypatch.setenv("RUSTORCH_METAL_MIN_SIZE", "many")
    with pytest.raises(ValueError, match=r"RUSTORCH_METAL_MIN_SIZE is not a number; got 'many'"):
        rt.selector.thresholds()


def test_the_chain_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rt.selector.set_chain(["emulator"])
    assert rt.selector.table().chain == ("emulator", "cpu")
    for chain, message in (
        (["gpu"], "no engine of this name"),
        (["mlcompute"], "not available: not part of this build"),
        (["cpu", "cpu"], "named twice"),
    ):
        with pytest.raises(ValueError, match=message):
            rt.selector.set_chain(chain)
    rt.selector.set_chain(None)
    monkeypatch.setenv("RUSTORCH_CHAIN", "emulator, cpu")
    assert rt.selector.default_chain() == ("emulator", "cpu")


def run(code: str, **variables: str) -> str:
    environment = os.environ | variables
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_the_mode_can_be_set_from_outside() -> None:
    code = "import rustorch as rt; print(rt.get_routing(), rt.ones(4, device='auto').device)"
    variables = {"RUSTORCH_ROUTING": "auto", "RUSTORCH_CHAIN": "emulator", "RUSTORCH_EMULATOR_MIN_SIZE": "4"}
    assert run(code, **variables) == "auto emulator"
    assert "no such mode; got 'fast'" in run(code, RUSTORCH_ROUTING="fast")


def test_modes_are_named() -> None:
    with pytest.raises(ValueError, match="no such mode; got 'fast'; try 'off', 'fallback'"):
        rt.routing("fast")
    with pytest.raises(ValueError, match="no such mode"):
        rt.set_routing("fast")

    @rt.routing("strict")
    def inside() -> str:
        return rt.get_routing()

    assert inside() == inside() == "strict" and rt.get_routing() == "off"
    with rt.routing("auto") as outer, rt.routing("off"), outer:
        assert rt.get_routing() == "auto"
    assert rt.get_routing() == "off"


def test_every_engine_is_listed() -> None:
    found = {d.name: d for d in rt.devices()}
    cpu, emulator = found["cpu"], found["emulator"]
    assert next(iter(found)) == "cpu" and cpu.available and cpu.memory and cpu.description
    assert emulator.available and emulator.reason == "" and found["emulator:1"].available
    assert not found["mlcompute"].available and found["mlcompute"].reason == "not part of this build"
    for engine in ("metal", "cuda", "coreml"):
        records = [d for d in found.values() if d.name.partition(":")[0] == engine]
        assert records and all(d.available == (not d.reason) for d in records)


def test_the_log_says_where_and_why(two_engines: None) -> None:
    x, w = rt.ones(2, 16, device="cpu"), rt.ones(16, 4, device="emulator")
    with rt.routing("auto"), rt.record_routing() as log:
        y = (x[:1, :3] @ w[:3]).relu_()
        with rt.record_routing() as inner:
            y.exp()
    assert [(e.op, e.device) for e in log] == [
        ("mm", "emulator"),
        ("relu_", "emulator"),
        ("exp", "emulator"),
    ]
    assert log[0].bytes_moved == 12 and "most bytes" in log[0].reason and log[0].size == 12
    assert [e.op for e in inner] == ["exp"] and "exp ran on emulator: the inputs live there" in str(log)


def test_the_log_needs_no_routing() -> None:
    log = rt.explain("nn.functional.linear", rt.ones(2, 3), rt.ones(4, 3))
    assert [(e.op, e.device, e.bytes_moved) for e in log] == [("_linear", "cpu", 0)]
    assert rt.explain(lambda a, *, b: a + b, rt.ones(1), b=2)[0].op == "add"
    with pytest.raises(ZeroDivisionError), rt.record_routing() as broken:
        rt.ones(1).exp()
        raise ZeroDivisionError
    assert [e.op for e in broken] == ["exp"]
    assert rt.get_routing() == "off"


def test_a_fallback_is_explained() -> None:
    x = rt.ones(2, dtype=rt.float64).to("emulator")
    with rt.routing("fallback"), pytest.warns(UserWarning, match="exp"):
        (event,) = rt.explain(rt.exp, x)
    assert (event.op, event.device, event.preferred) == ("exp", "cpu", "emulator")
    assert "no kernel for 'exp' in float64" in event.reason and event.bytes_moved == 32


@pytest.mark.parametrize(
    ("system", "environment", "path"),
    [
        ("linux", {}, "home/.config/rustorch/thresholds.json"),
        ("linux", {"XDG_CONFIG_HOME": "xdg"}, "xdg/rustorch/thresholds.json"),
        ("darwin", {}, "home/Library/Application Support/rustorch/thresholds.json"),
        ("win32", {"APPDATA": "appdata"}, "appdata/rustorch/thresholds.json"),
        ("win32", {}, "home/rustorch/thresholds.json"),
        ("linux", {"RUSTORCH_CONFIG": "own", "XDG_CONFIG_HOME": "xdg"}, "own/thresholds.json"),
    ],
)
def test_where_thresholds_are_kept(
    monkeypatch: pytest.MonkeyPatch, system: str, environment: dict[str, str], path: str
) -> None:
    for name in ("RUSTORCH_CONFIG", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(_thresholds, "sys", SimpleNamespace(platform=system))
    monkeypatch.setattr(Path, "home", lambda: Path("home"))
    assert _thresholds.config_file() == Path(path)


def test_a_system_that_does_not_tell_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def sysconf(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(os, "sysconf", sysconf)
    cpu = _devices.devices()[0]
    assert (cpu.name, cpu.memory) == ("cpu", None)
