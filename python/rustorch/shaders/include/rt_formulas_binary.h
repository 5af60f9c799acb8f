// Formulas of two and three floats: interpolation, sums of exponentials, neighbours of 16-bit
// floats.
#ifndef RT_FORMULAS_BINARY_H
#define RT_FORMULAS_BINARY_H
#include "rt_formulas_activation.h"
#include "rt_formulas_convert.h"

namespace RT_FORMULAS_NAMESPACE {

// From the nearer end, so that weights 0 and 1 give the ends exactly.
template <class T>
RT_INLINE T lerp_(T a, T b, T w) {
  return abs_(w) < T(0.5) ? a + w * (b - a) : b - (b - a) * (T(1) - w);
}
// log(exp(x) + exp(y)); equal infinities are themselves
template <class T>
RT_INLINE T logaddexp_(T x, T y) {
  const T big = x > y ? x : y, d = abs_(x - y);
  const T r = big + log1p_exp_negative_(d);
  return x == y && abs_(x) == inf_(x) ? x : (x != x || y != y ? x + y : r);
}
template <class T>
RT_INLINE T logaddexp2_(T x, T y) {
  const T big = x > y ? x : y, d = abs_(x - y);
  const T r = big + log1p_(exp2_(-d)) * T(1.4426950408889634074);
  return x == y && abs_(x) == inf_(x) ? x : (x != x || y != y ? x + y : r);
}
// x log(y), 0 where x is 0 and y is a number
template <class T>
RT_INLINE T xlogy_(T x, T y) {
  const T r = x * log_(y);
  return y != y ? y : (x == T(0) ? T(0) : r);
}
template <class T>
RT_INLINE T heaviside_(T x, T y) {
  return x == T(0) ? y : (x > T(0) ? T(1) : T(0));
}
// The neighbours of 16-bit floats, whose values come and go as float: the step is taken on the bits
// that the type keeps.
RT_INLINE float next_bfloat16_(float x, float y) {
  const i32 b = bits_(x), step = 0x10000;
  const bool away = (x < y) == (b >= 0);
  const i32 moved = (i32)((u32)b + (away ? 0x10000u : 0xffff0000u));  // -0 wraps
  const float r = from_bits_(x == 0.0f ? (sign_bit_(y) | step) : moved);
  return (x != x || y != y) ? x + y : (x == y ? y : r);
}
RT_INLINE float next_half_(float x, float y) {
  const i32 b = float_to_half_(x), magnitude = b & 0x7fff;
  const bool away = (x < y) == (b < 0x8000);
  const i32 moved = away ? magnitude + 1 : magnitude - 1;
  const i32 sign = x == 0.0f ? (y < 0.0f ? 0x8000 : 0) : (b & 0x8000);
  const float r = half_to_float_((u16)(sign | (x == 0.0f ? 1 : moved)));
  return (x != x || y != y) ? x + y : (x == y ? y : r);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_BINARY_H
