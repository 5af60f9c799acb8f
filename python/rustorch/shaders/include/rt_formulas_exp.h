// Exponentials, logarithms, powers and hyperbolic functions. Errors in units in the last place
// (ulp).
#ifndef RT_FORMULAS_EXP_H
#define RT_FORMULAS_EXP_H
#include "rt_formulas_poly.h"

namespace RT_FORMULAS_NAMESPACE {

// A value in two parts, hi + lo; or a mantissa and its exponent (in the functions that say so).
template <class T>
struct Pair {
  T hi, lo;
};

// ---- constants by type ----
// ln 2 in two parts: multiples k * hi are exact for every exponent k.
RT_INLINE Pair<float> ln2_(float) { return {0.693359375f, -2.12194440e-4f}; }
RT_INLINE float log2e_(float) { return 1.44269504f; }
RT_INLINE float exp_low_(float) { return -104.0f; }  // exp is 0 below
RT_INLINE float exp_high_(float) { return 89.0f; }   // exp is infinite above
RT_INLINE float half_exp_high_(float) { return 89.9f; }
RT_INLINE float expm1_low_(float) { return -18.0f; }    // expm1 is -1 below
RT_INLINE float tiny_(float) { return 5.9604645e-8f; }  // x + x^2 rounds to x below
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE Pair<double> ln2_(double) {
  return {6.93147180369123816490e-01, 1.90821492927058770002e-10};
}
RT_INLINE double log2e_(double) { return 1.4426950408889634; }
RT_INLINE double exp_low_(double) { return -746.0; }
RT_INLINE double exp_high_(double) { return 710.0; }
RT_INLINE double half_exp_high_(double) { return 711.0; }
RT_INLINE double expm1_low_(double) { return -38.0; }
RT_INLINE double tiny_(double) { return 1.1102230246251565e-16; }
#endif

// ---- exponentials ----
// Out-of-range arguments run through the formulas like any other (nothing traps) and are replaced
// at the end: clamping them first lets g++ split the loop body by jump threading, which costs
// instructions. exp(x + low) as mantissa hi and biased exponent lo.
template <class T>
RT_INLINE Pair<T> exp_parts_(T x, T low) {
  const T biased = x * log2e_(x) + magic_(x), k = biased - magic_(x);
  const T r = mad_(-k, ln2_(x).lo, fma_(-k, ln2_(x).hi, x)) + low;
  return {T(1) + mad_(r * r, poly_exp_(r), r), biased};
}
template <class T>
RT_INLINE Pair<T> exp_parts_(T x) {
  const T biased = x * log2e_(x) + magic_(x), k = biased - magic_(x);
  const T r = mad_(-k, ln2_(x).lo, fma_(-k, ln2_(x).hi, x));
  return {T(1) + mad_(r * r, poly_exp_(r), r), biased};
}
// float and double: 1 ulp
template <class T>
RT_INLINE T exp_(T x) {
  const Pair<T> e = exp_parts_(x);
  const T r = from_bits_(bits_(scale_(e.hi, e.lo)) & mask_(!(x < exp_low_(x)), x));
  return x > exp_high_(x) ? inf_(x) : r;
}
// exp(-a) for a >= 0: 1 ulp
template <class T>
RT_INLINE T exp_negative_(T a) {
  const Pair<T> e = exp_parts_(-a);
  const T r = scale_down_(e.hi, e.lo);
  return -a < exp_low_(a) ? T(0) : r;
}
// exp(x) / 2 for x >= 0, finite as long as the result is: 1 ulp
template <class T>
RT_INLINE T half_exp_(T x) {
  const Pair<T> e = exp_parts_(x);
  const T r = scale_(e.hi, e.lo - T(1));
  return x > half_exp_high_(x) ? inf_(x) : r;
}
// 2^x: 1.1 ulp
RT_INLINE float exp2_(float x) {
  const float biased = x + magic_(x), r = x - (biased - magic_(x));
  const float y = scale_(mad_(r, poly_exp2_(r), 1.0f), biased);
  return x >= 128.0f ? inf_(x) : (x < -151.0f ? 0.0f : y);
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double exp2_(double x) {
  const double biased = x + magic_(x), r = x - (biased - magic_(x));
  const double y = scale_(mad_(r, poly_exp2_(r), 1.0), biased);
  return x >= 1024.0 ? inf_(x) : (x < -1080.0 ? 0.0 : y);
}
#endif
// exp(x) - 1: 1.2 ulp
template <class T>
RT_INLINE T expm1_(T x) {
  const T biased = x * log2e_(x) + magic_(x), k = biased - magic_(x);
  const T r1 = fma_(-k, ln2_(x).hi, x);
  const T r = mad_(-k, ln2_(x).lo, r1);
  const T r_low = mad_(-k, ln2_(x).lo, r1 - r);
  const T c = mad_(r * r, poly_exp_(r), r_low);
  const T halved =
      scale_normal_(T(1), biased - T(1));  // 2^(k-1): 2^k may overflow before the result does
  const T p = mad_(halved, c, mad_(halved, r, halved - T(0.5))) * T(2);
  const T s = x > exp_high_(x) ? inf_(x) : (x < expm1_low_(x) ? T(-1) : p);
  return abs_(x) < tiny_(x) ? x : s;
}

// ---- logarithms ----
// x = hi * 2^lo with hi in [sqrt(1/2), sqrt(2)), for positive finite x.
RT_INLINE Pair<float> split_exponent_(float x) {
  const i32 denormal = mask_(x < 1.17549435e-38f, x);  // multiply by 2^23
  const i32 b = bits_(x * from_bits_(0x3f800000 + (denormal & (23 << 23)))) - 0x3f3504f3;
  const float m = from_bits_((b & 0x7fffff) + 0x3f3504f3);
  return {m, (float)((b >> 23) - (denormal & 23))};
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE Pair<double> split_exponent_(double x) {
  const i64 denormal = mask_(x < 2.2250738585072014e-308, x);  // multiply by 2^52
  const u64 low = 0x3fe6a09e667f3bcdull;
  const double scaled = x * from_bits_((i64)0x3ff0000000000000ll + (denormal & ((i64)52 << 52)));
  const u64 b = (u64)bits_(scaled) + (0x3ff0000000000000ull - low);
  const double m = from_bits_((i64)((b & 0xfffffffffffffull) + low));
  // int64 to double by the bits of 2^52 + n: AVX2 has no instruction for it
  const double e = from_bits_((i64)((b >> 52) | 0x4330000000000000ull)) - 4503599627370496.0;
  return {m, (e - 1023.0) - from_bits_(denormal & (i64)0x404a000000000000ll)};
}
#endif
// log(1 + f) + e * ln 2 for 1 + f in [sqrt(1/2), sqrt(2))
RT_INLINE float log_reduced_(float f, float e) {
  const float y = f * f * mad_(f, poly_log_(f), -0.5f);
  return mad_(e, ln2_(f).hi, f + mad_(e, ln2_(f).lo, y));
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double log_reduced_(double f, double e) {
  const double s = f / (2.0 + f), z = s * s, halved_square = 0.5 * f * f;
  const double t = mad_(s, mad_(z, poly_log_s_(z), halved_square), e * ln2_(f).lo);
  return mad_(e, ln2_(f).hi, f - (halved_square - t));
}
#endif
// log(hi + lo) + extra * ln 2 for positive normal hi and |lo| far smaller
template <class T>
RT_INLINE T log_sum_(T hi, T lo, T extra) {
  const Pair<T> p = split_exponent_(hi);
  // lo * 2^-e by way of 2^(1 - e), which the largest e leaves representable
  const T f = (p.hi - T(1)) + scale_normal_(T(0.5) * lo, (magic_(hi) + T(1)) - p.lo);
  return log_reduced_(f, p.lo + extra);
}
template <class T>
RT_INLINE T log_special_(T x, T result) {
  const T pole = x == T(0) ? -inf_(x) : nan_(x);
  const T r = x < inf_(x) ? result : x;
  return x > T(0) ? r : pole;
}
// natural logarithm: 1 ulp
template <class T>
RT_INLINE T log_(T x) {
  const Pair<T> p = split_exponent_(x);
  return log_special_(x, log_reduced_(p.hi - T(1), p.lo));
}
// log(1 + x): 1.5 ulp
template <class T>
RT_INLINE T log1p_(T x) {
  const T v = T(1) + x;
  const T big = x > T(1) ? x : T(1), small = x > T(1) ? T(1) : x;
  const T lo = small - (v - big);
  const T r = log_special_(v, log_sum_(v, lo, T(0)));
  return abs_(x) < tiny_(x) ? x : r;
}
RT_INLINE float log2_(float x) {  // 1.5 ulp
  const Pair<float> p = split_exponent_(x);
  const float f = p.hi - 1.0f;
  return log_special_(x, p.lo + mad_(f, poly_log2_(f), f));
}
RT_INLINE float log10_(float x) {  // 1.5 ulp
  const Pair<float> p = split_exponent_(x);
  const float f = p.hi - 1.0f;
  const float y = mad_(f, 0.4375f, mad_(f, poly_log10_(f), p.lo * 4.6050390e-6f));
  return log_special_(x, mad_(p.lo, 0.30102539f, y));
}
#ifndef RT_FORMULAS_NO_DOUBLE
// log(1 + f) * (scale_hi + scale_lo) + e * (unit_hi + unit_lo)
RT_INLINE double log_scaled_(double x, double scale_hi, double scale_lo, double unit_hi,
                             double unit_lo) {
  const Pair<double> p = split_exponent_(x);
  const double f = p.hi - 1.0;
  const double s = f / (2.0 + f), z = s * s, halved = 0.5 * f, halved_square = halved * f;
  const double halved_square_low = fma_(halved, f, -halved_square);
  const double hi = f - halved_square;
  const double lo =
      ((f - hi) - halved_square) - halved_square_low + s * mad_(z, poly_log_s_(z), halved_square);
  const double a = hi * scale_hi;
  const double a_low = mad_(lo, scale_hi, mad_(hi, scale_lo, fma_(hi, scale_hi, -a)));
  const double whole = p.lo * unit_hi;
  const double sum = whole + a;
  const double sum_low = (whole - sum) + a;  // |whole| > |a| or whole = 0
  return sum + (mad_(p.lo, unit_lo, a_low) + sum_low);
}
RT_INLINE double log2_(double x) {  // 1 ulp
  return log_special_(x, log_scaled_(x, 1.4426950408889634, 2.0355273740931033e-17, 1.0, 0.0));
}
RT_INLINE double log10_(double x) {  // 1 ulp
  return log_special_(x, log_scaled_(x, 0.4342944819032518, 1.0983196502167651e-17,
                                     0.30102999566406652, -8.532344317057107e-14));
}
#endif

// ---- powers ----
RT_INLINE Pair<float> third_(float) { return {0.333333343f, -9.93410776e-9f}; }
RT_INLINE Pair<float> two_log2e_(float) { return {2.88539004f, 3.8519196e-8f}; }
// 2^t is surely infinite above hi and 0 below lo; scale_ copes with the values between
RT_INLINE Pair<float> exp2_range_(float) { return {160.0f, -152.0f}; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE Pair<double> third_(double) { return {0.3333333333333333, 1.850371707708594e-17}; }
RT_INLINE Pair<double> two_log2e_(double) { return {2.8853900817779268, 4.0710547481862066e-17}; }
RT_INLINE Pair<double> exp2_range_(double) { return {1100.0, -1077.0}; }
#endif
// |x|^y with log2 in two parts: log(m) / 2 = s + s^3 / 3 + s^5 (1/5 + ...), s = (m - 1) / (m + 1)
template <class T>
RT_INLINE T pow_magnitude_(T a, T y) {
  const Pair<T> p = split_exponent_(a);
  const T f = p.hi - T(1), d = p.hi + T(1), d_low = p.hi - (d - T(1)), rd = T(1) / d;
  const T s = f * rd;
  const T s_low = (fma_(-s, d, f) - s * d_low) * rd;
  const T z = s * s;
  const T z_low = mad_(T(2) * s, s_low, fma_(s, s, -z));
  const T b = z * third_(a).hi;
  const T b_low = mad_(z_low, third_(a).hi, mad_(z, third_(a).lo, fma_(z, third_(a).hi, -b)));
  const T c = z * z * poly_pow_tail_(z);
  const T u = b + c, u_low = ((b - u) + c) + b_low;
  const T v = s * u, v_low = mad_(s_low, u, mad_(s, u_low, fma_(s, u, -v)));
  const T w = s + v, w_low = ((s - w) + v) + (v_low + s_low);
  const T l = w * two_log2e_(a).hi;
  const T l_low =
      mad_(w_low, two_log2e_(a).hi, mad_(w, two_log2e_(a).lo, fma_(w, two_log2e_(a).hi, -l)));
  const T h = p.lo + l;
  const T h_low = ((p.lo - h) + l) + l_low;
  const T finite_or_inf = a == inf_(a) ? a : h;
  const T log2a = a == T(0) ? -inf_(a) : finite_or_inf;
  const T t = y * log2a;
  const T t_low = mad_(y, h_low, fma_(y, h, -t));
  const T biased = t + magic_(a);
  const T r = (t - (biased - magic_(a))) + t_low;
  const T power = scale_(mad_(r, poly_exp2_(r), T(1)), biased);
  const T low = t <= exp2_range_(a).lo ? T(0) : power;
  return t >= exp2_range_(a).hi ? inf_(a) : low;
}
// signs, zeros, infinities and NaN of IEEE 754 pow around the power of the magnitude
template <class T>
RT_INLINE T pow_special_(T x, T y, T magnitude) {
  const T a = abs_(x);
  const bool integer = trunc_(y) == y;
  const T halved = y * T(0.5);
  const bool odd = integer && trunc_(halved) != halved;
  const T m = a == T(1) && y == y ? T(1) : magnitude;
  const T flipped = odd ? copysign_(m, x) : m;
  const T r = (x < T(0) && !integer && a != inf_(a)) ? nan_(x) : flipped;
  return (x == T(1) || y == T(0)) ? T(1) : r;
}
#ifndef RT_FORMULAS_NO_DOUBLE
// float through double: 0.51 ulp
RT_INLINE float pow_(float x, float y) {
  const float a = abs_(x);
  // the exponent and mantissa come from the float; a denormal is scaled first
  const Pair<float> p = split_exponent_(a);
  const double f = (double)(p.hi - 1.0f);
  const double log2a = mad_(f, poly_pow_log2_(f), (double)p.lo);
  const float special = a == 0.0f ? -inf_(a) : a;
  const double t = (double)y * ((a == 0.0f || a == inf_(a)) ? (double)special : log2a);
  const double biased = t + magic_(t), r = t - (biased - magic_(t));
  const double power = scale_normal_(mad_(r, poly_pow_exp2_(r), 1.0), biased);
  const double low = t < -200.0 ? 0.0 : power;
  const float m = (float)(t > 200.0 ? inf_(t) : low);
  return pow_special_(x, y, a != a ? a : m);
}
RT_INLINE double pow_(double x, double y) {  // 1 ulp
  const double a = abs_(x);
  const double m = pow_magnitude_(a, y);
  return pow_special_(x, y, a != a ? a : m);
}
#else
RT_INLINE float pow_(float x, float y) {  // 1.5 ulp
  const float a = abs_(x);
  const float m = pow_magnitude_(a, y);
  return pow_special_(x, y, a != a ? a : m);
}
#endif

// ---- hyperbolic functions ----
template <class T>
RT_INLINE T sinh_(T x) {  // 1.5 ulp
  const T a = abs_(x), z = x * x;
  const T h = half_exp_(a);
  const T large = h - T(0.25) / h;
  const T small = mad_(a * z, poly_sinh_(z), a);
  return copysign_(a < T(1) ? small : large, x);
}
template <class T>
RT_INLINE T cosh_(T x) {  // 1.5 ulp
  const T h = half_exp_(abs_(x));
  return h + T(0.25) / h;
}
RT_INLINE float tanh_limit_(float) { return 10.0f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double tanh_limit_(double) { return 20.0; }
#endif
template <class T>
RT_INLINE T tanh_(T x) {  // 1.5 ulp
  const T a = abs_(x), z = x * x;
  const Pair<T> e = exp_parts_(T(2) * a);
  const T large = T(1) - T(2) / (scale_normal_(e.hi, e.lo) + T(1));
  const T small = mad_(a * z, poly_tanh_(z), a);
  return copysign_(a < T(0.6) ? small : (a > tanh_limit_(x) ? T(1) : large), x);
}
RT_INLINE float square_limit_(float) { return 1e9f; }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double square_limit_(double) { return 1e18; }
#endif
// log(1 + u + u_low)
template <class T>
RT_INLINE T log1p_sum_(T u, T u_low, T extra) {
  const T v = T(1) + u;
  const T big = u > T(1) ? u : T(1), small = u > T(1) ? T(1) : u;
  return log_sum_(v, (small - (v - big)) + u_low, extra);
}
template <class T>
RT_INLINE T asinh_(T x) {  // 2 ulp
  const T a = abs_(x);
  const bool large = a > square_limit_(x);  // asinh(x) = log(2x) there
  const T b = large ? T(1) : a, z = b * b;
  const T w = z / (T(1) + sqrt_(T(1) + z));
  const T u = b + w, u_low = w - (u - b);
  const T r = log1p_sum_(large ? a : u, large ? T(0) : u_low, large ? T(1) : T(0));
  const T s = a < tiny_(x) ? a : (a == inf_(x) ? a : r);
  return x != x ? x : copysign_(s, x);
}
template <class T>
RT_INLINE T acosh_(T x) {  // 2.5 ulp
  const bool large = x > square_limit_(x);
  const T t = (large ? T(2) : x) - T(1);
  const T w = sqrt_(fma_(t, t, T(2) * t));
  const T u = t + w, u_low = t - (u - w);
  const T r = log1p_sum_(large ? x : u, large ? T(0) : u_low, large ? T(1) : T(0));
  const T s = x == inf_(x) ? x : (x == T(1) ? T(0) : r);
  return x < T(1) ? nan_(x) : (x != x ? x : s);
}
template <class T>
RT_INLINE T atanh_(T x) {  // 1.5 ulp
  const T a = abs_(x), z = x * x;
  const bool inside = a < T(1);
  const T u = T(2) * a / (T(1) - (inside ? a : T(0)));
  const T large = T(0.5) * log1p_sum_(u, T(0), T(0));
  const T small = mad_(a * z, poly_atanh_(z), a);
  const T edge = a == T(1) ? inf_(x) : nan_(x);
  const T r = a < T(0.5) ? small : (inside ? large : edge);
  return x != x ? x : copysign_(r, x);
}
// cube root: 1 ulp
template <class T>
RT_INLINE T cbrt_(T x) {
  const T a = abs_(x);
  const Pair<T> p = split_exponent_(a);
  const T third_of_e = (p.lo * T(0.33333333333333333) + magic_(x)) - magic_(x);
  const T m = scale_normal_(p.hi, (p.lo - T(3) * third_of_e) + magic_(x));  // in [0.35, 2.83]
  T y = poly_cbrt_(m);  // near m^(-1/3); each step squares the error
  for (int i = 0; i < 3; ++i) y = mad_(y * T(0.33333333333333333), T(1) - m * y * y * y, y);
  T t = m * y * y;
  t = mad_(fma_(-t * t, t, m), y * y * T(0.33333333333333333), t);
  const T r = scale_normal_(t, third_of_e + magic_(x));
  return (a == T(0) || !(a < inf_(x))) ? x : copysign_(r, x);
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_EXP_H
