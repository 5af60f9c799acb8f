// Error functions, logit, gamma functions and Bessel I0.
#ifndef RT_FORMULAS_SPECIAL_H
#define RT_FORMULAS_SPECIAL_H
#include "rt_formulas_trig.h"

namespace RT_FORMULAS_NAMESPACE {

// ---- error functions ----
// exp(a^2) erfc(a) for 0 <= a <= 28, a polynomial in (a - 2) / (a + 2): 1.5 ulp
template <class T>
RT_INLINE T erfcx_(T a) {
  const T r = T(1) / (a + T(2));
  return poly_erfcx_(mad_(T(-4), r, T(1))) * r;
}
RT_INLINE float erfc_limit_(float) { return 10.15f; }  // erfc is 0 above
RT_INLINE float erf_limit_(float) { return 4.0f; }     // erf is 1 above
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double erfc_limit_(double) { return 27.3; }
RT_INLINE double erf_limit_(double) { return 6.0; }
#endif
template <class T>
RT_INLINE T erf_small_(T x) {
  return mad_(x, poly_erf_(x * x), x);
}
template <class T>
RT_INLINE T erf_(T x) {  // 1 ulp
  const T a = abs_(x), square = a * a;
  const Pair<T> e = exp_parts_(-square, -fma_(a, a, -square));
  const T large = T(1) - scale_normal_(e.hi * erfcx_(a), e.lo);
  return a < T(1) ? erf_small_(x) : copysign_(a > erf_limit_(x) ? T(1) : large, x);
}
template <class T>
RT_INLINE T erfc_(T x) {  // 4.5 ulp (float), 5 ulp (double)
  const T a = abs_(x), square = a * a;
  const Pair<T> e = exp_parts_(-square, -fma_(a, a, -square));
  const T r = scale_down_(e.hi * erfcx_(a), e.lo);
  const T tail = a > erfc_limit_(x) ? T(0) : r;
  return a < T(0.5) ? T(1) - erf_small_(x) : (x < T(0) ? T(2) - tail : tail);
}
// Inverse of erf by polynomials in w = -log(1 - x^2) near the centre and in sqrt(w) in the tails
// (Giles, 2010).
RT_INLINE float erfinv_(float x) {  // 6 ulp
  const float a = abs_(x);
  const float w = -log_((1.0f - a) * (1.0f + a));
  const float center = poly_erfinv_center_(w - 2.5f), tail = poly_erfinv_tail_(sqrt_(w) - 3.0f);
  const float r = x * (w < 5.0f ? center : tail);
  return a == 1.0f ? copysign_(inf_(x), x) : r;
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double erfinv_(double x) {  // 8 ulp
  const double a = abs_(x);
  const double w = -log_((1.0 - a) * (1.0 + a)), s = sqrt_(w);
  const double center = poly_erfinv_center_(w - 3.125), mid = poly_erfinv_mid_(s - 3.25);
  const double tail = poly_erfinv_tail_(s - 5.0);
  const double r = x * (w < 6.25 ? center : (w < 16.0 ? mid : tail));
  return a == 1.0 ? copysign_(inf_(x), x) : r;
}
#endif

// log(x / (1 - x))
template <class T>
RT_INLINE T logit_(T x) {
  return log_(x / (T(1) - x));
}

// ---- gamma functions ----
// log gamma of y > 0: 4 ulp. Polynomials about its zeros 1 and 2, a product below 8, Stirling's
// series above.
template <class T>
RT_INLINE T lgamma_positive_(T y) {
  T product = T(1), v = y > T(8) ? T(2) : y;
  for (int i = 0; i < 6; ++i) {
    const bool down = v >= T(3);
    const T next = v - T(1);
    product = down ? product * next : product;
    v = down ? next : v;
  }
  const bool near_zero = y < T(0.5), near_two = v >= T(1.5);
  const T argument = near_zero || y >= T(8) ? y : product;
  const T l = log_(argument);
  const T t1 = near_zero ? y : v - T(1), t2 = v - T(2);
  // each polynomial stays inside its interval: outside it may overflow
  const T one = t1 * poly_lgamma_one_(near_two ? T(0) : t1),
          two = t2 * poly_lgamma_two_(near_two ? t2 : T(0));
  const T base = near_two ? two : one;
  const T small = near_zero ? base - l : base + l;  // l is 0 between 1/2 and 3
  const T r = T(1) / (y >= T(8) ? y : T(8));
  const T large =
      mad_(y - T(0.5), l - T(1), mad_(r, poly_stirling_(r * r), T(0.41893853320467274178)));
  return y >= T(8) ? large : small;
}
// log |gamma(x)|: 4 ulp for x > 0; for x < 0 8 ulp of the larger of the result and 1
template <class T>
RT_INLINE T lgamma_(T x) {
  const T a = abs_(x);
  const T positive = lgamma_positive_(a);
  const T s = abs_(sinpi_(a));
  // gamma(x) gamma(-x) = -pi / (x sin(pi x))
  const T reflected = -log_(a * s * T(0.31830988618379067154)) - positive;
  const T negative = a < T(1e-5) * tiny_(x) ? positive : (s == T(0) ? inf_(x) : reflected);
  return a == inf_(x) ? a : (x < T(0) ? negative : positive);
}
RT_INLINE Pair<float> digamma_root_(float) { return {1.46163213f, 1.22935e-8f}; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE Pair<double> digamma_root_(double) { return {1.4616321449683622, 9.549995429965697e-17}; }
#endif
// digamma of y > 0: 5 ulp
template <class T>
RT_INLINE T digamma_positive_(T y) {
  const bool below = y < T(1), large = y >= T(8);
  T top = T(0), bottom = T(1), v = large ? T(1) : y;
  for (int i = 0; i < 6; ++i) {  // sum of 1 / (v - 1) as one fraction
    const bool down = v >= T(2);
    const T next = v - T(1);
    top = down ? mad_(top, next, bottom) : top;
    bottom = down ? bottom * next : bottom;
    v = down ? next : v;
  }
  const T u = below ? y : v - T(1);
  const T from_root = below ? ((y - (digamma_root_(y).hi - T(1))) - digamma_root_(y).lo)
                            : ((v - digamma_root_(y).hi) - digamma_root_(y).lo);
  const T base = from_root * poly_digamma_root_(u - T(0.5));
  const T sum = (below ? T(-1) : top) / (below ? y : bottom);
  const T r = T(1) / (large ? y : T(8)), z = r * r;
  const T tail = log_(y) - mad_(z, poly_digamma_tail_(z), T(0.5) * r);
  return large ? tail : base + sum;
}
// digamma; infinite at 0 with the sign opposite to the zero's, NaN at negative integers. 5 ulp for
// x > 0; for x < 0 16 ulp of the larger of the result and 1
template <class T>
RT_INLINE T digamma_(T x) {
  const bool negative = x < T(0);
  const T positive = digamma_positive_(negative ? T(1) - x : x);
  const Pair<T> sc = sincospi_(negative && x > -inf_(x) ? x : T(0.25));
  // digamma(1 - x) - digamma(x) = pi / tan(pi x)
  const T reflected = positive - T(3.14159265358979323846) * sc.lo / sc.hi;
  const T r = negative ? ((sc.hi == T(0) || x == -inf_(x)) ? nan_(x) : reflected) : positive;
  return x == T(0) ? -copysign_(inf_(x), x) : r;
}

// ---- Bessel ----
RT_INLINE float i0_limit_(float) { return 100.0f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double i0_limit_(double) { return 720.0; }
#endif
// modified Bessel function of order 0: 5 ulp (float), 6 ulp (double)
template <class T>
RT_INLINE T i0_(T x) {
  const T a = abs_(x), b = a > i0_limit_(x) ? i0_limit_(x) : a;
  const T halved = T(0.5) * (b < T(8) ? b : T(8)), z = halved * halved;
  const T small = mad_(z, poly_i0_small_(z), T(1));
  const T c = b > T(8) ? b : T(8);
  const Pair<T> e = exp_parts_(c);
  const T large = scale_(e.hi * (poly_i0_tail_(T(1) / c) / sqrt_(c)), e.lo);
  return x != x ? x : (a <= T(8) ? small : large);
}
// exp(-|x|) I0(x): 5 ulp (float), 6 ulp (double)
template <class T>
RT_INLINE T i0e_(T x) {
  const T a = abs_(x);
  const T b = a < T(8) ? a : T(8), halved = T(0.5) * b, z = halved * halved;
  const T small = mad_(z, poly_i0_small_(z), T(1)) * exp_negative_(b);
  const T c = a > T(8) ? a : T(8);
  const T large = poly_i0_tail_(T(1) / c) / sqrt_(c);
  return x != x ? x : (a <= T(8) ? small : large);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_SPECIAL_H
