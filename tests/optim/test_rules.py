"""The optimizers whose step is written with ops: first steps, derivatives of steps, states."""

from __future__ import annotations

from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.optim import LBFGS

# The first step from zero state at p = 1, g = 2 (by hand from the papers' rules).
FIRST_STEPS: dict[str, tuple[dict[str, Any], float]] = {
    "Adadelta": ({"rho": 0.5, "eps": 2.0}, 1 - 2 * (2 / 4) ** 0.5),
    "Adafactor": ({"lr": 0.25, "d": 2.0}, 0.75),
    "Adagrad": ({"lr": 0.5, "initial_accumulator_value": 12.0}, 0.75),
    "Adamax": ({"lr": 0.5}, 0.5),
    "ASGD": ({"lr": 0.25, "lambd": 0.4}, 0.4),
    "NAdam": ({"lr": 1.0, "betas": (0.5, 0.9), "momentum_decay": 0.0}, 1 - 0.75 / 0.75 - 0.25 / 0.9375 / 2),
    "RAdam": ({"lr": 0.25}, 0.5),
    "RMSprop": ({"lr": 0.5, "alpha": 0.75, "eps": 1.0}, 0.5),
    "Rprop": ({"lr": 0.25}, 0.75),
}
TRAINED: dict[str, dict[str, Any]] = {
    "Adadelta": {"lr": 5.0},
    "Adafactor": {"lr": 0.1},
    "Adagrad": {"lr": 0.1},
    "Adamax": {"lr": 0.05},
    "ASGD": {"lr": 0.3},
    "NAdam": {"lr": 0.02},
    "RAdam": {"lr": 0.05},
    "RMSprop": {"lr": 0.01, "momentum": 0.5, "centered": True},
    "Rprop": {},
}


def make(name: str, params: Any, **options: Any) -> Any:
    return getattr(rt.optim, name)(params, **options)


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_first_step(name: str) -> None:
    options, expected = FIRST_STEPS[name]
    p = nn.Parameter(rt.ones(1, dtype=rt.float64))
    p.grad = rt.full((1,), 2.0, dtype=rt.float64)
    make(name, [p], **options).step()
    assert p.item() == pytest.approx(expected, rel=1e-6)
    assert p.grad.item() == 2.0


@pytest.mark.parametrize("name", FIRST_STEPS)
def test_maximize_goes_the_other_way(name: str) -> None:
    ends = []
    for sign in (1.0, -1.0):
        p = nn.Parameter(rt.ones(2, 3))
        p.grad = rt.full((2, 3), sign)
        make(name, [p], maximize=sign < 0).step()
        ends.append(p.detach())
    assert (ends[0] == ends[1]).all()


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("dtype", [rt.float32, rt.bfloat16], ids=str)
def test_training_lowers_the_loss(name: str, dtype: Any) -> None:
    rt.manual_seed(0)
    x = rt.randn(32, 4, dtype=dtype)
    y = x @ rt.tensor([[1.0], [-2.0], [0.5], [3.0]], dtype=dtype)
    net = nn.Linear(4, 1, dtype=dtype)
    opt = make(name, net.parameters(), **TRAINED[name])
    losses = []
    for _ in range(80):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]


DIFFERENTIABLE: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.2},
    "Adam": {"lr": 0.1, "weight_decay": 0.1, "amsgrad": True},
    "AdamW": {"lr": 0.1, "betas": (0.5, 0.8)},
    "Adadelta": {"weight_decay": 0.1, "eps": 1e-2},
    "Adagrad": {"lr": 0.3, "lr_decay": 0.1},
    "Adamax": {"lr": 0.1},
    "ASGD": {"lr": 0.2, "t0": 1},
    "NAdam": {"lr": 0.1, "weight_decay": 0.1, "decoupled_weight_decay": True},
    "RAdam": {"lr": 0.1, "betas": (0.5, 0.99)},
    "RMSprop": {"lr": 0.1, "momentum": 0.9, "centered": True, "eps": 1e-2},
    "Rprop": {"lr": 0.1},
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_through_two_steps(name: str) -> None:
    rt.manual_seed(0)
    start, first, second = (rt.rand(4, dtype=rt.float64, requires_grad=True) for _ in range(3))

    def after_two(start: Any, first: Any, second: Any) -> Any:
        p = start.clone()
        opt = make(name, [p], differentiable=True, **DIFFERENTIABLE[name])
        for g in (first, second):
            p.grad = g
            opt.step()
        return p

    assert rt.autograd.gradcheck(after_two, (start, first, second))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
