"""Scaled dot-product attention (Vaswani et al., 2017, arXiv:1706.03762)."""

from __future__ import annotations

import rustorch as rt
from rustorch import Tensor
from rustorch.nn._functional.core import ops


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Softmax of scaled, masked query-key products, applied to the values.

    Shapes: (..., L, E), (..., S, E) and (..., S, Ev) give (..., L, Ev). A bool mask marks what may be
    attended to; another is added to the scores. `is_causal` masks what lies to the right of the diagonal. A
    row that may attend to nothing gives zeros. With `enable_gqa` fewer key heads serve groups of query heads.
    Follows ``torch.nn.functional.scaled_dot_product_attention``.

    >>> q = rt.ones(1, 2, 4)
    >>> nn.functional.scaled_dot_product_attention(q, q, rt.arange(4.0).reshape(1, 2, 2))
    tensor([[[1., 2.],
             [1., 2.]]])
    """
    for t in (query, key, value):
        if t.dim() < 2:
            raise RuntimeError(
                "scaled_dot_product_attention: All inputs must have at least 2 dims; got shapes "
                f"{list(query.shape)}, {list(key.shape)}, {list(value.shape)}"
            )
    if not (query.dtype == key.dtype == value.dtype):
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to have the same dtype, but got "
            f"{query.dtype}, {key.dtype} and {value.dtype}"
        )
    if query.device != key.device or query.device != value.device:
        raise RuntimeError(
            "scaled_dot_product_attention: Expected query, key, and value to have the same device type; got "
            f"{query.device}, {key.device} and {value.device}"
        )
    if attn_mask is not None and is_causal:
        raise RuntimeError(
            "scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True"
        )
    if attn_mask is not None and attn_mask.dtype not in (rt.bool, query.dtype, rt.float32):
        raise RuntimeError(
            "scaled_dot_product_attention: Expected attn_mask dtype to be bool or float or to match query "
            f"dtype, but got attn_mask.dtype: {attn_mask.dtype} and query.dtype: {query.dtype} instead."
        )
    if enable_gqa:
        key = _share_heads(query, key)
        value = _share_heads(query, value)
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    # Scaling both sides by the root keeps float16 products in range.
    root: float = abs(factor) ** 0.5
    scores = (query * (root if factor >= 0 else -root)) @ (key * root).transpose(-2, -1)
    mask = attn_mask
    if is_causal:
        length, width = scores.shape[-2:]
        mask = rt.ones(length, width, dtype=rt.bool, device=query.device).tril()
    if mask is None:
        weights = scores.softmax(-1)
    elif mask.dtype == rt.bool:
        hidden = scores.masked_fill(mask.logical_not(), float("-inf"))
        nowhere = mask.logical_not().all(-1, keepdim=True)
        # A row of -inf only would give NaN, in its gradient too: it attends to everything, then to nothing.
        weights = hidden.masked_fill(nowhere, 0.0).softmax(-1).masked_fill(nowhere, 0.0)
    else:
        weights = (scores + mask.to(scores.dtype)).softmax(-1)
        weights = weights.nan_to_num(0.0) if bool(mask.isinf().any()) else weights
    if dropout_p > 0.0:
        weights = ops.dropout(weights, dropout_p)
    return weights @ value


def _share_heads(query: Tensor, other: Tensor) -> Tensor:
    heads, own = query.shape[-3], other.shape[-3]
    if heads == own:
        return other
    if own == 0 or heads % own:
        raise RuntimeError(
            "scaled_dot_product_attention: Number of heads in key and value must divide the number of "
            f"heads in query; got {own} and {heads}"
        )
    return other.repeat_interleave(heads // own, -3)
