"""Attention."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special as sp

from ..case import Error, OpCase, S, Sample, tensor
from ..dtypes import ALL_FLOATS
from ..samples import Rng, rand
from .conv import ones

F = "nn.functional."
LOOSE = {"float16": (4e-3, 4e-3), "bfloat16": (3e-2, 4e-2), "float32": (1e-5, 2e-5)}
GRAD_TOL = {"float64": (1e-6, 1e-6)}


def attentions(dtype: str, rng: Rng) -> Iterator[Sample]:
    def qkv(q: Any, k: Any, v: Any) -> Any:
        return rand(rng, q, dtype), rand(rng, k, dtype), rand(rng, v, dtype)

    small = (1, 1, 2, 2), (1, 1, 3, 2), (1, 1, 3, 2)
    yield S(*qkv(*small))
    yield S(*qkv(*small), rand(rng, (2, 3), dtype))
    yield S(*qkv(*small), rand(rng, (2, 3), dtype, grad=False))
    yield S(*qkv(*small), tensor([[True, False, True], [True, True, False]], rigid=True))
    yield S(*qkv((1, 1, 3, 2), (1, 1, 3, 2), (1, 1, 3, 3)), is_causal=True)
    yield S(*qkv(*small), scale=0.3).once()
    yield S(*qkv((2, 2, 2), (2, 3, 2), (2, 3, 2))).once()  # no heads
    yield S(*qkv((1, 4, 2, 2), (1, 2, 3, 2), (1, 2, 3, 2)), enable_gqa=True)
    yield S(*qkv((2, 3, 17, 8), (2, 3, 33, 8), (2, 3, 33, 8))).nograd()
    mask = tensor(
        np.array([[True, True], [False, False]]), rigid=True
    )  # a row that may attend to nothing is zero
    yield S(*qkv((1, 1, 2, 2), (1, 1, 2, 2), (1, 1, 2, 2)), mask).value_only()


def attention(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
    enable_gqa: bool = False,
) -> np.ndarray:
    if enable_gqa:
        k, v = (np.repeat(t, q.shape[-3] // t.shape[-3], axis=-3) for t in (k, v))
    scores = q @ np.swapaxes(k, -1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        mask = np.tril(np.ones(scores.shape[-2:], bool))
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    weights = np.nan_to_num(sp.softmax(scores, axis=-1), nan=0.0)
    return weights @ v


def heads(dtype: str, rng: Rng) -> Iterator[Sample]:
    """(query, key, value, embed_dim, heads, in_w, in_b, bias_k, bias_v, add_zero, p, out_w, out_b, ...)"""
    e = 4

    def call(t: int, s: int, b: int, **options: Any) -> Sample:
        q, k, v = (rand(rng, (n, b, e), dtype) for n in (t, s, s))
        inner = rand(rng, (3 * e, e), dtype, -1, 1), rand(rng, (3 * e,), dtype)
        outer = rand(rng, (e, e), dtype, -1, 1), rand(rng, (e,), dtype)
        return S(q, k, v, e, 2, *inner, None, None, False, 0.0, *outer, **{"training": True, **options})

    yield call(2, 2, 1).nograd()
    yield call(2, 3, 1, need_weights=False).nograd()
    yield call(2, 3, 2, average_attn_weights=False).nograd()
    yield call(
        2, 3, 2, key_padding_mask=tensor([[False, False, True], [False, True, False]], rigid=True)
    ).nograd()
    yield call(3, 3, 1, attn_mask=rand(rng, (3, 3), dtype, grad=False)).nograd()
    yield call(3, 3, 1, attn_mask=tensor(np.triu(np.ones((3, 3), bool), 1), rigid=True)).nograd()


def multi_head(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    e: int,
    n: int,
    in_w: Any,
    in_b: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    p: float,
    out_w: Any,
    out_b: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    average_attn_weights: bool = True,
) -> Any:
    t, b, _ = q.shape
    parts = [
        (x @ w.T + bias).reshape(x.shape[0], b, n, e // n).transpose(1, 2, 0, 3)
        for x, w, bias in zip((q, k, v), np.split(in_w, 3), np.split(in_b, 3))
    ]
    scores = parts[0] @ np.swapaxes(parts[1], -1, -2) / (e // n) ** 0.5
    if attn_mask is not None:
        scores = np.where(attn_mask, -np.inf, scores) if attn_mask.dtype == bool else scores + attn_mask
    if key_padding_mask is not None:
        scores = np.where(key_padding_mask[:, None, None, :], -np.inf, scores)
    weights = sp.softmax(scores, axis=-1)
    out = (weights @ parts[2]).transpose(2, 0, 1, 3).reshape(t, b, e) @ out_w.T + out_b
    if not need_weights:
        return out, None
    return out, weights.mean(1) if average_attn_weights else weights


Q = ones(1, 1, 2, 2)

CASES = [
    OpCase(
        name=F + "scaled_dot_product_attention",
        samples=attentions,
        ref=attention,
        dtypes=ALL_FLOATS,
        grad=("float64",),
        result="first",
        tol=LOOSE,
        grad_tol=GRAD_TOL,
        strides=False,
        errors=(
            Error(S(Q, ones(1, 1, 2, 3), ones(1, 1, 2, 3)), "RuntimeError", "size|shape"),
            Error(S(Q, tensor(np.ones((1, 1, 2, 2)), "float64"), Q), "RuntimeError", "dtype"),
        ),
    ),
    OpCase(
        name=F + "multi_head_attention_forward",
        samples=heads,
        ref=multi_head,
        dtypes=ALL_FLOATS,
        result="first",
        tol={"float16": (2e-2, 5e-2), "bfloat16": (1e-1, 4e-1), "float32": (1e-5, 5e-5)},
        strides=False,
        errors=(
            Error(
                S(
                    ones(2, 1, 3),
                    ones(2, 1, 3),
                    ones(2, 1, 3),
                    4,
                    2,
                    ones(12, 4),
                    ones(12),
                    None,
                    None,
                    False,
                    0.0,
                    ones(4, 4),
                    ones(4),
                ),
                "AssertionError",
            ),
        ),
    ),
]
