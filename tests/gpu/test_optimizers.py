"""Fused optimizer steps on the emulator, beside the CPU: the same numbers bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.optim._fused import fused_adam_, fused_sgd_

from .compare import DEVICES
from .emulator import Emulator

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


# Kernels, and how many parameters a launch of each takes: Metal has 31 buffers.
LAUNCHES: list[tuple[str, int, str, dict[str, Any]]] = [
    ("fused_sgd_float", 15, "SGD", {}),
    ("fused_sgd_momentum_float", 10, "SGD", {"momentum": 0.9}),
    ("fused_adam_float", 7, "AdamW", {}),
    ("fused_adam_amsgrad_float", 6, "Adam", {"amsgrad": True}),
    ("fused_adagrad_float", 10, "Adagrad", {}),
    ("fused_adadelta_float", 7, "Adadelta", {}),
    ("fused_rmsprop_centered_momentum_float", 6, "RMSprop", {"centered": True, "momentum": 0.5}),
]


@pytest.mark.parametrize("count", [1, 31])
@pytest.mark.parametrize("kernel, each, name, options", LAUNCHES, ids=[row[0] for row in LAUNCHES])
def test_a_launch_steps_many_parameters(
    kernel: str, each: int, name: str, options: dict[str, Any], count: int
) -> None:
    emulator = Emulator(checked=False)
    number = emulator.kernels().index(kernel)
    before = emulator.table.launch_count(number)
    rng = np.random.default_rng(7)
    values = [rng.standard_normal((2, 700 * i % 1500 + 1)).astype(np.float32) for i in range(1, count + 1)]
    results = []
    for where in ["cpu", "emulator"]:
        params = [rt.tensor(x[0]).to(where) for x in values]
        for p, x in zip(params, values, strict=True):
            p.grad = rt.tensor(x[1]).to(where)
        optimizer = getattr(rt.optim, name)(params, lr=0.1, **options)
        for _ in range(2):
            optimizer.step()
        state = [v for p in params for v in optimizer.state[p].values() if v is not None and v.dim()]
        results.append([*params, *state])
    same(results[1], results[0])
    assert emulator.table.launch_count(number) - before == 2 * math.ceil(count / each)


@pytest.mark.parametrize("device", DEVICES)
def test_layouts_that_differ_and_parameters_listed_twice(device: str) -> None:
    results = []
    for where in ["cpu", device]:
        p = rt.arange(12.0).reshape(3, 4).to(where)
        g = rt.arange(12.0).reshape(4, 3).to(where).t()
        q = rt.arange(24.0).reshape(4, 6).to(where)[:, ::2]
        whole = rt.arange(8.0).to(where)
        parts = [whole[:4], whole[4:]]
        fused_sgd_(
            [p, p, q, *parts, whole],
            [g, g, rt.ones(4, 3, device=where), *parts, whole.clone()],
            [],
            lr=0.5,
            momentum=0.0,
            dampening=0.0,
            weight_decay=0.5,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
        results.append([p, q, whole])
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
