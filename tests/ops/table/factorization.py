"""LU, Householder and eigenvalue factorizations, and the solvers that use a factorization made before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import lu_factor as scipy_lu_factor

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import COMPLEX_OF, EVERY
from ..samples import Rng, definite, full_rank, rand
from .linalg import (
    A2,
    INT,
    NOT_MATRIX,
    NOT_SQUARE,
    cholesky,
    close,
    hermitian,
    inverses,
    is_qr,
    is_svd,
    matrices,
    qr_invariants,
    row,
    solve,
    solves,
    symmetric,
    with_real,
)
from .view import MATRIX

INFO = ("first", "int32")
TWO_SAMPLES = matrices((2, 2), (3, 3), make=definite, large=False)


def named(case: OpCase, name: str, **fields: Any) -> OpCase:
    """A row of an op that is not in `linalg`."""
    return replace(case, name=name, variants=(f"Tensor.{name}",), **fields)


def no_failures(a: np.ndarray) -> np.ndarray:
    return np.zeros(a.shape[:-2], np.int32)


# Cholesky


def own_gradients(samples: Any) -> Any:
    """PyTorch also gives a gradient to the triangle that it does not read."""
    return lambda dtype, rng: (replace(s, parity_grad=False) for s in samples(dtype, rng))


def triangles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(definite(rng, (2, 2), dtype))
    yield S(definite(rng, (3, 3), dtype), True)
    yield S(definite(rng, (2, 2, 2), dtype), upper=True).once()
    yield S(definite(rng, (0, 0), dtype)).value_only()


def gram(factor: np.ndarray, upper: bool) -> np.ndarray:
    """The matrix with this Cholesky factor; only one triangle of it is read."""
    lower = hermitian(np.triu(factor)) if upper else np.tril(factor)
    return lower @ hermitian(lower)


def right_sides(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), definite(rng, (2, 2), dtype))
    yield S(rand(rng, (3, 1), dtype), definite(rng, (3, 3), dtype), upper=True)
    yield S(rand(rng, (2, 1), dtype), definite(rng, (2, 2, 2), dtype)).once()
    yield S(rand(rng, (0, 2), dtype), definite(rng, (0, 0), dtype)).value_only()


def indefinite(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(tensor([[1, 2], [2, 1]], dtype, rigid=True))
    yield S(tensor([[[4, 0], [0, 1]], [[-1, 0], [0, 1]]], dtype, rigid=True))


def first_failure(result: list[np.ndarray], a: np.ndarray) -> None:
    wanted = [
        next((k for k in range(1, 3) if np.linalg.eigvalsh(m[:k, :k])[0] <= 0), 0)
        for m in a.reshape(-1, 2, 2)
    ]
    np.testing.assert_array_equal(result[1].reshape(-1), wanted)


# LU


def unpacked(lu: np.ndarray, pivots: np.ndarray) -> list[np.ndarray]:
    """P, L and U from LAPACK's form: both triangles in one, and the rows that were swapped, from one."""
    *batch, m, n = lu.shape
    k = min(m, n)
    lower = np.tril(lu[..., :, :k], -1) + np.eye(m, k)
    p = np.broadcast_to(np.eye(m), (*batch, m, m)).copy()
    for at in np.ndindex(*batch):
        for i, j in enumerate(pivots[at]):
            p[at][:, [i, j - 1]] = p[at][:, [j - 1, i]]
    return [p.astype(lu.dtype), lower, np.triu(lu[..., :k, :])]


def is_lu(result: list[np.ndarray], a: np.ndarray, pivot: bool = True) -> None:
    p, lower, upper = result
    close(lower, np.tril(lower, -1) + np.eye(*lower.shape[-2:]), lower, "L has no unit diagonal")
    close(upper, np.triu(upper), upper, "U is not upper triangular")
    if pivot:
        # LAPACK compares complex pivots by |re| + |im|, which is at most sqrt(2) times the modulus.
        largest = 2**0.5 if np.iscomplexobj(lower) else 1
        assert np.all(np.abs(lower) <= largest + 1e-6), "pivot too small"
        close(p @ lower @ upper, a, upper, "P L U is not A")
    else:
        assert p.size == 0
        close(lower @ upper, a, upper, "L U is not A")


