"""DataLoader and collation."""

from __future__ import annotations

from collections import OrderedDict, UserDict, namedtuple
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch.utils import data
from rustorch.utils.data._utils.pin_memory import pin_memory

from .test_dataset import SizedStream, Squares, Stream

Point = namedtuple("Point", ["x", "y"])


def seeded(seed: int) -> Any:
    return rt.Generator().manual_seed(seed)


def batches(loader: Any) -> list[Any]:
    return [b.tolist() if isinstance(b, rt.Tensor) else [t.tolist() for t in b] for b in loader]


# Collation.


def test_collate_numbers_and_tensors() -> None:
    collate = data.default_collate
    assert collate([1, 2]).dtype == rt.int64 and collate([1.5, 2.5]).dtype == rt.float64
    assert collate([True, False]).tolist() == [True, False]
    assert collate([rt.ones(2), rt.zeros(2)]).shape == (2, 2)
    arrays = collate([np.ones(2, np.float32), np.zeros(2, np.float32)])
    assert arrays.dtype == rt.float32 and arrays.shape == (2, 2)
    assert collate([np.float32(1), np.float32(2)]).tolist() == [1.0, 2.0]
    assert collate(["a", "b"]) == ["a", "b"] and collate([b"a"]) == [b"a"]


def test_collate_containers() -> None:
    collate = data.default_collate
    out = collate([{"a": 1, "b": (rt.ones(1), "x")}, {"a": 2, "b": (rt.zeros(1), "y")}])
    assert out["a"].tolist() == [1, 2] and out["b"][0].tolist() == [[1], [0]]
    assert list(out["b"][1]) == ["x", "y"]
    point = collate([Point(1, 2.0), Point(3, 4.0)])
    assert type(point) is Point and point.x.tolist() == [1, 3]
    assert type(collate([(1, 2), (3, 4)])) is list
    assert [t.tolist() for t in collate([[1, 2], [3, 4]])] == [[1, 3], [2, 4]]
    assert type(collate([OrderedDict(a=1), OrderedDict(a=2)])) is OrderedDict
    assert type(collate([UserDict(a=1)])) is UserDict


def test_collate_refuses() -> None:
    for bad, error, text in [
        ([object()], TypeError, "batch must contain tensors"),
        ([np.array(["a"])], TypeError, "batch must contain tensors"),
        ([[1], [1, 2]], RuntimeError, "equal size"),
    ]:
        with pytest.raises(error, match=text):
            data.default_collate(bad)


def test_convert() -> None:
    convert = data.default_convert
    t = rt.ones(1)
    assert convert(t) is t and convert(3) == 3 and convert("a") == "a"
    assert convert(np.ones(2)).tolist() == [1, 1] and convert(np.float64(2)).item() == 2
    text = np.array(["a"])
    assert convert(text) is text
    out = convert({"a": [np.ones(1)], "b": (np.ones(1), 2)})
    assert isinstance(out["a"][0], rt.Tensor) and isinstance(out["b"], list)
    assert type(convert(Point(np.ones(1), 1))) is Point

    class Frozen(dict):  # type: ignore[type-arg]
        def __copy__(self) -> Any:
            raise TypeError

    assert convert(Frozen(a=1)) == {"a": 1}


# Loading.


def test_batches_in_order() -> None:
    assert batches(data.DataLoader(Squares(5), 2)) == [[0, 1], [4, 9], [16]]
    dropped = data.DataLoader(Squares(5), 2, drop_last=True)
    assert batches(dropped) == [[0, 1], [4, 9]] and len(dropped) == 2
    assert len(data.DataLoader(Squares(5), 2)) == 3


def test_without_batches() -> None:
    loader = data.DataLoader(Squares(3), batch_size=None)
    assert list(loader) == [0, 1, 4] and len(loader) == 3
    arrays = data.DataLoader([np.ones(1)], batch_size=None)
    assert isinstance(next(iter(arrays)), rt.Tensor)


