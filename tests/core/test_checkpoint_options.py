"""Options of checkpoint: contexts of both runs, the early end, the check of what was recomputed."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import Any

import pytest

import rustorch as rt
from rustorch.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)


def counted(ops: list[str]) -> Any:
    def run(x: Any) -> Any:
        ops.append("exp")
        x = x.exp()
        ops.append("clone")
        return x.clone()

    return run


@pytest.mark.parametrize(("early", "again"), [(True, ["exp"]), (False, ["exp", "clone"])])
@pytest.mark.parametrize("how", ["argument", "context"])
def test_a_recomputation_ends_with_what_backward_needs(early: bool, again: list[str], how: str) -> None:
    x = rt.tensor([0.0], requires_grad=True)
    ops: list[str] = []
    if how == "argument":
        y = checkpoint(counted(ops), x, use_reentrant=False, early_stop=early)
    else:
        with set_checkpoint_early_stop(early):
            y = checkpoint(counted(ops), x, use_reentrant=False)
    assert ops == ["exp", "clone"]
    y.backward()
    assert ops[2:] == again and x.grad.item() == 1.0


def test_early_end_within_a_checkpoint() -> None:
    x = rt.tensor([0.5], requires_grad=True)
    ops: list[str] = []

    def outer(x: Any) -> Any:
        return checkpoint(counted(ops), x.sin(), use_reentrant=False).cos()

    checkpoint(outer, x, use_reentrant=False).backward()
    expected = rt.tensor([0.5], requires_grad=True)
    expected.sin().exp().cos().backward()
    assert rt.allclose(x.grad, expected.grad)


def test_contexts_of_the_first_run_and_of_the_second() -> None:
    log: list[str] = []

    @contextmanager
    def note(name: str) -> Any:
        log.append(name)
        yield

    x = rt.tensor([1.0], requires_grad=True)
    y = checkpoint(rt.exp, x, use_reentrant=False, context_fn=lambda: (note("first"), note("second")))
    assert log == ["first"]
    y.backward()
    assert log == ["first", "second"]


def test_another_shape_the_second_time_is_refused_unless_unchecked() -> None:
    x = rt.ones(4, requires_grad=True)
    for check in ("default", "none"):
        sizes = [4, 2]

        def run(x: Any, sizes: list[int] = sizes) -> Any:
            return x[: sizes.pop(0)].exp().sum()

        y = checkpoint(run, x, use_reentrant=False, determinism_check=check)
        with pytest.raises(RuntimeError, match=r"metadata|size of tensor") as error:
            y.backward()
        assert error.errisinstance(CheckpointError) == (check == "default")


def test_use_reentrant_should_be_said_and_wrong_options_are_refused() -> None:
    x = rt.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        checkpoint(rt.exp, x)
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly") as found:
        checkpoint_sequential([rt.exp, rt.sin, rt.cos], 2, x)
    assert len(found) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checkpoint(rt.exp, x, use_reentrant=True)
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(rt.exp, x, use_reentrant=False, determinism_check="all")
    with pytest.raises(ValueError, match="use_reentrant=False"):
        checkpoint(rt.exp, x, use_reentrant=True, debug=True)
