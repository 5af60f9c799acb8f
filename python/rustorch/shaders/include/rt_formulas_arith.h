// Rounding, sign, division with Python's rules and comparison of floats.
#ifndef RT_FORMULAS_ARITH_H
#define RT_FORMULAS_ARITH_H
#include "rt_formulas_base.h"

namespace RT_FORMULAS_NAMESPACE {

// round half to even; exact
template <class T>
RT_INLINE T round_(T x) {
  return rint_(x);
}
// x - trunc(x); NaN for infinities
template <class T>
RT_INLINE T frac_(T x) {
  return x - trunc_(x);
}
// Python's round(x, decimals): s is a power of ten, divided by where `down` is not 0.
template <class T>
RT_INLINE T round_to_(T x, T s, T down) {
  return down != T(0) ? rint_(x / s) * s : rint_(x * s) / s;
}
template <class T>
RT_INLINE bool is_finite_(T x) {
  return abs_(x) < inf_(x);
}
template <class T>
RT_INLINE T nan_to_num_(T x, T nan, T top, T bottom) {
  const T finite = x == inf_(x) ? top : (x == -inf_(x) ? bottom : x);
  return x != x ? nan : finite;
}
// -1, 0 or 1; 0 for NaN
template <class T>
RT_INLINE T sign_(T x) {
  return (x > T(0) ? T(1) : T(0)) - (x < T(0) ? T(1) : T(0));
}
template <class T>
RT_INLINE T reciprocal_(T x) {
  return T(1) / x;
}
// 1 / sqrt(x): 1 ulp
template <class T>
RT_INLINE T rsqrt_(T x) {
  return T(1) / sqrt_(x);
}
template <class T>
RT_INLINE T square_(T x) {
  return x * x;
}

// The larger (smaller) of two; NaN if either is NaN. A bitwise or keeps loops free of branches.
template <class T>
RT_INLINE T maximum_(T a, T b) {
  return ((a > b) | (a != a)) ? a : b;
}
template <class T>
RT_INLINE T minimum_(T a, T b) {
  return ((a < b) | (a != a)) ? a : b;
}
// The larger (smaller) of two; a NaN is ignored if the other is a number.
template <class T>
RT_INLINE T fmax_(T a, T b) {
  return ((a >= b) | (b != b)) ? a : b;
}
template <class T>
RT_INLINE T fmin_(T a, T b) {
  return ((a <= b) | (b != b)) ? a : b;
}
// min(max(x, low), high), NaN for any NaN
template <class T>
RT_INLINE T clamp_(T x, T low, T high) {
  return minimum_(maximum_(x, low), high);
}

// The neighbour of x in the direction of y.
RT_INLINE float nextafter_(float x, float y) {
  const i32 b = bits_(x);
  const bool away = (x < y) == (b >= 0);  // the magnitude grows
  const i32 moved = static_cast<i32>(static_cast<u32>(b) + (away ? 1u : ~0u));  // -0 wraps
  const i32 tiny = sign_bit_(y) | 1;
  const float r = from_bits_(x == 0.0f ? tiny : moved);
  return (x != x || y != y) ? x + y : (x == y ? y : r);
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double nextafter_(double x, double y) {
  const i64 b = bits_(x);
  const bool away = (x < y) == (b >= 0);
  const i64 moved = static_cast<i64>(static_cast<u64>(b) + (away ? 1u : ~u64{0}));
  const i64 tiny = sign_bit_(y) | 1;
  const double r = from_bits_(x == 0.0 ? tiny : moved);
  return (x != x || y != y) ? x + y : (x == y ? y : r);
}
#endif

// sqrt(x^2 + y^2) without overflow or underflow on the way: 1 ulp. Infinite if either argument is,
// even beside NaN.
RT_INLINE float hypot_(float x, float y) {
  const float a = abs_(x), b = abs_(y);
  const float big = a < b ? b : a, small = a < b ? a : b;
  const float up =
      big > 1.8446744e19f ? 5.4210109e-20f : (big < 5.4210109e-20f ? 1.2089258e24f : 1.0f);
  const float down =
      big > 1.8446744e19f ? 1.8446744e19f : (big < 5.4210109e-20f ? 8.271806e-25f : 1.0f);
  const float p = big * up, q = small * up;
  const float r = sqrt_(fma_(p, p, q * q)) * down;
  return (a == inf_(a) || b == inf_(b)) ? inf_(a) : r;
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double hypot_(double x, double y) {
  const double a = abs_(x), b = abs_(y);
  const double big = a < b ? b : a, small = a < b ? a : b;
  const double two500 = 3.2733906078961419e150, two_m500 = 3.0549363634996047e-151;
  const double two600 = 4.149515568880993e180, two_m600 = 2.409919865102884e-181;
  const double up = big > two500 ? two_m600 : (big < two_m500 ? two600 : 1.0);
  const double down = big > two500 ? two600 : (big < two_m500 ? two_m600 : 1.0);
  const double p = big * up, q = small * up;
  const double r = sqrt_(mad_(p, p, q * q)) * down;
  return (a == inf_(a) || b == inf_(b)) ? inf_(a) : r;
}
#endif

// C's fmod is exact. One step reduces a quotient below 2^22 (float), 2^51 (double) exactly; loops
// over blocks ask fmod_in_range_ for every element and use fmod_small_ when all agree. fmod_
// accepts everything, with a branch.
RT_INLINE bool fmod_in_range_(float x, float y) {
  const float a = abs_(x), b = abs_(y);
  return a < b * 4194304.0f && b > 1e-30f;
}
template <class T>
RT_INLINE T fmod_small_(T x, T y) {
  const T a = abs_(x), b = abs_(y);
  const T q = trunc_(a / b);
  T r = fma_(-q, b, a);  // exact: q is off by at most one
  r = r < T(0) ? r + b : r;
  r = r >= b ? r - b : r;
  return copysign_(a < b ? a : r, x);
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE bool fmod_in_range_(double x, double y) {
  const double a = abs_(x), b = abs_(y);
  return a < b * 2251799813685248.0 && b > 1e-290 && a < 1e290;
}
#endif
RT_INLINE float power_of_two_below_(float q) { return from_bits_(bits_(q) & 0x7f800000); }
#ifndef RT_FORMULAS_NO_DOUBLE
RT_INLINE double power_of_two_below_(double q) {
  return from_bits_(bits_(q) & (i64)0x7ff0000000000000ll);
}
#endif
// The whole range, bit by bit of the quotient (both aligned as integers): exact, not for vector
// loops.
RT_NOINLINE float fmod_full_(float x, float y) {
  u32 a = (u32)bits_(abs_(x)), b = (u32)bits_(abs_(y));
  if (a >= 0x7f800000u || b > 0x7f800000u || b == 0u) return nan_(x);
  if (a < b) return x;
  i32 ea = (i32)(a >> 23), eb = (i32)(b >> 23);
  u32 ma = ea ? ((a & 0x7fffffu) | 0x800000u) : a, mb = eb ? ((b & 0x7fffffu) | 0x800000u) : b;
  ea = ea ? ea : 1;
  eb = eb ? eb : 1;
  u64 r = ma % mb;
  for (i32 n = ea - eb; n > 0;) {
    const i32 step = n < 32 ? n : 32;
    r = (r << step) % mb;
    n -= step;
  }
  ma = (u32)r;
  if (ma == 0u) return copysign_(0.0f, x);
  while (ma < 0x800000u && eb > 1) {
    ma <<= 1;
    --eb;
  }
  const u32 out = ma < 0x800000u ? ma : ((ma & 0x7fffffu) | ((u32)eb << 23));
  return copysign_(from_bits_((i32)out), x);
}
#ifndef RT_FORMULAS_NO_DOUBLE
RT_NOINLINE double fmod_full_(double x, double y) {
  u64 a = (u64)bits_(abs_(x)), b = (u64)bits_(abs_(y));
  if (a >= 0x7ff0000000000000ull || b > 0x7ff0000000000000ull || b == 0u) return nan_(x);
  if (a < b) return x;
  const u64 hidden = 0x10000000000000ull;
  i32 ea = (i32)(a >> 52), eb = (i32)(b >> 52);
  u64 ma = ea ? ((a & (hidden - 1)) | hidden) : a, mb = eb ? ((b & (hidden - 1)) | hidden) : b;
  ea = ea ? ea : 1;
  eb = eb ? eb : 1;
  u64 r = ma % mb;
  for (i32 n = ea - eb; n > 0;) {
    const i32 step = n < 11 ? n : 11;
    r = (r << step) % mb;
    n -= step;
  }
  if (r == 0u) return copysign_(0.0, x);
  while (r < hidden && eb > 1) {
    r <<= 1;
    --eb;
  }
  const u64 out = r < hidden ? r : ((r & (hidden - 1)) | ((u64)eb << 52));
  return copysign_(from_bits_((i64)out), x);
}
#endif
template <class T>
RT_INLINE T fmod_(T x, T y) {
  return fmod_in_range_(x, y) ? fmod_small_(x, y) : fmod_full_(x, y);
}

// Python's % for floats: the sign of the divisor (an exact zero keeps the sign of the dividend, as
// in torch).
template <class T>
RT_INLINE T remainder_from_fmod_(T m, T y) {
  return (m != T(0) && ((y < T(0)) != (m < T(0)))) ? m + y : m;
}
// Python's // for floats, from the exact remainder of C (PEP 238; CPython's float_divmod).
template <class T>
RT_INLINE T floor_divide_from_fmod_(T x, T y, T m) {
  const T quotient = x / y;
  T div = (x - m) / y;
  div = (m != T(0) && ((y < T(0)) != (m < T(0)))) ? div - T(1) : div;
  const T down = floor_(div);
  const T near = div - down > T(0.5) ? down + T(1) : down;
  const T r = div != T(0) ? near : copysign_(T(0), quotient);
  return y == T(0) ? quotient : r;
}
template <class T>
RT_INLINE T remainder_small_(T x, T y) {
  return remainder_from_fmod_(fmod_small_(x, y), y);
}
template <class T>
RT_INLINE T remainder_(T x, T y) {
  return remainder_from_fmod_(fmod_(x, y), y);
}
template <class T>
RT_INLINE T floor_divide_small_(T x, T y) {
  return floor_divide_from_fmod_(x, y, fmod_small_(x, y));
}
template <class T>
RT_INLINE T floor_divide_(T x, T y) {
  return floor_divide_from_fmod_(x, y, fmod_(x, y));
}

}  // namespace RT_FORMULAS_NAMESPACE

#endif  // RT_FORMULAS_ARITH_H
