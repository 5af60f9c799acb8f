// Special functions that other ops and gradients use.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

// The modified Bessel function of order 0.
Tensor i0(const Tensor& x);
// Of order 1.
Tensor i1(const Tensor& x);
// The Hurwitz zeta function.
Tensor zeta(const Tensor& s, const Tensor& q);

}  // namespace rt::ops
