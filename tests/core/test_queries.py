"""Names of types, shapes and results: what objects say of themselves."""

from __future__ import annotations

import copy
import pickle

import pytest

import rustorch as rt


def test_typename_says_module_and_class() -> None:
    assert rt.typename(rt.ones(1)) == "rustorch.FloatTensor"
    assert rt.typename(rt.ones(1, dtype=rt.int64)) == "rustorch.LongTensor"
    assert rt.typename(rt.nn.Linear(1, 1)) == "rustorch.nn.modules.linear.Linear"
    assert rt.typename(rt.nn.Linear) == "rustorch.nn.modules.linear.Linear"
    assert rt.typename(3) == "int"
    assert rt.typename(len) == "len"


def test_functions_ask_what_methods_answer() -> None:
    x = rt.ones(2, 3)
    with rt.inference_mode():
        y = rt.ones(3, 2)
    assert (rt.is_inference(x), rt.is_inference(y)) == (False, True)
    assert (rt.is_conj(x.conj()), rt.is_neg(-x)) == (False, False)
    assert (rt.is_same_size(x, y), rt.is_same_size(x, y.T)) == (False, True)
    assert rt.get_device(x) == -1
    assert not x.is_shared()
    with pytest.raises(TypeError, match="must be Tensor"):
        rt.is_same_size(x, (2, 3))


def test_a_size_is_of_ints() -> None:
    assert rt.Size([2, rt.tensor(3), True]) == (2, 3, 1)
    assert all(type(n) is int for n in rt.Size(rt.tensor([2, 3])))
    for wrong in (rt.ones(2), [1.5], ["2"], [None], 3):
        with pytest.raises(TypeError):
            rt.Size(wrong)


def test_sums_of_sizes_are_sizes() -> None:
    size = rt.Size([1, 2])
    for total in (size + (3,), (3,) + size, size + size, size * 2, 2 * size, size[:1]):
        assert type(total) is rt.Size
    assert (3,) + size == (3, 1, 2)
    with pytest.raises(TypeError, match=r"can only concatenate tuple \(not list\) to rustorch.Size"):
        size + [3]

    class Wildcard:
        def __add__(self, other: object) -> int:
            return 42

        __radd__ = __add__

    assert size + Wildcard() == Wildcard() + size == 42
    assert copy.deepcopy(size) == pickle.loads(pickle.dumps(size)) == size


def test_named_results_have_types_and_text() -> None:
    result = rt.tensor([[1, 3], [4, 2]]).max(1)
    assert type(result) is rt.return_types.max
    assert repr(result) == ("rustorch.return_types.max(\nvalues=tensor([3, 4]),\nindices=tensor([1, 0]))")
    loaded = pickle.loads(pickle.dumps(result))
    assert type(loaded) is rt.return_types.max
    assert rt.equal(loaded.values, result.values)
    with pytest.raises(AttributeError, match="no attribute 'add'"):
        rt.return_types.add


def test_parts_of_complex_tensors_are_assigned() -> None:
    z = rt.tensor([1 + 2j, 3 - 1j])
    z.real = 0
    z.imag = rt.tensor([5.0, 6.0])
    assert z.tolist() == [5j, 6j]
    x = rt.ones(2)
    x.real = rt.tensor([2.0, 3.0])
    assert x.tolist() == [2, 3]
    with pytest.raises(RuntimeError, match="imag"):
        x.imag = 0
    leaf = rt.tensor([1.0, 2.0], requires_grad=True)
    made = rt.zeros(2, dtype=rt.complex64)
    made.imag = leaf
    made.imag.sum().backward()
    assert leaf.grad.tolist() == [1, 1]


def test_a_subclass_over_the_same_memory_passes_gradients() -> None:
    class Sub(rt.Tensor):
        pass

    x = rt.tensor([1.0, 2.0], requires_grad=True)
    y = (x * 3).as_subclass(Sub)
    assert type(y) is Sub
    y.sum().backward()
    assert x.grad.tolist() == [3, 3]
    plain = rt.zeros(2)
    plain.as_subclass(Sub)[0] = 4
    assert plain.tolist() == [4, 0]
    with pytest.raises(RuntimeError, match="does not inherit from Tensor"):
        plain.as_subclass(int)


def test_map2_calls_python_on_three_elements() -> None:
    x = rt.arange(4.0).reshape(2, 2)
    y, z = rt.tensor([1.0, 2.0]), rt.tensor([[3.0], [4.0]])
    assert rt.equal(x.clone().map2_(y, z, lambda a, b, c: a + b * c), x + y * z)
    with pytest.raises(RuntimeError, match="requires grad"):
        x.map2_(y, z.requires_grad_(), lambda a, b, c: a)


def test_denormal_numbers_are_flushed_on_request() -> None:
    tiny = rt.tensor([1e-310], dtype=rt.float64)
    if rt.set_flush_denormal(True):
        assert (tiny * 1).item() == 0
    rt.set_flush_denormal(False)
    assert (tiny * 1).item() == 1e-310
    with pytest.raises(TypeError, match="bool"):
        rt.set_flush_denormal(1)
