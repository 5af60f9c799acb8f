"""rustorch.mlcompute.plan: layers that compute what the module computes, for MLCompute to run on a Mac."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn
from rustorch.nn import functional as F
from tests.mlcompute.evaluate import evaluate

plan = rt.mlcompute.plan


def sample(*shape: int, seed: int = 0, positive: bool = False) -> rt.Tensor:
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    return rt.from_numpy(np.abs(values) + 0.5 if positive else values)


class Function(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: rt.Tensor) -> Any:
        return self.function(*inputs)


IMAGE = (2, 4, 6, 8)
CONSTANT = sample(2, 3, seed=9)
LAYERS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(4, 3), (2, 4)),
    "linear without bias": (lambda: nn.Linear(4, 3, bias=False), (2, 4)),
    "conv": (lambda: nn.Conv2d(4, 6, (3, 2), stride=(1, 2), padding=(2, 1), dilation=(2, 1)), IMAGE),
    "grouped conv": (lambda: nn.Conv2d(4, 6, 3, groups=2, bias=False), IMAGE),
    "depthwise conv": (lambda: nn.Conv2d(4, 8, 3, groups=4), IMAGE),
    "transposed conv": (lambda: nn.ConvTranspose2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 0)), IMAGE),
    "max pooling": (lambda: nn.MaxPool2d((3, 2), stride=(1, 2), padding=(1, 0)), IMAGE),
    "dilated max pooling": (lambda: nn.MaxPool2d(2, stride=1, dilation=2), IMAGE),
    "max pooling that fills": (lambda: nn.MaxPool2d(2, ceil_mode=True), IMAGE),
    "average pooling": (lambda: nn.AvgPool2d((3, 2), stride=1, padding=1), IMAGE),
    "average of what is there": (lambda: nn.AvgPool2d(2, padding=1, count_include_pad=False), IMAGE),
    "adaptive average": (lambda: nn.AdaptiveAvgPool2d((3, 1)), IMAGE),
    "adaptive maximum": (lambda: nn.AdaptiveMaxPool2d(2), IMAGE),
    "batch norm": (lambda: nn.BatchNorm2d(4), IMAGE),
    "batch norm without weights": (lambda: nn.BatchNorm2d(4, affine=False), IMAGE),
    "batch norm of rows": (lambda: nn.BatchNorm1d(4), (5, 4)),
    "group norm": (lambda: nn.GroupNorm(2, 4), IMAGE),
    "instance norm": (lambda: nn.InstanceNorm2d(4, affine=True), IMAGE),
    "layer norm of rows": (lambda: nn.LayerNorm(4), (5, 4)),
    "layer norm of images": (lambda: nn.LayerNorm([4, 6, 8]), IMAGE),
    "softmax": (lambda: nn.Softmax(-1), (3, 5)),
    "log softmax over channels": (lambda: nn.LogSoftmax(1), IMAGE),
    "flatten": (lambda: nn.Flatten(), IMAGE),
    "flatten of one pixel": (lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), IMAGE),
    "dropout in eval mode": (lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.5)), (3, 5)),
    **{
        type(layer).__name__: (lambda layer=layer: layer, (3, 5))
        for layer in [
            nn.ReLU(),
            nn.ReLU6(),
            nn.LeakyReLU(0.2),
            nn.ELU(0.7),
            nn.CELU(0.7),
            nn.SELU(),
            nn.GELU(),
            nn.SiLU(),
            nn.Sigmoid(),
            nn.Hardsigmoid(),
            nn.Hardswish(),
            nn.LogSigmoid(),
            nn.Tanh(),
            nn.Tanhshrink(),
            nn.Softplus(2),
            nn.Softsign(),
            nn.Hardshrink(0.3),
            nn.Softshrink(0.3),
            nn.Threshold(0.1, -2),
            nn.Hardtanh(-0.5, 0.7),
        ]
    },
    "in place": (lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True)), (2, 4)),
    "arithmetic": (lambda: Function(lambda x: (2 - x * 3 + 1) / 4 + rt.mul(x, x) - x / (x * x + 2)), (2, 4)),
    "functions": (lambda: Function(lambda x: -rt.exp(x).sqrt() + rt.log(rt.exp(x)) + x.abs()), (2, 4)),
    "permute": (lambda: Function(lambda x: x.permute(0, 2, 3, 1).reshape(2, -1)), IMAGE),
    "transpose": (lambda: Function(lambda x: x.transpose(1, -1)), IMAGE),
    "concatenation": (lambda: Function(lambda x: rt.cat([x, x * 2], 1)), IMAGE),
    "mean over the image": (lambda: Function(lambda x: x.mean((2, 3))), IMAGE),
    "sum over channels": (lambda: Function(lambda x: x.sum(1, keepdim=True)), IMAGE),
    "several outputs": (lambda: Function(lambda x: (x + 1, x.relu(), (x + 1).unsqueeze(2))), (2, 3)),
    "a constant": (lambda: Function(lambda x: x * CONSTANT), (2, 3)),
}


def results(module: Any, *inputs: rt.Tensor) -> list[np.ndarray]:
    with rt.no_grad():
        got = module(*inputs)
    return [t.numpy() for t in (got if isinstance(got, tuple) else (got,))]


@pytest.mark.parametrize("name", LAYERS)
def test_layers_compute_what_the_module_computes(name: str) -> None:
    make, shape = LAYERS[name]
    rt.manual_seed(0)
    module = make()
    x = sample(*shape)
    if any(True for _ in module.buffers()):  # statistics that are not 0 and 1
        module(x)
    module.eval()
    found = plan(module, x)
    got = evaluate(found, [x.numpy()])
    wanted = results(module, x)
    assert len(got) == len(wanted)
    for a, b in zip(got, wanted):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


def test_two_inputs_and_a_residual_net() -> None:
    rt.manual_seed(0)
    conv, norm, head = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3).eval(), nn.Linear(3, 2)
    net = Function(lambda x, y: head((norm(conv(x)).relu() + y).mean((2, 3))))
    net.parts = nn.ModuleList([conv, norm, head])
    x, y = sample(2, 3, 5, 5), sample(2, 3, 5, 5, seed=1)
    found = plan(net, (x, y))
    assert [found["tensors"][i]["name"] for i in found["inputs"]] == ["inputs_0", "inputs_1"]
    assert found["batch"] == 2
    assert all(len(t["shape"]) == 4 for t in found["tensors"])
    assert {t["name"] for t in found["tensors"] if t["role"] == "weight"} == {
        f"parts.{i}.{name}" for i in range(3) for name in ("weight", "bias")
    }
    assert all(t["tensor"] is head.weight for t in found["tensors"] if t["name"] == "parts.2.weight")
    np.testing.assert_allclose(evaluate(found, [x.numpy(), y.numpy()])[0], results(net, x, y)[0], rtol=1e-5)


LOSSES: dict[str, tuple[Any, Any]] = {
    "cross entropy": (nn.CrossEntropyLoss(), lambda: rt.tensor([2, 0, 1, 2])),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), lambda: rt.tensor([2, 0, 1, 2])),
    "of probabilities": (nn.CrossEntropyLoss(reduction="mean"), lambda: F.softmax(sample(4, 3, seed=5), 1)),
    "summed": (nn.CrossEntropyLoss(reduction="sum"), lambda: rt.tensor([2, 0, 1, 2])),
    "squares": (nn.MSELoss(), lambda: sample(4, 3, seed=5)),
    "absolute": (nn.L1Loss(reduction="sum"), lambda: sample(4, 3, seed=5)),
    "huber": (nn.HuberLoss(delta=0.4), lambda: sample(4, 3, seed=5)),
    "smooth": (nn.SmoothL1Loss(), lambda: sample(4, 3, seed=5)),
    "logits": (nn.BCEWithLogitsLoss(), lambda: F.sigmoid(sample(4, 3, seed=5))),
    "probabilities": (
        lambda x, t: F.binary_cross_entropy(x.sigmoid(), t),
        lambda: (sample(4, 3) > 0).float(),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_training_graphs_end_in_the_loss(name: str) -> None:
    loss, make_target = LOSSES[name]
    rt.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))
    x, target = sample(4, 5), make_target()
    found = plan(net, x, loss, rt.optim.SGD(net.parameters(), lr=0.1), target)
    assert [layer["layer"] for layer in found["layers"]][-1] == "loss"
    assert [t["name"] for t in found["tensors"] if t["trained"]] == [
        f"module.{i}.{w}" for i in (0, 2) for w in ("weight", "bias")
    ]
    got = evaluate(found, [x.numpy()], [target.numpy()])[0]
    np.testing.assert_allclose(got, loss(net(x), target).detach().numpy(), rtol=1e-5)


def test_planning_a_training_leaves_the_module_as_it_was() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = plan(net, sample(6, 5), nn.MSELoss(), rt.optim.Adam(net.parameters()), sample(6, 2))
    assert all(bool((value == before[name]).all()) for name, value in net.state_dict().items())
    layers = {layer["layer"]: layer for layer in found["layers"]}
    assert layers["dropout"]["rate"] == pytest.approx(0.3)
    assert layers["batch_norm"]["keep"] == pytest.approx(0.9)
    roles = {t["name"]: t["role"] for t in found["tensors"]}
    assert roles["module.1.running_mean"] == roles["module.1.running_var"] == "statistic"
    assert [(counter is net[1].num_batches_tracked, step) for counter, step in found["counters"]] == [
        (True, 1)
    ]


def test_parameters_that_the_optimizer_lacks_are_frozen() -> None:
    net = nn.Sequential(nn.Linear(5, 4), nn.Linear(4, 2))
    found = plan(net, sample(6, 5), nn.MSELoss(), rt.optim.AdamW(net[1].parameters()), sample(6, 2))
    assert [layer["frozen"] for layer in found["layers"]] == [True, False, False]


def adamax() -> Any:
    class Other(rt.optim.Optimizer):
        pass

    return Other([nn.Parameter(rt.ones(1))], {})


NET = nn.Linear(3, 2)
TIED = nn.Linear(3, 3)
MAXIMIZE = rt.optim.SGD(NET.parameters(), maximize=True)
REFUSED: dict[str, tuple[Any, str]] = {
    "ops without a layer, all at once": (
        lambda: plan(lambda x: rt.cumsum(x.sin(), 0), rt.ones(2, 3)),
        r"sin.*no layer for it",
    ),
    "training mode": (lambda: plan(nn.BatchNorm1d(3), rt.ones(2, 3)), "call eval"),
    "other dtypes": (lambda: plan(lambda x: x + 1, rt.ones(2, 3, dtype=rt.float64)), "must be float32"),
    "five dims": (lambda: plan(lambda x: x.relu(), rt.ones(1, 1, 1, 1, 1)), "one to four dims"),
    "rows of rows": (lambda: plan(NET, rt.ones(2, 5, 3)), r"\[batch, features\]"),
    "a batch that moves": (lambda: plan(lambda x: x.reshape(3, 2).relu(), rt.ones(2, 3)), "batch"),
    "a cut window": (lambda: plan(nn.MaxPool2d(2, ceil_mode=True), rt.ones(1, 1, 5, 5)), "ceil_mode"),
    "broadcasting": (lambda: plan(lambda x: x + rt.ones(3), rt.ones(2, 3)), "one shape"),
    "nothing computed": (lambda: plan(lambda x: x, rt.ones(2, 3)), "not computed by any layer"),
    "two groups": (
        lambda: rt.mlcompute.plan(
            NET, rt.ones(2, 3), nn.MSELoss(),
            rt.optim.SGD([{"params": [NET.weight]}, {"params": [NET.bias]}], lr=0.1), rt.ones(2, 2),
        ),
        "one group",
    ),
    "maximize": (
        lambda: plan(NET, rt.ones(2, 3), nn.MSELoss(), MAXIMIZE, rt.ones(2, 2)),
        "maximize",
    ),
    "another optimizer": (
        lambda: plan(NET, rt.ones(2, 3), nn.MSELoss(), adamax(), rt.ones(2, 2)), "SGD, Adam or AdamW",
    ),
    "a weight that is used twice": (
        lambda: plan(
            lambda_module(lambda x: TIED(TIED(x)), TIED), rt.ones(2, 3), nn.MSELoss(),
            rt.optim.SGD(TIED.parameters()), rt.ones(2, 3),
        ),
        "two layers at once",
    ),
    "weighted classes": (
        lambda: plan(
            NET, rt.ones(2, 3), nn.CrossEntropyLoss(weight=rt.ones(2)), rt.optim.SGD(NET.parameters()),
            rt.tensor([0, 1]),
        ),
        "weight must be None",
    ),
    "half of a layer": (
        lambda: plan(NET, rt.ones(2, 3), nn.MSELoss(), rt.optim.SGD([NET.bias]), rt.ones(2, 2)),
        "some of its weights are trained, some not",
    ),
}  # fmt: skip


def lambda_module(function: Any, part: nn.Module) -> nn.Module:
    net = Function(function)
    net.part = part
    return net


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_layer_is_named(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(NotImplementedError, match=message) as caught:
        call()
    assert str(caught.value).startswith("mlcompute: ")


def test_everything_missing_is_named_at_once() -> None:
    with pytest.raises(NotImplementedError) as caught:
        plan(lambda x: x.sin().relu() + rt.cumsum(x, 1), rt.ones(2, 3))
    message = str(caught.value)
    assert "sin at " in message and "cumsum at " in message and "relu" not in message


@pytest.mark.skipif(sys.platform == "darwin", reason="is about other systems")
def test_elsewhere_it_says_why_it_is_not_there() -> None:
    assert not rt.mlcompute.is_available()
    assert "macOS" in rt.mlcompute.unavailable_reason()
    net = nn.Linear(3, 2)
    for make in (
        lambda: rt.mlcompute.InferenceGraph(net, rt.ones(1, 3)),
        lambda: rt.mlcompute.TrainingGraph(net, nn.MSELoss(), rt.optim.SGD(net.parameters())),
        lambda: rt._C._mlcompute_program(
            rt._C._mlcompute_plan_inference(rt.jit.trace(net, rt.ones(1, 3)).graph._core), "cpu"
        ),
    ):
        with pytest.raises(rt.errors.DeviceNotAvailable, match="macOS"):
            make()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plan(NET, [1.0]), "inputs must be tensors; got float"),
        (lambda: plan(NET, rt.ones(2, 3), loss=nn.MSELoss()), "and an example_target go together"),
    ],
)
def test_arguments_are_checked(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_an_optimizer_of_two_groups() -> None:
    groups = [{"params": [NET.weight]}, {"params": [NET.bias], "lr": 0.5}]
    with pytest.raises(NotImplementedError, match="an optimizer has one group of parameters; got 2"):
        plan(NET, rt.ones(2, 3), nn.MSELoss(), rt.optim.SGD(groups, lr=0.1), rt.ones(2, 2))
