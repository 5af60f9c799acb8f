"""Linear algebra beyond what the op table has: matrices of several simdgroups and of several panels, singular
ones, ones that are not finite; and ctc_loss of long targets."""

from __future__ import annotations

import numpy as np
import pytest

import rustorch as rt

from .compare import DEVICES, both_devices, draw, gradients, numbers

LARGE = [(DEVICES[0], 130), *((d, 24) for d in DEVICES)]  # panels; and the checked emulator
sizes = pytest.mark.parametrize(("device", "n"), LARGE)


def close(got: np.ndarray, want: np.ndarray, scale: float = 1.0) -> None:
    np.testing.assert_allclose(got, want, rtol=0, atol=2e-5 * scale * max(1.0, float(np.abs(want).max())))


def matrix(rows: int, cols: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, cols)).astype(np.float32)


@sizes
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(device: str, n: int, upper: bool) -> None:
    a = matrix(n, n)
    a = a @ a.T / n + np.eye(n, dtype=np.float32)
    read = np.triu(a) if upper else np.tril(a)  # the other triangle is not looked at
    factor = numbers(rt.linalg.cholesky(rt.from_numpy(read).to(device), upper=upper))
    lower = factor.T if upper else factor
    close(lower, np.linalg.cholesky(a))
    bad = a.copy()
    bad[n - 2, n - 2] = -1
    assert rt.linalg.cholesky_ex(rt.from_numpy(bad).to(device), upper=upper).info.item() == n - 1


@sizes
@pytest.mark.parametrize(("more_rows", "more_columns"), [(0, 0), (9, 0), (0, 9)])
def test_lu_and_qr(device: str, n: int, more_rows: int, more_columns: int) -> None:
    if n > 24 and more_rows:
        pytest.skip("takes the way of the square one")
    a = matrix(n + more_rows, n + more_columns)
    x = rt.from_numpy(a).to(device)
    p, lower, upper = (numbers(t) for t in rt.linalg.lu(x))
    close(p @ lower @ upper, a, 4)
    assert np.abs(lower).max() <= 1
    for mode in ("reduced", "complete")[: 1 if n > 24 else 2]:
        q, r = (numbers(t) for t in rt.linalg.qr(x, mode))
        close(q @ r, a, 4)
        close(q.T @ q, np.eye(q.shape[1]))
        assert np.all(np.tril(r, -1) == 0)


@sizes
def test_solve(device: str, n: int) -> None:
    a, b = matrix(n, n), matrix(n, 3, 1)
    a += np.diag(np.full(n, 4 * n**0.5, np.float32))
    found = rt.linalg.solve(rt.from_numpy(a).to(device), rt.from_numpy(b).to(device))
    close(numbers(found), np.linalg.solve(a, b))
    singular = np.ones((2, n, n), np.float32)
    singular[0] = a
    assert rt.linalg.lu_factor_ex(rt.from_numpy(singular).to(device)).info.tolist() == [0, 2]


@both_devices
@pytest.mark.parametrize(("rows", "cols"), [(21, 18), (18, 21), (20, 20)])
def test_singular_values(device: str, rows: int, cols: int) -> None:
    """Of a matrix of rank 5 beside one of full rank; what completes U and V is orthogonal too."""
    a = np.stack([matrix(rows, 5) @ matrix(5, cols, 1), 1e20 * matrix(rows, cols, 2)])
    u, s, vh = (numbers(t) for t in rt.linalg.svd(rt.from_numpy(a).to(device)))
    for one, left, values, right in zip(a, u, s, vh, strict=True):
        close(left.T @ left, np.eye(rows))
        close(right @ right.T, np.eye(cols))
        want = np.linalg.svd(one.astype(float), compute_uv=False)
        close(values, want)
        assert np.all(np.diff(values) <= 0)
        k = min(rows, cols)
        close(left[:, :k] * values @ right[:k], one)


@both_devices
@pytest.mark.parametrize("uplo", ["L", "U"])
def test_symmetric_eigenvalues(device: str, uplo: str) -> None:
    """Eigenvalues in pairs of signs and repeated ones have eigenvectors too."""
    q = np.linalg.qr(matrix(20, 20))[0]
    a = (q * np.array([-3, 3, 2, 2, 2, *np.linspace(-1, 1, 15)], np.float32)) @ q.T
    read = np.tril(a) if uplo == "L" else np.triu(a)
    w, v = (numbers(t) for t in rt.linalg.eigh(rt.from_numpy(read).to(device), uplo))
    close(w, np.linalg.eigvalsh(a))
    close(v.T @ v, np.eye(20))
    close(v * w @ v.T, a)


@both_devices
@pytest.mark.parametrize("function", ["svd", "eigh"])
def test_not_finite(function: str, device: str) -> None:
    a = np.eye(3, dtype=np.float32)
    a[1, 1] = np.nan
    with pytest.raises(rt.linalg.LinAlgError, match="converge"):
        getattr(rt.linalg, function)(rt.from_numpy(a).to(device))


@both_devices
def test_ctc_loss(device: str) -> None:
    """Threads of several simdgroups, labels that come again, and samples of different lengths."""
    scores = draw((44, 3, 5), rt.float32)
    targets = rt.tensor(np.random.default_rng(1).integers(1, 5, (3, 20)))

    def loss(x: rt.Tensor) -> rt.Tensor:
        return rt.nn.functional.ctc_loss(
            rt.log_softmax(x, 2), targets.to(x.device), [44, 40, 30], [20, 1, 0], reduction="none"
        )

    for got, want in zip(gradients(loss, [scores], device), gradients(loss, [scores], "cpu"), strict=True):
        np.testing.assert_allclose(numbers(got), numbers(want), rtol=2e-5, atol=2e-5)
