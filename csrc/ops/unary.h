// Functions of one argument, elementwise.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor exp(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor relu(const Tensor& x);

}  // namespace rt::ops
