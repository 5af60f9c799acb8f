// Bessel I1, the normal distribution's quantiles, and other special functions of statistics.
#ifndef RT_FORMULAS_STATISTICS_H
#define RT_FORMULAS_STATISTICS_H
#include "rt_formulas.h"

namespace RT_FORMULAS_NAMESPACE {

// exp(-|x|) I1(x): the power series up to 20 (no term cancels another), the asymptotic one above
// (Abramowitz and Stegun, 9.6.10 and 9.7.1).
template <class T>
RT_INLINE T i1e_(T x) {
  const T a = abs_(x), b = a < T(20) ? a : T(20), c = a > T(20) ? a : T(20);
  const T z = T(0.25) * b * b;
  T series = T(1);
  for (int k = 60; k > 0; --k) series = mad_(series * z, T(1) / (T(k) * T(k + 1)), T(1));
  const T small = T(0.5) * b * series * exp_negative_(b);
  const T r = T(1) / c;
  T tail = T(1);
  for (int k = 24; k > 0; --k) {
    const T odd = T(2 * k - 1);
    tail = mad_(tail * r, (odd * odd - T(4)) / T(8 * k), T(1));
  }
  const T large = T(0.39894228040143267794) * tail * sqrt_(r);
  return x != x ? x : copysign_(a <= T(20) ? small : large, x);
}
// I1(x), infinite where it overflows
template <class T>
RT_INLINE T i1_(T x) {
  const T a = abs_(x), b = a > i0_limit_(x) ? i0_limit_(x) : a;
  const Pair<T> e = exp_parts_(b);
  const T r = scale_(e.hi * i1e_(b), e.lo);
  return x != x ? x : copysign_(r, x);
}

// exp(x^2) erfc(x) of any x: the asymptotic series from 28 on.
template <class T>
RT_INLINE T erfcx_any_(T x) {
  const T a = abs_(x), b = a < T(28) ? a : T(28), c = a > T(28) ? a : T(28);
  const T r = T(1) / c, z = T(0.5) * r * r;
  T tail = T(1);
  for (int k = 6; k > 0; --k) tail = mad_(tail * z, T(1 - 2 * k), T(1));
  const T positive = a < T(28) ? erfcx_(b) : T(0.56418958354775628695) * tail * r;
  const T square = a * a;
  // 1e5: there the exponential is infinite, and so is the result
  const T low = square < T(1e5) ? fma_(a, a, -square) : T(0);
  const T twice = T(2) * exp_(square) * (T(1) + low);
  return x != x ? x : (x < T(0) ? twice - positive : positive);
}
// log of the normal distribution function; below -1 by erfcx, which does not underflow.
template <class T>
RT_INLINE T log_ndtr_(T x) {
  const T t = x * T(0.70710678118654752440);
  const T left = log_(T(0.5) * erfcx_any_(t < T(0) ? -t : T(0))) - t * t;
  const T right = log1p_(T(-0.5) * erfc_(t));
  return x < T(-1) ? left : right;
}
template <class T>
RT_INLINE T rational7_(T r, const T n0, const T n1, const T n2, const T n3, const T n4, const T n5,
                       const T n6, const T n7, const T d1, const T d2, const T d3, const T d4,
                       const T d5, const T d6, const T d7) {
  const T top =
      mad_(mad_(mad_(mad_(mad_(mad_(mad_(n7, r, n6), r, n5), r, n4), r, n3), r, n2), r, n1), r, n0);
  const T bottom = mad_(
      mad_(mad_(mad_(mad_(mad_(mad_(d7, r, d6), r, d5), r, d4), r, d3), r, d2), r, d1), r, T(1));
  return top / bottom;
}
// Quantiles of the normal distribution (Wichura, 1988, algorithm AS 241): 1e-16 relative.
template <class T>
RT_INLINE T ndtri_(T p) {
  const T q = p - T(0.5);
  const T inner = T(0.180625) - q * q;
  const T central = q * rational7_(inner, T(3.3871328727963666080e0), T(1.3314166789178437745e+2),
                                   T(1.9715909503065514427e+3), T(1.3731693765509461125e+4),
                                   T(4.5921953931549871457e+4), T(6.7265770927008700853e+4),
                                   T(3.3430575583588128105e+4), T(2.5090809287301226727e+3),
                                   T(4.2313330701600911252e+1), T(6.8718700749205790830e+2),
                                   T(5.3941960214247511077e+3), T(2.1213794301586595867e+4),
                                   T(3.9307895800092710610e+4), T(2.8729085735721942674e+4),
                                   T(5.2264952788528545610e+3));
  const T tail = q < T(0) ? p : T(1) - p;
  const T s = sqrt_(-log_(tail));
  const T mid = rational7_(
      s - T(1.6), T(1.42343711074968357734e0), T(4.63033784615654529590e0),
      T(5.76949722146069140550e0), T(3.64784832476320460504e0), T(1.27045825245236838258e0),
      T(2.41780725177450611770e-1), T(2.27238449892691845833e-2), T(7.74545014278341407640e-4),
      T(2.05319162663775882187e0), T(1.67638483018380384940e0), T(6.89767334985100004550e-1),
      T(1.48103976427480074590e-1), T(1.51986665636164571966e-2), T(5.47593808499534494600e-4),
      T(1.05075007164441684324e-9));
  const T far = rational7_(
      s - T(5), T(6.65790464350110377720e0), T(5.46378491116411436990e0),
      T(1.78482653991729133580e0), T(2.96560571828504891230e-1), T(2.65321895265761230930e-2),
      T(1.24266094738807843860e-3), T(2.71155556874348757815e-5), T(2.01033439929228813265e-7),
      T(5.99832206555887937690e-1), T(1.36929880922735805310e-1), T(1.48753612908506148525e-2),
      T(7.86869131145613259100e-4), T(1.84631831751005468180e-5), T(1.42151175831644588870e-7),
      T(2.04426310338993978564e-15));
  const T outer = s <= T(5) ? mid : far;
  const T r = abs_(q) <= T(0.425) ? central : (q < T(0) ? -outer : outer);
  const T inside = p == T(0) ? -inf_(p) : (p == T(1) ? inf_(p) : r);
  return p >= T(0) && p <= T(1) ? inside : nan_(p);
}

// -x log(x), 0 at 0, minus infinity below
template <class T>
RT_INLINE T entr_(T x) {
  const T r = -x * log_(x);
  return x > T(0) ? r : (x == T(0) ? T(0) : (x < T(0) ? -inf_(x) : x));
}
// x log(1 + y), 0 where x is 0 and y a number
template <class T>
RT_INLINE T xlog1py_(T x, T y) {
  const T r = x * log1p_(y);
  return y != y ? y : (x == T(0) ? T(0) : r);
}

// The parts of x = mantissa 2^exponent with 1/2 <= |mantissa| < 1; x itself and 0 for 0, infinity
// and NaN.
RT_INLINE i32 exponent_bits_(float x) { return (bits_(x) >> 23) & 0xff; }
RT_INLINE float with_half_(float x) {
  return from_bits_((bits_(x) & (i32)0x807fffff) | (i32)0x3f000000);
}
RT_INLINE float raised_(float x) { return x * 16777216.0f; }  // 2^24: no longer subnormal
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE i64 exponent_bits_(double x) { return (bits_(x) >> 52) & 0x7ff; }
RT_INLINE double with_half_(double x) {
  return from_bits_((bits_(x) & (i64)0x800fffffffffffffull) | (i64)0x3fe0000000000000ll);
}
RT_INLINE double raised_(double x) { return x * 18014398509481984.0; }  // 2^54
RT_INLINE double exponent_offset_(double) { return 1022.0; }
RT_INLINE double raised_by_(double) { return 54.0; }
#endif
RT_INLINE float exponent_offset_(float) { return 126.0f; }
RT_INLINE float raised_by_(float) { return 24.0f; }
template <class T>
RT_INLINE bool has_parts_(T x) {
  return x != T(0) && abs_(x) < inf_(x);
}
template <class T>
RT_INLINE T frexp_mantissa_(T x) {
  const T whole = exponent_bits_(x) == 0 ? raised_(x) : x;
  return has_parts_(x) ? with_half_(whole) : x;
}
template <class T>
RT_INLINE T frexp_exponent_(T x) {
  const bool small = exponent_bits_(x) == 0;
  const T e = T(exponent_bits_(small ? raised_(x) : x)) - exponent_offset_(x);
  return has_parts_(x) ? (small ? e - raised_by_(x) : e) : T(0);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_STATISTICS_H
