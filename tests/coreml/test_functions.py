"""Packages of several functions over the same weights, and classifiers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.coreml import RangeDim, export, read_package, to_model
from rustorch.coreml.mil.program import DictionaryFeatureType, Int64FeatureType, StringFeatureType
from rustorch.errors import ArgumentError, DTypeError

from .test_export import CachedGpt, Gpt, departure


def gpt() -> dict[str, tuple[Any, ...]]:
    """The whole sequence at once, or token by token."""
    full = Gpt().eval()
    whole = (full, rt.randint(0, 50, (1, 9)), {"inputs": {"tokens": (1, RangeDim(1, 16))}})
    return {
        "prefill": whole,
        "decode": (CachedGpt(full), (rt.tensor([[1]]), rt.tensor([0])), {"states": True}),
    }


def size_of(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*.bin"))


def test_functions_share_their_weights(tmp_path: Path) -> None:
    rt.manual_seed(3)
    functions = gpt()
    path, alone = tmp_path / "both.mlpackage", tmp_path / "one.mlpackage"
    export(functions, path=path, target="macOS15", verify=True, precision="float32")
    export(*functions["prefill"][:2], alone, target="macOS15", precision="float32")
    assert size_of(path) < 1.05 * size_of(alone)
    tokens = rt.randint(0, 50, (1, 6))
    whole = rt.load_model(path).predict(tokens.int())["output"]
    model = rt.load_model(path, function="decode").stateful()
    for i in range(6):
        found = model.predict({"token": tokens[:, i : i + 1].int(), "place": rt.tensor([i])})["output"]
        assert departure(found[0, 0], whole[0, i]) <= 2e-3


def test_the_default_function(tmp_path: Path) -> None:
    path = tmp_path / "two.mlpackage"
    two = {"twice": (lambda x: 2 * x, rt.ones(2)), "thrice": (lambda x: 3 * x, rt.ones(2))}
    for default, factor in ((None, 2), ("thrice", 3)):
        export(two, path=path, target="iOS18", default_function=default)
        assert rt.load_model(path).predict(rt.ones(2))["output"].tolist() == [factor, factor]
        assert [f.name for f in read_package(path).description.functions] == ["twice", "thrice"]


class Memory(nn.Module):
    """Keeps what it is given, from a place on, and gives the mean of all so far."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(4, 4)
        self.register_buffer("kept", rt.zeros(1, 16, 4))

    def forward(self, x: Any, place: Any) -> Any:
        places = place + rt.arange(x.shape[1])
        self.kept.index_copy_(1, places, self.mix(x))
        return self.kept.sum(1) / (place + x.shape[1])


def test_functions_share_a_state(tmp_path: Path) -> None:
    """A prompt of any length by one, then one token after the other by another."""
    rt.manual_seed(2)
    net, path = Memory().eval(), tmp_path / "memory.mlpackage"
    first = {"inputs": {"x": (1, RangeDim(2, 16), 4), "place": None}, "states": True}
    functions = {
        "prompt": (net, (rt.ones(1, 5, 4), rt.tensor([0])), first),
        "token": (net, (rt.ones(1, 1, 4), rt.tensor([5])), {"states": ["kept"]}),
    }
    export(functions, path=path, target="macOS15", verify=True)
    prompt, token = (rt.load_model(path, function=name) for name in functions)
    state, x = prompt.make_state(), rt.randn(1, 11, 4)
    with rt.no_grad():
        expected = [
            net(x[:, :8], rt.tensor([0])),
            *(net(x[:, i : i + 1], rt.tensor([i])) for i in range(8, 11)),
        ]
    found = [prompt.predict({"x": x[:, :8], "place": rt.tensor([0])}, state=state)["output"]]
    for i in range(8, 11):
        step = {"x": x[:, i : i + 1], "place": rt.tensor([i])}
        found.append(token.predict(step, state=state)["output"])
    for f, e in zip(found, expected):
        assert departure(f, e) <= 3e-3


