"""Chains of views followed by writes in place: the memory they share changes as NumPy's does.

`arange` numbers the elements, so NumPy's own views say which element every view shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import rustorch as rt

EXAMPLES = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KINDS = (
    "transpose",
    "permute",
    "narrow",
    "select",
    "slice",
    "unsqueeze",
    "squeeze",
    "expand",
    "diagonal",
    "unfold",
    "flatten",
    "unflatten",
    "movedim",
    "as_strided",
    "split",
    "chunk",
    "unbind",
    "mT",
    "view",
)


def step(draw: st.DrawFn, kind: str, t: Any, a: np.ndarray) -> tuple[Any, np.ndarray] | None:
    """One view of both, or None where this kind does not apply."""
    n = a.ndim
    dim = draw(st.integers(-n, n - 1)) if n else 0
    size = a.shape[dim] if n else 0
    if kind == "unsqueeze":
        at = draw(st.integers(0, n))
        return t.unsqueeze(at), np.expand_dims(a, at)
    if kind == "squeeze":
        return t.squeeze(), a.squeeze()
    if kind == "expand":
        lead = draw(st.integers(1, 2))
        return t.expand(lead, *a.shape), np.broadcast_to(a, (lead, *a.shape))
    if kind == "as_strided" and a.flags.c_contiguous and a.size:
        rows = draw(st.integers(1, min(3, a.size)))
        cols = draw(st.integers(1, a.size - rows + 1))
        flat = a.reshape(-1)
        shown = as_strided(flat, (rows, cols), (flat.itemsize,) * 2)
        return t.as_strided((rows, cols), (1, 1), t.storage_offset()), shown
    if n == 0:
        return None
    if kind == "permute":
        order = draw(st.permutations(range(n)))
        return t.permute(*order), a.transpose(order)
    if kind == "movedim":
        to = draw(st.integers(-n, n - 1))
        return t.movedim(dim, to), np.moveaxis(a, dim, to)
    if kind == "transpose":
        other = draw(st.integers(-n, n - 1))
        return t.transpose(dim, other), np.swapaxes(a, dim, other)
    if kind == "view" and a.flags.c_contiguous:
        return t.view(-1), a.reshape(-1)
    if kind == "flatten" and a.flags.c_contiguous:
        return t.flatten(), a.reshape(-1)
    if kind == "slice":
        start, every = draw(st.integers(0, size)), draw(st.integers(1, 3))
        key = (slice(None),) * (dim % n) + (slice(start, None, every),)
        return t[key], a[key]
    if size == 0:
        return None
    if kind == "narrow":
        start = draw(st.integers(0, size - 1))
        length = draw(st.integers(0, size - start))
        return t.narrow(dim, start, length), np.moveaxis(
            np.moveaxis(a, dim, 0)[start : start + length], 0, dim
        )
    if kind == "select":
        i = draw(st.integers(-size, size - 1))
        return t.select(dim, i), np.moveaxis(a, dim, 0)[i]
    if kind == "unfold":
        width, every = draw(st.integers(1, size)), draw(st.integers(1, 2))
        windows = sliding_window_view(a, width, axis=dim % n)
        return t.unfold(dim, width, every), np.moveaxis(np.moveaxis(windows, dim % n, 0)[::every], 0, dim % n)
    if kind == "unflatten" and size % 2 == 0 and a.flags.c_contiguous:
        d = dim % n
        return t.unflatten(dim, (2, -1)), a.reshape(*a.shape[:d], 2, size // 2, *a.shape[d + 1 :])
    if kind == "split":
        parts = t.split(2, dim)
        i = draw(st.integers(0, len(parts) - 1))
        return parts[i], np.moveaxis(np.moveaxis(a, dim, 0)[2 * i : 2 * i + 2], 0, dim)
    if kind == "chunk":
        parts = t.chunk(2, dim)
        width = -(-size // 2)
        return parts[-1], np.moveaxis(np.moveaxis(a, dim, 0)[width * (len(parts) - 1) :], 0, dim)
    if kind == "unbind":
        return t.unbind(dim)[-1], np.moveaxis(a, dim, 0)[-1]
    if n >= 2 and kind == "mT":
        return t.mT, np.swapaxes(a, -1, -2)
    if n >= 2 and kind == "diagonal":
        offset = draw(st.integers(-2, 2))
        return t.diagonal(offset, 0, 1), np.diagonal(a, offset, 0, 1)
    return None


@st.composite
def chains(draw: st.DrawFn) -> tuple[Any, np.ndarray, Any, np.ndarray, list[str]]:
    shape = tuple(draw(st.lists(st.integers(0, 4), min_size=0, max_size=3)))
    base = np.arange(float(np.prod(shape, dtype=int))).reshape(shape)
    tensor = rt.tensor(base)
    t, a, taken = tensor, base, []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(KINDS))
        found = step(draw, kind, t, a)
        if found is not None:
            t, a = found
            taken.append(kind)
    return tensor, base, t, a, taken


def storage_of(t: Any) -> int:
    return t.untyped_storage().data_ptr()


@EXAMPLES
@given(chains())
def test_a_chain_shows_the_same_elements(chain: Any) -> None:
    tensor, _, t, a, taken = chain
    np.testing.assert_array_equal(t.numpy(), a, err_msg=str(taken))
    assert storage_of(t) == storage_of(tensor), f"{taken} made a copy"


@EXAMPLES
@given(chains())
def test_a_write_reaches_the_base(chain: Any) -> None:
    tensor, base, t, a, taken = chain
    before = tensor._version
    shown = np.isin(base, a)
    t.fill_(-7)
    np.testing.assert_array_equal(tensor.numpy(), np.where(shown, -7, base), err_msg=str(taken))
    assert tensor._version > before, f"{taken}: the base's version did not count the write"
    assert t._version == tensor._version, "views and base share one counter"


@EXAMPLES
@given(chains())
def test_gradients_flow_through_a_chain(chain: Any) -> None:
    """The gradient of a sum over the view counts how often each element of the base is shown."""
    _, base, _, a, _ = chain
    count = np.bincount(a.reshape(-1).astype(int), minlength=base.size)[: base.size].reshape(base.shape)
    leaf = rt.tensor(base, requires_grad=True)
    view = replay(leaf, base, a)
    view.sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), count)


def replay(leaf: Any, base: np.ndarray, a: np.ndarray) -> Any:
    """The same elements by as_strided, whose gradient has to cope with any overlap."""
    offset = 0 if a.size == 0 else int(a.reshape(-1)[0])
    strides = tuple(s // a.itemsize for s in a.strides)
    return leaf.as_strided(a.shape, strides, offset)


def test_base_is_the_first_tensor() -> None:
    x = rt.zeros(4, 4)
    y = x[1:].transpose(0, 1)[0]
    assert x._base is None
    assert y._base is x
    assert y._is_view()
    assert not x._is_view()


def test_a_write_through_a_view_is_differentiated() -> None:
    """The base's history is rewritten to hold what was written and what was overwritten."""
    x = rt.ones(4, dtype=rt.float64, requires_grad=True)
    v = rt.full((2,), 3.0, dtype=rt.float64, requires_grad=True)
    y = x * 2
    y[1:3].mul_(v)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 6, 6, 2])
    np.testing.assert_array_equal(v.grad.numpy(), [2, 2])


