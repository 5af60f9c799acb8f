"""Every module of PyTorch's ModuleInfo database that exists here, on its samples, beside PyTorch's."""

from __future__ import annotations

import copy
import io
import os
import pickle
import re
from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
pytestmark = [pytest.mark.parity, pytest.mark.usefixtures("quiet")]

from torch.testing._internal.common_modules import ModuleErrorEnum  # noqa: E402

import rustorch as rt  # noqa: E402

from .failures import Failures  # noqa: E402
from .moduleinfo import MODULES, Pair, carried, errors, modes, samples  # noqa: E402
from .moduleinfo_differences import KNOWN  # noqa: E402
from .opinfo import array, compare, compare_values, flat, gradients, spread, usual_tolerance  # noqa: E402

# More for a thorough run by hand.
SAMPLES = int(os.environ.get("RUSTORCH_MODULEINFO_SAMPLES", "10"))

every_module = pytest.mark.parametrize("info", MODULES, ids=lambda info: info.formatted_name)


def pairs(info: Any, dtype: Any, failures: Failures, requires_grad: bool, count: int) -> Iterator[Pair]:
    """The module in both libraries for some samples; what cannot be made here is noted."""
    for training in modes(info):
        for sample in spread(iter(samples(info, dtype, training, requires_grad)), count, 10_000):
            if sample.forward_input is None:
                continue
            failures.ran += 1
            try:
                yield Pair(info, sample, dtype, training)
            except Exception as error:
                failures.note(f"{info.name}{sample.constructor_input.args}", error)


def weights(result: Any) -> Any:
    """The tensors of a result; a packed sequence is one of its own."""
    return [leaf for leaf in flat(result) if not isinstance(leaf, (int, type(None)))]


@every_module
def test_outputs_and_gradients(info: Any) -> None:
    failures = Failures(info.formatted_name, KNOWN)
    for dtype in (torch.float32, torch.float64):
        for pair in pairs(info, dtype, failures, dtype is torch.float64, SAMPLES):
            try:
                check_call(pair)
            except Exception as error:
                failures.note(str(pair), error)
    failures.report()


def check_call(pair: Pair) -> None:
    pair.share_parameters()
    args, kwargs, tensors = pair.inputs()
    theirs, refused = outcome(pair.call_theirs)
    mine, error = outcome(lambda: pair.mine(*args, **kwargs))
    if refused is not None:
        builtin = next(t for t in type(refused).__mro__ if t.__module__ == "builtins")
        assert isinstance(error, builtin), f"{error!r}, PyTorch raises {refused!r}"
        return
    if error is not None:
        raise error
    if pair.is_random():
        for a, b in zip(flat(mine), flat(theirs), strict=True):
            assert b is None or (tuple(a.shape) == tuple(b.shape))
        return
    compare(mine, theirs, usual_tolerance)
    buffers = [list(dict(m.named_buffers()).values()) for m in (pair.mine, pair.theirs)]
    compare(buffers[0], buffers[1], usual_tolerance)
    if pair.dtype is torch.float64:
        check_gradients(pair, mine, theirs, [(t, m) for t, m in tensors if t.requires_grad])


def outcome(call: Any) -> tuple[Any, BaseException | None]:
    try:
        return call(), None
    except Exception as error:
        return None, error


def check_gradients(pair: Pair, mine: Any, theirs: Any, inputs: list[tuple[Any, Any]]) -> None:
    parameters = zip(pair.theirs.parameters(), pair.mine.parameters(), strict=True)
    both = inputs + [(t, m) for t, m in parameters if t.requires_grad]
    which = [isinstance(t, torch.Tensor) and t.requires_grad for t in flat(theirs)]
    wanted = gradients(torch, theirs, [t for t, _ in both], which)
    if wanted is None:
        return
    found = gradients(rt, mine, [m for _, m in both], which)
    assert found is not None, "no result has a gradient"
    names = [f"input {i}" for i in range(len(inputs))] + [n for n, _ in pair.theirs.named_parameters()]
    for name, w, f in zip(names, wanted, found, strict=True):
        if w is None:
            assert f is None or not array(f).any(), f"a gradient for {name}, PyTorch has none"
            continue
        assert f is not None or not array(w).any(), f"no gradient for {name}"
        if f is not None:
            try:
                compare_values(array(f), array(w), *usual_tolerance(w.dtype))
            except AssertionError as error:
                raise AssertionError(f"gradient of {name}: {error}") from None


@every_module
def test_layouts(info: Any) -> None:
    """Arguments with other strides, and channels last, give the same values."""
    failures = Failures(info.formatted_name, KNOWN)
    for pair in pairs(info, torch.float32, failures, False, 3):
        try:
            pair.share_parameters()
            if pair.is_random() or any(getattr(m, "inplace", False) for m in pair.theirs.modules()):
                continue
            pair.theirs.eval(), pair.mine.eval()
            args, kwargs, _ = pair.inputs()
            wanted = pair.call_theirs()
            for form in (strided, channels_last):
                moved = [form(a) for a in args], {k: form(v) for k, v in kwargs.items()}
                compare(pair.mine(*moved[0], **moved[1]), wanted, usual_tolerance)
        except Exception as error:
            failures.note(str(pair), error)
    failures.report()