def is_packed_lu(
    result: list[np.ndarray], a: np.ndarray, pivot: bool = True, check_errors: bool = False
) -> None:
    lu, pivots = result[:2]
    p, lower, upper = unpacked(lu, pivots)
    if not pivot:
        np.testing.assert_array_equal(
            pivots, np.broadcast_to(np.arange(1, pivots.shape[-1] + 1), pivots.shape)
        )
    close(p @ lower @ upper, a, lu, "P L U is not A")
    if len(result) > 2:
        np.testing.assert_array_equal(result[2], no_failures(a))


def tall_and_wide(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((3, 3), (3, 2), (2, 3), (2, 2, 2), (0, 0), (12, 12)):
        yield S(full_rank(rng, shape, dtype))


def rectangles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 3), dtype))
    yield S(full_rank(rng, (3, 2), dtype))
    yield S(full_rank(rng, (2, 3), dtype)).once()
    yield S(full_rank(rng, (2, 2, 2), dtype)).once()
    yield S(definite(rng, (3, 3), dtype), pivot=True).once()
    yield S(full_rank(rng, (0, 0), dtype)).value_only()
    yield S(full_rank(rng, (12, 12), dtype)).value_only()


def packed(rng: Rng, shape: tuple[int, ...], dtype: str) -> tuple[Any, Any]:
    a = full_rank(rng, shape, dtype).values
    parts = [scipy_lu_factor(m) for m in a.reshape(-1, *shape[-2:])]
    lu = np.stack([p[0] for p in parts]).reshape(shape)
    pivots = np.stack([p[1] for p in parts]).reshape(*shape[:-1]) + 1
    return tensor(lu, dtype, rigid=True), tensor(pivots, "int32", rigid=True)


