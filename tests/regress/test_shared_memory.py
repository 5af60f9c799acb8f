"""Memory that arrays outside see does not move."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import rustorch as rt

REFUSED = "Trying to resize storage that is not resizable"


def exported(kind):
    """A tensor of three ones and something that sees its memory."""
    if kind == "from_numpy":
        array = np.ones(3, dtype=np.float32)
        return rt.from_numpy(array), array
    if kind == "frombuffer":
        buffer = bytearray(np.ones(3, dtype=np.float32).tobytes())
        return rt.frombuffer(buffer, dtype=rt.float32), np.frombuffer(buffer, dtype=np.float32)
    t = rt.ones(3)
    if kind == "numpy":
        return t, t.numpy()
    if kind == "asarray":
        return t, np.asarray(t)
    if kind == "dlpack":
        return t, np.from_dlpack(t)
    if kind == "memoryview":
        return t, memoryview(t)
    address = t.__array_interface__
    return t, address


KINDS = ["from_numpy", "frombuffer", "numpy", "asarray", "dlpack", "memoryview", "interface"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "grow",
    [
        lambda t: t.resize_(1000),
        lambda t: rt.add(rt.ones(1000), 1, out=t),
        lambda t: t.resize_as_(rt.ones(1000)),
    ],
    ids=["resize_", "out", "resize_as_"],
)
def test_exported_memory_does_not_grow(kind, grow):
    t, seen = exported(kind)
    before = t.data_ptr()
    with pytest.raises(RuntimeError, match=REFUSED):
        grow(t)
    assert t.data_ptr() == before and t.shape == (3,)
    t.fill_(5)
    if kind != "interface":
        assert np.asarray(seen).tolist() == [5, 5, 5]


@pytest.mark.parametrize("kind", KINDS)
def test_exported_memory_may_shrink(kind):
    t, _seen = exported(kind)
    before = t.data_ptr()
    t.resize_(2)
    assert t.data_ptr() == before and t.shape == (2,)


@pytest.mark.parametrize("kind", ["numpy", "asarray", "dlpack", "memoryview"])
def test_memory_grows_again_once_nobody_sees_it(kind):
    t, seen = exported(kind)
    del seen
    gc.collect()
    assert t.resize_(1000).shape == (1000,)


def test_array_outlives_other_memory():
    t = rt.ones(3)
    array = t.numpy()
    t.data = rt.zeros(3)
    assert array.tolist() == [1, 1, 1]
    t.set_(rt.zeros(5))
    assert array.tolist() == [1, 1, 1]
