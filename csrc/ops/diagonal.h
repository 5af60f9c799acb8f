// Diagonals and triangles of matrices.
#pragma once

#include "ops/kernel.h"

namespace rt {

// out = x where column - row <= k (or >= k for the upper triangle), else 0; out is contiguous.
extern KernelSlot<void(const Tensor& out, const Tensor& x, int64_t k, bool upper)> triangle_kernel;

namespace ops {
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
Tensor diag_embed(const Tensor& x, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);
// Zeros of shape `sizes` with g on the diagonal.
Tensor diagonal_backward(const Tensor& g, IntList sizes, int64_t offset, int64_t dim1,
                         int64_t dim2);
Tensor tril(const Tensor& x, int64_t diagonal = 0);
Tensor triu(const Tensor& x, int64_t diagonal = 0);
}  // namespace ops
}  // namespace rt
