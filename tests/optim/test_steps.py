"""SGD, Adam and AdamW: the fused steps against the rules written out op by op, over options and layouts."""

from __future__ import annotations

import inspect
import itertools
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn
from rustorch.optim import SGD, Adam, AdamW, _fused

from .reference_steps import adam_step, sgd_step

# Gradients as a training step may hand them over: in the parameter's layout and in others.
LAYOUTS: dict[str, Any] = {
    "contiguous": lambda a: rt.tensor(a),
    "transposed": lambda a: rt.tensor(np.ascontiguousarray(a.T)).t(),
    "stepped": lambda a: rt.tensor(np.repeat(a, 2, axis=-1))[..., ::2],
    "offset": lambda a: rt.tensor(np.concatenate([a, a]))[a.shape[0] :],
    "broadcast": lambda a: rt.tensor(a[:1]).expand(a.shape),
}


def problem(layout: str = "contiguous", dtype: Any = None) -> tuple[list[Any], list[list[Any]]]:
    """Parameters of several shapes, and five steps of gradients."""
    rng = np.random.default_rng(0)
    params = [rt.tensor(rng.normal(size=s)) for s in [(4, 3), (5,), (), (0, 2)]]
    steps = []
    for _ in range(5):
        grads = [rt.tensor(rng.normal(size=tuple(p.shape))) for p in params]
        grads[0] = LAYOUTS[layout](rng.normal(size=(4, 3)))
        steps.append(grads)
    if dtype is not None:
        params = [p.to(dtype) for p in params]
        steps = [[g.to(dtype) for g in grads] for grads in steps]
    return params, steps


def close(a: list[Any], b: list[Any], rtol: float = 1e-9) -> None:
    for x, y in zip(a, b):
        np.testing.assert_allclose(x.double().numpy(), y.double().numpy(), rtol=rtol, atol=rtol)


def zeros(params: list[Any]) -> list[Any]:
    return [rt.zeros_like(p) for p in params]


def clones(tensors: list[Any]) -> list[Any]:
    return [t.clone() for t in tensors]


SGD_OPTIONS = [
    {"momentum": m, "dampening": d, "weight_decay": w, "nesterov": n, "maximize": x}
    for m, d, w, n, x in itertools.product((0.0, 0.9), (0.0, 0.3), (0.0, 0.1), (False, True), (False, True))
    if not n or (m and not d)
]


@pytest.mark.parametrize("options", SGD_OPTIONS, ids=str)
def test_fused_sgd_is_the_rule(options: dict[str, Any]) -> None:
    params, steps = problem("transposed")
    expected, buffers = clones(params), zeros(params)
    expected_buffers = zeros(params)
    for i, grads in enumerate(steps):
        before = clones(grads)
        args = {"lr": 0.1, "is_first_step": i == 0, **options}
        _fused.fused_sgd_(params, grads, buffers if options["momentum"] else [], **args)
        sgd_step(expected, grads, expected_buffers, **args)
        close(params, expected)
        close(buffers, expected_buffers if options["momentum"] else zeros(params))
        assert all((a == b).all() for a, b in zip(grads, before))


ADAM_OPTIONS = [
    {"weight_decay": w, "amsgrad": a, "maximize": x, "decoupled": d}
    for w, a, x, d in itertools.product((0.0, 0.1), (False, True), (False, True), (False, True))
]


@pytest.mark.parametrize("options", ADAM_OPTIONS, ids=str)
def test_fused_adam_is_the_rule(options: dict[str, Any]) -> None:
    params, steps = problem("stepped")
    state = [zeros(params) for _ in range(3)]
    expected, expected_state = clones(params), [zeros(params) for _ in range(3)]
    # Parameters that joined later, or earlier, than others.
    counts, expected_counts = ([rt.tensor(float(k)) for k in (0, 3, 3, 0)] for _ in range(2))
    args = {"lr": 0.1, "beta1": 0.8, "beta2": 0.95, "eps": 1e-6, **options}
    for grads in steps:
        before = clones(grads)
        _fused.fused_adam_(params, grads, *state[:2], state[2] if options["amsgrad"] else [], counts, **args)
        adam_step(expected, grads, *expected_state, expected_counts, **args)
        close(params, expected)
        for ours, theirs in zip(state, expected_state):
            close(ours, theirs)
        assert all((a == b).all() for a, b in zip(grads, before))
    assert [c.item() for c in counts] == [5.0, 8.0, 8.0, 5.0]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("transposed_param", [False, True])
def test_any_layout(layout: str, transposed_param: bool) -> None:
    params, steps = problem(layout)
    if transposed_param:
        params[0] = params[0].t().contiguous().t()
    a, b = clones(params), clones(params)
    a[0], b[0] = (rt.empty_strided((4, 3), (1, 4), dtype=rt.float64).copy_(p) for p in (a[0], b[0]))
    buffers, others = zeros(a), zeros(a)
    for i, grads in enumerate(steps):
        args = {
            "lr": 0.1,
            "momentum": 0.9,
            "dampening": 0.0,
            "weight_decay": 0.1,
            "nesterov": True,
            "maximize": False,
            "is_first_step": i == 0,
        }
        _fused.fused_sgd_(a, grads, buffers, **args)
        sgd_step(b, grads, others, **args)
    close(a, b)


