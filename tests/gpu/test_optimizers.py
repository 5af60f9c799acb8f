"""Fused optimizer steps on the emulator, beside the CPU: the same numbers bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.optim._fused import fused_adam_, fused_sgd_

from .compare import DEVICES

DTYPES = [rt.float32, rt.float16, rt.bfloat16]
SHAPES = [(5,), (0, 3), (700,), (16, 33), (), (8,), (3, 2100)]


def tensors(seed: int, dtype: rt.dtype, device: str, positive: bool = False) -> list[rt.Tensor]:
    rng = np.random.default_rng(seed)
    made = []
    for i, shape in enumerate(SHAPES):
        x = rng.standard_normal(shape)
        t = rt.tensor(np.abs(x) if positive else x).to(dtype)
        if i == 2:  # starts between two places of 16 bytes
            t = rt.cat([t[:1], t]).to(device)[1:]
        elif i == 3:  # dense, the other way round
            t = t.t().contiguous().to(device).t()
        made.append(t.to(device))
    return made


def same(got: list[rt.Tensor], expected: list[rt.Tensor]) -> None:
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype and a.stride() == b.stride() and a.device.type != "cpu"
        np.testing.assert_array_equal(a.cpu().to(rt.float32).numpy(), b.to(rt.float32).numpy())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("decoupled", [False, True], ids=["adam", "adamw"])
@pytest.mark.parametrize("amsgrad", [False, True], ids=["", "amsgrad"])
def test_adam(device: str, dtype: rt.dtype, decoupled: bool, amsgrad: bool) -> None:
    results = []
    for where in ["cpu", device]:
        p, g, m = (tensors(seed, dtype, where) for seed in range(3))
        v, top = (tensors(seed, dtype, where, positive=True) for seed in (3, 4))
        steps = [rt.tensor(float(i)) for i in range(len(p))]
        for _ in range(2):
            fused_adam_(
                p,
                g,
                m,
                v,
                top if amsgrad else [],
                steps,
                lr=0.1,
                beta1=0.9,
                beta2=0.999,
                eps=1e-8,
                weight_decay=0.05,
                amsgrad=amsgrad,
                maximize=decoupled,
                decoupled=decoupled,
            )
        assert [s.item() for s in steps] == [i + 2 for i in range(len(p))]
        results.append([*p, *g, *m, *v, *top])
    same(results[1], results[0])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True], ids=["", "nesterov"])
def test_sgd(device: str, dtype: rt.dtype, momentum: float, nesterov: bool) -> None:
    results = []
    for where in ["cpu", device]:
        p, g = (tensors(seed, dtype, where) for seed in range(2))
        buffers = [rt.empty_like(t) for t in p] if momentum else []
        for first in [True, False]:
            fused_sgd_(
                p,
                g,
                buffers,
                lr=0.1,
                momentum=momentum,
                dampening=0.0 if nesterov else 0.3,
                weight_decay=0.01,
                nesterov=nesterov,
                maximize=not nesterov,
                is_first_step=first,
            )
        results.append([*p, *g, *buffers])
    same(results[1], results[0])


RULES: list[tuple[str, dict[str, Any]]] = [
    ("Adagrad", {"lr_decay": 0.1}),
    ("Adadelta", {}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adamax", {}),
    ("NAdam", {"decoupled_weight_decay": True}),
    ("RAdam", {"betas": (0.8, 0.7)}),
    ("ASGD", {"t0": 1}),
    ("Rprop", {}),
]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("rule", range(len(RULES)), ids=[f"{name}{options}" for name, options in RULES])
def test_rules(device: str, dtype: rt.dtype, rule: int) -> None:
    name, options = RULES[rule]
    results = []
    for where in ["cpu", device]:
        params = tensors(0, dtype, where)
        optimizer = getattr(rt.optim, name)(params, lr=0.1, **options)
        for seed in (1, 2):
            for p, g in zip(params, tensors(seed, dtype, where), strict=True):
                p.grad = g
            optimizer.step()
        state = [v for p in params for v in optimizer.state[p].values() if v.shape == p.shape and v.dim()]
        results.append([*params, *state])
    same(results[1], results[0])


@pytest.mark.parametrize("device", DEVICES)
def test_layouts_that_differ_and_parameters_listed_twice(device: str) -> None:
    results = []
    for where in ["cpu", device]:
        p = rt.arange(12.0).reshape(3, 4).to(where)
        g = rt.arange(12.0).reshape(4, 3).to(where).t()
        q = rt.arange(24.0).reshape(4, 6).to(where)[:, ::2]
        fused_sgd_(
            [p, p, q],
            [g, g, rt.ones(4, 3, device=where)],
            [],
            lr=0.5,
            momentum=0.0,
            dampening=0.0,
            weight_decay=0.5,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
        results.append([p, q])
    same(results[1], results[0])


def test_optimizers_run_where_their_parameters_are() -> None:
    losses = []
    for where in ["cpu", "emulator"]:
        weight = rt.arange(6.0).to(where).requires_grad_()
        optimizer = rt.optim.AdamW([weight], lr=0.1)
        for _ in range(3):
            weight.grad = (weight.detach().cpu() - 2).to(where)
            optimizer.step()
        losses.append(weight.detach().cpu().numpy())
    np.testing.assert_array_equal(losses[1], losses[0])


def test_no_doubles() -> None:
    p = rt.ones(3, dtype=rt.float64, device="emulator")
    with pytest.raises(RuntimeError, match="no kernel for 'fused_sgd_' in float64"):
        fused_sgd_(
            [p],
            [p.clone()],
            [],
            lr=1.0,
            momentum=0.0,
            dampening=0.0,
            weight_decay=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
