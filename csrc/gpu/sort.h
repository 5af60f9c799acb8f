// Sorting on compute devices, for other kernels' use.
#pragma once

#include "core/tensor.h"

namespace rt::gpu {

// The first k places of each line of x [lines, n] (contiguous) in stable order.
struct SortedLines {
  Tensor keys;    // [lines, k], unsigned: int32 of 4 bytes or, for int64 values, int64
  Tensor places;  // [lines, k], uint32 as int32
};
// `op` is who asks. x has a dtype that shaders have, and fewer than 2^31 elements.
SortedLines sort_lines(const char* op, const Tensor& x, int64_t k, bool descending);

}  // namespace rt::gpu
