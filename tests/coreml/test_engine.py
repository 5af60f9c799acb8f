"""The device "coreml": when it is there, what runs where, gradients, writes, threads, statistics, errors."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import _C, errors
from rustorch.coreml import CoreMLBackend, CoreMLBackendConfig
from rustorch.coreml.engine import _reference
from rustorch.errors import (
    ArgumentError,
    DeviceNotAvailable,
    InferenceFailed,
    ModelCompilationFailed,
    TensorShapeMismatch,
    UnsupportedOperation,
)

from .engine_support import engine  # noqa: F401

pytestmark = pytest.mark.usefixtures("engine")


def stats() -> dict[str, Any]:
    return rt.coreml.get_stats()


def same(found: Any, expected: Any, limit: float = 2e-3) -> None:
    assert tuple(found.shape) == tuple(expected.shape) and found.dtype == expected.dtype
    np.testing.assert_allclose(
        found.detach().cpu().numpy(), expected.detach().cpu().numpy(), rtol=limit, atol=limit
    )


# ---- Is it there? ----


def test_without_an_executor() -> None:
    with rt.coreml.use_reference(False):
        assert not rt.coreml.is_coreml_available()
        device = next(d for d in rt.devices() if d.name == "coreml")
        assert not device.available and "use_reference" in device.reason
        assert rt.coreml.CoreMLDevice.current().reason == device.reason
        with pytest.raises(DeviceNotAvailable, match="use_reference"):
            rt.ones(2, device="coreml")
        with pytest.raises(DeviceNotAvailable, match="use_reference"):
            rt.coreml.compile(rt.nn.ReLU(), rt.ones(2))
    assert rt.coreml.is_coreml_available()


def test_tensors_outlive_the_reference() -> None:
    x = rt.ones(2, 3, device="coreml") * 2
    with rt.coreml.use_reference(False):
        assert x.cpu().tolist() == [[2.0] * 3] * 2 and x[0, 0].item() == 2
        with pytest.raises(DeviceNotAvailable, match="not available"):
            x + x
    assert (x + x).sum().item() == 24


def test_device_names() -> None:
    device = rt.coreml.CoreMLDevice.current()
    assert device.available and device.name == "coreml" and device.executor and device.version
    now = [0.0]
    cache = rt.coreml.DeviceCache(30, clock=lambda: now[0])
    cache.warmup()
    assert cache.is_available("coreml") and cache.is_available("cpu") and not cache.is_available("mlcompute")
    with rt.coreml.use_reference(False):
        assert cache.is_available("coreml")  # as it was asked
        now[0] = 30.0
        assert not cache.is_available("coreml")
    cache.invalidate()
    assert cache.is_available("coreml")
    with pytest.raises(ArgumentError, match="validity"):
        rt.coreml.DeviceCache(-1)


# ---- What runs ----


def test_results_have_the_precision_of_the_engine() -> None:
    x = rt.full((3,), 1 / 3, device="coreml")
    assert (x * 1).cpu().tolist() == [float(np.float16(1 / 3))] * 3
    with CoreMLBackend(CoreMLBackendConfig(precision="float32", cache_folder="unused")) as backend:
        assert backend.available
        with CoreMLBackend(CoreMLBackendConfig(precision="float32", enable_caching=False)):
            assert (x * 1).cpu().tolist() == [float(np.float32(1 / 3))] * 3


def test_memory_is_the_hosts() -> None:
    """Views, copies, creations and random numbers take no program."""
    x = rt.arange(12.0, device="coreml").reshape(3, 4)
    x[1] = 7
    y = rt.cat([x.T, rt.zeros(4, 1, device="coreml")], 1)
    assert y[:, 1].tolist() == [7.0] * 4
    rt.manual_seed(3)
    on_host = rt.randn(5)
    rt.manual_seed(3)
    assert rt.randn(5, device="coreml").cpu().tolist() == on_host.tolist()
    assert rt.randperm(5, device="coreml").sort().values.tolist() == list(range(5))
    assert x.clone().contiguous().device.type == "coreml"
    assert stats()["predictions"] == 1  # the sort


def test_in_place_and_out() -> None:
    x = rt.arange(6.0, device="coreml").reshape(2, 3)
    row = x[1]
    row.mul_(2)
    x += 1
    assert x.tolist() == [[1, 2, 3], [7, 9, 11]]
    out = rt.empty(3, 2, device="coreml")
    assert rt.exp(x.T * 0, out=out) is out and out.sum().item() == 6
    with pytest.raises(RuntimeError, match="same device"):
        x + rt.ones(2, 3)


def test_numbers_mix() -> None:
    x = rt.arange(3.0, device="coreml")
    assert (x + rt.tensor(2.0)).tolist() == [2, 3, 4] and (1 - x).tolist() == [1, 0, -1]
    assert (x > 1).tolist() == [False, False, True]
    assert x[rt.tensor([2, 0])].tolist() == [2, 0]


def test_gradients_flow() -> None:
    rt.manual_seed(0)
    w, x = rt.randn(3, 4), rt.randn(5, 3)

    def loss(w: Any, x: Any) -> Any:
        return ((x @ w).tanh() * 2).pow(2).sum()

    w.requires_grad_()
    loss(w, x).backward()
    on = w.detach().to("coreml").requires_grad_()
    with rt.routing("fallback"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loss(on, x.to("coreml")).backward()
    assert on.grad.device.type == "coreml"
    same(on.grad, w.grad, 2e-2)


def test_modules() -> None:
    rt.manual_seed(0)
    net = rt.nn.Sequential(
        rt.nn.Conv2d(3, 4, 3), rt.nn.BatchNorm2d(4), rt.nn.ReLU(), rt.nn.MaxPool2d(2), rt.nn.Flatten(),
        rt.nn.Linear(36, 5), rt.nn.Softmax(1),
    ).eval()  # fmt: skip
    x = rt.randn(2, 3, 8, 8)
    expected = net(x)
    with rt.no_grad():
        found = net.to("coreml")(x.to("coreml"))
    same(found, expected, 1e-2)
    assert stats()["refusals"] == 0


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (lambda: rt.nn.Linear(4, 3), (2, 4)),
        (lambda: rt.nn.Conv2d(2, 4, 3, padding=1, groups=2), (1, 2, 5, 5)),
        (lambda: rt.nn.ConvTranspose2d(2, 3, 3, stride=2), (1, 2, 4, 4)),
        (lambda: rt.nn.LayerNorm(6), (2, 6)),
        (lambda: rt.nn.PReLU(), (2, 6)),
        (lambda: rt.nn.SiLU(), (2, 6)),
        (lambda: rt.nn.ELU(), (2, 6)),
    ],
    ids=["linear", "conv", "conv_transpose", "layer_norm", "prelu", "silu", "elu"],
)
def test_layers_with_gradients(layer: Any, x: Any) -> None:
    """Composite ops go by their parts then, and those are programs too."""
    rt.manual_seed(0)
    module, given = layer(), rt.randn(*x)
    expected = module(given)
    found = module.to("coreml")(given.to("coreml").requires_grad_())
    assert found.requires_grad and stats()["refusals"] == 0
    same(found, expected, 1e-2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: rt.ones(2, dtype=rt.float64),
        lambda: rt.ones(2, dtype=rt.complex64),
        lambda: rt.ones(2, dtype=rt.bfloat16),
        lambda: rt.ones(2, dtype=rt.int64),
        lambda: rt.ones(1, 1, 1, 1, 1, 2),
    ],
    ids=["float64", "complex64", "bfloat16", "int64", "six dims"],
)
def test_what_core_ml_cannot_hold_is_refused(make: Any) -> None:
    """Never rounded, never cut to 32 bits: refused, or run elsewhere where that is asked for."""
    x = make()
    y = x.to("coreml")
    with pytest.raises(UnsupportedOperation, match=r"coreml.*routing"):
        y + y
    with rt.routing("fallback"), pytest.warns(UserWarning, match="add"):
        rt.reset_routing_stats()
        z = y + y
    assert z.device.type == "coreml" and z.cpu().tolist() == (x + x).tolist()
    assert [(f.op, f.device, f.count) for f in rt.routing_stats().fallbacks] == [("add", "coreml", 1)]


def test_integers_beyond_32_bits_are_refused() -> None:
    x = rt.tensor([1, 2**40], device="coreml")
    assert (x[:1] > 0).tolist() == [True]
    with pytest.raises(ArgumentError, match="32 bits"):
        _ = x > 0


M = np.array([[1.0, -2.0, 0.0], [3.0, 4.0, -1.0]], np.float32)
SIZED_BY_VALUES: dict[str, tuple[str, Any]] = {
    "x[mask]": ("index", lambda x: x[x > 0]),
    "x[rows]": ("index", lambda x: x[x[:, 0] > 1]),
    "x[:, columns]": ("index", lambda x: x[:, x[0] != 0]),
    "x[none]": ("index", lambda x: x[x > 100]),
    "masked_select": ("masked_select", lambda x: rt.masked_select(x, x > 0)),
    "masked_select of rows": ("masked_select", lambda x: x.masked_select(x[:, :1] > 1)),
    "nonzero": ("nonzero", lambda x: rt.nonzero(x)),
    "nonzero by dims": ("nonzero", lambda x: rt.stack(rt.nonzero(x, as_tuple=True)).cpu()),
    "argwhere": ("argwhere", lambda x: rt.argwhere(x > 0)),
    "unique": ("unique", lambda x: rt.unique(x > 0)),
    "masked_scatter": ("masked_scatter", lambda x: rt.masked_scatter(x, x > 0, -x.reshape(-1))),
}


@pytest.mark.parametrize("what", SIZED_BY_VALUES)
def test_sizes_that_values_decide_are_found_on_the_host_and_counted(what: str) -> None:
    op, call = SIZED_BY_VALUES[what]
    x = rt.from_numpy(M)
    rt.reset_routing_stats()
    with pytest.warns(UserWarning, match=f"{op}: values decide sizes.*runs on 'cpu'"):
        found = call(x.to("coreml"))
    same(found, call(x))
    assert found.device.type == "coreml" or what == "nonzero by dims"
    (noted,) = [f for f in rt.routing_stats().fallbacks if f.op == op]
    assert (noted.device, noted.count) == ("coreml", 1) and stats()["on_host"] >= 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        call(x.to("coreml"))
    assert stats()["refusals"] == 0


@pytest.mark.filterwarnings("ignore:.*values decide sizes")
def test_masks_are_written_and_differentiated() -> None:
    def trained(device: str) -> tuple[Any, Any]:
        x = rt.from_numpy(M).to(device).requires_grad_()
        y = x * 2
        y[y > 4] = rt.tensor([10.0, 20.0], device=device)
        y[y < 0] = 0.0
        (y[x > 0] ** 2).sum().backward()
        return y, x.grad

    for found, expected in zip(trained("coreml"), trained("cpu")):
        assert found.device.type == "coreml"
        same(found, expected)


def test_strict_routing_refuses_sizes_that_values_decide() -> None:
    x = rt.from_numpy(M).to("coreml")
    with rt.routing("strict"), pytest.raises(UnsupportedOperation, match="nonzero"):
        rt.nonzero(x)


def test_one_value_for_all_places_of_a_mask_is_a_program() -> None:
    x = rt.from_numpy(M).to("coreml")
    x[x > 0] = 7.0
    assert stats()["on_host"] == 0 and x.cpu().tolist() == [[7, -2, 0], [7, 7, -1]]


def test_masks_of_another_device_and_shape_are_errors() -> None:
    x = rt.from_numpy(M).to("coreml")
    with pytest.raises(RuntimeError, match="masked_select"):
        rt.masked_select(x, rt.from_numpy(M > 0))
    with pytest.raises(IndexError, match="mask"):
        x[rt.tensor([True, False, True], device="coreml")]


def test_empty_and_zero_dim() -> None:
    x = rt.ones(0, 3, device="coreml")
    assert (x + x).shape == (0, 3) and x.sum().item() == 0 and stats()["on_host"] == 2
    y = rt.tensor(2.0, device="coreml")
    assert (y * y).item() == 4 and (y * y).dim() == 0


def test_errors_are_those_of_the_cpu() -> None:
    x = rt.ones(2, 3, device="coreml")
    with pytest.raises(errors.OpError, match="add"):
        x + rt.ones(2, 4, device="coreml")
    with pytest.raises(IndexError):
        x.sum(5)


# ---- Routing ----


def test_auto_chooses_it() -> None:
    rt.selector.set_thresholds(coreml_min_size=100, coreml_max_size=1000)
    try:
        assert rt.selector.table().chain[0] == "coreml"
        with rt.routing("auto"), rt.record_routing() as log:
            (rt.ones(200) + 1, rt.ones(20) + 1, rt.ones(2000) + 1)
        assert [e.device for e in log if e.op == "add"] == ["coreml", "cpu", "cpu"]
        assert rt.ones(200, device="auto").device.type == "coreml"
        assert rt.ones(20, device="auto").device.type == "cpu"
        with rt.routing("auto"), pytest.warns(UserWarning, match="erfinv"):
            rt.erfinv(rt.zeros(200))
    finally:
        rt.selector.set_thresholds()
    with rt.coreml.use_reference(False):
        assert "coreml" not in rt.selector.table().chain


# ---- Programs, statistics ----


def test_programs_are_made_once() -> None:
    x = rt.ones(3, device="coreml")
    for _ in range(3):
        x * 2
    x * 3  # another constant
    found = stats()
    assert (found["program_misses"], found["program_hits"], found["predictions"]) == (2, 2, 4)
    assert (found["cache_hits"], found["cache_misses"]) == (0, 2) and found["cache_bytes"] > 0
    assert found["compile_seconds"] > 0 and found["predict_seconds"] > 0
    _C._coreml_forget()  # as another process begins
    x * 2
    assert stats()["cache_hits"] == 1


def test_profile(tmp_path: Path) -> None:
    config = CoreMLBackendConfig(enable_profiling=True, cache_folder=tmp_path)
    with CoreMLBackend(config) as backend:
        x = rt.ones(3, device="coreml")
        x + x, x + x, x * x
        ops = backend.get_stats()["ops"]
    assert {op: calls for op, (calls, _) in ops.items()} == {"add": 2, "mul": 1}
    backend.clear_cache()
    assert backend.get_stats()["cache_bytes"] == 0


@pytest.mark.parametrize(
    "wrong",
    [{"precision": "int8"}, {"compute_units": "npu"}, {"max_cache_size": 0}, {"max_cache_size": True}],
    ids=str,
)
def test_configurations_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        CoreMLBackendConfig(**wrong)


def test_threads() -> None:
    """Tensors of one thread in others, which begin with an operator, an index or backward()."""
    x = rt.arange(6.0, device="coreml").reshape(2, 3)
    leaf = x.clone().requires_grad_()
    loss = (leaf * leaf).sum()
    found: dict[str, Any] = {}
    starts = {
        "sum": lambda: (x + x).cpu().tolist(),
        "index": lambda: x[rt.tensor([1])].cpu().tolist(),
        "backward": lambda: (loss.backward(), leaf.grad.cpu().tolist())[1],
        "method": lambda: x.exp().argmax().item(),
    }

    def run(name: str) -> None:
        try:
            found[name] = starts[name]()
        except Exception as error:
            found[name] = error

    threads = [threading.Thread(target=run, args=(name,)) for name in starts]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {
        "sum": [[0, 2, 4], [6, 8, 10]],
        "index": [[3, 4, 5]],
        "backward": [[0, 2, 4], [6, 8, 10]],
        "method": 5,
    }


def test_logs_of_routing_may_come_before_and_after_the_engine() -> None:
    """In a thread of its own, where the engine joins the way of ops behind the log."""
    seen = []

    def run() -> None:
        with rt.record_routing():
            rt.ones(2, device="coreml") + 1
        for _ in range(2):
            with rt.record_routing() as log:
                seen.append((rt.ones(2) + 1).tolist())
            seen.append([event.op for event in log if event.op == "add"])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [[2, 2], ["add"]] * 2


def test_recordings_see_ops_on_the_device() -> None:
    x = rt.ones(3, device="coreml")
    graph = rt.jit.trace(lambda t: (t * 2 + 1).sum(), x).graph
    assert [n.op for n in graph.nodes] == ["mul", "add", "sum"] and graph(x).item() == 9


# ---- What fails ----


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Predictions fail as often as there are entries in the list."""
    fails: list[str] = []
    original = _reference._Program.__call__

    def call(self: Any, inputs: Any, outputs: Any) -> None:
        if fails:
            raise InferenceFailed.of("coreml", fails.pop())
        original(self, inputs, outputs)

    monkeypatch.setattr(_reference._Program, "__call__", call)
    yield fails


