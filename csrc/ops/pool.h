// Pooling: a statistic of windows over the last one to three dims.
#pragma once

#include <array>

#include "core/tensor.h"
#include "ops/kernel.h"

namespace rt {

// The windows along one dim: window i covers start[i], start[i] + step, ... below end[i].
struct PoolAxis {
  IntList start, end;
  int64_t step = 1;
};
// Three axes, the leading ones trivial where there are fewer spatial dims.
using PoolWindows = std::array<PoolAxis, 3>;

// x and out are contiguous (planes, depth, height, width); index holds flat positions in a plane.
extern KernelSlot<void(const Tensor& out, const Tensor& index, const Tensor& x,
                       const PoolWindows& w)>
    pool_max_kernel;
// out = sum over each window of x / divisor[window].
extern KernelSlot<void(const Tensor& out, const Tensor& x, const PoolWindows& w,
                       const Tensor& divisor)>
    pool_mean_kernel;
extern KernelSlot<void(const Tensor& grad_x, const Tensor& grad, const PoolWindows& w,
                       const Tensor& divisor)>
    pool_mean_grad_kernel;
// out[plane, index] += values, each index within its window, and its transpose
// out = values[plane, index].
extern KernelSlot<void(const Tensor& out, const Tensor& values, const Tensor& index,
                       const PoolWindows& w)>
    plane_scatter_kernel;
extern KernelSlot<void(const Tensor& out, const Tensor& values, const Tensor& index)>
    plane_gather_kernel;

}  // namespace rt
