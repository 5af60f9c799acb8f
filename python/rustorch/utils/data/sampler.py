"""Samplers: in which order indices are drawn."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import rustorch as rt
from rustorch import Tensor

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Base of samplers: a subclass defines ``__iter__`` over indices (or lists of them), usually
    ``__len__``.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of Sampler should implement __iter__.")


class _OrderSampler(Sampler[int]):
    """A sampler that knows one pass's whole order as a tensor; the loader slices that instead of collecting
    ints.
    """

    def _order(self) -> Tensor:
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        yield from self._order().tolist()


class SequentialSampler(_OrderSampler):
    """0, 1, 2, ...

    >>> list(rt.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def _order(self) -> Tensor:
        return rt.arange(len(self.data_source), device="cpu")

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def _check_count(num_samples: Any) -> None:
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
        raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")


def _check_flag(replacement: Any) -> None:
    if not isinstance(replacement, bool):
        raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")


def _generator(given: Any) -> Any:
    """The given generator, or a new one seeded from the global one, so that one pass is one draw from it."""
    if given is not None:
        return given
    return rt.Generator().manual_seed(int(rt.randint(0, 2**62, (), device="cpu").item()))


class RandomSampler(_OrderSampler):
    """Indices in random order; without ``replacement`` every index comes once per pass over the data.

    ``num_samples`` (default: the length) may exceed the length: passes follow one another.

    >>> sorted(rt.utils.data.RandomSampler("abc"))
    [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        _check_flag(replacement)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if num_samples is not None:
            _check_count(num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices a pass draws."""
        # The source may change its size while the sampler lives.
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def _order(self) -> Tensor:
        n, wanted = len(self.data_source), self.num_samples
        generator = _generator(self.generator)
        if n == 0:
            return rt.arange(0, device="cpu")
        if self.replacement:
            return rt.randint(0, n, (wanted,), generator=generator, dtype=rt.int64, device="cpu")
        passes = [rt.randperm(n, generator=generator, device="cpu") for _ in range(-(-wanted // n))]
        return rt.cat(passes)[:wanted] if passes else rt.arange(0, device="cpu")

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_OrderSampler):
    """The given indices in random order.

    >>> sorted(rt.utils.data.SubsetRandomSampler([4, 7]))
    [4, 7]
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def _order(self) -> Tensor:
        chosen = rt.tensor([int(i) for i in self.indices], dtype=rt.int64, device="cpu")
        return chosen[rt.randperm(len(self.indices), generator=self.generator, device="cpu")]

    def __iter__(self) -> Iterator[int]:
        for i in rt.randperm(len(self.indices), generator=self.generator, device="cpu").tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_OrderSampler):
    """``num_samples`` indices drawn in proportion to ``weights``, which need not sum to one.

    >>> list(rt.utils.data.WeightedRandomSampler([0.0, 1.0], 3))
    [1, 1, 1]
    """

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        _check_count(num_samples)
        _check_flag(replacement)
        self.weights = rt.as_tensor(weights, dtype=rt.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def _order(self) -> Tensor:
        return rt.multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Lists of ``batch_size`` indices from another sampler; the last may be shorter, or is left out.

    >>> list(rt.utils.data.BatchSampler(rt.utils.data.SequentialSampler("abc"), 2, drop_last=False))
    [[0, 1], [2]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler: Any = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
