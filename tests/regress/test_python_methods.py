"""Methods of tensors that call Python or move to a GPU, and NumPy's clip without bounds."""

from __future__ import annotations

import numpy as np
import pytest

import rustorch as rt


@pytest.mark.parametrize("dtype", [rt.float32, rt.float16, rt.int64, rt.uint8, rt.complex64])
def test_apply_replaces_each_element(dtype: rt.dtype) -> None:
    x = rt.arange(6).to(dtype).reshape(2, 3).T
    version = x._version
    assert x.apply_(lambda v: v * v) is x
    assert x.dtype is dtype
    assert x.real.tolist() == [[0, 9], [1, 16], [4, 25]]
    assert x._version > version


def test_apply_on_bools_and_on_nothing() -> None:
    assert rt.tensor([True, False]).apply_(lambda v: not v).tolist() == [False, True]
    assert rt.empty(0, 3).apply_(abs).shape == (0, 3)
    assert rt.tensor(2.5).apply_(lambda v: v + 1).item() == 3.5


def test_map_takes_pairs_and_broadcasts() -> None:
    x = rt.tensor([[1.0, 5.0], [3.0, 2.0]])
    assert x.map_(rt.tensor([2.0, 4.0]), max) is x
    assert x.tolist() == [[2.0, 5.0], [3.0, 4.0]]
    with pytest.raises(RuntimeError):
        x.map_(rt.ones(3), max)


def test_neither_writes_where_autograd_looks() -> None:
    x = rt.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"^apply_: Can't call apply_\(\) on a tensor that requires grad"):
        x.apply_(abs)
    with pytest.raises(RuntimeError, match=r"^map_: Can't call map_\(\)"):
        x.map_(x, max)


def test_cuda_is_a_move_to_that_device() -> None:
    x = rt.ones(2)
    with pytest.raises(RuntimeError, match=r"^cuda: expected a device of type cuda; got cpu; try to\(\)"):
        x.cuda("cpu")
    if rt.cuda.is_available():
        assert x.cuda().device.type == "cuda"
        assert x.cuda(0).tolist() == [1, 1]
    else:
        with pytest.raises(RuntimeError, match="cuda"):
            x.cuda()


def test_clip_without_bounds_is_a_copy() -> None:
    x = rt.tensor([-1.0, 2.0])
    y = np.clip(x)
    assert isinstance(y, rt.Tensor)
    assert y is not x
    assert y.tolist() == [-1, 2]


def test_the_error_of_memory_has_its_name_at_the_top() -> None:
    assert issubclass(rt.OutOfMemoryError, RuntimeError)
    with pytest.raises(rt.OutOfMemoryError):
        rt.empty(2**50)
