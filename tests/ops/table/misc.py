"""Conversions, fills, and what leaves the world of tensors."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..case import D, Error, OpCase, S, Sample, tensor
from ..dtypes import EVERY, cast, is_complex, is_float
from ..samples import Rng, positive, rand
from .view import BOTH, MATRIX


def plain(dtype: str, rng: Rng) -> Iterator[Sample]:
    make = positive if dtype != "bool" else rand
    yield S(make(rng, (2, 3), dtype))
    yield S(make(rng, (), dtype)).once()
    yield S(make(rng, (0, 2), dtype)).nograd()
    yield S(make(rng, (33,), dtype)).nograd()


def real_parts(x: np.ndarray, target: str) -> np.ndarray:
    """Conversion to a real dtype drops the imaginary part; to bool it asks for a non-zero value."""
    if target == "bool":
        return x != 0
    if x.dtype.kind == "c" and not is_complex(target):
        x = x.real
    return np.trunc(x) if not is_float(target) and not is_complex(target) and x.dtype.kind == "f" else x


def conversion(name: str, target: str) -> OpCase:
    return OpCase(
        name=name,
        path=f"Tensor.{name}",
        samples=plain,
        ref=lambda x: real_parts(x, target),
        dtypes=EVERY,
        result=target,
        grad={"float64": ("float64",), "complex128": BOTH}.get(target, ()),
        pointwise=True,
    )


def targets(dtype: str, rng: Rng) -> Iterator[Sample]:
    for target in EVERY:
        exact = target in ("float64", "complex128") and not (is_complex(dtype) and is_float(target))
        sample = S(positive(rng, (2, 3), dtype), D(target))
        yield sample.once() if exact else sample.value_only()
    yield S(positive(rng, (2,), dtype), "cpu")
    yield S(positive(rng, (2,), dtype), "cpu", D("float64")).value_only()
    yield S(positive(rng, (2,), dtype), dtype=D("int32"), copy=True).value_only()
    yield S(positive(rng, (2,), dtype), rand(rng, (), "float64", grad=False)).value_only()
    yield S(positive(rng, (0, 2), dtype), D("float32")).value_only()


def to_target(sample: Sample) -> str:
    asked = [a for a in (*sample.args[1:], *sample.kwargs.values()) if isinstance(a, D)]
    like = [a.dtype for a in sample.args[1:] if hasattr(a, "dtype")]
    return asked[0].name if asked else like[0] if like else sample.args[0].dtype


def to_ref(sample: Sample) -> np.ndarray:
    return cast(real_parts(sample.args[0].wide(), to_target(sample)), to_target(sample))


def single(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield S(rand(rng, (), dtype))
    yield S(rand(rng, (1,), dtype))
    yield S(rand(rng, (1, 1, 1), dtype))
    if is_float(dtype):
        yield S(tensor(np.nan, dtype))
        yield S(tensor(np.inf, dtype))


def fills(dtype: str, rng: Rng) -> Iterator[Sample]:
    value = True if dtype == "bool" else 3
    yield S(rand(rng, (2, 3), dtype), value)
    yield S(rand(rng, (2, 3), dtype), rand(rng, (), dtype))
    yield S(rand(rng, (), dtype), value).once()
    yield S(rand(rng, (0, 2), dtype), value).nograd()
    if is_float(dtype):
        yield S(rand(rng, (2,), dtype), -0.5).once()


def conjugates(dtype: str, rng: Rng) -> Iterator[Sample]:
    yield from plain(dtype, rng)


CASES = [
    conversion("float", "float32"),
    conversion("double", "float64"),
    conversion("half", "float16"),
    conversion("bfloat16", "bfloat16"),
    conversion("long", "int64"),
    conversion("int", "int32"),
    conversion("bool", "bool"),
    conversion("short", "int16"),
    conversion("char", "int8"),
    conversion("byte", "uint8"),
    conversion("cfloat", "complex64"),
    conversion("cdouble", "complex128"),
    OpCase(
        name="to",
        path="Tensor.to",
        samples=targets,
        sample_ref=to_ref,
        dtypes=EVERY,
        result=to_target,
        grad=BOTH,
        speaks_as=("device",),
        errors=(Error(S(MATRIX, "nowhere"), "RuntimeError", "device"),),
        covers=("type", "cpu", "type_as"),
    ),
    OpCase(
        name="item",
        path="Tensor.item",
        samples=single,
        ref=lambda x: x.reshape(-1)[0].item(),
        dtypes=EVERY,
        errors=(
            Error(S(MATRIX), "RuntimeError", "one element|element"),
            Error(S(tensor(np.zeros(0), "float32")), "RuntimeError", "element"),
        ),
    ),
    OpCase(
        name="fill",
        samples=fills,
        ref=lambda x, v: np.full(x.shape, v),
        dtypes=EVERY,
        result="first",
        grad=BOTH,
        inplace="Tensor.fill_",
        variants=(),
        errors=(Error(S(MATRIX, tensor([1.0, 2.0])), "RuntimeError", "dim|0-dim"),),
    ),
    OpCase(
        name="zero_",
        path="Tensor.zero_",
        samples=plain,
        ref=np.zeros_like,
        dtypes=EVERY,
        result="first",
        grad=BOTH,
        inplace="Tensor.zero_",
        layouts=False,
        covers=("zero",),
    ),
    OpCase(
        name="conj",
        samples=conjugates,
        ref=np.conj,
        dtypes=EVERY,
        result="first",
        grad=BOTH,
        variants=("Tensor.conj",),
        covers=("resolve_conj", "conj_physical"),
    ),
]
