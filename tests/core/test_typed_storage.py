"""Storages with a dtype: numbers in memory, as earlier versions of PyTorch had them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt

NAMES = {
    rt.float32: "FloatStorage",
    rt.float64: "DoubleStorage",
    rt.float16: "HalfStorage",
    rt.bfloat16: "BFloat16Storage",
    rt.int64: "LongStorage",
    rt.int32: "IntStorage",
    rt.int16: "ShortStorage",
    rt.int8: "CharStorage",
    rt.uint8: "ByteStorage",
    rt.bool: "BoolStorage",
    rt.complex64: "ComplexFloatStorage",
    rt.complex128: "ComplexDoubleStorage",
}


@pytest.mark.parametrize("dtype", NAMES, ids=str)
def test_every_dtype_has_a_storage(dtype: rt.dtype) -> None:
    cls = getattr(rt, NAMES[dtype])
    storage = cls([0, 1, 1])
    assert storage.dtype is cls.dtype is dtype
    assert storage.type() == f"rustorch.{NAMES[dtype]}"
    assert storage.size() == len(storage) == 3
    assert storage.nbytes() == 3 * storage.element_size() == 3 * dtype.itemsize
    assert storage.tolist() == list(storage) == [0, 1, 1]
    assert rt.zeros(1, dtype=dtype).storage_type() is cls
    with pytest.warns(UserWarning, match="untyped_storage"):
        of_tensor = rt.tensor([0, 1, 1], dtype=dtype).storage()
    assert isinstance(of_tensor, cls) and of_tensor == storage
    assert not isinstance(of_tensor, rt.IntStorage if dtype is not rt.int32 else rt.LongStorage)


@pytest.mark.filterwarnings("ignore:TypedStorage")
def test_the_storage_of_a_tensor_is_its_memory() -> None:
    x = rt.arange(6).reshape(2, 3)
    storage = x[1].storage()
    assert storage.tolist() == [0, 1, 2, 3, 4, 5]
    storage[0] = 9
    storage[1:3] = 7
    assert x.tolist() == [[9, 7, 7], [3, 4, 5]]
    assert storage.untyped() is x.untyped_storage()
    assert storage.data_ptr() == x.data_ptr()
    assert storage.resizable()
    array = x.numpy()
    assert not storage.resizable()
    del array
    assert storage.resizable()


def test_numbers_convert_and_copies_are_copies() -> None:
    storage = rt.IntStorage([-1, 0, 2])
    assert storage.float().dtype is rt.float32
    assert storage.float().tolist() == [-1.0, 0.0, 2.0]
    assert storage.bool().tolist() == [True, False, True]
    assert storage.int() is storage
    for made in (
        storage.clone(),
        copy.copy(storage),
        copy.deepcopy(storage),
        pickle.loads(pickle.dumps(storage)),
    ):
        assert made == storage
        made[0] = 5
        assert storage[0] == -1
    assert storage.clone().fill_(3).tolist() == [3, 3, 3]
    assert storage.clone().copy_(rt.FloatStorage([1, 2, 3])).tolist() == [1, 2, 3]
    assert storage.cpu() is storage
    assert "of size 3" in repr(storage)


def test_buffers_are_read_in_either_order_of_bytes() -> None:
    data = bytearray([1, 2, 3, 4])
    assert rt.ByteStorage.from_buffer(data).tolist() == [1, 2, 3, 4]
    assert rt.ShortStorage.from_buffer(data, "big").tolist() == [258, 772]
    assert rt.IntStorage.from_buffer(data, "little").tolist() == [67305985]
    assert rt.FloatStorage.from_buffer(bytearray([0x40, 0x10, 0, 0]), "big")[0] == 2.25
    assert rt.BoolStorage.from_buffer(b"\0\1\7").tolist() == [False, True, True]
    with pytest.raises(ValueError, match="byte order"):
        rt.ShortStorage.from_buffer(data, "middle")


@pytest.mark.parametrize("dtype", [rt.uint8, rt.int16, rt.float32, rt.float64, rt.complex64], ids=str)
def test_bytes_are_swapped_within_numbers(dtype: rt.dtype) -> None:
    storage = rt.UntypedStorage(range(16))
    storage.byteswap(dtype)
    part = dtype.itemsize // 2 if dtype.is_complex else dtype.itemsize
    assert storage.tolist() == np.arange(16).reshape(-1, part)[:, ::-1].reshape(-1).tolist()


def test_untyped_storages_are_made_of_sizes_and_bytes() -> None:
    assert rt.UntypedStorage(3).nbytes() == 3
    assert rt.UntypedStorage().nbytes() == 0
    assert rt.UntypedStorage([1, 255]).tolist() == [1, 255]
    storage = rt.UntypedStorage([1, 0, 2, 0])
    assert rt.TypedStorage(wrap_storage=storage, dtype=rt.int16).tolist() == [1, 2]
    assert rt.tensor(storage, dtype=rt.int16).tolist() == [1, 2]
    assert rt.tensor(rt.TypedStorage([3, 4])).tolist() == [3, 4]
    assert rt.is_storage(storage) and rt.is_storage(rt.FloatStorage()) and not rt.is_storage(3)


def test_a_tensor_is_set_to_a_storage() -> None:
    x = rt.arange(24.0)
    y = rt.tensor([]).set_(x.untyped_storage())
    assert rt.equal(x, y)
    assert rt.tensor([]).set_(x.untyped_storage(), 2, (2, 3)).tolist() == [[2, 3, 4], [5, 6, 7]]
    y.set_(rt.TypedStorage(wrap_storage=x.untyped_storage(), dtype=rt.float32), 0, (3, 2), (1, 3))
    assert y.tolist() == [[0, 3], [1, 4], [2, 5]]
    y.zero_()
    assert x[:6].tolist() == [0] * 6
    assert rt.tensor([]).set_(x, 20, size=(2,)).tolist() == [20, 21]


def test_a_view_that_is_set_is_a_view_no_longer() -> None:
    base, other = rt.zeros(4), rt.ones(2)
    view = base[1:3]
    view.set_(other)
    view.add_(1)
    assert view._base is None
    assert base.tolist() == [0] * 4
    assert other.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="requires grad"):
        base.requires_grad_()[1:].set_(other)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: rt.TypedStorage(1, wrap_storage=rt.UntypedStorage()), RuntimeError, "No positional"),
        (lambda: rt.TypedStorage(wrap_storage=rt.UntypedStorage()), RuntimeError, "'dtype' must be"),
        (lambda: rt.TypedStorage(wrap_storage=3, dtype=rt.int8), TypeError, "must be UntypedStorage"),
        (lambda: rt.FloatStorage(rt.ones(1)), TypeError, "not recognized"),
        (lambda: rt.FloatStorage([1.0])[0:1], RuntimeError, "slices"),
        (lambda: rt.tensor(rt.IntStorage(2), dtype=rt.int64), RuntimeError, "Expected a Storage of type"),
        (lambda: rt.tensor([]).set_(rt.IntStorage(2)), RuntimeError, "Expected a Storage of type"),
        (lambda: rt.tensor([]).set_(rt.UntypedStorage(8), 1, (2,)), RuntimeError, "out of bounds"),
        (lambda: rt.tensor([]).set_(rt.UntypedStorage(8), -1, (1,)), RuntimeError, "out of bounds"),
        (lambda: rt.tensor([]).set_(3), TypeError, "a tensor or a storage"),
        (lambda: rt.tensor([]).set_(rt.ones(3, dtype=rt.int64), 0, (1,)), RuntimeError, "Expected a Tensor"),
    ],
)
def test_what_does_not_fit_is_refused(call: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()


def test_the_storage_of_the_default_dtype() -> None:
    assert rt.Storage is rt.FloatStorage
    rt.set_default_dtype(rt.float64)
    try:
        assert rt.Storage is rt.DoubleStorage
    finally:
        rt.set_default_dtype(rt.float32)
