// Elements copied to other places: reversed, rolled, repeated.
#pragma once

#include "ops/kernel.h"

namespace rt {

// out = x with the dims of `reversed` (one flag a dim) read backwards.
extern KernelSlot<void(const Tensor& out, const Tensor& x, IntList reversed)> flip_kernel;

namespace ops {
Tensor flip(const Tensor& x, IntList dims);
Tensor roll(const Tensor& x, IntList shifts, IntList dims);
Tensor repeat(const Tensor& x, IntList repeats);
}  // namespace ops
}  // namespace rt
