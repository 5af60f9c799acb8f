// Launches of kernels that work row by row (shaders/include/rt_rows.h) or column by column.
#pragma once

#include <initializer_list>

#include "gpu/launch.h"
#include "gpu/row_form.h"
#include "rt_row_plan.h"

namespace rt::gpu {

// A contiguous tensor seen from one of its dims.
struct Shape3 {
  int64_t outer = 1, size = 1, inner = 1;
};
Shape3 around(const Tensor& x, int64_t dim, const char* op);
// Positions in rows, and their numbers, are 32-bit.
void check_positions(const Shape3& s, const char* op);
RowPlan plan_rows(const Shape3& s);

// Whether rows of n values of all tensors begin on addresses of 16 bytes and are whole packs.
bool are_packed(std::span<const Tensor> tensors, int64_t n);
// The name of t's type in kernels; "" where there is none.
const char* kernel_type(const Tensor& t);

// Launches base_HELD_type or base_long_type over the rows. `tensors`: those that are walked in
// rows, of which the first says the type. `bound`: all that comes before the plan. `flags`:
// function constants from 2 on.
void run_rows(ComputeDevice& device, const std::string& base, const char* op,
              std::span<const Tensor> tensors, const Shape3& s, uint32_t most, Arguments bound,
              std::initializer_list<bool> flags);
// The same with base_columns_type over columns.
void run_columns(ComputeDevice& device, const std::string& base, const char* op,
                 std::span<const Tensor> tensors, const Shape3& s, Arguments bound,
                 std::initializer_list<bool> flags);

}  // namespace rt::gpu
