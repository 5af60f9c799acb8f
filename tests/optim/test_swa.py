"""Averages of weights: means, moving averages, batch statistics, the schedule to a constant rate."""

from __future__ import annotations

from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.optim import SGD
from rustorch.optim.swa_utils import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)


def net() -> Any:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))


def weights_over_time(model: Any, average: Any, steps: int = 5) -> list[list[Any]]:
    seen = []
    for k in range(steps):
        with rt.no_grad():
            for p in model.parameters():
                p.copy_(rt.randn_like(p))
            model[1].running_mean.fill_(float(k))
        average.update_parameters(model)
        seen.append([p.detach().clone() for p in model.parameters()])
    return seen


@pytest.mark.parametrize("options", [{}, {"multi_avg_fn": get_swa_multi_avg_fn()}], ids=["one", "multi"])
def test_the_mean_of_the_weights(options: dict[str, Any]) -> None:
    rt.manual_seed(0)
    model = net()
    average = AveragedModel(model, **options)
    seen = weights_over_time(model, average)
    for own, *parts in zip(average.parameters(), *seen):
        assert rt.allclose(own, rt.stack(parts).mean(0), atol=1e-6)
    assert average.n_averaged.item() == 5
    assert (average.module[1].running_mean == 4.0).all()
    x = rt.randn(4, 2)
    assert (average.eval()(x) == average.module(x)).all()


@pytest.mark.parametrize(
    "options",
    [{"avg_fn": get_ema_avg_fn(0.8)}, {"multi_avg_fn": get_ema_multi_avg_fn(0.8)}],
    ids=["one", "multi"],
)
def test_the_moving_average_of_weights_and_buffers(options: dict[str, Any]) -> None:
    rt.manual_seed(0)
    model = net()
    average = AveragedModel(model, use_buffers=True, **options)
    seen = weights_over_time(model, average)
    expected = seen[0]
    for step in seen[1:]:
        expected = [0.8 * e + 0.2 * s for e, s in zip(expected, step)]
    for own, e in zip(average.parameters(), expected):
        assert rt.allclose(own, e, atol=1e-6)
    moving = 0.0
    for k in range(1, 5):
        moving = 0.8 * moving + 0.2 * k
    assert average.module[1].running_mean[0].item() == pytest.approx(moving)


def test_state_dict_and_copy() -> None:
    model = net()
    average = AveragedModel(model)
    weights_over_time(model, average, 3)
    other = AveragedModel(net())
    other.load_state_dict(average.state_dict())
    assert other.n_averaged.item() == 3
    assert all((a == b).all() for a, b in zip(average.parameters(), other.parameters()))


def test_update_bn_takes_the_statistics_of_all_batches() -> None:
    rt.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(2, momentum=0.3), nn.Dropout(0.5)).eval()
    batches = [rt.randn(6, 2) for _ in range(3)]
    update_bn([(b, None) for b in batches], model)
    assert rt.allclose(model[0].running_mean, rt.cat(batches).mean(0), atol=1e-6)
    variances = rt.stack([b.var(0) for b in batches]).mean(0)
    assert rt.allclose(model[0].running_var, variances, atol=1e-6)
    assert model[0].momentum == 0.3 and not model.training


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [("linear", [0.8, 0.6, 0.4, 0.2, 0.2]), ("cos", [0.882843, 0.6, 0.317157, 0.2, 0.2])],
)
def test_swalr(strategy: str, expected: list[float]) -> None:
    opt = SGD([nn.Parameter(rt.zeros(1))], lr=1.0)
    schedule = SWALR(opt, 0.2, anneal_epochs=4, anneal_strategy=strategy)
    for lr in expected:
        opt.step()
        schedule.step()
        assert schedule.get_last_lr()[0] == pytest.approx(lr, abs=1e-6)


def test_errors() -> None:
    opt = SGD([nn.Parameter(rt.zeros(1))], lr=1.0)
    with pytest.raises(ValueError, match="anneal_strategy"):
        SWALR(opt, 0.1, anneal_strategy="cubic")
    with pytest.raises(ValueError, match="anneal_epochs"):
        SWALR(opt, 0.1, anneal_epochs=-1)
    with pytest.raises(ValueError, match="swa_lr"):
        SWALR(opt, [0.1, 0.2])
    with pytest.raises(ValueError, match="decay"):
        get_ema_avg_fn(1.5)
    with pytest.raises(AssertionError, match="Only one"):
        AveragedModel(net(), avg_fn=get_ema_avg_fn(), multi_avg_fn=get_ema_multi_avg_fn())
