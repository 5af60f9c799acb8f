"""The default device and "auto": where tensors are made, where ops on them run, and what is moved for it."""

from __future__ import annotations

import copy
import pickle
import threading
from typing import Any

import numpy as np
import pytest

import rustorch as rt

EMULATOR, CPU = rt.device("emulator"), rt.device("cpu")


# ---- The default device ----

FACTORIES: dict[str, Any] = {
    "ones": lambda **k: rt.ones(2, 3, **k),
    "empty": lambda **k: rt.empty((2,), **k),
    "full": lambda **k: rt.full((2,), 7.0, **k),
    "arange": lambda **k: rt.arange(5, **k),
    "linspace": lambda **k: rt.linspace(0, 1, 5, **k),
    "eye": lambda **k: rt.eye(3, **k),
    "randn": lambda **k: rt.randn(4, **k),
    "randint": lambda **k: rt.randint(9, (4,), **k),
    "randperm": lambda **k: rt.randperm(5, **k),
    "tensor": lambda **k: rt.tensor([1.0, 2.0], **k),
    "as_tensor": lambda **k: rt.as_tensor([1.0, 2.0], **k),
    "of an array": lambda **k: rt.as_tensor(np.ones(2, np.float32), **k),
    "asarray": lambda **k: rt.asarray(np.ones(2, np.float32), **k),
    "tril_indices": lambda **k: rt.tril_indices(3, 3, **k),
    "empty_strided": lambda **k: rt.empty_strided((2,), (1,), **k),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_functions_that_make_tensors_follow_it(name: str) -> None:
    make = FACTORIES[name]
    with EMULATOR:
        assert make().device == EMULATOR
        assert make(device=None).device == EMULATOR
        assert make(device="cpu").device == CPU
    assert make().device == CPU


def test_tensors_of_tensors_stay_with_them() -> None:
    x = rt.ones(2)
    with EMULATOR:
        for y in (
            rt.zeros_like(x),
            x.new_ones(2),
            rt.tensor(x),
            rt.as_tensor(x),
            x.clone(),
            x.to(rt.float64),
        ):
            assert y.device == CPU
        assert rt.from_numpy(np.ones(2)).device == CPU
        assert rt.ones(2, out=rt.empty(2, device="cpu")).device == CPU


def test_modules_are_made_there() -> None:
    with EMULATOR:
        model = rt.nn.Sequential(rt.nn.Linear(3, 4), rt.nn.BatchNorm1d(4))
        loader = rt.utils.data.DataLoader(
            rt.utils.data.TensorDataset(rt.ones(6, 3)), batch_size=2, shuffle=True
        )
        assert all(model(batch).device == EMULATOR for (batch,) in loader)
    assert {t.device for t in (*model.parameters(), *model.buffers())} == {EMULATOR}


def test_it_nests_and_comes_back_after_an_error() -> None:
    rt.set_default_device("emulator")
    assert rt.get_default_device() == EMULATOR and rt.ones(1).device == EMULATOR
    with CPU as entered, pytest.raises(ZeroDivisionError):
        assert entered == CPU and rt.get_default_device() == CPU
        with rt.device("emulator:1"):
            assert rt.ones(1).device == rt.device("emulator:1")
        assert rt.ones(1).device == CPU
        raise ZeroDivisionError
    assert rt.get_default_device() == EMULATOR
    rt.set_default_device(None)
    assert rt.get_default_device() == CPU


def test_what_is_no_device_is_refused() -> None:
    with pytest.raises(RuntimeError, match="unknown device"):
        rt.set_default_device("gpu")
    with pytest.raises(RuntimeError, match="not part of this build"):
        rt.set_default_device("mlcompute")
    with pytest.raises(TypeError, match="expects a device"):
        rt.set_default_device(1.5)
    for use in (lambda: rt.Generator(device="auto"), lambda: rt.Generator(device=rt.device("auto"))):
        with pytest.raises(RuntimeError, match="auto"):
            use()
    with pytest.raises(RuntimeError, match="no index"):
        rt.device("auto", 1)
    assert rt.get_default_device() == CPU


def test_auto_is_a_device_by_name() -> None:
    auto = rt.device("auto")
    assert repr(auto) == "device(type='auto')" and str(auto) == auto.type == "auto" and auto.index is None
    assert auto == rt.device("auto") != CPU and hash(auto) != hash(CPU)
    assert pickle.loads(pickle.dumps(auto)) == copy.deepcopy(auto) == auto


# ---- Placement ----


def test_tensors_are_put_where_the_selector_says(two_engines: None) -> None:
    assert rt.ones(3, device="auto").device == CPU
    assert rt.ones(4, device="auto").device == EMULATOR
    assert rt.ones(2, 2, device=rt.device("auto")).device == EMULATOR
    assert rt.ones(4, dtype=rt.float64, device="auto").device == CPU  # it would be rounded there
    assert rt.full((4,), 1j, device="auto").device == CPU
    assert rt.arange(3, device="auto").device == CPU and rt.arange(0, 8, 2, device="auto").device == EMULATOR
    assert rt.linspace(0, 1, 4, device="auto").device == EMULATOR
    assert rt.eye(2, device="auto").device == EMULATOR
    assert rt.tensor([1.0] * 4, device="auto").device == EMULATOR
    assert rt.zeros_like(rt.ones(4), device="auto").device == EMULATOR
    x = rt.ones(4)
    assert x.to("auto").device == EMULATOR and x[:3].to("auto").device == CPU
    assert rt.nn.Linear(4, 2).to("auto").weight.device == EMULATOR
    assert rt.get_routing() == "off"  # a place is all that was asked for


def test_on_a_machine_without_others_auto_is_the_cpu() -> None:
    rt.selector.set_chain(["cpu"])
    assert rt.ones(10**6, device="auto").device == CPU


def test_mixed_devices_are_an_error_unless_routed(two_engines: None) -> None:
    x, y = rt.ones(4, device="emulator"), rt.ones(4)
    for mode in ("off", "fallback"):
        with rt.routing(mode), pytest.raises(RuntimeError, match="same device"):
            x + y
    with rt.routing("auto"):
        assert (x + y).tolist() == [2.0] * 4


# ---- Ops on tensors that live in different places ----


@pytest.fixture
def auto(two_engines: None) -> Any:
    with rt.device("auto"):
        yield


def moved(f: Any) -> tuple[Any, int]:
    before = rt.routing_stats().bytes_moved
    result = f()
    return result, rt.routing_stats().bytes_moved - before


def test_the_default_device_auto_routes(auto: None) -> None:
    assert rt.get_routing() == "auto"
    with CPU:
        assert rt.get_routing() == "off"
    with rt.routing("strict"):
        assert rt.get_routing() == "strict"
    rt.set_routing("off")
    assert rt.get_routing() == "off" and rt.ones(4).device == EMULATOR
    rt.set_routing(None)
    assert rt.get_routing() == "auto"


def test_ops_run_where_most_bytes_live(auto: None) -> None:
    weight, x = rt.ones(8, 4), rt.ones(2, 4, device="cpu")
    y, bytes_moved = moved(lambda: x @ weight.T)
    assert y.device == EMULATOR and bytes_moved == 32 and y.tolist() == [[4.0] * 8] * 2
    y, bytes_moved = moved(lambda: rt.ones(4) + 1)
    assert y.device == EMULATOR and bytes_moved == 0
    y, bytes_moved = moved(lambda: rt.ones(4) * rt.tensor(2.0))  # a number goes along
    assert y.device == EMULATOR and bytes_moved == 0


def test_large_inputs_are_worth_a_move(auto: None) -> None:
    small, large = rt.ones(15, device="cpu"), rt.ones(16, device="cpu")
    assert small.exp().device == CPU
    y, bytes_moved = moved(lambda: large.exp())
    assert y.device == EMULATOR and bytes_moved == 64


def test_views_and_copies_stay_with_their_tensor(auto: None) -> None:
    x = rt.zeros(4, 8, device="cpu")
    y = x.reshape(8, 4).T
    y[0] = 1
    assert y.device == CPU and x.sum().item() == 8
    assert x.clone().device == CPU and x.to("emulator").cpu().device == CPU


def test_in_place_and_out_stay_with_what_is_written(auto: None) -> None:
    x, other = rt.zeros(16, device="cpu"), rt.arange(16, dtype=rt.float32)
    assert other.device == EMULATOR
    assert x.add_(other) is x and x.device == CPU and x.sum().item() == 120
    out = rt.empty(16, device="cpu")
    assert rt.mul(x, other, out=out) is out and out.device == CPU and out[3].item() == 9
    x[2:4] = other[:2]
    assert x[:5].tolist() == [0, 1, 0, 1, 4]


def test_gradients_come_back_to_their_leaves(auto: None) -> None:
    w = rt.full((4, 4), 0.5, device="cpu", requires_grad=True)
    x = rt.ones(8, 4)
    (x @ w).sigmoid().sum().backward()
    assert w.grad is not None and w.grad.device == CPU
    expected = rt.full((4, 4), 0.5, device="cpu", requires_grad=True)
    with rt.routing("off"):
        (x.cpu() @ expected).sigmoid().sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), expected.grad.numpy(), rtol=1e-5)


