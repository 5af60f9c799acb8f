"""The UCI handwritten digits: 1,797 images of 8x8 points."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustorch import Tensor

DIGITS_SPLITS = ("train", "test", "all")


def load_digits(split: str = "train") -> tuple[Tensor, Tensor]:
    """Images and labels of the UCI handwritten digits.

    Args:
        split: ``"train"`` (1,442 images), ``"test"`` (355) or ``"all"`` (1,797, in the order of the source).
            Every fifth image of each class is a test image, so the split never changes and the classes are
            equally mixed in both parts.

    Returns:
        ``images``, float32 of shape ``(N, 1, 8, 8)`` with values 0 to 1, and ``labels``, int64 of shape
        ``(N,)`` with values 0 to 9.

    Raises:
        ValueError: ``split`` is none of the three names.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
    Repository, 1998, https://doi.org/10.24432/C50P49 (CC BY 4.0).

    Example:
        >>> images, labels = rt.datasets.load_digits("test")
        >>> tuple(images.shape), tuple(labels.shape)
        ((355, 1, 8, 8), (355,))
        >>> labels[:3].tolist()
        [5, 0, 9]
    """
    import numpy as np

    import rustorch as rt

    if split not in DIGITS_SPLITS:
        raise ValueError(f"load_digits: unknown split; got {split!r}; try one of {', '.join(DIGITS_SPLITS)}")
    with (
        (resources.files("rustorch.datasets") / "digits" / "digits.npz").open("rb") as file,
        np.load(file) as data,
    ):
        images = data["images"].astype(np.float32)[:, None] / np.float32(16)
        labels = data["labels"].astype(np.int64)
    if split != "all":
        is_test = np.zeros(len(labels), dtype=bool)
        for digit in range(10):
            is_test[np.flatnonzero(labels == digit)[4::5]] = True
        chosen = is_test if split == "test" else ~is_test
        images, labels = images[chosen], labels[chosen]
    return rt.from_numpy(images), rt.from_numpy(labels)
