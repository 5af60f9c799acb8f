// Functions of three arguments, elementwise.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

// a where the condition holds, else b.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);
inline Tensor where(const Tensor& condition, Scalar a, const Tensor& b) {
  return where(condition, wrapped_number(a), b);
}
inline Tensor where(const Tensor& condition, const Tensor& a, Scalar b) {
  return where(condition, a, wrapped_number(b));
}
// start + weight * (end - start)
Tensor lerp(const Tensor& start, const Tensor& end, const Tensor& weight);
inline Tensor lerp(const Tensor& start, const Tensor& end, Scalar weight) {
  return lerp(start, end, wrapped_number(weight));
}
Tensor addcmul(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1);
Tensor addcdiv(const Tensor& x, const Tensor& a, const Tensor& b, Scalar value = 1);

}  // namespace rt::ops
