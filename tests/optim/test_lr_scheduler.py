"""Schedules against closed formulas; chaining, resuming, order of calls."""

from __future__ import annotations

import math
import warnings
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.optim import SGD, Adam
from rustorch.optim import lr_scheduler as lrs


def optimizer(lr: Any = 1.0, groups: int = 1, **options: Any) -> SGD:
    params = [{"params": nn.Parameter(rt.zeros(1)), "lr": lr / 10**i} for i in range(groups)]
    return SGD(params, lr=lr, **options)


def run(opt: Any, schedule: Any, epochs: int, **kwargs: Any) -> list[float]:
    out = []
    for _ in range(epochs):
        out.append(float(opt.param_groups[0]["lr"]))
        opt.step()
        schedule.step(**kwargs)
    return out


FORMULAS: dict[str, tuple[Any, Any]] = {
    "StepLR": (lambda o: lrs.StepLR(o, 3, 0.5), lambda e: 0.5 ** (e // 3)),
    "MultiStepLR": (
        lambda o: lrs.MultiStepLR(o, [2, 5, 5], 0.5),
        lambda e: 0.5 ** ((e >= 2) + 2 * (e >= 5)),
    ),
    "ExponentialLR": (lambda o: lrs.ExponentialLR(o, 0.9), lambda e: 0.9**e),
    "ConstantLR": (lambda o: lrs.ConstantLR(o, 0.25, 4), lambda e: 0.25 if e < 4 else 1.0),
    "LinearLR": (
        lambda o: lrs.LinearLR(o, 0.2, 0.8, 5),
        lambda e: 0.2 + 0.6 * min(e, 5) / 5,
    ),
    "PolynomialLR": (lambda o: lrs.PolynomialLR(o, 6, 2.0), lambda e: (1 - min(e, 6) / 6) ** 2),
    "CosineAnnealingLR": (
        lambda o: lrs.CosineAnnealingLR(o, 4, 0.1),
        lambda e: 0.1 + 0.9 * (1 + math.cos(math.pi * e / 4)) / 2,
    ),
    "CosineAnnealingWarmRestarts": (
        lambda o: lrs.CosineAnnealingWarmRestarts(o, 3, eta_min=0.1),
        lambda e: 0.1 + 0.9 * (1 + math.cos(math.pi * (e % 3) / 3)) / 2,
    ),
    "LambdaLR": (lambda o: lrs.LambdaLR(o, lambda e: 1 / (1 + e)), lambda e: 1 / (1 + e)),
    "MultiplicativeLR": (lambda o: lrs.MultiplicativeLR(o, lambda e: 0.8), lambda e: 0.8**e),
    "CyclicLR": (
        lambda o: lrs.CyclicLR(o, 0.1, 1.1, 2, 3, cycle_momentum=False),
        lambda e: 0.1 + [0, 0.5, 1, 2 / 3, 1 / 3][e % 5],
    ),
    "OneCycleLR": (
        lambda o: lrs.OneCycleLR(
            o,
            1.0,
            10,
            pct_start=0.5,
            anneal_strategy="linear",
            div_factor=4,
            final_div_factor=5,
            cycle_momentum=False,
        ),
        lambda e: 0.25 + 0.75 * e / 4 if e <= 4 else 1 - 0.95 * (e - 4) / 5,
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_formula(name: str) -> None:
    make, formula = FORMULAS[name]
    opt = optimizer()
    schedule = make(opt)
    assert run(opt, schedule, 10) == pytest.approx([formula(e) for e in range(10)], abs=1e-12)
    assert schedule.get_last_lr() == [opt.param_groups[0]["lr"]]
    assert schedule.last_epoch == 10


@pytest.mark.parametrize("name", FORMULAS)
def test_rates_kept_in_tensors_change_in_place(name: str) -> None:
    make, formula = FORMULAS[name]
    opt = SGD([nn.Parameter(rt.zeros(1))], lr=rt.tensor(1.0))
    rate = opt.param_groups[0]["lr"]
    schedule = make(opt)
    assert run(opt, schedule, 4) == pytest.approx([formula(e) for e in range(4)], abs=1e-6)
    assert opt.param_groups[0]["lr"] is rate


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"MultiplicativeLR", "OneCycleLR", "CyclicLR"}))
def test_going_to_an_epoch(name: str) -> None:
    make, formula = FORMULAS[name]
    opt = optimizer()
    schedule = make(opt)
    opt.step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schedule.step(4)
    assert opt.param_groups[0]["lr"] == pytest.approx(formula(4))


@pytest.mark.parametrize("name", FORMULAS)
def test_state_dict_continues(name: str) -> None:
    make, formula = FORMULAS[name]
    opt = optimizer()
    schedule = make(opt)
    run(opt, schedule, 3)
    other = optimizer()
    continued = make(other)
    other.load_state_dict(opt.state_dict())
    state = schedule.state_dict()
    assert "optimizer" not in state
    continued.load_state_dict(state)
    assert run(other, continued, 4) == pytest.approx([formula(e) for e in range(3, 7)], abs=1e-12)


RESUMED: dict[str, Any] = {
    "ExponentialLR": lambda o, e: lrs.ExponentialLR(o, 0.9, e),
    "PolynomialLR": lambda o, e: lrs.PolynomialLR(o, 6, 2.0, e),
    "CosineAnnealingLR": lambda o, e: lrs.CosineAnnealingLR(o, 4, 0.1, e),
    "WarmRestarts": lambda o, e: lrs.CosineAnnealingWarmRestarts(o, 2, 2, 0.1, e),
    "LambdaLR": lambda o, e: lrs.LambdaLR(o, lambda k: 1 / (1 + k), e),
    "MultiplicativeLR": lambda o, e: lrs.MultiplicativeLR(o, lambda k: 0.8, e),
}


@pytest.mark.parametrize("stop", [1, 4, 7])
@pytest.mark.parametrize("name", RESUMED)
def test_resuming_by_last_epoch(name: str, stop: int) -> None:
    opt, other = optimizer(), optimizer()
    whole = run(opt, RESUMED[name](opt, -1), 12)
    run(other, RESUMED[name](other, -1), stop)
    again = run(other, RESUMED[name](other, stop - 1), 5)
    assert again == pytest.approx(whole[stop : stop + 5])


def test_groups_have_their_own_rates() -> None:
    opt = optimizer(1.0, groups=2)
    schedule = lrs.LambdaLR(opt, [lambda e: 1.0, lambda e: 0.5**e])
    run(opt, schedule, 2)
    assert schedule.get_last_lr() == pytest.approx([1.0, 0.025])
    with pytest.raises(ValueError, match="same length"):
        lrs.LambdaLR(opt, [lambda e: 1.0])


class Halve:
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def __call__(self, epoch: int) -> float:
        return self.factor**epoch


def test_state_of_callable_objects_is_saved() -> None:
    a = lrs.LambdaLR(optimizer(), Halve(0.5))
    b = lrs.LambdaLR(optimizer(), Halve(0.9))
    b.load_state_dict(a.state_dict())
    assert b.lr_lambdas[0].factor == 0.5
    plain = lrs.LambdaLR(optimizer(), lambda e: 1.0)
    assert plain.state_dict()["lr_lambdas"] == [None]


def test_warm_restarts_with_growing_periods() -> None:
    opt = optimizer()
    schedule = lrs.CosineAnnealingWarmRestarts(opt, 2, 2)
    rates = run(opt, schedule, 7)
    assert [i for i, r in enumerate(rates) if r == 1.0] == [0, 2, 6]
    schedule.step(2.5)
    assert schedule.get_last_lr()[0] == pytest.approx((1 + math.cos(math.pi * 0.5 / 4)) / 2)
    schedule.step(1)
    assert schedule.get_last_lr()[0] == pytest.approx(0.5)
    flat = lrs.CosineAnnealingWarmRestarts(optimizer(), 2)
    flat.step(5)
    assert flat.get_last_lr()[0] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="non-negative"):
        flat.step(-1)


