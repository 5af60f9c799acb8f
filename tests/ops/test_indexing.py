"""Random indices of every kind, read and written, against NumPy.

Where PyTorch's rules differ from NumPy's (no negative steps; a result is a view or a copy as in NumPy), the
strategies below produce only what both define.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rustorch as rt

EXAMPLES = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def arrays(draw: st.DrawFn, min_dims: int = 0) -> np.ndarray:
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=min_dims, max_size=4)))
    return np.arange(float(np.prod(shape, dtype=int))).reshape(shape)


@st.composite
def slices(draw: st.DrawFn, size: int) -> slice:
    bound = st.none() | st.integers(-size - 2, size + 2)
    return slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3)))


@st.composite
def basic_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Integers, slices, None and at most one Ellipsis."""
    used = draw(st.integers(0, len(shape)))
    gap = draw(st.integers(0, used)) if draw(st.booleans()) else None
    key: list[Any] = []
    skipped = len(shape) - used
    for i in range(used):
        if i == gap:
            key.append(Ellipsis)
        size = shape[i if gap is None or i < gap else i + skipped]
        options = [slices(size)] + ([st.integers(-size, size - 1)] if size else [])
        if draw(st.integers(0, 4)) == 0:
            key.append(None)
        key.append(draw(st.one_of(options)))
    if gap == used:
        key.append(Ellipsis)
    return tuple(key)


@st.composite
def integer_arrays(draw: st.DrawFn, shape: tuple[int, ...], size: int) -> np.ndarray:
    """Indices into a dim of `size`, of a shape that broadcasts to `shape`."""
    own = tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in shape)
    count = int(np.prod(own, dtype=int))
    found = draw(st.lists(st.integers(-size, size - 1), min_size=count, max_size=count))
    return np.array(found, dtype=np.int64).reshape(own)


