// Running sums, products and extremes along one dim.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace rt::ops {

Tensor cumsum(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor cumprod(const Tensor& x, int64_t dim, std::optional<DType> dtype = {});
Tensor logcumsumexp(const Tensor& x, int64_t dim);
// Sums from each element to the end.
Tensor reverse_cumsum(const Tensor& x, int64_t dim);

}  // namespace rt::ops