def test_momentum_goes_the_other_way() -> None:
    opt = optimizer(momentum=0.9)
    schedule = lrs.CyclicLR(opt, 0.0, 1.0, 2)
    seen = []
    for _ in range(5):
        seen.append(opt.param_groups[0]["momentum"])
        opt.step()
        schedule.step()
    assert seen == pytest.approx([0.9, 0.85, 0.8, 0.85, 0.9])
    adam = Adam([nn.Parameter(rt.zeros(1))])
    lrs.OneCycleLR(adam, 1.0, 10)
    assert adam.param_groups[0]["betas"] == (0.95, 0.999)
    for make in (lambda o: lrs.CyclicLR(o, 0.1, 1.0), lambda o: lrs.OneCycleLR(o, 1.0, 10)):
        opt = optimizer()
        del opt.defaults["momentum"]
        with pytest.raises(ValueError, match="momentum or beta1"):
            make(opt)


@pytest.mark.parametrize(
    ("options", "heights"),
    [
        ({"mode": "triangular2"}, [1, 0.5, 0.25]),
        ({"mode": "exp_range", "gamma": 0.5}, [0.5, 0.125, 0.03125]),
        ({"scale_fn": lambda c: 1 / c}, [1, 0.5, 1 / 3]),
        ({"scale_fn": lambda i: i, "scale_mode": "iterations"}, [1, 3, 5]),
    ],
)
def test_heights_of_cycles(options: dict[str, Any], heights: list[float]) -> None:
    opt = optimizer()
    schedule = lrs.CyclicLR(opt, 0.0, 1.0, 1, cycle_momentum=False, **options)
    assert run(opt, schedule, 6)[1::2] == pytest.approx(heights)
    assert "_custom_scale" not in schedule.state_dict()


