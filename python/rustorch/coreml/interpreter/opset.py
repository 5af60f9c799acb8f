"""The operations of Core ML's model intermediate language, iOS 15 to iOS 18, as data.

One line each: the name, and its parameters as ``name:kind``, with ``?`` where it may be left out,
``=default``, ``@17`` where it came with iOS 17 and ``<17`` where it left with it. Kinds:

========  ============================================================================================
``T``     a tensor
``V``     several tensors
``L``     a list of tensors
``S``     a state
``i f b`` an integer, a float, a bool; ``n`` an integer or a float; ``s`` a string
``e``     a float rounded to the data type of ``x``: what is added to keep away from 0
``I B``   integers, bools; ``VI VB VP`` integers, bools, anything, given one by one
``P``     anything, as Python's values
========  ============================================================================================
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

__all__ = ["OPS", "OpSpec", "Parameter"]

_TABLE = """
abs | x:T
acos | x:T
add | x:T y:T
affine | x:T transform_matrix:T output_height:i output_width:i sampling_mode:s padding_mode:s \
padding_value:f coordinates_mode:s align_corners:b
argsort | x:T axis:i=-1 ascending:b=False
asin | x:T
atan | x:T
atanh | x:T
avg_pool | x:T kernel_sizes:I strides:I? pad_type:s pad:I? ceil_mode:b=False \
exclude_padding_from_average:b=False
band_part | x:T lower:i=-1 upper:i=-1
batch_norm | x:T mean:T variance:T gamma:T? beta:T? epsilon:f=1e-5
batch_to_space | x:T block_shape:I crops:P
cast | x:T dtype:s
ceil | x:T
clamped_relu | x:T alpha:f beta:f
classify | probabilities:T classes:P
clip | x:T alpha:n beta:n
concat | values:V axis:i interleave:b=False
cond | pred:T
const | val:P
constexpr_affine_dequantize@16 | quantized_data:T zero_point:T scale:T axis:i
constexpr_blockwise_shift_scale@18 | data:T scale:T offset:T?
constexpr_cast@16 | source_val:T output_dtype:s
constexpr_lut_to_dense@16 | indices:T lut:T shape<18:I? vector_axis@18:i?
constexpr_lut_to_sparse@18 | indices_mask:T indices_nonzero_data:T lut:T vector_axis:i?
constexpr_sparse_blockwise_shift_scale@18 | data_mask:T nonzero_data:T scale:T offset:T?
constexpr_sparse_to_dense@16 | nonzero_data:T mask:T shape<18:I?
conv | x:T weight:T bias:T? strides:I? pad_type:s='valid' pad:I? dilations:I? groups:i=1
conv_quantized | x:T weight:T bias:T? quantization_type:s nbits:i=8 quant_scale:T quant_bias:T? strides:I? \
pad_type:s='valid' pad:I? dilations:I? groups:i=1
conv_transpose | x:T weight:T bias:T? pad:I? output_shape:I? pad_type:s='valid' strides:I? dilations:I? \
groups:i=1
cos | x:T
cosh | x:T
crop | x:T crop_height:I crop_width:I
crop_resize | x:T roi<17:T? boxes@17:T? box_indices@17:T? target_height:i=1 target_width:i=1 \
normalized_coordinates:b=False spatial_scale:f=1.0 box_coordinate_mode:s='CORNERS_HEIGHT_FIRST' \
sampling_mode:s='DEFAULT' pad_value@16:f=0.0
cumsum | x:T axis:i=0 exclusive:b=False reverse:b=False
depth_to_space | x:T block_size:i
dequantize@17 | input:T zero_point:T? scale:T axis:i?
einsum | values:V equation:s
elu | x:T alpha:f
equal | x:T y:T
erf | x:T
exp | x:T
exp2 | x:T
expand_dims | x:T axes:I
fill | shape:I value:n=0.0
fill_like@16 | ref_tensor:T value:n=0.0
flatten2d | x:T axis:i=1
floor | x:T
floor_div | x:T y:T
gather | x:T indices:T axis:i=0 batch_dims@16:i=0 validate_indices@17:b=False
gather_along_axis | x:T indices:T axis:i=0 validate_indices@17:b=False
gather_nd | x:T indices:T batch_dims@16:i=0 validate_indices@17:b=False
gelu | x:T mode:s='EXACT'
greater | x:T y:T
greater_equal | x:T y:T
gru | x:T initial_h:T weight_ih:T weight_hh:T bias:T? direction:s='forward' output_sequence:b=False \
recurrent_activation:s='sigmoid' activation:s='tanh' reset_after@18:b=False input_bias@18:T?
identity | x:T
instance_norm | x:T gamma:T? beta:T? epsilon:f=1e-5
inverse | x:T epsilon:e=1e-4
l2_norm | x:T epsilon:f=1e-6
l2_pool | x:T kernel_sizes:I strides:I? pad_type:s pad:I? ceil_mode:b=False
layer_norm | x:T axes:I? gamma:T? beta:T? epsilon:f=1e-5
leaky_relu | x:T alpha:f
less | x:T y:T
less_equal | x:T y:T
linear | x:T weight:T bias:T?
linear_activation | x:T alpha:f beta:f=0.0
list_gather | ls:L indices:I
list_length | ls:L
list_read | ls:L index:i
list_scatter | ls:L indices:I value:T
list_write | ls:L index:i value:T
local_response_norm | x:T size:i alpha:f=1e-4 beta:f=0.75 k:f=1.0
log | x:T epsilon:e=1e-45
logical_and | x:T y:T
logical_not | x:T
logical_or | x:T y:T
logical_xor | x:T y:T
lstm | x:T initial_h:T initial_c:T weight_ih:T weight_hh:T bias:T? peephole:T? weight_ih_back:T? \
weight_hh_back:T? bias_back:T? peephole_back:T? direction:s='forward' output_sequence:b=False \
recurrent_activation:s='sigmoid' cell_activation:s='tanh' activation:s='tanh' clip:f?
make_list | init_length:i=1 dynamic_length:b=True elem_shape:VP? dtype:s='fp32'
matmul | x:T y:T transpose_x:b=False transpose_y:b=False
max_pool | x:T kernel_sizes:I strides:I? pad_type:s pad:I? ceil_mode:b=False
maximum | x:T y:T
minimum | x:T y:T
mod | x:T y:T
mul | x:T y:T
non_maximum_suppression | boxes:T scores:T iou_threshold:f score_threshold<17:f? max_boxes:i \
per_class_suppression:b=False
non_zero | x:T
not_equal | x:T y:T
one_hot | indices:T one_hot_vector_size:i axis:i=-1 on_value:n=1 off_value:n=0
pad | x:T pad:I mode:s='constant' constant_val:n=0.0
pixel_shuffle | x:T upscale_factor:i
pixel_unshuffle@16 | x:T downscale_factor:i
pow | x:T y:T
prelu | x:T alpha:T
quantize@17 | input:T zero_point:T? scale:T axis:i? output_dtype:s
random_bernoulli | shape:I prob:f=0.5 seed:i=-1
random_categorical | x:T mode:s='logits' size:i=1 seed:i=-1
random_normal | shape:I mean:f=0.0 stddev:f=1.0 seed:i=-1
random_uniform | shape:I low:f=0.0 high:f=1.0 seed:i=-1
range_1d | end:n start:n step:n
read_state@18 | input:S
real_div | x:T y:T
reduce_argmax | x:T axis:i=-1 keep_dims:b=False output_dtype@17:s?
reduce_argmin | x:T axis:i=-1 keep_dims:b=False output_dtype@17:s?
reduce_l1_norm | x:T axes:I? keep_dims:b=False
reduce_l2_norm | x:T axes:I? keep_dims:b=False
reduce_log_sum | x:T axes:I? keep_dims:b=False
reduce_log_sum_exp | x:T axes:I? keep_dims:b=False
reduce_max | x:T axes:I? keep_dims:b=False
reduce_mean | x:T axes:I? keep_dims:b=False
reduce_min | x:T axes:I? keep_dims:b=False
reduce_prod | x:T axes:I? keep_dims:b=False
reduce_sum | x:T axes:I? keep_dims:b=False
reduce_sum_square | x:T axes:I? keep_dims:b=False
relu | x:T
relu6 | x:T
resample | x:T coordinates:T sampling_mode:s padding_mode:s padding_value:f coordinates_mode:s \
align_corners:b
reshape | x:T shape:I
reshape_like@16 | x:T ref_tensors:V begins:VI ends:VI end_masks:VB
resize@17 | x:T shape:I resized_dims:i interpolation_mode:s='LINEAR' sampling_mode:s='DEFAULT'
resize_bilinear | x:T target_size_height:i=1 target_size_width:i=1 sampling_mode:s='DEFAULT'
resize_nearest_neighbor | x:T target_size_height:i target_size_width:i
reverse | x:T axes:I?
reverse_sequence | x:T lengths:T seq_axis:i=0 batch_axis:i=0
rnn | x:T initial_h:T weight_ih:T weight_hh:T bias:T? direction:s='forward' output_sequence:b=False \
activation:s='tanh'
round | x:T
rsqrt | x:T epsilon:e=1e-12
scaled_dot_product_attention@18 | query:T key:T value:T attn_mask:T?
scaled_tanh | x:T alpha:f beta:f
scatter | data:T indices:T updates:T axis:i=0 mode:s='add' validate_indices@17:b=False
scatter_along_axis | data:T indices:T updates:T axis:i=0 mode:s='add' validate_indices@17:b=False
scatter_nd | data:T indices:T updates:T mode:s='add' validate_indices@17:b=False
select | cond:T a:T b:T
shape | x:T
sigmoid | x:T
sigmoid_hard | x:T alpha:f beta:f
sign | x:T
silu | x:T
sin | x:T
sinh | x:T
slice_by_index | x:T begin:I end:I stride:I? begin_mask:B? end_mask:B? squeeze_mask:B?
slice_by_size | x:T begin:I size:I
slice_update@18 | x:T update:T begin:I end:I stride:I? begin_mask:B? end_mask:B? squeeze_mask:B?
sliding_windows | x:T axis:i size:i stride:i=1
softmax | x:T axis:i=-1
softplus | x:T
softplus_parametric | x:T alpha:T beta:T
softsign | x:T
space_to_batch | x:T block_shape:I paddings:P
space_to_depth | x:T block_size:i
split | x:T num_splits:i? split_sizes:I? axis:i
sqrt | x:T
square | x:T
squeeze | x:T axes:I?
stack | values:V axis:i
sub | x:T y:T
tan | x:T
tanh | x:T
threshold | x:T alpha:n
thresholded_relu | x:T alpha:f
tile | x:T reps:I
topk | x:T k:i=1 axis:i=-1 ascending:b=False sort@16:b=True return_indices@16:b=True \
output_indices_dtype@17:s?
transpose | x:T perm:I
upsample_bilinear | x:T scale_factor_height:n=1 scale_factor_width:n=1 align_corners:b=True \
half_pixel_centers@16:b?
upsample_nearest_neighbor | x:T scale_factor_height:n=1 scale_factor_width:n=1
while_loop | loop_vars:V
write_state@18 | input:S data:T
"""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation.

    Attributes:
        kind: of value, see the top of this file.
        optional: whether it may be left out; `default` is used then.
        since, until: the iOS version that brought it, and the first one without it.
    """

    name: str
    kind: str
    optional: bool
    default: Any
    since: int = 15
    until: int = 1000


@dataclass(frozen=True)
class OpSpec:
    """An operation: its parameters by name, and the iOS version that brought it."""

    name: str
    parameters: dict[str, Parameter]
    since: int = 15


def _split_version(text: str) -> tuple[str, int, int]:
    name, _, since = text.partition("@")
    name, _, until = name.partition("<")
    return name, int(since or 15), int(until or 1000)


def _parameter(text: str, since_op: int) -> Parameter:
    declared, default_text = (text.split("=", 1) + [""])[:2]
    versioned, kind = declared.split(":")
    name, since, until = _split_version(versioned)
    default = ast.literal_eval(default_text) if default_text else None
    optional = kind.endswith("?") or bool(default_text)
    return Parameter(name, kind.rstrip("?"), optional, default, max(since, since_op), until)


def _op(line: str) -> OpSpec:
    head, tail = line.split("|")
    name, since, _ = _split_version(head.strip())
    parameters = [_parameter(text, since) for text in tail.split()]
    return OpSpec(name, {parameter.name: parameter for parameter in parameters}, since)


OPS: dict[str, OpSpec] = {spec.name: spec for spec in map(_op, _TABLE.strip().splitlines())}