@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-5), ("float16", 5e-3), ("bfloat16", 4e-2)])
def test_other_dtypes(dtype: str, rtol: float) -> None:
    kind = getattr(rt, dtype)
    params, steps = problem(dtype=kind)
    exact = [p.double() for p in params]
    state, exact_state = [zeros(params) for _ in range(2)], [zeros(exact) for _ in range(2)]
    counts, exact_counts = ([rt.tensor(0.0) for _ in params] for _ in range(2))
    args: dict[str, Any] = {
        "lr": 0.01,
        "beta1": 0.9,
        "beta2": 0.99,
        "eps": 1e-4,
        "weight_decay": 0.1,
        "amsgrad": False,
        "maximize": False,
        "decoupled": True,
    }
    for grads in steps:
        _fused.fused_adam_(params, grads, *state, [], counts, **args)
        adam_step(exact, [g.double() for g in grads], *exact_state, [], exact_counts, **args)
    assert all(p.dtype == kind for p in params)
    close(params, exact, rtol)


def test_mixed_dtypes_in_one_call() -> None:
    params = [rt.ones(2), rt.ones(2, dtype=rt.float64)]
    grads = [rt.ones(2), rt.ones(2, dtype=rt.float64)]
    args = {"momentum": 0.0, "dampening": 0.0, "weight_decay": 0.0, "nesterov": False, "maximize": False}
    _fused.fused_sgd_(params, grads, [], lr=0.5, is_first_step=False, **args)
    assert [p.tolist() for p in params] == [[0.5, 0.5], [0.5, 0.5]]


def test_nan_travels_and_amsgrad_keeps_it() -> None:
    p = rt.ones(2, dtype=rt.float64)
    state = [rt.zeros(2, dtype=rt.float64) for _ in range(3)]
    args: dict[str, Any] = {
        "lr": 0.1,
        "beta1": 0.9,
        "beta2": 0.9,
        "eps": 1e-8,
        "weight_decay": 0.0,
        "amsgrad": True,
        "maximize": False,
        "decoupled": False,
    }
    grad = rt.tensor([float("nan"), 1.0], dtype=rt.float64)
    _fused.fused_adam_([p], [grad], *[[s] for s in state], [rt.tensor(0.0)], **args)
    assert [bool(v) for v in rt.isnan(p)] == [True, False]
    assert [bool(v) for v in rt.isnan(state[2])] == [True, False]


def test_the_step_is_seen_by_autograd_as_a_change() -> None:
    p = nn.Parameter(rt.ones(2))
    loss = (p * p).sum()
    p.grad = rt.ones(2)
    SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# Through the optimizers.


def train(make: Any, steps: int = 100) -> tuple[float, float]:
    rt.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    x = rt.randn(64, 4)
    y = x.sum(1, keepdim=True).sin()
    opt = make(net.parameters())
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses[0], losses[-1]


@pytest.mark.parametrize(
    "make",
    [
        lambda p: SGD(p, lr=0.3),
        lambda p: SGD(p, lr=0.1, momentum=0.9, nesterov=True),
        lambda p: Adam(p, lr=0.02),
        lambda p: Adam(p, lr=rt.tensor(0.02), amsgrad=True),
        lambda p: AdamW(p, lr=0.02, weight_decay=0.1),
    ],
)
def test_training_lowers_the_loss(make: Any) -> None:
    first, last = train(make)
    assert last < 0.3 * first


def test_maximize_climbs() -> None:
    for kind in (SGD, Adam, AdamW):
        p = nn.Parameter(rt.zeros(1))
        opt = kind([p], lr=0.1, maximize=True)
        p.grad = rt.ones(1)
        opt.step()
        assert p.item() > 0


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
def test_complex_parameters_are_pairs_of_numbers(kind: Any) -> None:
    z = nn.Parameter(rt.tensor([1 + 2j, -3 + 0.5j], dtype=rt.complex128))
    pair = nn.Parameter(rt.view_as_real(z.detach().clone()).clone())
    options: dict[str, Any] = {"lr": 0.1, "weight_decay": 0.1}
    if kind is SGD:
        options["momentum"] = 0.9
    a, b = kind([z], **options), kind([pair], **options)
    for _ in range(3):
        for p in (z, pair):
            p.grad = p.detach().clone()
        a.step()
        b.step()
    np.testing.assert_allclose(rt.view_as_real(z.detach()).numpy(), pair.detach().numpy())


def test_closure_runs_with_gradients_on() -> None:
    for kind in (SGD, Adam, AdamW):
        p = nn.Parameter(rt.ones(1))
        opt = kind([p], lr=0.1)

        def closure(p: Any = p, opt: Any = opt) -> Any:
            assert rt.is_grad_enabled()
            opt.zero_grad()
            loss = (p * p).sum()
            loss.backward()
            return loss

        with rt.no_grad():
            assert opt.step(closure).item() == 1.0
        assert p.item() < 1


