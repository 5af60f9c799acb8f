"""NumPy's functions on tensors with further arguments: by an op or by NumPy, the answer is NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import rustorch as rt

Call = Callable[..., Any]
A = np.arange(12.0).reshape(3, 4) - 5.5
COUNTS = np.arange(12).reshape(3, 4)

CALLS: dict[str, tuple[Call, tuple[Any, ...]]] = {
    "sum keepdims": (lambda a: np.sum(a, keepdims=True), (A,)),
    "sum axes": (lambda a: np.sum(a, axis=(0, 1)), (A,)),
    "mean of integers": (lambda a: np.mean(a, axis=0), (COUNTS,)),
    "mean ddof": (lambda a: np.var(a, axis=1, ddof=1), (A,)),
    "std of all": (np.std, (A,)),
    "std keepdims": (lambda a: np.std(a, keepdims=True), (A,)),
    "prod axes": (lambda a: np.prod(a, axis=(0, 1)), (A,)),
    "cumprod": (lambda a: np.cumprod(a, axis=1), (A,)),
    "cumprod flat": (np.cumprod, (A,)),
    "cumsum flat": (np.cumsum, (A,)),
    "split": (lambda a: np.split(a, 2, axis=1), (A,)),
    "split at": (lambda a: np.split(a, [1, 3], axis=1), (A,)),
    "split out of order": (lambda a: np.split(a, [3, 1], axis=1), (A,)),
    "array_split": (lambda a: np.array_split(a, 3, axis=1), (A,)),
    "reshape order": (lambda a: np.reshape(a, (4, 3), order="F"), (A,)),
    "ravel": (np.ravel, (A,)),
    "transpose axes": (lambda a: np.transpose(a[None], (2, 0, 1)), (A,)),
    "squeeze": (lambda a: np.squeeze(a[None]), (A,)),
    "squeeze axis": (lambda a: np.squeeze(a[None], axis=0), (A,)),
    "squeeze axes": (lambda a: np.squeeze(a[None, :, None], axis=(0, 2)), (A,)),
    "pad": (lambda a: np.pad(a, ((1, 0), (0, 2)), constant_values=3), (A,)),
    "pad mode": (lambda a: np.pad(a, 1, mode="edge"), (A,)),
    "copy": (np.copy, (A,)),
    "where of numbers": (lambda a: np.where(a, a, 0), (COUNTS,)),
    "where alone": (lambda a: np.where(a > 0), (A,)),
    "nonzero": (np.nonzero, (COUNTS,)),
    "clip": (lambda a: np.clip(a, -1, 1), (A,)),
    "clip below": (lambda a: np.clip(a, -1, None), (A,)),
    "clip mixed": (lambda a, b: np.clip(a, b, 3), (A, A[0])),
    "diff": (lambda a: np.diff(a, n=2, axis=1), (A,)),
    "dot": (lambda a, b: np.dot(a, b), (A, A.T)),
    "dot of dtypes": (lambda a, b: np.dot(a, b), (A, COUNTS.T)),
    "dot with a number": (lambda a: np.dot(a, 2.0), (A,)),
    "dot of three dims": (lambda a, b: np.dot(a, b), (A, np.ones((2, 4, 3)))),
    "einsum": (lambda a, b: np.einsum("ij,kj->ik", a, b), (A, A)),
    "einsum by lists": (lambda a: np.einsum(a, [0, 1], [1]), (A,)),
    "outer": (np.outer, (A, A[0])),
    "trace": (np.trace, (A,)),
    "trace offset": (lambda a: np.trace(a, offset=1), (A,)),
    "tril": (lambda a: np.tril(a, 1), (A,)),
    "array_equal": (np.array_equal, (A, A)),
    "array_equal of shapes": (np.array_equal, (A, A[0])),
    "array_equal with NaN": (lambda a: np.array_equal(a / 0, a / 0, equal_nan=True), (A * 0,)),
    "allclose": (np.allclose, (A, A + 1e-12)),
    "real": (np.real, (A + 1j,)),
    "imag": (np.imag, (A + 1j,)),
    "imag of real numbers": (np.imag, (A,)),
    "norm": (np.linalg.norm, (A,)),
    "norm of integers": (lambda a: np.linalg.norm(a, ord=1, axis=1), (COUNTS,)),
    "singular values": (lambda a: np.linalg.svd(a, compute_uv=False), (A,)),
    "singular values of a symmetric matrix": (
        lambda a: np.linalg.svd(a + a.T, compute_uv=False, hermitian=True),
        (A[:, :3],),
    ),
    "qr": (lambda a: np.abs(np.linalg.qr(a)[1]), (A.T,)),
    "qr complete": (lambda a: np.abs(np.linalg.qr(a, "complete")[1]), (A.T,)),
    "qr, r alone": (lambda a: np.abs(np.linalg.qr(a, mode="r")), (A.T,)),
    "qr, raw": (lambda a: np.linalg.qr(a, mode="raw"), (A.T,)),
    "moveaxis": (lambda a: np.moveaxis(a[None], 0, -1), (A,)),
    "take_along_axis": (
        lambda a: np.take_along_axis(a, np.asarray(a).argsort(1), 1),
        (A * [[1], [-1], [1]],),
    ),
    "triu": (lambda a: np.triu(a, 1), (A,)),
    "inverse": (np.linalg.inv, (A[:, :3] @ A[:, :3].T + 50 * np.eye(3),)),
    "rfft": (lambda a: np.fft.rfft(a, axis=0), (A,)),
    "interp": (lambda a: np.interp([0.5, 1.5], [0.0, 1.0, 2.0], a), (A[0, :3],)),
    "histogram": (lambda a: np.histogram(a, bins=3), (A,)),
    "ufunc where": (lambda a: np.add(a, 1, where=a > 0, out=np.zeros((3, 4))), (A,)),
    "ufunc dtype": (lambda a: np.add(a, 1, dtype=np.float32), (A,)),
    "ufunc outer": (lambda a, b: np.multiply.outer(a, b), (A, A[0])),
    "ufunc accumulate": (lambda a: np.add.accumulate(a, axis=1), (A,)),
    "ufunc at most": (lambda a: np.maximum.reduce(a, axis=(0, 1)), (A,)),
    "ufunc prod": (lambda a: np.multiply.reduce(a, axis=0), (A,)),
    "ufunc prod of all": (lambda a: np.multiply.reduce(a, axis=None), (A,)),
    "ufunc reduce initial": (lambda a: np.add.reduce(a, axis=0, initial=5), (A,)),
    "ufunc reduce of nothing": (lambda a: np.maximum.reduce(a[:0], axis=0, initial=2), (A,)),
    "ufunc reduce over no axis": (lambda a: np.maximum.reduce(a, axis=()), (A,)),
    "ufunc of a reversed array": (lambda a: np.subtract(a, A[::-1, ::-1]), (A,)),
    "ufunc of the other byte order": (lambda a: np.subtract(a, A.astype(">f8") * 2), (A,)),
    "ufunc of a list": (lambda a: np.subtract([4.0, 3.0, 2.0, 1.0], a), (A,)),
    "ufunc without out": (lambda a: np.add(a, 1, out=(None,)), (A,)),
    "ufunc of numbers that tensors have not": (lambda a: np.add(a, np.ones(4, np.longdouble)), (A,)),
    "ufunc sum of such numbers": (lambda a: np.add.reduce(np.add(a, np.longdouble([1]))), (A[0],)),
    "ufunc of two results": (np.modf, (A,)),
    "text": (lambda a: np.array2string(np.asarray(a)), (A,)),
}


def plain(result: Any) -> Any:
    if isinstance(result, (list, tuple)):
        return [plain(item) for item in result]
    return result.detach().numpy() if isinstance(result, rt.Tensor) else result


def assert_equal(found: Any, expected: Any) -> None:
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            assert_equal(f, e)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CALLS)
def test_the_answer_is_numpys(name: str) -> None:
    call, arrays = CALLS[name]
    expected = call(*arrays)
    found = call(*(rt.from_numpy(np.ascontiguousarray(a)) for a in arrays))
    assert_equal(plain(found), plain(expected))


def test_what_numpy_makes_can_be_written() -> None:
    """A view with negative strides, or one that is read-only, becomes memory of the caller's own."""
    result = np.flip(rt.from_numpy(A), axis=(0, 1))
    assert isinstance(result, rt.Tensor)
    result[0, 0] = 1.0
    broadcast = np.broadcast_arrays(rt.from_numpy(A), rt.ones(4, dtype=rt.float64))
    assert [tuple(t.shape) for t in broadcast] == [(3, 4), (3, 4)]


def test_uneven_parts_are_numpys_error() -> None:
    with pytest.raises(ValueError, match="equal division"):
        np.split(rt.from_numpy(A), 3, axis=1)
    with pytest.raises(ValueError, match="not equal to one"):
        np.squeeze(rt.from_numpy(A), axis=0)
    with pytest.raises(ValueError, match="no identity"):
        np.maximum.reduce(rt.ones(0))
