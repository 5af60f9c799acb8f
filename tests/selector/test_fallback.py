"""Ops without a kernel on their device: seen, right, and back where they belong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from tests.ops.case import OpCase
from tests.ops.harness import Failures, arrays, build, resolve, samples_of
from tests.ops.layouts import CONTIGUOUS
from tests.ops.table import CASES

DEVICE = "emulator"
EXPECTED = pytest.mark.filterwarnings("ignore:.*its results go back")


@pytest.fixture
def fallback() -> Any:
    with rt.routing("fallback"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*its results go back")
        yield


def on(values: Any, dtype: rt.dtype = rt.float64, **kwargs: Any) -> rt.Tensor:
    """float64 is what no shader computes in."""
    t = rt.tensor(values, dtype=dtype).to(DEVICE)
    return t.requires_grad_() if kwargs.get("grad") else t


def test_without_routing_a_missing_kernel_is_an_error() -> None:
    x = on([1.0, 2.0])
    with pytest.raises(
        NotImplementedError, match=r"has no kernel for 'sin' in float64.*routing\(\"fallback\"\)"
    ):
        x.sin()
    assert rt.routing_stats() == rt.selector.RoutingStats({}, (), 0)


def test_it_is_counted_and_warned_of_once() -> None:
    x = on([1.0, 2.0])
    single = x.cpu().to(rt.float32).to(DEVICE)
    with rt.routing("fallback"):
        with pytest.warns(UserWarning, match=r"sin: .*no kernel.*'cpu'.*routing_stats"):
            y = x.sin()
        z = x.sin()  # a second warning would be an error here
        w = single.sin()
    assert y.device == z.device == w.device == rt.device(DEVICE)
    stats = rt.routing_stats()
    (entry,) = stats.fallbacks
    assert (entry.op, entry.device, entry.count) == ("sin", DEVICE, 2) and "float64" in entry.reason
    assert stats.bytes_moved == 2 * (16 + 16) and stats.calls["cpu"] == 2 and stats.calls[DEVICE] >= 1
    rt.reset_routing_stats()
    with rt.routing("fallback"), pytest.warns(UserWarning, match="sin"):
        x.sin()


def test_a_warning_that_is_an_error_stops_the_op() -> None:
    x = on([1.0, 2.0])
    with rt.routing("fallback"), pytest.raises(UserWarning, match="mul"):
        x.mul_(2)
    assert x.tolist() == [1, 2]


UNARY: dict[str, Callable[[rt.Tensor], rt.Tensor]] = {
    "kernel": lambda x: x * x.sin(),
    "composite": lambda x: rt.nn.functional.layer_norm(x, (3,)),
    "linalg": lambda x: rt.linalg.inv(
        x[:3, :3] @ x[:3, :3].T + 5 * rt.eye(3, dtype=x.dtype, device=x.device)
    ),
    "list": lambda x: rt.cat([x, x * 2]).sum(0),
    "results": lambda x: rt.linalg.svd(x)[1],
    "view, then op": lambda x: x.T[1:, ::2].exp(),
    "in place on a view": lambda x: _doubled_row(x),
    "second order": lambda x: (
        rt.autograd.grad((x**3).sum(), x, create_graph=True)[0] if x.requires_grad else 3 * x**2
    ),
}


def _doubled_row(x: rt.Tensor) -> rt.Tensor:
    y = x * 1
    y[1].mul_(x[0].cos())
    return y


@pytest.mark.parametrize("name", UNARY)
def test_values_and_gradients_are_the_cpus(name: str, fallback: None) -> None:
    values = np.random.default_rng(0).standard_normal((4, 3))
    results, gradients = [], []
    for device in ("cpu", DEVICE):
        x = rt.tensor(values, device=device, requires_grad=True)
        y = UNARY[name](x)
        assert y.device == x.device and y.requires_grad
        weights = rt.linspace(1, 2, y.numel(), dtype=y.dtype).reshape(y.shape).to(device)
        (y * weights).sum().backward()
        assert x.grad is not None and x.grad.device == x.device
        results.append(y.detach().cpu().numpy())
        gradients.append(x.grad.cpu().numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-12)
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-9, atol=1e-12)


def test_gradients_hold_against_differences(fallback: None) -> None:
    x = rt.tensor([[0.5, -1.0], [2.0, 0.25]], dtype=rt.float64, device=DEVICE, requires_grad=True)
    assert rt.autograd.gradcheck(lambda t: (t.tanh() @ t).sum(0), (x,))


def test_in_place_writes_land_in_the_tensor(fallback: None) -> None:
    base = on([1.0, 2.0, 3.0, 4.0])
    view, version = base[1:3], base._version
    assert view.mul_(on([10.0, 100.0])) is view
    assert base.tolist() == [1, 20, 300, 4] and base._version > version
    with pytest.raises(RuntimeError, match="leaf"):
        on([1.0], grad=True).mul_(2)
    with pytest.raises(RuntimeError, match="broadcast shape"):
        on([1.0]).mul_(on([1.0, 2.0]))
    with pytest.raises(RuntimeError, match="can't be cast"):
        on([1, 2], rt.int64).mul_(on([1.5, 2.5]))


def test_out_lands_in_the_tensor(fallback: None) -> None:
    x, out = on([1.0, 4.0]), rt.empty(0, dtype=rt.float64, device=DEVICE)
    assert rt.sqrt(x, out=out) is out and out.tolist() == [1, 2] and out.device == x.device
    values, indices = on([0.0, 0.0]), on([0, 0], rt.int64)
    rt.max(on([[1.0, 5.0], [7.0, 2.0]]), 1, out=(values, indices))
    assert values.tolist() == [5, 7] and indices.tolist() == [1, 0]
    with pytest.raises(RuntimeError, match="automatic differentiation"):
        rt.sqrt(on([1.0], grad=True), out=out)


def test_what_an_op_writes_besides_its_result_comes_back(fallback: None) -> None:
    """Running statistics, and the tables of an optimizer's step."""
    found = []
    for device in ("cpu", DEVICE):
        norm = rt.nn.BatchNorm1d(2).to(rt.float64).to(device)
        x = rt.tensor([[1.0, 2.0], [3.0, 5.0], [4.0, -3.0]], dtype=rt.float64, device=device)
        for optimizer in (
            rt.optim.SGD(norm.parameters(), 0.1, momentum=0.9),
            rt.optim.AdamW(norm.parameters()),
        ):
            optimizer.zero_grad()
            (norm(x) ** 3).sum().backward()
            optimizer.step()
        assert norm.running_mean.device == norm.weight.device == rt.device(device)
        found.append(
            [t.detach().cpu().numpy() for t in (*norm.parameters(), norm.running_mean, norm.running_var)]
        )
    for want, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


