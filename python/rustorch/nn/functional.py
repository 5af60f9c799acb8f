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
from rustorch.nn._functional.loss import (
    triplet_margin_with_distance_loss,
)
from rustorch.nn._functional.vision import (
    local_response_norm,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)

__all__ = [
    "gumbel_softmax",
    "local_response_norm",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "multi_head_attention_forward",
    "rrelu",
    "rrelu_",
    "softmin",
    "triplet_margin_with_distance_loss",
    "upsample",
    "upsample_bilinear",
    "upsample_nearest",
]

_core = _C._namespaces["nn.functional"]
globals().update(_core)
__all__ += sorted(set(_core) - set(__all__))

if TYPE_CHECKING:
    from rustorch._op_types.nn_functional import *  # noqa: F403
