// Reductions over any set of dims; an empty list means all.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor sum(const Tensor& x, IntList dim = {}, bool keepdim = false, std::optional<DType> dtype = {});
// Sums over the dims that were broadcast to get from `size` to x's shape.
Tensor sum_to_size(const Tensor& x, IntList size);
Tensor any(const Tensor& x);

}  // namespace rt::ops
