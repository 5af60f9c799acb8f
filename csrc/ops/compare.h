// Comparisons: bool tensors, no gradients.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor eq(const Tensor& a, const Tensor& b);
Tensor ne(const Tensor& a, const Tensor& b);
Tensor lt(const Tensor& a, const Tensor& b);
Tensor le(const Tensor& a, const Tensor& b);
Tensor gt(const Tensor& a, const Tensor& b);
Tensor ge(const Tensor& a, const Tensor& b);

inline Tensor eq(const Tensor& a, Scalar b) { return eq(a, wrapped_number(b)); }
inline Tensor ne(const Tensor& a, Scalar b) { return ne(a, wrapped_number(b)); }
inline Tensor lt(const Tensor& a, Scalar b) { return lt(a, wrapped_number(b)); }
inline Tensor le(const Tensor& a, Scalar b) { return le(a, wrapped_number(b)); }
inline Tensor gt(const Tensor& a, Scalar b) { return gt(a, wrapped_number(b)); }
inline Tensor ge(const Tensor& a, Scalar b) { return ge(a, wrapped_number(b)); }

}  // namespace rt::ops