def test_float64_runs_where_it_is_exact(auto: None) -> None:
    x = rt.full((16,), 1.0 / 3.0, dtype=rt.float64, device="emulator")
    with pytest.warns(UserWarning, match="float64"):
        y = x * 3
    assert y.device == EMULATOR and y.dtype == rt.float64 and y.tolist() == [1.0] * 16
    with rt.routing("strict"), pytest.raises(rt.errors.UnsupportedOperation, match="strict"):
        x * 3


def test_a_training_step_on_auto_tensors_is_the_cpus(auto: None) -> None:
    def train() -> list[float]:
        rt.manual_seed(0)
        with CPU:
            model = rt.nn.Sequential(rt.nn.Linear(8, 16), rt.nn.ReLU(), rt.nn.Linear(16, 3))
        model.to(rt.get_default_device())
        optimizer = rt.optim.Adam(model.parameters(), 0.05)
        x = rt.as_tensor(np.random.default_rng(0).standard_normal((12, 8), np.float32))
        target = rt.arange(12) % 3
        losses = []
        for _ in range(3):
            optimizer.zero_grad()
            loss = rt.nn.functional.cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    routed = train()
    assert rt.routing_stats().calls["emulator"] > 20
    with CPU:
        np.testing.assert_allclose(routed, train(), rtol=1e-4)


# ---- Threads ----


def test_settings_are_the_threads_own(auto: None) -> None:
    seen: list[Any] = []

    def work() -> None:
        seen.append((rt.get_routing(), rt.get_default_device(), rt.ones(4).device))
        rt.set_routing("fallback")
        seen.append(rt.get_routing())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [("off", CPU, CPU), "fallback"]
    assert rt.get_routing() == "auto"


def test_threads_route_side_by_side(two_engines: None) -> None:
    rt.reset_routing_stats()
    errors: list[BaseException] = []

    def work(mode: str) -> None:
        try:
            with rt.routing(mode):
                x = rt.ones(16)
                for _ in range(50):
                    y = x * 2
                    assert y.device == (EMULATOR if mode == "auto" else CPU)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(mode,)) for mode in ("auto", "fallback", "auto", "off")]
    for t in threads:
        t.start()
    for n in range(20):  # the table changes under them
        rt.selector.set_thresholds(emulator_min_size=4, emulator_move_size=10 + n % 4)
    for t in threads:
        t.join()
    assert not errors
    calls = rt.routing_stats().calls
    assert calls["emulator"] == 100 and calls["cpu"] == 50
    assert rt.routing_stats().bytes_moved == 100 * 64
