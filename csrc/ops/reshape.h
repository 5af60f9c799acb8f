// Other shapes of the same elements.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor flatten(const Tensor& x, int64_t start_dim = 0, int64_t end_dim = -1);
Tensor movedim(const Tensor& x, IntList source, IntList destination);
Tensor t(const Tensor& x);

}  // namespace rt::ops
