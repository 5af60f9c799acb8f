"""Gradient clipping, parameters as one vector, batches of sequences, parametrizations, fusion."""

from rustorch.nn.utils import clip_grad, convert_parameters, fusion, parametrizations, parametrize, rnn
from rustorch.nn.utils.clip_grad import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from rustorch.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from rustorch.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from rustorch.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from rustorch.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "convert_parameters",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "fusion",
    "get_total_norm",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "spectral_norm",
    "weight_norm",
    "parameters_to_vector",
    "rnn",
    "vector_to_parameters",
]
