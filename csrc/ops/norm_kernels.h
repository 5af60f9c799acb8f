#pragma once

#include "ops/kernel.h"

namespace rt {

// Rows of x (rows, n), contiguous, of one floating type; weight and bias (n) may be undefined.
// mean is undefined for the root mean square. `rstd` is 1 / deviation.
using RowNormKernel =
    KernelSlot<void(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                    const Tensor& out, const Tensor& mean, const Tensor& rstd)>;
extern RowNormKernel row_norm_kernel;
using RowNormBackward = KernelSlot<void(
    const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& mean,
    const Tensor& rstd, const Tensor& grad_x, const Tensor& grad_weight, const Tensor& grad_bias)>;
extern RowNormBackward row_norm_backward_kernel;

// x (N, C, L) contiguous: out = (x - mean[c]) * scale[c] + shift[c].
using ChannelAffine = KernelSlot<void(const Tensor& x, const Tensor& mean, const Tensor& scale,
                                      const Tensor& shift, const Tensor& out)>;
extern ChannelAffine channel_affine_kernel;
// sums (2, C), float64: of grad, and of grad * (x - mean[c]).
using ChannelSums =
    KernelSlot<void(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& sums)>;
extern ChannelSums channel_sums_kernel;
// out = a[c] * grad + b[c] * (x - mean[c]) + shift[c]; the numbers are of the compute type.
using ChannelCombine =
    KernelSlot<void(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& a,
                    const Tensor& b, const Tensor& shift, const Tensor& out)>;
extern ChannelCombine channel_combine_kernel;

}  // namespace rt
