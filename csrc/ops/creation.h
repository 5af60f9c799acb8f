// New tensors from shapes and numbers.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor zeros(IntList size, std::optional<DType> dtype = {}, std::optional<Device> device = {});
Tensor ones(IntList size, std::optional<DType> dtype = {}, std::optional<Device> device = {});
Tensor full(IntList size, Scalar value, std::optional<DType> dtype = {},
            std::optional<Device> device = {});
Tensor zeros_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor ones_like(const Tensor& x, std::optional<DType> dtype = {});
Tensor full_like(const Tensor& x, Scalar value, std::optional<DType> dtype = {});

}  // namespace rt::ops
