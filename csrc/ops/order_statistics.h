// Elements by rank.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace rt::ops {

// The elements of each of the ranks (int64, x's shape but along dim) in increasing order along dim,
// NaN last, and their positions.
std::tuple<Tensor, Tensor> select_ranks(const Tensor& x, int64_t dim, const Tensor& ranks);

}  // namespace rt::ops
