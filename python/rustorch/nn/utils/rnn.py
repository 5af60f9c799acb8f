"""Batches of sequences of different lengths: padded, or packed step by step."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import rustorch as rt
from rustorch import Tensor


class _PackedFields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_PackedFields):
    """Sequences sorted by falling length and stored step by step, without padding.

    ``data`` (sum of lengths, ...) holds step 0 of all sequences, then step 1, ...; ``batch_sizes`` says how
    many sequences reach each step; the two index tensors go between the given and the sorted order.
    """

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> PackedSequence:
        if batch_sizes is None:
            raise TypeError("PackedSequence: batch_sizes must be given; try pack_padded_sequence")
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created "
                f"manually; got {batch_sizes.device}; try pack_padded_sequence"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move or cast the data; the indices follow to its device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self

        def follow(index: Tensor | None) -> Tensor | None:
            return None if index is None else index.to(device=data.device)

        return type(self)(data, self.batch_sizes, follow(self.sorted_indices), follow(self.unsorted_indices))

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move the data to the CPU."""
        return self.to(*args, device=rt.device("cpu"), **kwargs)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move the data to a CUDA device, the current one if none is given."""
        place = rt.tensor((), dtype=self.data.dtype, device=self.data.device).to(*args, **kwargs)
        return self.to(*args, **kwargs) if place.is_cuda else self.to(*args, device="cuda", **kwargs)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in page-locked memory."""
        return bool(self.data.is_pinned())

    def pin_memory(self) -> PackedSequence:
        """The same with the data and the indices in page-locked memory."""
        indices = (
            None if i is None else i.pin_memory() for i in (self.sorted_indices, self.unsorted_indices)
        )
        return type(self)(self.data.pin_memory(), self.batch_sizes, *indices)

    def long(self) -> PackedSequence:
        """Cast the data to int64."""
        return self.to(dtype=rt.int64)

    def int(self) -> PackedSequence:
        """Cast the data to int32."""
        return self.to(dtype=rt.int32)

    def short(self) -> PackedSequence:
        """Cast the data to int16."""
        return self.to(dtype=rt.int16)

    def char(self) -> PackedSequence:
        """Cast the data to int8."""
        return self.to(dtype=rt.int8)

    def byte(self) -> PackedSequence:
        """Cast the data to uint8."""
        return self.to(dtype=rt.uint8)

    def double(self) -> PackedSequence:
        """Cast the data to float64."""
        return self.to(dtype=rt.float64)

    def float(self) -> PackedSequence:
        """Cast the data to float32."""
        return self.to(dtype=rt.float32)

    def half(self) -> PackedSequence:
        """Cast the data to float16."""
        return self.to(dtype=rt.float16)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes ``permutation``.

    >>> nn.utils.rnn.invert_permutation(rt.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else rt.argsort(permutation)


def _lengths_list(lengths: Tensor | list[int]) -> list[int]:
    return [int(n) for n in (lengths.tolist() if isinstance(lengths, Tensor) else lengths)]


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | list[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded (L, N, ...) batch, or (N, L, ...) with ``batch_first``.

    ``enforce_sorted=True`` requires falling lengths; False sorts, and remembers the order.

    >>> packed = nn.utils.rnn.pack_padded_sequence(rt.tensor([[1, 3], [2, 0]]), [2, 1])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 3, 2]), tensor([2, 1]))
    """
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    sizes = _lengths_list(lengths)
    order: Tensor | None = None
    if not enforce_sorted:
        order = rt.tensor(
            sorted(range(len(sizes)), key=lambda i: -sizes[i]), dtype=rt.int64, device=input.device
        )
        sizes = sorted(sizes, reverse=True)
        input = input.index_select(0 if batch_first else 1, order)
    x = input.transpose(0, 1) if batch_first else input
    if len(sizes) != x.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} "
            f"(batch_size={x.shape[1]})"
        )
    if any(n <= 0 for n in sizes):
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in pairwise(sizes)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement"
        )
    if sizes[0] > x.shape[0]:
        raise RuntimeError(
            f"Expected `lengths` to be at most the padded length {x.shape[0]}, but got {sizes[0]}"
        )
    counts = [sum(n > t for n in sizes) for t in range(sizes[0])]
    data = rt.cat([x[t, :n] for t, n in enumerate(counts)])
    return PackedSequence(data, rt.tensor(counts, dtype=rt.int64), order)


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo :func:`pack_padded_sequence`: the padded batch, and the lengths.

    >>> packed = nn.utils.rnn.pack_sequence([rt.tensor([1, 2]), rt.tensor([3])])
    >>> padded, lengths = nn.utils.rnn.pad_packed_sequence(packed)
    >>> padded.tolist(), lengths.tolist()
    ([[1, 3], [2, 0]], [2, 1])
    """
    counts = sequence.batch_sizes.tolist()
    longest = len(counts)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    lengths = rt.tensor([sum(n > i for n in counts) for i in range(counts[0])], dtype=rt.int64)
    tail = tuple(sequence.data.shape[1:])
    rows = []
    for part in rt.split(sequence.data, counts):
        missing = counts[0] - part.shape[0]
        if missing:
            fill = rt.full((missing, *tail), padding_value, dtype=part.dtype, device=part.device)
            part = rt.cat((part, fill))
        rows.append(part)
    blank = rt.full((counts[0], *tail), padding_value, dtype=sequence.data.dtype, device=sequence.data.device)
    padded = rt.stack(rows + [blank] * (longest - len(rows)))
    order = sequence.unsorted_indices
    if order is not None:
        padded = padded.index_select(1, order)
        lengths = lengths[order.to(device=lengths.device)]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (L_i, ...) padded and stacked: (L, N, ...), or (N, L, ...) with ``batch_first``.

    >>> nn.utils.rnn.pad_sequence([rt.tensor([1, 2]), rt.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"padding_side should be one of 'right' or 'left', but got {padding_side}")
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    items = list(rt.unbind(sequences, 0)) if isinstance(sequences, Tensor) else list(sequences)
    if not items:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if any(tuple(s.shape[1:]) != tuple(items[0].shape[1:]) for s in items):
        raise RuntimeError(
            "pad_sequence: all sequences must have the same shape after the first dimension; got "
            f"{[tuple(s.shape) for s in items]}"
        )
    longest = max(s.shape[0] for s in items)
    rows = []
    for s in items:
        missing = longest - s.shape[0]
        if missing:
            fill = rt.full((missing, *s.shape[1:]), padding_value, dtype=s.dtype, device=s.device)
            s = rt.cat((s, fill) if padding_side == "right" else (fill, s))
        rows.append(s)
    return rt.stack(rows, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Undo :func:`pad_sequence`.

    >>> nn.utils.rnn.unpad_sequence(rt.tensor([[1, 3], [2, 0]]), rt.tensor([2, 1]))
    [tensor([1, 2]), tensor([3])]
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [row[:n] for row, n in zip(rt.unbind(rows, 0), _lengths_list(lengths))]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (L_i, ...).

    >>> nn.utils.rnn.pack_sequence([rt.tensor([1, 2]), rt.tensor([3])]).data
    tensor([1, 3, 2])
    """
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo :func:`pack_sequence`.

    >>> nn.utils.rnn.unpack_sequence(nn.utils.rnn.pack_sequence([rt.tensor([1, 2]), rt.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences)
    return unpad_sequence(padded, lengths)
