// Convolutions and transposed convolutions with one to three spatial dims.
#pragma once

#include "core/tensor.h"
#include "ops/kernel.h"

namespace rt {

// One list entry a spatial dim. For a transposed convolution this is the convolution it transposes.
struct ConvGeometry {
  Dims stride, padding, dilation;
  int64_t groups = 1;
};

// All arguments contiguous and of one dtype; `bias` may be undefined.
extern KernelSlot<void(const Tensor& out, const Tensor& input, const Tensor& weight,
                       const Tensor& bias, const ConvGeometry& geometry)>
    conv_kernel;
// The gradient of the input, which is the transposed convolution too.
extern KernelSlot<void(const Tensor& grad_input, const Tensor& grad, const Tensor& weight,
                       const Tensor& bias, const ConvGeometry& geometry)>
    conv_input_grad_kernel;
extern KernelSlot<void(const Tensor& grad_weight, const Tensor& input, const Tensor& grad,
                       const ConvGeometry& geometry)>
    conv_weight_grad_kernel;

namespace ops {

Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias, IntList stride,
                   IntList padding, IntList dilation, bool transposed, IntList output_padding,
                   int64_t groups);

}  // namespace ops
}  // namespace rt