def packed_systems(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(*packed(rng, (2, 2), dtype), rand(rng, (2, 3), dtype))
    yield S(*packed(rng, (3, 3), dtype), rand(rng, (3, 1), dtype), adjoint=True)
    yield S(*packed(rng, (2, 2), dtype), rand(rng, (3, 2), dtype), left=False).once()
    yield S(*packed(rng, (2, 2), dtype), rand(rng, (1, 2), dtype), left=False, adjoint=True).once()
    yield S(*packed(rng, (2, 2, 2), dtype), rand(rng, (2, 1), dtype)).once()


def lu_solve(
    lu: np.ndarray, pivots: np.ndarray, b: np.ndarray, left: bool = True, adjoint: bool = False
) -> np.ndarray:
    p, lower, upper = unpacked(lu, pivots)
    a = p @ lower @ upper
    return solve(hermitian(a) if adjoint else a, b, left)


def packs(dtype: str, rng: Rng) -> Iterator[Sample]:
    pivots = tensor([3, 2, 3], "int32", rigid=True)
    yield S(rand(rng, (3, 3), dtype), pivots)
    yield S(rand(rng, (3, 2), dtype), tensor([2, 3], "int32", rigid=True))
    yield S(rand(rng, (2, 3), dtype), tensor([2, 2], "int32", rigid=True)).once()
    yield S(rand(rng, (2, 2, 2), dtype), tensor([[1, 2], [2, 2]], "int32", rigid=True)).once()
    yield S(rand(rng, (3, 3), dtype), pivots, unpack_data=False).value_only()
    yield S(rand(rng, (3, 3), dtype), pivots, True, False).once()


def lu_unpack(
    lu: np.ndarray, pivots: np.ndarray, unpack_data: bool = True, unpack_pivots: bool = True
) -> Any:
    p, lower, upper = unpacked(lu, pivots)
    nothing = np.zeros(0)
    return [p if unpack_pivots else nothing, *((lower, upper) if unpack_data else (nothing, nothing))]


# Householder reflectors


def reflected(a: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The first columns of H1 H2 ..., Hi = 1 - tau_i v v^H, where v lies below the diagonal of column i."""
    *batch, m, n = a.shape
    q = np.broadcast_to(np.eye(m), (*batch, m, m)).astype(a.dtype)
    for i in range(tau.shape[-1]):
        v = a[..., :, i] * (np.arange(m) > i) + (np.arange(m) == i)
        q = q - tau[..., i, None, None] * (q @ v[..., None]) * np.conj(v[..., None, :])
    return q[..., :n]


def is_geqrf(result: list[np.ndarray], a: np.ndarray) -> None:
    packed, tau = result
    k = min(a.shape[-2:])
    q = reflected(packed[..., :, :k], tau)
    close(q @ np.triu(packed[..., :k, :]), a, packed, "Q R is not A")


def reflectors(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3, 2), dtype, -1, 1), rand(rng, (2,), dtype, -1, 1))
    yield S(rand(rng, (3, 3), dtype, -1, 1), rand(rng, (3,), dtype, -1, 1)).once()
    yield S(rand(rng, (3, 2), dtype, -1, 1), rand(rng, (1,), dtype, -1, 1)).once()
    yield S(rand(rng, (2, 3, 2), dtype, -1, 1), rand(rng, (2, 2), dtype, -1, 1)).once()
    yield S(rand(rng, (0, 0), dtype), rand(rng, (0,), dtype)).value_only()


def reduced(dtype: str, rng: Rng) -> Iterator[Sample]:
    """torch.qr and torch.svd say `some` where linalg says the opposite or a mode."""
    yield S(full_rank(rng, (3, 2), dtype))
    yield S(full_rank(rng, (2, 2), dtype), some=True).once()
    yield S(full_rank(rng, (2, 3, 2), dtype)).once()
    yield S(full_rank(rng, (3, 2), dtype), False).value_only()
    yield S(full_rank(rng, (0, 0), dtype)).value_only()


# Eigenvalues


def eigens(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (2, 2), dtype))
    yield S(full_rank(rng, (3, 3), dtype)).once()
    yield S(full_rank(rng, (2, 2, 2), dtype)).once()
    yield S(full_rank(rng, (0, 0), dtype)).value_only()
    yield S(tensor([[0, 1], [-1, 0]], dtype, rigid=True)).value_only()  # a rotation: i and -i
    yield S(full_rank(rng, (11, 11), dtype)).value_only()


def in_complex(sample: Sample) -> str:
    dtype = sample.args[0].dtype
    return COMPLEX_OF.get(dtype, dtype)


def is_eig(result: list[np.ndarray], a: np.ndarray) -> None:
    w, v = result
    close(a @ v, v * w[..., None, :], v, "A V is not V W")
    close(np.linalg.norm(v, axis=-2), np.ones(w.shape), w.real, "an eigenvector is not of unit length")


def is_spectrum(result: list[np.ndarray], a: np.ndarray) -> None:
    """In any order: the power sums of the eigenvalues are the traces of the powers."""
    power = a
    for k in range(1, min(a.shape[-1], 4) + 1):
        trace = np.trace(power, axis1=-2, axis2=-1)
        np.testing.assert_allclose((result[0] ** k).sum(-1), trace, rtol=2e-3, atol=2e-3)
        power = power @ a


# Least squares


def least_squares(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 2), dtype), rand(rng, (3, 2), dtype))
    yield S(full_rank(rng, (2, 3), dtype), rand(rng, (2, 1), dtype)).once()
    yield S(full_rank(rng, (2, 3, 2), dtype), rand(rng, (2, 3, 1), dtype)).once()
    for driver in ("gels", "gelsy", "gelsd", "gelss"):
        yield S(full_rank(rng, (4, 2), dtype), rand(rng, (4, 1), dtype), driver=driver).value_only()
    deficient = tensor([[1, 2], [2, 4], [3, 6]], dtype, rigid=True)
    yield S(deficient, rand(rng, (3, 1), dtype)).value_only()
    yield S(deficient, rand(rng, (3, 1), dtype), rcond=1e-3, driver="gelsd").value_only()


def lstsq(a: np.ndarray, b: np.ndarray, rcond: Any = None, driver: Any = None) -> list[np.ndarray]:
    """Solution, residuals of full-rank tall systems, rank and singular values, as the driver has them."""
    m, n = a.shape[-2:]
    tiny = rcond or 1e-6 * max(m, n)
    x = np.linalg.pinv(a, rcond=tiny) @ b
    s = np.linalg.svd(a, compute_uv=False)
    rank = (s > tiny * s[..., :1]).sum(-1)
    nothing = np.zeros(0)
    overdetermined = m > n and np.all(rank == n) and driver not in (None, "gelsy")
    squares = np.sum(np.abs(a @ x - b) ** 2, axis=-2) if overdetermined else nothing
    values = s if driver in ("gelsd", "gelss") else nothing
    return [x, squares, nothing if driver == "gels" else rank, values]


def lstsq_types(sample: Sample) -> list[str]:
    first, real = with_real("same", "real")(sample)
    return [first, real, "int64", real]


SINGULAR_PIVOT = Error(S(tensor([[1.0, 2.0], [2.0, 4.0]])), "RuntimeError", "zero|singular")
PIVOTS = tensor([1, 2], "int32")
LOWER = Error(S(MATRIX), "RuntimeError", "square|matri")

CASES = [
    row(
        "cholesky_ex",
        lambda a, upper=False, check_errors=False: [cholesky(a, upper), no_failures(a)],
        TWO_SAMPLES,
        NOT_SQUARE,
        NOT_MATRIX,
        INT,
        Error(S(tensor([[1.0, 2.0], [2.0, 1.0]]), check_errors=True), "RuntimeError", "positive"),
        result=INFO,
        grad_via=symmetric,
    ),
    row(
        "cholesky_ex", None, indefinite, label="failure", check=first_failure, result=INFO, grad=(), out=False
    ),
    named(
        row(
            "",
            lambda x, upper=False: np.linalg.inv(gram(x, upper)),
            own_gradients(triangles),
            LOWER,
            INT,
        ),
        "cholesky_inverse",
    ),
    named(
        row(
            "",
            lambda b, x, upper=False: np.linalg.solve(gram(x, upper), b),
            own_gradients(right_sides),
            Error(S(A2, MATRIX), "RuntimeError", "square"),
            Error(S(tensor([[1.0]]), A2), "RuntimeError", "shape|size"),
            Error(S(A2, tensor([[1.0, 0.0], [0.0, 1.0]], "float64")), "RuntimeError", "dtype|type"),
        ),
        "cholesky_solve",
    ),
    row(
        "lu",
        None,
        rectangles,
        NOT_MATRIX,
        INT,
        check=is_lu,
        grad_of=lambda lib, r: r,
    ),
    row("lu_factor", None, rectangles, NOT_MATRIX, INT, SINGULAR_PIVOT, check=is_packed_lu, result=INFO),
    row(
        "lu_factor_ex",
        None,
        rectangles,
        NOT_MATRIX,
        INT,
        Error(S(tensor([[1.0, 2.0], [2.0, 4.0]]), check_errors=True), "RuntimeError", "singular|zero"),
        check=is_packed_lu,
        result=("first", "int32", "int32"),
    ),
    row(
        "lu_solve",
        lu_solve,
        packed_systems,
        Error(S(MATRIX, PIVOTS, A2), "RuntimeError", "square"),
        Error(S(A2, PIVOTS, tensor([[1.0]])), "RuntimeError", "size|shape"),
        Error(S(A2, tensor([1, 2]), A2), "RuntimeError", "int32|int"),
        Error(S(A2, tensor([1], "int32"), A2), "RuntimeError", "Number of pivots"),
        Error(S(A2, tensor([0, 2], "int32"), A2), "RuntimeError", "greater or equal to 1"),
        Error(S(A2, tensor([1, 3], "int32"), A2), "RuntimeError", r"smaller or equal to LU.size\(-2\)"),
        Error(S(A2, tensor([[1, 2]], "int32"), A2), "RuntimeError", "pivots.shape to be the same"),
    ),
    replace(
        row(
            "",
            lu_unpack,
            packs,
            Error(S(A2, tensor([1, 2])), "RuntimeError", "int32"),
            Error(S(A2, tensor([1, 3], "int32")), "RuntimeError", r"must be between 1 and LU.size\(-2\)"),
            Error(S(A2, tensor([1], "int32")), "RuntimeError", "entry"),
            Error(S(A2, tensor([1, 3], "int32")), "RuntimeError", "between 1 and"),
            Error(S(A2, tensor([-100, 2], "int32")), "RuntimeError", "between 1 and"),
            dtypes=EVERY,
        ),
        name="lu_unpack",
    ),
    named(row("", None, tall_and_wide, NOT_MATRIX, INT, check=is_geqrf, grad=()), "geqrf"),
    row(
        "householder_product",
        reflected,
        reflectors,
        Error(S(MATRIX, tensor([1.0])), "RuntimeError", "shape|size"),
        Error(S(A2, tensor([1.0, 2.0, 3.0])), "RuntimeError", "size|tau|column|dim"),
        Error(S(A2, tensor([1.0], "float64")), "RuntimeError", "dtype"),
    ),
    named(
        row(
            "",
            None,
            reduced,
            NOT_MATRIX,
            INT,
            check=lambda r, a, some=True: is_qr(r, a, "reduced" if some else "complete"),
            grad_of=qr_invariants,
        ),
        "qr",
    ),
    named(
        row(
            "",
            None,
            reduced,
            NOT_MATRIX,
            INT,
            check=lambda r, a, some=True: is_svd([r[0], r[1], hermitian(r[2])], a, not some),
            grad_of=lambda lib, r: (r[1], r[0].abs(), r[2].abs()),
            result=with_real("same", "real", "same"),
        ),
        "svd",
    ),
    row(
        "eig",
        None,
        eigens,
        NOT_SQUARE,
        NOT_MATRIX,
        INT,
        Error(S(tensor([[np.nan, 1.0], [1.0, 1.0]])), "RuntimeError", "infs or NaNs|finite"),
        check=is_eig,
        grad_of=lambda lib, r: (r[0], r[1].abs()),
        result=in_complex,
    ),
    row("eigvals", None, eigens, NOT_SQUARE, NOT_MATRIX, INT, check=is_spectrum, result=in_complex),
    row(
        "inv_ex",
        lambda a, check_errors=False: [np.linalg.inv(a), no_failures(a)],
        inverses,
        NOT_SQUARE,
        NOT_MATRIX,
        INT,
        Error(S(tensor([[1.0, 2.0], [2.0, 4.0]]), check_errors=True), "RuntimeError", "singular"),
        result=INFO,
    ),
    row(
        "solve_ex",
        lambda a, b, left=True, check_errors=False: [solve(a, b, left), no_failures(a)],
        solves,
        Error(S(MATRIX, MATRIX), "RuntimeError", "square"),
        Error(S(tensor([[0.0, 0.0], [0.0, 0.0]]), A2, check_errors=True), "RuntimeError", "singular"),
        result=INFO,
    ),
    row(
        "lstsq",
        lstsq,
        least_squares,
        Error(S(A2, tensor([[1.0]])), "RuntimeError", "size|shape"),
        Error(S(A2, A2, driver="svd"), "RuntimeError", "driver"),
        Error(S(A2, tensor([[1.0], [2.0]], "float64")), "RuntimeError", "dtype|type"),
        result=lstsq_types,
        grad_of=lambda lib, r: r[0],
    ),
]
