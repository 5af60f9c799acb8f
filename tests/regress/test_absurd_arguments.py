"""Arguments that no program means: an error, and not the end of the process or hours of work.

Beside the errors in the op table: here are those that PyTorch has no error for, or that are not ops.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import rustorch as rt

F = rt.nn.functional


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: rt.ones(3).tensor_split(2**62), (RuntimeError, MemoryError)),
        (lambda: rt.linalg.lu_solve(rt.eye(2), rt.tensor(1, dtype=rt.int32), rt.eye(2)), RuntimeError),
        (lambda: rt.lu_unpack(rt.ones(2, 3), rt.tensor([-100, 2], dtype=rt.int32)), RuntimeError),
        (lambda: F.fold(rt.ones(4, 9), (5, 3), 2**32), RuntimeError),
        (lambda: F.fold(rt.ones(4, 9), (5, 3), 2**40, dilation=2), RuntimeError),
        (lambda: F.pixel_unshuffle(rt.ones(1, 0, 0), 2**32), ValueError),
        (lambda: rt.tensor([7], dtype=rt.int8).floor_divide_(256), RuntimeError),
        (lambda: rt.tensor([7], dtype=rt.int8, device="emulator") % 256, RuntimeError),
        (lambda: rt.combinations(rt.ones(1), 2**61, with_replacement=True), RuntimeError),
        (lambda: rt.tril_indices(2**63 - 1, 100, 2), RuntimeError),
        (lambda: F.binary_cross_entropy(rt.tensor([0.5]), rt.tensor([float("nan")])), RuntimeError),
        (lambda: F.adaptive_max_pool3d(rt.ones(1, 1, 2, 2, 2), 2**31), RuntimeError),
    ],
)
def test_an_error_at_once(call: Callable[[], Any], error: Any) -> None:
    with pytest.raises(error):
        call()


@pytest.mark.parametrize(
    ("triangle", "arguments", "rows", "columns"),
    [
        (rt.tril_indices, (2**40, 1, -(2**40) + 2), [2**40 - 2, 2**40 - 1], [0, 0]),
        (rt.triu_indices, (2**62, 2), [0, 0, 1], [0, 1, 1]),
        (rt.tril_indices, (2, 2, 2**63 - 1), [0, 0, 1, 1], [0, 1, 0, 1]),
        (rt.triu_indices, (2, 2, -(2**63)), [0, 0, 1, 1], [0, 1, 0, 1]),
        (rt.triu_indices, (2, 2, 2**63 - 1), [], []),
        (rt.tril_indices, (2**62, 0), [], []),
    ],
)
def test_triangles_of_huge_matrices(
    triangle: Any, arguments: tuple[int, ...], rows: list[int], columns: list[int]
) -> None:
    assert triangle(*arguments).tolist() == [rows, columns]


def test_combinations_of_more_than_there_is() -> None:
    x = rt.ones(3, requires_grad=True)
    assert rt.combinations(x, 2**61).shape == (0, 2**61)
    assert rt.combinations(x, 4).requires_grad


def test_devices_have_small_indices() -> None:
    assert rt.device("cpu", None) == rt.device("cpu")
    for index in (-1, -5, 300, 2**40, -(2**40)):
        with pytest.raises(RuntimeError, match="index"):
            rt.device("cuda", index)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, 10**30])
def test_seeds_have_64_bits(seed: int) -> None:
    before = rt.initial_seed()
    with pytest.raises(ValueError, match="Overflow"):
        rt.manual_seed(seed)
    with pytest.raises(ValueError, match="Overflow"):
        rt.Generator().manual_seed(seed)
    assert rt.initial_seed() == before
    assert rt.Generator().manual_seed(2**64 - 1).initial_seed() == 2**64 - 1
    assert rt.Generator().manual_seed(-(2**63)).initial_seed() == 2**63


def test_generators_are_pickled_and_copied_with_their_place_in_the_stream() -> None:
    g = rt.Generator().manual_seed(3)
    rt.rand(5, generator=g)
    twins = [pickle.loads(pickle.dumps(g)), copy.deepcopy(g), copy.copy(g)]
    expected = rt.rand(4, generator=g).tolist()
    for twin in twins:
        assert (twin.initial_seed(), twin.device) == (3, rt.device("cpu"))
        assert rt.rand(4, generator=twin).tolist() == expected
    with pytest.raises(TypeError):
        g.__setstate__(3)


def test_a_switch_takes_bools_alone() -> None:
    for mode in ("no", None, 1):
        with pytest.raises(TypeError, match="bool"):
            rt.set_grad_enabled(mode)
    assert rt.is_grad_enabled()


def test_zeros_in_place_of_gradients_want_none_without_a_graph() -> None:
    x, unused = rt.ones(1, requires_grad=True), rt.ones(2, requires_grad=True)
    for graph in (False, True):
        _, zeros = rt.autograd.grad(x * 2, (x, unused), create_graph=graph, materialize_grads=True)
        assert zeros.tolist() == [0, 0] and zeros.requires_grad is graph
