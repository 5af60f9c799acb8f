"""Every row of the table runs, and says the same in every library that it names."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.bench.cases import CASES, GROUPS, Case
from rustorch.bench.libraries import Mlx, Numpy, Rustorch, Torch, engines

SMALL_ENOUGH = [case for case in CASES if case.nbytes <= 64e6]


def first_value(library: Any, case: Case, arrays: dict[str, np.ndarray]) -> Any:
    """What the case's statement gives, as an array; None where it gives nothing."""
    names = library.names(arrays)
    exec(library.setup(case), names)
    result = eval(library.statement(case), names)
    if isinstance(result, (tuple, list)):
        result = result[0]
    return None if result is None else np.asarray(result.detach() if hasattr(result, "detach") else result)


def test_keys_are_unique_and_groups_known() -> None:
    keys = [case.key for case in CASES]
    assert len(set(keys)) == len(keys)
    assert {case.group for case in CASES} == set(GROUPS)


def test_quick_covers_every_group() -> None:
    assert {case.group for case in CASES if case.quick} == set(GROUPS)


def test_rows_fit_their_columns() -> None:
    for case in CASES:
        assert len(case.name) < 20, case.key
        assert len(case.size) < 14, case.key


@pytest.mark.parametrize("case", SMALL_ENOUGH, ids=lambda case: case.key)
def test_statement_agrees_with_numpy(case: Case) -> None:
    arrays = case.make_inputs()
    ours = first_value(Rustorch(), case, arrays)
    if not case.numpy:
        assert ours is None or np.isfinite(ours).all()
        return
    theirs = first_value(Numpy(), case, arrays)
    assert ours.shape == theirs.shape
    scale = max(1.0, float(np.abs(theirs).max(initial=0.0)))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)


def test_inputs_repeat() -> None:
    case = next(case for case in CASES if case.indices)
    first, second = case.make_inputs(), case.make_inputs()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_emulator_is_not_measured() -> None:
    measured = engines()
    assert measured[0] == "cpu" and not any(name.startswith("emulator") for name in measured)


class Note:
    """A module that is not there: what is called on it, and with what."""

    def __init__(self, calls: list[tuple[Any, ...]], name: str) -> None:
        self.calls, self.name = calls, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Note(self.calls, f"{self.name}.{name}")

    def __call__(self, *arguments: Any) -> Any:
        self.calls.append((self.name, *arguments))
        return arguments[-1]


def test_torch_runs_the_same_text_on_its_own_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    torch = Note(calls, "torch")
    monkeypatch.setitem(sys.modules, "torch", torch)
    library = Torch(3)
    assert (library.name, library.label, calls) == ("torch", "torch", [("torch.set_num_threads", 3)])
    for case in CASES:
        assert (library.statement(case), library.setup(case)) == (case.run, case.setup)
    arrays = CASES[0].make_inputs()
    names = library.names(arrays)
    assert names["t"] is torch and names["F"].name == "torch.nn.functional"
    for (name, given), (what, copied) in zip(arrays.items(), calls[1:], strict=True):
        assert what == "torch.from_numpy" and names[name] is copied
        assert copied is not given and np.array_equal(copied, given)


def test_mlx_is_evaluated_and_kept_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    mlx = Note(calls, "mlx")
    mlx.core, mlx.nn = Note(calls, "mx"), Note(calls, "nn")
    mlx.core.cpu = "the CPU"
    for name, module in {"mlx": mlx, "mlx.core": mlx.core, "mlx.nn": mlx.nn}.items():
        monkeypatch.setitem(sys.modules, name, module)
    library = Mlx(3)
    assert (library.name, library.label, calls) == ("mlx", "MLX", [("mx.set_default_device", "the CPU")])
    have = [case for case in CASES if case.mlx]
    assert have and len(have) < len(CASES)
    for case in CASES:
        assert library.statement(case) == (f"mx.eval({case.mlx})" if case.mlx else "")
        assert library.setup(case) == case.mlx_setup
    arrays = have[0].make_inputs()
    names = library.names(arrays)
    assert names["mx"] is mlx.core and names["nn"] is mlx.nn
    assert [("mx.array", array) for array in arrays.values()] == calls[1:]


@pytest.mark.emulator
def test_other_engines_are_waited_for() -> None:
    library = Rustorch("emulator")
    case = next(case for case in SMALL_ENOUGH if case.nbytes < 1e5)
    assert (library.name, library.statement(case)) == ("rustorch:emulator", f"{case.run}; wait()")
    names = library.names(case.make_inputs())
    assert {str(names[name].device) for name in case.make_inputs()} == {"emulator"}
    before = rt.Stream._of_handle(rt.device("emulator"), 0)
    names["t"].ones(3, device="emulator").add_(1)
    assert not before.query()
    names["t"].ones(3, device="emulator").add_(1)
    names["wait"]()
    assert before.query()
