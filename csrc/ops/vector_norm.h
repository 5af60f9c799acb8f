// Norms of vectors: of all elements, or along some dims.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor vector_norm(const Tensor& x, Scalar ord = 2, std::optional<IntList> dim = {},
                   bool keepdim = false, std::optional<DType> dtype = {});

}  // namespace rt::ops