def test_a_view_sees_what_was_written_to_its_base() -> None:
    x = rt.ones(3, dtype=rt.float64, requires_grad=True)
    base = x.clone()
    view = base[1:]
    base.mul_(5)
    view.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, 5, 5])


def test_a_saved_tensor_that_was_overwritten_is_noticed() -> None:
    x = rt.ones(3, requires_grad=True)
    y = x.exp()
    y.detach()[0] = 2
    with pytest.raises(RuntimeError, match=r"in-?place|version"):
        y.sum().backward()


@pytest.mark.parametrize("name", ["squeeze_", "unsqueeze_", "t_", "transpose_"])
def test_shape_in_place(name: str) -> None:
    """These change the tensor's own shape, not its memory."""
    x = rt.arange(6).reshape(2, 1, 3) if "squeeze" in name else rt.arange(6).reshape(2, 3)
    args = {"squeeze_": (1,), "unsqueeze_": (0,), "t_": (), "transpose_": (0, 1)}[name]
    expected = getattr(x, name[:-1])(*args)
    address = x.data_ptr()
    assert getattr(x, name)(*args) is x
    assert tuple(x.shape) == tuple(expected.shape)
    assert x.stride() == expected.stride()
    assert x.data_ptr() == address


@pytest.mark.parametrize(
    "diagonal", [rt.trace, lambda x: rt.einsum("ii->i", x).sum(), lambda x: x.diagonal().sum()]
)
def test_a_diagonal_of_an_expanded_tensor_gives_each_element_its_gradient(diagonal: Any) -> None:
    """Elements that share memory are still elements of their own to a leaf."""
    x = rt.arange(3.0).expand(3, 3).detach().requires_grad_()
    diagonal(x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.eye(3))
