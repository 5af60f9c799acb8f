// Sums, products and quotients that broadcast and promote.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor add(const Tensor& a, const Tensor& b, Scalar alpha = 1);
const Tensor& add_(const Tensor& self, const Tensor& other, Scalar alpha = 1);
Tensor sub(const Tensor& a, const Tensor& b, Scalar alpha = 1);
Tensor mul(const Tensor& a, const Tensor& b);
const Tensor& mul_(const Tensor& self, const Tensor& other);
Tensor div(const Tensor& a, const Tensor& b);
Tensor neg(const Tensor& x);

// With numbers.
inline Tensor add(const Tensor& a, Scalar b) { return add(a, wrapped_number(b)); }
inline Tensor sub(const Tensor& a, Scalar b) { return sub(a, wrapped_number(b)); }
inline Tensor mul(const Tensor& a, Scalar b) { return mul(a, wrapped_number(b)); }
inline Tensor div(const Tensor& a, Scalar b) { return div(a, wrapped_number(b)); }

}  // namespace rt::ops

namespace rt {
// Formulas read better with operators.
inline Tensor operator+(const Tensor& a, const Tensor& b) { return ops::add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return ops::sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return ops::mul(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return ops::div(a, b); }
inline Tensor operator-(const Tensor& x) { return ops::neg(x); }
inline Tensor operator+(const Tensor& a, Scalar b) { return ops::add(a, b); }
inline Tensor operator-(const Tensor& a, Scalar b) { return ops::sub(a, b); }
inline Tensor operator*(const Tensor& a, Scalar b) { return ops::mul(a, b); }
inline Tensor operator/(const Tensor& a, Scalar b) { return ops::div(a, b); }
inline Tensor operator+(Scalar a, const Tensor& b) { return ops::add(wrapped_number(a), b); }
inline Tensor operator-(Scalar a, const Tensor& b) { return ops::sub(wrapped_number(a), b); }
inline Tensor operator*(Scalar a, const Tensor& b) { return ops::mul(b, a); }
inline Tensor operator/(Scalar a, const Tensor& b) { return ops::div(wrapped_number(a), b); }
}  // namespace rt
