"""Optimizer: groups, checks, checkpoints, hooks, printing, pickling."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.optim import SGD, Adam, AdamW, Optimizer
from rustorch.optim.optimizer import required


def param(*values: float) -> nn.Parameter:
    p = nn.Parameter(rt.tensor(list(values) or [1.0]))
    p.grad = rt.ones_like(p.detach())
    return p


def test_groups_have_their_own_options() -> None:
    a, b, c = param(), param(), param()
    opt = SGD([{"params": [a], "lr": 0.5}, {"params": b}], lr=0.1)
    opt.add_param_group({"params": c, "lr": 0.2})
    opt.step()
    assert [p.item() for p in (a, b, c)] == pytest.approx([0.5, 0.9, 0.8])
    assert [g["lr"] for g in opt.param_groups] == [0.5, 0.1, 0.2]
    assert opt.defaults["lr"] == 0.1


def test_names() -> None:
    net = nn.Linear(2, 2)
    opt = SGD(net.named_parameters(), lr=0.1)
    assert opt.param_groups[0]["param_names"] == ["weight", "bias"]
    assert opt.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    opt.add_param_group({"params": [("extra", param())]})
    plain = SGD(net.parameters(), lr=0.1)
    state = plain.state_dict()
    other = SGD(net.named_parameters(), lr=0.2)
    other.load_state_dict(state)
    assert other.param_groups[0]["param_names"] == ["weight", "bias"]
    assert other.param_groups[0]["lr"] == 0.1
    for bad in (
        lambda: SGD([("a", param()), param()], lr=0.1),
        lambda: opt.add_param_group({"params": param()}),
        lambda: plain.add_param_group({"params": [("a", param())]}),
    ):
        with pytest.raises(ValueError, match="with/without names"):
            bad()


def test_wrong_parameters_are_refused() -> None:
    p = param()
    opt = SGD([p], lr=0.1)
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: SGD(p, lr=0.1), TypeError, "should be an iterable"),
        (lambda: SGD([], lr=0.1), ValueError, "empty parameter list"),
        (lambda: SGD([{"params": {p}}], lr=0.1), TypeError, "ordered collections"),
        (lambda: SGD([3], lr=0.1), TypeError, "can only optimize Tensors"),
        (lambda: SGD([p * 2], lr=0.1), ValueError, "non-leaf"),
        (lambda: opt.add_param_group([p]), TypeError, "must be a dict"),
        (lambda: opt.add_param_group({"params": [p]}), ValueError, "more than one parameter group"),
        (lambda: Optimizer([p], {"lr": required}), ValueError, "required optimization parameter lr"),
    ]
    for call, error, text in cases:
        with pytest.raises(error, match=text):
            call()
    with pytest.warns(UserWarning, match="duplicate parameters"):
        SGD([p, p], lr=0.1)
    assert repr(required) == "<required parameter>"
    with pytest.raises(NotImplementedError):
        Optimizer([p], {}).step()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: SGD(p, lr=-1),
        lambda p: SGD(p, momentum=-1),
        lambda p: SGD(p, weight_decay=-1),
        lambda p: SGD(p, nesterov=True),
        lambda p: SGD(p, nesterov=True, momentum=0.9, dampening=0.1),
        lambda p: SGD(p, lr=rt.ones(2)),
        lambda p: Adam(p, lr=-1),
        lambda p: Adam(p, eps=-1),
        lambda p: Adam(p, betas=(1.0, 0.9)),
        lambda p: Adam(p, betas=(0.9, -0.1)),
        lambda p: Adam(p, weight_decay=-1),
        lambda p: Adam(p, lr=rt.ones(2)),
        lambda p: AdamW(p, lr=-1),
    ],
)
def test_wrong_options_are_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make([param()])


def test_options_of_other_implementations() -> None:
    p = [param()]
    for kind in (SGD, Adam, AdamW):
        kind(p, foreach=True).step()
        kind(p, fused=True).step()
        with pytest.raises(RuntimeError, match="cannot be `True` together"):
            kind(p, foreach=True, fused=True)
        with pytest.raises(RuntimeError, match="differentiable"):
            kind(p, differentiable=True, fused=True)
    with pytest.raises(NotImplementedError, match="capturable=True"):
        Adam(p, capturable=True)


def test_zero_grad() -> None:
    p, q = param(), nn.Parameter(rt.ones(1))
    opt = SGD([p, q], lr=0.1)
    grad = p.grad
    opt.zero_grad(set_to_none=False)
    assert p.grad is grad and grad.item() == 0
    opt.zero_grad()
    assert p.grad is None and q.grad is None
    (p * p).sum().backward(create_graph=True)
    opt.zero_grad(set_to_none=False)
    assert p.grad.grad_fn is None and p.grad.item() == 0


def test_printing() -> None:
    p = param()
    assert repr(SGD([{"params": p, "lr": 0.5}, {"params": param()}], lr=0.1)) == (
        "SGD (\n"
        "Parameter Group 0\n"
        "    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n    lr: 0.5\n"
        "    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n"
        "\nParameter Group 1\n"
        "    dampening: 0\n    differentiable: False\n    foreach: None\n    fused: None\n    lr: 0.1\n"
        "    maximize: False\n    momentum: 0\n    nesterov: False\n    weight_decay: 0\n)"
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda p: SGD(p, lr=0.1, momentum=0.9),
        lambda p: Adam(p, lr=0.1, amsgrad=True),
        lambda p: AdamW(p, lr=0.1),
    ],
)
def test_a_checkpoint_continues_the_same_way(make: Any) -> None:
    def run(opt: Any, p: Any, steps: int) -> None:
        for _ in range(steps):
            p.grad = p.detach() * 2
            opt.step()

    p = param(1.0, -2.0)
    opt = make([p])
    run(opt, p, 3)
    saved = copy.deepcopy(opt.state_dict())
    q = nn.Parameter(p.detach().clone())
    other = make([q])
    other.param_groups[0]["lr"] = 5.0
    other.load_state_dict(saved)
    assert other.param_groups[0]["lr"] == 0.1 and other.param_groups[0]["params"][0] is q
    run(opt, p, 3)
    run(other, q, 3)
    assert p.tolist() == q.tolist()
    assert saved["param_groups"][0]["params"] == [0]


def test_loading_checks_sizes_and_casts() -> None:
    a = Adam([param()])
    a.step()
    state = a.state_dict()
    for bad, text in [
        (SGD([{"params": param()}, {"params": param()}], lr=0.1), "different number"),
        (Adam([param(), param()]), "doesn't match the size"),
    ]:
        with pytest.raises(ValueError, match=text):
            bad.load_state_dict(state)
    wide = nn.Parameter(rt.ones(1, dtype=rt.float64))
    b = Adam([wide])
    b.load_state_dict(state)
    assert b.state[wide]["exp_avg"].dtype == rt.float64 and b.state[wide]["step"].dtype == rt.float32
    whole = nn.Parameter(rt.ones(1, dtype=rt.int64), requires_grad=False)
    c = Adam([whole])
    c.load_state_dict(state)
    assert c.state[whole]["exp_avg"].dtype == rt.float32


def test_old_checkpoints() -> None:
    a = Adam([param()])
    a.step()
    state = a.state_dict()
    state["state"][0]["step"] = 7
    for key in ("amsgrad", "fused", "foreach", "maximize", "capturable", "differentiable"):
        del state["param_groups"][0][key]
    state["state"]["note"] = {"list": [rt.ones(1), (rt.ones(1), 3)]}
    b = Adam([param()])
    b.load_state_dict(state)
    b.step()
    (p,) = b.param_groups[0]["params"]
    assert b.state[p]["step"].item() == 8.0 and b.param_groups[0]["amsgrad"] is False
    assert b.state["note"]["list"][1][1] == 3
    s = SGD([param()], lr=0.1)
    old = s.state_dict()
    for key in ("nesterov", "maximize", "foreach", "differentiable", "fused"):
        del old["param_groups"][0][key]
    s.load_state_dict(old)
    assert s.param_groups[0]["nesterov"] is False


def test_step_hooks() -> None:
    p = param()
    opt = SGD([p], lr=0.1)
    log: list[str] = []
    pre = opt.register_step_pre_hook(lambda o, args, kwargs: log.append("pre"))
    opt.register_step_post_hook(lambda o, args, kwargs: log.append("post"))
    opt.step()
    assert log == ["pre", "post"]
    pre.remove()
    opt.register_step_pre_hook(lambda o, args, kwargs: ((lambda: log.append("closure"),), {}))
    opt.step()
    assert log == ["pre", "post", "closure", "post"]
    opt.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        opt.step()


def test_step_hooks_of_all_optimizers() -> None:
    log: list[str] = []
    opt = SGD([param()], lr=0.1)
    opt.register_step_pre_hook(lambda o, args, kwargs: log.append("own pre"))
    opt.register_step_post_hook(lambda o, args, kwargs: log.append("own post"))
    module = rt.optim.optimizer
    with (
        module.register_optimizer_step_pre_hook(lambda o, args, kwargs: log.append("pre")),
        module.register_optimizer_step_post_hook(lambda o, args, kwargs: log.append("post")),
    ):
        opt.step()
        Adam([param()]).step()
    assert log == ["pre", "own pre", "own post", "post", "pre", "post"]
    opt.step()
    assert log[6:] == ["own pre", "own post"]


def test_step_hooks_run_once_in_a_subclass() -> None:
    class Loud(SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    opt = Loud([param()], lr=0.1)
    count: list[int] = []
    opt.register_step_pre_hook(lambda *a: count.append(1))
    opt.step()
    assert count == [1]


def test_checkpoint_hooks() -> None:
    opt = Adam([param()])
    opt.step()
    log: list[str] = []
    opt.register_state_dict_pre_hook(lambda o: log.append("save"))
    opt.register_state_dict_post_hook(lambda o, s: {**s, "note": 1})
    opt.register_state_dict_post_hook(lambda o, s: log.append(f"note {'note' in s}"), prepend=True)
    state = opt.state_dict()
    assert state["note"] == 1 and log == ["save", "note False"]
    opt.register_load_state_dict_pre_hook(lambda o, s: {**s, "state": {}})
    opt.register_load_state_dict_post_hook(lambda o: log.append("loaded"))
    opt.load_state_dict(state)
    assert not opt.state and log[-1] == "loaded"


def test_lbfgs_goes_on_after_a_copy() -> None:
    p = param()
    opt = rt.optim.LBFGS([p], max_iter=2)
    p, opt = pickle.loads(pickle.dumps(copy.deepcopy([p, opt])))
    before = p.tolist()

    def closure() -> Any:
        opt.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    opt.step(closure)
    assert p.tolist() != before


def test_lbfgs_where_the_gradient_is_zero() -> None:
    p = nn.Parameter(rt.zeros(2))
    opt = rt.optim.LBFGS([p], tolerance_grad=-float("inf"))

    def closure() -> Any:
        opt.zero_grad()
        loss = (p**2).sum()
        loss.backward()
        return loss

    assert opt.step(closure).item() == 0 and p.tolist() == [0, 0]


def test_tensors_among_the_options_of_adam() -> None:
    one = rt.tensor(0.9)
    for options, text in (
        ({"lr": one, "foreach": True}, "lr as a Tensor is not supported"),
        ({"betas": (one, one), "foreach": True}, r"betas\[0\] as a Tensor is not supported"),
        ({"betas": (0.9, one)}, "betas must be either both floats or both Tensors"),
        ({"betas": (rt.ones(2) * 0.5, one)}, r"Tensor betas\[0\] must be 1-element"),
    ):
        with pytest.raises(ValueError, match=text):
            Adam([param()], **options)


def test_pickle_and_deepcopy() -> None:
    opt = Adam([param()])
    opt.step()
    for other in (pickle.loads(pickle.dumps(opt)), copy.deepcopy(opt)):
        (p,) = other.param_groups[0]["params"]
        assert p in other.state and p is not opt.param_groups[0]["params"][0]
        p.grad = rt.ones(1)
        other.step()
        assert other.state[p]["step"].item() == 2.0
    assert opt.state[opt.param_groups[0]["params"][0]]["step"].item() == 1.0


def test_state_in_tuples_is_loaded() -> None:
    """As optimizers of others keep it."""
    p = nn.Parameter(rt.zeros(2, dtype=rt.float64))
    optimizer = rt.optim.SGD([p], lr=0.1)
    saved = optimizer.state_dict()
    saved["state"][0] = {"pair": (rt.ones(2), 3), "list": [rt.ones(2)]}
    optimizer.load_state_dict(saved)
    pair = optimizer.state[p]["pair"]
    assert type(pair) is tuple and pair[0].dtype == rt.float64 and pair[1] == 3
    assert optimizer.state[p]["list"][0].dtype == rt.float64


def test_groups_without_gradients_are_passed_over() -> None:
    still, moved = nn.Parameter(rt.zeros(1)), nn.Parameter(rt.zeros(1))
    optimizer = rt.optim.Adam([{"params": [still]}, {"params": [moved]}], lr=0.5)
    moved.grad = rt.ones(1)
    optimizer.step()
    assert still.item() == 0 and moved.item() == pytest.approx(-0.5) and still not in optimizer.state