@pytest.mark.parametrize(
    "dataset", [Squares(20), data.TensorDataset(rt.arange(20))], ids=["plain", "tensors"]
)
def test_shuffle_is_seeded(dataset: Any) -> None:
    def once(seed: int) -> list[Any]:
        loader = data.DataLoader(dataset, 3, shuffle=True, generator=seeded(seed))
        return [batches(loader), batches(loader)]

    first, second = once(0)
    assert first != second and once(0) == [first, second] and once(1)[0] != first
    everything = [v for b in first for v in (b[0] if isinstance(b[0], list) else b)]
    assert len(set(everything)) == 20


def test_both_ways_draw_the_same_order() -> None:
    """A TensorDataset's batches are sliced from one order; the sampler alone yields the same one."""
    x = rt.arange(10)

    class Plain(data.TensorDataset):
        pass

    for options in (
        {"shuffle": True},
        {},
        {"drop_last": True},
        {"shuffle": True, "drop_last": True},
    ):
        fast, slow = (
            batches(data.DataLoader(kind(x, x * 2), 4, generator=seeded(0), **options))
            for kind in (data.TensorDataset, Plain)
        )
        assert fast == slow


def test_samplers() -> None:
    d, t = Squares(5), data.TensorDataset(rt.arange(5))
    assert batches(data.DataLoader(d, 2, sampler=[4, 0, 1])) == [[16, 0], [1]]
    assert batches(data.DataLoader(t, 2, sampler=[4, 0, 1])) == [[[4, 0]], [[1]]]
    assert batches(data.DataLoader(d, batch_sampler=[[1, 2], [0]])) == [[1, 4], [0]]
    assert batches(data.DataLoader(t, batch_sampler=[[1, 2], [0]])) == [[[1, 2]], [[0]]]
    assert len(data.DataLoader(d, batch_sampler=[[1, 2], [0]])) == 2
    weighted = data.WeightedRandomSampler([0.0, 1.0, 0, 0, 0], 4)
    assert batches(data.DataLoader(t, 3, sampler=weighted)) == [[[1, 1, 1]], [[1]]]
    subset = data.SubsetRandomSampler([3])
    assert batches(data.DataLoader(t, 3, sampler=subset)) == [[[3]]]


def test_subsets_of_tensors() -> None:
    t = data.TensorDataset(rt.arange(10), rt.arange(10) * 10)
    inner = data.Subset(t, [9, 7, 5, 3])
    assert batches(data.DataLoader(inner, 3)) == [[[9, 7, 5], [90, 70, 50]], [[3], [30]]]
    assert batches(data.DataLoader(data.Subset(inner, [3, 0]), 3)) == [[[3, 9], [30, 90]]]
    assert batches(data.DataLoader(data.Subset(Squares(5), [4, 1]), 3)) == [[16, 1]]


def test_a_batch_is_a_copy() -> None:
    x = rt.zeros(4)
    for (batch,) in data.DataLoader(data.TensorDataset(x), 2):
        batch.add_(1)
    assert not x.any()


def test_collate_fn() -> None:
    loader = data.DataLoader(data.TensorDataset(rt.arange(4)), 2, collate_fn=lambda samples: len(samples))
    assert list(loader) == [2, 2]


def test_getitems() -> None:
    class AtOnce(Squares):
        def __getitems__(self, indices: list[int]) -> list[int]:
            return [-i for i in indices]

    assert batches(data.DataLoader(AtOnce(3), 2)) == [[0, -1], [-2]]


