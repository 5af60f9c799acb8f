"""Functions on tensors behind the layers: convolution, pooling, activation, normalisation, loss, attention.

Names, signatures and defaults are ``torch.nn.functional``'s. What the core implements comes from its op
table; the rest are compositions of core operations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rustorch import _C
from rustorch.nn._functional.activation import (
    gumbel_softmax,
    rrelu,
    rrelu_,
    softmin,
)
from rustorch.nn._functional.attention import multi_head_attention_forward
from rustorch.nn._functional.ctc import ctc_loss
from rustorch.nn._functional.distance import pairwise_distance, pdist
from rustorch.nn._functional.dot_product_attention import scaled_dot_product_attention
from rustorch.nn._functional.dropout import (
    alpha_dropout,
    dropout1d,
    dropout2d,
    dropout3d,
    feature_alpha_dropout,
)
from rustorch.nn._functional.loss import (
    cosine_embedding_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from rustorch.nn._functional.normalization import (
    batch_norm,
    cosine_similarity,
    group_norm,
    instance_norm,
    layer_norm,
    normalize,
    rms_norm,
)
from rustorch.nn._functional.regression_loss import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    huber_loss,
    kl_div,
    l1_loss,
    margin_ranking_loss,
    mse_loss,
    poisson_nll_loss,
    smooth_l1_loss,
)
from rustorch.nn._functional.resample import grid_sample, interpolate
from rustorch.nn._functional.vision import (
    affine_grid,
    channel_shuffle,
    local_response_norm,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
    pixel_unshuffle,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)
from rustorch.nn._functional.windows import fold, unfold

__all__ = [
    "affine_grid",
    "alpha_dropout",
    "batch_norm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "channel_shuffle",
    "cosine_embedding_loss",
    "cosine_similarity",
    "ctc_loss",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
    "fold",
    "gaussian_nll_loss",
    "grid_sample",
    "group_norm",
    "gumbel_softmax",
    "hinge_embedding_loss",
    "huber_loss",
    "instance_norm",
    "interpolate",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "local_response_norm",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "margin_ranking_loss",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "mse_loss",
    "multi_head_attention_forward",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "normalize",
    "pairwise_distance",
    "pdist",
    "pixel_unshuffle",
    "poisson_nll_loss",
    "rms_norm",
    "rrelu",
    "rrelu_",
    "scaled_dot_product_attention",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmin",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "unfold",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

_core = _C._namespaces["nn.functional"]
globals().update(_core)
__all__ += sorted(set(_core) - set(__all__))

if TYPE_CHECKING:
    from rustorch._op_types.nn_functional import *  # noqa: F403
