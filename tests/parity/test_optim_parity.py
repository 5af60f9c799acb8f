"""Optimizers and schedules against torch: trajectories, checkpoints both ways, printing, errors."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import rustorch as rt

from .bridge import array

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SHAPES = [(3, 4), (5,), ()]

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    *(
        ("SGD", {"lr": 0.1, "momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x})
        for m, d, w, n, x in itertools.product((0, 0.9), (0, 0.3), (0, 0.1), (False, True), (False, True))
        if not n or (m and not d)
    ),
    *(
        (name, {"lr": 0.1, "betas": (0.8, 0.95), "weight_decay": w, "amsgrad": a, "maximize": x})
        for name, w, a, x in itertools.product(("Adam", "AdamW"), (0, 0.1), (False, True), (False, True))
    ),
    ("SGD", {}),
    ("Adam", {}),
    ("AdamW", {}),
    ("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    *(
        (name, {**options, "lr": 0.1, "weight_decay": w, "maximize": x})
        for name, options in (
            ("Adadelta", {"rho": 0.8, "eps": 1e-3}),
            ("Adafactor", {"beta2_decay": -0.6, "eps": (1e-20, 1e-2), "d": 1.2}),
            ("Adagrad", {"lr_decay": 0.5, "initial_accumulator_value": 0.1}),
            ("Adamax", {"betas": (0.8, 0.95)}),
            ("ASGD", {"lambd": 0.1, "t0": 2}),
            ("NAdam", {"momentum_decay": 0.1}),
            ("NAdam", {"decoupled_weight_decay": True}),
            ("RAdam", {"betas": (0.8, 0.6)}),
            ("RAdam", {"decoupled_weight_decay": True, "betas": (0.8, 0.99)}),
            ("RMSprop", {"alpha": 0.7}),
            ("RMSprop", {"centered": True}),
            ("RMSprop", {"centered": True, "momentum": 0.9}),
        )
        for w, x in ((0, False), (0.1, True))
    ),
    *(("Rprop", {"lr": 0.1, "etas": (0.4, 1.5), "step_sizes": (0.05, 0.2), "maximize": x}) for x in (0, 1)),
    *((name, {}) for name in ("Adadelta", "Adafactor", "Adagrad", "Adamax", "ASGD")),
    *((name, {}) for name in ("NAdam", "RAdam", "RMSprop", "Rprop")),
]
each = pytest.mark.parametrize(("name", "options"), OPTIONS, ids=lambda v: str(v).replace(" ", ""))


def make(t: Any, name: str, options: dict[str, Any]) -> tuple[list[Any], Any]:
    rng = np.random.default_rng(0)
    params = [t.nn.Parameter(t.tensor(rng.normal(size=s))) for s in SHAPES]
    return params, getattr(t.optim, name)([{"params": params[:2]}, {"params": params[2:]}], **options)


def advance(t: Any, params: list[Any], opt: Any, seed: int, steps: int = 4) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        for p in params:
            p.grad = t.tensor(rng.normal(size=tuple(p.shape)))
        opt.step()


def close(ours: list[Any], theirs: list[Any], rtol: float = 1e-9) -> None:
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(array(a), array(b), rtol=rtol, atol=1e-3 * rtol)


@each
def test_trajectory(name: str, options: dict[str, Any]) -> None:
    ours, a = make(rt, name, options)
    theirs, b = make(torch, name, options)
    assert repr(a) == repr(b)
    advance(rt, ours, a, 1)
    advance(torch, theirs, b, 1)
    close(ours, theirs)


COMPLEX = [c for c in OPTIONS if c[0] != "Adafactor" and c[1].get("maximize", True)]


@pytest.mark.parametrize(("name", "options"), COMPLEX, ids=lambda v: str(v).replace(" ", ""))
def test_complex_parameters(name: str, options: dict[str, Any]) -> None:
    ends = []
    for t in (rt, torch):
        rng = np.random.default_rng(0)
        p = t.nn.Parameter(t.tensor(rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))))
        opt = getattr(t.optim, name)([p], **options)
        for _ in range(4):
            p.grad = t.tensor(rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2)))
            opt.step()
        ends.append(p)
    close(ends[:1], ends[1:])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"lr": 0.5, "momentum": 0.7, "weight_decay": 0.3},
        {"nesterov": False, "ns_steps": 3, "ns_coefficients": (2.0, -1.5, 0.5)},
        {"adjust_lr_fn": "match_rms_adamw"},
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(4, 6), (6, 4)])
def test_muon(options: dict[str, Any], shape: tuple[int, int]) -> None:
    ends = []
    for t in (rt, torch):
        rng = np.random.default_rng(0)
        p = t.nn.Parameter(t.tensor(rng.normal(size=shape)))
        opt = t.optim.Muon([p], **options)
        for _ in range(3):
            p.grad = t.tensor(rng.normal(size=shape))
            opt.step()
        ends.append(array(p))
    # The iteration runs in bfloat16, whose sums differ in their last bits.
    np.testing.assert_allclose(*ends, atol=0.05 * options.get("lr", 0.001) * 3)


@pytest.mark.parametrize(
    "options",
    [
        {"lr": 0.01, "max_iter": 30},
        {"line_search_fn": "strong_wolfe"},
        {"line_search_fn": "strong_wolfe", "history_size": 2, "max_iter": 12, "lr": 3.0},
        {"line_search_fn": "strong_wolfe", "max_eval": 9},
        {"lr": 0.1, "tolerance_grad": 1.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("start", [(-1.2, 1.0), (1.5, -2.0)])
def test_lbfgs(options: dict[str, Any], start: tuple[float, float]) -> None:
    tracks = []
    for t in (rt, torch):
        x = t.nn.Parameter(t.tensor([start[0]], dtype=t.float64))
        y = t.nn.Parameter(t.tensor(start[1], dtype=t.float64))
        opt = t.optim.LBFGS([x, y], **options)

        def rosenbrock(x: Any = x, y: Any = y, opt: Any = opt) -> Any:
            opt.zero_grad()
            loss = ((1 - x) ** 2 + 10 * (y - x * x) ** 2).sum()
            loss.backward()
            return loss

        track = []
        for _ in range(3):
            track += [opt.step(rosenbrock).item(), x.item(), y.item()]
            track += [opt.state[x]["func_evals"], opt.state[x]["n_iter"]]
        tracks.append(track)
    np.testing.assert_allclose(*tracks, rtol=1e-6, atol=1e-9)


def carried(value: Any, to: Any) -> Any:
    """A state dict with its tensors in the other library."""
    if isinstance(value, dict):
        return {k: carried(v, to) for k, v in value.items()}
    if isinstance(value, list):
        return [carried(v, to) for v in value]
    return to.tensor(array(value)) if hasattr(value, "detach") else value


@each
def test_checkpoints_interchange(name: str, options: dict[str, Any]) -> None:
    theirs, b = make(torch, name, options)
    advance(torch, theirs, b, 1)
    ours, a = make(rt, name, options)
    for p, q in zip(ours, theirs):
        p.data = rt.tensor(array(q))
    a.load_state_dict(carried(b.state_dict(), rt))
    advance(rt, ours, a, 2)
    advance(torch, theirs, b, 2)
    # Loading casts their numbers, float32 until then, to the parameter's float64.
    casts = name in ("ASGD", "NAdam")
    rtol = 1e-5 if casts else 1e-9
    close(ours, theirs, rtol)

    mine, yours = a.state_dict(), b.state_dict()
    assert mine["param_groups"] == yours["param_groups"]
    assert list(mine["state"]) == list(yours["state"])
    for i, state in yours["state"].items():
        assert list(mine["state"][i]) == list(state)
        for key, value in state.items():
            got = mine["state"][i][key]
            assert casts or str(got.dtype).split(".")[1] == str(value.dtype).split(".")[1]
            np.testing.assert_allclose(array(got), array(value), rtol=rtol, atol=1e-3 * rtol)
    back, c = make(torch, name, options)
    c.load_state_dict(carried(mine, torch))
    for p, q in zip(back, theirs):
        p.data = q.data.clone()
    advance(torch, back, c, 3)
    advance(torch, theirs, b, 3)
    close(back, theirs, rtol)


def owner(schedules: Any) -> Any:
    return rt.optim if schedules is rt.optim.lr_scheduler else torch.optim


SCHEDULES: dict[str, Any] = {
    "StepLR": lambda s, o: s.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [2, 5, 5], 0.5),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.25, 4),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.8, 5),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 6, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 4, 0.001),
    "WarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 2, 2, 0.001),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda e: 1 / (1 + e), lambda e: 0.5**e]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.8),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.1, [1.1, 2.0], 2, 3),
    "CyclicLR-triangular2": lambda s, o: s.CyclicLR(o, 0.1, 1.1, 2, mode="triangular2"),
    "CyclicLR-exp": lambda s, o: s.CyclicLR(o, 0.1, 1.1, 2, mode="exp_range", gamma=0.9),
    "SWALR": lambda s, o: owner(s).swa_utils.SWALR(o, [0.05, 0.2], 5),
    "SWALR-linear": lambda s, o: owner(s).swa_utils.SWALR(o, 0.05, 0, "linear"),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, [1.0, 2.0], 20),
    "OneCycleLR-three": lambda s, o: s.OneCycleLR(o, 1.0, 20, three_phase=True, anneal_strategy="linear"),
    "Sequential": lambda s, o: s.SequentialLR(
        o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.5), s.StepLR(o, 2)], [3, 7]
    ),
    "Sequential-linear-cosine": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=3), s.CosineAnnealingLR(o, 6)], [3]
    ),
    "Chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.5)]),
}


def rates(opt: Any) -> list[Any]:
    return [(float(g["lr"]), g["momentum"] if "momentum" in g else g["betas"][0]) for g in opt.param_groups]


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name: str, optimizer: str) -> None:
    options = {"lr": 0.3, **({"momentum": 0.9} if optimizer == "SGD" else {})}
    _, a = make(rt, optimizer, options)
    _, b = make(torch, optimizer, options)
    b.param_groups[1]["lr"] = a.param_groups[1]["lr"] = 0.7
    ours = SCHEDULES[name](rt.optim.lr_scheduler, a)
    theirs = SCHEDULES[name](torch.optim.lr_scheduler, b)
    for epoch in range(15):
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12, atol=1e-15, err_msg=str(epoch))
        np.testing.assert_allclose(ours.get_last_lr(), theirs.get_last_lr(), rtol=1e-12, atol=1e-15)
        a.step()
        b.step()
        ours.step()
        theirs.step()
    assert getattr(ours, "last_epoch", None) == getattr(theirs, "last_epoch", None)


@pytest.mark.parametrize(
    "name", ["StepLR", "MultiStepLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"]
)
def test_schedule_to_a_given_epoch(name: str) -> None:
    _, a = make(rt, "SGD", {"lr": 0.3})
    _, b = make(torch, "SGD", {"lr": 0.3})
    ours = SCHEDULES[name](rt.optim.lr_scheduler, a)
    theirs = SCHEDULES[name](torch.optim.lr_scheduler, b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in (3, 1, 5):
            ours.step(epoch)
            theirs.step(epoch)
            np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12)


RESUMED: dict[str, Any] = {
    "StepLR": lambda s, o, e: s.StepLR(o, 3, 0.5, e),
    "MultiStepLR": lambda s, o, e: s.MultiStepLR(o, [2, 5, 5], 0.5, e),
    "ExponentialLR": lambda s, o, e: s.ExponentialLR(o, 0.9, e),
    "ConstantLR": lambda s, o, e: s.ConstantLR(o, 0.25, 4, e),
    "LinearLR": lambda s, o, e: s.LinearLR(o, 0.2, 0.8, 5, e),
    "PolynomialLR": lambda s, o, e: s.PolynomialLR(o, 6, 2.0, e),
    "CosineAnnealingLR": lambda s, o, e: s.CosineAnnealingLR(o, 4, 0.001, e),
    # torch loses count of periods that grow: that case is in tests/optim.
    "WarmRestarts": lambda s, o, e: s.CosineAnnealingWarmRestarts(o, 2, 1, 0.001, e),
    "LambdaLR": lambda s, o, e: s.LambdaLR(o, lambda k: 1 / (1 + k), e),
    "MultiplicativeLR": lambda s, o, e: s.MultiplicativeLR(o, lambda k: 0.8, e),
}


@pytest.mark.parametrize("stop", [1, 2, 4, 5, 7])
@pytest.mark.parametrize("name", RESUMED)
def test_resumed_schedule(name: str, stop: int) -> None:
    seen = []
    for t in (rt, torch):
        _, opt = make(t, "SGD", {"lr": 0.3})
        schedule = RESUMED[name](t.optim.lr_scheduler, opt, -1)
        for _ in range(stop):
            opt.step()
            schedule.step()
        resumed = RESUMED[name](t.optim.lr_scheduler, opt, stop - 1)
        track = [rates(opt)]
        for _ in range(5):
            opt.step()
            resumed.step()
            track.append(rates(opt))
        seen.append(track)
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateau(mode: str, threshold_mode: str) -> None:
    options = {
        "mode": mode,
        "threshold_mode": threshold_mode,
        "factor": 0.5,
        "patience": 1,
        "cooldown": 1,
        "threshold": 0.05,
        "min_lr": 0.02,
    }
    _, a = make(rt, "SGD", {"lr": 0.3})
    _, b = make(torch, "SGD", {"lr": 0.3})
    ours = rt.optim.lr_scheduler.ReduceLROnPlateau(a, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(b, **options)
    for metric in np.random.default_rng(0).normal(size=40):
        ours.step(metric)
        theirs.step(metric)
        np.testing.assert_allclose(rates(a), rates(b), rtol=1e-12)
        np.testing.assert_allclose(ours.get_last_lr(), theirs.get_last_lr(), rtol=1e-12)


def square_of(p: Any) -> Any:
    loss = (p * p).sum()
    loss.backward()
    return loss


BAD: dict[str, Any] = {
    "tensor": lambda t, p: t.optim.SGD(p, lr=0.1),
    "empty": lambda t, p: t.optim.SGD([], lr=0.1),
    "set": lambda t, p: t.optim.SGD([{"params": {p}}], lr=0.1),
    "number": lambda t, p: t.optim.SGD([3], lr=0.1),
    "non-leaf": lambda t, p: t.optim.SGD([p * 2], lr=0.1),
    "names": lambda t, p: t.optim.SGD([("a", p), p], lr=0.1),
    "group": lambda t, p: t.optim.SGD([p], lr=0.1).add_param_group([p]),
    "twice": lambda t, p: t.optim.SGD([p], lr=0.1).add_param_group({"params": p}),
    "lr": lambda t, p: t.optim.SGD([p], lr=-1),
    "momentum": lambda t, p: t.optim.SGD([p], momentum=-1),
    "nesterov": lambda t, p: t.optim.SGD([p], nesterov=True),
    "betas": lambda t, p: t.optim.Adam([p], betas=(1.0, 0.9)),
    "eps": lambda t, p: t.optim.Adam([p], eps=-1),
    "rho": lambda t, p: t.optim.Adadelta([p], rho=1.1),
    "lr_decay": lambda t, p: t.optim.Adagrad([p], lr_decay=-0.5),
    "adamax": lambda t, p: t.optim.Adamax([p], betas=(0.0, 1.0)),
    "momentum_decay": lambda t, p: t.optim.NAdam([p], momentum_decay=-0.2),
    "radam": lambda t, p: t.optim.RAdam([p], eps=-1),
    "rmsprop": lambda t, p: t.optim.RMSprop([p], momentum=-1.0),
    "etas": lambda t, p: t.optim.Rprop([p], etas=(1.0, 0.5)),
    "asgd": lambda t, p: t.optim.ASGD([p], weight_decay=-0.5),
    "adafactor": lambda t, p: t.optim.Adafactor([p], beta2_decay=0.8),
    "muon": lambda t, p: t.optim.Muon([p]),
    "lbfgs": lambda t, p: t.optim.LBFGS([{"params": [p]}, {"params": []}]),
    "search": lambda t, p: t.optim.LBFGS([p], line_search_fn="x").step(lambda: square_of(p)),
    "both": lambda t, p: t.optim.Adam([p], foreach=True, fused=True),
    "groups": lambda t, p: t.optim.SGD([p]).load_state_dict({"state": {}, "param_groups": []}),
    "scheduler": lambda t, p: t.optim.lr_scheduler.StepLR(3, 1),
    "resume": lambda t, p: t.optim.lr_scheduler.StepLR(t.optim.SGD([p]), 1, last_epoch=3),
    "plateau": lambda t, p: t.optim.lr_scheduler.ReduceLROnPlateau(t.optim.SGD([p]), factor=1.0),
    "sequence": lambda t, p: t.optim.lr_scheduler.SequentialLR(t.optim.SGD([p]), [], []),
}


@pytest.mark.parametrize("name", BAD)
def test_errors_have_torch_types(name: str) -> None:
    with pytest.raises(Exception) as theirs:
        BAD[name](torch, torch.nn.Parameter(torch.ones(1)))
    with pytest.raises(Exception) as ours:
        BAD[name](rt, rt.nn.Parameter(rt.ones(1)))
    assert issubclass(ours.type, theirs.type)
