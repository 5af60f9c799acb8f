// Borders around tensors.
#pragma once

#include "ops/kernel.h"

namespace rt::ops {

// `pad` lists the widths before and after the last dim, then of the one before it, and so on.
Tensor constant_pad(const Tensor& x, IntList pad, Scalar value);
// mode: constant (0), reflect, replicate, circular
Tensor pad(const Tensor& x, IntList pad, std::string_view mode);

}  // namespace rt::ops
