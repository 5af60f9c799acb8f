"""Elementwise arithmetic of two or three tensors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS, COMPLEX, EVERY, INTS, NUMERIC, is_complex, is_float, is_integral
from ..samples import Rng, positive, rand, special

BOTH = ("float64", "complex128")
SHAPES_DIFFER = Error(S(tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError", "broadcast|shape|size")
# 256 is zero once it is an int8, as is a zero-dim tensor that another dtype takes in.
ZERO = (
    Error(S(tensor([1]), tensor([0])), "RuntimeError", "zero"),
    Error(S(tensor([1], "int8"), 256), "RuntimeError", "zero"),
    Error(S(tensor([1], "uint8"), -256), "RuntimeError", "zero"),
    Error(S(tensor([1], "int32"), tensor(2**32)), "RuntimeError", "zero"),
)
NOT_A_TENSOR = Error(S(tensor([1.0]), "text"), "TypeError")


def pairs(dtype: str, rng: Rng, second: Any = rand) -> Iterator[Sample]:
    """Two tensors of one dtype: equal shapes, broadcast both ways, zero-dim, empty."""
    a, b = rand, second
    yield S(a(rng, (2, 3), dtype), b(rng, (2, 3), dtype))
    yield S(a(rng, (2, 1, 2), dtype), b(rng, (3, 1), dtype))
    yield S(a(rng, (), dtype), b(rng, (), dtype))
    yield S(a(rng, (3,), dtype), b(rng, (), dtype)).once()
    yield S(a(rng, (), dtype), b(rng, (2,), dtype)).once()
    yield S(a(rng, (0, 2), dtype), b(rng, (1, 2), dtype)).nograd()
    yield S(a(rng, (2, 19), dtype), b(rng, (2, 19), dtype)).nograd()


def with_numbers(dtype: str, rng: Rng, second: Any = rand) -> Iterator[Sample]:
    """A tensor and a Python number of the same or a higher category."""
    yield S(rand(rng, (2, 2), dtype), 2)
    if not is_integral(dtype) or dtype in ("int64", "bool", "uint8"):
        yield S(rand(rng, (3,), dtype), 1.5)
    if dtype in ("float32", "int32", "complex64", "float64"):
        yield S(rand(rng, (3,), dtype), 1 + 2j).nograd()
    if dtype in ("bool", "int8"):
        yield S(rand(rng, (3,), dtype), True)


def with_other_dtypes(dtype: str, rng: Rng, second: Any = rand) -> Iterator[Sample]:
    """Promotion: across categories, within one, and of zero-dim tensors."""
    for other in ("bool", "uint8", "int8", "int64", "bfloat16", "float16", "float64", "complex64"):
        if other != dtype and not (is_float(dtype) and is_complex(other)):
            yield S(rand(rng, (2, 2), dtype), second(rng, (2, 2), other)).nograd()
            yield S(rand(rng, (2,), dtype), positive(rng, (), other)).nograd()


def arithmetic(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    yield from with_numbers(dtype, rng)
    yield from with_other_dtypes(dtype, rng)
    yield S(special(dtype), special(dtype)).value_only()
    if dtype != "bool":
        yield S(special(dtype), rand(rng, special(dtype).values.shape, dtype)).value_only()


def with_alpha(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from arithmetic(dtype, rng)
    if dtype != "bool":
        yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), alpha=2)
        yield S(rand(rng, (2, 3), dtype), 3, alpha=2).once()
    if is_float(dtype):
        yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), alpha=-0.5)


def division(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng, positive)
    yield from with_numbers(dtype, rng)
    yield from with_other_dtypes(dtype, rng, positive)
    if is_float(dtype) or is_complex(dtype):
        yield S(special(dtype), rand(rng, special(dtype).values.shape, dtype)).value_only()
    if is_float(dtype):
        yield S(tensor([1.0, -1.0, 0.0, np.inf], dtype), tensor([0.0, 0.0, 0.0, np.inf], dtype)).value_only()


def rounded_division(dtype: str, rng: Rng) -> Iterator[Sample]:
    for mode in ("floor", "trunc"):
        yield S(rand(rng, (2, 3), dtype, -9, 9), positive(rng, (3,), dtype, 2, 5), rounding_mode=mode)
        yield S(rand(rng, (4,), dtype, -9, 9), 2, rounding_mode=mode)
        yield S(rand(rng, (), dtype, -9, 9), positive(rng, (), dtype), rounding_mode=mode)
        yield S(rand(rng, (0,), dtype), positive(rng, (1,), dtype), rounding_mode=mode).nograd()
    if dtype != "uint8":
        yield S(tensor([7, -7, 7, -7], dtype), tensor([2, 2, -2, -2], dtype), rounding_mode="floor").nograd()
        yield S(tensor([7, -7, 7, -7], dtype), tensor([2, 2, -2, -2], dtype), rounding_mode="trunc").nograd()


def rounded_div_ref(a: Any, b: Any, rounding_mode: str) -> Any:
    if rounding_mode == "floor":
        return np.floor_divide(a, b)
    if np.result_type(a, b).kind in "iu":
        q = np.abs(np.asarray(a, np.int64)) // np.abs(np.asarray(b, np.int64))
        return q * np.sign(np.asarray(a, np.int64)) * np.sign(np.asarray(b, np.int64))
    return np.trunc(a / b)


def modulo(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype, -9, 9), positive(rng, (3,), dtype, 2, 5))
    yield S(rand(rng, (2, 1), dtype, -9, 9), positive(rng, (2, 2), dtype, 2, 5))
    yield S(rand(rng, (), dtype, -9, 9), positive(rng, (), dtype, 2, 4))
    yield S(rand(rng, (0, 2), dtype), positive(rng, (2,), dtype)).nograd()
    yield S(rand(rng, (5,), dtype, -9, 9), 3)
    if is_float(dtype):
        yield S(rand(rng, (5,), dtype, -9, 9), 2.5)
        yield S(rand(rng, (5,), dtype, -9, 9), -2.5)
    if dtype not in ("uint8", "bool"):
        yield S(tensor([7, -7, 7, -7, 6], dtype), tensor([2, 2, -2, -2, 3], dtype)).nograd()
        yield S(tensor([7, -7, 6], dtype), -2).nograd()


def power(dtype: str, rng: Rng) -> Iterator[Sample]:
    other = "int64" if dtype == "bool" else dtype  # bool to the power of bool is not defined
    yield S(positive(rng, (2, 3), dtype), positive(rng, (3,), other))
    yield S(positive(rng, (), dtype), positive(rng, (2, 1), other))
    yield S(positive(rng, (), dtype), positive(rng, (), other)).once()
    yield S(rand(rng, (0,), dtype), positive(rng, (1,), other)).nograd()
    for exponent in (0, 1, 2, 3):
        yield S(rand(rng, (4,), dtype), exponent)
    if not is_integral(dtype):
        for exponent in (0.5, -0.5, -1.0, -2, 2.5):
            yield S(positive(rng, (4,), dtype), exponent)
        yield S(special(dtype), 2).value_only()
    if is_float(dtype):
        yield S(tensor([0.0, 0.0, 2.0], dtype), tensor([0.0, 2.0, 0.0], dtype)).nograd()
    if dtype in INTS:
        yield S(tensor([1, 2, 3, 0], dtype), tensor([2, 3, 2, 0], dtype))
        yield S(tensor([1, 2, 3], dtype), 0.5)
        yield S(tensor([11, 13], dtype), 9)  # wraps around
    yield S(positive(rng, (2,), dtype), positive(rng, (2,), "float32")).nograd()


def power_ref(a: Any, b: Any) -> Any:
    kind = np.result_type(np.asarray(a), np.asarray(b)).kind
    if kind == "b":
        return np.asarray(a) | ~np.asarray(b)
    if kind in "iu" and isinstance(b, int):
        return np.asarray(a) ** np.asarray(b, dtype=np.asarray(a).dtype)
    return np.power(a, b)


def power_of_number(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype, 0, 2), 2)
    yield S(rand(rng, (), dtype, 0, 2), 2.5)
    yield S(rand(rng, (0,), dtype), 2).nograd()
    if is_integral(dtype):
        yield S(tensor([0, 1, 1], dtype), 0)


def reversed_numbers(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (2, 3), dtype), 2)
    yield S(rand(rng, (), dtype), 2.5)
    yield S(rand(rng, (0,), dtype), 1).nograd()
    yield S(rand(rng, (4,), dtype), -1.5)
    if is_complex(dtype) or dtype == "float64":
        yield S(rand(rng, (4,), dtype), 1 - 2j)


def extremes(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    if is_integral(dtype):
        yield from (s for s in with_other_dtypes(dtype, rng) if not is_complex(s.args[1].dtype))
    if is_float(dtype):
        yield S(
            tensor([1.0, 2.0, 3.0], dtype), tensor([1.0, 3.0, 2.0], dtype)
        ).nograd()  # a tie halves the gradient
        yield S(special(dtype), tensor(special(dtype).values[::-1].copy(), dtype)).value_only()


def angles(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from pairs(dtype, rng)
    if is_float(dtype):
        signs = tensor([0.0, -0.0, 0.0, -0.0, np.inf, -np.inf, np.nan, 1.0], dtype)
        yield S(signs, tensor([0.0, 0.0, -0.0, -0.0, np.inf, -np.inf, 1.0, 0.0], dtype)).value_only()


def triples(dtype: str, rng: Rng) -> Iterator[Sample]:
    one = 2 if is_integral(dtype) else 0.5
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype), positive(rng, (2, 3), dtype))
    yield S(rand(rng, (2, 1), dtype), rand(rng, (3,), dtype), positive(rng, (1, 3), dtype), value=one)
    yield S(rand(rng, (), dtype), rand(rng, (), dtype), positive(rng, (), dtype)).once()
    yield S(rand(rng, (0, 2), dtype), rand(rng, (2,), dtype), positive(rng, (), dtype)).nograd()
    yield S(rand(rng, (3,), dtype), rand(rng, (1,), dtype), positive(rng, (3,), dtype), value=-1)


def interpolations(dtype: str, rng: Rng) -> Iterator[Sample]:
    weight = 0.25 + 0.5j if is_complex(dtype) else 0.25
    yield S(rand(rng, (2, 3), dtype), rand(rng, (2, 3), dtype), 0.75)
    yield S(rand(rng, (2, 1), dtype), rand(rng, (3,), dtype), weight)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (3,), dtype), rand(rng, (2, 1), dtype, 0, 1))
    yield S(rand(rng, (), dtype), rand(rng, (), dtype), rand(rng, (), dtype, 0, 1)).once()
    yield S(rand(rng, (0,), dtype), rand(rng, (1,), dtype), 0.5).nograd()


def wrapped(op: Any) -> Any:
    """Arithmetic on equal dtypes wraps around as in C; a Python int first takes the tensor's dtype."""

    def ref(a: Any, b: Any, alpha: Any = 1) -> Any:
        if isinstance(b, (int, bool)) and a.dtype.kind in "iu":
            b = np.asarray(b).astype(a.dtype)
        if alpha != 1:
            b = np.multiply(
                b,
                np.asarray(alpha).astype(np.asarray(b).dtype) if np.asarray(b).dtype.kind in "iu" else alpha,
            )
        return op(a, b)

    return ref


