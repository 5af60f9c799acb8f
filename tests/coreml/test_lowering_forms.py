"""Forms of calls that lowerings take apart, against the eager op; and those that they refuse."""

from __future__ import annotations

import re
import warnings
from typing import Any

import pytest

import rustorch as rt
import rustorch.nn.functional as F
from rustorch import nn
from rustorch.coreml import to_model
from rustorch.errors import UnsupportedOperation
from rustorch.jit import TracerWarning

from .test_lowering import IMAGE, MASK, X, close, export_and_run

OTHER = X > 1
COUNTS = rt.arange(-6, 6, dtype=rt.int32).reshape(3, 4)
PLACES = rt.tensor([1, 0, 1])
FILTER = rt.linspace(-1.0, 1.0, 4 * 2 * 9).reshape(4, 2, 3, 3)
HEADS = rt.linspace(-1.0, 1.0, 4 * 3 * 2).reshape(1, 4, 3, 2)


def network(kind: str, **options: Any) -> Any:
    rt.manual_seed(1)
    return getattr(nn, kind)(4, 3, num_layers=2, **options).eval()


LSTM, GRU = network("LSTM", bidirectional=True), network("GRU")

CALLS: dict[str, tuple[Any, list[Any]]] = {
    "ceil of integers": (lambda x: rt.ceil(x) + 1, [COUNTS]),
    "round of integers": (lambda x: rt.round(x) + 1, [COUNTS]),
    "trunc of integers": (lambda x: rt.trunc(x) + 1, [COUNTS]),
    "add of a scaled number": (lambda x: rt.add(x, 2, alpha=3), [X]),
    "sub of a scaled tensor": (lambda x, y: rt.sub(x, y, alpha=0.5), [X, X * X]),
    "add of bools": (lambda x, y: x + y, [MASK, OTHER]),
    "mul of bools": (lambda x, y: x * y, [MASK, OTHER]),
    "floor_divide of integers": (lambda x: x // 4, [COUNTS]),
    "remainder of integers": (lambda x: x % -4, [COUNTS]),
    "eq of bools": (lambda x, y: x == y, [MASK, OTHER]),
    "lt of bools": (lambda x, y: x < y, [OTHER, MASK]),
    "eq to a bool": (lambda x: x == True, [MASK]),  # noqa: E712
    "masked_fill of bools": (lambda x, m: x.masked_fill(m, True), [MASK, X < -1]),
    "relu of integers": (rt.relu, [COUNTS]),
    "prelu by columns": (lambda x: F.prelu(x, rt.tensor([0.1, 0.2, 0.3, 0.4])), [X[0]]),
    "softmax of a matrix": (lambda x: F.softmax(x), [X[0]]),
    "softmax of three dims": (lambda x: F.softmax(x), [X]),
    "linear to one": (lambda x: F.linear(x, rt.tensor([1.0, -1.0, 0.5, 2.0])), [X]),
    "addmm without its first": (lambda x, y: rt.addmm(x, y, y.t(), beta=0, alpha=2), [X[0][:, :3], X[1]]),
    "addmm of weights": (lambda x, y: rt.addmm(x, y, y.t(), beta=3), [X[0][:, :3], X[1]]),
    "grouped heads": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True),
        [HEADS, HEADS[:, :2] * 2],
    ),
    "a last window in the padding": (
        lambda x: F.max_pool2d(x, 2, 3, 1, ceil_mode=True),
        [IMAGE[..., :4, :4]],
    ),
    "tril of bools": (lambda x: rt.tril(x, 1), [MASK]),
    "repeat once": (lambda x: x.repeat(1, 1, 1) + 1, [X]),
    "repeat to more dims": (lambda x: x.repeat(1, 1, 1, 1), [X]),
    "index_put by a mask": (lambda x, m: x.index_put((m,), rt.tensor(7.0)), [X, MASK[:, :, 0]]),
    "LSTM without a batch": (lambda x: LSTM(x)[0], [X[0]]),
    "GRU without a batch": (lambda x, h: GRU(x, h)[1], [X[0], X[:, 0, :3]]),
}


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("name", CALLS)
def test_values(name: str, precision: str) -> None:
    call, inputs = CALLS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of softmax without a dim
        expected = call(*inputs)
        (found,) = export_and_run(call, inputs, precision)
    close(found, expected, precision)


