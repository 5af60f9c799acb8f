"""Modules through export, a package on disk, and back: the same numbers; what cannot be exported says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import nn
from rustorch.coreml import export, read_package, to_model
from rustorch.coreml._lower import LOWERINGS
from rustorch.coreml.exporting import TARGETS
from rustorch.coreml.interpreter import Runner
from rustorch.coreml.mil.program import DataType, Metadata
from rustorch.errors import ArgumentError, DTypeError, OpError, UnsupportedOperation


class Residual(nn.Module):
    def __init__(self, width: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.down = nn.Conv2d(width, out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Any) -> Any:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.down(x))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down, self.inner = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.up, self.out = nn.ConvTranspose2d(16, 8, 2, 2), nn.Conv2d(16, 2, 3, padding=1)

    def forward(self, x: Any) -> Any:
        kept = F.relu(self.down(x))
        inner = F.relu(self.inner(F.max_pool2d(kept, 2)))
        return self.out(rt.cat([kept, self.up(inner)], 1))


class Gpt(nn.Module):
    def __init__(self, words: int = 50, width: int = 32, length: int = 16) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(words, width), nn.Parameter(rt.randn(length, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width)
        )
        self.head = nn.Linear(width, words, bias=False)

    def forward(self, tokens: Any) -> Any:
        batch, length = tokens.shape
        x = self.words(tokens) + self.places[:length]
        q, k, v = (
            t.view(batch, length, 4, -1).transpose(1, 2) for t in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(heads.transpose(1, 2).reshape(batch, length, -1))
        return self.head(x + self.mlp(self.norm2(x)))


class CachedGpt(nn.Module):
    """A causal GPT, one token a call: keys and values of earlier tokens lie in buffers."""

    def __init__(self, full: Gpt, length: int = 16) -> None:
        super().__init__()
        self.full = full
        self.register_buffer("keys", rt.zeros(1, 4, length, 8))
        self.register_buffer("values", rt.zeros(1, 4, length, 8))

    def forward(self, token: Any, place: Any) -> Any:
        net = self.full
        x = net.words(token) + net.places.index_select(0, place)
        q, k, v = (t.view(1, 1, 4, -1).transpose(1, 2) for t in net.qkv(net.norm1(x)).chunk(3, dim=-1))
        self.keys.index_copy_(2, place, k)
        self.values[:, :, place] = v
        seen = (rt.arange(self.keys.shape[2]) <= place).reshape(1, 1, 1, -1)
        heads = F.scaled_dot_product_attention(q, self.keys, self.values, attn_mask=seen)
        x = x + net.out(heads.transpose(1, 2).reshape(1, 1, -1))
        return net.head(x + net.mlp(net.norm2(x)))


class Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, self.token = nn.Conv2d(3, 16, 4, 4), nn.Parameter(rt.randn(1, 1, 16))
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True, norm_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(16, 5)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = rt.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        return self.head(self.encoder(x)[:, 0])


def image(*shape: int) -> Any:
    return rt.randn(*shape)


NETS: dict[str, tuple[Any, Any]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 3), nn.LogSoftmax(-1)), (2, 6)),
    "lenet": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2),
            nn.Sigmoid(),
            nn.AvgPool2d(2),
            nn.Conv2d(6, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(400, 10),
        ),
        (1, 1, 28, 28),
    ),
    "resnet": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 7, 2, 3),
            nn.MaxPool2d(3, 2, 1),
            Residual(8, 8),
            Residual(8, 16, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(16, 10),
        ),
        (1, 3, 64, 64),
    ),
    "mobilenet": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1),
            nn.BatchNorm2d(8),
            nn.ReLU6(),
            nn.Conv2d(8, 8, 3, 1, 1, groups=8),
            nn.Hardswish(),
            nn.Conv2d(8, 16, 1),
        ),
        (1, 3, 32, 32),
    ),
    "unet": (UNet, (1, 3, 32, 32)),
    "vit": (Vit, (2, 3, 16, 16)),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), 4),
        (2, 7, 32),
    ),
    "gpt": (Gpt, None),
    "bilstm": (lambda: nn.LSTM(5, 6, num_layers=2, bidirectional=True), (4, 2, 5)),
    "bigru": (lambda: nn.GRU(5, 6, bidirectional=True), (4, 2, 5)),
    "projected lstm": (lambda: nn.LSTM(5, 6, proj_size=3, bidirectional=True), (4, 2, 5)),
    "norms": (
        lambda: nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.Softplus()),
        (2, 4, 5, 5),
    ),
}


def made(name: str) -> tuple[Any, Any]:
    rt.manual_seed(3)
    make, shape = NETS[name]
    net = make().eval()
    for buffer in net.buffers():  # statistics that do something
        if buffer.dtype.is_floating_point:
            buffer.copy_(rt.rand_like(buffer) + 0.5)
    return net, rt.randint(0, 50, (2, 9)) if shape is None else image(*shape)


def departure(found: Any, expected: Any) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("precision, limit", [("float32", 1e-5), ("float16", 1e-2)])
@pytest.mark.parametrize("name", NETS)
def test_nets(name: str, precision: Any, limit: float, tmp_path: Path) -> None:
    net, x = made(name)
    path = tmp_path / "net.mlpackage"
    export(net, x, path, precision=precision, verify=True)
    model = rt.load_model(path)
    found = list(model.predict(x if x.dtype.is_floating_point else x.int()).values())
    expected = net(x)
    expected = expected if isinstance(expected, tuple) else (expected,)
    with rt.no_grad():
        assert departure(found[0], expected[0]) <= limit


@pytest.mark.parametrize("target", TARGETS)
def test_targets(target: str) -> None:
    net, x = made("gpt")
    model = to_model(net, x, target=target, verify=True)
    assert (model.spec_version, model.default_function.opset) == TARGETS[target]


def test_names_and_types(tmp_path: Path) -> None:
    def f(x: Any, count: Any) -> Any:
        return {"sum": x.sum() + count, "positive": x > 0}

    path = tmp_path / "f.mlpackage"
    inputs = (rt.tensor([1.0, -2.0]), rt.tensor(3))
    export(f, inputs, path, inputs=["a", "b"], outputs=["total", "mask"], metadata=Metadata(author="we"))
    description = read_package(path).description
    types = {x.name: (x.type.dtype, x.type.shape) for x in [*description.inputs, *description.outputs]}
    assert types == {
        "a": (DataType.FLOAT32, (2,)),
        "b": (DataType.INT32, (1,)),  # no scalars in an interface
        "total": (DataType.FLOAT32, (1,)),
        "mask": (DataType.INT32, (2,)),  # nor bools
    }
    found = rt.load_model(path).predict(
        {"a": np.array([1.0, -2.0], np.float32), "b": np.array([3], np.int32)}
    )
    assert found["total"].tolist() == [2.0] and found["mask"].tolist() == [1, 0]
    assert rt.load_model(path).metadata.author == "we"


def test_float16_stays_float16() -> None:
    model = to_model(lambda x: x * 2, rt.ones(3, dtype=rt.float16))
    assert [f.type.dtype for f in (*model.description.inputs, *model.description.outputs)] == [
        DataType.FLOAT16
    ] * 2


def test_the_weights_of_now_are_exported(tmp_path: Path) -> None:
    net = nn.Linear(2, 1)
    traced = rt.jit.trace(net, rt.ones(1, 2))
    with rt.no_grad():
        net.weight.fill_(5.0)
    path = tmp_path / "net.mlpackage"
    export(traced, rt.ones(1, 2), path, precision="float32", verify=True)
    found = rt.load_model(path).predict(rt.ones(1, 2))["output"]
    assert departure(found, net(rt.ones(1, 2)).detach()) <= 1e-6


def test_verification_names_the_op(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOWERINGS, "tanh", lambda c, input: c.b.unary("sigmoid", input))
    with pytest.raises(OpError, match=r"'tanh' at .*test_export\.py:\d+ departs first"):
        to_model(lambda x: (x * 2).tanh() + 1, rt.ones(3), verify=True, precision="float32")


def test_all_that_is_missing_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "net.mlpackage"
    with pytest.raises(UnsupportedOperation, match=r"erfinv at .*test_export.*; .*lgamma"):
        export(lambda x: rt.erfinv(x) + rt.lgamma(x), rt.rand(3), path)
    assert not path.exists()


# ---- States ----


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_cache_lasts_from_one_prediction_to_the_next(precision: Any, tmp_path: Path) -> None:
    rt.manual_seed(3)
    full = Gpt().eval()
    net = CachedGpt(full).eval()
    token, place = rt.tensor([[1]]), rt.tensor([0])
    path = tmp_path / "gpt.mlpackage"
    export(net, (token, place), path, states=True, target="macOS15", precision=precision, verify=True)
    assert not net.keys.any(), "exporting wrote the module's buffers"
    description = read_package(path).description
    assert [(s.name, s.type.array.dtype, s.type.array.shape) for s in description.states] == [
        ("keys", DataType.FLOAT16, (1, 4, 16, 8)),
        ("values", DataType.FLOAT16, (1, 4, 16, 8)),
    ]
    tokens = rt.randint(0, 50, (1, 7))
    with rt.no_grad():
        expected = full(tokens)[0]
    model = rt.load_model(path).stateful()
    for _ in range(2):
        for i in range(7):
            found = model.predict({"token": tokens[:, i : i + 1].int(), "place": rt.tensor([i])})["output"]
            assert departure(found[0, 0], expected[i]) <= 3e-3  # a state is float16, whatever computes
        model.reset()


class Counter(nn.Module):
    def __init__(self, kind: Any = rt.float32, start: float = 0) -> None:
        super().__init__()
        self.register_buffer("total", rt.full((2,), start, dtype=kind))
        self.register_buffer("calls", rt.zeros((), dtype=kind))

    def forward(self, x: Any) -> Any:
        self.total += x.to(self.total.dtype)
        self.calls += 1
        return self.total / self.calls


def test_states_by_name_and_without_dims() -> None:
    model = to_model(Counter(), rt.ones(2), states=["total", "calls"], target="iOS18", verify=True)
    runner = Runner(model)
    state = runner.make_state()
    means = [runner.predict(rt.tensor([x, -x]), state=state)["output"].tolist() for x in (1.0, 5.0)]
    assert means == [[1.0, -1.0], [3.0, -3.0]]


# ---- Recurrent networks ----

NETWORKS = {
    "lstm": lambda: nn.LSTM(3, 4),
    "lstm of lines": lambda: nn.LSTM(3, 4, 2, batch_first=True, bidirectional=True),
    "lstm without bias": lambda: nn.LSTM(3, 4, bias=False),
    "lstm with projection": lambda: nn.LSTM(3, 4, proj_size=2),
    "gru": lambda: nn.GRU(3, 4, 2, batch_first=True),
    "gru both ways": lambda: nn.GRU(3, 4, bidirectional=True),
    "rnn": lambda: nn.RNN(3, 4, 2, nonlinearity="relu", bidirectional=True),
}


@pytest.mark.parametrize("target", ["iOS15", "iOS18"])
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_operations(name: str, given: bool, target: str) -> None:
    rt.manual_seed(1)
    net = NETWORKS[name]().eval()
    x, layers = rt.randn(5, 2, 3), net.num_layers * (2 if net.bidirectional else 1)
    batch = 5 if net.batch_first else 2
    state = [rt.randn(*shape) for shape in net._state_shapes(batch)] if given else []
    if len(state) == 2:
        f: Any = lambda x, h, c: net(x, (h, c))  # noqa: E731
    else:
        f = (lambda x, h: net(x, h)) if given else net
    model = to_model(f, (x, *state), target=target, precision="float32")
    types = [operation.type for operation in model.default_function.block.operations]
    kind = net.mode.partition("_")[0].lower()
    whole = not net.proj_size and (kind != "gru" or target == "iOS18")
    assert types.count(kind) == (0 if not whole else net.num_layers if kind == "lstm" else layers)
    with rt.no_grad():
        y, final = f(x, *state)
    expected = [y, *(final if isinstance(final, tuple) else (final,))]
    for found, wanted in zip(Runner(model).predict(x, *state).values(), expected):
        assert found.shape == wanted.shape and departure(found, wanted) <= 1e-5


# ---- What is refused, and how ----

REFUSED: dict[str, tuple[type[Exception], str, Any]] = {
    "training": (UnsupportedOperation, r"eval\(\)", lambda: to_model(nn.Dropout(), rt.ones(2))),
    "written buffers": (
        UnsupportedOperation,
        "writes state; got num_batches_tracked, running_mean",
        lambda: to_model(nn.BatchNorm1d(2), rt.ones(2, 2)),
    ),
    "states of integers": (
        UnsupportedOperation,
        "'total' of int32; try an input",
        lambda: to_model(Counter(rt.int32), rt.ones(2), states=True, target="macOS15"),
    ),
    "states that hold something": (
        ArgumentError,
        "'total' with other numbers; try zero_",
        lambda: to_model(Counter(start=1), rt.ones(2), states=True, target="macOS15"),
    ),
    "some states": (
        UnsupportedOperation,
        "got calls; try .* states=",
        lambda: to_model(Counter(), rt.ones(2), states=["total"], target="macOS15"),
    ),
    "unknown states": (
        ArgumentError,
        "'cache'; try one of total, calls",
        lambda: to_model(Counter(), rt.ones(2), states=["cache"], target="macOS15"),
    ),
    "states before macOS 15": (
        ArgumentError,
        'try target="macOS15"',
        lambda: to_model(Counter(), rt.ones(2), states=True),
    ),
    "float64": (
        UnsupportedOperation,
        "float32 at most",
        lambda: to_model(nn.Linear(2, 2).double(), rt.ones(1, 2).double()),
    ),
    "beyond float16": (ArgumentError, "beyond float16", lambda: to_model(lambda x: x * 1e6, rt.ones(2))),
    "beyond int32": (
        ArgumentError,
        "32 bits",
        lambda: to_model(lambda x: x + rt.tensor([2**40]), rt.ones(1, dtype=rt.int64)),
    ),
    "six dims": (ArgumentError, "at most 5", lambda: to_model(lambda x: x + 1, rt.ones(1, 1, 1, 1, 1, 2))),
    "empty": (ArgumentError, "empty", lambda: to_model(lambda x: x + 1, rt.ones(0, 2))),
    "target": (ArgumentError, "target", lambda: to_model(nn.ReLU(), rt.ones(1), target="macOS10")),
    "precision": (
        ArgumentError,
        "precision",
        lambda: to_model(nn.ReLU(), rt.ones(1), precision="int8"),  # type: ignore[arg-type]
    ),
    "names": (ArgumentError, "needs 1 names", lambda: to_model(nn.ReLU(), rt.ones(1), outputs=["a", "b"])),
    "no name": (ArgumentError, "letters", lambda: to_model(nn.ReLU(), rt.ones(1), outputs=["a b"])),
    "one name twice": (
        ArgumentError,
        "same name",
        lambda: to_model(nn.ReLU(), rt.ones(1), inputs=["a"], outputs=["a"]),
    ),
    "nothing to call": (DTypeError, "int", lambda: to_model(3, rt.ones(1))),  # type: ignore[arg-type]
}


@pytest.mark.filterwarnings("ignore::rustorch.jit.TracerWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_refusals(what: str) -> None:
    error, text, make = REFUSED[what]
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize("size", [8, 5000])
def test_large_numbers_are_seen_in_every_constant(size: int) -> None:
    """Those beyond float16 are refused, those that stand for never are made its own, infinities stay."""
    for number, held in ((7e4, None), (-3.4e38, -32752.0), (float("-inf"), float("-inf")), (0.1, 0.1)):
        weight = rt.zeros(size)
        weight[3] = number
        if held is None:
            with pytest.raises(ArgumentError, match="beyond float16"):
                to_model(lambda x, w=weight: x + w, rt.zeros(1))
            continue
        found = Runner(to_model(lambda x, w=weight: x + w, rt.zeros(1))).predict(rt.zeros(1))["output"]
        assert float(found[3]) == pytest.approx(held, rel=1e-3) and not found[4:].any()
