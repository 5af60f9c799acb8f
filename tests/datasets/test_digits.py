"""The digits that come with the package: real, complete, and split the same way every time."""

from __future__ import annotations

import numpy as np
import pytest

import rustorch as rt
from rustorch.datasets import load_digits


@pytest.mark.parametrize(("split", "count"), [("train", 1442), ("test", 355), ("all", 1797)])
def test_shapes_dtypes_and_range(split: str, count: int) -> None:
    images, labels = load_digits(split)
    assert tuple(images.shape) == (count, 1, 8, 8)
    assert images.dtype == rt.float32
    assert tuple(labels.shape) == (count,)
    assert labels.dtype == rt.int64
    assert images.min().item() == 0.0
    assert images.max().item() == 1.0
    assert sorted(set(labels.tolist())) == list(range(10))


def test_pixels_are_sixteenths() -> None:
    images, _ = load_digits("all")
    sixteenths = np.asarray(images) * 16
    assert np.array_equal(sixteenths, np.round(sixteenths))


def test_the_source_is_unchanged() -> None:
    # Sums over the published file, optdigits.tes, in its order.
    images, labels = load_digits("all")
    assert int((np.asarray(images) * 16).sum()) == 561718
    assert np.bincount(np.asarray(labels)).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert labels[:10].tolist() == list(range(10))


def test_split_is_every_fifth_image_of_each_class() -> None:
    images, labels = (np.asarray(t) for t in load_digits("all"))
    expected = np.zeros(len(labels), dtype=bool)
    seen = [0] * 10
    for i, label in enumerate(labels):
        seen[label] += 1
        expected[i] = seen[label] % 5 == 0
    test_images, test_labels = (np.asarray(t) for t in load_digits("test"))
    train_images, train_labels = (np.asarray(t) for t in load_digits("train"))
    assert np.array_equal(test_images, images[expected])
    assert np.array_equal(test_labels, labels[expected])
    assert np.array_equal(train_images, images[~expected])
    assert np.array_equal(train_labels, labels[~expected])


def test_default_is_train() -> None:
    assert len(load_digits()[1]) == 1442


def test_unknown_split() -> None:
    with pytest.raises(
        ValueError, match=r"load_digits: unknown split; got 'valid'; try one of train, test, all"
    ):
        load_digits("valid")


def test_each_call_gives_its_own_tensors() -> None:
    first, _ = load_digits("test")
    first.zero_()
    assert load_digits("test")[0].sum().item() > 0