def test_random_numbers_are_the_cpus(fallback: None) -> None:
    def draw(device: str) -> list[Any]:
        rt.manual_seed(3)
        g = rt.Generator(device=device).manual_seed(5)
        weights = rt.tensor([1.0, 2.0, 3.0], device=device)
        return [
            rt.randn(3, dtype=rt.float64, device=device).tolist(),
            rt.poisson(rt.full((3,), 4.0, device=device)).tolist(),
            rt.multinomial(weights, 5, replacement=True, generator=g).tolist(),
            rt.empty(2, dtype=rt.float64, device=device).uniform_(generator=g).tolist(),
            rt.rand(2, device=device).tolist(),
        ]

    assert draw(DEVICE) == draw("cpu")


def test_errors_of_the_op_itself_stay(fallback: None) -> None:
    with pytest.raises(RuntimeError, match="same device"):
        on([1.0]) + rt.ones(1, dtype=rt.float64)
    with pytest.raises(IndexError):
        on([1.0]).sum(3)


@pytest.mark.parametrize(
    "function",
    [rt.all, rt.any, rt.nn.functional.mse_loss, rt.nn.functional.l1_loss],
    ids=["all", "any", "mse_loss", "l1_loss"],
)
def test_what_no_shader_computes_says_so(function: Callable[..., rt.Tensor]) -> None:
    """Without routing; with it, the result is the CPU's."""
    values = [1.0, 0.0]
    args = (on(values), on([0.5, 2.0])) if function not in (rt.all, rt.any) else (on(values),)
    with pytest.raises(NotImplementedError, match=r"no kernel for .* float64"):
        function(*args)
    with rt.routing("fallback"), pytest.warns(UserWarning, match="float64"):
        assert function(*args).item() == function(*(a.cpu() for a in args)).item()


def test_memory_of_another_device_is_not_read() -> None:
    x, there = rt.ones(3), rt.ones(3, device=DEVICE)
    for write in (
        lambda: x.add_(there),
        lambda: x.addcmul_(there, there),
        lambda: x.clamp_(min=there),
        lambda: x.masked_fill_(there > 0, 5.0),
        lambda: there.add_(x),
    ):
        with pytest.raises(RuntimeError, match="same device"):
            write()
    assert x.tolist() == there.tolist() == [1, 1, 1]
    assert (there * rt.tensor(2.0)).add_(rt.tensor(1.0)).tolist() == [3, 3, 3]  # numbers come along


def test_strict_refuses() -> None:
    x = on([[1.0, 2.0], [3.0, 4.0]])
    single = x.cpu().to(rt.float32).to(DEVICE)
    with rt.routing("strict"):
        with pytest.raises(rt.errors.UnsupportedOperation) as raised:
            x.sin()
        with pytest.raises(rt.errors.UnsupportedOperation, match=r"svd.*strict routing"):
            rt.linalg.svd(x)
        assert (single * 2).tolist() == [[2, 4], [6, 8]]
    message = str(raised.value)
    for part in ("sin", "'emulator'", "float64[2, 2]", "strict", 'routing("auto")'):
        assert part in message
    assert rt.routing_stats().fallbacks == ()


# Their kernels are complex.
LACKING = ("fft.fft", "fft.irfft", "fft.rfftn", "linalg.eig", "linalg.eigvals")


@pytest.mark.parametrize("case", [c for c in CASES if c.id in LACKING], ids=lambda c: c.id)
def test_ops_that_gpus_lack(case: OpCase, fallback: None) -> None:
    """The values of the CPU, on the device of the inputs."""
    function = resolve(rt, case.called)
    failures = Failures(case, "fallback")
    dtype = "float32" if "float32" in case.dtypes else case.dtypes[0]
    for i, sample in enumerate(samples_of(case, dtype)):
        with failures.at(sample, dtype=dtype, layout=CONTIGUOUS.name, sample=i):
            args, kwargs, _ = build(rt, sample)
            want = _answer(function, args, kwargs)
            args, kwargs, tensors = build(_OnDevice(), sample)
            got = _answer(function, args, kwargs)
            if isinstance(want, str):
                assert isinstance(got, str) and got.partition(":")[0] == want.partition(":")[0]
                continue
            assert len(got) == len(want) and tensors
            for a, b in zip(got, want, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    failures.report()
    assert rt.routing_stats().fallbacks


def _answer(function: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Its values, or what kind of error it is."""
    try:
        return arrays(function(*args, **kwargs))
    except RuntimeError as error:
        return str(error)


class _OnDevice:
    """rustorch, with arrays that become tensors of the device."""

    def __getattr__(self, name: str) -> Any:
        return getattr(rt, name)

    def from_numpy(self, array: np.ndarray) -> rt.Tensor:
        return rt.from_numpy(array).to(DEVICE)
