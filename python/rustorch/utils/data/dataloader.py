"""DataLoader: batches from a dataset."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import rustorch as rt
from rustorch import Tensor
from rustorch.utils.data._utils.collate import default_collate, default_convert
from rustorch.utils.data._utils.pin_memory import pin_memory as pinned_batch
from rustorch.utils.data.dataset import IterableDataset, Subset, TensorDataset
from rustorch.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    _OrderSampler,
)

T_co = TypeVar("T_co", covariant=True)


class _InfiniteSampler(Sampler[None]):
    """What a stream is sampled with: it is asked for the next sample until it ends."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


def get_worker_info() -> None:
    """Which worker process this is; always None, as batches are made in the calling process."""
    return None


_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[T_co]):
    """An iterable over batches of a dataset, in order, shuffled, or as a sampler says.

    - ``batch_size`` None gives single samples, converted by ``collate_fn``; otherwise samples are made a
      batch by it (default: :func:`default_collate`). ``drop_last`` leaves out a last, shorter batch.
    - ``shuffle`` draws a new order in every pass, from ``generator`` if given, so a seeded generator repeats
      it.
    - ``sampler`` yields indices, ``batch_sampler`` lists of them. Streams (IterableDataset) take neither.
    - Batches are made in the calling process: ``num_workers`` must be 0.
    - ``pin_memory`` puts the tensors of batches into page-locked memory, from which a GPU copies while the
      host goes on (``batch.to("cuda", non_blocking=True)``). Objects of other types with a ``pin_memory``
      method are asked by it. Without a GPU a warning says that it has no effect.

    A TensorDataset (or a Subset of one) is indexed once per batch, not sample by sample.
    As ``torch.utils.data.DataLoader``.

    >>> loader = rt.utils.data.DataLoader(rt.utils.data.TensorDataset(rt.arange(5)), batch_size=2)
    >>> [batch.tolist() for batch, in loader], len(loader)
    ([[0, 1], [2, 3], [4]], 3)
    """

    dataset: Any
    batch_size: int | None
    sampler: Any
    batch_sampler: Any
    _initialized = False

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if num_workers < 0:
            raise ValueError(
                "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing."
            )
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers > 0:
            raise NotImplementedError(
                f"DataLoader: worker processes are not supported; got num_workers={num_workers}; try "
                "num_workers=0"
            )
        if prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing. let num_workers > 0 to "
                "enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if persistent_workers:
            raise ValueError("persistent_workers option needs num_workers > 0")
        if multiprocessing_context is not None:
            raise ValueError(
                "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but "
                f"got num_workers={num_workers}"
            )
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order

        stream = isinstance(dataset, IterableDataset)
        if stream:
            if shuffle not in (False, None):
                raise ValueError(
                    "DataLoader with IterableDataset: expected unspecified shuffle option, but got "
                    f"shuffle={shuffle}"
                )
            for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
                if value is not None:
                    raise ValueError(
                        f"DataLoader with IterableDataset: expected unspecified {name} option, but got "
                        f"{name}={value}"
                    )
        shuffle = bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
                    "drop_last"
                )
            batch_size = None
            drop_last = False
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
            )
        if sampler is None:
            if stream:
                sampler = _InfiniteSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> Iterator[Any]:
        batches = self._batches()
        if not self.pin_memory:
            return batches
        device = self.pin_memory_device or None
        if device is None and not rt.cuda.is_available():
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
                "won't be used.",
                stacklevel=2,
            )
            return batches
        return (pinned_batch(batch, device) for batch in batches)

    def _batches(self) -> Iterator[Any]:
        if isinstance(self.dataset, IterableDataset):
            return self._stream()
        if self.batch_sampler is None:
            return (self.collate_fn(self.dataset[index]) for index in self.sampler)
        if self.collate_fn is default_collate:
            indexed = _indexed_tensors(self.dataset)
            if indexed is not None:
                return self._index_batches(*indexed)
        return self._collate_batches()

    def _collate_batches(self) -> Iterator[Any]:
        at_once = getattr(self.dataset, "__getitems__", None)
        for indices in self.batch_sampler:
            if callable(at_once):
                yield self.collate_fn(at_once(indices))
            else:
                yield self.collate_fn([self.dataset[i] for i in indices])

    def _index_batches(self, tensors: tuple[Tensor, ...], rows: Tensor | None) -> Iterator[list[Tensor]]:
        for index in self._batch_indices():
            if rows is not None:
                index = rows[index]
            # Indexing copies, so a batch changed in place leaves the dataset as it was.
            yield [t[index.to(device=t.device)] for t in tensors]

    def _batch_indices(self) -> Iterable[Tensor]:
        """Each batch's indices as a tensor, sliced from one order where the sampler can give it whole."""
        batches = self.batch_sampler
        if type(batches) is not BatchSampler or not isinstance(batches.sampler, _OrderSampler):
            for indices in batches:
                yield rt.tensor(list(indices), dtype=rt.int64, device="cpu")
            return
        order = batches.sampler._order()
        n, size = order.shape[0], batches.batch_size
        for start in range(0, n - size + 1 if batches.drop_last else n, size):
            yield order[start : start + size]

    def _stream(self) -> Iterator[Any]:
        samples = iter(self.dataset)
        announced = len(self) if _has_len(self.dataset) else None
        for count in itertools.count(1):
            if self.batch_sampler is None:
                try:
                    batch = next(samples)
                except StopIteration:
                    return
            else:
                batch = list(itertools.islice(samples, self.batch_size))
                if not batch or (self.drop_last and len(batch) < (self.batch_size or 0)):
                    return
            if announced is not None and count == announced + 1:
                warnings.warn(
                    f"Length of IterableDataset {self.dataset} was reported to be {announced}, but {count} "
                    "samples have been fetched.",
                    stacklevel=2,
                )
            yield self.collate_fn(batch)

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            n = len(self.dataset)  # type: ignore[arg-type]
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)


def _has_len(dataset: Any) -> bool:
    try:
        len(dataset)
    except (TypeError, NotImplementedError):
        return False
    return True


def _indexed_tensors(dataset: Any) -> tuple[tuple[Tensor, ...], Tensor | None] | None:
    """The tensors behind a dataset and, through a Subset, which rows it has; None for any other dataset."""
    # Exact types: a subclass may have its own idea of a sample.
    if type(dataset) is TensorDataset:
        return dataset.tensors, None
    if type(dataset) is Subset:
        inner = _indexed_tensors(dataset.dataset)
        if inner is None:
            return None
        tensors, rows = inner
        own = rt.tensor([int(i) for i in dataset.indices], dtype=rt.int64, device="cpu")
        return tensors, (own if rows is None else rows[own])
    return None
