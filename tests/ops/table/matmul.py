"""Matrix products and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..case import Arr, Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, NUMERIC, is_float, is_integral
from ..samples import Rng, rand
from .view import BOTH, MATRIX

VECTOR = tensor([1.0, 2.0])
SUM_OF_OUTER = MATRIX, VECTOR, tensor([1.0, 2.0, 3.0])
SUM_OF_INTEGERS = tensor([[1, 2]]), tensor([1]), tensor([1, 2])
LOOSE = {
    "float16": (4e-3, 4e-3),
    "bfloat16": (3e-2, 6e-2),
    "float32": (1e-5, 2e-5),
    "complex64": (1e-5, 2e-5),
}


def shapes(*pairs: Any, large: Any = None) -> Callable[[str, Rng], Iterator[Sample]]:
    """Operands of the given shapes; `large` ones reach the library's blocked kernels."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        for pair in pairs:
            sample = S(*(rand(rng, s, dtype) for s in pair))
            yield sample if all(0 not in s for s in pair) else sample.nograd()
        if large:
            yield S(*(rand(rng, s, dtype, -1, 1) for s in large)).nograd()

    return samples


def scaled(*triples: Any) -> Callable[[str, Rng], Iterator[Sample]]:
    """beta * a + alpha * (b @ c)."""

    def samples(dtype: str, rng: Rng) -> Iterator[Sample]:
        alpha, beta = (True, True) if dtype == "bool" else (2, 3) if is_integral(dtype) else (0.5, -1.5)
        for i, triple in enumerate(triples):
            parts = [rand(rng, s, dtype) for s in triple]
            sample = S(*parts) if i == 0 else S(*parts, beta=beta, alpha=alpha)
            yield sample if all(0 not in s for s in triple) else sample.nograd()
        if is_float(dtype):  # beta of zero does not let NaN through
            bad = tensor(np.full(triples[0][0], np.nan), dtype, rigid=True)
            yield S(bad, *(rand(rng, s, dtype) for s in triples[0][1:]), beta=0).value_only()

    return samples


def add_product(a: np.ndarray, b: np.ndarray, c: np.ndarray, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    product = np.matmul(b, c) * np.asarray(alpha).astype(b.dtype)
    if beta == 0:
        return product
    return a * np.asarray(beta).astype(a.dtype) + product


EQUATIONS = (
    ("ij,jk->ik", (2, 3), (3, 2)),
    ("ij,jk", (2, 3), (3, 2)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
    ("ii->i", (3, 3)),
    ("jiki->kji", (2, 2, 1, 2)),
    ("ij->ji", (2, 3)),
    ("i,j->ij", (2,), (3,)),
    ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 2)),
    ("bhid,bhjd->bhij", (1, 2, 2, 2), (1, 2, 3, 2)),
    ("ij,kj,lk->il", (2, 3), (2, 3), (2, 2)),
    ("i,i", (3,), (3,)),
    ("b n d -> b d n", (1, 2, 2)),
    ("ij,j->ij", (2, 3), (3,)),
    ("i...->...i", (3, 2)),
)
SUMS = (
    ("ii", (3, 3)),
    ("iji->j", (2, 3, 2)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
)  # of small integers PyTorch makes int64


def einsums(dtype: str, rng: Rng) -> Iterator[Sample]:
    sums = SUMS if dtype == "int64" or not is_integral(dtype) else ()
    for i, (equation, *sizes) in enumerate((*EQUATIONS, *sums)):
        sample = S(equation, *(rand(rng, s, dtype, -2, 2) for s in sizes))
        yield sample.once() if i else sample
    yield S("ij,jk->ik", [rand(rng, (2, 2), dtype), rand(rng, (2, 1), dtype)]).once()


def einsum(equation: str, *parts: Any) -> np.ndarray:
    parts = parts[0] if isinstance(parts[0], (list, tuple)) else parts
    return np.asarray(np.einsum(equation.replace(" ", ""), *parts))


def linears(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), rand(rng, (4, 3), dtype), rand(rng, (4,), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (4, 3), dtype))
    yield S(rand(rng, (3,), dtype), rand(rng, (2, 3), dtype), rand(rng, (2,), dtype))
    yield S(rand(rng, (2, 1, 3), dtype), rand(rng, (2, 3), dtype), bias=rand(rng, (2,), dtype)).once()
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype)).once()
    yield S(rand(rng, (0, 3), dtype), rand(rng, (2, 3), dtype), rand(rng, (2,), dtype)).nograd()
    yield S(
        rand(rng, (9, 40), dtype, -1, 1), rand(rng, (33, 40), dtype, -1, 1), rand(rng, (33,), dtype)
    ).nograd()


def linear(x: np.ndarray, w: np.ndarray, bias: Any = None) -> np.ndarray:
    y = x @ (w.T if w.ndim == 2 else w)
    return y if bias is None else y + bias


