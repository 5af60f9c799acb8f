#pragma once

#include "ops/kernel.h"

namespace rt {

enum class ScanStep : uint8_t { Sum, Product, LogSumExp, Max, Min };
// Contiguous, of one type; index (int64) is written for Max and Min. `reverse`: from the end.
using ScanKernel = KernelSlot<void(ScanStep step, const Tensor& x, int64_t dim, bool reverse,
                                   const Tensor& out, const Tensor& index)>;
extern ScanKernel scan_kernel;

}  // namespace rt
