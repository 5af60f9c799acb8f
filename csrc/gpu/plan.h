// Operands of one shape as launches of elementwise kernels: dims merged, numbers passed by value,
// work split so that positions fit 32 bits.
#pragma once

#include <functional>

#include "core/tensor.h"
#include "rt_plans.h"

namespace rt::gpu {

// What a launch runs on: byte offsets of its operands within their tensors.
struct PlannedLaunch {
  ElementwisePlan plan{};
  bool strided = false;
  uint32_t threads = 0;
  std::array<int64_t, 6> offsets{};
};

// An input that is a zero-dim tensor on the CPU becomes a number of type `as`.
struct PlanInput {
  Tensor tensor;
  DType as;
};

// Calls f for each launch that together cover `out`. The inputs broadcast to it.
void plan_elementwise(const Tensor& out, std::span<const PlanInput> inputs,
                      const std::function<void(const PlannedLaunch&)>& f);

// The bits that stand for a number in ElementwisePlan::numbers.
uint64_t number_bits(const Scalar& value, DType as);

}  // namespace rt::gpu
