// Tensors put side by side.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor cat(TensorList tensors, int64_t dim = 0);
Tensor stack(TensorList tensors, int64_t dim = 0);

}  // namespace rt::ops
