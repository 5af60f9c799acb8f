"""Every optimizer of PyTorch's OptimizerInfo database that exists here, in its configurations, beside it."""

from __future__ import annotations

import copy
import pickle
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("quiet")]

from torch.testing._internal.common_optimizers import OptimizerErrorEnum  # noqa: E402

import rustorch as rt  # noqa: E402

from .failures import Failures  # noqa: E402
from .opinfo import argument, array  # noqa: E402
from .optiminfo import OPTIMIZERS, Training, assert_same_state, options  # noqa: E402
from .optiminfo_differences import KNOWN  # noqa: E402

every_optimizer = pytest.mark.parametrize("info", OPTIMIZERS, ids=lambda info: info.name)
DTYPES = ("float32", "float64", "complex64", "complex128")
# Iterations of several steps each: float32 has seven digits and a half.
RTOL = {"float32": 2e-5, "complex64": 2e-5, "float64": 1e-9, "complex128": 1e-9, "bfloat16": 2e-2}


def configurations(info: Any, dtype: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each with PyTorch's choice of an implementation, and with all of those that it can be told to take."""
    for config in info.optim_inputs_func(device="cpu", dtype=getattr(torch, dtype)):
        yield config, {}
        for name in info.supported_impls:
            fits = name != "fused" or (not dtype.startswith("complex") and "cpu" in info.supports_fused_on)
            if fits and not any(isinstance(v, torch.Tensor) for v in config.kwargs.values()):
                yield config, {name: True}


def both(info: Any, config: Any, more: dict[str, Any], dtype: str, groups: bool) -> tuple[Training, Training]:
    theirs = Training(torch, info, dtype, groups, **options(config, False), **more)
    return Training(rt, info, dtype, groups, **options(config, True), **more), theirs


def compare(mine: Training, theirs: Training) -> None:
    rtol = RTOL[mine.dtype]
    for i, (m, t) in enumerate(zip(mine.params, theirs.params, strict=True)):
        np.testing.assert_allclose(array(m), array(t), rtol, 1e-1 * rtol, err_msg=f"parameter {i}")
    assert_same_state(mine.optimizer.state_dict(), theirs.optimizer.state_dict(), rtol)


def each(
    info: Any, check: Callable[[Any, dict[str, Any], str], None], dtypes: tuple[str, ...] = DTYPES
) -> None:
    failures = Failures(info.name, KNOWN)
    for dtype in dtypes:
        if dtype.startswith("complex") and not info.supports_complex:
            continue
        for config, more in configurations(info, dtype):
            failures.ran += 1
            try:
                check(config, more, dtype)
            except Exception as error:
                failures.note(f"{info.name}({config.kwargs | more}) on {dtype}", error)
    failures.report()


@every_optimizer
def test_steps(info: Any) -> None:
    def check(config: Any, more: dict[str, Any], dtype: str) -> None:
        mine, theirs = both(info, config, more, dtype, info.supports_param_groups and not more)
        assert repr(mine.optimizer) == repr(theirs.optimizer)
        assert_same_state(mine.optimizer.state_dict(), theirs.optimizer.state_dict(), 0)
        mine.steps(5), theirs.steps(5)
        compare(mine, theirs)

    each(info, check)


@every_optimizer
def test_checkpoints(info: Any) -> None:
    """Training goes on alike from a state dict of PyTorch, from a copy and from a pickle."""

    def check(config: Any, more: dict[str, Any], dtype: str) -> None:
        if more.get("differentiable"):
            return
        mine, started = both(info, config, more, dtype, False)
        theirs = Training(torch, info, dtype, False, **options(config, False), **more)
        started.steps(3)
        theirs.optimizer.load_state_dict(started.optimizer.state_dict())
        mine.optimizer.load_state_dict(argument(started.optimizer.state_dict(), []))
        for m, t, s in zip(mine.params, theirs.params, started.params, strict=True):
            m.data.copy_(rt.from_numpy(array(s)))
            t.data.copy_(s)
        assert_same_state(mine.optimizer.state_dict(), theirs.optimizer.state_dict(), 0)
        theirs.steps(2, seed=2)
        for again in (copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))):
            copied = again([mine.params, mine.optimizer])
            resumed = copy.copy(mine)
            resumed.params, resumed.optimizer = copied
            resumed.steps(2, seed=2)
            compare(resumed, theirs)

    each(info, check, ("float64",))


@every_optimizer
def test_errors(info: Any) -> None:
    failures = Failures(info.name, KNOWN)
    for case in info.optim_error_inputs_func(device="cpu", dtype=torch.float32):
        given = case.optimizer_error_input
        failures.ran += 1

        def run(case: Any = case, given: Any = given) -> None:
            params = argument(given.params, [])
            if params is None:
                params = [rt.nn.Parameter(rt.randn(2, 3)) for _ in range(2)]
            for theirs, mine in zip(given.params or [], params, strict=False):
                if isinstance(theirs, torch.Tensor) and theirs.grad is not None:
                    mine.grad = argument(theirs.grad, [])
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)
                optimizer = getattr(rt.optim, info.name)(params, **argument(given.kwargs, []))
            if case.error_on is OptimizerErrorEnum.STEP_ERROR:
                optimizer.step()

        wanted = f"PyTorch raises {case.error_type.__name__} of {case.error_regex!r}"
        where = f"{given.desc}: {given.kwargs}"
        try:
            run()
        except Exception as error:
            if not isinstance(error, case.error_type) or not re.search(case.error_regex, str(error)):
                failures.note(where, AssertionError(f"{error!r}, {wanted}"))
        else:
            failures.note(where, AssertionError(f"no error, {wanted}"))
    failures.report()


def test_all_but_sparse_are_compared() -> None:
    assert len(OPTIMIZERS) == 14
