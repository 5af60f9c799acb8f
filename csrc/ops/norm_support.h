// What the normalization layers check alike.
#pragma once

#include "core/tensor.h"

namespace rt {

// Floating types only; parameters of x's type, or float32 for float16 and bfloat16.
void check_norm_types(const char* op, const Tensor& x, TensorList parameters);
// (N, C, *), with parameters of one number a channel.
void check_channel_input(const char* op, const Tensor& x, const Tensor& weight, const Tensor& bias);
void check_channel_count(const char* op, const char* what, const Tensor& t, int64_t channels);
// (N, C, *) as (N, C, L).
Dims channel_shape(IntList sizes);
// running = (1 - momentum) * running + momentum * value, in place; nothing where there is none.
void mix_running(const Tensor& running, const Tensor& value, double momentum);

}  // namespace rt
