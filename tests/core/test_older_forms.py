"""Calls that put numbers before tensors, and types by their older names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import rustorch as rt

A = rt.arange(4.0).reshape(2, 2)
B = A + 1
V = rt.tensor([1.0, 2.0])
BATCH = rt.arange(8.0).reshape(2, 2, 2)

FORMS: dict[str, tuple[Callable[[], rt.Tensor], Callable[[], rt.Tensor]]] = {
    "add": (lambda: rt.add(A, 2, B), lambda: A + 2 * B),
    "add_": (lambda: A.clone().add_(2, B), lambda: A + 2 * B),
    "sub": (lambda: A.sub(3, B), lambda: A - 3 * B),
    "addcmul": (lambda: rt.addcmul(A, 2, A, B), lambda: A + 2 * A * B),
    "addcmul_": (lambda: A.clone().addcmul_(2, A, B), lambda: A + 2 * A * B),
    "addcdiv": (lambda: A.addcdiv(2, A, B), lambda: A + 2 * A / B),
    "addmm": (lambda: rt.addmm(2, A, 3, A, B), lambda: 2 * A + 3 * A @ B),
    "addmm without alpha": (lambda: rt.addmm(2, A, A, B), lambda: 2 * A + A @ B),
    "addmm_": (lambda: A.clone().addmm_(2, 3, A, B), lambda: 2 * A + 3 * A @ B),
    "addmv": (lambda: V.addmv(2, 3, A, V), lambda: 2 * V + 3 * A @ V),
    "addr": (lambda: rt.addr(2, A, 3, V, V), lambda: 2 * A + 3 * V[:, None] * V),
    "addbmm": (lambda: A.addbmm(2, BATCH, BATCH), lambda: 2 * A + (BATCH @ BATCH).sum(0)),
    "baddbmm": (lambda: rt.baddbmm(2, BATCH, 3, BATCH, BATCH), lambda: 2 * BATCH + 3 * BATCH @ BATCH),
}


@pytest.mark.parametrize("name", FORMS)
def test_numbers_may_come_first_with_a_warning(name: str) -> None:
    call, expected = FORMS[name]
    with pytest.warns(UserWarning, match="This overload of .* is deprecated"):
        result = call()
    rt_result, wanted = result.tolist(), expected().tolist()
    assert rt_result == wanted


def test_an_older_form_fills_out() -> None:
    out = rt.empty(0)
    with pytest.warns(UserWarning, match="deprecated"):
        assert rt.addcmul(A, 2, A, B, out=out) is out
    assert rt.equal(out, A + 2 * A * B)


def test_what_is_no_older_form_stays_an_error() -> None:
    for call in (lambda: rt.add(A, B, 2), lambda: rt.addcmul(A, "2", A, B), lambda: A.mul(2, B)):
        with pytest.raises(TypeError):
            call()


def test_the_default_dtype_goes_by_the_name_of_a_type_too() -> None:
    try:
        with pytest.warns(UserWarning, match="deprecated"):
            rt.set_default_tensor_type(rt.DoubleTensor)
        assert rt.get_default_dtype() is rt.float64
        with pytest.warns(UserWarning, match="deprecated"):
            rt.set_default_tensor_type("rustorch.HalfTensor")
        assert rt.tensor(1.5).dtype is rt.float16
    finally:
        rt.set_default_dtype(rt.float32)
    for wrong in (rt.LongTensor, "rustorch.NoTensor", 3):
        with pytest.raises(TypeError):
            rt.set_default_tensor_type(wrong)


def test_a_tensor_converts_to_a_named_type() -> None:
    assert rt.ones(1).type(rt.LongTensor).dtype is rt.int64
    assert rt.ones(1).type("rustorch.HalfTensor").dtype is rt.float16
    assert rt.ones(1, dtype=rt.int64).type(rt.Tensor).dtype is rt.float32
    with pytest.raises(TypeError, match="must be a type, str, or dtype"):
        rt.ones(1).type(3)


def test_new_takes_sizes_and_storages() -> None:
    x = rt.arange(3)
    assert x.new(size=(3, 4)).shape == (3, 4)
    shared = x.new(x.untyped_storage())
    shared[0] = 7
    assert x[0] == 7


def test_a_tensor_stands_for_a_number_unless_it_requires_grad() -> None:
    two = rt.tensor(2.0)
    assert rt.equal(A.addcmul(A, A, value=two), A + 2 * A * A)
    assert rt.equal(A.add(B, alpha=two), A + 2 * B)
    two.requires_grad_()
    for call in (lambda: A.addcmul(A, A, value=two), lambda: A.add(B, alpha=two), lambda: rt.full((2,), two)):
        with pytest.raises(TypeError):
            call()
    assert (A * two).requires_grad
