"""Storages in Python: what tensors share, as bytes."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable

import pytest

import rustorch as rt


def test_views_have_the_storage_of_their_base() -> None:
    x = rt.arange(6).reshape(2, 3)
    storage = x.untyped_storage()
    assert isinstance(storage, rt.UntypedStorage)
    assert x[1].untyped_storage() is storage
    assert x.T.untyped_storage().data_ptr() == storage.data_ptr() == x.data_ptr()
    assert x.clone().untyped_storage() is not storage
    assert x[1].data_ptr() - storage.data_ptr() == x[1].storage_offset() * x.element_size()


def test_sizes_are_bytes() -> None:
    storage = rt.zeros(3, dtype=rt.float64)[1:].untyped_storage()
    assert storage.nbytes() == storage.size() == len(storage) == 24
    assert storage.element_size() == 1
    assert storage.device == rt.device("cpu")
    assert rt.zeros(0).untyped_storage().nbytes() == 0
    assert not storage.is_shared()


def test_bytes_are_read_and_written() -> None:
    x = rt.tensor([1, 2], dtype=rt.int16)
    storage = x.untyped_storage()
    assert storage.tolist() == list(storage) == [1, 0, 2, 0]
    assert storage[2] == 2
    storage[1] = 1
    assert x.tolist() == [257, 2]
    part = storage[2:]
    assert part.tolist() == [2, 0]
    part.fill_(0)
    assert x.tolist() == [257, 0]
    copied = storage.clone()
    copied.fill_(1)
    assert x.tolist() == [257, 0]
    storage.copy_(copied)
    assert x.tolist() == [257, 257]
    assert storage.cpu() is storage
    assert "of size 4" in repr(storage)


def test_a_storage_keeps_its_size() -> None:
    storage = rt.zeros(2).untyped_storage()
    assert storage.resize_(8) is storage
    with pytest.raises(NotImplementedError, match="keeps its size"):
        storage.resize_(0)
    with pytest.raises(ValueError, match="different sizes"):
        storage.copy_(rt.zeros(3).untyped_storage())
    with pytest.raises(RuntimeError, match="step"):
        storage[::2]


def test_a_storage_keeps_its_memory_alive_and_nothing_else_does() -> None:
    x = rt.full((3,), 7, dtype=rt.uint8)
    storage = x.untyped_storage()
    del x
    gc.collect()
    assert storage.tolist() == [7, 7, 7]
    dead = weakref.ref(storage)
    del storage
    gc.collect()
    assert dead() is None


def test_copies_keep_what_was_shared() -> None:
    x = rt.arange(4)
    for a, b in (copy.deepcopy((x, x[1:])), pickle.loads(pickle.dumps((x, x[1:])))):
        assert a.untyped_storage() is b.untyped_storage()
        assert a.untyped_storage() is not x.untyped_storage()


def test_a_fill_takes_elements_that_share_memory() -> None:
    """One value everywhere: it does not matter who shares what. Other writes are refused."""
    assert rt.zeros(1).expand(3).fill_(2).tolist() == [2, 2, 2]
    assert rt.ones(4).as_strided((2, 3), (1, 1)).zero_().tolist() == [[0, 0, 0], [0, 0, 0]]
    with pytest.raises(RuntimeError, match="single memory location"):
        rt.zeros(1).expand(3).add_(1)
    with pytest.raises(RuntimeError, match="single memory location"):
        rt.zeros(1).expand(3)[:] = 1


@pytest.mark.parametrize(
    ("op", "call"),
    [
        ("hstack", lambda: rt.hstack([rt.zeros(2), rt.zeros(2, 2)])),
        ("matmul", lambda: rt.zeros(2, 3) @ rt.zeros(2, 3)),
        ("column_stack", lambda: rt.column_stack([rt.zeros(2), rt.zeros(3)])),
        ("fliplr", lambda: rt.fliplr(rt.zeros(2))),
        ("baddbmm", lambda: rt.zeros(2).baddbmm_(rt.zeros(1, 2, 2), rt.zeros(1, 3, 2))),
        ("hstack", lambda: rt.hstack([rt.zeros(2), rt.zeros(2)], out=rt.zeros(4, dtype=rt.int64))),
    ],
)
def test_an_error_names_the_op_that_was_called(op: str, call: Callable[[], object]) -> None:
    """Not the op that a composite is made of."""
    with pytest.raises(RuntimeError, match=rf"^{op}: ") as info:
        call()
    assert info.value.op == op
