// Convolution (cross-correlation) over contiguous N, C, spatial... arrays with 1 to 3 spatial
// dimensions. Weights are out_channels x in_channels / groups x kernel.
#pragma once

#include <array>
#include <cstdint>

#include "core/dtype.h"

namespace rt::cpu {

struct ConvShape {
  int spatial_dims = 2;  // 1, 2 or 3; entries beyond it in the arrays below are ignored
  int64_t batch = 1;
  int64_t in_channels = 1;
  int64_t out_channels = 1;
  int64_t groups = 1;
  std::array<int64_t, 3> in_size{1, 1, 1};
  std::array<int64_t, 3> kernel{1, 1, 1};
  std::array<int64_t, 3> stride{1, 1, 1};
  std::array<int64_t, 3> padding{0, 0, 0};
  std::array<int64_t, 3> dilation{1, 1, 1};

  // floor((in + 2 padding - dilation (kernel - 1) - 1) / stride) + 1; not positive when the kernel
  // does not fit.
  int64_t out_size(int d) const {
    const int64_t room = in_size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    return room < 0 ? 0 : room / stride[d] + 1;
  }
};

// All three take every dtype but bool; float16 and bfloat16 accumulate in float32. `bias`
// (out_channels values) may be null. Outputs are overwritten and must not overlap the inputs.
// Throws Error(Value) for a shape that is not consistent.
void conv_forward(DType dtype, const ConvShape& shape, const void* input, const void* weight,
                  const void* bias, void* output);

// The gradient with respect to the input. It is also the transposed convolution: then `shape`
// describes the convolution it transposes, in_size is the result's size (output_padding included),
// and `bias`, if not null, adds in_channels values to the result.
void conv_backward_data(DType dtype, const ConvShape& shape, const void* grad_output,
                        const void* weight, const void* bias, void* grad_input);

// The gradients with respect to the weight and, if grad_bias is not null, the bias.
void conv_backward_weight(DType dtype, const ConvShape& shape, const void* input,
                          const void* grad_output, void* grad_weight, void* grad_bias);

}  // namespace rt::cpu