def test_failed_predictions_are_made_again(failing: list[str]) -> None:
    x = rt.ones(2, device="coreml")
    failing[:] = ["busy", "busy"]
    assert (x + x).tolist() == [2, 2] and stats()["retries"] == 2
    failing[:] = ["busy"] * 3
    with pytest.raises(InferenceFailed, match="busy"):
        x + x


def test_programs_that_are_not_accepted_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def compile(self: Any, package: str, compiled: str) -> None:
        raise ModelCompilationFailed.of("coreml", "no such operation")

    monkeypatch.setattr(_reference.ReferenceExecutor, "compile", compile)
    x = rt.ones(2, device="coreml")
    with pytest.raises(UnsupportedOperation, match="no such operation"):
        x + x
    with rt.routing("fallback"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (x + x).tolist() == [2, 2]
    assert stats()["compile_failures"] == 1
    with pytest.raises(ModelCompilationFailed):
        rt.coreml.compile(rt.nn.ReLU(), rt.ones(2))


def test_errors_say_what_to_do() -> None:
    for name in (
        "DeviceNotAvailable", "ModelCompilationFailed", "InferenceFailed", "MemoryAllocationFailed",
        "TensorShapeMismatch", "UnsupportedOperation",
    ):  # fmt: skip
        cls = getattr(errors, name)
        assert issubclass(cls, errors.RustorchError) and cls.recovery


# ---- Whole graphs ----


def test_compiled_functions() -> None:
    rt.manual_seed(0)
    net = rt.nn.Sequential(rt.nn.Linear(4, 8), rt.nn.ReLU(), rt.nn.Linear(8, 2)).eval()
    x = rt.randn(3, 4)
    fast = rt.coreml.compile(net, x, precision="float32")
    same(fast(x), net(x), 1e-5)
    assert fast(x.to("coreml")).device.type == "coreml" and fast(x).device.type == "cpu"
    assert not fast(x.requires_grad_()).requires_grad
    assert list(fast.inputs.values()) == [(rt.float32, (3, 4))] and "float32[3, 4]" in repr(fast)
    for wrong in (rt.ones(2, 4), rt.ones(3, 4, dtype=rt.float64)):
        with pytest.raises(TensorShapeMismatch, match="input"):
            fast(wrong)
    with pytest.raises(TypeError):
        fast(x, x)
    # The same program again, from disk; other weights are another program.
    before = stats()
    rt.coreml.compile(net, x, precision="float32")
    assert stats()["cache_hits"] == before["cache_hits"] + 1
    with rt.no_grad():
        net[0].weight += 1
    rt.coreml.compile(net, x, precision="float32")
    assert stats()["cache_misses"] == before["cache_misses"] + 1


def test_compiled_functions_keep_structure_and_dtypes() -> None:
    def f(pair: Any, scale: Any) -> Any:
        a, b = pair
        return {"sum": a + b * scale, "where": a > b, "best": a.argmax(1)}

    a, b, s = rt.randn(2, 3), rt.randn(2, 3), rt.tensor(2.0)
    traced = rt.jit.trace(f, ((a, b), s))
    found, expected = rt.coreml.compile(traced)((a, b), s), f((a, b), s)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        same(found[name], value, 1e-2)


def test_weights_can_be_read_after_their_entry_is_gone(engine: Path) -> None:  # noqa: F811
    import shutil

    net = rt.nn.Linear(32, 64).eval()
    fast = rt.coreml.compile(net, rt.ones(1, 32))
    shutil.rmtree(engine)
    same(fast(rt.ones(1, 32)), net(rt.ones(1, 32)), 1e-2)
