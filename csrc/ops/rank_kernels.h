#pragma once

#include "ops/kernel.h"

namespace rt {

// x (lines, n), real; ranks (int64), values and positions (int64) (lines, q): all contiguous. In
// increasing order with NaN last, of equal values the earlier first. Ranks are within 0..n-1.
using RankKernel = KernelSlot<void(const Tensor& x, const Tensor& ranks, const Tensor& values,
                                   const Tensor& positions)>;
extern RankKernel rank_kernel;
// The most frequent value of each line, of equally frequent ones the smallest, and its last
// position.
using ModeKernel = KernelSlot<void(const Tensor& x, const Tensor& values, const Tensor& positions)>;
extern ModeKernel mode_kernel;

}  // namespace rt
