"""TrainingGraph.fit and InferenceGraph, with a program in MLCompute's place that keeps what it is given."""

from __future__ import annotations

from typing import Any

import pytest

import rustorch as rt
from rustorch import nn
from rustorch.mlcompute import _graphs


class Recorder:
    """Stands for the program: losses count down, and weights become 5."""

    made: list[Recorder] = []

    def __init__(self, plan: Any, device: str) -> None:
        self.plan, self.device = plan.describe(), device
        self.batches: list[tuple[tuple[rt.Tensor, ...], rt.Tensor]] = []
        self.rates: list[float] = []
        self.written = 0
        Recorder.made.append(self)

    def set_learning_rate(self, lr: float) -> None:
        self.rates.append(lr)

    def step(self, inputs: Any, labels: Any) -> float:
        if len(self.batches) == 99:
            raise RuntimeError("the device is gone")
        self.batches.append((inputs, labels[0]))
        return 10.0 - len(self.batches)

    def run(self, inputs: Any) -> list[rt.Tensor]:
        return [rt.full(size, 3.0) for size in self.plan["output_sizes"]]

    def write_back(self) -> None:
        self.written += 1
        with rt.no_grad():
            for t in self.plan["tensors"]:
                if t["trained"]:
                    t["tensor"].fill_(5)


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    Recorder.made = []
    monkeypatch.setattr(_graphs, "unavailable_reason", lambda: None)
    monkeypatch.setattr(rt._C, "_mlcompute_program", Recorder)
    return Recorder


def graph(**options: Any) -> tuple[nn.Module, Any, rt.mlcompute.TrainingGraph]:
    net = nn.Linear(3, 2)
    optimizer = rt.optim.SGD(net.parameters(), lr=0.5)
    return net, optimizer, rt.mlcompute.TrainingGraph(net, nn.CrossEntropyLoss(), optimizer, **options)


X = rt.arange(30, dtype=rt.float32).view(10, 3)
Y = rt.arange(10) % 2


def test_fit_goes_through_batches_and_writes_weights_back() -> None:
    net, _, training = graph(device="gpu")
    seen: list[tuple[int, float]] = []
    losses = training.fit(X, Y, epochs=2, batch_size=5, shuffle=False, on_epoch=lambda *a: seen.append(a))
    assert losses == [8.5, 6.5] and seen == [(0, 8.5), (1, 6.5)]
    (program,) = Recorder.made
    assert program.device == "gpu" and program.plan["batch"] == 5
    assert [b[0][0][0, 0].item() for b in program.batches] == [0, 15, 0, 15]
    assert program.batches[1][1].tolist() == [1, 0, 1, 0, 1]
    assert program.written == 1 and bool((net.weight == 5).all()) and bool((net.bias == 5).all())


def test_shuffling_pairs_samples_with_their_targets() -> None:
    _, _, training = graph()
    training.fit(X, Y, epochs=3, batch_size=10)
    first = [b[0][0][:, 0].tolist() for b in Recorder.made[0].batches]
    assert all(sorted(f) == X[:, 0].tolist() for f in first) and len({tuple(f) for f in first}) > 1
    for (x,), y in Recorder.made[0].batches:
        assert ((x[:, 0] / 3).long() % 2 == y).all()


def test_one_program_serves_several_fits_and_takes_new_rates() -> None:
    _, optimizer, training = graph()

    def halve(epoch: int, loss: float) -> None:
        optimizer.param_groups[0]["lr"] *= 0.5

    training.fit(X, Y, epochs=2, batch_size=10, on_epoch=halve)
    training.fit([(X, Y)], epochs=1)
    assert len(Recorder.made) == 1
    assert Recorder.made[0].rates == [0.5, 0.25, 0.125]


def test_a_data_loader_gives_batches() -> None:
    _, _, training = graph()
    dataset = rt.utils.data.TensorDataset(X, Y)
    training.fit(rt.utils.data.DataLoader(dataset, batch_size=2), epochs=2)
    assert len(Recorder.made[0].batches) == 10 and Recorder.made[0].plan["batch"] == 2


def test_samples_that_fill_no_batch() -> None:
    _, _, training = graph()
    with pytest.raises(ValueError, match="do not fill batches; got 10 samples, batch_size=4; try drop_last"):
        training.fit(X, Y, batch_size=4)
    training.fit(X, Y, batch_size=4, drop_last=True)
    assert len(Recorder.made[0].batches) == 2
    with pytest.raises(ValueError, match="one length"):
        training.fit(X[:4], Y, batch_size=2)
    with pytest.raises(ValueError, match="no batch"):
        training.fit([])
    with pytest.raises(RuntimeError, match="a pair of inputs and a target"):
        training.fit([X])


def test_what_was_learnt_before_an_error_is_kept() -> None:
    net, _, training = graph()
    with pytest.raises(RuntimeError, match="the device is gone"):
        training.fit(X, Y, epochs=200, batch_size=10)
    assert Recorder.made[0].written == 1 and bool((net.weight == 5).all())


def test_inference_keeps_the_structure_of_the_result() -> None:
    net = nn.Linear(3, 2)
    run = rt.mlcompute.InferenceGraph(lambda x: {"y": net(x), "z": (x.relu(),)}, rt.ones(4, 3), device="cpu")
    got = run(rt.ones(4, 3))
    assert set(got) == {"y", "z"} and got["y"].shape == (4, 2) and got["z"][0].shape == (4, 3)
    assert Recorder.made[0].device == "cpu"
