"""Writes whose operands lie in the memory to be written, and what out= keeps of a result's order of dims."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

import rustorch as rt

INDEX = [2, 1, 0]


def y() -> rt.Tensor:
    return rt.arange(6.0)


def index() -> rt.Tensor:
    return rt.tensor(INDEX)


SHARING: dict[str, Callable[[], object]] = {
    "index_add_ of its own slice": lambda: (a := y()).index_add_(0, index(), a[:3]),
    "index_add_ at itself": lambda: (i := index()).index_add_(0, i, index()),
    "index_copy_ of its own slice": lambda: (a := y()).index_copy_(0, index(), a[:3]),
    "index_copy_ of itself": lambda: (i := index()).index_copy_(0, index(), i),
    "index_fill_ at itself": lambda: (i := index()).index_fill_(0, i, 0),
    "index_put_ of its own slice": lambda: (a := y()).index_put_((index(),), a[:3]),
    "put_ at itself": lambda: (i := index()).put_(i, index()),
    "scatter_ of its own slice": lambda: (a := y()).scatter_(0, index(), a[:3]),
    "scatter_add_ at itself": lambda: (i := index()).scatter_add_(0, i, index()),
    "masked_fill_ by a shifted mask": lambda: (m := rt.tensor([True, False, True]))[1:].masked_fill_(
        m[:-1], False
    ),
    "exp into a shifted window": lambda: rt.exp((a := y())[:3], out=a[1:4]),
    "addcmul into a shifted window": lambda: rt.addcmul(rt.ones(3), (a := y())[:3], rt.ones(3), out=a[1:4]),
    "add into its transpose": lambda: rt.add(m := rt.ones(3, 3), 1, out=m.T),
}


@pytest.mark.parametrize("write", SHARING.values(), ids=SHARING)
def test_an_operand_in_the_memory_to_be_written_is_an_error(write: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError, match="unsupported operation: some elements of the input tensor"):
        write()


def test_the_same_window_is_no_error_where_order_does_not_show() -> None:
    x = y()
    assert rt.exp(x, out=x) is x
    mask = rt.tensor([True, False])
    assert mask.masked_fill_(mask, False).tolist() == [False, False]
    assert rt.add(x[::2], 1, out=x[1::2]).tolist() == (x[::2] + 1).tolist()


REPEATED: dict[str, Callable[[rt.Tensor], object]] = {
    "index_fill": lambda x: x.index_fill_(0, index(), 1.0),
    "index_put": lambda x: x.index_put_((index(),), rt.ones(3)),
    "masked_fill": lambda x: x.masked_fill_(rt.tensor([True] * 6), 1.0),
}


@pytest.mark.parametrize("name", REPEATED)
def test_writes_to_repeated_elements_warn(name: str) -> None:
    x = rt.zeros(1).expand(6)
    with pytest.warns(UserWarning, match=f"Use of {name}_ on expanded tensors is deprecated"):
        REPEATED[name](x)
    assert x.tolist() == [1] * 6


@pytest.mark.parametrize("order", tuple(itertools.permutations(range(3))))
def test_an_out_that_grows_gets_the_order_of_dims_of_the_result(order: tuple[int, ...]) -> None:
    x = rt.arange(24.0).reshape(2, 3, 4).permute(order)
    calls: tuple[Callable[[rt.Tensor | None], rt.Tensor], ...] = (
        lambda out: rt.exp(x, out=out),
        lambda out: rt.add(x, x, out=out),
        lambda out: rt.eq(x, x, out=out),
    )
    for call in calls:
        out = rt.empty(0, dtype=call(None).dtype)
        assert call(out) is out
        assert out.stride() == call(None).stride() == x.stride()
        assert rt.equal(out, call(None))


@pytest.mark.parametrize("dtype", [rt.bool, rt.uint8, rt.int64], ids=str)
def test_bernoulli_fills_integers(dtype: rt.dtype) -> None:
    out = rt.empty(4, dtype=dtype)
    rt.bernoulli(rt.tensor([0.0, 1.0, 1.0, 0.0]), out=out)
    assert out.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("name", ["sum", "prod", "cumsum", "cumprod", "softmax"])
def test_a_dtype_that_was_asked_for_is_that_of_out(name: str) -> None:
    call, x = getattr(rt, name), rt.ones(3)
    out = rt.empty(0, dtype=rt.float64)
    assert call(x, 0, dtype=rt.float64, out=out) is out
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype float64, but got float32"):
        call(x, 0, dtype=rt.float64, out=rt.empty(0))


def test_dtypes_that_out_takes_beside_that_of_the_result() -> None:
    z = rt.tensor([3 + 4j])
    assert rt.abs(z, out=rt.empty(0, dtype=rt.complex64)).tolist() == [5]
    assert rt.angle(rt.tensor([-1 + 0j]), out=rt.empty(0, dtype=rt.complex64)).real.item() == pytest.approx(
        rt.pi
    )
    assert rt.all(z, out=rt.empty((), dtype=rt.uint8)).item() == 1
    with pytest.raises(RuntimeError, match="any only supports bool tensor for result, got: float32"):
        rt.any(z, out=rt.empty(()))


def test_logaddexp_of_complex_infinities_adds_their_phases() -> None:
    inf = float("inf")
    x = rt.tensor([complex(inf, 0), complex(inf, 1), complex(inf, 0)])
    y = rt.tensor([complex(inf, 1), complex(2, 1), complex(-inf, 1)])
    phases = rt.logaddexp(x, y)
    assert phases.real.tolist() == [inf, inf, inf]
    assert phases.imag.tolist() == pytest.approx([rt.pi / 4, 1, 0])
    assert rt.logcumsumexp(x[:2], 0).imag.tolist() == pytest.approx([0, rt.pi / 4])