def test_streams() -> None:
    assert batches(data.DataLoader(Stream(5), 2)) == [[0, 1], [2, 3], [4]]
    assert batches(data.DataLoader(Stream(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert list(data.DataLoader(Stream(2), batch_size=None)) == [0, 1]
    assert len(data.DataLoader(SizedStream(5), 2)) == 3
    assert len(data.DataLoader(SizedStream(5), 2, drop_last=True)) == 2
    assert len(data.DataLoader(SizedStream(5), None)) == 5
    with pytest.raises(TypeError):
        len(data.DataLoader(Stream(5)))

    class Liar(Stream):
        def __len__(self) -> int:
            return 1

    with pytest.warns(UserWarning, match="was reported to be 1"):
        assert len(list(data.DataLoader(Liar(2), 1))) == 2


def test_wrong_arguments() -> None:
    d = Squares(3)
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: data.DataLoader(d, num_workers=-1), ValueError, "non-negative"),
        (lambda: data.DataLoader(d, num_workers=2), NotImplementedError, "num_workers=0"),
        (lambda: data.DataLoader(d, timeout=-1), ValueError, "timeout"),
        (lambda: data.DataLoader(d, prefetch_factor=2), ValueError, "prefetch_factor"),
        (lambda: data.DataLoader(d, persistent_workers=True), ValueError, "persistent_workers"),
        (lambda: data.DataLoader(d, multiprocessing_context="fork"), ValueError, "multi-process"),
        (lambda: data.DataLoader(d, sampler=[0], shuffle=True), ValueError, "mutually exclusive"),
        (lambda: data.DataLoader(d, 2, batch_sampler=[[0]]), ValueError, "mutually exclusive"),
        (lambda: data.DataLoader(d, None, drop_last=True), ValueError, "mutually exclusive"),
        (lambda: data.DataLoader(d, 0), ValueError, "positive integer"),
        (lambda: data.DataLoader(Stream(1), shuffle=True), ValueError, "IterableDataset"),
        (lambda: data.DataLoader(Stream(1), sampler=[0]), ValueError, "IterableDataset"),
        (lambda: data.DataLoader(Stream(1), batch_sampler=[[0]]), ValueError, "IterableDataset"),
    ]
    for call, error, text in cases:
        with pytest.raises(error, match=text):
            call()
    loader = data.DataLoader(d)
    assert batches(loader) == [[0], [1], [4]]
    with pytest.raises(ValueError, match="should not be set"):
        loader.batch_size = 3
    assert data.get_worker_info() is None


class Frozen(Mapping[str, Any]):
    """A mapping that is made of keywords."""

    def __init__(self, **items: Any) -> None:
        self.items_ = items

    def __getitem__(self, key: str) -> Any:
        return self.items_[key]

    def __iter__(self) -> Any:
        return iter(self.items_)

    def __len__(self) -> int:
        return len(self.items_)


def test_containers_that_cannot_be_written() -> None:
    read_only = MappingProxyType({"x": np.ones(2)})
    batch = data.default_collate([read_only, read_only])
    assert type(batch) is MappingProxyType and batch["x"].tolist() == [[1, 1], [1, 1]]
    assert type(data.default_convert(read_only)["x"]) is rt.Tensor
    assert data.default_collate([Frozen(x=1), Frozen(x=2)])["x"].tolist() == [1, 2]


class Own:
    """A batch that pins itself."""

    def pin_memory(self) -> str:
        return "pinned"


@pytest.mark.emulator
def test_what_is_pinned_in_a_batch() -> None:
    def pinned(batch: Any) -> Any:
        return pin_memory(batch, "emulator")

    x = rt.ones(2)
    assert pinned(x).is_pinned("emulator") and pinned(Own()) == "pinned"
    assert pinned({"x": "text", "n": None, "b": b"bytes"}) == {"x": "text", "n": None, "b": b"bytes"}
    point = pinned(Point(x, 3))
    assert type(point) is Point and point.x.is_pinned("emulator") and point.y == 3
    frozen = pinned(Frozen(x=x))
    assert type(frozen) is dict and frozen["x"].is_pinned("emulator")


def test_samplers_say_what_they_lack() -> None:
    with pytest.raises(NotImplementedError, match="should implement __iter__"):
        iter(data.Sampler())
