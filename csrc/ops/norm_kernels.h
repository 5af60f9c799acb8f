// The kernels of normalization layers. Tensors are contiguous, of one type (float32 or float64);
// weight, bias and gradients that are not wanted are undefined. Rows may also be float16 or
// bfloat16 on a GPU: then means, deviations and gradients of weight and bias are float32, weight
// and bias of either type.
#pragma once

#include "ops/kernel.h"

namespace rt {

// Rows of x (rows, n); weight and bias (n); mean and rstd (1 / deviation) (rows). mean is undefined
// for the root mean square.
using RowNormKernel =
    KernelSlot<void(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                    const Tensor& out, const Tensor& mean, const Tensor& rstd)>;
extern RowNormKernel row_norm_kernel;
using RowNormBackward = KernelSlot<void(
    const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& mean,
    const Tensor& rstd, const Tensor& grad_x, const Tensor& grad_weight, const Tensor& grad_bias)>;
extern RowNormBackward row_norm_backward_kernel;

// x (N, C, L); weight and bias (C); mean and rstd (N, groups). The gradients of weight and bias are
// of shape (N, C), zero at first: those of each sample.
using GroupNormKernel =
    KernelSlot<void(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps,
                    const Tensor& out, const Tensor& mean, const Tensor& rstd)>;
extern GroupNormKernel group_norm_kernel;
using GroupNormBackward = KernelSlot<void(
    const Tensor& grad, const Tensor& x, const Tensor& weight, const Tensor& mean,
    const Tensor& rstd, const Tensor& grad_x, const Tensor& grad_weight, const Tensor& grad_bias)>;
extern GroupNormBackward group_norm_backward_kernel;

// x (N, C, L): out = (x - mean[c]) * scale[c] + shift[c].
using ChannelAffine = KernelSlot<void(const Tensor& x, const Tensor& mean, const Tensor& scale,
                                      const Tensor& shift, const Tensor& out)>;
extern ChannelAffine channel_affine_kernel;
// sums (2, C), float64 on the CPU, float32 elsewhere: of grad, and of grad * (x - mean[c]).
using ChannelSums =
    KernelSlot<void(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& sums)>;
extern ChannelSums channel_sums_kernel;
// out = a[c] * grad + b[c] * (x - mean[c]) + shift[c].
using ChannelCombine =
    KernelSlot<void(const Tensor& grad, const Tensor& x, const Tensor& mean, const Tensor& a,
                    const Tensor& b, const Tensor& shift, const Tensor& out)>;
extern ChannelCombine channel_combine_kernel;

}  // namespace rt
