// Sequences of numbers.
#pragma once

#include "ops/kernel.h"

namespace rt {

// What an engine fills a one-dim tensor with; element i of n.
struct Sequence {
  enum class Kind : uint8_t {
    Integers,  // first + i * step in int64
    Reals,     // start + i * step in float64
    Between,   // from start to end, counted from the nearer one, so that both ends are exact
    Powers,    // base to the power of Between
  } kind;
  int64_t first = 0, step = 1;
  double start = 0, end = 0, real_step = 0, base = 0;
};
extern KernelSlot<void(const Tensor& out, const Sequence&)> sequence_kernel;

namespace ops {
Tensor arange(Scalar start, Scalar end, Scalar step = 1, std::optional<DType> dtype = {},
              std::optional<Device> device = {});
Tensor linspace(double start, double end, int64_t steps, std::optional<DType> dtype = {},
                std::optional<Device> device = {});
}  // namespace ops
}  // namespace rt
