"""The command: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import rustorch as rt
from rustorch.bench import libraries, limits, training
from rustorch.bench.cli import choose, main


@pytest.fixture(autouse=True)
def keep_threads(monkeypatch: pytest.MonkeyPatch):
    """The command sets thread counts for its process; the tests go on in this one."""
    threads = rt.get_num_threads()
    for name in libraries.THREAD_VARIABLES:
        monkeypatch.setenv(name, os.environ.get(name, ""))
        if not os.environ[name]:
            monkeypatch.delenv(name)
    yield
    rt.set_num_threads(threads)


def test_table_and_json_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "result.json"
    assert main(["--quick", "--threads", "1", "--only", "^call/(add|sum)/", "--json", str(path)]) == 0
    text = capsys.readouterr().out
    for expected in ("Machine", "Limits", "Ops on cpu", "cost of a call", "add", "NumPy", "Done in"):
        assert expected in text
    document = json.loads(path.read_text())
    assert [row["name"] for row in document["ops"]] == ["add", "sum"]
    assert document["threads"] == 1
    assert document["machine"]["rustorch"] == rt.__version__
    assert document["ops"][0]["seconds"] > 0
    assert document["ops"][0]["others"]["numpy"]["seconds"] > 0
    assert "training" not in document


def test_json_to_standard_output_in_a_fresh_process() -> None:
    command = [sys.executable, "-m", "rustorch.bench", "--only", "^call/index", "--threads", "1", "--json"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout)["ops"][0]["run"] == "x[3]"
    assert "Ops on cpu" in result.stderr
    assert "\x1b" not in result.stderr
    assert "its own thread count" not in result.stderr


def test_training_reaches_the_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "result.json"
    assert main(["--only", "training", "--threads", "1", "--json", str(path)]) == 0
    text = capsys.readouterr().out
    assert "test images read correctly after" in text
    assert "epoch  1" in text
    assert "Limits" not in text
    result = json.loads(path.read_text())["training"]
    assert result["reached"] is True
    assert result["parameters"] == 38_282
    assert result["epochs"] == len(result["losses"]) == len(result["accuracies"]) <= training.MAX_EPOCHS
    assert result["losses"][-1] < result["losses"][0]
    assert result["accuracies"][-1] >= 0.98
    assert result["images_per_second"] == pytest.approx(result["epochs"] * 1442 / result["seconds"])


def test_missed_target_is_an_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "TARGET", 1.01)
    monkeypatch.setattr(training, "MAX_EPOCHS", 1)
    assert main(["--only", "training", "--threads", "1"]) == 1
    assert "Missed 101%" in capsys.readouterr().out


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "plot.png"
    assert main(["--only", "^call/add/", "--threads", "1", "--plot", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    text = capsys.readouterr().out
    assert "matmul/a @ b/1024" in text
    assert "training/digits" in text


def test_choose() -> None:
    everything, training_too = choose(quick=False, patterns=None)
    quick, _ = choose(quick=True, patterns=None)
    assert training_too
    assert {case.key for case in quick} < {case.key for case in everything}
    convolutions, training_too = choose(quick=True, patterns=["CONV", "^network/softmax"])
    assert not training_too
    assert {case.group for case in convolutions} == {"conv", "network"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "no such op"], "nothing matches no such op; try --list"),
        (["--only", "("], "not a regular expression"),
        (["--json", "no/such/folder/x.json"], "--json: there is no folder no/such/folder"),
        (["--threads", "0"], "needs 1 or more, got 0"),
        (["--threads", "x"], "invalid positive value"),
        (["--compare", "tensorflow"], "unknown library; got tensorflow; try torch or mlx"),
    ],
)
def test_refusals(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    assert message in capsys.readouterr().err


def test_plot_without_matplotlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("rustorch.bench.cli.find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        main(["--plot", "plot.png"])
    assert "--plot needs matplotlib, which is not installed" in capsys.readouterr().err


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found, missing = libraries.find_libraries(1, ["torch", "mlx"])
    assert [library.name for library in found] == ["rustorch", "numpy"]
    assert [line.split(" is not installed")[0] for line in missing] == ["torch", "MLX"]


def test_library_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(threads: int) -> libraries.Library:
        raise ImportError("libfoo.so: no such file")

    monkeypatch.setitem(libraries.COMPARED, "torch", ("torch", broken))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: True)
    found, missing = libraries.find_libraries(1, ["torch"])
    assert [library.name for library in found] == ["rustorch", "numpy"]
    assert missing == ["torch is installed but does not load: libfoo.so: no such file"]


def test_case_that_a_library_has_not() -> None:
    case = next(case for case in choose(False, ["call/add, with grad"])[0])
    assert libraries.Numpy().timer(case, case.make_inputs()) is None


def test_what_cannot_be_compared_is_said_and_plots_are_told_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With doubles of what finds libraries and of what draws."""
    drawn = []
    found = [libraries.Rustorch(), libraries.Numpy()]
    monkeypatch.setattr(libraries, "find_libraries", lambda *_: (found, ["torch is not installed"]))
    monkeypatch.setattr("rustorch.bench.cli.find_spec", lambda name: name)
    peak = {"float32": 1e9, "float64": 1e9}
    measured = limits.Limits(1, "AVX2", (limits.Bandwidth(1 << 20, 1e9, 1e9, 1e9),), peak, peak)
    monkeypatch.setattr(limits, "measure", lambda *_: measured)
    plot = SimpleNamespace(save_plot=lambda rows, path, title: drawn.append((rows, path, title)))
    monkeypatch.setitem(sys.modules, "rustorch.bench.plot", plot)
    path = tmp_path / "plot.png"
    only = ["--quick", "--only", "^call/index", "--threads", "1"]
    assert main([*only, "--compare", "torch", "--plot", str(path)]) == 0
    text = capsys.readouterr().out
    assert "torch is not installed" in text and f"Plot written to {path}" in text
    ((rows, where, title),) = drawn
    assert [row.case.run for row in rows] == ["x[3]"] and where == path
    assert title.startswith(f"rustorch {rt.__version__} on ") and "1 threads" in title
