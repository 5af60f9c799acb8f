"""nn.utils: clipping, vectors of parameters, padded and packed sequences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import rustorch as rt
from rustorch import nn
from rustorch.nn import utils
from rustorch.nn.utils import rnn


def parameters() -> list[Any]:
    out = [nn.Parameter(rt.zeros(2)), nn.Parameter(rt.zeros(2, 1)), nn.Parameter(rt.zeros(3))]
    out[0].grad = rt.tensor([3.0, -4.0])
    out[1].grad = rt.tensor([[12.0], [0.0]])
    return out


@pytest.mark.parametrize("norm_type", [1.0, 2.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [1.0, 100.0])
def test_clip_grad_norm(norm_type: float, max_norm: float) -> None:
    ps = parameters()
    before = np.array([3.0, -4.0, 12.0, 0.0])
    total = np.linalg.norm(before, norm_type)
    got = utils.clip_grad_norm_(iter(ps), max_norm, norm_type)
    assert got.item() == pytest.approx(total)
    after = np.concatenate([p.grad.numpy().ravel() for p in ps[:2]])
    np.testing.assert_allclose(after, before * min(1.0, max_norm / (total + 1e-6)), rtol=1e-6)
    assert ps[2].grad is None


def test_clip_single_tensor_and_pieces() -> None:
    p = parameters()[0]
    assert utils.clip_grad_norm_(p, 2.5).item() == 5
    assert utils.get_total_norm(p.grad).item() == pytest.approx(2.5)
    utils.clip_grads_with_norm_([p], 1.0, rt.tensor(2.5))
    np.testing.assert_allclose(p.grad.numpy(), [0.6, -0.8], rtol=1e-5)
    utils.clip_grad_value_(p, 0.7)
    np.testing.assert_allclose(p.grad.numpy(), [0.6, -0.7], rtol=1e-5)
    assert utils.clip_grad_norm_([], 1.0).item() == 0
    assert utils.clip_grad_norm_([nn.Parameter(rt.ones(1))], 1.0).item() == 0
    with pytest.warns(UserWarning, match="empty generator"):
        utils.clip_grad_norm_(iter([]), 1.0)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_clip_of_what_is_not_finite(bad: float) -> None:
    p = nn.Parameter(rt.zeros(2))
    p.grad = rt.tensor([1.0, bad])
    with pytest.raises(RuntimeError, match="non-finite"):
        utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert p.grad[0].item() == 1.0
    assert not math.isfinite(utils.clip_grad_norm_([p], 1.0).item())


def test_vector_and_back() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    vec = utils.parameters_to_vector(net.parameters())
    assert vec.shape == (13,) and vec.requires_grad
    utils.vector_to_parameters(rt.arange(13.0), net.parameters())
    assert net[0].weight.tolist() == [[0, 1], [2, 3], [4, 5]] and net[1].bias.tolist() == [12]
    assert isinstance(net[0].weight, nn.Parameter) and net[0].weight.requires_grad


def test_pad_and_unpad() -> None:
    parts = [rt.tensor([1, 2, 3]), rt.tensor([4]), rt.tensor([], dtype=rt.int64)]
    assert rnn.pad_sequence(parts).tolist() == [[1, 4, 0], [2, 0, 0], [3, 0, 0]]
    left = rnn.pad_sequence(parts, batch_first=True, padding_value=9, padding_side="left")
    assert left.tolist() == [[1, 2, 3], [9, 9, 4], [9, 9, 9]]
    back = rnn.unpad_sequence(rnn.pad_sequence(parts), rt.tensor([3, 1, 0]))
    assert [b.tolist() for b in back] == [[1, 2, 3], [4], []]
    assert rnn.pad_sequence(rt.ones(2, 3)).shape == (3, 2)
    for bad in (
        lambda: rnn.pad_sequence([]),
        lambda: rnn.pad_sequence(3),  # type: ignore[arg-type]
        lambda: rnn.pad_sequence([rt.zeros(1, 2), rt.zeros(1, 3)]),
        lambda: rnn.pad_sequence([rt.zeros(1)], padding_side="x"),
    ):
        with pytest.raises(RuntimeError):
            bad()


@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_pack_and_pad_again(enforce_sorted: bool) -> None:
    lengths = [3, 2, 2] if enforce_sorted else [2, 3, 2]
    parts = [rt.arange(1, n + 1) * 10 ** (i + 1) for i, n in enumerate(lengths)]
    packed = rnn.pack_sequence(parts, enforce_sorted=enforce_sorted)
    assert packed.batch_sizes.tolist() == [3, 3, 1]
    padded, sizes = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1, total_length=4)
    assert sizes.tolist() == lengths
    for row, part in zip(padded, parts):
        assert row.tolist() == part.tolist() + [-1] * (4 - len(part))
    assert [p.tolist() for p in rnn.unpack_sequence(packed)] == [p.tolist() for p in parts]
    same = rnn.pack_padded_sequence(
        rnn.pad_sequence(parts, True), lengths, batch_first=True, enforce_sorted=enforce_sorted
    )
    assert same.data.tolist() == packed.data.tolist()
    with pytest.raises(ValueError, match="total_length"):
        rnn.pad_packed_sequence(packed, total_length=2)


def test_packed_sequence_conversion_and_checks() -> None:
    packed = rnn.pack_sequence([rt.ones(1), rt.ones(2)], enforce_sorted=False)
    assert packed.double().data.dtype == rt.float64 and packed.half().data.dtype == rt.float16
    assert packed.double().float().data.dtype == rt.float32
    assert packed.to(rt.float32) is packed and packed.cpu() is packed
    assert packed.double().unsorted_indices.tolist() == packed.unsorted_indices.tolist()
    casts = {"long": rt.int64, "int": rt.int32, "short": rt.int16, "char": rt.int8, "byte": rt.uint8}
    assert all(getattr(packed, name)().data.dtype == dtype for name, dtype in casts.items())
    assert not packed.is_cuda and not packed.is_pinned()
    assert rnn.invert_permutation(None) is None
    with pytest.raises(TypeError, match="batch_sizes"):
        rnn.PackedSequence(rt.ones(1))
    for bad in (
        lambda: rnn.pack_padded_sequence(rt.zeros(0, 2), [1, 1]),
        lambda: rnn.pack_padded_sequence(rt.zeros(0, 2), rt.zeros(2, 2)),
        lambda: rnn.pack_padded_sequence(rt.zeros(3, 2), [4, 1]),
    ):
        with pytest.raises(RuntimeError):
            bad()


def test_lengths_that_rise() -> None:
    with pytest.raises(RuntimeError, match="must be sorted in decreasing order"):
        rnn.pack_padded_sequence(rt.zeros(2, 2), [1, 2])