def test_one_cycle_in_three_phases_and_its_end() -> None:
    opt = optimizer()
    schedule = lrs.OneCycleLR(
        opt,
        1.0,
        epochs=2,
        steps_per_epoch=6,
        pct_start=0.25,
        three_phase=True,
        div_factor=4,
        cycle_momentum=False,
    )
    rates = run(opt, schedule, 12)
    assert rates[0] == pytest.approx(0.25) and rates[2] == pytest.approx(1.0)
    assert rates[4] == pytest.approx(0.25) and rates[11] == pytest.approx(0.25e-4)
    with pytest.raises(ValueError, match="Tried to step"):
        schedule.step()


def test_plateau() -> None:
    opt = optimizer()
    schedule = lrs.ReduceLROnPlateau(opt, factor=0.5, patience=1, cooldown=1, min_lr=0.2)
    rates = []
    for metric in [1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]:
        schedule.step(metric)
        rates.append(opt.param_groups[0]["lr"])
    # Two bad epochs halve the rate, then one passes uncounted.
    assert rates == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]
    assert schedule.get_last_lr() == [0.2] and schedule.best == 0.5
    state = schedule.state_dict()
    other = lrs.ReduceLROnPlateau(optimizer())
    other.load_state_dict(state)
    assert other.patience == 1


@pytest.mark.parametrize(
    ("mode", "threshold_mode", "better", "worse"),
    [
        ("min", "rel", 0.85, 0.95),
        ("min", "abs", 0.85, 0.95),
        ("max", "rel", 1.15, 1.05),
        ("max", "abs", 1.15, 1.05),
    ],
)
def test_plateau_thresholds(mode: str, threshold_mode: str, better: float, worse: float) -> None:
    schedule = lrs.ReduceLROnPlateau(
        optimizer(), mode=mode, threshold=0.1, threshold_mode=threshold_mode, patience=0
    )
    schedule.step(rt.tensor(1.0))
    schedule.step(worse)
    assert schedule.get_last_lr()[0] == pytest.approx(0.1)
    schedule.step(better)
    assert schedule.best == better and schedule.get_last_lr()[0] == pytest.approx(0.1)


def test_sequence() -> None:
    opt = optimizer()
    schedule = lrs.SequentialLR(
        opt, [lrs.ConstantLR(opt, 0.1, 2), lrs.ExponentialLR(opt, 0.5)], milestones=[3]
    )
    assert run(opt, schedule, 6) == pytest.approx([0.1, 0.1, 1.0, 1.0, 0.5, 0.25])
    assert schedule.get_last_lr() == [opt.param_groups[0]["lr"]]
    other = optimizer()
    continued = lrs.SequentialLR(
        other, [lrs.ConstantLR(other, 0.1, 2), lrs.ExponentialLR(other, 0.5)], milestones=[3]
    )
    other.load_state_dict(opt.state_dict())
    continued.load_state_dict(schedule.state_dict())
    assert run(other, continued, 2) == pytest.approx(run(opt, schedule, 2))


def test_chain() -> None:
    opt = optimizer()
    schedule = lrs.ChainedScheduler([lrs.ConstantLR(opt, 0.1, 2), lrs.ExponentialLR(opt, 0.5)])
    assert run(opt, schedule, 4) == pytest.approx([0.1, 0.05, 0.25, 0.125])
    assert schedule.state_dict()["_schedulers"][0]["factor"] == 0.1
    assert schedule.get_last_lr() == [0.0625]


