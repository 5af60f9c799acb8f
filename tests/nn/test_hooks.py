"""Forward and backward hooks of modules."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from typing import Any, NamedTuple

import pytest

import rustorch as rt
from rustorch import nn


def test_forward_pre_hook_replaces_arguments() -> None:
    m = nn.Identity()
    first = m.register_forward_pre_hook(lambda mod, args: args[0] + 1)
    m.register_forward_pre_hook(lambda mod, args: (args[0] * 10,))
    m.register_forward_pre_hook(lambda mod, args: None)
    assert m(rt.ones(1)).item() == 20
    first.remove()
    first.remove()
    assert m(rt.ones(1)).item() == 10
    m.register_forward_pre_hook(lambda mod, args: args[0] + 5, prepend=True)
    assert m(rt.ones(1)).item() == 60


def test_forward_hook_replaces_output() -> None:
    m = nn.Identity()
    seen: list[Any] = []
    m.register_forward_hook(lambda mod, args, out: seen.append((mod, args, out)))
    m.register_forward_hook(lambda mod, args, out: out + 1)
    with m.register_forward_hook(lambda mod, args, out: out * 10, prepend=True):
        assert m(rt.ones(1)).item() == 11
    assert m(rt.ones(1)).item() == 2
    assert seen[0][0] is m and seen[0][2].item() == 10


class Add(nn.Module):
    def forward(self, x: Any, *, y: Any = 0) -> Any:
        if y is None:
            raise ValueError("no y")
        return x + y


def test_hooks_with_keywords() -> None:
    m = Add()
    pre = m.register_forward_pre_hook(lambda mod, args, kw: (args, {"y": kw["y"] * 2}), with_kwargs=True)
    m.register_forward_pre_hook(lambda mod, args, kw: None, with_kwargs=True)
    m.register_forward_hook(lambda mod, args, kw, out: out * kw["y"], with_kwargs=True)
    assert m(rt.ones(1), y=rt.ones(1)).item() == 6
    pre.remove()
    assert m(rt.ones(1), y=rt.ones(1)).item() == 2
    m.register_forward_pre_hook(lambda mod, args, kw: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        m(rt.ones(1), y=rt.ones(1))


def test_hooks_that_always_run() -> None:
    m = Add()
    ran: list[str] = []
    m.register_forward_hook(lambda mod, args, out: ran.append("plain"))
    m.register_forward_hook(lambda mod, args, out: ran.append("always"), always_call=True)
    with pytest.raises(ValueError, match="no y"):
        m(1, y=None)
    assert ran == ["always"]
    m(1, y=1)
    assert ran == ["always", "plain", "always"]

    def broken(mod: Any, args: Any, out: Any) -> None:
        raise RuntimeError("broken")

    m.register_forward_hook(broken, always_call=True)
    with pytest.warns(UserWarning, match="silenced"), pytest.raises(ValueError, match="no y"):
        m(1, y=None)


def test_full_backward_hook_sees_and_replaces() -> None:
    m = nn.Linear(2, 1, bias=False)
    with rt.no_grad():
        m.weight.copy_(rt.tensor([[2.0, 3.0]]))
    seen: list[Any] = []

    def look(mod: Any, grad_input: Any, grad_output: Any) -> None:
        seen.append((grad_input[0].tolist(), grad_output[0].tolist()))

    m.register_full_backward_hook(look)
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0] * 10,))
    x = rt.ones(1, 2, requires_grad=True)
    m(x).sum().backward()
    assert seen == [([[2.0, 3.0]], [[1.0]])]
    assert x.grad.tolist() == [[20.0, 30.0]]
    assert m.weight.grad.tolist() == [[1.0, 1.0]]


def test_full_backward_pre_hook_changes_what_flows_in() -> None:
    m = nn.Linear(1, 1, bias=False)
    m.register_full_backward_pre_hook(lambda mod, go: (go[0] * 5,))
    m.register_full_backward_pre_hook(lambda mod, go: None, prepend=True)
    x = rt.ones(1, 1, requires_grad=True)
    m(x).sum().backward()
    assert m.weight.grad.item() == 5
    assert x.grad.item() == pytest.approx(5 * m.weight.item())


class TwoByTwo(nn.Module):
    def forward(self, a: Any, flag: bool, b: Any) -> Any:
        return a * 2, b * 3


def test_backward_hooks_of_several_tensors() -> None:
    m = TwoByTwo()
    seen: list[Any] = []
    m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go)), prepend=True)
    a, b = rt.ones(1, requires_grad=True), rt.ones(1)
    first, second = m(a, True, b)
    (first + second).sum().backward()
    ((grad_input, grad_output),) = seen
    assert grad_input[0].item() == 2 and grad_input[1] is None and grad_input[2] is None
    assert grad_output[0].item() == 1
    assert a.grad.item() == 2


def test_backward_hook_when_no_input_needs_a_gradient() -> None:
    m = nn.Linear(1, 1)
    seen: list[Any] = []
    handle = m.register_full_backward_hook(lambda mod, gi, go: seen.append((gi, go[0].item())))
    m(rt.ones(1, 1)).sum().backward()
    assert seen == [((None,), 1.0)]
    handle.remove()
    m.register_full_backward_hook(lambda mod, gi, go: (rt.ones(1),))
    with pytest.raises(RuntimeError, match="should always return None"):
        m(rt.ones(1, 1)).sum().backward()


def test_backward_hooks_without_gradients_do_nothing() -> None:
    m = nn.Linear(1, 1)
    m.register_full_backward_hook(lambda mod, gi, go: pytest.fail("called"))
    with rt.no_grad():
        assert not m(rt.ones(1, 1)).requires_grad


def test_backward_hook_results_of_wrong_length() -> None:
    x = rt.ones(1, 1, requires_grad=True)
    m = nn.Linear(1, 1)
    m.register_full_backward_hook(lambda mod, gi, go: (gi[0], gi[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input"):
        m(x).sum().backward()
    m = nn.Linear(1, 1)
    m.register_full_backward_pre_hook(lambda mod, go: (go[0], go[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_output"):
        m(x).sum().backward()


def test_one_kind_of_backward_hook() -> None:
    m = nn.ReLU()
    m.register_full_backward_hook(lambda *a: None)
    with pytest.raises(RuntimeError, match="Cannot use both"):
        m.register_backward_hook(lambda *a: None)
    m = nn.ReLU()
    m.register_backward_hook(lambda *a: None)
    with pytest.raises(RuntimeError, match="Cannot use both"):
        m.register_full_backward_hook(lambda *a: None)


def test_older_backward_hook() -> None:
    m = nn.ReLU()
    seen: list[Any] = []
    m.register_backward_hook(lambda mod, gi, go: seen.append((mod, go[0].item())))
    x = rt.ones(1, requires_grad=True)
    m(x).sum().backward()
    assert seen == [(m, 1.0)]


def test_hooks_survive_copying_and_handles_are_weak() -> None:
    m = nn.Linear(1, 1)
    handle = m.register_forward_hook(_double)
    other = copy.deepcopy(m)
    assert len(other._forward_hooks) == 1
    restored = pickle.loads(pickle.dumps(handle))
    restored.remove()
    assert len(m._forward_hooks) == 1
    del m
    gc.collect()
    handle.remove()


def _double(mod: Any, args: Any, out: Any) -> Any:
    return out * 2


def test_hooks_that_always_run_follow_each_other_after_an_error() -> None:
    class Broken(nn.Module):
        def forward(self, x: rt.Tensor) -> rt.Tensor:
            raise KeyError("lost")

    broken, seen = Broken(), []
    broken.register_forward_hook(lambda m, a, out: seen.append(out) or "replaced", always_call=True)
    broken.register_forward_hook(lambda m, a, out: seen.append(out), always_call=True)
    with pytest.raises(KeyError, match="lost"):
        broken(rt.zeros(1))
    assert seen == [None, "replaced"]


class Pair(NamedTuple):
    first: rt.Tensor
    second: rt.Tensor


class Gives(nn.Module):
    """The product, as the function makes it."""

    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: rt.Tensor) -> Any:
        return self.make(x)


def test_full_backward_hooks_keep_named_tuples() -> None:
    module = Gives(lambda x: Pair(2 * x, 3 * x))
    seen: list[Any] = []
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x = rt.ones(2, requires_grad=True)
    out = module(x)
    assert type(out) is Pair
    (out.first.sum() + 5 * out.second.sum()).backward()
    (((grad_in,), (first, second)),) = seen
    assert (grad_in.tolist(), first.tolist(), second.tolist()) == ([17, 17], [1, 1], [5, 5])


def test_full_backward_hooks_of_a_module_that_is_gone_round() -> None:
    """The gradient does not come through its outputs, so there is nothing to tell."""
    kept: list[rt.Tensor] = []
    module, seen = Gives(lambda x: kept.append(x) or rt.ones(2)), []
    module.register_full_backward_hook(lambda m, gi, go: seen.append(gi))
    x = rt.ones(2, requires_grad=True)
    module(x)
    (kept[0] * 3).sum().backward()
    assert seen == [] and x.grad is not None and x.grad.tolist() == [3, 3]


@pytest.mark.parametrize(
    "make",
    [lambda x: {"n": 3, "y": x.exp()}, lambda x: (x.exp(), 1), lambda x: [[x.exp()]]],
    ids=["mapping", "tuple", "nested"],
)
def test_older_backward_hooks_find_the_first_tensor(make: Any) -> None:
    module, seen = Gives(make), []
    module.register_backward_hook(lambda m, gi, go: seen.append(go[0].tolist()))
    x = rt.zeros(2, requires_grad=True)
    out = module(x)
    while not isinstance(out, rt.Tensor):
        out = out["y"] if isinstance(out, dict) else out[0]
    (4 * out).sum().backward()
    assert seen == [[4, 4]]
    module(rt.zeros(2))  # nothing to hook


def test_older_backward_hooks_of_several_nodes_are_warned_of() -> None:
    module = Gives(lambda x: x.exp() * x)
    module.register_backward_hook(lambda m, gi, go: None)
    with pytest.warns(FutureWarning, match="multiple autograd Nodes"):
        module(rt.zeros(2, requires_grad=True))


everywhere = nn.modules.module


def test_hooks_of_all_modules_come_before_a_modules_own() -> None:
    log: list[str] = []
    module = nn.ReLU()
    module.register_forward_pre_hook(lambda m, args: log.append("own pre"))
    module.register_forward_hook(lambda m, args, out: log.append("own"))
    with (
        everywhere.register_module_forward_pre_hook(lambda m, args: log.append("pre")),
        everywhere.register_module_forward_hook(lambda m, args, out: log.append("all")),
    ):
        module(rt.ones(1))
    assert log == ["pre", "own pre", "all", "own"]
    module(rt.ones(1))
    assert log[4:] == ["own pre", "own"]


def test_hooks_of_all_modules_replace_and_see_errors() -> None:
    with everywhere.register_module_forward_pre_hook(lambda m, args: args[0] + 1):
        assert nn.Identity()(rt.ones(1)).tolist() == [2]
    with everywhere.register_module_forward_hook(lambda m, a, kw, out: (out, kw), with_kwargs=True):
        assert nn.Bilinear(1, 1, 1)(input1=rt.ones(1), input2=rt.ones(1))[1].keys() == {"input1", "input2"}
    seen: list[Any] = []
    hook = everywhere.register_module_forward_hook(lambda m, a, out: seen.append(out), always_call=True)
    with hook, pytest.raises(ZeroDivisionError):
        Gives(lambda x: 1 // 0)(rt.ones(1))
    assert seen == [None]


def test_backward_hooks_of_all_modules() -> None:
    log: list[Any] = []
    x = rt.ones(1, requires_grad=True)
    with (
        everywhere.register_module_full_backward_pre_hook(lambda m, go: (go[0] * 3,)),
        everywhere.register_module_full_backward_hook(lambda m, gi, go: log.append(go[0].item())),
        pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"),
    ):
        nn.ReLU()(x).backward()
        everywhere.register_module_backward_hook(lambda *a: None)
    assert (log, x.grad.item()) == ([3], 3)
    with everywhere.register_module_backward_hook(lambda m, gi, go: (gi[0] * 5,)):
        nn.ReLU()(x).backward()
        with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full"):
            everywhere.register_module_full_backward_hook(lambda *a: None)
    assert x.grad.item() == 8


def test_registration_hooks() -> None:
    log: list[tuple[str, str]] = []

    def note(kind: str) -> Any:
        return lambda module, name, value: log.append((kind, name))

    with (
        everywhere.register_module_buffer_registration_hook(note("buffer")),
        everywhere.register_module_module_registration_hook(note("module")),
        everywhere.register_module_parameter_registration_hook(note("parameter")),
    ):
        module = nn.Module()
        module.layer = nn.Linear(1, 1, bias=False)
        module.add_module("other", nn.ReLU())
        module.register_buffer("mean", rt.zeros(1))
        module.mean = rt.ones(1)
    wanted = [("parameter", "weight"), ("module", "layer"), ("module", "other"), ("buffer", "mean")]
    assert log == [*wanted, ("buffer", "mean")]
    with everywhere.register_module_buffer_registration_hook(lambda m, name, b: b + 1):
        module.mean = rt.ones(1)
    assert module.mean.tolist() == [2]


def test_a_dict_as_output_of_a_module_with_backward_hooks_is_warned_of() -> None:
    module = Gives(lambda x: {"y": x * 2})
    module.register_full_backward_hook(lambda m, gi, go: None)
    with pytest.warns(UserWarning, match="Tensor or a tuple of Tensors but received <class 'dict'>"):
        module(rt.zeros(2, requires_grad=True))


@pytest.mark.parametrize(
    ("function", "args", "text"),
    [
        (lambda x: [x * 2], 1, "does not return a single Tensor or a tuple of Tensors"),
        (lambda x: x[0] * 2, 0, "does not take as input a single Tensor or a tuple of Tensors"),
        (lambda x: (x * 2, x * 3), 1, "outputs are generated by different autograd Nodes"),
    ],
)
def test_older_backward_hooks_say_what_they_miss(function: Any, args: int, text: str) -> None:
    module = Gives(function)
    module.register_backward_hook(lambda m, gi, go: None)
    x = rt.zeros(2, requires_grad=True)
    with pytest.warns(FutureWarning, match=text):
        module(x if args else [x])


def test_load_hooks_do_not_keep_their_module() -> None:
    module = nn.Linear(1, 1)
    module.register_load_state_dict_pre_hook(lambda m, *rest: seen.append(m))
    seen: list[Any] = []
    copied = copy.deepcopy(module)
    copied.load_state_dict(module.state_dict())
    assert seen == [copied]
    gone = weakref.ref(module)
    gc.disable()
    try:
        del module
        assert gone() is None
    finally:
        gc.enable()
