"""Views, in-place writes and version counts, where they decide whether a gradient is right."""

from __future__ import annotations

import pytest

import rustorch as rt


def values(t):
    return t.detach().tolist()


def leaf(*shape):
    return rt.ones(*shape, requires_grad=True)


# ---- Views that may not be written in place ----


@pytest.mark.parametrize("make", [lambda: leaf(2, 2), lambda: leaf(2, 2) * 1], ids=["leaf", "result"])
@pytest.mark.parametrize(
    "view",
    [lambda x: x[0], lambda x: x.view(4), lambda x: x.t(), lambda x: x.flatten(), lambda x: x[:, 1:]],
    ids=["index", "view", "t", "flatten", "slice"],
)
def test_view_made_without_grad_is_not_written_with_it(make, view):
    x = make()
    with rt.no_grad():
        v = view(x)
    assert v.requires_grad and v.grad_fn is None and v.is_leaf
    with pytest.raises(RuntimeError, match="was created in no_grad mode and is being modified inplace"):
        v.mul_(2)
    with pytest.raises(RuntimeError, match="is a view of a view which was created in no_grad mode"):
        v[:1].mul_(2)


def test_view_made_without_grad_refuses_values_with_history():
    x, w = rt.ones(2, 2), leaf(2)
    with rt.no_grad():
        v = x[0]
    v.mul_(2)
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode"):
        v.mul_(w)


def test_view_and_write_without_grad_are_fine():
    x = leaf(2, 2)
    with rt.no_grad():
        v = x[0]
        v.mul_(3)
        x[1].zero_()
    assert values(x) == [[3, 3], [0, 0]]


def test_no_gradient_flows_through_a_view_made_without_grad():
    x, w = leaf(2, 2), leaf(2)
    with rt.no_grad():
        v = x[0]
    assert (v * 2).requires_grad
    (v * w).sum().backward()
    assert x.grad is None and v.grad is None and values(w.grad) == [1, 1]
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        v.backward(rt.ones(2))


def test_stale_view_made_without_grad_has_no_history():
    y = leaf(2, 2) * 1
    with rt.no_grad():
        v = y[0]
    y.mul_(2)
    with pytest.raises(RuntimeError, match="its base or another view of its base has been modified inplace"):
        _ = v.grad_fn


def test_view_made_in_inference_mode_is_not_written_outside():
    x = leaf(2, 2)
    with rt.inference_mode():
        v = x[0]
    with pytest.raises(RuntimeError, match="A view was created in inference mode and is being modified"):
        v.mul_(2)


def test_results_of_ops_without_grad_are_no_views():
    x, w = rt.rand(1, 2, 5, 5), rt.rand(3, 2, 3, 3)
    with rt.no_grad():
        y = rt.nn.functional.conv2d(x, w)
        z = rt.nn.functional.max_pool2d(x, 2)
        s = rt.std(x, 1)
    for t in (y, z, s):
        t.mul_(rt.ones(1, requires_grad=True))
        assert t.grad_fn is not None


@pytest.mark.parametrize(
    "several",
    [
        lambda x: x.unbind(0),
        lambda x: x.split(2),
        lambda x: x.split([1, 3]),
        lambda x: x.split_with_sizes([2, 2]),
        lambda x: x.chunk(2),
        lambda x: list(x),
        lambda x: [x.unbind(0)[0].view(2)],
    ],
    ids=["unbind", "split", "split_list", "split_with_sizes", "chunk", "iter", "view_of_unbind"],
)
def test_views_that_come_together_are_not_written(several):
    x = leaf(4, 2) * 1
    with pytest.raises(RuntimeError, match="is the output of a function that returns multiple views"):
        several(x)[0].mul_(2)
    several(x.detach())[0].mul_(2)


def test_parts_of_tensor_split_may_be_written():
    x = leaf(4, 2)
    y = x * 1
    y.tensor_split(2)[0].mul_(3)
    y.sum().backward()
    assert values(x.grad) == [[3, 3], [3, 3], [1, 1], [1, 1]]


# ---- Custom functions ----


