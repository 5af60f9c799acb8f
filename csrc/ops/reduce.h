// Reductions over any set of dims; an empty list means all.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace rt::ops {

Tensor sum(const Tensor& x, IntList dim = {}, bool keepdim = false,
           std::optional<DType> dtype = {});
// Sums over the dims that were broadcast to get from `size` to x's shape.
Tensor sum_to_size(const Tensor& x, IntList size);
Tensor nansum(const Tensor& x, IntList dim = {}, bool keepdim = false,
              std::optional<DType> dtype = {});
Tensor mean(const Tensor& x, IntList dim = {}, bool keepdim = false,
            std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, std::optional<DType> dtype = {});
Tensor prod(const Tensor& x, int64_t dim, bool keepdim = false, std::optional<DType> dtype = {});
Tensor any(const Tensor& x, IntList dim = {}, bool keepdim = false);
Tensor all(const Tensor& x, IntList dim = {}, bool keepdim = false);

Tensor amax(const Tensor& x, IntList dim = {}, bool keepdim = false);
Tensor amin(const Tensor& x, IntList dim = {}, bool keepdim = false);
std::tuple<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keepdim = false);
std::tuple<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keepdim = false);
Tensor argmax(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<int64_t> dim = {}, bool keepdim = false);

Tensor var(const Tensor& x, IntList dim = {}, double correction = 1, bool keepdim = false);
std::tuple<Tensor, Tensor> var_mean(const Tensor& x, IntList dim = {}, double correction = 1,
                                    bool keepdim = false);
Tensor logsumexp(const Tensor& x, IntList dim, bool keepdim = false);

// x[..., index, ...] where `index` holds one position along `dim` for each of the other places; and
// its adjoint, zeros of shape `sizes` with `values` at those positions. `index` and `values` keep
// `dim` with size 1, or lack it.
Tensor take_positions(const Tensor& x, int64_t dim, const Tensor& index, bool keepdim);
Tensor put_positions(const Tensor& values, IntList sizes, int64_t dim, const Tensor& index,
                     bool keepdim);

}  // namespace rt::ops