@st.composite
def advanced_keys(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Integer arrays that broadcast with each other, or one boolean mask, with slices and None between them.
    No plain integers: beside arrays NumPy takes them for arrays too, PyTorch selects first."""
    common = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)))
    masked = draw(st.integers(0, 3)) == 0
    key: list[Any] = []
    axis = 0
    while axis < len(shape):
        kind = draw(st.sampled_from(["stop", "slice", "array", "array", "none"]))
        size = shape[axis]
        if kind == "stop":
            break
        if kind == "none":
            key.append(None)
            continue
        if kind == "array" and masked and not any(isinstance(k, np.ndarray) for k in key):
            span = draw(st.integers(1, len(shape) - axis))
            key.append(
                np.random.default_rng(draw(st.integers(0, 99))).random(shape[axis : axis + span]) < 0.5
            )
            axis += span
            continue
        key.append(
            draw(integer_arrays(common, size))
            if kind == "array" and size and not masked
            else draw(slices(size))
        )
        axis += 1
    return tuple(key)


def translate(key: Any, how: str) -> Any:
    """A NumPy index as a tensor, an ndarray or a list."""
    if isinstance(key, tuple):
        return tuple(translate(k, how) for k in key)
    if not isinstance(key, np.ndarray):
        return key
    if how == "list" and key.ndim == 1 and key.size:
        return key.tolist()
    return key if how == "ndarray" else rt.tensor(key)


@EXAMPLES
@given(st.data(), arrays())
def test_basic_get_is_a_view(data: st.DataObject, a: np.ndarray) -> None:
    key = data.draw(basic_keys(a.shape))
    t = rt.tensor(a)
    part, expected = t[key], a[key]
    np.testing.assert_array_equal(part.numpy(), expected)
    assert part.data_ptr() == 0 or part.untyped_storage().data_ptr() == t.untyped_storage().data_ptr()
    part.fill_(-1)
    changed = a.copy()
    changed[key] = -1
    np.testing.assert_array_equal(t.numpy(), changed)


@EXAMPLES
@given(st.data(), arrays())
def test_basic_set(data: st.DataObject, a: np.ndarray) -> None:
    key = data.draw(basic_keys(a.shape))
    t, expected = rt.tensor(a), a.copy()
    value = np.random.default_rng(0).integers(100, 200, a[key].shape).astype(np.float64)
    if data.draw(st.booleans()) and value.ndim:
        value = value[:1]  # broadcasts along the first dim
    t[key] = rt.tensor(value)
    expected[key] = value
    np.testing.assert_array_equal(t.numpy(), expected)


@EXAMPLES
@given(st.data(), arrays(min_dims=1), st.sampled_from(["tensor", "ndarray", "list"]))
def test_advanced_get(data: st.DataObject, a: np.ndarray, how: str) -> None:
    key = data.draw(advanced_keys(a.shape))
    np.testing.assert_array_equal(rt.tensor(a)[translate(key, how)].numpy(), a[key])


@EXAMPLES
@given(st.data(), arrays(min_dims=1))
def test_advanced_get_of_a_transposed_tensor(data: st.DataObject, a: np.ndarray) -> None:
    turned = a.transpose()
    key = data.draw(advanced_keys(turned.shape))
    expected = turned[key]
    t = rt.tensor(a).permute(*reversed(range(a.ndim)))
    np.testing.assert_array_equal(t[translate(key, "tensor")].numpy(), expected)


@EXAMPLES
@given(st.data(), arrays(min_dims=1), st.sampled_from(["tensor", "ndarray"]))
def test_advanced_set(data: st.DataObject, a: np.ndarray, how: str) -> None:
    """One value for all places, as which of several values wins at a repeated place is not defined."""
    key = data.draw(advanced_keys(a.shape))
    expected = a.copy()
    expected[key] = -5.0
    t = rt.tensor(a)
    t[translate(key, how)] = -5.0
    np.testing.assert_array_equal(t.numpy(), expected)


@EXAMPLES
@given(st.data(), arrays(min_dims=1))
def test_set_with_many_values(data: st.DataObject, a: np.ndarray) -> None:
    """A permutation of rows repeats no place, so every value has its own."""
    rows = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(a.shape[0])
    t, expected = rt.tensor(a), a.copy()
    value = a + 1000
    t[rt.tensor(rows.astype(np.int64))] = rt.tensor(value)
    expected[rows] = value
    np.testing.assert_array_equal(t.numpy(), expected)


@settings(EXAMPLES, max_examples=100)
@given(st.data(), arrays(min_dims=1))
def test_gradient_of_get_counts_repetitions(data: st.DataObject, a: np.ndarray) -> None:
    key = data.draw(advanced_keys(a.shape))
    expected = np.zeros_like(a)
    np.add.at(expected, key, 1.0)
    t = rt.tensor(a, requires_grad=True)
    t[translate(key, "tensor")].sum().backward()
    np.testing.assert_array_equal(t.grad.numpy(), expected)


@settings(EXAMPLES, max_examples=100)
@given(arrays(min_dims=1), st.data())
def test_index_out_of_range(a: np.ndarray, data: st.DataObject) -> None:
    size = a.shape[0]
    bad = data.draw(st.sampled_from([size, -size - 1, size + 7]))
    with pytest.raises(IndexError):
        rt.tensor(a)[bad]
    if a.size:
        with pytest.raises((IndexError, RuntimeError)):
            rt.tensor(a)[rt.tensor([bad])]


def test_rules_that_are_not_numpys() -> None:
    t = rt.arange(6).reshape(2, 3)
    with pytest.raises(ValueError, match="step"):
        t[::-1]
    assert tuple(t[True].shape) == (1, 2, 3)
    assert tuple(t[False].shape) == (0, 2, 3)
    assert tuple(t[rt.tensor(1)].shape) == (3,)
    with pytest.raises(IndexError):
        t[0, 0, 0]
    with pytest.raises(IndexError):
        t[rt.tensor([0.5])]


def test_zero_dim_tensors_index_and_iterate_as_numbers_do() -> None:
    t = rt.tensor(3)
    assert list(range(5))[t] == 3
    with pytest.raises(TypeError):
        iter(t)
    assert t[()].item() == 3
    with pytest.raises(IndexError):
        t[0]


def test_surplus_leading_ones_of_a_value_are_dropped() -> None:
    """As NumPy and PyTorch do, whatever the index is."""
    value = rt.full((1, 1, 2, 3), -1.0)
    for key in (True, rt.tensor(True), rt.tensor([0, 1]), (rt.tensor([0, 1]), slice(None)), slice(None), ...):
        x = rt.zeros(2, 3)
        x[key] = value
        assert (x == -1).all(), key
    x = rt.zeros(2, 3)
    x[rt.ones(2, 3) > 0] = rt.arange(6.0).reshape(1, 1, 6)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(RuntimeError):
        x[rt.tensor([0, 1])] = rt.ones(2, 2, 3)
