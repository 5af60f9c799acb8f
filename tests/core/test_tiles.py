"""Operands whose memory runs along different dims are walked in tiles: all edges, all item sizes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

import rustorch as rt

SHAPES = ((33, 70), (257, 300), (8, 9, 10), (3, 64, 65, 2), (1, 40, 1, 33))
DTYPES = ("int8", "float16", "float32", "float64", "complex128")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_permuted_operands(shape: tuple[int, ...], dtype: str) -> None:
    values = (np.arange(np.prod(shape)) % 100).astype(dtype).reshape(shape)
    x = rt.from_numpy(values)
    for order in permutations(range(len(shape))):
        moved, expected = x.permute(order), values.transpose(order)
        np.testing.assert_array_equal(moved.contiguous().numpy(), expected)
        target = rt.zeros(shape, dtype=x.dtype).permute(order)
        np.testing.assert_array_equal(target.copy_(moved.contiguous()).numpy(), expected)
        # Computed, with an operand of another dtype and one that broadcasts.
        other = np.ones(expected.shape, "int8")
        column = expected[..., :1]
        answer = rt.where(moved != 50, moved + rt.from_numpy(other), moved[..., :1])
        np.testing.assert_array_equal(answer.numpy(), np.where(expected != 50, expected + other, column))


def test_in_place_on_a_transposed_tensor() -> None:
    values = np.random.default_rng(0).standard_normal((100, 130))
    x, y = rt.tensor(values), rt.tensor(values.T.copy())
    x.t().mul_(y)
    np.testing.assert_array_equal(x.numpy(), values * values)
    with pytest.raises(RuntimeError, match=r"overlap|single memory location"):
        square = rt.tensor(values[:, :100])
        square.add_(square.t())
