// Distances between rows.
#pragma once

#include "core/tensor.h"

namespace rt::ops {
Tensor pairwise_distance(const Tensor& x1, const Tensor& x2, double p = 2, double eps = 1e-6);
}  // namespace rt::ops
