#pragma once

#include "ops/kernel.h"

namespace rt {

// Copies between `values` and x[..., index, ...]; index and values have size 1 along dim, and
// positions are known to be inside. `put`: from values to x.
using PositionsKernel = KernelSlot<void(const Tensor& x, int64_t dim, const Tensor& index,
                                        const Tensor& values, bool put)>;
extern PositionsKernel positions_kernel;

}  // namespace rt