def strided(value: Any) -> Any:
    """The same values with every other element of memory between them."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(map(strided, value))
    if not isinstance(value, rt.Tensor) or value.dim() == 0:
        return value
    return rt.stack([value, value], -1)[..., 1]


def channels_last(value: Any) -> Any:
    if isinstance(value, rt.Tensor) and value.dim() in (4, 5):
        name = "channels_last" if value.dim() == 4 else "channels_last_3d"
        return value.to(memory_format=getattr(rt, name))
    return value


@every_module
def test_state_and_copies(info: Any) -> None:
    """Printing, names of the state, loading it, and modules that went through copy, pickle and a file."""
    failures = Failures(info.formatted_name, KNOWN)
    for pair in pairs(info, torch.float32, failures, False, 4):
        try:
            mine, theirs = pair.mine, pair.theirs
            assert repr(mine) == repr(theirs), f"prints\n{mine!r}\n, PyTorch\n{theirs!r}"
            pair.share_parameters()
            assert repr(mine) == repr(theirs), f"prints\n{mine!r}\n, PyTorch\n{theirs!r}"
            a, b = mine.state_dict(), theirs.state_dict()
            assert list(a) == list(b), f"state {list(a)}, PyTorch has {list(b)}"
            assert dict(a._metadata) == dict(b._metadata)
            for names in ("named_parameters", "named_buffers", "named_modules"):
                ours, wanted = ([n for n, _ in getattr(m, names)()] for m in (mine, theirs))
                assert ours == wanted, f"{names}: {ours}, PyTorch has {wanted}"
            for copied in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine)), through_file(mine)):
                assert repr(copied) == repr(mine) and copied.training == mine.training
                assert list(copied.state_dict()) == list(a)
                for v, w in zip(copied.state_dict().values(), b.values(), strict=True):
                    compare_values(array(v), array(w), 0, 0)
                args, kwargs, _ = pair.inputs()
                rt.manual_seed(0)
                once = copied(*args, **kwargs)
                args, kwargs, _ = pair.inputs()
                rt.manual_seed(0)
                again = copy.deepcopy(mine)(*args, **kwargs)
                for v, w in zip(weights(once), weights(again), strict=True):
                    compare_values(array(v), array(w), 0, 0)
        except Exception as error:
            failures.note(str(pair), error)
    failures.report()


def through_file(module: Any) -> Any:
    file = io.BytesIO()
    rt.save(module.state_dict(), file)
    file.seek(0)
    made = copy.deepcopy(module)
    with rt.no_grad():
        for p in made.parameters():
            p.zero_()
    made.load_state_dict(rt.load(file))
    return made


@every_module
def test_factory_arguments(info: Any) -> None:
    """A module with parameters or buffers makes them of the dtype that it is told."""
    failures = Failures(info.formatted_name, KNOWN)
    for pair in pairs(info, torch.float64, failures, False, 2):
        given = pair.sample.constructor_input
        try:
            theirs = info.module_cls(*given.args, **{**given.kwargs, "dtype": torch.float64})
        except TypeError:
            continue
        try:
            given.kwargs["dtype"] = torch.float64
            assert dtypes(pair.make_mine()) == dtypes(theirs)
        except Exception as error:
            failures.note(str(pair), error)
    failures.report()


def dtypes(module: Any) -> list[tuple[str, str]]:
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return [(name, str(t.dtype).rsplit(".", 1)[-1]) for name, t in tensors]


@pytest.mark.parametrize(
    "info", [m for m in MODULES if m.module_error_inputs_func], ids=lambda info: info.formatted_name
)
def test_errors(info: Any) -> None:
    failures = Failures(info.formatted_name, KNOWN)
    for case in errors(info, torch.float32):
        sample = case.module_error_input
        failures.ran += 1

        def run(case: Any = case, sample: Any = sample) -> None:
            given, forward = sample.constructor_input, sample.forward_input
            made = getattr(rt.nn, info.module_cls.__name__)(
                *carried(list(given.args), []), **carried(given.kwargs, [])
            )
            if case.error_on is ModuleErrorEnum.FORWARD_ERROR:
                made(*carried(list(forward.args), []), **carried(forward.kwargs, []))

        where = f"{info.name}{sample.constructor_input.args}{sample.constructor_input.kwargs}"
        _, error = outcome(run)
        wanted = f"PyTorch raises {case.error_type.__name__} of {case.error_regex!r}"
        if not isinstance(error, case.error_type):
            failures.note(where, AssertionError(f"{error!r}, {wanted}"))
        elif not re.search(case.error_regex, str(error)):
            failures.note(where, AssertionError(f"{error}, {wanted}"))
    failures.report()


def test_most_of_the_database_is_compared() -> None:
    assert len(MODULES) > 105
