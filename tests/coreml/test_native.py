"""rustorch.coreml.native: what is around Core ML's own calls, with a double in their place."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.coreml import native
from rustorch.coreml.writer import write_package
from tests.coreml.samples import small


class Compiler:
    """Notes what it compiles, and leaves a folder with the package's name in it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __call__(self, package: str, compiled: str) -> None:
        self.calls.append(package)
        os.mkdir(compiled)
        with open(os.path.join(compiled, "coremldata.bin"), "w") as file:
            file.write(package)


def package(path: Any, text: str = "a") -> str:
    os.makedirs(path / "Data")
    (path / "Manifest.json").write_text("{}")
    (path / "Data" / "model.mlmodel").write_text(text)
    return str(path)


def test_models_are_compiled_once_for_what_is_in_them(tmp_path) -> None:
    compiler, folder = Compiler(), str(tmp_path / "cache")

    def compiled(path: str, version: str = "1") -> str:
        return native.compiled_model(path, version, compiler, folder)

    a = package(tmp_path / "a")
    first = compiled(a)
    assert first.endswith(".mlmodelc") and first.startswith(folder)
    assert compiled(a) == first and len(compiler.calls) == 1
    os.utime(tmp_path / "a" / "Manifest.json", (0, 0))  # times say nothing
    assert compiled(a) == first
    assert compiled(package(tmp_path / "same")) == first
    others = {
        compiled(package(tmp_path / "b", "b")),
        compiled(a, "2"),
    }
    (tmp_path / "a" / "Data" / "weight.bin").write_bytes(b"")
    others.add(compiled(a))
    assert len(others | {first}) == 4 and len(compiler.calls) == 4
    assert compiled(first) == first  # compiled already
    assert not [name for name in os.listdir(folder) if name.startswith("tmp-")]


def test_what_fails_to_compile_leaves_nothing(tmp_path) -> None:
    def refuse(package: str, compiled: str) -> None:
        os.mkdir(compiled)
        raise RuntimeError("no")

    folder = tmp_path / "cache"
    with pytest.raises(RuntimeError, match="no"):
        native.compiled_model(package(tmp_path / "a"), "1", refuse, str(folder))
    assert os.listdir(folder) == []


def test_another_process_may_be_faster(tmp_path) -> None:
    compiler, folder = Compiler(), str(tmp_path / "cache")

    def slow(package: str, compiled: str) -> None:
        native.compiled_model(package, "1", compiler, folder)
        compiler(package, compiled)

    kept = native.compiled_model(package(tmp_path / "a"), "1", slow, folder)
    assert os.path.isdir(kept) and len(compiler.calls) == 2
    assert [name for name in os.listdir(folder) if name != "lock"] == [
        os.path.basename(os.path.dirname(kept))
    ]


def test_the_cache_keeps_what_was_used_last_within_a_number_of_bytes(tmp_path) -> None:
    """The size counts, not the number: a large model takes the place of many."""
    compiler, folder = Compiler(), str(tmp_path / "cache")

    def compiled(name: str) -> str:
        path = package(tmp_path / name, name) if not (tmp_path / name).exists() else str(tmp_path / name)
        return native.compiled_model(path, "1", compiler, folder, max_bytes=5 * len(path))

    kept = [compiled(str(i)) for i in range(4)]
    for i, path in enumerate(kept):
        os.utime(os.path.join(os.path.dirname(path), "used"), (i + 1, i + 1))
    assert compiled("0") == kept[0] and len(compiler.calls) == 4  # used again
    compiled("4")
    compiled("5")
    assert [os.path.isdir(path) for path in kept] == [True, False, False, True]


def test_what_was_changed_on_the_disk_is_compiled_again(tmp_path) -> None:
    compiler, folder = Compiler(), str(tmp_path / "cache")
    a = package(tmp_path / "a")
    first = native.compiled_model(a, "1", compiler, folder)
    with open(os.path.join(first, "coremldata.bin"), "a") as file:
        file.write("more")
    assert native.compiled_model(a, "1", compiler, folder) == first and len(compiler.calls) == 2


class Model:
    """In Core ML's place: y is twice x, and what was given is kept."""

    def __init__(self) -> None:
        self.given: list[dict[str, rt.Tensor]] = []
        self.states: list[Any] = []

    def predict(self, inputs: dict[str, rt.Tensor], state: Any) -> dict[str, rt.Tensor]:
        self.given.append(inputs)
        self.states.append(state)
        if "fails" in repr(state):
            raise RuntimeError("it fails")
        return {"y": inputs["x"] * 2, "unannounced": inputs["x"]}

    def predict_async(self, inputs: dict[str, rt.Tensor], state: Any, done: Any) -> None:
        def run() -> None:
            try:
                done(self.predict(inputs, state), None)
            except RuntimeError as error:
                done(None, error)

        threading.Thread(target=run).start()

    def make_state(self) -> str:
        return "a state"

    def report(self) -> Any:
        return [{"operation": "relu", "runs_on": "NE"}], "operation  runs on\nrelu       NE\n"