def test_gradient_of_the_options(name: str) -> None:
    lr, decay = (rt.tensor(v, dtype=rt.float64, requires_grad=True) for v in (0.1, 0.2))
    betas = tuple(rt.tensor(v, dtype=rt.float64, requires_grad=True) for v in (0.8, 0.9))
    gradients = rt.tensor([[1.0, -2.0], [0.5, 1.0]], dtype=rt.float64)

    def run(lr: Any, decay: Any, *betas: Any) -> Any:
        p = rt.ones(2, dtype=rt.float64, requires_grad=True).clone()
        more = {"betas": betas} if betas else {"momentum": 0.5}
        opt = make(name, [p], lr=lr, weight_decay=decay, differentiable=True, **more)
        for g in gradients:
            p.grad = g
            opt.step()
        return p

    assert rt.autograd.gradcheck(run, (lr, decay, *(betas if name != "SGD" else ())))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_recorded_step_is_the_step(name: str) -> None:
    ends = []
    for differentiable in (False, True):
        p = rt.tensor([1.0, -2.0, 0.5], dtype=rt.float64, requires_grad=True)
        q = p.clone() if differentiable else p
        opt = make(name, [q], differentiable=differentiable, **DIFFERENTIABLE[name])
        for g in ([1.0, 2.0, -0.5], [0.5, -1.0, -1.0], [0.25, -1.0, 2.0]):
            q.grad = rt.tensor(g, dtype=rt.float64)
            opt.step()
        ends.append(q.detach())
    assert rt.allclose(*ends, rtol=1e-9)


def test_asgd_averages_what_follows_t0() -> None:
    p = nn.Parameter(rt.zeros(1, dtype=rt.float64))
    opt = make("ASGD", [p], lr=1.0, lambd=0.0, t0=1)
    places = []
    for _ in range(4):
        p.grad = -rt.ones(1, dtype=rt.float64)
        opt.step()
        places.append(p.item())
    assert opt.state[p]["ax"].item() == pytest.approx(sum(places[2:]) / 2)


def test_numbers_in_old_checkpoints_become_tensors() -> None:
    p = nn.Parameter(rt.ones(2))
    opt = make("NAdam", [p])
    p.grad = rt.ones(2)
    opt.step()
    state = opt.state_dict()
    state["state"][0].update(step=1, mu_product=0.5)
    opt.load_state_dict(state)
    assert (opt.state[p]["step"].item(), opt.state[p]["mu_product"].item()) == (1.0, 0.5)
    opt.step()
    assert opt.state[p]["step"].item() == 2.0


def test_lbfgs_finds_the_minimum_of_a_valley() -> None:
    x = nn.Parameter(rt.tensor([-1.2, 1.0], dtype=rt.float64))
    frozen = nn.Parameter(rt.zeros(2, dtype=rt.float64))
    opt = LBFGS([x, frozen], max_iter=60, line_search_fn="strong_wolfe")

    def rosenbrock() -> Any:
        opt.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    assert opt.step(rosenbrock).item() == pytest.approx(24.2)
    assert rosenbrock().item() < 1e-8
    assert frozen.tolist() == [0.0, 0.0]
    assert opt.state[x]["func_evals"] <= 75


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_lbfgs_ends_where_the_loss_is_no_number(loss: float) -> None:
    x = nn.Parameter(rt.ones(2))
    opt = LBFGS([x], line_search_fn="strong_wolfe")

    def closure() -> Any:
        opt.zero_grad()
        value = (x * x).sum() * loss
        value.backward()
        return value

    opt.step(closure)
    assert opt.state[x]["func_evals"] <= 26


def test_errors() -> None:
    p = nn.Parameter(rt.ones(2))
    with pytest.raises(TypeError, match="closure"):
        LBFGS([p]).step()
    with pytest.raises(ValueError, match="2D parameters"):
        make("Muon", [p])
    with pytest.raises(RuntimeError, match="differentiable"):
        make("Adam", [p], fused=True, differentiable=True)
    with pytest.raises(NotImplementedError, match="capturable"):
        make("RMSprop", [p], capturable=True)
