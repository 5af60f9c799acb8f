"""out= of another dtype: which ops convert their result, and which write its dtype alone, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import rustorch as rt

X = rt.tensor([[2.0, 1.0], [1.0, 3.0]])
V = rt.tensor([1.5, -2.5])

CONVERT: dict[str, Callable[[Any], Any]] = {
    "add": lambda out: rt.add(X, 1, out=out),
    "exp": lambda out: rt.exp(X, out=out),
    "maximum": lambda out: rt.maximum(X, X, out=out),
    "max of two": lambda out: rt.max(X, X.T, out=out),
    "cat": lambda out: rt.cat([X, X], out=out),
    "sum": lambda out: rt.sum(X, 0, out=out),
    "mean": lambda out: rt.mean(X, 0, out=out),
    "std": lambda out: rt.std(X, 0, out=out),
    "logsumexp": lambda out: rt.logsumexp(X, 0, out=out),
    "stack": lambda out: rt.stack([V, V], out=out),
    "outer": lambda out: rt.outer(V, V, out=out),
}
EXACT: dict[str, Callable[[Any], Any]] = {
    "abs": lambda out: rt.abs(V, out=out),
    "neg": lambda out: rt.neg(V, out=out),
    "floor": lambda out: rt.floor(V, out=out),
    "sign": lambda out: rt.sign(V, out=out),
    "mm": lambda out: rt.mm(X, X, out=out),
    "matmul": lambda out: rt.matmul(X, X, out=out),
    "addmm": lambda out: rt.addmm(X, X, X, out=out),
    "gather": lambda out: rt.gather(V, 0, rt.tensor([0]), out=out),
    "sort": lambda out: rt.sort(V, out=(out, rt.empty(0, dtype=rt.int64))),
    "topk": lambda out: rt.topk(V, 1, out=(out, rt.empty(0, dtype=rt.int64))),
    "max along a dim": lambda out: rt.max(X, 0, out=(out, rt.empty(0, dtype=rt.int64))),
    "amax": lambda out: rt.amax(X, 0, out=out),
    "argmax": lambda out: rt.argmax(X, out=out),
    "isposinf": lambda out: rt.isposinf(V, out=out),
    "softmax": lambda out: rt.softmax(X, 0, out=out),
    "tril": lambda out: rt.tril(X, out=out),
    "frexp": lambda out: rt.frexp(V, out=(out, rt.empty(0, dtype=rt.int32))),
    "linalg.inv": lambda out: rt.linalg.inv(X, out=out),
}


@pytest.mark.parametrize("call", CONVERT.values(), ids=CONVERT)
def test_converts(call: Callable[[Any], Any]) -> None:
    plain, wide = call(rt.empty(0)), call(rt.empty(0, dtype=rt.float64))
    assert wide.dtype is rt.float64
    assert wide.tolist() == plain.tolist()


@pytest.mark.parametrize("call", EXACT.values(), ids=EXACT)
def test_refuses(call: Callable[[Any], Any]) -> None:
    out = rt.empty(0, dtype=rt.float64)
    with pytest.raises(RuntimeError, match=r"Expected out tensor to have dtype \w+, but got float64 instead"):
        call(out)
    assert out.numel() == 0, "what is refused is not written"


OWN_WORDS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "where": (lambda out: rt.where(V > 0, V, V, out=out), "Expected out type to be Float but got Double"),
    "index_select": (
        lambda out: rt.index_select(V, 0, rt.tensor([0]), out=out),
        r"index_select\(\): self and result must have the same scalar type",
    ),
    "masked_select": (
        lambda out: rt.masked_select(V, V > 0, out=out),
        r"masked_select\(\): self and result must have the same scalar type",
    ),
    "take": (
        lambda out: rt.take(V, rt.tensor([0]), out=out),
        "but got self.dtype = Float and out.dtype = Double",
    ),
    "nonzero": (lambda out: rt.nonzero(X, out=out), "to have scalar type Long but got scalar type Double"),
    "cummax": (
        lambda out: rt.cummax(V, 0, out=(out, rt.empty(0, dtype=rt.int64))),
        "expected scalar_type Float but found Double",
    ),
    "logcumsumexp": (
        lambda out: rt.logcumsumexp(V, 0, out=out),
        "expected scalar_type Float but found Double",
    ),
    "complex": (
        lambda out: rt.complex(V, V, out=out),
        "Expected object of scalar type ComplexFloat but got scalar type Double for argument 'out'",
    ),
    "dot": (lambda out: rt.dot(V, V, out=out), "result dtype Double does not match input dtype Float"),
    "bucketize": (lambda out: rt.bucketize(V, V, out=out), "output tensor's dtype is wrong"),
    "multinomial": (
        lambda out: rt.multinomial(X, 1, out=out),
        "multinomial expects Long tensor out, got: Double",
    ),
    "quantile": (
        lambda out: rt.quantile(V, 0.5, out=out),
        r"quantile\(\) out tensor must be same dtype as the input tensor",
    ),
}


@pytest.mark.parametrize(("call", "message"), OWN_WORDS.values(), ids=OWN_WORDS)
def test_refuses_in_words_of_its_own(call: Callable[[Any], Any], message: str) -> None:
    out = rt.empty(0, dtype=rt.float64)
    with pytest.raises(RuntimeError, match=message):
        call(out)
    assert out.numel() == 0


LARGE = rt.tensor([1e8] * 6)
ACCUMULATED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "prod": (lambda out: rt.prod(LARGE, 0, out=out), 1e48),
    "cumprod": (lambda out: rt.cumprod(LARGE, 0, out=out)[-1], 1e48),
    "mean": (lambda out: rt.mean(rt.tensor([1e8, 1, 1, 1, 1]), 0, out=out), 20000000.8),
    "sum": (lambda out: rt.sum(rt.tensor([1e8, 1, 1]), 0, out=out), 100000002),
    "nansum": (lambda out: rt.nansum(rt.tensor([1e8, 1, rt.nan]), 0, out=out), 100000001),
    "cumsum": (lambda out: rt.cumsum(rt.tensor([1e8, 1, 1]), 0, out=out)[-1], 100000002),
}


@pytest.mark.parametrize(("call", "expected"), ACCUMULATED.values(), ids=ACCUMULATED)
def test_sums_are_computed_in_the_dtype_of_out(call: Callable[[Any], Any], expected: float) -> None:
    assert call(rt.empty(0, dtype=rt.float64)).item() == pytest.approx(expected, rel=1e-15)


def test_sums_and_products_go_to_integers() -> None:
    x, out = rt.tensor([3, 3.6]), rt.empty(0, dtype=rt.int16)
    assert rt.cumprod(x, 0, out=out).tolist() == [3, 9]
    assert rt.sum(x, 0, out=rt.empty(0, dtype=rt.int16)).item() == 6
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type Short"):
        rt.mean(x, 0, out=rt.empty(0, dtype=rt.int16))


@pytest.mark.parametrize("name", ["all", "any"])
def test_truth_is_bool_or_a_byte(name: str) -> None:
    out = rt.empty(0, dtype=rt.float64)
    with pytest.raises(RuntimeError, match=f"{name} only supports bool tensor for result, got: float64"):
        getattr(rt, name)(X, out=out)
    assert out.numel() == 0
    assert getattr(rt, name)(X, out=rt.empty(0, dtype=rt.uint8)).tolist() == 1


def test_a_dtype_that_was_asked_for() -> None:
    z = rt.tensor([3 + 4j])
    out = rt.empty(0, dtype=rt.float64)
    assert rt.linalg.vector_norm(z, dtype=rt.complex128, out=out) is out and out.item() == 5
    with pytest.raises(
        RuntimeError, match="Expected out tensor to have dtype float64, but got complex128 instead"
    ):
        rt.linalg.vector_norm(z, dtype=rt.complex128, out=rt.empty(0, dtype=rt.complex128))
    with pytest.raises(
        RuntimeError, match="Expected out tensor to have dtype float64, but got float32 instead"
    ):
        rt.sum(X, dtype=rt.float64, out=rt.empty(0))


def test_a_result_that_cannot_be_cast() -> None:
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        rt.exp(V, out=rt.empty(0, dtype=rt.int64))