def traces(dtype: str, rng: Rng) -> Iterator[Sample]:
    for shape in ((3, 3), (2, 3), (3, 1)):
        yield S(rand(rng, shape, dtype))
    yield S(rand(rng, (0, 0), dtype)).nograd()


def bilinears(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(
        rand(rng, (2, 2), dtype),
        rand(rng, (2, 3), dtype),
        rand(rng, (2, 2, 3), dtype),
        rand(rng, (2,), dtype),
    )
    yield S(rand(rng, (2, 2), dtype), rand(rng, (2, 3), dtype), rand(rng, (1, 2, 3), dtype)).once()


def bilinear(a: np.ndarray, b: np.ndarray, w: np.ndarray, bias: Any = None) -> np.ndarray:
    y = np.einsum("...i,kij,...j->...k", a, w, b)
    return y if bias is None else y + bias


def product(name: str, ref: Callable[..., Any], samples: Any, *errors: Error, **fields: Any) -> OpCase:
    return OpCase(
        name=name,
        ref=ref,
        samples=samples,
        errors=errors,
        **{
            "dtypes": NUMERIC,
            "grad": BOTH,
            "variants": (f"Tensor.{name}",),
            "out": True,
            "tol": LOOSE,
            **fields,
        },
    )


def add_products(a: np.ndarray, b: np.ndarray, c: np.ndarray, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    product = np.matmul(b, c).sum(0, dtype=b.dtype) * np.asarray(alpha).astype(b.dtype)
    return product if beta == 0 else a * np.asarray(beta).astype(a.dtype) + product


def add_outer(a: np.ndarray, b: np.ndarray, c: np.ndarray, beta: Any = 1, alpha: Any = 1) -> np.ndarray:
    if a.dtype.kind == "b":
        return (a & bool(beta)) | (np.outer(b, c) & bool(alpha))
    product = np.outer(b, c) * np.asarray(alpha).astype(b.dtype)
    return product if beta == 0 else a * np.asarray(beta).astype(a.dtype) + product


def contractions(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype, -2, 2), rand(rng, (3, 2), dtype, -2, 2), 1)
    yield S(rand(rng, (2, 3), dtype, -2, 2), rand(rng, (2, 3), dtype, -2, 2)).once()
    yield S(rand(rng, (2, 3), dtype, -2, 2), rand(rng, (2,), dtype, -2, 2), dims=([0], [0])).once()
    yield S(rand(rng, (2, 1, 3), dtype), rand(rng, (3, 2), dtype), ([0, 2], [1, 0])).once()
    yield S(rand(rng, (2,), dtype), rand(rng, (3,), dtype), dims=0).once()
    yield S(rand(rng, (2, 0), dtype), rand(rng, (0, 2), dtype), 1).nograd()


def tensordot(a: np.ndarray, b: np.ndarray, dims: Any = 2) -> np.ndarray:
    return np.asarray(np.tensordot(a, b, dims))


def conjugate_sums(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (3,), dtype), rand(rng, (3,), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 1), dtype), dim=0).once()
    yield S(rand(rng, (2, 0), dtype), rand(rng, (2, 0), dtype)).nograd()


def vecdot(x: np.ndarray, y: np.ndarray, dim: int = -1) -> np.ndarray:
    return np.asarray((np.conj(x) * y).sum(dim, dtype=x.dtype))


DTYPES_DIFFER = Error(S(MATRIX, tensor(np.ones((3, 2)), "float64")), "RuntimeError", "dtype")
SIZES_DIFFER = Error(S(MATRIX, MATRIX), "RuntimeError", "shape|size")


def cube(n: int) -> Arr:
    return tensor(np.ones((n, 2, 3)), "float32")


