// Orders, sets and counts.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace rt::ops {

std::tuple<Tensor, Tensor> sort(const Tensor& x, int64_t dim = -1, bool descending = false,
                                bool stable = true);
Tensor argsort(const Tensor& x, int64_t dim = -1, bool descending = false, bool stable = true);
std::tuple<Tensor, Tensor> topk(const Tensor& x, int64_t k, int64_t dim = -1, bool largest = true,
                                bool sorted = true);
// Where each value would be inserted to keep ascending boundaries sorted.
Tensor searchsorted(const Tensor& sorted_sequence, const Tensor& values, bool right = false);

}  // namespace rt::ops
