"""Decompositions, solvers, matrix norms. Of a result that is unique up to a phase a property is tested."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular as scipy_triangular

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import COMPLEX, FLOATS, REAL_OF
from ..samples import Rng, definite, full_rank, rand
from .view import BOTH, MATRIX

DTYPES = FLOATS + COMPLEX
TOL = {
    "float32": (1e-4, 1e-4),
    "complex64": (1e-4, 1e-4),
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
}
GRAD_TOL = {"float64": (1e-6, 1e-6), "complex128": (1e-6, 1e-6)}
INT = Error(S(tensor([[1, 0], [0, 1]])), "RuntimeError", "float|dtype")
NOT_SQUARE = Error(S(MATRIX), "RuntimeError", "square")
NOT_MATRIX = Error(S(tensor([1.0])), "RuntimeError", "dim|matrix")
SINGULAR = Error(S(tensor([[1.0, 2.0], [2.0, 4.0]])), "RuntimeError", "singular")


def matrices(*shapes: Any, make: Any = full_rank, large: bool = True) -> Callable[..., Iterator[Sample]]:
    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for shape in shapes:
            sample = S(make(rng, shape, dtype))
            yield sample if 0 not in shape else sample.value_only()
        if large:
            yield S(make(rng, (11, 11), dtype)).value_only()

    return samples


SQUARE = matrices((2, 2), (3, 3), (2, 2, 2), (0, 0), (0, 2, 2), (1, 1))


def symmetric(x: Any) -> Any:
    """A tensor's hermitian part: finite differences must stay on the op's domain."""
    return (x + x.mT.conj()) / 2


def hermitian(x: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(x, -1, -2))


def slack(x: np.ndarray) -> float:
    """How far a property may be off; results carry the precision they were computed in."""
    return 2e-4 if x.dtype in (np.float32, np.complex64) else 1e-9


def close(a: Any, b: Any, like: np.ndarray, what: str) -> None:
    np.testing.assert_allclose(a, b, rtol=slack(like), atol=slack(like), err_msg=what)


def unitary(q: np.ndarray, what: str) -> None:
    eye = np.broadcast_to(np.eye(q.shape[-1]), (*q.shape[:-2], q.shape[-1], q.shape[-1]))
    close(hermitian(q) @ q, eye, q, f"{what} is not unitary")


def is_svd(result: list[np.ndarray], a: np.ndarray, full_matrices: bool = True) -> None:
    u, s, vh = result
    m, n = a.shape[-2:]
    k = min(m, n)
    assert u.shape[-2:] == ((m, m) if full_matrices else (m, k))
    assert vh.shape[-2:] == ((n, n) if full_matrices else (k, n))
    assert np.all(s[..., :-1] >= s[..., 1:]) and np.all(s >= 0)
    unitary(u, "U")
    unitary(hermitian(vh), "V")
    close((u[..., :k] * s[..., None, :]) @ vh[..., :k, :], a, u, "U S Vh is not A")


def svds(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 2), dtype), full_matrices=False)
    yield S(full_rank(rng, (2, 3), dtype), False)
    yield S(full_rank(rng, (2, 2, 2), dtype), full_matrices=False).once()
    yield S(full_rank(rng, (3, 2), dtype)).value_only()
    yield S(full_rank(rng, (0, 2), dtype), False).value_only()
    yield S(full_rank(rng, (9, 13), dtype), False).value_only()


def svd_invariants(lib: Any, result: Any) -> Any:
    """What does not change when a singular pair changes its phase."""
    u, s, vh = result
    return s, u.abs(), vh.abs(), (u * s.unsqueeze(-2).to(u.dtype)) @ vh


def with_real(*kinds: str) -> Callable[[Sample], list[str]]:
    def rule(sample: Sample) -> list[str]:
        dtype = sample.args[0].dtype
        return [REAL_OF.get(dtype, dtype) if k == "real" else dtype for k in kinds]

    return rule


def is_qr(result: list[np.ndarray], a: np.ndarray, mode: str = "reduced") -> None:
    q, r = result
    m, n = a.shape[-2:]
    if mode == "r":
        assert q.size == 0
        close(hermitian(r) @ r, hermitian(a) @ a, r, "RhR is not AhA")
        return
    k = m if mode == "complete" else min(m, n)
    assert q.shape[-2:] == (m, k) and r.shape[-2:] == (k, n)
    unitary(q, "Q")
    close(r, np.triu(r), r, "R is not upper triangular")
    close(q @ r, a, q, "Q R is not A")


def qrs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 2), dtype))
    yield S(full_rank(rng, (2, 2), dtype), mode="reduced")
    yield S(full_rank(rng, (2, 2, 2), dtype)).once()
    yield S(full_rank(rng, (2, 3), dtype)).once()
    yield S(full_rank(rng, (3, 2), dtype), mode="complete").value_only()
    yield S(full_rank(rng, (3, 2), dtype), mode="r").value_only()
    yield S(full_rank(rng, (0, 0), dtype)).value_only()


def qr_invariants(lib: Any, result: Any) -> Any:
    q, r = result
    return q.abs(), r.abs(), q @ r


def is_eigh(result: list[np.ndarray], a: np.ndarray, UPLO: str = "L") -> None:
    w, v = result
    lower = np.tril(a, -1) if UPLO == "L" else hermitian(np.triu(a, 1))
    full = (
        lower
        + hermitian(lower)
        + np.real(np.diagonal(a, axis1=-2, axis2=-1))[..., None] * np.eye(a.shape[-1])
    )
    assert np.all(w[..., :-1] <= w[..., 1:])
    unitary(v, "V")
    close((v * w[..., None, :]) @ hermitian(v), full, v, "V W Vh is not A")


def eighs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(definite(rng, (2, 2), dtype)).value_only()
    yield S(definite(rng, (3, 3), dtype), UPLO="U").value_only()
    yield S(full_rank(rng, (3, 3), dtype)).value_only()  # only one triangle is read
    yield S(definite(rng, (2, 2, 2), dtype)).value_only()
    yield S(definite(rng, (0, 0), dtype)).value_only()
    yield S(definite(rng, (10, 10), dtype), "L").value_only()


def symmetric_gradients(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(definite(rng, (2, 2), dtype))
    yield S(definite(rng, (3, 3), dtype), "U").once()


def solves(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (2, 2), dtype), rand(rng, (2, 3), dtype))
    yield S(full_rank(rng, (2, 2), dtype), rand(rng, (2,), dtype))
    yield S(full_rank(rng, (2, 2, 2), dtype), rand(rng, (2, 2), dtype)).once()  # a batch of vectors
    yield S(full_rank(rng, (2, 1, 2, 2), dtype), rand(rng, (1, 2, 2, 1), dtype)).once()
    yield S(full_rank(rng, (2, 2), dtype), rand(rng, (3, 2), dtype), left=False)
    yield S(full_rank(rng, (0, 0), dtype), rand(rng, (0, 2), dtype)).value_only()
    yield S(full_rank(rng, (12, 12), dtype), rand(rng, (12, 5), dtype)).value_only()


def solve(a: np.ndarray, b: np.ndarray, left: bool = True) -> np.ndarray:
    vectors = b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1])
    if vectors:
        return np.linalg.solve(a, b[..., None])[..., 0]
    if left:
        return np.linalg.solve(a, b)
    return np.swapaxes(np.linalg.solve(np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)), -1, -2)


def triangular(dtype: str, rng: Rng) -> Iterator[Sample]:
    for upper in (True, False):
        yield S(definite(rng, (2, 2), dtype), rand(rng, (2, 3), dtype), upper=upper)
        yield S(definite(rng, (2, 2), dtype), rand(rng, (3, 2), dtype), upper=upper, left=False)
    yield S(definite(rng, (2, 2), dtype), rand(rng, (2, 1), dtype), upper=True, unitriangular=True)
    yield S(definite(rng, (2, 2, 2), dtype), rand(rng, (2, 1), dtype), upper=False).once()
    yield S(definite(rng, (0, 0), dtype), rand(rng, (0, 2), dtype), upper=True).value_only()


def solve_triangular(
    a: np.ndarray, b: np.ndarray, upper: bool, left: bool = True, unitriangular: bool = False
) -> np.ndarray:
    t = np.triu(a) if upper else np.tril(a)
    if unitriangular:
        t = t - t * np.eye(t.shape[-1]) + np.eye(t.shape[-1])
    if t.ndim == 2 and left and t.size:
        return scipy_triangular(t, b, lower=not upper)
    return solve(t, b, left) if t.size else b


def inverses(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from SQUARE(dtype, rng)


def pinvs(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 2), dtype))
    yield S(full_rank(rng, (2, 3), dtype))
    yield S(full_rank(rng, (2, 2, 2), dtype)).once()
    yield S(definite(rng, (2, 2), dtype), hermitian=True).value_only()
    yield S(
        tensor([[1.0, 0.0], [0.0, 1e-3]], dtype, rigid=True), rtol=0.1
    ).value_only()  # a small value counts as zero
    yield S(full_rank(rng, (0, 2), dtype)).value_only()


def pinv(a: np.ndarray, rtol: Any = None, hermitian: bool = False) -> np.ndarray:
    return np.linalg.pinv(a, rcond=rtol or 1e-15)


def factors(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(definite(rng, (2, 2), dtype)).value_only()
    yield S(definite(rng, (3, 3), dtype), upper=True).value_only()
    yield S(definite(rng, (2, 2, 2), dtype)).value_only()
    yield S(definite(rng, (0, 0), dtype)).value_only()
    yield S(definite(rng, (11, 11), dtype)).value_only()
    yield S(definite(rng, (2, 2), dtype))


def cholesky(a: np.ndarray, upper: bool = False) -> np.ndarray:
    lower = np.linalg.cholesky(a)
    return hermitian(lower) if upper else lower


def matrix_norms(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (2, 3), dtype))
    for order in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")):
        yield S(full_rank(rng, (2, 3), dtype), order)
    yield S(full_rank(rng, (2, 2, 3), dtype), 2, dim=(1, 2)).once()
    yield S(full_rank(rng, (2, 2, 3), dtype), "fro", (0, 2), True).once()
    yield S(rand(rng, (4,), dtype), 3)
    yield S(rand(rng, (4,), dtype), 0).value_only()
    yield S(rand(rng, (2, 3), dtype), 1, dim=1).once()
    yield S(rand(rng, (2, 2, 2), dtype), keepdim=True).once()


def matrix_norm(x: np.ndarray, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:
    if ord is None and dim is None:
        flat = np.linalg.norm(x.reshape(-1))
        return flat.reshape((1,) * x.ndim) if keepdim else flat
    if dim is None and x.ndim == 2:
        dim = (0, 1)
    return np.linalg.norm(x, ord, dim, keepdim)


def row(name: str, ref: Any, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=f"linalg.{name}",
        ref=ref,
        samples=samples,
        errors=errors,
        **{
            "dtypes": DTYPES,
            "grad": BOTH,
            "result": "first",
            "out": True,
            "tol": TOL,
            "grad_tol": GRAD_TOL,
            "strides": False,
            **fields,
        },
    )


A2 = tensor([[1.0, 0.0], [0.0, 1.0]])

CASES = [
    row(
        "inv",
        np.linalg.inv,
        inverses,
        NOT_SQUARE,
        NOT_MATRIX,
        SINGULAR,
        INT,
        variants=("inverse", "Tensor.inverse"),
    ),
    row("det", np.linalg.det, SQUARE, NOT_SQUARE, NOT_MATRIX, INT, variants=("det", "Tensor.det")),
    row(
        "solve",
        solve,
        solves,
        Error(S(MATRIX, MATRIX), "RuntimeError", "square"),
        Error(S(A2, tensor([1.0, 2.0, 3.0])), "RuntimeError", "size|shape"),
        Error(S(tensor([[0.0, 0.0], [0.0, 0.0]]), A2), "RuntimeError", "singular"),
        Error(S(A2, tensor([[1.0], [2.0]], "float64")), "RuntimeError", "dtype"),
    ),
    row(
        "solve_triangular",
        solve_triangular,
        triangular,
        Error(S(MATRIX, MATRIX, upper=True), "RuntimeError", "square"),
        Error(S(A2, tensor([[1.0]]), upper=True), "RuntimeError", "size|shape"),
        Error(S(A2, A2), "TypeError"),
    ),
    row(
        "cholesky",
        cholesky,
        factors,
        NOT_SQUARE,
        NOT_MATRIX,
        Error(S(tensor([[1.0, 2.0], [2.0, 1.0]])), "RuntimeError", "positive"),
        INT,
        variants=("cholesky", "Tensor.cholesky"),
        grad=(),
    ),
    row(
        "cholesky",
        cholesky,
        matrices((2, 2), (3, 3), make=definite, large=False),
        label="gradient",
        path="linalg.cholesky",
        grad_via=symmetric,
    ),
    row(
        "qr",
        None,
        qrs,
        NOT_MATRIX,
        Error(S(MATRIX, mode="thin"), "RuntimeError", "mode"),
        INT,
        check=is_qr,
        grad_of=qr_invariants,
        result="first",
    ),
    row(
        "svd",
        None,
        svds,
        NOT_MATRIX,
        INT,
        check=is_svd,
        grad_of=svd_invariants,
        result=with_real("same", "real", "same"),
    ),
    row(
        "eigh",
        None,
        eighs,
        NOT_SQUARE,
        NOT_MATRIX,
        INT,
        Error(S(A2, "X"), "RuntimeError", "UPLO"),
        check=is_eigh,
        grad=(),
        grad_of=lambda lib, r: (r[0], r[1].abs()),
        result=with_real("real", "same"),
    ),
    row(
        "eigh",
        None,
        symmetric_gradients,
        label="gradient",
        check=is_eigh,
        result=with_real("real", "same"),
        out=False,
        grad_via=symmetric,
        grad_of=lambda lib, r: (r[0], r[1].abs()),
    ),
    row("pinv", pinv, pinvs, NOT_MATRIX, INT, covers=("pinverse",)),
    row(
        "norm",
        matrix_norm,
        matrix_norms,
        Error(S(MATRIX, "max"), "RuntimeError", "order|ord"),
        Error(S(tensor(np.ones((2, 2, 2)), "float32"), 2), "RuntimeError", "dim"),
        Error(S(tensor([[1, 2]])), "RuntimeError", "float|dtype"),
        result=with_real("real"),
        speaks_as=("linalg.vector_norm", "linalg.matrix_norm"),
    ),
    row(
        "slogdet",
        lambda a: list(np.linalg.slogdet(a)),
        SQUARE,
        NOT_SQUARE,
        INT,
        result=with_real("same", "real"),
        out=True,
        variants=("slogdet",),
    ),
    row(
        "eigvalsh",
        np.linalg.eigvalsh,
        matrices((2, 2), (3, 3), make=definite),
        NOT_SQUARE,
        INT,
        result=with_real("real"),
        grad_via=symmetric,
    ),
    row(
        "svdvals",
        lambda a: np.linalg.svd(a, compute_uv=False),
        matrices((3, 2), (2, 2)),
        NOT_MATRIX,
        INT,
        result=with_real("real"),
    ),
]
