"""Samplers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import rustorch as rt
from rustorch.utils import data


def seeded(seed: int) -> Any:
    return rt.Generator().manual_seed(seed)


def test_sequential() -> None:
    s = data.SequentialSampler("abc")
    assert list(s) == [0, 1, 2] and len(s) == 3 and s._order().tolist() == [0, 1, 2]


def test_random_without_replacement() -> None:
    s = data.RandomSampler(range(20), generator=seeded(0))
    first, second = list(s), list(s)
    assert sorted(first) == sorted(second) == list(range(20)) and first != second
    assert list(data.RandomSampler(range(20), generator=seeded(0))) == first
    assert len(s) == 20
    long = data.RandomSampler(range(4), num_samples=10)
    drawn = list(long)
    assert len(drawn) == len(long) == 10
    assert sorted(drawn[:4]) == sorted(drawn[4:8]) == [0, 1, 2, 3]
    assert len(list(data.RandomSampler(range(9), num_samples=3))) == 3
    assert list(data.RandomSampler([])) == []


def test_random_follows_the_global_seed() -> None:
    rt.manual_seed(3)
    a = list(data.RandomSampler(range(20)))
    rt.manual_seed(3)
    assert list(data.RandomSampler(range(20))) == a


def test_random_with_replacement() -> None:
    s = data.RandomSampler(range(4), replacement=True, num_samples=4000, generator=seeded(0))
    counts = Counter(s)
    assert set(counts) == {0, 1, 2, 3} and all(850 < n < 1150 for n in counts.values())
    assert len(list(data.RandomSampler(range(4), True))) == 4


def test_subset_random() -> None:
    s = data.SubsetRandomSampler([5, 7, 9], generator=seeded(0))
    assert sorted(s) == [5, 7, 9] and len(s) == 3
    assert sorted(s._order().tolist()) == [5, 7, 9]


def test_weighted() -> None:
    s = data.WeightedRandomSampler([1.0, 0.0, 3.0], 4000, generator=seeded(0))
    counts = Counter(s)
    assert len(s) == 4000 and counts[1] == 0 and abs(counts[2] - 3000) < 120
    assert sorted(data.WeightedRandomSampler(rt.ones(3), 3, replacement=False)) == [0, 1, 2]


@pytest.mark.parametrize("drop_last", [False, True])
def test_batch(drop_last: bool) -> None:
    s = data.BatchSampler(range(7), 3, drop_last)
    expected = [[0, 1, 2], [3, 4, 5]] + ([] if drop_last else [[6]])
    assert list(s) == expected and len(s) == len(expected)


def test_wrong_arguments() -> None:
    cases: list[tuple[Any, type[Exception]]] = [
        (lambda: data.RandomSampler([1], replacement=1), TypeError),
        (lambda: data.RandomSampler([1], num_samples=0), ValueError),
        (lambda: data.WeightedRandomSampler([1.0], 0), ValueError),
        (lambda: data.WeightedRandomSampler([1.0], True), ValueError),
        (lambda: data.WeightedRandomSampler([1.0], 1, 1), TypeError),
        (lambda: data.WeightedRandomSampler([[1.0]], 1), ValueError),
        (lambda: data.BatchSampler([1], 0, False), ValueError),
        (lambda: data.BatchSampler([1], True, False), ValueError),
        (lambda: data.BatchSampler([1], 1, 3), ValueError),
        (lambda: iter(data.Sampler()), NotImplementedError),
    ]
    for call, error in cases:
        with pytest.raises(error):
            call()
