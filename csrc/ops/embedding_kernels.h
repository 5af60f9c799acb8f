// Work on the rows of a table.
#pragma once

#include "ops/kernel.h"

namespace rt {

// out[b] (float32 or float64, wider than or like the table) = the sum, or mean, over the i whose
// bags[i] is b of scale[i] * table[rows[i]]; bags do not decrease; `scale` may be undefined. All
// contiguous.
extern KernelSlot<void(const Tensor& out, const Tensor& table, const Tensor& rows,
                       const Tensor& bags, const Tensor& scale, bool mean)>
    bag_rows_kernel;

}  // namespace rt
