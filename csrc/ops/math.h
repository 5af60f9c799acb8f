// Functions of one argument, elementwise: powers, exponentials, trigonometry, special functions.
#pragma once

#include "core/tensor.h"

namespace rt::ops {

Tensor exp(const Tensor& x);
Tensor exp2(const Tensor& x);
Tensor expm1(const Tensor& x);
Tensor log(const Tensor& x);
Tensor log2(const Tensor& x);
Tensor log10(const Tensor& x);
Tensor log1p(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor rsqrt(const Tensor& x);
Tensor square(const Tensor& x);
Tensor reciprocal(const Tensor& x);

Tensor sin(const Tensor& x);
Tensor cos(const Tensor& x);
Tensor tan(const Tensor& x);
Tensor asin(const Tensor& x);
Tensor acos(const Tensor& x);
Tensor atan(const Tensor& x);
Tensor sinh(const Tensor& x);
Tensor cosh(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor asinh(const Tensor& x);
Tensor acosh(const Tensor& x);
Tensor atanh(const Tensor& x);

Tensor erf(const Tensor& x);
Tensor erfc(const Tensor& x);
Tensor erfinv(const Tensor& x);
Tensor lgamma(const Tensor& x);
Tensor digamma(const Tensor& x);
// The n-th derivative of digamma.
Tensor polygamma(int64_t n, const Tensor& x);
Tensor logit(const Tensor& x, std::optional<double> eps = {});
Tensor sinc(const Tensor& x);

Tensor floor(const Tensor& x);
Tensor ceil(const Tensor& x);
Tensor trunc(const Tensor& x);
Tensor round(const Tensor& x, int64_t decimals = 0);
Tensor frac(const Tensor& x);
Tensor sign(const Tensor& x);
// x / |x| for complex x, 0 at 0; the sign of real x.
Tensor sgn(const Tensor& x);
// The magnitude: real, also for complex x.
Tensor abs(const Tensor& x);
Tensor angle(const Tensor& x);

Tensor isnan(const Tensor& x);
Tensor isinf(const Tensor& x);
Tensor isfinite(const Tensor& x);
Tensor nan_to_num(const Tensor& x, std::optional<double> nan = {},
                  std::optional<double> posinf = {}, std::optional<double> neginf = {});
Tensor logical_not(const Tensor& x);
Tensor bitwise_not(const Tensor& x);

}  // namespace rt::ops
