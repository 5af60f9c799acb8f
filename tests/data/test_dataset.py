"""Datasets and random_split."""

from __future__ import annotations

from typing import Any

import pytest

import rustorch as rt
from rustorch.utils import data


class Squares(data.Dataset[int]):
    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: Any) -> int:
        if not 0 <= index < self.n:
            raise IndexError(index)
        return index * index


class Stream(data.IterableDataset[int]):
    def __init__(self, n: int) -> None:
        self.n = n

    def __iter__(self) -> Any:
        return iter(range(self.n))


class SizedStream(Stream):
    def __len__(self) -> int:
        return self.n


def test_tensor_dataset() -> None:
    d = data.TensorDataset(rt.arange(6).reshape(3, 2), rt.arange(3))
    assert len(d) == 3
    assert [t.tolist() for t in d[1]] == [[2, 3], 1]
    assert [t.tolist() for t in d[rt.tensor([2, 0])]] == [[[4, 5], [0, 1]], [2, 0]]
    with pytest.raises(AssertionError, match="Size mismatch"):
        data.TensorDataset(rt.zeros(2), rt.zeros(3))


def test_concat() -> None:
    d = Squares(3) + Squares(2) + Squares(1)
    assert len(d) == 6 and [d[i] for i in range(6)] == [0, 1, 4, 0, 1, 0]
    assert d[-1] == 0 and d[-4] == 4
    with pytest.raises(ValueError, match="absolute value"):
        d[-7]
    with pytest.raises(IndexError):
        d[6]
    for bad in (lambda: data.ConcatDataset([]), lambda: data.ConcatDataset([Stream(1)])):
        with pytest.raises(AssertionError):
            bad()


def test_streams() -> None:
    chain = Stream(2) + Stream(3)
    assert list(chain) == [0, 1, 0, 1, 2]
    assert len(SizedStream(2) + SizedStream(3)) == 5
    with pytest.raises(AssertionError):
        list(data.ChainDataset([Squares(1)]))
    for method in (lambda: data.Dataset()[0], lambda: iter(data.IterableDataset())):
        with pytest.raises(NotImplementedError):
            method()


def test_subset() -> None:
    s = data.Subset(Squares(5), [4, 2, 0])
    assert len(s) == 3 and [s[i] for i in range(3)] == [16, 4, 0]
    assert s.__getitems__([0, 2]) == [16, 0]
    assert data.Subset(s, [1]).__getitems__([0]) == [4]
    t = data.Subset(data.TensorDataset(rt.arange(5)), [4, 2, 0])
    assert t[[0, 1]][0].tolist() == [4, 2]


def test_stack() -> None:
    assert data.StackDataset(Squares(3), [5, 6, 7])[2] == (4, 7)
    assert data.StackDataset(a=Squares(3), b=[5, 6, 7])[1] == {"a": 1, "b": 6}
    assert len(data.StackDataset(Squares(3))) == 3
    for bad in (
        lambda: data.StackDataset(),
        lambda: data.StackDataset([1], a=[1]),
        lambda: data.StackDataset([1], [1, 2]),
    ):
        with pytest.raises(ValueError):
            bad()


def test_random_split() -> None:
    def parts(*lengths: Any, seed: int = 0) -> list[list[int]]:
        split = data.random_split(range(10), lengths, rt.Generator().manual_seed(seed))
        return [list(s) for s in split]

    a, b = parts(7, 3)
    assert len(a) == 7 and sorted(a + b) == list(range(10))
    assert parts(7, 3) == [a, b] and parts(7, 3, seed=1) != [a, b]
    assert [len(p) for p in parts(0.33, 0.33, 0.34)] == [4, 3, 3]
    assert sum(len(s) for s in data.random_split(range(10), [5, 5])) == 10
    for bad in (lambda: parts(1, 2), lambda: parts(1.5, -0.5)):
        with pytest.raises(ValueError):
            bad()
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        parts(1.0, 0.0)
