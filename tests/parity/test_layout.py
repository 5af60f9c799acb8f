"""Memory formats and layouts against PyTorch: strides, identity, errors."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest

import rustorch as rt

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

FORMATS = ["contiguous_format", "preserve_format", "channels_last", "channels_last_3d"]
CALLS = {
    "to": lambda lib, x, f: x.to(memory_format=f),
    "to_dtype": lambda lib, x, f: x.to(lib.float64, memory_format=f),
    "to_copy": lambda lib, x, f: x.to(lib.float32, copy=True, memory_format=f),
    "clone": lambda lib, x, f: x.clone(memory_format=f),
    "contiguous": lambda lib, x, f: x.contiguous(memory_format=f),
    "empty_like": lambda lib, x, f: lib.empty_like(x, memory_format=f).fill_(1),
    "zeros_like": lambda lib, x, f: lib.zeros_like(x, memory_format=f),
    "rand_like": lambda lib, x, f: lib.rand_like(x, memory_format=f).fill_(1),
    "randn_like": lambda lib, x, f: lib.randn_like(x, memory_format=f).fill_(1),
    "randint_like": lambda lib, x, f: lib.randint_like(x, 1, 2, memory_format=f),
    "randint_like_below": lambda lib, x, f: lib.randint_like(x, 1, memory_format=f),
    "half": lambda lib, x, f: x.half(memory_format=f),
    "empty": lambda lib, x, f: lib.empty(x.shape, memory_format=f).fill_(1),
}
SHAPES = [(2, 3, 4, 5), (1, 3, 1, 5), (2, 3, 2, 4, 5), (3, 4)]


def outcome(lib: Any, call: str, shape: tuple[int, ...], turned: bool, form: str) -> Any:
    x = lib.from_numpy(np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    x = x.transpose(0, -1) if turned else x
    try:
        y = CALLS[call](lib, x, getattr(lib, form))
    except RuntimeError as error:
        return RuntimeError, "preserve" in str(error) or "rank" in str(error)
    shared = y.data_ptr() == x.data_ptr() and y.numel() > 0
    asked = [form_ for form_ in FORMATS if form_ != "preserve_format"]
    return y.stride(), y.tolist(), shared, [y.is_contiguous(memory_format=getattr(lib, f)) for f in asked]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("call", CALLS)
def test_formats(call: str, form: str) -> None:
    for shape in SHAPES:
        for turned in (False, True):
            ours, theirs = (outcome(lib, call, shape, turned, form) for lib in (rt, torch))
            if theirs[0] is RuntimeError:
                assert ours[0] is RuntimeError
            else:
                assert ours == theirs, (shape, turned)


RESULTS = {
    "exp": lambda lib, x, y: lib.exp(x),
    "add": lambda lib, x, y: x + x,
    "add of a number": lambda lib, x, y: x + 1,
    "add of a row": lambda lib, x, y: x + y,
    "eq of a row": lambda lib, x, y: lib.eq(y, x),
    "clone": lambda lib, x, y: x.clone(),
    "empty_like": lambda lib, x, y: lib.empty_like(x),
}
WITH_ONES = [(1, 1, 4, 6), (2, 1, 3, 6), (2, 3, 4), (1, 3, 1, 4)]


@pytest.mark.parametrize("call", RESULTS)
def test_dims_of_one_keep_their_place(call: str) -> None:
    for shape in WITH_ONES:
        for gaps in (1, 2):
            for order in permutations(range(len(shape))):

                def strides(lib: Any, shape: Any = shape, gaps: int = gaps, order: Any = order) -> Any:
                    x = lib.zeros(*shape[:-1], shape[-1] * gaps)[..., ::gaps].permute(order)
                    y = RESULTS[call](lib, x, lib.zeros(x.shape[-1]))
                    # Where dims of size 1 are all that is out of order, no order is kept here.
                    return "contiguous" if x.is_contiguous() and y.is_contiguous() else tuple(y.stride())

                assert strides(rt) == strides(torch), (shape, gaps, order)


JOINED = {
    "cat": lambda lib, xs, dim: lib.cat(xs, dim),
    "stack": lambda lib, xs, dim: lib.stack(xs, dim),
}


@pytest.mark.parametrize("join", JOINED)
@pytest.mark.parametrize("shape", [(2, 2, 3, 3), (2, 2, 3, 3, 3), (2, 3, 4)])
def test_joined_tensors_stay_channels_last(join: str, shape: tuple[int, ...]) -> None:
    def strides(lib: Any, mixed: str, dim: int) -> tuple[int, ...]:
        x = lib.arange(int(np.prod(shape))).reshape(shape).float()
        last = x if len(shape) == 3 else x.to(memory_format=getattr(lib, FORMATS[len(shape) - 2]))
        second = {"alike": last, "mixed": x, "of another dtype": last.double()}[mixed]
        joined = JOINED[join](lib, [last, second], dim)
        assert joined.tolist() == JOINED[join](lib, [x, second.contiguous()], dim).tolist()
        return tuple(joined.stride())

    for mixed in ("alike", "mixed", "of another dtype"):
        for dim in range(len(shape) + (join == "stack")):
            assert strides(rt, mixed, dim) == strides(torch, mixed, dim), (mixed, dim)


def test_gradients_flow_through_formats() -> None:
    x = rt.randn(2, 3, 4, 5, requires_grad=True)
    y = x.contiguous(memory_format=rt.channels_last)
    assert y.stride() == (60, 1, 15, 3)
    (y * 2).sum().backward()
    assert (x.grad == 2).all()
    assert y.contiguous(memory_format=rt.channels_last) is y


def heads(lib: Any, *dims: int, order: tuple[int, ...]) -> Any:
    """Memory of the sizes in `dims`, seen in the given order of its dims."""
    return lib.from_numpy(np.linspace(-1, 1, int(np.prod(dims)), dtype=np.float32).reshape(dims)).permute(
        order
    )


def attention_strides(lib: Any, query: Any, **options: Any) -> tuple[int, ...]:
    y = lib.nn.functional.scaled_dot_product_attention(query, query, query, **options)
    return tuple(y.stride())


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_attention_lies_as_its_query(dtype: str, causal: bool) -> None:
    def ours_and_theirs(make: Any) -> list[tuple[int, ...]]:
        return [
            attention_strides(lib, make(lib).to(getattr(lib, dtype)), is_causal=causal) for lib in (rt, torch)
        ]

    for dims, order in (
        ((2, 3, 5, 8), (0, 1, 2, 3)),
        ((2, 5, 3, 8), (0, 2, 1, 3)),  # rows before heads
        ((5, 2, 3, 8), (1, 2, 0, 3)),  # rows before all
        ((3, 2, 5, 8), (1, 0, 2, 3)),
        ((2, 3, 8, 5), (0, 1, 3, 2)),  # elements of a row apart
        ((5, 3, 8), (1, 0, 2)),
        ((2, 2, 5, 3, 8), (0, 1, 3, 2, 4)),
    ):
        ours, theirs = ours_and_theirs(lambda lib, dims=dims, order=order: heads(lib, *dims, order=order))
        assert ours == theirs, (dims, order)
    # One of the three that a projection gives, and one for all heads.
    ours, theirs = ours_and_theirs(lambda lib: heads(lib, 2, 5, 3, 4, 8, order=(2, 0, 3, 1, 4))[1])
    assert ours == theirs == (160, 8, 32, 1)
    ours, theirs = ours_and_theirs(lambda lib: heads(lib, 2, 1, 5, 8, order=(0, 1, 2, 3)).expand(2, 3, 5, 8))
    assert ours == theirs == (120, 40, 8, 1)


def test_names() -> None:
    assert str(rt.channels_last) == "rustorch.channels_last"
    assert isinstance(rt.channels_last, rt.memory_format)
    x = rt.zeros(2, 3)
    assert x.layout is rt.strided and rt.zeros(2, layout=rt.strided).layout is rt.strided
    assert x.is_cpu and not (x.is_cuda or x.is_meta or x.is_sparse or x.is_quantized or x.is_pinned())
    assert x.T.dim_order() == (1, 0) == torch.zeros(2, 3).T.dim_order()
    with pytest.raises(TypeError):
        x.clone(memory_format="sideways")


def test_resize_as() -> None:
    x = rt.arange(6)
    assert rt.resize_as_(x, rt.zeros(2, 2)) is x
    assert x.tolist() == [[0, 1], [2, 3]]