REFUSED: dict[str, tuple[Any, list[Any]]] = {
    "max_pool2d (return_indices)": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], [IMAGE]),
    "max_pool2d (dilation)": (lambda x: F.max_pool2d(x, 2, dilation=2), [IMAGE]),
    "avg_pool2d (divisor_override)": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), [IMAGE]),
    "avg_pool2d (ceil_mode with count_include_pad)": (
        lambda x: F.avg_pool2d(x, 4, 3, 1, ceil_mode=True),
        [IMAGE],
    ),
    "(output_padding larger than padding)": (
        lambda x: F.conv_transpose2d(x, FILTER, stride=2, output_padding=1),
        [IMAGE],
    ),
    "(antialias)": (lambda x: F.interpolate(x, size=(3, 3), mode="bilinear", antialias=True), [IMAGE]),
    "(nearest to sizes that are no multiples of the input's)": (
        lambda x: F.interpolate(x, size=(9, 7)),
        [IMAGE],
    ),
    "(a scale_factor that does not give whole sizes)": (
        lambda x: F.interpolate(x, scale_factor=1.3, mode="bilinear"),
        [IMAGE],
    ),
    "(mode 'bicubic')": (lambda x: F.interpolate(x, size=(9, 7), mode="bicubic"), [IMAGE]),
    "(1 spatial dims)": (lambda x: F.interpolate(x, size=7), [X]),
    "pixel_shuffle (3 dims)": (lambda x: F.pixel_shuffle(x, 2), [IMAGE[0]]),
    "pixel_unshuffle (5 dims)": (lambda x: F.pixel_unshuffle(x, 2), [IMAGE[None]]),
    "round (decimals)": (lambda x: rt.round(x, decimals=1), [X]),
    "pow (integers)": (lambda x: x**3, [COUNTS]),
    "bitwise_and (integers)": (lambda x: x & 3, [COUNTS]),
    "bitwise_not (integers)": (lambda x: ~x, [COUNTS]),
    "(dropout: call eval() on the module first)": (
        lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
        [IMAGE],
    ),
    "(grouped heads with more than one batch dimension)": (
        lambda q, k: F.scaled_dot_product_attention(q, k, k, enable_gqa=True),
        [HEADS[None], HEADS[None, :, :2]],
    ),
    "(masks: the result's size depends on values)": (lambda x, m: x[m], [X, MASK]),
    "(several indices that do not stand first)": (lambda x, i: x[:, i, i], [X, PLACES]),
    "index_put (several indices that do not stand first)": (
        lambda x, i: x.index_put((None, i, i), rt.tensor(1.0)),
        [X, PLACES],
    ),
    "index_put (bools)": (lambda x, i: x.index_put((i,), rt.tensor(True)), [MASK, PLACES]),
    "index_put (masks with values of a size that depends on them)": (
        lambda x, m: x.index_put((m,), rt.ones(4)),
        [X, MASK[:, :, 0]],
    ),
    "embedding at": (lambda i: F.embedding(i, X[0].clone(), max_norm=1.0), [PLACES]),
    "(4 values with correction 4)": (lambda x: rt.var(x, 2, correction=4), [X]),
    "norm.str (p='nuc')": (lambda x: rt.norm(x, "nuc"), [X[0]]),
    "(ord=3)": (lambda x: rt.linalg.vector_norm(x, 3), [X]),
    "(bool)": (lambda x: F.pad(x, (1, 1)), [MASK]),
    "rand_like at": (lambda x: x + rt.rand_like(x), [X]),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_refused(reason: str) -> None:
    call, inputs = REFUSED[reason]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        with pytest.raises(UnsupportedOperation, match=re.escape(reason)) as caught:
            to_model(call, tuple(inputs))
    assert f"{__file__}:{call.__code__.co_firstlineno}" in str(caught.value)
