"""What code for earlier versions of PyTorch calls: native forms, `new`, `Variable`, copies of views."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import rustorch as rt

X = rt.arange(24.0).reshape(2, 3, 4)

COPIES: dict[str, tuple[Callable[[], rt.Tensor], Callable[[np.ndarray], np.ndarray]]] = {
    "alias": (lambda: rt.alias_copy(X), lambda x: x),
    "as_strided": (lambda: rt.as_strided_copy(X, (2, 2), (1, 4)), lambda x: x.reshape(-1)[[[0, 4], [1, 5]]]),
    "detach": (lambda: rt.detach_copy(X), lambda x: x),
    "diagonal": (lambda: rt.diagonal_copy(X, 1, 1, 2), lambda x: np.diagonal(x, 1, 1, 2)),
    "expand": (lambda: rt.expand_copy(X, (5, 2, 3, 4)), lambda x: np.broadcast_to(x, (5, 2, 3, 4))),
    "permute": (lambda: rt.permute_copy(X, (2, 0, 1)), lambda x: x.transpose(2, 0, 1)),
    "select": (lambda: rt.select_copy(X, -1, 2), lambda x: x[..., 2]),
    "slice": (lambda: rt.slice_copy(X, -1, 1, 4, 2), lambda x: x[..., 1:4:2]),
    "squeeze": (lambda: rt.squeeze_copy(X[:1]), lambda x: x[0]),
    "t": (lambda: rt.t_copy(X[0]), lambda x: x[0].T),
    "transpose": (lambda: rt.transpose_copy(X, 0, 2), lambda x: x.swapaxes(0, 2)),
    "unfold": (
        lambda: rt.unfold_copy(X, 1, 2, 1),
        lambda x: np.stack([x[:, :2], x[:, 1:]], 1).swapaxes(2, 3),
    ),
    "unsqueeze": (lambda: rt.unsqueeze_copy(X, 1), lambda x: x[:, None]),
    "view": (lambda: rt.view_copy(X, (4, 6)), lambda x: x.reshape(4, 6)),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_a_view_is_contiguous_and_shares_nothing(name: str) -> None:
    call, expected = COPIES[name]
    copy = call()
    np.testing.assert_array_equal(copy.numpy(), expected(X.numpy()))
    assert copy.is_contiguous()
    copy.zero_()
    assert X.sum().item() == 276


def test_copies_of_several_views_fill_out() -> None:
    outs = [rt.empty(0), rt.empty(0)]
    rt.split_copy(X, 2, 1, out=outs)
    assert [o.shape for o in outs] == [(2, 2, 4), (2, 1, 4)]
    assert rt.equal(outs[1], X[:, 2:])
    assert [rt.equal(a, b) for a, b in zip(rt.unbind_copy(X), X, strict=True)] == [True, True]
    with pytest.raises(TypeError, match="2 tensors"):
        rt.split_copy(X, 2, 1, out=rt.empty(0))


def test_a_copy_of_a_view_passes_gradients() -> None:
    x = X.double().clone().requires_grad_()
    rt.autograd.gradcheck(lambda t: rt.diagonal_copy(t, 0, 1, 2), (x,))


def test_native_forms_agree_with_nn_functional() -> None:
    f = rt.nn.functional
    logits, target = rt.tensor([0.5, -1.0]), rt.tensor([1.0, 0.0])
    for number, name in enumerate(("none", "mean", "sum")):
        assert rt.equal(
            rt.binary_cross_entropy_with_logits(logits, target, reduction=number),
            f.binary_cross_entropy_with_logits(logits, target, reduction=name),
        )
        assert rt.equal(rt.kl_div(logits, target, number), f.kl_div(logits, target, reduction=name))
    with pytest.raises(ValueError, match="kl_div"):
        rt.kl_div(logits, target, 3)
    weight = rt.arange(6.0).reshape(3, 2)
    assert rt.embedding(weight, rt.tensor([2, 0])).tolist() == [[4, 5], [0, 1]]
    image = X[None]
    assert rt.equal(rt.max_pool2d(image, 2), f.max_pool2d(image, 2))
    values, places = rt.adaptive_max_pool1d(X, 2)
    assert rt.equal(X.gather(2, places), values)


def test_new_makes_what_is_like_the_tensor() -> None:
    x = rt.ones(2, dtype=rt.int16)
    assert x.new(2, 3).shape == (2, 3)
    assert x.new(2, 3).dtype is rt.int16
    assert x.new([4, 5]).tolist() == [4, 5]
    assert x.new().shape == (0,)
    assert rt.FloatTensor(2, device="cpu").shape == (2,)


def test_a_variable_is_a_tensor_that_shares_memory() -> None:
    x = rt.ones(2)
    v = rt.autograd.Variable(x, requires_grad=True)
    assert v.requires_grad and v.is_leaf and not x.requires_grad
    assert v.data_ptr() == x.data_ptr()
    assert isinstance(x, rt.autograd.Variable) and not isinstance(1, rt.autograd.Variable)


def test_copies_of_views_go_where_they_are_wanted() -> None:
    x, out = rt.arange(6.0).reshape(2, 3), rt.empty(0)
    assert rt.t_copy(x, out=out) is out and out.tolist() == [[0, 3], [1, 4], [2, 5]] and out.is_contiguous()
    with pytest.raises(TypeError, match="t_copy: out= takes one tensor; got tuple"):
        rt.t_copy(x, out=(out,))


def test_operators_by_the_names_of_python_2() -> None:
    x = rt.tensor([1.0, 4.0])
    assert rt.Tensor.__div__(x, 2).tolist() == [0.5, 2] and x.__rdiv__(4).tolist() == [4, 1]
    assert x.__idiv__(2) is x and x.tolist() == [0.5, 2]
    assert rt.tensor(3.7).__long__() == 3 and rt.tensor(0).__nonzero__() is False
