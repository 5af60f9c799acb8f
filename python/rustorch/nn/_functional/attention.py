"""Multi-head attention (Vaswani et al., 2017) over projected heads."""

from __future__ import annotations

import math
import warnings

import rustorch as rt
from rustorch import Tensor
from rustorch.errors import AssumptionError
from rustorch.nn._functional.core import ops


def _broken(what: str) -> AssumptionError:
    return AssumptionError.of("multi_head_attention_forward", what)


def canonical_mask(
    mask: Tensor | None, mask_name: str, other: Tensor | None, other_name: str, target_type: rt.dtype
) -> Tensor | None:
    """A mask as numbers to add to the scores: True becomes -inf, numbers stay; AssertionError for
    integers.
    """
    if mask is None:
        return None
    if mask.dtype != rt.bool and not mask.is_floating_point():
        raise _broken(f"only bool and floating types of {mask_name} are supported")
    if other is not None and other.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both "
            "instead.",
            stacklevel=3,
        )
    if mask.dtype != rt.bool:
        return mask
    return rt.zeros(mask.shape, dtype=target_type, device=mask.device).masked_fill_(mask, float("-inf"))


def _check_shapes(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
    num_heads: int,
) -> bool:
    """Whether the query has a batch dimension; AssertionError where the other arguments do not fit it."""
    n = query.dim()
    if n not in (2, 3):
        raise _broken(f"query should be unbatched 2D or batched 3D tensor but received {n}-D query tensor")
    kind = "batched (3-D)" if n == 3 else "unbatched (2-D)"
    if key.dim() != n or value.dim() != n:
        raise _broken(
            f"For {kind} `query`, expected `key` and `value` to be {n}-D but found {key.dim()}-D and "
            f"{value.dim()}-D tensors respectively"
        )
    if key_padding_mask is not None and key_padding_mask.dim() != n - 1:
        raise _broken(
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found "
            f"{key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise _broken(
                f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
                f"{attn_mask.dim()}-D tensor instead"
            )
        if n == 2 and attn_mask.dim() == 3:
            expected = (num_heads, query.shape[0], key.shape[0])
            if tuple(attn_mask.shape) != expected:
                raise _broken(f"Expected `attn_mask` shape to be {expected} but got {tuple(attn_mask.shape)}")
    return n == 3


