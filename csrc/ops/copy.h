// Copies, conversions and fills.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

// self = src, converted and broadcast; differentiable.
const Tensor& copy_(const Tensor& self, const Tensor& src, bool non_blocking = false);
Tensor clone(const Tensor& x);
Tensor contiguous(const Tensor& x);
// x itself if nothing changes.
Tensor to(const Tensor& x, DType dtype);
Tensor to(const Tensor& x, Device device);
const Tensor& fill_(const Tensor& self, Scalar value);
const Tensor& zero_(const Tensor& self);
// Makes an out= tensor fit a result; its old values are lost if it has to grow.
const Tensor& resize_(const Tensor& self, IntList sizes);

}  // namespace rt::ops