CASES = [
    product(
        "matmul",
        np.matmul,
        shapes(
            ((2, 3), (3, 2)),
            ((3,), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3,)),
            ((2, 2, 3), (3, 2)),
            ((2, 3), (2, 3, 1)),
            ((2, 1, 2, 2), (1, 2, 2, 1)),
            ((3,), (2, 3, 2)),
            ((0, 3), (3, 2)),
            ((2, 0), (0, 3)),
            ((2, 0, 3), (3, 2)),
            large=((37, 70), (70, 41)),
        ),
        SIZES_DIFFER,
        DTYPES_DIFFER,
        Error(S(tensor(1.0), VECTOR), "RuntimeError", "at least 1D"),
        Error(S(cube(2), tensor(np.ones((3, 3, 2)), "float32")), "RuntimeError", "batch|size|shape"),
        variants=("Tensor.matmul", "operator.matmul", "linalg.matmul"),
    ),
    product(
        "mm",
        np.matmul,
        shapes(
            ((2, 3), (3, 2)), ((1, 3), (3, 4)), ((2, 0), (0, 3)), ((0, 2), (2, 3)), large=((37, 70), (70, 41))
        ),
        SIZES_DIFFER,
        DTYPES_DIFFER,
        Error(S(MATRIX, VECTOR), "RuntimeError", "2-D|matrix|dim"),
    ),
    product(
        "bmm",
        np.matmul,
        shapes(
            ((2, 2, 3), (2, 3, 2)),
            ((1, 1, 3), (1, 3, 2)),
            ((0, 2, 3), (0, 3, 2)),
            ((2, 2, 0), (2, 0, 2)),
            large=((3, 17, 33), (3, 33, 18)),
        ),
        Error(S(MATRIX, MATRIX), "RuntimeError", "3D"),
        Error(S(cube(2), tensor(np.ones((3, 3, 2)), "float32")), "RuntimeError", "batch|size|shape"),
    ),
    product(
        "mv",
        np.matmul,
        shapes(((2, 3), (3,)), ((1, 2), (2,)), ((2, 0), (0,)), large=((37, 70), (70,))),
        Error(S(MATRIX, VECTOR), "RuntimeError", "size|shape"),
        Error(S(VECTOR, VECTOR), "RuntimeError", "dim|matrix"),
    ),
    product(
        "dot",
        lambda a, b: np.asarray(a @ b),
        shapes(((3,), (3,)), ((1,), (1,)), ((0,), (0,)), large=((300,), (300,))),
        Error(S(VECTOR, tensor([1.0])), "RuntimeError", "size|shape|element"),
        Error(S(MATRIX, MATRIX), "RuntimeError", "1-?D|dim"),
        Error(S(VECTOR, tensor([1, 2])), "RuntimeError", "dtype"),
        tol={
            **LOOSE,
            "float32": (1e-5, 1e-4),
            "float16": (1e-2, 1e-1),
            "bfloat16": (5e-2, 1.0),
            "complex64": (1e-5, 1e-4),
        },
    ),
    product(
        "outer",
        np.outer,
        shapes(((2,), (3,)), ((1,), (2,)), ((0,), (2,))),
        Error(S(MATRIX, VECTOR), "RuntimeError", "1-?D|dim"),
        dtypes=EVERY,
    ),
    product(
        "addmm",
        add_product,
        scaled(
            ((2, 2), (2, 3), (3, 2)),
            ((2,), (2, 3), (3, 2)),
            ((2, 1), (2, 2), (2, 2)),
            ((), (2, 2), (2, 2)),
            ((2, 2), (2, 0), (0, 2)),
        ),
        Error(S(MATRIX, MATRIX, MATRIX), "RuntimeError", "size|shape"),
        Error(
            S(tensor(np.ones((3, 3)), "float32"), tensor([[1.0]]), tensor([[1.0]])),
            "RuntimeError",
            "size|shape|expand",
        ),
        inplace="Tensor.addmm_",
    ),
    product(
        "addmv",
        add_product,
        scaled(((2,), (2, 3), (3,)), ((), (2, 2), (2,)), ((1,), (2, 2), (2,)), ((2,), (2, 0), (0,))),
        Error(S(VECTOR, MATRIX, VECTOR), "RuntimeError", "size|shape"),
        inplace="Tensor.addmv_",
    ),
    product(
        "baddbmm",
        add_product,
        scaled(
            ((2, 2, 2), (2, 2, 3), (2, 3, 2)), ((2,), (2, 2, 2), (2, 2, 2)), ((1, 2, 1), (2, 2, 2), (2, 2, 2))
        ),
        Error(S(MATRIX, MATRIX, MATRIX), "IndexError", "dim|3-D"),
        inplace="Tensor.baddbmm_",
    ),
    product(
        "einsum",
        einsum,
        einsums,
        Error(S("ij,jk->ik", MATRIX, MATRIX), "RuntimeError", "size|subscript"),
        Error(S("ij", VECTOR), "RuntimeError", "dim|subscript"),
        Error(S("ij,jk", MATRIX), "RuntimeError", "operand"),
        Error(S("i->ij", VECTOR), "RuntimeError", "output|subscript"),
        variants=(),
        covers=("_einsum",),
        out=False,
        tol={**LOOSE, "float16": (1e-2, 2e-2), "bfloat16": (5e-2, 3e-1)},
    ),
    product(
        "nn.functional.linear",
        linear,
        linears,
        Error(S(MATRIX, tensor([[1.0, 2.0]])), "RuntimeError", "size|shape"),
        Error(S(MATRIX, tensor(np.ones((2, 3)), "float64")), "RuntimeError", "dtype"),
        variants=(),
        out=True,
    ),
    product(
        "trace",
        lambda x: np.trace(x),
        traces,
        Error(S(VECTOR), "RuntimeError", "dim|matrix"),
        result="sum",
        out=False,
    ),
    product(
        "nn.functional.bilinear",
        bilinear,
        bilinears,
        Error(S(MATRIX, MATRIX, MATRIX), "IndexError", "dim|size|weight"),
        variants=(),
        out=False,
        dtypes=NUMERIC,
        grad=("float64",),
        tol={**LOOSE, "float16": (1e-2, 5e-2), "bfloat16": (5e-2, 3e-1)},
    ),
    product(
        "addbmm",
        add_products,
        scaled(((2, 2), (2, 2, 3), (2, 3, 2)), ((2,), (2, 2, 2), (2, 2, 2)), ((2, 1), (1, 2, 2), (1, 2, 2))),
        Error(S(MATRIX, MATRIX, MATRIX), "IndexError", "dim"),
        Error(S(MATRIX, cube(2), cube(2)), "RuntimeError", "size|shape"),
        inplace="Tensor.addbmm_",
        inplace_dtypes=tuple(d for d in NUMERIC if d != "bfloat16"),  # PyTorch lets these grow
        tol={**LOOSE, "float16": (1e-2, 1e-2), "bfloat16": (5e-2, 1e-1)},
    ),
    product(
        "addr",
        add_outer,
        scaled(((2, 3), (2,), (3,)), ((3,), (2,), (3,)), ((), (2,), (2,)), ((0, 2), (0,), (2,))),
        Error(S(MATRIX, MATRIX, VECTOR), "RuntimeError", "1-?D|dim"),
        Error(S(MATRIX, VECTOR, VECTOR), "RuntimeError", "size|shape|expand"),
        Error(S(*SUM_OF_OUTER, beta=True), "RuntimeError", "Boolean beta only supported for Boolean"),
        Error(S(*SUM_OF_OUTER, alpha=True), "RuntimeError", "Boolean alpha only supported for Boolean"),
        Error(S(*SUM_OF_OUTER, beta=2j), "RuntimeError", "value cannot be converted to type float"),
        Error(S(*SUM_OF_INTEGERS, beta=1.5), "RuntimeError", "argument beta must not be a floating"),
        Error(S(*SUM_OF_INTEGERS, alpha=1.5), "RuntimeError", "argument alpha must not be a float"),
        dtypes=EVERY,
        inplace="Tensor.addr_",
        tol={**LOOSE, "float16": (1e-2, 1e-2), "bfloat16": (5e-2, 1e-1)},
    ),
    product(
        "inner",
        np.inner,
        shapes(
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((2, 3), (2, 3)),
            ((2, 1, 2), (3, 2)),
            ((), (2,)),
            ((), ()),
            ((2, 0), (3, 0)),
        ),
        Error(S(VECTOR, tensor([1.0])), "RuntimeError", "size|shape"),
        Error(S(MATRIX, tensor(np.ones((2, 3)), "float64")), "RuntimeError", "dtype"),
    ),
    product(
        "vdot",
        lambda a, b: np.asarray(np.vdot(a, b)).astype(a.dtype),
        shapes(((3,), (3,)), ((1,), (1,)), ((0,), (0,))),
        Error(S(VECTOR, tensor([1.0])), "RuntimeError", "size|shape|element"),
        Error(S(MATRIX, MATRIX), "RuntimeError", "1-?D|dim"),
        Error(S(VECTOR, tensor([1, 2])), "RuntimeError", "dtype"),
        tol={**LOOSE, "float16": (1e-2, 1e-1), "bfloat16": (5e-2, 2e-1)},
    ),
    product(
        "linalg.vecdot",
        vecdot,
        conjugate_sums,
        Error(S(VECTOR, tensor([1.0, 2.0, 3.0])), "RuntimeError", "size|shape|broadcast"),
        Error(S(tensor([1, 2]), tensor([1, 2])), "RuntimeError", "float|dtype"),
        dtypes=ALL_FLOATS + COMPLEX,
        variants=(),
    ),
    product(
        "kron",
        np.kron,
        shapes(((2,), (3,)), ((2, 2), (1, 3)), ((2,), (2, 2)), ((), (2,)), ((0, 2), (2, 1))),
        dtypes=EVERY,
    ),
    product(
        "tensordot",
        tensordot,
        contractions,
        Error(S(MATRIX, MATRIX, 1), "RuntimeError", "size|match|contract"),
        Error(S(MATRIX, MATRIX, ([0], [0, 1])), "RuntimeError", "dim|length"),
        Error(S(MATRIX, MATRIX, -1), "RuntimeError", "dims|negative"),
        variants=(),
        covers=("_tensordot",),
        tol={**LOOSE, "float16": (1e-2, 2e-2), "bfloat16": (5e-2, 3e-1)},
    ),
]
