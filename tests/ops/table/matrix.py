"""Functions of matrices: powers, exponential, norms and ranks; tensors taken as matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import expm

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, FLOATS, INTS, NUMERIC, REAL_OF, is_integral
from ..samples import Rng, definite, full_rank, rand
from .linalg import A2, INT, NOT_MATRIX, NOT_SQUARE, matrices, row, with_real
from .matmul import LOOSE
from .view import BOTH, MATRIX

HALF = {"float16": (2e-2, 2e-2), "bfloat16": (1e-1, 1e-1), "float32": (1e-4, 1e-4), "complex64": (1e-4, 1e-4)}
VECTOR = tensor([1.0, 2.0])


def exponents(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 2), dtype, -1, 1))
    yield S(rand(rng, (3, 3), dtype, -1, 1)).once()
    yield S(rand(rng, (2, 2, 2), dtype, -1, 1)).once()
    yield S(tensor([[0, 1], [0, 0]], dtype, rigid=True)).once()  # nilpotent
    yield S(tensor([[6, 1], [2, -5]], dtype, rigid=True)).value_only()  # needs squaring
    yield S(tensor(np.zeros((0, 0)), dtype)).value_only()
    yield S(rand(rng, (9, 9), dtype, -0.3, 0.3)).value_only()


def powers(dtype: str, rng: Rng) -> Iterator[Sample]:
    make = rand if is_integral(dtype) else full_rank
    for n in (2, 0, 1, 3, 5, *(() if is_integral(dtype) or dtype in ("float16", "bfloat16") else (-1, -2))):
        sample = S(make(rng, (2, 2), dtype), n)
        yield sample if n > 1 else sample.once() if n else sample.value_only()
    yield S(make(rng, (2, 2, 2), dtype), 2).once()
    yield S(tensor(np.zeros((0, 0)), dtype), 2).value_only()


def power(a: np.ndarray, n: int) -> np.ndarray:
    return np.linalg.matrix_power(a, n)


def ranks(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 2), dtype))
    yield S(tensor([[1, 2], [2, 4]], dtype, rigid=True))
    yield S(tensor(np.stack([np.eye(2), np.ones((2, 2))]), dtype, rigid=True))
    yield S(tensor(np.diag([4.0, 1.0, 0.5]), dtype, rigid=True), atol=0.75)
    yield S(tensor(np.diag([4.0, 1.0, 0.5]), dtype, rigid=True), rtol=0.3)
    yield S(tensor(np.diag([4.0, 1.0, 0.5]), dtype, rigid=True), atol=0.1, rtol=0.2)
    yield S(tensor(np.diag([4.0, -1.0, 0.0]), dtype, rigid=True), hermitian=True)
    yield S(tensor(np.zeros((2, 2)), dtype, rigid=True))
    yield S(tensor(np.zeros((0, 2)), dtype, rigid=True))


def toleranced_ranks(dtype: str, rng: Rng) -> Iterator[Sample]:
    a = tensor(np.stack([np.diag([4.0, 1.0, 0.5])] * 2), dtype, rigid=True)
    limit = REAL_OF.get(dtype, dtype)
    yield S(a, atol=tensor([0.75, 2.0], limit, rigid=True))
    yield S(a, rtol=tensor(0.3, limit, rigid=True))
    yield S(a, 0.75)
    yield S(a, 0.75, True)


def rank(a: np.ndarray, tol: Any = None, hermitian: bool = False, atol: Any = None, rtol: Any = None) -> Any:
    if tol is not None:
        atol, rtol = tol, 0.0
    if 0 in a.shape:
        return np.zeros(a.shape[:-2], np.int64)
    s = np.linalg.svd(a, compute_uv=False)
    if rtol is None:
        rtol = 0.0 if atol is not None else 1e-6
    limit = np.maximum(np.asarray(atol or 0.0 if np.ndim(atol) == 0 else atol), np.asarray(rtol) * s[..., 0])
    return (s > limit[..., None]).sum(-1)


def norms(dtype: str, rng: Rng) -> Iterator[Sample]:
    wide = "complex128" if dtype in COMPLEX else "float64"
    yield S(full_rank(rng, (2, 3), dtype))
    orders = ("fro", 1, -1, float("inf"), -float("inf"))
    for order in orders if dtype in ("float16", "bfloat16") else (*orders, "nuc", 2, -2):
        yield S(full_rank(rng, (2, 3), dtype), order).once()
    yield S(full_rank(rng, (2, 2, 3), dtype), "fro", (0, 2), True).once()
    yield S(full_rank(rng, (2, 3, 2), dtype), 1, dim=(1, 0)).once()
    yield S(full_rank(rng, (2, 2), dtype), dtype=D(wide)).once()
    yield S(tensor(np.zeros((0, 2)), dtype)).value_only()


def matrix_norm(
    a: np.ndarray, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, dtype: Any = None
) -> Any:
    return np.linalg.norm(a, ord, tuple(dim), keepdim)


def norm_type(sample: Sample) -> str:
    dtype = sample.kwargs["dtype"].name if "dtype" in sample.kwargs else sample.args[0].dtype
    return REAL_OF.get(dtype, dtype)


def conditions(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(full_rank(rng, (3, 2), dtype))
    for p in ("fro", "nuc", 1, -1, 2, -2, float("inf"), -float("inf")):
        sample = S(full_rank(rng, (2, 2), dtype), p).once()
        yield sample if p in (2, -2) else replace(sample, parity_grad=False)  # PyTorch's fails in backward
    yield S(full_rank(rng, (2, 2, 2), dtype), p=2).once()
    yield S(tensor([[1, 0], [0, 0]], dtype, rigid=True)).value_only()
    yield S(tensor([[1, 0], [0, 0]], dtype, rigid=True), 1).value_only()


def condition(a: np.ndarray, p: Any = None) -> Any:
    return np.linalg.cond(a, p)


def chains(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S([rand(rng, s, dtype, -2, 2) for s in ((2, 3), (3, 2), (2, 2))])
    yield S([rand(rng, s, dtype, -2, 2) for s in ((2, 3), (3, 2))]).once()
    yield S([rand(rng, s, dtype, -2, 2) for s in ((3,), (3, 2), (2, 2), (2,))]).once()
    yield S([rand(rng, s, dtype, -2, 2) for s in ((2,), (2, 3), (3, 2))]).once()
    yield S([rand(rng, s, dtype) for s in ((2, 0), (0, 3), (3, 1))]).value_only()


def multi_dot(parts: Any) -> np.ndarray:
    result = parts[0]
    for p in parts[1:]:
        result = result @ p
    return np.asarray(result)


def splats(samples: Callable[..., Iterator[Sample]], matrices_only: bool) -> Callable[..., Iterator[Sample]]:
    """The samples with their list spread over the arguments."""

    def spread(dtype: str, rng: Rng) -> Iterator[Sample]:
        for s in samples(dtype, rng):
            if not matrices_only or all(p.values.ndim == 2 for p in s.args[0]):
                yield replace(s, args=tuple(s.args[0]))

    return spread


def inverse_tensors(dtype: str, rng: Rng) -> Iterator[Sample]:
    def fold(n: int, *shape: int) -> Any:
        return tensor(full_rank(rng, (n, n), dtype).values.reshape(shape), dtype, rigid=True)

    yield S(fold(4, 4, 2, 2), 1)
    yield S(fold(4, 2, 2, 4))
    yield S(fold(4, 2, 2, 2, 2), ind=2).once()
    yield S(fold(2, 2, 2), 1).once()


def tensor_systems(dtype: str, rng: Rng) -> Iterator[Sample]:
    def fold(n: int, *shape: int) -> Any:
        return tensor(full_rank(rng, (n, n), dtype).values.reshape(shape), dtype, rigid=True)

    yield S(fold(4, 2, 2, 4), rand(rng, (2, 2), dtype))
    yield S(fold(4, 4, 2, 2), rand(rng, (4,), dtype)).once()
    a = np.moveaxis(full_rank(rng, (4, 4), dtype).values.reshape(4, 2, 2), 1, 0)
    yield S(tensor(a, dtype, rigid=True), rand(rng, (4,), dtype), dims=(0,)).value_only()


def tensorsolve(a: np.ndarray, b: np.ndarray, dims: Any = None) -> np.ndarray:
    return np.linalg.tensorsolve(a, b, dims)


def nodes(dtype: str, rng: Rng) -> Iterator[Sample]:
    small = dtype in ("float16", "bfloat16")
    gradients = (
        S(rand(rng, (3,), dtype)),
        S(rand(rng, (2,), dtype), 3 if small else 4),
        S(rand(rng, (3,), dtype), 2),
    )
    yield from (replace(s, parity_grad=False) for s in gradients)  # PyTorch's backward fails
    yield S(rand(rng, (3,), dtype), 1).value_only()
    yield S(rand(rng, (3,), dtype), N=0).value_only()
    yield S(rand(rng, (3,), dtype), increasing=True).value_only()


def linalg_nodes(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3,), dtype))
    yield S(rand(rng, (2, 3), dtype), N=2)
    yield S(rand(rng, (2,), dtype), N=4).once()


def vander(x: np.ndarray, N: Any = None, increasing: bool = False) -> np.ndarray:
    n = x.shape[-1] if N is None else N
    kind = np.int64 if x.dtype.kind in "iub" else x.dtype
    columns = [x.astype(kind) ** k if k else np.ones(x.shape, kind) for k in range(n)]
    found = np.stack(columns, -1) if columns else np.zeros((*x.shape, 0), kind)
    return found if increasing else found[..., ::-1]


def crosses(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype), dim=0)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype), dim=-1)
    yield S(rand(rng, (3, 2), dtype), rand(rng, (3, 1), dtype), dim=0).once()
    yield S(rand(rng, (2, 1, 3), dtype), rand(rng, (1, 2, 3), dtype), dim=2).once()
    yield S(rand(rng, (0, 3), dtype), rand(rng, (0, 3), dtype), dim=1).nograd()


def first_threes(dtype: str, rng: Rng) -> Iterator[Sample]:
    """Without a dim the first of size three is meant."""
    yield from crosses(dtype, rng)
    yield S(rand(rng, (2, 3, 3), dtype), rand(rng, (2, 3, 3), dtype)).nograd()


def cross(a: np.ndarray, b: np.ndarray, dim: Any = None) -> np.ndarray:
    a, b = np.broadcast_arrays(a, b)
    axis = a.shape.index(3) if dim is None else dim
    a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    parts = [
        a[..., (i + 1) % 3] * b[..., (i + 2) % 3] - a[..., (i + 2) % 3] * b[..., (i + 1) % 3]
        for i in range(3)
    ]
    return np.moveaxis(np.stack(parts, -1), -1, axis)


def linalg_cross(a: np.ndarray, b: np.ndarray, dim: int = -1) -> np.ndarray:
    return cross(a, b, dim)


NOT_THREE = Error(S(VECTOR, VECTOR, dim=0), "RuntimeError", "3")
DIFFER = Error(
    S(tensor(np.ones((2, 3)), "float32"), tensor(np.ones((3, 3)), "float32"), dim=1),
    "RuntimeError",
    "size|broadcast|shape",
)
CROSS_OUT = Error(S(MATRIX, MATRIX, dim=2), "IndexError", "dim")


def plain(name: str, ref: Any, samples: Any, *errors: Error, **fields: Any) -> OpCase:
    """A row of an op that is not in `linalg`."""
    method = {"variants": (f"Tensor.{name}",), **fields}
    return replace(row("", ref, samples, *errors, **method), name=name)


CASES = [
    plain(
        "matrix_exp",
        lambda a: expm(a) if a.size else a,
        exponents,
        NOT_SQUARE,
        NOT_MATRIX,
        INT,
        dtypes=FLOATS + COMPLEX,
        variants=("Tensor.matrix_exp", "linalg.matrix_exp"),
        tol=HALF,
        out=False,
    ),
    plain(
        "matrix_power",
        power,
        powers,
        Error(S(MATRIX, 2), "RuntimeError", "square"),
        Error(S(VECTOR, 2), "RuntimeError", "dim|matrix"),
        Error(S(tensor([[1.0, 2.0], [2.0, 4.0]]), -1), "RuntimeError", "singular"),
        dtypes=NUMERIC,
        variants=("Tensor.matrix_power", "linalg.matrix_power"),
        tol=HALF,
    ),
    plain(
        "logdet",
        lambda a: np.log(np.linalg.det(a)),
        matrices((2, 2), (3, 3), (2, 2, 2), (0, 0), make=definite),
        NOT_SQUARE,
        INT,
        out=False,
    ),
    row(
        "matrix_rank",
        rank,
        ranks,
        NOT_MATRIX,
        INT,
        result="int64",
        grad=(),
    ),
    row("matrix_rank", rank, toleranced_ranks, label="tolerances", result="int64", grad=()),
    row(
        "matrix_norm",
        matrix_norm,
        norms,
        NOT_MATRIX,
        INT,
        Error(S(MATRIX, 3), "RuntimeError", "order|ord"),
        Error(S(MATRIX, "max"), "RuntimeError", "order|ord"),
        Error(S(MATRIX, "fro", (0, 0)), "RuntimeError", "dim"),
        Error(S(MATRIX, "fro", (0,)), "RuntimeError", "dim"),
        dtypes=ALL_FLOATS + COMPLEX,
        result=norm_type,
        tol=HALF,
    ),
    row(
        "cond",
        condition,
        conditions,
        NOT_MATRIX,
        INT,
        Error(S(MATRIX, 1), "RuntimeError", "square"),
        Error(S(A2, "max"), "RuntimeError", "norm"),
        Error(S(A2, 3), "RuntimeError", "norm|order"),
        result=with_real("real"),
    ),
    row(
        "multi_dot",
        multi_dot,
        chains,
        Error(S([MATRIX]), "RuntimeError", "at least 2|tensors"),
        Error(S([MATRIX, MATRIX]), "RuntimeError", "shape|size|mul"),
        Error(S([tensor(np.ones((1, 1, 1)), "float32"), MATRIX]), "RuntimeError", "1D or 2D|dim"),
        dtypes=NUMERIC,
        tol={
            **LOOSE,
            "float16": (2e-2, 1e-1),
            "bfloat16": (1e-1, 1.0),
            "complex64": (1e-4, 1e-4),
            "float32": (1e-4, 1e-4),
        },
    ),
    replace(
        row(
            "",
            lambda *parts: multi_dot(parts),
            splats(chains, matrices_only=True),
            Error(S(MATRIX, MATRIX), "RuntimeError", "shape|size|mul"),
            Error(S(VECTOR, MATRIX), "RuntimeError", "2D|dim"),
            dtypes=NUMERIC,
            tol={
                **LOOSE,
                "float16": (2e-2, 1e-1),
                "bfloat16": (1e-1, 1.0),
                "complex64": (1e-4, 1e-4),
                "float32": (1e-4, 1e-4),
            },
        ),
        name="chain_matmul",
        covers=("_chain_matmul",),
    ),
    row(
        "tensorinv",
        lambda a, ind=2: np.linalg.tensorinv(a, ind),
        inverse_tensors,
        Error(S(A2, 0), "RuntimeError", "ind|positive"),
        Error(S(MATRIX, 1), "RuntimeError", "prod"),
        Error(S(tensor([[1, 0], [0, 1]]), 1), "RuntimeError", "float|dtype"),
    ),
    row(
        "tensorsolve",
        tensorsolve,
        tensor_systems,
        Error(S(MATRIX, VECTOR), "RuntimeError", "prod|size|dim|square"),
    ),
    replace(
        row(
            "",
            vander,
            nodes,
            Error(S(MATRIX), "RuntimeError", "1|dim"),
            Error(S(VECTOR, -1), "RuntimeError", "non-negative|N"),
            Error(S(VECTOR, 2**61), "RuntimeError", "overflow"),
            dtypes=NUMERIC + ("bool",),
            result="sum",
            out=False,
            tol={**LOOSE, "float16": (1e-2, 1e-2), "bfloat16": (5e-2, 5e-2)},
        ),
        name="vander",
    ),
    row(
        "vander",
        lambda x, N=None: vander(x, N, True),
        linalg_nodes,
        Error(S(tensor(1.0)), "RuntimeError", "greater than 1"),
        Error(S(tensor([1.0])), "RuntimeError", "greater than 1"),
        Error(S(VECTOR, N=1), "RuntimeError", "N|greater"),
        Error(S(VECTOR, N=2**61), "RuntimeError", "overflow"),
        dtypes=FLOATS + INTS + COMPLEX,
        result="sum",
        out=False,
    ),
    plain(
        "cross",
        cross,
        first_threes,
        NOT_THREE,
        DIFFER,
        CROSS_OUT,
        Error(S(A2, A2), "RuntimeError", "3"),
        dtypes=NUMERIC,
        result="promote",
        grad=BOTH,
        tol={**LOOSE, "float16": (1e-2, 2e-2), "bfloat16": (5e-2, 2e-1)},
    ),
    row(
        "cross",
        linalg_cross,
        crosses,
        NOT_THREE,
        DIFFER,
        CROSS_OUT,
        dtypes=NUMERIC,
        result="promote",
        tol={**LOOSE, "float16": (1e-2, 2e-2), "bfloat16": (5e-2, 2e-1)},
    ),
]
