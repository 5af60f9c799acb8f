// Matrix products as column-major libraries take them: what they can be asked, and asking them.
#pragma once

#include <optional>

#include "gpu/dense_library.h"
#include "gpu/matmul_plan.h"

namespace rt::gpu {

// A matrix as a library reads it by columns: as it lies (turned) or as the transpose of that.
struct GemmSide {
  bool turned = false;
  int64_t ld = 1;
};
// Of a matrix whose rows lie in a row (its transpose, by columns) or whose columns do; none where
// neither do, or where rows overlap.
std::optional<GemmSide> gemm_side(const MatrixSteps& m);

// One operand of a product: `at` elements into a tensor's memory from its first one on.
struct MatrixOperand {
  Tensor tensor;
  MatrixSteps steps;
  Dims batch;  // steps, innermost first
  int64_t at = 0;

  int64_t byte_offset() const {
    return (tensor.offset() + at) * static_cast<int64_t>(tensor.item_size());
  }
  void bind(Arguments& a) const {
    a.memory(*tensor.storage(), static_cast<uint64_t>(byte_offset()));
  }
  void turn() {
    std::swap(steps.rows, steps.cols);
    std::swap(steps.row_step, steps.col_step);
  }
};

// The batch as calls of a library, which step through one dim of it.
struct GemmBatch {
  size_t dim = 0;     // the one, if there is any
  int64_t calls = 1;  // over the others
};
GemmBatch gemm_batch(IntList sizes);
// More calls than these cost more than our shader.
inline constexpr int64_t kMostGemmCalls = 32;
// Matrices of one call: a library's grid has no more in one direction.
inline constexpr int64_t kMostGemmBatch = 65535;

// c = a @ b for row-major operands is C^T = B^T A^T by columns. Without alignments and batch; none
// for what no library is asked: vectors, integers, layouts that it does not know.
std::optional<GemmKey> gemm_key(DType type, const MatrixSteps& a, const MatrixSteps& b,
                                const MatrixSteps& c);

// A copy that a library can read, where it could not read t (of two dims or more) itself.
Tensor gemm_operand(const Tensor& t);

// c = alpha * a @ b + beta * c for each matrix of the batch, whose sizes are innermost first. False
// if the library of the device does not take it, or the device has none: nothing was queued then.
// `bias`, if any, is added to every row; its numbers lie in a row.
bool multiply_by_library(ComputeDevice& device, const MatrixOperand& a, const MatrixOperand& b,
                         const MatrixOperand& c, IntList sizes, float alpha, float beta,
                         const Tensor* bias = nullptr);

}  // namespace rt::gpu