def add(a: Any, b: Any) -> Any:
    return np.add(a, b)


def binary(name: str, ref: Any, **fields: Any) -> OpCase:
    defaults: dict[str, Any] = {
        "samples": arithmetic,
        "dtypes": EVERY,
        "result": "promote_numbers",
        "grad": BOTH,
        "variants": (f"Tensor.{name}", f"operator.{name}"),
        "inplace": f"Tensor.{name}_",
        "out": True,
        "pointwise": True,
        "errors": (SHAPES_DIFFER, NOT_A_TENSOR),
    }
    return OpCase(name=name, ref=ref, **{**defaults, **fields})


def reflected(name: str, ref: Any, **fields: Any) -> OpCase:
    """`number op tensor`, reached through the tensor's reflected operator."""
    return OpCase(
        name=name,
        path=f"Tensor.{name}",
        ref=ref,
        **{
            "samples": reversed_numbers,
            "dtypes": EVERY,
            "result": "promote_numbers",
            "grad": BOTH,
            **fields,
        },
    )


BOOL_MINUS = Error(S(tensor([True]), tensor([False])), "RuntimeError", "bool")

CASES = [
    binary(
        "add",
        wrapped(add),
        samples=with_alpha,
        errors=(
            SHAPES_DIFFER,
            NOT_A_TENSOR,
            Error(S(tensor([1]), tensor([2]), alpha=0.5), "RuntimeError", "alpha"),
            Error(S(tensor([True]), tensor([True]), alpha=2.5), "RuntimeError", "alpha"),
            Error(S(tensor([1], "int8"), tensor([1], "int8"), alpha=300), "RuntimeError", "overflow"),
        ),
    ),
    binary(
        "sub",
        wrapped(np.subtract),
        samples=lambda d, r: (s for s in with_alpha(d, r) if not touches_bool(s)),
        dtypes=NUMERIC,
        variants=("Tensor.sub", "operator.sub", "subtract"),
        errors=(SHAPES_DIFFER, NOT_A_TENSOR, BOOL_MINUS),
    ),
    binary("mul", wrapped(np.multiply), variants=("Tensor.mul", "operator.mul", "multiply")),
    binary(
        "div",
        lambda a, b: np.true_divide(a, b),
        samples=division,
        result="float_numbers",
        variants=("Tensor.div", "operator.truediv", "true_divide", "divide"),
    ),
    binary(
        "div",
        rounded_div_ref,
        label="rounding_mode",
        samples=rounded_division,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
        variants=("Tensor.div",),
        errors=(
            Error(S(tensor([1.0]), tensor([2.0]), rounding_mode="up"), "RuntimeError", "rounding_mode"),
            Error(S(tensor([1]), tensor([0]), rounding_mode="floor"), "RuntimeError", "zero"),
            Error(S(tensor([1], "int16"), 2**16, rounding_mode="trunc"), "RuntimeError", "zero"),
        ),
    ),
    binary(
        "floor_divide",
        np.floor_divide,
        samples=modulo,
        dtypes=ALL_FLOATS + INTS,
        grad=(),
        refuses_grad="a step",
        variants=("Tensor.floor_divide", "operator.floordiv"),
        errors=(SHAPES_DIFFER, *ZERO),
    ),
    binary(
        "remainder",
        np.remainder,
        samples=modulo,
        dtypes=ALL_FLOATS + INTS,
        grad=("float64",),
        variants=("Tensor.remainder", "operator.mod"),
        errors=(SHAPES_DIFFER, *ZERO),
    ),
    binary(
        "pow",
        power_ref,
        samples=power,
        variants=("Tensor.pow", "operator.pow"),
        tol={"float16": (2e-3, 1e-5), "complex64": (1e-5, 1e-5), "float32": (3e-6, 1e-5)},
        errors=(
            SHAPES_DIFFER,
            Error(S(tensor([2, 3]), -1), "RuntimeError", "negative"),
            Error(S(tensor([2, 3], "int8"), 300), "RuntimeError", "overflow"),
        ),
    ),
    binary(
        "maximum",
        np.maximum,
        samples=extremes,
        dtypes=ALL_FLOATS + INTS + ("bool",),
        grad=("float64",),
        variants=("Tensor.maximum",),
        inplace="",
        errors=(SHAPES_DIFFER, Error(S(tensor([1j]), tensor([1j])), "RuntimeError", "complex")),
    ),
    binary(
        "minimum",
        np.minimum,
        samples=extremes,
        dtypes=ALL_FLOATS + INTS + ("bool",),
        grad=("float64",),
        variants=("Tensor.minimum",),
        inplace="",
        errors=(SHAPES_DIFFER, Error(S(tensor([1j]), tensor([1j])), "RuntimeError", "complex")),
    ),
    binary(
        "atan2",
        lambda a, b: np.arctan2(a.astype(float), b.astype(float)),
        samples=angles,
        result="float",
        dtypes=ALL_FLOATS + INTS + ("bool",),
        grad=("float64",),
        variants=("Tensor.atan2", "arctan2"),
        errors=(SHAPES_DIFFER,),
    ),
    binary(
        "addcmul",
        lambda a, b, c, value=1: a + np.asarray(value).astype(a.dtype) * b * c,
        samples=triples,
        dtypes=NUMERIC,
        result="promote",
        variants=("Tensor.addcmul",),
        errors=(
            Error(S(tensor([1.0]), tensor([1.0, 2.0]), tensor([1.0, 2.0, 3.0])), "RuntimeError"),
            Error(S(tensor([1.0]), tensor([1.0]), tensor([1.0]), value=1e40), "RuntimeError", "overflow"),
        ),
    ),
    binary(
        "addcdiv",
        lambda a, b, c, value=1: a + value * b / c,
        samples=triples,
        dtypes=ALL_FLOATS + COMPLEX,
        result="promote",
        variants=("Tensor.addcdiv",),
        errors=(Error(S(tensor([1]), tensor([1]), tensor([1])), "RuntimeError", "integer"),),
    ),
    binary(
        "lerp",
        lambda a, b, w: a + w * (b - a),
        samples=interpolations,
        dtypes=ALL_FLOATS + COMPLEX,
        result="promote",
        variants=("Tensor.lerp",),
        errors=(
            Error(S(tensor([1.0]), tensor([1.0], "float64"), 0.5), "RuntimeError", "dtype"),
            Error(S(tensor([1.0]), tensor([1.0]), 1e40), "RuntimeError", "overflow"),
        ),
    ),
    reflected("__radd__", lambda a, b: b + a),
    reflected("__rsub__", lambda a, b: b - a, dtypes=NUMERIC),
    reflected("__rmul__", lambda a, b: b * a),
    reflected("__rpow__", lambda a, b: np.power(b, a), samples=power_of_number),
]


def touches_bool(sample: Sample) -> bool:
    return any(isinstance(a, bool) or getattr(a, "dtype", "") == "bool" for a in sample.args)