LABELS: dict[str, Any] = {"strings": ["cat", "dog", "owl"], "integers": [3, 1, 2]}


@pytest.mark.parametrize("kind", LABELS)
def test_classifiers(kind: str, tmp_path: Path) -> None:
    rt.manual_seed(1)
    labels, path = LABELS[kind], tmp_path / "net.mlpackage"
    net = nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1)).eval()
    x = rt.randn(1, 4)
    export(net, x, path, classifier_labels=labels, precision="float32", verify=True)
    description = read_package(path).description
    label, odds = (feature.type for feature in description.outputs)
    text = kind == "strings"
    assert isinstance(label, StringFeatureType if text else Int64FeatureType)
    assert odds == DictionaryFeatureType("string" if text else "int64")
    assert description.predicted_feature_name == "classLabel"
    assert description.predicted_probabilities_name == "classLabel_probs"
    found = rt.load_model(path).predict(x)
    expected = net(x)[0].tolist()
    assert found["classLabel"] == labels[expected.index(max(expected))]
    assert found["classLabel_probs"] == pytest.approx(dict(zip(labels, expected)), rel=1e-5)


def test_labels_of_a_file_and_other_outputs(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("cat\ndog\n\n")
    model = to_model(
        lambda x: (x.softmax(-1), x.sum()),
        rt.ones(2),
        classifier_labels=file,
        outputs=["animal", "total"],
        target="iOS15",
    )
    assert [f.name for f in model.description.outputs] == ["animal", "animal_probs", "total"]


REFUSED: dict[str, tuple[type[Exception], str, Any]] = {
    "labels, another count": (
        ArgumentError,
        "2 classifier_labels need as many .* got 3 of",
        lambda: to_model(nn.Softmax(-1), rt.ones(1, 3), classifier_labels=["a", "b"]),
    ),
    "labels, twice": (
        ArgumentError,
        "stands twice",
        lambda: to_model(nn.Softmax(-1), rt.ones(2), classifier_labels=["a", "a"]),
    ),
    "labels, mixed": (
        DTypeError,
        "strings or integers",
        lambda: to_model(nn.Softmax(-1), rt.ones(2), classifier_labels=["a", 1]),  # type: ignore[list-item]
    ),
    "labels of integers": (
        ArgumentError,
        "got 2 of int32",
        lambda: to_model(lambda x: x + 1, rt.tensor([1, 2]), classifier_labels=["a", "b"]),
    ),
    "functions, an old system": (
        ArgumentError,
        'target="macOS15"',
        lambda: to_model({"a": (nn.ReLU(), rt.ones(1))}),
    ),
    "functions, options of all": (
        ArgumentError,
        "options of its own; got outputs",
        lambda: to_model({"a": (nn.ReLU(), rt.ones(1))}, target="macOS15", outputs=["y"]),
    ),
    "functions, unknown option": (
        ArgumentError,
        "'a' has unknown options; got output",
        lambda: to_model({"a": (nn.ReLU(), rt.ones(1), {"output": ["y"]})}, target="macOS15"),
    ),
    "functions, no name": (
        ArgumentError,
        "letters",
        lambda: to_model({"a b": (nn.ReLU(), rt.ones(1))}, target="macOS15"),
    ),
    "functions, unknown default": (
        ArgumentError,
        "none of the functions",
        lambda: to_model({"a": (nn.ReLU(), rt.ones(1))}, target="macOS15", default_function="b"),
    ),
    "one function with a default": (
        ArgumentError,
        "for several functions",
        lambda: to_model(nn.ReLU(), rt.ones(1), default_function="b"),
    ),
    "no path": (ArgumentError, "needs a path", lambda: export(nn.ReLU(), rt.ones(1))),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusals(what: str) -> None:
    error, text, make = REFUSED[what]
    with pytest.raises(error, match=text):
        make()