@pytest.fixture
def core_ml(tmp_path, monkeypatch) -> Any:
    model = Model()
    opened: list[tuple[str, str, str]] = []

    def open_(*arguments: str) -> Model:
        opened.append(arguments)
        return model

    monkeypatch.setenv("RUSTORCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(rt._C, "_native_models_why_not", lambda: None)
    monkeypatch.setattr(rt._C, "_native_models_version", lambda: "1")
    monkeypatch.setattr(rt._C, "_native_models_compile", Compiler())
    monkeypatch.setattr(rt._C, "_native_models_open", open_)
    write_package(small(), tmp_path / "m")
    return tmp_path / "m", model, opened


def test_a_model_is_opened_when_it_is_first_needed(core_ml) -> None:
    path, model, opened = core_ml
    loaded = rt.load_model(path, engine="coreml", compute_units="cpu_and_ne")
    assert loaded.engine == "coreml" and opened == []
    x = np.array([1.0, 2.0], np.float32)
    got = loaded.predict({"x": x})
    assert list(got) == ["y"] and isinstance(got["y"], np.ndarray) and got["y"].tolist() == [2, 4]
    assert isinstance(loaded.predict(rt.tensor([1.0, 2.0]))["y"], rt.Tensor)
    ((compiled, units, function),) = opened
    assert compiled.startswith(str(path.parent / "cache")) and (units, function) == ("cpu_and_ne", "")
    # The array's own memory went in.
    x[0] = 5
    assert model.given[0]["x"].tolist() == [5, 2]
    with pytest.raises(ValueError, match="takes no inputs"):
        loaded.predict({"z": x})
    with pytest.raises(ValueError, match="takes the inputs"):
        loaded.predict(x, x)


def test_a_model_that_left_the_cache_before_it_was_opened_is_compiled_again(core_ml, monkeypatch) -> None:
    path, model, opened = core_ml
    others = [True]  # another process makes room, once

    def open_(compiled: str, units: str, function: str) -> Model:
        if others.pop() if others else False:
            shutil.rmtree(os.path.dirname(compiled))
        if not os.path.isdir(compiled):
            raise RuntimeError("there is no such model")
        return model

    monkeypatch.setattr(rt._C, "_native_models_open", open_)
    assert rt.load_model(path, engine="coreml").predict(rt.ones(2))["y"].tolist() == [2, 2]

    def refuse(*arguments: str) -> Model:
        opened.append(arguments)
        raise RuntimeError("no such function")

    monkeypatch.setattr(rt._C, "_native_models_open", refuse)
    with pytest.raises(RuntimeError, match="no such function"):
        rt.load_model(path, engine="coreml").predict(rt.ones(2))
    assert len(opened) == 1


def test_states_are_handed_through(core_ml) -> None:
    path, model, _ = core_ml
    stateful = rt.load_model(path, engine="coreml").stateful()
    stateful.predict(rt.ones(2))
    assert model.states == ["a state"]


def test_predictions_without_waiting(core_ml) -> None:
    path, _, _ = core_ml
    loaded = rt.load_model(path, engine="coreml")
    futures = [loaded.predict_async(rt.full((2,), float(i))) for i in range(4)]
    assert [future.result(10)["y"].tolist() for future in futures] == [[2 * i, 2 * i] for i in range(4)]
    with pytest.raises(RuntimeError, match="it fails"):
        loaded.predict_async(rt.ones(2), state="fails").result(10)


def test_plans_say_where_operations_run(core_ml) -> None:
    path, _, _ = core_ml
    plan = rt.load_model(path, engine="coreml").compute_plan()
    assert plan[0]["runs_on"] == "NE" and str(plan).startswith("operation")


def test_the_interpreter_predicts_without_waiting_too(tmp_path) -> None:
    write_package(small(), tmp_path / "m")
    model = rt.load_model(tmp_path / "m")
    x = rt.ones(2, 3)
    future = model.predict_async(x)
    assert future.result(10)["y"].tolist() == model.predict(x)["y"].tolist()
    with pytest.raises(NotImplementedError, match="only Core ML plans; got engine='rustorch'"):
        model.compute_plan()


@pytest.mark.skipif(sys.platform == "darwin", reason="is about other systems")
def test_elsewhere_it_says_why_it_is_not_there() -> None:
    assert "no connection to Core ML" in native.unavailable_reason()
    for call in (
        lambda: rt._C._native_models_version(),
        lambda: rt._C._native_models_compile("a", "b"),
        lambda: rt._C._native_models_open("a", "all", ""),
    ):
        with pytest.raises(rt.errors.DeviceNotAvailable, match="no connection to Core ML"):
            call()
