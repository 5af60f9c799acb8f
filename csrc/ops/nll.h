// Cross entropy of logits and classes.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor cross_entropy(const Tensor& x, const Tensor& target);

}  // namespace rt::ops
