// Sums of an elementwise formula, without its values in memory: losses over whole tensors.
#pragma once

#include "ops/elementwise.h"

namespace rt {

// result (zero-dim, of the compute type) = the sum of the formula's values over `shape`, divided by
// `divisor`; inputs as for the elementwise launcher.
using ElementwiseSum = KernelSlot<void(const ElementwiseSlot& slot, DType compute, IntList shape,
                                       TensorList inputs, double divisor, const Tensor& result)>;
extern ElementwiseSum elementwise_sum_kernel;

// The zero-dim sum, or mean, of slot(inputs...) in the type `promoted`, computed and added in its
// compute type or wider and rounded once.
Tensor elementwise_sum(const ElementwiseSlot& slot, const char* op, TensorList inputs,
                       DType promoted, bool mean);

}  // namespace rt