def _project_packed(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Project with one (3E, E) weight, in as few products as the inputs' identity allows."""
    embed = q.shape[-1]
    if q is k and k is v:
        a, b, c = rt.chunk(ops.linear(q, weight, bias), 3, -1)
        return a, b, c
    w_q, w_kv = weight[:embed], weight[embed:]
    b_q, b_kv = (None, None) if bias is None else (bias[:embed], bias[embed:])
    first = ops.linear(q, w_q, b_q)
    if k is v:
        b, c = rt.chunk(ops.linear(k, w_kv, b_kv), 2, -1)
        return first, b, c
    b_k, b_v = (None, None) if b_kv is None else (b_kv[:embed], b_kv[embed:])
    return first, ops.linear(k, w_kv[:embed], b_k), ops.linear(v, w_kv[embed:], b_v)


def _heads(x: Tensor, batch: int, num_heads: int, head_dim: int) -> Tensor:
    """(L, N, E) to (N * heads, L, E / heads)."""
    return x.reshape(x.shape[0], batch * num_heads, head_dim).transpose(0, 1)


def _check_static(name: str, x: Tensor, batch_heads: int, head_dim: int) -> Tensor:
    if x.shape[0] != batch_heads or x.shape[2] != head_dim:
        raise _broken(
            f"expecting {name}.size(0) of {batch_heads} and {name}.size(2) of {head_dim}, but got "
            f"{x.shape[0]} and {x.shape[2]}"
        )
    return x


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attention of ``num_heads`` heads with input and output projections.

    ``query`` (L, N, E), ``key`` and ``value`` (S, N, E'), or all without N. ``key_padding_mask`` (N, S) and
    ``attn_mask`` (L, S) or (N heads, L, S) are added to the scores if float, forbid where True if bool.
    ``static_k``/``static_v`` (N heads, S, E/heads) replace the projected key and value. Returns the output
    (L, N, E) and, with ``need_weights``, the weights (N, L, S), per head with ``average_attn_weights=False``.

    >>> x, w = rt.ones(2, 1, 4), rt.zeros(12, 4)
    >>> out, weights = nn.functional.multi_head_attention_forward(
    ...     x, x, x, 4, 2, w, None, None, None, False, 0.0, rt.eye(4), None)
    >>> weights
    tensor([[[0.5000, 0.5000],
             [0.5000, 0.5000]]])
    """
    batched = _check_shapes(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        same_kv, same_qk = key is value, query is key
        query = query.unsqueeze(1)
        key = query if same_qk else key.unsqueeze(1)
        value = key if same_kv else value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    tgt_len, batch, embed_dim = query.shape
    src_len = key.shape[0]

    padding = canonical_mask(key_padding_mask, "key_padding_mask", attn_mask, "attn_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "multi_head_attention_forward: Need attn_mask if specifying the is_causal hint; got None; try "
            "nn.Transformer.generate_square_subsequent_mask(length)"
        )
    if is_causal and padding is None and not need_weights:
        attn_mask = None  # the hint alone says it, and the fused kernel knows the shape of the mask
    else:
        attn_mask = canonical_mask(attn_mask, "attn_mask", None, "", query.dtype)
        is_causal = False

    if embed_dim != embed_dim_to_check:
        raise _broken(f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}")
    head_dim = embed_dim // num_heads
    if head_dim * num_heads != embed_dim:
        raise _broken(f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if tuple(key.shape[:2]) != tuple(value.shape[:2]):
            raise _broken(
                f"key's sequence and batch dims {tuple(key.shape[:2])} do not match value's "
                f"{tuple(value.shape[:2])}"
            )
    elif tuple(key.shape) != tuple(value.shape):
        raise _broken(f"key shape {tuple(key.shape)} does not match value shape {tuple(value.shape)}")

    if use_separate_proj_weight:
        if q_proj_weight is None or k_proj_weight is None or v_proj_weight is None:
            raise _broken("use_separate_proj_weight is True but q_, k_ or v_proj_weight is None")
        b_q, b_k, b_v = (None, None, None) if in_proj_bias is None else rt.chunk(in_proj_bias, 3)
        q = ops.linear(query, q_proj_weight, b_q)
        k = ops.linear(key, k_proj_weight, b_k)
        v = ops.linear(value, v_proj_weight, b_v)
    else:
        if in_proj_weight is None:
            raise _broken("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _project_packed(query, key, value, in_proj_weight, in_proj_bias)

    if attn_mask is not None:
        if attn_mask.dim() == 2:
            expected: tuple[int, ...] = (tgt_len, src_len)
        else:
            expected = (batch * num_heads, tgt_len, src_len)
        if tuple(attn_mask.shape) != expected:
            raise RuntimeError(
                f"multi_head_attention_forward: The shape of the {attn_mask.dim()}D attn_mask is "
                f"{tuple(attn_mask.shape)}, but should be {expected}."
            )
        if attn_mask.dim() == 2:
            attn_mask = attn_mask.unsqueeze(0)

    # Keys and values beyond the given ones; every mask lets the query see them.
    extra = 0
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise _broken("bias cannot be added to static key or value.")
        k = rt.cat((k, bias_k.expand(1, batch, embed_dim)))
        v = rt.cat((v, bias_v.expand(1, batch, embed_dim)))
        extra += 1
    elif bias_k is not None or bias_v is not None:
        raise _broken("bias_k and bias_v must be given together")

    q = _heads(q, batch, num_heads, head_dim)
    k = (
        _heads(k, batch, num_heads, head_dim)
        if static_k is None
        else _check_static("static_k", static_k, batch * num_heads, head_dim)
    )
    v = (
        _heads(v, batch, num_heads, head_dim)
        if static_v is None
        else _check_static("static_v", static_v, batch * num_heads, head_dim)
    )
    if add_zero_attn:
        zero = rt.zeros((batch * num_heads, 1, head_dim), dtype=k.dtype, device=k.device)
        k = rt.cat((k, zero), 1)
        v = rt.cat((v, zero), 1)
        extra += 1
    if extra:
        attn_mask = None if attn_mask is None else ops.pad(attn_mask, (0, extra))
        padding = None if padding is None else ops.pad(padding, (0, extra))
    src_len = k.shape[1]

    if padding is not None:
        if tuple(padding.shape) != (batch, src_len):
            raise _broken(
                f"expecting key_padding_mask shape of {(batch, src_len)}, but got {tuple(padding.shape)}"
            )
        padding = padding.reshape(batch, 1, 1, src_len)
        if attn_mask is None:
            attn_mask = padding
        else:
            per_head = attn_mask.dim() == 3 and attn_mask.shape[0] != 1
            shape = (batch, num_heads, tgt_len, src_len) if per_head else (1, 1, tgt_len, src_len)
            attn_mask = attn_mask.reshape(shape) + padding
    elif attn_mask is not None:
        lead = (1, 1) if attn_mask.shape[0] == 1 else (batch, num_heads)
        attn_mask = attn_mask.reshape(*lead, tgt_len, src_len)

    # All the way down in four dimensions: (N, heads, L, E / heads).
    q4 = q.reshape(batch, num_heads, tgt_len, head_dim)
    k4 = k.reshape(batch, num_heads, src_len, head_dim)
    v4 = v.reshape(batch, num_heads, src_len, head_dim)
    p = dropout_p if training else 0.0
    weights: Tensor | None = None
    if need_weights:
        scores = rt.matmul(q4 * math.sqrt(1.0 / head_dim), k4.transpose(-2, -1))
        if attn_mask is not None:
            scores = scores + attn_mask
        weights = ops.softmax(scores, -1)
        if p > 0.0:
            weights = ops.dropout(weights, p, True)
        heads_out = rt.matmul(weights, v4)
        if average_attn_weights:
            weights = weights.mean(1)
        if not batched:
            weights = weights.squeeze(0)
    else:
        heads_out = ops.scaled_dot_product_attention(q4, k4, v4, attn_mask, p, is_causal)

    out = heads_out.permute(2, 0, 1, 3).reshape(tgt_len, batch, embed_dim)
    out = ops.linear(out, out_proj_weight, out_proj_bias)
    return (out if batched else out.squeeze(1)), weights