def test_wrong_arguments() -> None:
    opt, other = optimizer(), optimizer()
    step = lrs.StepLR(opt, 1)
    plateau = lrs.ReduceLROnPlateau(opt)
    cases: list[tuple[Any, type[Exception]]] = [
        (lambda: lrs.StepLR(3, 1), TypeError),
        (lambda: lrs.StepLR(other, 1, last_epoch=2), KeyError),
        (lambda: lrs.ConstantLR(opt, 2.0), ValueError),
        (lambda: lrs.LinearLR(opt, 0.0), ValueError),
        (lambda: lrs.LinearLR(opt, 0.5, 2.0), ValueError),
        (lambda: lrs.CosineAnnealingWarmRestarts(opt, 0), ValueError),
        (lambda: lrs.CosineAnnealingWarmRestarts(opt, 2, 0), ValueError),
        (lambda: lrs.CosineAnnealingWarmRestarts(opt, 2, eta_min="x"), ValueError),
        (lambda: lrs.CyclicLR(3, 0.1, 1.0), TypeError),
        (lambda: lrs.CyclicLR(opt, 0.1, 1.0, mode="x"), ValueError),
        (lambda: lrs.OneCycleLR(3, 1.0, 5), TypeError),
        (lambda: lrs.OneCycleLR(opt, 1.0), ValueError),
        (lambda: lrs.OneCycleLR(opt, 1.0, -1), ValueError),
        (lambda: lrs.OneCycleLR(opt, 1.0, epochs=0, steps_per_epoch=1), ValueError),
        (lambda: lrs.OneCycleLR(opt, 1.0, epochs=1, steps_per_epoch=0), ValueError),
        (lambda: lrs.OneCycleLR(opt, 1.0, 5, pct_start=2.0), ValueError),
        (lambda: lrs.OneCycleLR(opt, 1.0, 5, anneal_strategy="x"), ValueError),
        (lambda: lrs.ReduceLROnPlateau(3), TypeError),
        (lambda: lrs.ReduceLROnPlateau(opt, factor=1.0), ValueError),
        (lambda: lrs.ReduceLROnPlateau(opt, mode="x"), ValueError),
        (lambda: lrs.ReduceLROnPlateau(opt, threshold_mode="x"), ValueError),
        (lambda: lrs.ReduceLROnPlateau(opt, min_lr=[1, 2]), ValueError),
        (lambda: lrs.SequentialLR(opt, [], []), ValueError),
        (lambda: lrs.SequentialLR(opt, [3], []), TypeError),
        (lambda: lrs.SequentialLR(opt, [plateau], []), ValueError),
        (lambda: lrs.SequentialLR(other, [step], []), ValueError),
        (lambda: lrs.SequentialLR(opt, [step], [1]), ValueError),
        (lambda: lrs.ChainedScheduler([]), ValueError),
        (lambda: lrs.ChainedScheduler([step, 3]), TypeError),
        (lambda: lrs.ChainedScheduler([plateau]), ValueError),
        (lambda: lrs.ChainedScheduler([step, lrs.StepLR(other, 1)]), ValueError),
        (lambda: lrs.LRScheduler(opt), NotImplementedError),
    ]
    for call, error in cases:
        with pytest.raises(error):
            call()
    opt.add_param_group({"params": nn.Parameter(rt.zeros(1))})
    for _ in range(11):
        plateau.step(1.0)
    with pytest.raises(RuntimeError, match="number of param groups"):
        plateau.step(1.0)


def test_order_of_calls_is_watched() -> None:
    opt = optimizer()
    schedule = lrs.StepLR(opt, 1)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    opt = optimizer()
    schedule = lrs.StepLR(opt, 1)
    opt.step = lambda: None  # type: ignore[method-assign]
    with pytest.warns(UserWarning, match="has been overridden"):
        schedule.step()
    opt = optimizer()
    schedule = lrs.StepLR(opt, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opt.step()
        schedule.step()
    with pytest.warns(UserWarning, match="use `get_last_lr"):
        schedule.get_lr()


def test_plateau_has_a_least_rate_for_each_group() -> None:
    groups = [{"params": [nn.Parameter(rt.zeros(1))], "lr": 1.0} for _ in range(2)]
    optimizer = rt.optim.SGD(groups)
    schedule = lrs.ReduceLROnPlateau(optimizer, factor=0.1, patience=0, min_lr=[0.5, 0.01])
    for _ in range(6):
        schedule.step(1.0)
    assert schedule.get_last_lr() == [0.5, pytest.approx(0.01)]