class View(rt.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view(-1)

    @staticmethod
    def backward(ctx, g):
        return g.view(2, 2) * 10


class Same(rt.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x

    @staticmethod
    def backward(ctx, g):
        return g * 10


class Two(rt.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view(-1), x * 2

    @staticmethod
    def backward(ctx, g, h):
        return g.view(2, 2) + h


class Write(rt.autograd.Function):
    @staticmethod
    def forward(ctx, x, several=False, returned=True):
        ctx.mark_dirty(x)
        x.mul_(2)
        if not returned:
            return x + 1
        return (x, x.clone()) if several else x

    @staticmethod
    def backward(ctx, g, *rest):
        return g * 2, None, None


@pytest.mark.parametrize("function", [View, Same])
def test_view_from_a_custom_function_is_not_written(function):
    y = leaf(2, 2) * 1
    out = function.apply(y)
    with pytest.raises(RuntimeError, match="This view was created inside a custom Function"):
        out.mul_(2)
    y = leaf(2, 2) * 1
    out = function.apply(y)
    y.mul_(2)
    with pytest.raises(RuntimeError, match="its base or another view of its base has been modified inplace"):
        _ = out.grad_fn


def test_view_from_a_custom_function_with_several_results_is_not_written():
    out, _ = Two.apply(leaf(2, 2) * 1)
    with pytest.raises(RuntimeError, match="is the output of a function that returns multiple views"):
        out.mul_(2)


@pytest.mark.parametrize("function", [View, Same])
def test_gradient_of_a_view_from_a_custom_function(function):
    x = leaf(2, 2)
    function.apply(x * 1).sum().backward()
    assert values(x.grad) == [[10, 10], [10, 10]]


def test_what_a_custom_function_may_write():
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad has been used in an in-place"):
        Write.apply(leaf(2))
    with pytest.raises(RuntimeError, match="your Function cannot return more than one Tensor"):
        Write.apply((leaf(2, 2) * 1)[0], True)
    with pytest.raises(RuntimeError, match="marked as dirty during the forward method were not returned"):
        Write.apply(leaf(2) * 1, False, False)
    x = leaf(2, 2)
    y = x * 1
    out = Write.apply(y[0])
    assert values(out) == [2, 2] and y.grad_fn is not None
    y.sum().backward()
    assert values(x.grad) == [[2, 2], [1, 1]]


# ---- Version counts ----


def test_data_counts_its_own_writes():
    x = rt.ones(3)
    d, e = x.data, x.detach()
    d.add_(1)
    assert (x._version, d._version, e._version) == (0, 1, 0)
    e.add_(1)
    assert (x._version, d._version, e._version) == (1, 1, 1)
    assert x.data._version == 0
    row = d[0]
    row.add_(1)
    assert (d._version, row._version, x._version) == (2, 2, 1)


def test_write_to_saved_data_is_found():
    w = leaf(3)
    d = rt.ones(3).data
    y = (w * d).sum()
    d.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_write_through_data_is_not_found():
    w = leaf(3)
    x = rt.ones(3)
    y = (w * x).sum()
    x.data.add_(1)
    y.backward()
    assert values(w.grad) == [2, 2, 2]


def test_new_memory_keeps_the_count():
    x, y = rt.ones(3), rt.zeros(3)
    x.add_(1)
    x.add_(1)
    y.add_(1)
    x.data = y
    assert x._version == 2
    y.add_(1)
    assert (x._version, y._version) == (2, 2)
    x.set_(rt.ones(2))
    assert x._version == 3
    x.resize_(10)
    assert x._version == 4


# ---- Overlap ----


def test_writes_to_repeated_elements():
    def repeated():
        return rt.ones(1).expand(3)

    for write in (
        lambda x: x.add_(1),
        lambda x: x.copy_(rt.ones(3)),
        lambda x: x.uniform_(),
        lambda x: x.sin_(),
        lambda x: x.__setitem__(slice(None), 5.0),
        lambda x: rt.add(rt.ones(3), 1, out=x),
    ):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to"):
            write(repeated())
    assert values(repeated().fill_(2)) == [2, 2, 2]
    assert values(repeated().zero_()) == [0, 0, 0]
    assert values(repeated().masked_fill_(rt.tensor([True, False, False]), 2)) == [2, 2, 2]
    assert values(repeated().index_fill_(0, rt.tensor([0]), 2.0)) == [2, 2, 2]
    assert values(repeated().index_put_((rt.tensor([0]),), rt.tensor(2.0))) == [2, 2, 2]
    x = repeated()
    x[0] = 5
    assert values(x) == [5, 5, 5]


def test_writes_to_overlapping_windows():
    def windows():
        return rt.arange(5.0).as_strided((3, 3), (1, 1))

    assert values(windows().fill_(2)) == [[2, 2, 2]] * 3
    assert values(windows().copy_(rt.ones(3))) == [[1, 1, 1]] * 3
    assert values(windows().clamp_(1)) == [[1, 1, 2], [1, 2, 3], [2, 3, 4]]
    x = windows()
    x[1] = 7
    assert values(x) == [[0, 7, 7], [7, 7, 7], [7, 7, 4]]


def test_views_of_integers_know_their_base() -> None:
    x = rt.arange(4)
    for view in (x.view(2, 2), x.reshape(2, 2), x[1:], *x.tensor_split(2), *rt.hsplit(x, [1])):
        assert view._is_view()
        assert view._base is x
    number = rt.tensor(True)
    assert number.flatten()._base is number
    floats = rt.zeros(2, dtype=rt.int32).view(rt.float32).requires_grad_()
    (floats * 2).sum().backward()
    assert floats.grad.tolist() == [2, 2]


def test_copies_by_reshape_are_no_views() -> None:
    x = rt.arange(6.0).reshape(2, 3).t()
    for copy in (x.reshape(6), x.flatten()):
        assert not copy._is_view()
    leaf = rt.ones(2, 3, requires_grad=True)
    y = leaf.t().reshape(6)
    y.mul_(rt.arange(6.0))
    y.sum().backward()
    assert leaf.grad.tolist() == [[0, 2, 4], [1, 3, 5]]
