// Sliding windows as columns, and back.
#pragma once

#include "ops/kernel.h"

namespace rt {

// The windows over (height, width) planes.
struct FoldGeometry {
  int64_t height, width;
  IntList kernel, dilation, padding, stride;  // two each
  int64_t windows(size_t d) const {
    const int64_t size = d == 0 ? height : width;
    const int64_t room = size + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1;
    return room < 0 ? 0 : room / stride[d] + 1;
  }
};

// columns (planes, kernel, kernel, windows, windows) = the windows of x (planes, height, width),
// zero beyond its edges. Contiguous, of one item size.
extern KernelSlot<void(const Tensor& columns, const Tensor& x, const FoldGeometry& g)>
    unfold_kernel;
// x = the sum of the columns at their places; of one type that sums are made in.
extern KernelSlot<void(const Tensor& x, const Tensor& columns, const FoldGeometry& g)> fold_kernel;

}  // namespace rt
