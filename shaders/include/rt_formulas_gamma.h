// Incomplete gamma functions, the Hurwitz zeta function and the derivatives of digamma: series and
// fractions that end when the type has no more digits.
#ifndef RT_FORMULAS_GAMMA_H
#define RT_FORMULAS_GAMMA_H
#include "rt_formulas.h"

namespace RT_FORMULAS_NAMESPACE {

// ---- zeta ----

// Bernoulli numbers B(2j) / (2j)!, j = 1 to 8
template <class T>
RT_INLINE T bernoulli_part_(i32 j) {
  return j == 0   ? T(8.333333333333333e-2)
         : j == 1 ? T(-1.388888888888889e-3)
         : j == 2 ? T(3.306878306878307e-5)
         : j == 3 ? T(-8.267195767195767e-7)
         : j == 4 ? T(2.08767569878681e-8)
         : j == 5 ? T(-5.284190138687493e-10)
         : j == 6 ? T(1.3382536530684679e-11)
                  : T(-3.3896802963225827e-13);
}
// unit^s times the Hurwitz zeta of s > 1 and q > 0, by Euler and Maclaurin's summation from q + 10
// on.
template <class T>
RT_NOINLINE T hurwitz_zeta_(T s, T q, T unit) {
  T sum = T(0), a = q;
  for (i32 k = 0; k < 10; ++k, a += T(1)) sum += pow_(a / unit, -s);
  const T tail = pow_(a / unit, -s);
  sum += tail * (a / (s - T(1)) + T(0.5));
  T part = s * (tail / a);
  for (i32 j = 0; j < 8; ++j) {
    sum += bernoulli_part_<T>(j) * part;
    part *= (s + T(2 * j + 1)) / a * ((s + T(2 * j + 2)) / a);
  }
  return sum;
}
// Left of zero the sum runs over the integers on both sides of q: two series, and the part of the
// second beyond it. `even`: whether (-1)^s is 1.
template <class T>
RT_NOINLINE T zeta_from_(T s, T q, bool even) {
  if (q > T(0)) return q == inf_(q) ? T(0) : hurwitz_zeta_(s, q, T(1));
  const T down = floor_(q), f = q - down, m = -down;
  if (f == T(0)) return q == -inf_(q) ? nan_(q) : inf_(q);
  const T mirrored = hurwitz_zeta_(s, T(1) - f, T(1)) - hurwitz_zeta_(s, T(1) - f + m, T(1));
  return hurwitz_zeta_(s, f, T(1)) + (even ? mirrored : -mirrored);
}
template <class T>
RT_INLINE bool is_even_(T n) {
  return rint_(n * T(0.5)) * T(2) == n;
}
// Of negative q only integer powers are real.
template <class T>
RT_NOINLINE T zeta_(T s, T q) {
  if (s != s || q != q) return nan_(s);
  if (s == T(1)) return inf_(s);
  if (s < T(1)) return nan_(s);
  if (q <= T(0) && rint_(q) != q && rint_(s) != s) return nan_(s);
  if (s > T(1e3) || s == inf_(s)) {  // the first term is all there is
    if (q > T(0)) return q > T(1) ? T(0) : (q == T(1) ? T(1) : inf_(s));
    return zeta_from_(T(1e3), q, is_even_(s));
  }
  return zeta_from_(s, q, is_even_(s));
}

// Up to where neither the factorial nor the power that it meets leaves the type.
RT_INLINE float factorial_limit_(float) { return 10.0f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double factorial_limit_(double) { return 160.0; }
#endif
// The n-th derivative of digamma, n >= 1: (-1)^(n+1) n! zeta(n + 1, x).
template <class T>
RT_NOINLINE T polygamma_(T x, T n) {
  if (x != x) return x;
  const T sign = is_even_(n) ? T(-1) : T(1), s = n + T(1);
  if (n > factorial_limit_(n) && x > T(0) && x < inf_(x)) {
    return sign * exp_(lgamma_(s) - s * log_(x) + log_(hurwitz_zeta_(s, x, x)));
  }
  T factorial = sign;
  for (T k = T(2); k <= n && k <= factorial_limit_(n) + T(20); k += T(1)) factorial *= k;
  const T sum = zeta_from_(s, x, !is_even_(n));
  return sum == T(0) ? sum : factorial * sum;
}

// ---- incomplete gamma functions ----

RT_INLINE i32 log1p_terms_(float) { return 8; }
RT_INLINE float peak_limit_(float) { return 10.0f; }
RT_INLINE float series_end_(float) { return 1e-9f; }
RT_INLINE float fraction_end_(float) { return 1.2e-7f; }
RT_INLINE float series_limit_(float) { return 2000.0f; }  // terms
RT_INLINE float huge_(float) { return 1e30f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE i32 log1p_terms_(double) { return 17; }
RT_INLINE double peak_limit_(double) { return 100.0; }
RT_INLINE double series_end_(double) { return 1e-17; }
RT_INLINE double fraction_end_(double) { return 1e-16; }
RT_INLINE double series_limit_(double) { return 1e7; }
RT_INLINE double huge_(double) { return 1e300; }
#endif

// log(1 + x) - x, without the cancellation about 0: with r = x / (2 + x) the logarithm is
// 2 (r + r^3 / 3 + ...) and x is 2 r / (1 - r).
template <class T>
RT_INLINE T log1p_minus_(T x) {
  const T r = x / (T(2) + x), z = r * r;
  T sum = T(0);
  for (i32 k = log1p_terms_(x); k > 0; --k) sum = mad_(sum, z, T(1) / T(2 * k + 1));
  const T near_zero = T(2) * z * (r * sum - T(1) / (T(1) - r));
  return abs_(x) < T(0.5) ? near_zero : log1p_(x) - x;
}
// x^a exp(-x) / gamma(a + 1); for large a about its peak, where the logarithms would cancel.
template <class T>
RT_NOINLINE T gamma_term_(T a, T x) {
  if (a < peak_limit_(a)) return exp_(a * log_(x) - x - lgamma_(a + T(1)));
  const T r = T(1) / a, z = r * r;
  const T stirling =
      r * (T(8.333333333333333e-2) - z * (T(2.777777777777778e-3) - z * T(7.936507936507937e-4)));
  return exp_(a * log1p_minus_((x - a) / a) - stirling) * T(0.39894228040143267794) * sqrt_(r);
}
// Where series need too many terms. float32: Temme's uniform expansion (1979), of which two terms
// are enough. float64: the cube root of x / a is normal (Wilson and Hilferty).
RT_INLINE float large_limit_(float) { return 200.0f; }
RT_NOINLINE float gamma_of_large_(float a, float x, bool lower) {
  const float mu = (x - a) / a, half_square = -log1p_minus_(mu);
  const float root = sqrt_(2.0f * half_square), eta = mu < 0.0f ? -root : root;
  const float near_one = eta < -1.0f ? -1.0f : (eta > 1.0f ? 1.0f : eta);
  float c = -1.78755144e-4f + near_one * (3.91926318e-5f - near_one * 2.18544851e-6f);
  c = 1.15740741e-3f + near_one * (3.52733686e-4f + near_one * c);
  c = -3.33333333e-1f + near_one * (8.33333333e-2f + near_one * (-1.48148148e-2f + near_one * c));
  const float next =
      -1.85185185e-3f +
      near_one * (-3.47222222e-3f + near_one * (2.64550265e-3f - near_one * 9.9e-4f));
  const float density = exp_(-a * half_square) * 0.39894228f / sqrt_(a);
  const float rest = density * (c + next / a), z = eta * sqrt_(0.5f * a);
  return lower ? 0.5f * erfc_(-z) - rest : 0.5f * erfc_(z) + rest;
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double large_limit_(double) { return 1e10; }
RT_NOINLINE double gamma_of_large_(double a, double x, bool lower) {
  const double r = 1.0 / (9.0 * a), z = (exp_(log_(x / a) / 3.0) - 1.0 + r) / sqrt_(r);
  return 0.5 * erfc_((lower ? -z : z) * 0.70710678118654752440);
}
#endif
// The regularized incomplete gamma functions P (lower) and Q: the power series left of a + 1, the
// continued fraction (Lentz) right of it, each for the one that is not the difference from 1.
template <class T>
RT_NOINLINE T incomplete_gamma_(T a, T x, bool lower) {
  if (a != a || x != x || a < T(0) || x < T(0)) return nan_(x);
  const T all = lower ? T(1) : T(0), none = lower ? T(0) : T(1);
  if (a == T(0)) return x > T(0) ? all : nan_(x);
  if (x == T(0)) return none;
  if (a == inf_(a)) return x == inf_(x) ? nan_(x) : none;
  if (x == inf_(x)) return all;
  if (a > large_limit_(a)) return gamma_of_large_(a, x, lower);
  const T term = gamma_term_(a, x);
  if (x < a + T(1)) {
    T sum = T(1), part = T(1);
    for (T k = T(1); k < series_limit_(k) && part > sum * series_end_(k); k += T(1)) {
      part *= x / (a + k);
      sum += part;
    }
    const T p = term * sum;
    return lower ? p : T(1) - p;
  }
  T b = x + T(1) - a, c = huge_(x), d = T(1) / b, h = d;
  for (T k = T(1); k < series_limit_(k); k += T(1)) {
    const T n = -k * (k - a);
    b += T(2);
    d = T(1) / (n * d + b);
    c = b + n / c;
    const T step = d * c;
    h *= step;
    if (abs_(step - T(1)) < fraction_end_(k)) break;
  }
  const T q = term * a * h;
  return lower ? T(1) - q : q;
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_GAMMA_H
