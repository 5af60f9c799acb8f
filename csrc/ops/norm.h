// Normalization layers that others are built on.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps);

}  // namespace rt::ops