def test_parameters_without_gradients_stay_and_have_no_state() -> None:
    a, b = nn.Parameter(rt.ones(1)), nn.Parameter(rt.ones(1))
    for opt in (SGD([a, b], lr=0.1, momentum=0.9), Adam([a, b]), AdamW([a, b])):
        a.grad, b.grad = rt.ones(1), None
        opt.step()
        assert b.item() == 1.0 and b not in opt.state and a in opt.state
    assert not SGD([b], lr=0.1).step()


def test_momentum_of_a_parameter_that_joins_later() -> None:
    a, b = nn.Parameter(rt.zeros(1)), nn.Parameter(rt.zeros(1))
    opt = SGD([a, b], lr=1.0, momentum=0.5, dampening=0.5)
    for step in range(3):
        a.grad = rt.ones(1)
        b.grad = rt.ones(1) if step > 0 else None
        opt.step()
    # A first step takes the gradient whole, later ones half of it and half of the buffer.
    assert opt.state[a]["momentum_buffer"].item() == 1.0
    assert a.item() == -3.0 and b.item() == -2.0


def test_state_layout() -> None:
    p = nn.Parameter(rt.ones(2))
    p.grad = rt.ones(2)
    sgd, adam = SGD([p], lr=0.1), Adam([p], amsgrad=True)
    sgd.step()
    adam.step()
    assert sgd.state_dict()["state"] == {}
    state = adam.state_dict()["state"][0]
    assert list(state) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert state["step"].item() == 1.0 and state["step"].dtype == rt.float32 and state["step"].dim() == 0


RULES: dict[str, tuple[str, dict[str, Any]]] = {
    "adagrad": ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    "adadelta": ("Adadelta", {"lr": 0.5}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop, momentum": ("RMSprop", {"momentum": 0.9}),
    "rmsprop, centered": ("RMSprop", {"centered": True}),
    "rmsprop, both": ("RMSprop", {"centered": True, "momentum": 0.5}),
    "adamax": ("Adamax", {"lr": 0.1}),
    "nadam": ("NAdam", {"lr": 0.1}),
    "nadam, decoupled": ("NAdam", {"lr": 0.1, "decoupled_weight_decay": True}),
    "radam": ("RAdam", {"lr": 0.1, "betas": (0.8, 0.7)}),  # rectified from the fourth step on
    "radam, rectified": ("RAdam", {"lr": 0.1, "decoupled_weight_decay": True}),
    "asgd": ("ASGD", {"lr": 0.1, "lambd": 0.01, "t0": 2}),
    "rprop": ("Rprop", {}),
}


@pytest.mark.parametrize("maximize", [False, True], ids=["", "maximize"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rule", RULES)
def test_fused_rules_are_what_autograd_records(rule: str, layout: str, maximize: bool) -> None:
    name, options = RULES[rule]
    if "weight_decay" in inspect.signature(getattr(rt.optim, name)).parameters:
        options = {**options, "weight_decay": 0.1}
    params, steps = problem(layout)
    both = []
    for differentiable in (False, True):
        own = clones(params)
        make = getattr(rt.optim, name)
        optimizer = make(own, maximize=maximize, differentiable=differentiable, **options)
        for grads in steps:
            for p, g in zip(own, grads, strict=True):
                p.grad = g
            optimizer.step()
        states = [v for p in own for k, v in sorted(optimizer.state[p].items())]
        both.append([t.detach() for t in (*own, *states)])
    close(*both, rtol=1e-6 if rule.startswith("nadam") else 1e-9)  # whose product of momenta is float32


def test_rules_refuse_what_does_not_fit() -> None:
    p, g, a = rt.ones(2), rt.ones(2), rt.zeros(2)
    with pytest.raises(ValueError, match="fused_rule_: there is no such rule; got adam"):
        _fused.fused_rule_("adam", [p], [g], [[a]], [[1.0]])
    with pytest.raises(RuntimeError, match="1 parameters and 0 tensors of state 1 of the rule 'rprop'"):
        _fused.fused_rule_("rprop", [p], [g], [[a]], [[1.0]])
    with pytest.raises(RuntimeError, match="1 parameters and 1 tensors of state 1 of the rule 'asgd'"):
        _fused.fused_rule_("asgd", [p], [g], [[a], [a]], [[1.0]])
    with pytest.raises(RuntimeError, match="1 parameters, 1 gradients, 20 numbers"):
        _fused.fused_rule_("asgd", [p], [g], [[a]], [[1.0], [1.0]])
    with pytest.raises(RuntimeError, match="one shape, dtype and device"):
        _fused.fused_rule_("asgd", [p], [g], [[a.double()]], [[1.0]])
    assert p.tolist() == [1, 1] and a.tolist() == [0, 0]
