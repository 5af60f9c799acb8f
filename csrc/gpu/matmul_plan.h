// How a matrix product is run: which kernel, how the operands are read, how many partial sums. Pure
// functions of shapes and strides.
#pragma once

#include "core/tensor.h"
#include "rt_plans_matmul.h"

namespace rt::gpu {

enum class MatmulForm { Tile64, Tile32, Whole, Rows, Columns };

// One operand: which of its dims lies side by side, and whether that may be read by 16 bytes.
struct MatmulSide {
  bool turned = false, packed = false;
};

struct MatmulChoice {
  MatmulForm form;
  MatmulSide a, b;
  uint32_t groups;
};

struct MatrixSteps {
  int64_t rows, cols, row_step, col_step;
};
// The dim that is contiguous as rows, if there is one. `byte_offset`: of the first element.
MatmulSide side_of(const MatrixSteps& m, IntList batch_steps, int64_t byte_offset, int64_t item);

// Parts that k is summed in so that `groups` threadgroups become enough for the cores, each of
// `least` at least; k_each is a multiple of 16.
struct Splits {
  uint32_t count, each;
};
Splits split_k(int64_t k, int64_t groups, int64_t wanted, int64_t least);

// Chooses the form of a product whose plan has its sizes, steps and batch, and fills its splits.
MatmulChoice choose_matmul(MatmulPlan& plan, DType type, MatmulSide a, MatmulSide b,
                           uint32_t cores);

// The name of the form's kernel without its type.
const char* kernel_base(MatmulForm form);

}  // namespace rt::gpu
